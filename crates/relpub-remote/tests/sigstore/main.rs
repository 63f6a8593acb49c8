//! Signing against the sandbox's Sigstore; what comes out is judged by
//! `relpub-trust`.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "../common/mod.rs"]
mod common;
mod deviations;
mod faults;
mod reuse;
mod tuf;

use std::fs;

use relpub_model::digest::Sha256;
use relpub_model::evidence::{SignerRule, Subject};
use relpub_remote::sigstore::{Log, Signing, SigningServices};
use relpub_trust::{Rejection, Signer, TrustRoot, VerifiedEvidence, Wanted, verify};
use serde_json::Value;

use self::common::Bench;

const PREDICATE: &str = "https://example.org/predicate/v1";
const BYTES: &[u8] = b"the bytes of a release";

/// Reads a file that the world file names.
fn read(bench: &Bench, path: &str) -> Vec<u8> {
    fs::read(bench.world.data().join(path)).unwrap()
}

/// Signs through Rekor v2, and statements on demand through v1.
fn signing(bench: &Bench) -> Signing {
    let urls = bench.world.file().sigstore.as_ref().unwrap();
    let now = bench.world.clock().now();
    let services = SigningServices::from_json(&read(bench, &urls.signing_config), now).unwrap();
    assert!(!services.has_rekor1());
    let rekor1 = read(bench, &urls.signing_config_rekor1);
    let services = services.with_rekor1_config(&rekor1, now).unwrap();
    Signing::new(&bench.http, services, &bench.environment(), None)
}

/// Signs everything through Rekor v1.
fn signing_v1(bench: &Bench) -> Signing {
    let urls = bench.world.file().sigstore.as_ref().unwrap();
    let config = read(bench, &urls.signing_config_rekor1);
    let services = SigningServices::from_json(&config, bench.world.clock().now()).unwrap();
    Signing::new(&bench.http, services, &bench.environment(), None)
}

fn signer(bench: &Bench) -> Signer {
    let rule = SignerRule {
        issuer: bench.world.identity.issuer().to_owned(),
        repository: "relpub/demo".to_owned(),
        repository_id: None,
        workflow: None,
        git_ref: None,
        environment: None,
    };
    Signer::one_of(&[rule]).unwrap()
}

fn judge(bench: &Bench, bundle: &[u8], wanted: Wanted<'_>) -> Result<VerifiedEvidence, Rejection> {
    let urls = bench.world.file().sigstore.as_ref().unwrap();
    let root = TrustRoot::from_json(&read(bench, &urls.trusted_root)).unwrap();
    let now = bench.world.clock().now();
    verify(bundle, wanted, &signer(bench), &root, now)
}

fn digest() -> Sha256 {
    Sha256::of(BYTES)
}

/// Returns a statement about [`BYTES`].
fn statement() -> Vec<u8> {
    let subject = Subject {
        name: "demo.bin".to_owned(),
        sha256: digest(),
    };
    let statement = serde_json::json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": subject.name, "digest": {"sha256": subject.sha256.to_string()}}],
        "predicateType": PREDICATE,
        "predicate": {},
    });
    statement.to_string().into_bytes()
}

/// Returns kind and version of a bundle's log entry.
fn kind(bundle: &[u8]) -> String {
    let bundle: Value = serde_json::from_slice(bundle).unwrap();
    let entries = bundle["verificationMaterial"]["tlogEntries"].as_array();
    let entries = entries.unwrap();
    assert_eq!(entries.len(), 1);
    let kind = &entries[0]["kindVersion"];
    let text = |name: &str| kind[name].as_str().unwrap().to_owned();
    format!("{} {}", text("kind"), text("version"))
}

#[tokio::test]
async fn bytes_and_statements_are_signed_through_both_logs() {
    let bench = Bench::start().await;
    let wanted = Wanted::StatementAbout(PREDICATE, digest());
    let (v1, v2) = (signing_v1(&bench), signing(&bench));
    let mut kinds = Vec::new();
    for signing in [&v2, &v1] {
        let bundle = signing.sign_digest(&digest(), "demo.bin").await.unwrap();
        let evidence = judge(&bench, &bundle, Wanted::Signature(digest())).unwrap();
        assert!(!evidence.get().times.is_empty());
        judge(&bench, &bundle, Wanted::Signature(Sha256::of(b"other"))).unwrap_err();
        kinds.push(kind(&bundle));
    }
    for (signing, log) in [
        (&v2, Log::Configured),
        (&v2, Log::Rekor1),
        (&v1, Log::Configured),
    ] {
        let signed = signing
            .sign_statement(&statement(), "a statement", log)
            .await;
        let bundle = signed.unwrap();
        judge(&bench, &bundle, wanted).unwrap();
        kinds.push(kind(&bundle));
    }
    assert_eq!(
        kinds,
        [
            "hashedrekord 0.0.2",
            "hashedrekord 0.0.1",
            "hashedrekord 0.0.2",
            "dsse 0.0.1",
            "dsse 0.0.1"
        ]
    );
    let seen = format!("{:?}", bench.events.lock().unwrap());
    bench.world.assert_no_secret(&seen);
}

#[tokio::test]
async fn without_an_identity_nothing_is_signed() {
    let bench = Bench::start().await;
    let urls = bench.world.file().sigstore.as_ref().unwrap();
    let now = bench.world.clock().now();
    let services = SigningServices::from_json(&read(&bench, &urls.signing_config), now).unwrap();
    let nobody = relpub_remote::Environment::default();
    let signing = Signing::new(&bench.http, services, &nobody, None);
    assert!(!signing.is_available());
    let error = signing
        .sign_digest(&digest(), "demo.bin")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("id-token: write"), "{error}");
    let statement = statement();
    let refused = signing.sign_statement(&statement, "a statement", Log::Rekor1);
    let refused = refused.await.unwrap_err().to_string();
    assert_eq!(
        refused,
        "Rekor: could not log the signature of a statement: the signing config names no Rekor v1 log that can be used now"
    );
    assert_eq!(bench.world.sigstore.entries(), 0);
}

#[tokio::test]
async fn the_claims_are_known_before_anything_is_signed() {
    let bench = Bench::start().await;
    bench
        .world
        .identity
        .set_claims([("repository", "relpub/other")]);
    let signing = signing(&bench);
    assert!(signing.is_available());
    let claims = signing.claims().await.unwrap();
    let refused = signer(&bench).check_token(&claims).unwrap_err().to_string();
    assert!(refused.contains("relpub/other"), "{refused}");
    assert_eq!(bench.world.sigstore.certificates_issued(), 0);
    assert_eq!(bench.world.sigstore.entries(), 0);

    bench.world.identity.reset_claims();
    let claims = self::signing(&bench).claims().await.unwrap();
    signer(&bench).check_token(&claims).unwrap();
}
