//! The services one by one, where no client of ours goes.

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use relpub_sandbox::World;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::{client, world};

pub(crate) struct Key {
    pair: EcdsaKeyPair,
    spki: Vec<u8>,
}

impl Key {
    pub(crate) fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let spki = spki.as_ref().to_vec();
        Self { pair, spki }
    }

    fn sign(&self, message: &[u8]) -> String {
        let signature = self.pair.sign(&SystemRandom::new(), message).unwrap();
        STANDARD.encode(signature)
    }

    fn pem(&self) -> String {
        // Neither with lines of 64 characters nor with a newline at the end.
        let body = STANDARD.encode(&self.spki);
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----")
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes)
        .as_ref()
        .to_vec()
}

pub(crate) async fn post(url: &str, body: &Value) -> Response {
    client().post(url).json(body).send().await.unwrap()
}

/// Asks Fulcio for a certificate, proving a key with a signature over `challenge`.
pub(crate) async fn certificate(world: &World, jwt: &str, challenge: &str) -> Response {
    let key = Key::new();
    let body = json!({
        "credentials": {"oidcIdentityToken": jwt},
        "publicKeyRequest": {
            "publicKey": {"algorithm": "ECDSA", "content": key.pem()},
            "proofOfPossession": key.sign(challenge.as_bytes()),
        },
    });
    let urls = world.file().sigstore.as_ref().unwrap();
    post(&format!("{}/api/v2/signingCert", urls.fulcio), &body).await
}

pub(crate) fn rekor1_entry(key: &Key, message: &[u8]) -> Value {
    json!({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
        "data": {"hash": {"algorithm": "sha256", "value": hex::encode(sha256(message))}},
        "signature": {
            "content": key.sign(message),
            "publicKey": {"content": STANDARD.encode(key.pem())},
        },
    }})
}

