//! One key and certificate for many signatures, as long as they last.

use std::collections::BTreeSet;

use futures::future::try_join_all;
use jiff::SignedDuration;
use relpub_model::digest::Sha256;
use relpub_trust::Wanted;
use serde_json::Value;

use crate::common::Bench;
use crate::{digest, judge, signing};

/// Returns the certificate in a bundle.
fn certificate(bundle: &[u8]) -> String {
    let bundle: Value = serde_json::from_slice(bundle).unwrap();
    let raw = &bundle["verificationMaterial"]["certificate"]["rawBytes"];
    raw.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn many_signatures_at_once_share_one_certificate_and_token() {
    let bench = Bench::start().await;
    let signing = signing(&bench);
    let names: Vec<_> = (0..40).map(|n| format!("file-{n}")).collect();
    let sign = |name: &String| {
        let (signing, name) = (signing.clone(), name.clone());
        async move {
            signing
                .sign_digest(&Sha256::of(name.as_bytes()), &name)
                .await
        }
    };
    let bundles = try_join_all(names.iter().map(sign)).await.unwrap();
    for (name, bundle) in names.iter().zip(&bundles) {
        let wanted = Wanted::Signature(Sha256::of(name.as_bytes()));
        judge(&bench, bundle, wanted).unwrap();
    }
    assert_eq!(bench.world.sigstore.certificates_issued(), 1);
    assert_eq!(bench.world.sigstore.rekor2_entries(), 40);
    assert_eq!(bench.requests("identity", "token").len(), 1);
}

#[tokio::test]
async fn a_certificate_is_replaced_before_it_expires() {
    let bench = Bench::start().await;
    let signing = signing(&bench);
    let mut seen = BTreeSet::new();
    let mut distinct = Vec::new();
    for minutes in [0, 7, 2, 20] {
        let clock = bench.world.clock();
        clock.advance(SignedDuration::from_mins(minutes)).unwrap();
        let bundle = signing.sign_digest(&digest(), "demo.bin").await.unwrap();
        judge(&bench, &bundle, Wanted::Signature(digest())).unwrap();
        seen.insert(certificate(&bundle));
        distinct.push(seen.len());
    }
    assert_eq!(distinct, [1, 1, 2, 3]);
    assert_eq!(bench.world.sigstore.certificates_issued(), 3);
}

#[tokio::test]
async fn a_run_signs_as_one_identity_only() {
    let bench = Bench::start().await;
    let signing = signing(&bench);
    signing.sign_digest(&digest(), "demo.bin").await.unwrap();
    bench
        .world
        .identity
        .set_claims([("repository", "relpub/other")]);
    let hours = SignedDuration::from_hours(2);
    bench.world.clock().advance(hours).unwrap();
    let error = signing
        .sign_digest(&digest(), "demo.bin")
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "identity provider: could not get an identity token for `sigstore`: the claim `sub` is not what it was when the run began"
    );
    assert_eq!(bench.world.sigstore.entries(), 1);
}
