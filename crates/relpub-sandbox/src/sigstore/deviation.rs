//! Everything that this Sigstore can do wrong on request, one thing at a time.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Declares the enum and the list of its values together.
macro_rules! deviations {
    ($($(#[$doc:meta])+ $name:ident,)+) => {
        /// One way in which an answer or a trust file differs from the right one.
        ///
        /// As text it is in kebab case: `no-sct`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Deviation {
            $($(#[$doc])+ $name,)+
        }

        impl Deviation {
            /// All deviations.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];
        }
    };
}

deviations! {
    /// The certificate has no SCT.
    NoSct,
    /// The signature of the SCT is wrong.
    BadSctSignature,
    /// The SCT is over another issuer's key.
    SctOfAnotherIssuer,
    /// The SCT is over a certificate with the poison extension.
    SctOverPoison,
    /// The SCT is older than the CT log in the trusted root.
    SctBeforeItsLog,
    /// The certificate's subject alternative name is not critical.
    SanNotCritical,
    /// The certificate's extended key usage is critical.
    EkuCritical,
    /// The certificate has no authority key identifier.
    NoAki,
    /// The certificate lacks the deprecated issuer extension (`.1.1`).
    NoOldIssuer,
    /// The certificate has no extended key usage.
    NoEku,
    /// The certificate has no subject key identifier.
    NoSki,
    /// The certificate lacks the issuer extension (`.1.8`).
    NoIssuer,
    /// Fulcio's intermediate certificate has no extended key usage.
    IntermediateWithoutEku,
    /// The SCT stands before the other extensions.
    SctFirst,
    /// The certificate is not valid before five seconds from now.
    NotYetValid,
    /// The certificate has expired already.
    Expired,
    /// Fulcio's chain has the root first.
    RootFirst,
    /// Fulcio's chain is the leaf alone.
    LeafOnly,
    /// Fulcio answers 201.
    FulcioStatus201,

    /// Rekor v1: the promise is over JSON with spaces.
    SetOverSpacedJson,
    /// Rekor v1: the promise is over the index inside the shard.
    SetOverShardIndex,
    /// Rekor v1: the promise is signed with another key.
    BadSet,
    /// Rekor v1: the checkpoint is signed with another key.
    Rekor1BadCheckpoint,
    /// Rekor v1: the checkpoint names another key.
    Rekor1BadKeyHash,
    /// Rekor v1: the root hash of the proof is wrong.
    Rekor1BadRootHash,
    /// Rekor v1 answers 200 to a new entry.
    Rekor1Status200,
    /// Rekor v1 sends no `ETag`.
    Rekor1NoEtag,
    /// Rekor v1 puts the `ETag` into quotes.
    Rekor1QuotedEtag,
    /// Rekor v1 answers `text/plain`.
    Rekor1PlainText,
    /// Rekor v1: the checkpoint's origin lacks the tree id.
    Rekor1NoTreeId,
    /// Rekor v1: somebody else has signed the checkpoint too.
    Rekor1SecondSignature,
    /// Rekor v1: the checkpoint's signature has another host's name.
    Rekor1ForeignName,
    /// Rekor v1: the keys of entries are not sorted.
    Rekor1UnsortedBody,
    /// Rekor v1: the checkpoint's origin is another host.
    Rekor1ForeignOrigin,
    /// Rekor v1 sends no `Location`.
    Rekor1NoLocation,
    /// The trusted root knows Rekor v1 by its address.
    Rekor1ByAddress,

    /// Rekor v2: the checkpoint's signature is wrong.
    Rekor2BadCheckpoint,
    /// Rekor v2: the checkpoint names another key.
    Rekor2BadKeyHash,
    /// Rekor v2: the checkpoint names the key by the hash of its SPKI.
    Rekor2SpkiKeyHash,
    /// Rekor v2 answers 200 to a new entry.
    Rekor2Status200,
    /// Rekor v2: the keys of entries are not sorted.
    Rekor2UnsortedBody,
    /// Rekor v2: the checkpoint's origin is another host.
    Rekor2ForeignOrigin,
    /// Rekor v2: the checkpoint's signature has another host's name.
    Rekor2ForeignName,
    /// The trusted root knows Rekor v2 by its address.
    Rekor2ByAddress,
    /// Rekor v2: the entry names another log.
    Rekor2ForeignLogId,
    /// The trusted root knows Rekor v2 by the hash of its SPKI.
    Rekor2SpkiLogId,
    /// Rekor v2 writes numbers where strings belong.
    Rekor2Numbers,
    /// Rekor v2: the index in the proof is 0.
    Rekor2ProofIndexZero,
    /// Rekor v2: somebody else has signed the checkpoint too.
    Rekor2SecondSignature,
    /// Rekor v2 leaves `integratedTime` out.
    Rekor2NoTime,

    /// The TSA's extended key usage is not critical.
    TsaEkuNotCritical,
    /// The TSA's extended key usage is code signing.
    TsaEkuCodeSigning,
    /// The timestamp is an hour ahead, when the certificate has expired.
    TimeAhead,
    /// The signed attributes of the timestamp are not sorted.
    UnsortedAttributes,
    /// The timestamp carries the TSA's root certificate.
    TsaRootInside,
    /// The timestamp does not repeat the nonce.
    NoNonce,
    /// The timestamp does not say which certificate signed it.
    NoEssCertId,
    /// The timestamp says that another certificate signed it.
    ForeignEssCertId,
    /// The timestamp carries no certificate though one was asked for.
    NoTsaCertificate,
    /// The timestamp has no signing time attribute.
    NoSigningTime,
    /// The timestamp has no accuracy.
    NoAccuracy,
    /// The timestamp's hash algorithms have parameters.
    HashWithNull,
    /// The timestamp is a version 1 of `SignedData`.
    SignedDataV1,

    /// The trusted root has the media type of its version 0.2.
    TrustedRootV02,
    /// The chains of the trusted root lack their roots.
    TrustedRootWithoutRoots,
    /// The chains of the trusted root begin with their roots.
    TrustedRootRootsFirst,
}

impl Deviation {
    /// Returns whether an authority's certificate is made differently for it.
    pub(super) fn is_of_an_authority(self) -> bool {
        matches!(
            self,
            Self::IntermediateWithoutEku | Self::TsaEkuNotCritical | Self::TsaEkuCodeSigning
        )
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl FromStr for Deviation {
    type Err = serde::de::value::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::deserialize(serde::de::value::StrDeserializer::new(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_deviation_has_a_name() {
        for deviation in Deviation::ALL {
            assert_eq!(deviation.to_string().parse(), Ok(*deviation));
        }
        assert_eq!(Deviation::NoSct.to_string(), "no-sct");
        assert_eq!(Deviation::FulcioStatus201.to_string(), "fulcio-status201");
    }
}
