//! Trust by TUF: a small signed repository behind a server of files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use relpub_model::decision::Decision;
use relpub_model::digest::Sha256;
use relpub_remote::RemoteError;
use relpub_remote::sigstore::{Origin, Targets, TrustMaterial, TufSource, trust_material};
use serde_json::{Value, json};
use sigstore_sign::crypto::KeyPair;
use sigstore_tuf::canonical_json::to_canonical_bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::common::Bench;

const TRUSTED_ROOT: &str = r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1","tlogs":[],"certificateAuthorities":[],"ctlogs":[],"timestampAuthorities":[]}"#;
const SIGNING_CONFIG: &str =
    r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json"}"#;

type Files = BTreeMap<String, Vec<u8>>;

/// A repository with one key for all roles, and who serves it.
struct Repository {
    key: KeyPair,
    files: Arc<Mutex<Files>>,
    source: TufSource,
    server: tokio::task::JoinHandle<()>,
}

impl Repository {
    async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/tuf", listener.local_addr().unwrap());
        let files: Arc<Mutex<Files>> = Arc::default();
        let server = tokio::spawn(serve(listener, Arc::clone(&files)));
        let key = KeyPair::generate_ecdsa_p256().unwrap();
        let root = root(&key);
        let repository = Self {
            key,
            files,
            source: TufSource {
                url: url.parse().unwrap(),
                root,
                embedded: Targets {
                    trusted_root: b"embedded root".to_vec(),
                    signing_config: b"embedded config".to_vec(),
                },
            },
            server,
        };
        repository.publish(1, TRUSTED_ROOT);
        repository
    }

    /// Signs and serves a version of everything.
    fn publish(&self, version: u32, trusted_root: &str) {
        let targets = [
            ("trusted_root.json", trusted_root),
            ("signing_config.v0.2.json", SIGNING_CONFIG),
        ];
        let mut files = Files::new();
        let mut listed = json!({});
        for (name, text) in targets {
            let sha256 = Sha256::of(text.as_bytes()).to_string();
            files.insert(format!("/tuf/targets/{sha256}.{name}"), text.into());
            listed[name] = json!({"length": text.len(), "hashes": {"sha256": sha256}});
        }
        let targets = self.sign("targets", version, "targets", listed);
        let meta = json!({"targets.json": {"version": version}});
        let snapshot = self.sign("snapshot", version, "meta", meta);
        let meta = json!({"snapshot.json": {"version": version}});
        let timestamp = self.sign("timestamp", version, "meta", meta);
        files.insert(format!("/tuf/{version}.targets.json"), targets);
        files.insert(format!("/tuf/{version}.snapshot.json"), snapshot);
        files.insert("/tuf/timestamp.json".to_owned(), timestamp);
        *self.files.lock().unwrap() = files;
    }

    fn sign(&self, role: &str, version: u32, name: &str, content: Value) -> Vec<u8> {
        let mut signed = json!({
            "_type": role,
            "spec_version": "1.0.0",
            "version": version,
            "expires": "2026-12-01T00:00:00Z",
        });
        signed[name] = content;
        envelope(&signed, &self.key)
    }

    async fn fetch(&self, bench: &Bench, cache: &Path) -> Result<TrustMaterial, RemoteError> {
        trust_material(&bench.http, &self.source, cache).await
    }
}

fn root(key: &KeyPair) -> Vec<u8> {
    let role = json!({"keyids": ["k"], "threshold": 1});
    let public = key.public_key_der().unwrap().to_pem();
    let signed = json!({
        "_type": "root",
        "spec_version": "1.0.0",
        "version": 1,
        "expires": "2027-01-01T00:00:00Z",
        "consistent_snapshot": true,
        "keys": {"k": {
            "keytype": "ecdsa",
            "scheme": "ecdsa-sha2-nistp256",
            "keyval": {"public": public},
        }},
        "roles": {"root": role, "timestamp": role, "snapshot": role, "targets": role},
    });
    envelope(&signed, key)
}

fn envelope(signed: &Value, key: &KeyPair) -> Vec<u8> {
    let signature = key.sign(&to_canonical_bytes(signed).unwrap()).unwrap();
    let mut hex = String::new();
    for byte in signature.as_bytes() {
        write!(hex, "{byte:02x}").unwrap();
    }
    let signatures = json!([{"keyid": "k", "sig": hex}]);
    json!({"signed": signed, "signatures": signatures})
        .to_string()
        .into_bytes()
}

