//! Services that are down, slow, or forget to answer.

use futures::future::join_all;
use jiff::SignedDuration;
use relpub_model::decision::Decision;
use relpub_remote::sigstore::Log;
use relpub_sandbox::{Fault, FaultKind};
use relpub_trust::Wanted;

use crate::common::Bench;
use crate::{PREDICATE, digest, judge, signing, signing_v1, statement};

#[tokio::test]
async fn what_fails_for_a_while_is_tried_again() {
    let bench = Bench::start().await;
    for fault in [
        "503@identity/token",
        "503@fulcio/signing-cert:2",
        "reset@fulcio",
        "429@tsa",
        "lost-answer@tsa",
        "truncated@tsa",
        "500@rekor2/create:3",
        "slow@rekor2",
        "slow@fulcio",
    ] {
        bench.world.faults().add(fault.parse().unwrap());
        let bundle = signing(&bench).sign_digest(&digest(), "demo.bin").await;
        let bundle = bundle.unwrap_or_else(|error| panic!("{fault}: {error}"));
        judge(&bench, &bundle, Wanted::Signature(digest())).unwrap();
        assert_eq!(bench.world.faults().armed(), [], "{fault}");
    }
}

#[tokio::test]
async fn a_service_that_stays_down_is_named_with_what_was_to_be_signed() {
    let bench = Bench::start().await;
    let mut said = Vec::new();
    for fault in ["503@fulcio:9", "503@tsa:9", "reset@rekor2:9"] {
        bench.world.faults().add(fault.parse().unwrap());
        let signed = signing(&bench).sign_digest(&digest(), "demo.bin").await;
        let error = signed.unwrap_err();
        assert_eq!(error.decision, Decision::Transient);
        assert_eq!(error.attempts, 4);
        let text = error.to_string();
        said.push(text.split(": ").take(2).collect::<Vec<_>>().join(": "));
        bench.world.faults().clear();
    }
    assert_eq!(
        said,
        [
            "Fulcio: could not get a certificate to sign demo.bin",
            "timestamp authority: could not timestamp the signature of demo.bin",
            "Rekor: could not log the signature of demo.bin",
        ]
    );
    assert_eq!(bench.world.sigstore.entries(), 0);
}

#[tokio::test]
async fn a_fulcio_that_is_down_is_tried_once_for_all() {
    let bench = Bench::start().await;
    bench.world.faults().add("503@fulcio:99".parse().unwrap());
    let signing = signing(&bench);
    let sha256 = digest();
    let names: Vec<_> = (0..20).map(|n| format!("file-{n}")).collect();
    let all = names.iter().map(|name| signing.sign_digest(&sha256, name));
    let results = join_all(all).await;
    assert_eq!(bench.requests("fulcio", "signing-cert").len(), 4);
    for (name, result) in names.iter().zip(results) {
        assert_eq!(&result.unwrap_err().thing, name);
    }
    // Asked again later, it is tried again.
    bench.world.faults().clear();
    signing.sign_digest(&sha256, "later").await.unwrap();

    // So is an issuer that is down, which is asked for no file in particular.
    let asked = bench.requests("identity", "token").len();
    let signing = crate::signing(&bench);
    bench.world.faults().add("503@identity:99".parse().unwrap());
    let both = join_all([&names[0], &names[1]].map(|name| signing.sign_digest(&sha256, name)));
    for result in both.await {
        assert_eq!(result.unwrap_err().thing, "`sigstore`");
    }
    assert_eq!(bench.requests("identity", "token").len(), asked + 4);
}

