//! Attestations that come with an upload, and the provenance they become.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use relpub_sandbox::{Publisher, World};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sigstore_sign::oidc::IdentityToken;
use sigstore_sign::trust_root::SigningConfig;
use sigstore_sign::{SigningContext, SigningServices};

use crate::support::{Upload, client, json as get_json, sha256, take, world};
use crate::trust::mint;

/// The predicate type that worlds are told unless a caller tells another.
const PUBLISH: &str = "https://index.example.org/attestations/publish/v1";
const FILE: &str = "demo-1.0-py3-none-any.whl";

async fn token(world: &World) -> String {
    let (status, answer) = mint(world, &world.identity.issue("pypi")).await;
    assert_eq!(status, StatusCode::OK);
    answer["token"].as_str().unwrap().to_owned()
}

fn statement(upload: &Upload) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": upload.filename, "digest": {"sha256": sha256(&upload.bytes)}}],
        "predicateType": PUBLISH,
        "predicate": null,
    })
}

/// Signs a statement through Rekor v1 and returns the attestation object.
async fn attest(world: &World, statement: &Value) -> Value {
    let urls = world.file().sigstore.as_ref().unwrap();
    let config = fs::read_to_string(world.data().join(&urls.signing_config_rekor1)).unwrap();
    let config = SigningConfig::from_json(&config).unwrap();
    let services = SigningServices::from_signing_config(&config).unwrap();
    let token = IdentityToken::from_jwt(&world.identity.issue("sigstore")).unwrap();
    let signer = SigningContext::new(services)
        .with_http_client(client())
        .signer(token);
    let statement = statement.to_string();
    let bundle = signer.sign_raw_statement(statement.as_bytes()).await;
    let bundle = bundle.unwrap().to_json().unwrap();
    let bundle: Value = serde_json::from_str(&bundle).unwrap();
    let material = &bundle["verificationMaterial"];
    json!({
        "version": 1,
        "verification_material": {
            "certificate": material["certificate"]["rawBytes"],
            "transparency_entries": material["tlogEntries"],
        },
        "envelope": {
            "statement": bundle["dsseEnvelope"]["payload"],
            "signature": bundle["dsseEnvelope"]["signatures"][0]["sig"],
        },
    })
}