/// Answers each connection once: with a file, or 404.
async fn serve(listener: TcpListener, files: Arc<Mutex<Files>>) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 8192];
        let length = stream.read(&mut request).await.unwrap();
        let request = String::from_utf8_lossy(&request[..length]).into_owned();
        let path = request.split(' ').nth(1).unwrap_or_default();
        let file = files.lock().unwrap().get(path).cloned();
        let status = if file.is_some() {
            "200 OK"
        } else {
            "404 Not Found"
        };
        let body = file.unwrap_or_default();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let answer = [head.as_bytes(), &body].concat();
        stream.write_all(&answer).await.unwrap();
    }
}

#[tokio::test]
async fn what_the_repository_signs_is_used_and_kept_for_bad_days() {
    let bench = Bench::start().await;
    let cache = tempfile::tempdir().unwrap();
    let repository = Repository::start().await;
    let fetched = repository.fetch(&bench, cache.path()).await.unwrap();
    assert_eq!(fetched.trusted_root, TRUSTED_ROOT.as_bytes());
    assert_eq!(fetched.signing_config, SIGNING_CONFIG.as_bytes());
    assert_eq!(fetched.origin.warning(), None);

    repository.server.abort();
    repository.server.await.unwrap_err();
    let again = trust_material(&bench.http, &repository.source, cache.path()).await;
    let again = again.unwrap();
    assert_eq!(again.trusted_root, TRUSTED_ROOT.as_bytes());
    assert!(matches!(again.origin, Origin::Cache(_)));

    // Without a cache, or when that has expired, there is what is embedded.
    let clock = bench.world.clock();
    clock.advance(SignedDuration::from_hours(24 * 14)).unwrap();
    let expired = trust_material(&bench.http, &repository.source, cache.path()).await;
    let expired = expired.unwrap();
    assert_eq!(expired.trusted_root, b"embedded root");
    let warning = expired.origin.warning().unwrap();
    assert!(
        warning.starts_with(
            "Sigstore's trusted root and signing config are those that relpub was built with: \
             Sigstore's TUF repository: could not update the trusted root: "
        ),
        "{warning}"
    );
}

#[tokio::test]
async fn what_does_not_verify_is_an_error_and_nothing_else_is_used_instead() {
    let bench = Bench::start().await;
    let cache = tempfile::tempdir().unwrap();
    let repository = Repository::start().await;
    let mut refused = Vec::new();
    let mut fetch = async |what: &str| {
        let error = repository.fetch(&bench, cache.path()).await.unwrap_err();
        assert_eq!(error.decision, Decision::Protocol, "{what}: {error}");
        refused.push(error.why.clone());
    };

    // Another target than the signed one.
    for (name, bytes) in repository.files.lock().unwrap().iter_mut() {
        if name.ends_with("trusted_root.json") {
            *bytes = TRUSTED_ROOT.replace("[]", "{}").into_bytes();
        }
    }
    fetch("another target").await;

    // Signed with another key.
    let other = KeyPair::generate_ecdsa_p256().unwrap();
    let signed = json!({
        "_type": "timestamp",
        "spec_version": "1.0.0",
        "version": 9,
        "expires": "2027-01-01T00:00:00Z",
        "meta": {"snapshot.json": {"version": 9}},
    });
    let forged = envelope(&signed, &other);
    let name = "/tuf/timestamp.json".to_owned();
    repository.files.lock().unwrap().insert(name, forged);
    fetch("a forged timestamp").await;

    // Signed, and no trusted root.
    repository.publish(2, "{}");
    fetch("a malformed target").await;

    // Older than what was seen.
    repository.publish(1, TRUSTED_ROOT);
    fetch("a rollback").await;

    assert!(refused[0].contains("integrity"), "{}", refused[0]);
    assert!(refused[1].contains("threshold"), "{}", refused[1]);
    assert!(
        refused[2].starts_with("trusted_root.json: "),
        "{}",
        refused[2]
    );
    assert!(refused[3].contains("rollback"), "{}", refused[3]);
}