#[tokio::test]
async fn an_entry_whose_answer_was_lost_is_found_in_rekor_v1() {
    let bench = Bench::start().await;
    let signing = signing(&bench);
    for (log, fault) in [
        (Log::Rekor1, "lost-answer@rekor1/create"),
        (Log::Rekor1, "truncated@rekor1/create"),
    ] {
        bench.world.faults().add(fault.parse().unwrap());
        let statement = statement();
        let signed = signing.sign_statement(&statement, "a statement", log).await;
        let wanted = Wanted::StatementAbout(PREDICATE, digest());
        judge(&bench, &signed.unwrap(), wanted).unwrap();
    }
    assert_eq!(bench.world.sigstore.rekor1_entries(), 2);
    assert_eq!(bench.requests("rekor1", "entry").len(), 2);
    assert_eq!(bench.world.sigstore.certificates_issued(), 1);
}

#[tokio::test]
async fn an_entry_whose_answer_was_lost_is_signed_anew_for_rekor_v2() {
    let bench = Bench::start().await;
    let signing = signing(&bench);
    let lost = "lost-answer@rekor2/create";
    bench.world.faults().add(lost.parse().unwrap());
    let bundle = signing.sign_digest(&digest(), "demo.bin").await.unwrap();
    judge(&bench, &bundle, Wanted::Signature(digest())).unwrap();
    assert_eq!(bench.world.sigstore.rekor2_entries(), 2);
    assert_eq!(bench.world.sigstore.certificates_issued(), 2);
}

#[tokio::test]
async fn a_log_that_never_hands_out_what_it_holds_is_given_up() {
    let bench = Bench::start().await;
    for n in [0, 2, 4] {
        let fault = Fault::new(FaultKind::LostAnswer, "rekor2");
        bench.world.faults().add(fault.at("create").after(n));
    }
    let signed = signing(&bench).sign_digest(&digest(), "demo.bin").await;
    let error = signed.unwrap_err();
    assert_eq!(error.decision, Decision::Conflict);
    assert!(error.to_string().starts_with(
        "Rekor: could not log the signature of demo.bin: 3 signatures came to nothing"
    ));
    assert_eq!(bench.world.sigstore.certificates_issued(), 3);
}

#[tokio::test]
async fn what_was_signed_too_slowly_is_signed_anew() {
    let bench = Bench::start().await;
    let signing = signing_v1(&bench);
    signing.sign_digest(&digest(), "first").await.unwrap();
    let clock = bench.world.clock();
    clock.advance(SignedDuration::from_mins(7)).unwrap();
    let slow = FaultKind::TooManyRequests { retry_after: 600 };
    let fault = Fault::new(slow, "rekor1").at("create");
    bench.world.faults().add(fault);
    let bundle = signing.sign_digest(&digest(), "demo.bin").await.unwrap();
    judge(&bench, &bundle, Wanted::Signature(digest())).unwrap();
    assert_eq!(bench.world.sigstore.certificates_issued(), 2);
}

#[tokio::test]
async fn nonsense_never_becomes_a_signature_that_passes() {
    let bench = Bench::start().await;
    for service in ["identity/token", "fulcio", "tsa", "rekor1", "rekor2"] {
        let fault = format!("flipped@{service}");
        bench.world.faults().add(fault.parse().unwrap());
        let signing = if service == "rekor1" {
            signing_v1(&bench)
        } else {
            signing(&bench)
        };
        match signing.sign_digest(&digest(), "demo.bin").await {
            Err(error) => assert!(
                matches!(
                    error.decision,
                    Decision::Protocol | Decision::Refused { .. } | Decision::Unauthenticated
                ),
                "{fault}: {error:?}"
            ),
            Ok(bundle) => {
                judge(&bench, &bundle, Wanted::Signature(digest())).unwrap_err();
            }
        }
        assert_eq!(bench.world.faults().armed(), [], "{fault}");
    }
}

#[tokio::test]
async fn a_cancelled_run_signs_nothing() {
    let bench = Bench::start().await;
    let signing = signing(&bench);
    bench.cancel.cancel();
    let error = signing
        .sign_digest(&digest(), "demo.bin")
        .await
        .unwrap_err();
    assert_eq!(error.decision, Decision::Cancelled);
    assert_eq!(bench.world.sigstore.certificates_issued(), 0);
}
