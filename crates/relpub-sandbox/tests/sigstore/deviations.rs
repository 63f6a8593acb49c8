//! Everything that the Sigstore can do wrong, and what the client makes of it.

use relpub_sandbox::{Deviation, World};

use crate::{Rekor, judge, signer, world};

const BYTES: &[u8] = b"the bytes of a release";

/// What becomes of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is not even made.
    NotSigned,
    /// It is made, and its verification fails.
    Refused,
    /// Only other clients mind.
    Accepted,
}

use Fate::{Accepted, NotSigned, Refused};
use Rekor::{V1, V2};

async fn fate(world: &World, rekor: Rekor) -> Fate {
    match signer(world, rekor).sign(BYTES).await {
        Err(_) => NotSigned,
        Ok(bundle) => match judge(world, BYTES, &bundle) {
            Err(_) => Refused,
            Ok(_) => Accepted,
        },
    }
}

/// Returns what the client is known to do, and with which log it shows.
pub(crate) fn known(deviation: Deviation) -> (Rekor, Fate) {
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
        | D::Rekor1BadRootHash => (V1, Refused),
        D::Rekor2BadCheckpoint
        | D::Rekor2BadKeyHash
        | D::Rekor2SpkiKeyHash
        | D::Rekor2SpkiLogId
        | D::TsaEkuCodeSigning
        | D::TimeAhead
        | D::UnsortedAttributes
        | D::TrustedRootWithoutRoots
        | D::TrustedRootRootsFirst => (V2, Refused),
        D::RootFirst => (V1, NotSigned),
        D::NoNonce => (V2, NotSigned),
        _ if deviation.to_string().starts_with("rekor2") => (V2, Accepted),
        _ => (V1, Accepted),
    }
}

#[tokio::test]
async fn what_the_client_refuses_is_known() {
    let world = world().await;
    assert_eq!(fate(&world, V1).await, Accepted);
    assert_eq!(fate(&world, V2).await, Accepted);
    let mut surprises = Vec::new();
    for &deviation in Deviation::ALL {
        let (rekor, expected) = known(deviation);
        world.sigstore.spoil(deviation).unwrap();
        let found = fate(&world, rekor).await;
        if found != expected {
            surprises.push((deviation, rekor, found));
        }
        world.sigstore.mend().unwrap();
    }
    assert_eq!(surprises, []);
    assert_eq!(fate(&world, V1).await, Accepted);
    assert_eq!(fate(&world, V2).await, Accepted);
}
