//! The attestation store: bundles in, bundles out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use relpub_model::Sha256;
use relpub_model::decision::Decision;
use relpub_sandbox::{Fault, FaultKind};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::setup::{REPOSITORY, Setup};

const KIND: &str = "https://example.org/statement/v1";

/// A bundle about `content`; the store does not look at its signature.
fn bundle(content: &[u8], signature: &str) -> Vec<u8> {
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "demo", "digest": {"sha256": Sha256::of(content)}}],
        "predicateType": KIND,
        "predicate": {},
    });
    let bundle = json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"tlogEntries": []},
        "dsseEnvelope": {
            "payloadType": "application/vnd.in-toto+json",
            "payload": STANDARD.encode(statement.to_string()),
            "signatures": [{"sig": STANDARD.encode(signature)}],
        },
    });
    bundle.to_string().into_bytes()
}

fn stored(setup: &Setup) -> usize {
    setup.world.github.attestations(REPOSITORY).len()
}

#[tokio::test]
async fn a_bundle_is_stored_and_found_by_what_it_is_about() {
    let setup = Setup::start().await;
    let forge = setup.run().forge;
    let (wheel, other) = (Sha256::of(b"wheel"), Sha256::of(b"other"));
    assert!(forge.attestations(&wheel, KIND).await.unwrap().is_empty());
    let ours = bundle(b"wheel", "1");
    let proof = forge.attest(&ours, "wheel").await.unwrap();
    let id = setup.world.github.attestations(REPOSITORY)[0].id;
    let url = proof.url.unwrap();
    assert!(
        url.ends_with(&format!("/{REPOSITORY}/attestations/{id}")),
        "{url}"
    );
    assert!(!proof.already);
    let found = forge.attestations(&wheel, KIND).await.unwrap();
    assert_eq!(found, [ours]);
    let elsewhere = "https://example.org/other/v1";
    assert!(
        forge
            .attestations(&wheel, elsewhere)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(forge.attestations(&other, KIND).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_lost_answer_stores_nothing_twice() {
    for kind in [
        FaultKind::LostAnswer,
        FaultKind::TruncatedBody,
        FaultKind::Reset,
        FaultKind::ServerError(502),
        FaultKind::TooManyRequests { retry_after: 7 },
    ] {
        let setup = Setup::start().await;
        let forge = setup.run().forge;
        // Somebody else's about the same bytes is not taken for ours.
        forge
            .attest(&bundle(b"wheel", "theirs"), "wheel")
            .await
            .unwrap();
        let fault = Fault::new(kind, "github").at("create-attestation");
        setup.world.faults().add(fault);
        let fault = Fault::new(FaultKind::Reset, "github").at("list-attestations");
        setup.world.faults().add(fault);
        let ours = forge.attest(&bundle(b"wheel", "ours"), "wheel").await;
        ours.unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(stored(&setup), 2, "{kind}");
    }
}

#[tokio::test]
async fn what_the_store_does_not_take_is_told_apart() {
    let setup = Setup::start().await;
    let forge = setup.run().forge;
    let no_bundle = br#"{"dsseEnvelope":{"payload":"e30=","signatures":[]}}"#;
    let error = forge.attest(no_bundle, "wheel").await.unwrap_err();
    assert_eq!(error.decision, Decision::Protocol);
    assert_eq!(setup.counted("create-attestation"), 0);

    let nothing_verified = String::from_utf8(bundle(b"wheel", "1")).unwrap();
    let nothing_verified = nothing_verified.replace("verificationMaterial", "material");
    let error = forge.attest(nothing_verified.as_bytes(), "wheel").await;
    let rule = "which bundles the attestation store takes".to_owned();
    assert_eq!(error.unwrap_err().decision, Decision::Refused { rule });

    setup.world.github.deny_attestations(true);
    let error = forge.attest(&bundle(b"wheel", "1"), "wheel").await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "GitHub: could not store an attestation of wheel: HTTP 403: Resource not accessible \
         by integration; the token lacks the right `attestations: write`"
    );
    assert_eq!(stored(&setup), 0);
}

/// Passes everything on to the world's GitHub, and asks for a later version of
/// the API, in whose answers a bundle is only pointed to.
async fn later_api(setup: &Setup) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = format!("http://{}", listener.local_addr().unwrap());
    let there = setup.world.github.url().replace("http://", "");
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let server = TcpStream::connect(&there).await.unwrap();
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
            tokio::spawn(async move {
                let mut request = vec![0; 1 << 16];
                while let Ok(read @ 1..) = from_client.read(&mut request).await {
                    let text = String::from_utf8_lossy(&request[..read]);
                    let text = text.replace("2022-11-28", "2026-03-10");
                    to_server.write_all(text.as_bytes()).await.unwrap();
                }
            });
        }
    });
    here
}

#[tokio::test]
async fn every_page_is_read_and_bundles_are_fetched_where_they_are() {
    let setup = Setup::start().await;
    let ours: Vec<_> = (0..23).map(|n| bundle(b"wheel", &n.to_string())).collect();
    for bundle in &ours {
        let bundle = serde_json::from_slice(bundle).unwrap();
        setup
            .world
            .github
            .add_attestation(REPOSITORY, &bundle)
            .unwrap();
    }
    let newest_first: Vec<_> = ours.into_iter().rev().collect();
    let wheel = Sha256::of(b"wheel");
    let inline = setup.run().forge.attestations(&wheel, KIND).await.unwrap();
    assert!(inline == newest_first);
    assert_eq!(setup.counted("list-attestations"), 3);

    let mut endpoints = setup.endpoints();
    endpoints.api = later_api(&setup).await;
    setup.world.clear_log();
    let run = setup.run_at(&endpoints, Some(setup.world.github.token()));
    let fetched = run.forge.attestations(&wheel, KIND).await.unwrap();
    assert!(fetched == newest_first);
    let log = setup.world.log();
    let of_bundles = log.iter().filter(|it| it.path.contains("/bundles/"));
    let anonymous = of_bundles.filter(|it| !it.headers.contains_key("authorization"));
    assert_eq!(anonymous.count(), 23);
}