#[tokio::test]
async fn rekor_v1_has_an_entry_once_and_finds_it() {
    let world = world().await;
    let url = &world.file().sigstore.as_ref().unwrap().rekor1;
    let entries = format!("{url}/api/v1/log/entries");
    let key = Key::new();
    let entry = rekor1_entry(&key, b"message");

    let created = post(&entries, &entry).await;
    assert_eq!(created.status(), StatusCode::CREATED);
    let uuid = created.headers()["etag"].to_str().unwrap().to_owned();
    let place = created.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(place, format!("/api/v1/log/entries/{uuid}"));
    let created: Value = created.json().await.unwrap();
    let index = created[&uuid]["logIndex"].as_u64().unwrap();
    let proof = &created[&uuid]["verification"]["inclusionProof"];
    assert_eq!(proof["logIndex"].as_u64().unwrap() + 4096, index);

    let again = post(&entries, &entry).await;
    assert_eq!(again.status(), StatusCode::CONFLICT);
    assert_eq!(again.headers()["location"], place.as_str());
    assert_eq!(world.sigstore.rekor1_entries(), 1);

    post(&entries, &rekor1_entry(&key, b"another")).await;
    for query in [
        place,
        format!("/api/v1/log/entries/{}", &uuid[16..]),
        format!("/api/v1/log/entries?logIndex={index}"),
    ] {
        let found = client().get(format!("{url}{query}")).send().await.unwrap();
        let found: Value = found.json().await.unwrap();
        assert_eq!(found[&uuid]["body"], created[&uuid]["body"], "{query}");
        let proof = &found[&uuid]["verification"]["inclusionProof"];
        assert_eq!(proof["treeSize"], 3);
    }
    let search = json!({"hash": format!("sha256:{}", hex::encode(sha256(b"message")))});
    let found = post(&format!("{url}/api/v1/index/retrieve"), &search).await;
    assert_eq!(found.json::<Value>().await.unwrap(), json!([uuid]));

    let mut wrong = rekor1_entry(&key, b"message");
    wrong["spec"]["signature"]["content"] = json!(key.sign(b"other"));
    let refused = post(&entries, &wrong).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let unknown = client().get(format!("{entries}?logIndex=9")).send();
    assert_eq!(unknown.await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn rekor_v1_keeps_entries_in_one_spelling() {
    let world = world().await;
    let url = &world.file().sigstore.as_ref().unwrap().rekor1;
    let key = Key::new();
    let entry = rekor1_entry(&key, b"message");
    let created = post(&format!("{url}/api/v1/log/entries"), &entry).await;
    let created: Value = created.json().await.unwrap();
    let (_, created) = created.as_object().unwrap().iter().next().unwrap();
    let body = STANDARD.decode(created["body"].as_str().unwrap()).unwrap();

    let spki = STANDARD.encode(&key.spki);
    let (first, second) = spki.split_at(64);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----\n");
    let expected = format!(
        "{{\"apiVersion\":\"0.0.1\",\"kind\":\"hashedrekord\",\"spec\":{{\"data\":{{\"hash\":\
         {{\"algorithm\":\"sha256\",\"value\":\"{}\"}}}},\"signature\":{{\"content\":\"{}\",\
         \"publicKey\":{{\"content\":\"{}\"}}}}}}}}",
        hex::encode(sha256(b"message")),
        entry["spec"]["signature"]["content"].as_str().unwrap(),
        STANDARD.encode(pem)
    );
    assert_eq!(String::from_utf8(body).unwrap(), expected);
}

pub(crate) fn rekor2_entry(key: &Key, message: &[u8]) -> Value {
    json!({"hashedRekordRequestV002": {
        "digest": STANDARD.encode(sha256(message)),
        "signature": {
            "content": key.sign(message),
            "verifier": {
                "publicKey": {"rawBytes": STANDARD.encode(&key.spki)},
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
            },
        },
    }})
}

#[tokio::test]
async fn rekor_v2_takes_one_kind_of_entry_once() {
    let world = world().await;
    let url = &world.file().sigstore.as_ref().unwrap().rekor2;
    let entries = format!("{url}/api/v2/log/entries");
    let key = Key::new();
    let entry = rekor2_entry(&key, b"message");
    let created = post(&entries, &entry).await;
    assert_eq!(created.status(), StatusCode::CREATED);
    let created: Value = created.json().await.unwrap();
    assert_eq!(created["logIndex"], "1");
    let again = post(&entries, &entry).await;
    assert_eq!(again.status(), StatusCode::CONFLICT);
    assert_eq!(again.headers()["x-log-index"], "1");

    let message = async |body: &Value| -> String {
        let refused = post(&entries, body).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        let refused: Value = refused.json().await.unwrap();
        refused["message"].as_str().unwrap().to_owned()
    };
    let dsse = message(&json!({"dsseRequestV002": {}})).await;
    assert_eq!(dsse, "invalid type, must be hashedrekord");
    let mut unknown = entry.clone();
    unknown["more"] = json!(1);
    assert!(message(&unknown).await.contains("unknown field `more`"));
    let mut wrong = entry.clone();
    wrong["hashedRekordRequestV002"]["digest"] = json!(STANDARD.encode(sha256(b"other")));
    assert_eq!(message(&wrong).await, "invalid hashedrekord request");
}

#[tokio::test]
async fn rekor_v2_can_be_read_in_tiles() {
    let world = world().await;
    let url = &world.file().sigstore.as_ref().unwrap().rekor2;
    let entries = format!("{url}/api/v2/log/entries");
    let created = post(&entries, &rekor2_entry(&Key::new(), b"message")).await;
    let created: Value = created.json().await.unwrap();
    let body = created["canonicalizedBody"].as_str().unwrap();
    let body = STANDARD.decode(body).unwrap();

    let get = async |path: &str| {
        let answer = client().get(format!("{url}/api/v2/{path}")).send();
        answer.await.unwrap().bytes().await.unwrap()
    };
    let bundle = get("tile/entries/000.p/2").await;
    assert!(bundle.ends_with(&body));
    let tile = get("tile/0/000.p/2").await;
    assert_eq!(tile[32..], sha256(&[&[0], &body[..]].concat()));
    let root = sha256(&[&[1], &tile[..]].concat());
    let checkpoint = get("checkpoint").await;
    let checkpoint = std::str::from_utf8(&checkpoint).unwrap();
    let lines: Vec<_> = checkpoint.lines().collect();
    let root = STANDARD.encode(root);
    assert_eq!(lines[..4], ["rekor2.sandbox.localhost", "2", &root, ""]);
}

#[tokio::test]
async fn junk_is_refused_by_every_service() {
    let world = world().await;
    let urls = world.file().sigstore.clone().unwrap();
    for url in [
        format!("{}/api/v2/signingCert", urls.fulcio),
        format!("{}/api/v1/log/entries", urls.rekor1),
        format!("{}/api/v2/log/entries", urls.rekor2),
        urls.tsa,
    ] {
        for body in ["", "{}", "\u{30}\u{3}\u{2}\u{1}\u{1}", "nonsense"] {
            let refused = client().post(&url).body(body).send().await.unwrap();
            assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{url} {body}");
        }
    }
    assert_eq!(world.sigstore.entries(), 0);
}