/// Sends an upload with these attestations and returns why it is refused.
async fn refusal(world: &World, upload: &Upload, attestations: &Value) -> String {
    let upload = upload
        .clone()
        .with("attestations", &attestations.to_string());
    let (status, code) = upload.send(&world.pypi.upload_url()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{code}");
    let start = "400 Invalid attestations supplied during upload: ";
    let why = code.strip_prefix(start).unwrap_or(&code).to_owned();
    let verification = "Could not verify the uploaded artifact using the included attestation: \
                        Verification failed: ";
    why.strip_prefix(verification).unwrap_or(&why).to_owned()
}

#[tokio::test]
async fn attestations_become_provenance() {
    let world = world().await;
    let upload = Upload::wheel(&token(&world).await, "demo", "1.0");
    let attestation = attest(&world, &statement(&upload)).await;
    let field = json!([attestation]).to_string();
    take(&world, upload.with("attestations", &field)).await;

    let url = world.pypi.url();
    let project = get_json(&format!("{url}/simple/demo/")).await;
    let place = project["files"][0]["provenance"].as_str().unwrap();
    assert_eq!(place, format!("{url}/integrity/demo/1.0/{FILE}/provenance"));
    let provenance = get_json(place).await;
    assert_eq!(
        provenance,
        json!({"version": 1, "attestation_bundles": [{
            "publisher": {
                "kind": "GitHub",
                "repository": "relpub/demo",
                "workflow": "release.yml",
                "environment": "",
                "claims": null,
            },
            "attestations": [attestation],
        }]})
    );
    assert_eq!(world.pypi.provenance(FILE), Some(provenance));

    let wanted = client().get(place).header("accept", "text/html").send();
    assert_eq!(wanted.await.unwrap().status(), StatusCode::NOT_ACCEPTABLE);
    world.pypi.set_provenance(FILE, None).unwrap();
    let missing = client().get(place).send().await.unwrap();
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn only_a_trusted_publisher_may_send_attestations() {
    let world = world().await;
    let upload = Upload::wheel(&world.pypi.token(), "demo", "1.0");
    let attestation = attest(&world, &statement(&upload)).await;
    let why = refusal(&world, &upload, &json!([attestation])).await;
    assert_eq!(
        why,
        "Attestations are only supported when using Trusted Publishing"
    );
}

#[tokio::test]
async fn a_statement_must_be_about_the_file() {
    let world = world().await;
    let upload = Upload::wheel(&token(&world).await, "demo", "1.0");
    let good = statement(&upload);
    let with = |at: &str, value: Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(at).unwrap() = value;
        changed
    };
    let subject = good["subject"][0].clone();
    for (statement, expected) in [
        (
            with("/subject/0/digest/sha256", json!(sha256(b"other"))),
            "subject does not match distribution digest",
        ),
        (
            with("/subject/0/name", json!("demo-1.1-py3-none-any.whl")),
            "subject does not match distribution name",
        ),
        (
            with("/subject", json!([subject, subject])),
            "too many subjects",
        ),
        (
            with("/predicateType", json!("https://example.org/p")),
            "Attestation with unsupported predicate type: https://example.org/p",
        ),
        (with("/predicate", json!({"a": 1})), "the predicate of a"),
    ] {
        let attestation = attest(&world, &statement).await;
        let why = refusal(&world, &upload, &json!([attestation])).await;
        assert!(why.starts_with(expected), "{why}");
    }
    let twice = attest(&world, &good).await;
    let why = refusal(&world, &upload, &json!([twice, twice])).await;
    assert!(why.starts_with("Multiple attestations"), "{why}");
    let why = refusal(&world, &upload, &json!([])).await;
    assert_eq!(why, "an empty list of attestations was supplied");
}

#[tokio::test]
async fn an_attestation_must_be_signed_and_logged_by_the_publisher() {
    let world = world().await;
    let upload = Upload::wheel(&token(&world).await, "demo", "1.0");
    let good = attest(&world, &statement(&upload)).await;
    let flip = |at: &str| {
        let mut changed = good.clone();
        let value = changed.pointer_mut(at).unwrap();
        let mut bytes = STANDARD.decode(value.as_str().unwrap()).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        *value = json!(STANDARD.encode(bytes));
        changed
    };
    let entry = "/verification_material/transparency_entries/0";
    for (at, expected) in [
        (
            "/verification_material/certificate",
            "the certificate was not issued",
        ),
        ("/envelope/statement", "the signature is invalid"),
        ("/envelope/signature", "the signature is invalid"),
        (
            &format!("{entry}/inclusionPromise/signedEntryTimestamp"),
            "the inclusion promise",
        ),
        (
            &format!("{entry}/inclusionProof/rootHash"),
            "the inclusion proof is invalid",
        ),
        (
            &format!("{entry}/logId/keyId"),
            "the entry is not from a trusted",
        ),
    ] {
        let why = refusal(&world, &upload, &json!([flip(at)])).await;
        assert!(why.starts_with(expected), "{at}: {why}");
    }

    let other = "relpub/demo/.github/workflows/other.yml@refs/heads/main";
    world.identity.set_claims([("workflow_ref", other)]);
    let attestation = attest(&world, &statement(&upload)).await;
    let why = refusal(&world, &upload, &json!([attestation])).await;
    assert!(why.starts_with("Certificate's Build Config URI"), "{why}");
    world.identity.reset_claims();
    world.identity.set_claims([("repository", "relpub/other")]);
    let attestation = attest(&world, &statement(&upload)).await;
    let why = refusal(&world, &upload, &json!([attestation])).await;
    assert!(why.starts_with("Certificate's source repository"), "{why}");

    let upload = upload.with("attestations", &json!([good]).to_string());
    take(&world, upload).await;
}

#[tokio::test]
async fn the_case_of_a_registered_repository_counts() {
    let world = world().await;
    world.pypi.clear_publishers().unwrap();
    let publisher = Publisher::any("Relpub/Demo");
    world.pypi.add_publisher(publisher).unwrap();
    let upload = Upload::wheel(&token(&world).await, "demo", "1.0");
    let attestation = attest(&world, &statement(&upload)).await;
    let why = refusal(&world, &upload, &json!([attestation])).await;
    assert!(
        why.contains("does not match `https://github.com/Relpub/Demo`"),
        "{why}"
    );
}
