//! Signatures made and verified end to end.

use jiff::SignedDuration;
use relpub_sandbox::{Options, World};
use sigstore_sign::types::Bundle;
use sigstore_verify::{VerificationPolicy, verify};

use crate::{Rekor, SIGNER, judge, signer, statement, trusted_root, world};

const BYTES: &[u8] = b"the bytes of a release";

#[tokio::test]
async fn a_blob_and_a_statement_are_signed_through_both_logs() {
    let world = world().await;
    for rekor in [Rekor::V1, Rekor::V2] {
        let signer = signer(&world, rekor);
        let blob = signer.sign(BYTES).await.unwrap();
        let statement = statement(BYTES);
        let attestation = signer.sign_raw_statement(statement.as_bytes()).await;
        for bundle in [blob, attestation.unwrap()] {
            let bundle = Bundle::from_json(&bundle.to_json().unwrap()).unwrap();
            let result = judge(&world, BYTES, &bundle).unwrap();
            assert!(result.sct_verified() && result.tlog_verified());
            let certificate = result.certificate().unwrap();
            let claims = &certificate.ci_claims;
            assert_eq!(
                claims.source_repository_uri.as_deref(),
                Some("https://github.com/relpub/demo")
            );
            judge(&world, b"other bytes", &bundle).unwrap_err();
        }
    }
    assert_eq!(world.sigstore.rekor1_entries(), 2);
    assert_eq!(world.sigstore.rekor2_entries(), 2);
    assert_eq!(world.sigstore.entries(), 4);
    assert_eq!(world.sigstore.certificates_issued(), 4);
}

#[tokio::test]
async fn the_signer_is_who_the_token_says() {
    let world = world().await;
    world.identity.set_claims([("repository", "relpub/other")]);
    let other = signer(&world, Rekor::V1).sign(BYTES).await.unwrap();
    let error = judge(&world, BYTES, &other).unwrap_err().to_string();
    assert!(error.starts_with("identity mismatch"), "{error}");

    let email = [("email", "a@example.org"), ("email_verified", "true")];
    world.identity.set_claims(email);
    let jwt = world.identity.issue("sigstore");
    let csr = crate::services::certificate(&world, &jwt, "a@example.org").await;
    assert_eq!(csr.status(), 200);

    let wrong = world.identity.issue("other");
    let refused = crate::services::certificate(&world, &wrong, "a@example.org").await;
    assert_eq!(refused.status(), 400);
    let refused = crate::services::certificate(&world, &jwt, "b@example.org").await;
    assert_eq!(refused.status(), 400);
}

#[tokio::test]
async fn bundles_outlive_the_world_that_made_them() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(Options::new(folder.path())).await.unwrap();
    let issuer = world.identity.issuer().to_owned();
    let mut bundles = Vec::new();
    for rekor in [Rekor::V1, Rekor::V2] {
        bundles.push(signer(&world, rekor).sign(BYTES).await.unwrap());
    }
    world.stop().await;

    let world = World::start(Options::new(folder.path())).await.unwrap();
    assert_eq!(world.sigstore.entries(), 2);
    assert_eq!(world.sigstore.certificates_issued(), 2);
    let policy = VerificationPolicy::new(SIGNER, &issuer);
    for bundle in &bundles {
        verify(BYTES, bundle, &policy, &trusted_root(&world)).unwrap();
    }
    // The log goes on behind the entries that it had.
    let more = signer(&world, Rekor::V1).sign(BYTES).await.unwrap();
    judge(&world, BYTES, &more).unwrap();
    assert_eq!(world.sigstore.rekor1_entries(), 2);
}

#[tokio::test]
async fn certificates_follow_the_clock_of_the_world() {
    let world = world().await;
    world
        .clock()
        .advance(SignedDuration::from_hours(240))
        .unwrap();
    let bundle = signer(&world, Rekor::V2).sign(BYTES).await.unwrap();
    let result = judge(&world, BYTES, &bundle).unwrap();
    let times = result.verified_timestamps();
    assert_eq!(times, [world.clock().now()]);
}

#[tokio::test]
async fn faults_reach_every_service() {
    let world = world().await;
    for (fault, rekor) in [
        ("503@fulcio/signing-cert", Rekor::V1),
        ("reset@rekor1/create", Rekor::V1),
        ("flipped@rekor2/create", Rekor::V2),
        ("500@tsa/timestamp", Rekor::V2),
    ] {
        world.faults().add(fault.parse().unwrap());
        let signed = signer(&world, rekor).sign(BYTES).await;
        let refused = signed.is_err() || judge(&world, BYTES, &signed.unwrap()).is_err();
        assert!(refused, "{fault}");
        assert_eq!(world.faults().armed(), [], "{fault}");
    }
    signer(&world, Rekor::V2).sign(BYTES).await.unwrap();
}
