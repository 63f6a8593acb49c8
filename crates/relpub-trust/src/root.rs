//! Trusted roots: the keys and certificates that verification ends at.

use std::fmt;

use jiff::Timestamp;
use sigstore_verify::Verifier;
use sigstore_verify::trust_root::{
    SIGSTORE_PRODUCTION_TRUSTED_ROOT, TimeRange, TransparencyLog, TrustedRoot,
};
use sigstore_verify::types::{LogKeyId, TsaAuthority};

/// Formats of a trusted root that are read (protobuf-specs `TrustedRoot`).
const MEDIA_TYPES: [&str; 2] = [
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
];

/// The keys and certificates of one Sigstore instance, ready to verify with.
pub struct TrustRoot {
    root: TrustedRoot,
    verifier: Verifier,
}

/// A trusted root cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RootError {
    /// It cannot be read.
    #[error("the trusted root cannot be read: {0}")]
    Malformed(String),
    /// It has a format that is not known.
    #[error("the trusted root has the unknown format `{0}`")]
    UnsupportedVersion(String),
    /// It contradicts itself, or lacks something without which nothing verifies.
    #[error("the trusted root cannot be used: {0}")]
    Unusable(String),
    /// It is too old or not yet in force.
    #[error("the trusted root names no {0} that is valid now; fetch a newer one")]
    Expired(Authority),
}

/// A kind of authority in a trusted root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// Fulcio.
    CertificateAuthority,
    /// The log of certificates.
    CertificateLog,
    /// Rekor.
    TransparencyLog,
}

impl TrustRoot {
    /// Reads a `trusted_root.json`, such as that of a private instance.
    pub fn from_json(json: &[u8]) -> Result<Self, RootError> {
        let malformed = |why: &dyn fmt::Display| RootError::Malformed(why.to_string());
        let text = std::str::from_utf8(json).map_err(|why| malformed(&why))?;
        let root = TrustedRoot::from_json(text).map_err(|why| malformed(&why))?;
        if !MEDIA_TYPES.contains(&root.media_type.as_str()) {
            return Err(RootError::UnsupportedVersion(root.media_type));
        }
        let verifier = Verifier::new(&root).map_err(|why| RootError::Unusable(why.to_string()))?;
        Ok(Self { root, verifier })
    }

    /// Returns the root of the public Sigstore instance as it was when the
    /// Sigstore crates were released.
    pub fn production() -> Result<Self, RootError> {
        Self::from_json(SIGSTORE_PRODUCTION_TRUSTED_ROOT.as_bytes())
    }

    /// Lets the root pass if, at `now`, each kind of authority that a new
    /// signature needs is in force.
    ///
    /// The files have no expiry of their own: an old one shows by the windows of
    /// its authorities having closed. Old signatures are judged by the windows
    /// at their own time.
    pub fn check(&self, now: Timestamp) -> Result<(), RootError> {
        let root = &self.root;
        let open = |window: Option<TimeRange>| window.is_none_or(|w| w.contains(now));
        let cas = root.certificate_authorities.iter();
        let kinds = [
            (
                Authority::CertificateAuthority,
                cas.map(|ca| ca.valid_for).any(open),
            ),
            (
                Authority::CertificateLog,
                root.ctlogs.iter().any(|log| open(log.public_key.valid_for)),
            ),
            (
                Authority::TransparencyLog,
                root.tlogs.iter().any(|log| open(log.public_key.valid_for)),
            ),
        ];
        match kinds.into_iter().find(|(_, in_force)| !in_force) {
            Some((authority, _)) => Err(RootError::Expired(authority)),
            None => Ok(()),
        }
    }

    pub(crate) fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Returns the transparency log with this id.
    pub(crate) fn log(&self, id: &LogKeyId) -> Option<&TransparencyLog> {
        self.root.tlogs.iter().find(|log| log.log_id.key_id == *id)
    }

    pub(crate) fn timestamp_authorities(&self) -> Vec<TsaAuthority> {
        self.root.tsa_authorities()
    }
}

impl fmt::Debug for TrustRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let logs = self.root.tlogs.iter().map(|log| &log.base_url);
        f.debug_list().entries(logs).finish()
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CertificateAuthority => "certificate authority",
            Self::CertificateLog => "log of certificates",
            Self::TransparencyLog => "transparency log",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_root_of_the_public_instance_is_in_force_since_it_opened() {
        let root = TrustRoot::production().unwrap();
        assert_eq!(root.check(at("2026-11-01T00:00:00Z")), Ok(()));
        assert_eq!(
            root.check(at("2020-01-01T00:00:00Z")),
            Err(RootError::Expired(Authority::CertificateAuthority))
        );
    }

    #[test]
    fn a_root_whose_logs_have_closed_is_expired() {
        let mut json: serde_json::Value =
            serde_json::from_str(SIGSTORE_PRODUCTION_TRUSTED_ROOT).unwrap();
        for log in json["tlogs"].as_array_mut().unwrap() {
            log["publicKey"]["validFor"]["end"] = "2026-01-01T00:00:00Z".into();
        }
        let root = TrustRoot::from_json(json.to_string().as_bytes()).unwrap();
        let refused = root.check(at("2026-11-01T00:00:00Z")).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the trusted root names no transparency log that is valid now; fetch a newer one"
        );
    }

    #[test]
    fn what_is_no_root_is_refused_by_name() {
        let refused = |json: &str| TrustRoot::from_json(json.as_bytes()).unwrap_err();
        assert!(matches!(refused("{"), RootError::Malformed(_)));
        assert_eq!(
            refused(r#"{"mediaType": "text/plain"}"#),
            RootError::UnsupportedVersion("text/plain".to_owned())
        );
    }
}
