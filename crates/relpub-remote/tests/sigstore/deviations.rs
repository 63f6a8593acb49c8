//! Everything that the Sigstore can do wrong, and what becomes of a signature.

use relpub_sandbox::Deviation;
use relpub_trust::Wanted;

use crate::common::Bench;
use crate::{digest, judge, signing, signing_v1};

/// What becomes of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is not even made.
    NotSigned,
    /// It is made, and its verification fails.
    Refused,
    /// Only other clients mind.
    Accepted,
}

use Fate::{Accepted, NotSigned, Refused};

async fn fate(bench: &Bench, is_v1: bool) -> Fate {
    let signing = if is_v1 {
        signing_v1(bench)
    } else {
        signing(bench)
    };
    match signing.sign_digest(&digest(), "demo.bin").await {
        Err(_) => NotSigned,
        Ok(bundle) => match judge(bench, &bundle, Wanted::Signature(digest())) {
            Err(_) => Refused,
            Ok(_) => Accepted,
        },
    }
}

/// Returns what is to become of it, and with which log it shows (true: v1).
fn expected(deviation: Deviation) -> (bool, Fate) {
    use Deviation as D;
    match deviation {
        D::NoSct
        | D::BadSctSignature
        | D::SctOfAnotherIssuer
        | D::SctOverPoison
        | D::SctBeforeItsLog
        | D::NoEku
        | D::NotYetValid
        | D::Expired
        | D::SetOverSpacedJson
        | D::SetOverShardIndex
        | D::BadSet
        | D::Rekor1BadCheckpoint
        | D::Rekor1BadKeyHash
        | D::Rekor1BadRootHash => (true, Refused),
        D::Rekor2BadCheckpoint
        | D::Rekor2BadKeyHash
        | D::Rekor2SpkiKeyHash
        | D::Rekor2ForeignLogId
        | D::Rekor2SpkiLogId
        | D::TsaEkuCodeSigning
        | D::TimeAhead
        | D::UnsortedAttributes
        | D::TrustedRootWithoutRoots
        | D::TrustedRootRootsFirst => (false, Refused),
        D::RootFirst => (true, NotSigned),
        D::NoNonce => (false, NotSigned),
        _ if deviation.to_string().starts_with("rekor2") => (false, Accepted),
        _ => (true, Accepted),
    }
}

#[tokio::test]
async fn nothing_that_the_verifier_refuses_gets_through() {
    let bench = Bench::start().await;
    assert_eq!(fate(&bench, true).await, Accepted);
    assert_eq!(fate(&bench, false).await, Accepted);
    let mut surprises = Vec::new();
    for &deviation in Deviation::ALL {
        let (is_v1, expected) = expected(deviation);
        bench.world.sigstore.spoil(deviation).unwrap();
        let found = fate(&bench, is_v1).await;
        if found != expected {
            surprises.push((deviation, is_v1, found));
        }
        bench.world.sigstore.mend().unwrap();
    }
    assert_eq!(surprises, []);
}
