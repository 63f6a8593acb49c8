//! No secret comes back, even from a server that repeats all it was told.

#![allow(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::{Bench, Files};
use relpub_model::config::{Audience, ConfirmBy, Credential, Destination, DestinationKind, When};
use relpub_model::findings::{Distribution, Metadata};
use relpub_model::promotion::{Edge, Mutability};
use relpub_model::world::{Identity, Index, S3};
use relpub_remote::{Environment, Publisher, PyPi, Session, Source};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const SECRETS: [(&str, &str); 6] = [
    ("TOKEN", "pypi-AgEsecretsecret"),
    ("PASSWORD", "pass:word/+secret"),
    ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-secret"),
    ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "aws-secret"),
    ("AWS_SESSION_TOKEN", "session-secret=="),
];

/// Serves answers of one status that repeat the request: as text, and in JSON
/// for who asks for a token.
async fn parrot(status: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut heard = vec![0; 64 * 1024];
                let read = stream.read(&mut heard).await.unwrap_or(0);
                let heard = String::from_utf8_lossy(&heard[..read]).into_owned();
                let (status, body) = answer(status, &heard);
                let start = format!(
                    "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\nconnection: close\r\n\
                     content-length: {}\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all((start + &body).as_bytes()).await;
            });
        }
    });
    url
}

fn answer(status: u16, heard: &str) -> (u16, String) {
    let json = if heard.contains("/_/oidc/audience") {
        serde_json::json!({"audience": "pypi"})
    } else if heard.starts_with("GET /token") {
        // {"aud":"pypi","exp":9999999999}
        serde_json::json!({"value": "e30.eyJhdWQiOiJweXBpIiwiZXhwIjo5OTk5OTk5OTk5fQ.jwtsecret"})
    } else {
        return (status, serde_json::json!({"message": heard}).to_string());
    };
    (200, json.to_string())
}

#[tokio::test]
async fn no_secret_comes_back() {
    for status in [400, 401, 403, 404, 409, 422, 429, 500, 503, 302] {
        let bench = Bench::start().await;
        let url = parrot(status).await;
        let credentials = [
            Credential::Env("TOKEN".to_owned()),
            Credential::Trusted,
            Credential::Basic {
                username: "me".to_owned(),
                password_env: "PASSWORD".to_owned(),
            },
        ];
        let mut shown = vec![use_bucket(&bench, &url).await];
        for credential in credentials {
            shown.push(use_index(&bench, &url, credential).await);
        }
        shown.push(format!("{:?}", bench.events.lock().unwrap()));
        let shown = shown.concat();
        assert!(
            shown.contains("HTTP ") && shown.contains("REDACTED"),
            "{shown}"
        );
        for secret in SECRETS
            .map(|(_, secret)| secret)
            .iter()
            .filter(|it| **it != "AKIAEXAMPLE")
        {
            assert!(!shown.contains(secret), "{status}: {secret} in {shown}");
        }
        for encoded in ["jwtsecret", "X190b2tlbl9fOnB5cGktQWdF", "bWU6cGFzczp3b3Jk"] {
            assert!(!shown.contains(encoded), "{status}: {encoded} in {shown}");
        }
    }
}

fn environment() -> Environment {
    Environment::from_vars(SECRETS.map(|(name, value)| (name.to_owned(), value.to_owned())))
}

async fn use_index(bench: &Bench, url: &str, credential: Credential) -> String {
    let name = "demo-1.0.tar.gz";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    common::write(&path, b"demo");
    let mut files = Files::default();
    let bytes = files.add(&path);
    let edge = Edge {
        destination: "private".parse().unwrap(),
        name: name.parse().unwrap(),
        sha256: bytes.sha256,
        size: bytes.size,
        mutability: Mutability::Immutable,
    };
    let urls = Index {
        upload: format!("{url}/legacy/"),
        index: format!("{url}/simple/"),
    };
    let destination = Destination {
        name: "private".parse().unwrap(),
        kind: DestinationKind::Index {
            urls: Some(urls.clone()),
        },
        credential,
        audience: Audience::Private,
        confirm: ConfirmBy::Bytes,
        attestations: true,
        when: When::default(),
    };
    let identity = Identity {
        request_url: format!("{url}/token"),
        issuer: url.to_owned(),
    };
    let (http, environment) = (bench.http.clone(), environment());
    let pypi = PyPi::new(http, &destination, &urls, &environment, Some(&identity));
    let distribution = Distribution {
        name: name.parse().unwrap(),
        metadata: Metadata::default(),
        native: Vec::new(),
    };
    let known = BTreeMap::from([(edge.name.clone(), distribution)]);
    let index = Publisher::PyPi(pypi).with_distributions(Arc::new(known));
    let wanted = [edge.name.clone()];
    let (audience, by) = (Audience::Private, ConfirmBy::Bytes);
    let probed = index.probe(&wanted, true).await;
    let state = index.credential().await;
    let edges = [edge];
    let published = index.publish(&Session::None, &edges, &files).await;
    let confirmed = index.confirm(&edges, audience, by).await;
    let published = published.unwrap_err();
    let failure = published.failure();
    format!("{probed:?} {state:?} {published} {published:?} {failure:?} {confirmed:?}")
}

async fn use_bucket(bench: &Bench, url: &str) -> String {
    let s3 = S3 {
        endpoint: url.to_owned(),
        region: "here".to_owned(),
    };
    let ambient = Credential::Ambient;
    let source = Source::s3(&bench.http, "b", "p", Some(&s3), &ambient, &environment());
    let listed = source.unwrap().list().await.unwrap_err();
    format!("{listed} {listed:?}")
}
