//! Why evidence does not pass: one name for every way to fail.
//!
//! Sigstore's own errors say what failed in their variants and why in text.
//! Only the variants are relied on here; what they leave open is looked at
//! before or after, never read out of a message.

use jiff::Timestamp;
use sigstore_verify::{CertificateError, Error, TimestampError, TransparencyLogError};

use crate::root::RootError;
use crate::signer::WrongSigner;
use crate::statement::StatementError;

/// Why evidence does not pass. Each has a name for scripts, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The trusted root itself cannot be used now.
    #[error(transparent)]
    Root(#[from] RootError),

    /// The file is larger than any bundle.
    #[error("the bundle has {0} bytes, which is more than any should have")]
    TooLarge(usize),
    /// The file cannot be read as a bundle.
    #[error("the bundle cannot be read: {0}")]
    Malformed(String),
    /// The bundle has a version that is not known.
    #[error("the bundle has the format `{0}`; only version 0.3 is read")]
    UnsupportedVersion(String),
    /// The bundle has both a signature and an envelope, or neither.
    #[error("the bundle must have one signature or one envelope")]
    Ambiguous,
    /// The envelope has no signature, or several.
    #[error("the envelope has {0} signatures instead of one")]
    SignatureCount(usize),
    /// The bundle ships a chain, which could smuggle in an authority.
    #[error("the bundle has a chain of certificates; version 0.3 takes the signer's alone")]
    CertificateChain,
    /// The bundle was signed with a key of its own.
    #[error("the bundle names a key instead of a certificate, so nothing says whose it is")]
    NoCertificate,
    /// The bundle uses an algorithm that is not verified here.
    #[error("the bundle cannot be verified: {0}")]
    Unsupported(String),

    /// A statement was wanted and there is a signature, or the reverse.
    #[error("the bundle holds {found}, not {wanted}")]
    WrongContent {
        /// What was wanted.
        wanted: &'static str,
        /// What there is.
        found: &'static str,
    },
    /// The envelope holds something else than a statement.
    #[error("the envelope holds `{0}`, not an in-toto statement")]
    PayloadType(String),
    /// The statement cannot be read.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The statement says something else.
    #[error("the statement says `{found}`, not `{wanted}`")]
    PredicateType {
        /// The predicate type that was wanted.
        wanted: String,
        /// The one found.
        found: String,
    },
    /// A publish attestation says more than that the file was published.
    #[error("the statement has a predicate, and its type allows none")]
    UnexpectedPredicate,
    /// A publish attestation is about several files.
    #[error("the statement is about {0} files instead of one")]
    SubjectCount(usize),
    /// It is about other bytes.
    #[error("the bundle is about other bytes than {0}")]
    DigestMismatch(String),
    /// It is about these bytes under other names only.
    #[error("the statement is about these bytes under the name `{found}`, not `{wanted}`")]
    WrongName {
        /// The name that was wanted.
        wanted: String,
        /// The one found.
        found: String,
    },

    /// The signature is in no log.
    #[error("the bundle has no entry of a transparency log")]
    NoLogEntry,
    /// The same log entry twice.
    #[error("the bundle has entry {0} of one log twice")]
    DuplicateLogEntry(u64),
    /// An entry is of a kind that cannot hold this.
    #[error("a log entry is of the kind `{0}`, which does not fit the bundle")]
    LogEntryKind(String),
    /// The log is none of the trusted root's: another instance signed this.
    #[error(
        "the log {0} is not in the trusted root; was this signed at another Sigstore instance?"
    )]
    UnknownLog(String),
    /// The log's key was not in force when it took the entry in.
    #[error("the log's key was not in force at {0}, when it says it took the entry in")]
    LogNotInForce(Timestamp),
    /// An entry does not prove that it is in the log.
    #[error("a log entry has no inclusion proof")]
    NoInclusionProof,
    /// The proof does not lead from the entry to the log's root.
    #[error("the inclusion proof does not hold: {0}")]
    InclusionProof(String),
    /// The proof ends at nothing that the log signed.
    #[error("the inclusion proof has no checkpoint")]
    NoCheckpoint,
    /// The log's statement of its root is not signed by the log.
    #[error("the log's checkpoint does not hold: {0}")]
    Checkpoint(String),
    /// The log's promise with its time (the SET of Rekor v1) is not signed by
    /// the log.
    #[error("the log's inclusion promise does not hold: {0}")]
    InclusionPromise(String),
    /// The entry cannot be read.
    #[error("the log entry cannot be read: {0}")]
    LogEntryMalformed(String),
    /// The entry is about another signature, certificate or digest.
    #[error("the log entry is not about this bundle: {0}")]
    LogEntryMismatch(String),
    /// The log's time is no time at which the certificate was valid.
    #[error("the log's time does not fit: {0}")]
    IntegratedTime(String),

    /// Nobody vouches for when this was signed.
    #[error("nobody trusted says when this was signed")]
    NoTime,
    /// A time is later than now.
    #[error("this was signed at {0}, which is still to come; is the clock right?")]
    InFuture(Timestamp),
    /// A timestamp is not from a trusted authority, or spoiled.
    #[error("the timestamp does not hold: {0}")]
    Timestamp(String),
    /// A timestamp is for another signature.
    #[error("the timestamp is for another signature")]
    TimestampMismatch,
    /// A timestamp is from an authority outside its time.
    #[error("the timestamp's authority was not in force at {0}")]
    TimestampAuthority(Timestamp),

    /// The certificate cannot be read.
    #[error("the certificate cannot be read: {0}")]
    CertificateMalformed(String),
    /// The certificate was not valid any more.
    #[error("this was signed at {signed}, when its certificate had expired ({expired})")]
    CertificateExpired {
        /// When it was signed.
        signed: Timestamp,
        /// When the certificate expired.
        expired: Timestamp,
    },
    /// The certificate was not valid yet.
    #[error("this was signed at {signed}, before its certificate was valid ({valid})")]
    CertificateNotYetValid {
        /// When it was signed.
        signed: Timestamp,
        /// When the certificate became valid.
        valid: Timestamp,
    },
    /// The certificate leads to no trusted authority, or is not for signing.
    #[error("the certificate leads to no trusted authority: {0}")]
    Chain(String),
    /// No trusted authority was in force.
    #[error("no trusted certificate authority was in force at {0}")]
    NoAuthority(Timestamp),
    /// The certificate is in no trusted log of certificates (its SCT).
    #[error("no trusted log vouches for the certificate: {0}")]
    Sct(String),

    /// The signature is not over this, or not by this key.
    #[error("the signature does not hold")]
    Signature,
    /// Somebody else signed.
    #[error(transparent)]
    Signer(#[from] WrongSigner),
    /// Sigstore refuses for a reason that this version has no name for.
    #[error("the bundle was refused: {0}")]
    Unclassified(String),
}

impl Rejection {
    /// Returns the rejection's name, which does not change between versions.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Root(_) => "root",
            Self::TooLarge(_) => "too-large",
            Self::Malformed(_) => "malformed",
            Self::UnsupportedVersion(_) => "unsupported-version",
            Self::Ambiguous => "ambiguous",
            Self::SignatureCount(_) => "signature-count",
            Self::CertificateChain => "certificate-chain",
            Self::NoCertificate => "no-certificate",
            Self::Unsupported(_) => "unsupported",
            Self::WrongContent { .. } => "wrong-content",
            Self::PayloadType(_) => "payload-type",
            Self::Statement(_) => "statement",
            Self::PredicateType { .. } => "predicate-type",
            Self::UnexpectedPredicate => "unexpected-predicate",
            Self::SubjectCount(_) => "subject-count",
            Self::DigestMismatch(_) => "digest-mismatch",
            Self::WrongName { .. } => "wrong-name",
            Self::NoTime => "no-time",
            Self::InFuture(_) => "in-future",
            Self::Timestamp(_) => "timestamp",
            Self::TimestampMismatch => "timestamp-mismatch",
            Self::TimestampAuthority(_) => "timestamp-authority",
            Self::Signature => "signature",
            Self::Signer(wrong) => signer_name(wrong),
            Self::Unclassified(_) => "unclassified",
            log_or_certificate => log_or_certificate.log_or_certificate_name(),
        }
    }

    fn log_or_certificate_name(&self) -> &'static str {
        match self {
            Self::NoLogEntry => "no-log-entry",
            Self::DuplicateLogEntry(_) => "duplicate-log-entry",
            Self::LogEntryKind(_) => "log-entry-kind",
            Self::UnknownLog(_) => "unknown-log",
            Self::LogNotInForce(_) => "log-not-in-force",
            Self::NoInclusionProof => "no-inclusion-proof",
            Self::InclusionProof(_) => "inclusion-proof",
            Self::NoCheckpoint => "no-checkpoint",
            Self::Checkpoint(_) => "checkpoint",
            Self::InclusionPromise(_) => "inclusion-promise",
            Self::LogEntryMalformed(_) => "log-entry-malformed",
            Self::LogEntryMismatch(_) => "log-entry-mismatch",
            Self::IntegratedTime(_) => "integrated-time",
            Self::CertificateMalformed(_) => "certificate-malformed",
            Self::CertificateExpired { .. } => "certificate-expired",
            Self::CertificateNotYetValid { .. } => "certificate-not-yet-valid",
            Self::Chain(_) => "chain",
            Self::NoAuthority(_) => "no-authority",
            Self::Sct(_) => "sct",
            _ => "unclassified",
        }
    }
}

fn signer_name(wrong: &WrongSigner) -> &'static str {
    match wrong {
        WrongSigner::Issuer { .. } => "wrong-issuer",
        WrongSigner::Repository { .. } => "wrong-repository",
        WrongSigner::RepositoryId { .. } => "wrong-repository-id",
        WrongSigner::Workflow { .. } => "wrong-workflow",
        WrongSigner::Ref { .. } => "wrong-ref",
        WrongSigner::Environment { .. } => "wrong-environment",
    }
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        match error {
            Error::SignatureInvalid(_) => Self::Signature,
            // Digest and subjects were compared before, so this is about the entry.
            Error::ArtifactMismatch(why) => Self::LogEntryMismatch(why),
            Error::Certificate(why) => why.into(),
            Error::TransparencyLog(why) => why.into(),
            Error::Timestamp(why) => why.into(),
            Error::Bundle(why) => why.into(),
            Error::UnsupportedArtifact(why) | Error::UnsupportedBundle(why) => {
                Self::Unsupported(why)
            }
            Error::InvalidBundle(why) => Self::Malformed(why),
            Error::Types(why) => Self::Malformed(why.to_string()),
            Error::Crypto(why) => Self::Unsupported(why.to_string()),
            Error::InvalidTrustRoot(why) => Self::Root(RootError::Unusable(why)),
            Error::TrustRoot(why) => Self::Root(RootError::Unusable(why.to_string())),
            Error::TrustedCertificate(why) => Self::Root(RootError::Unusable(why.to_string())),
            other => Self::Unclassified(other.to_string()),
        }
    }
}

impl From<CertificateError> for Rejection {
    fn from(error: CertificateError) -> Self {
        match error {
            CertificateError::Malformed(why) => Self::CertificateMalformed(why),
            CertificateError::ChainInvalid(why) => Self::Chain(why),
            CertificateError::NoValidAuthority { time } => Self::NoAuthority(time),
            CertificateError::NotYetValid { time, not_before } => Self::CertificateNotYetValid {
                signed: time,
                valid: not_before,
            },
            CertificateError::Expired { time, not_after } => Self::CertificateExpired {
                signed: time,
                expired: not_after,
            },
            CertificateError::Sct(why) => Self::Sct(why),
            other => Self::Unclassified(other.to_string()),
        }
    }
}

impl From<TransparencyLogError> for Rejection {
    fn from(error: TransparencyLogError) -> Self {
        match error {
            TransparencyLogError::UnknownLog { log_id } => Self::UnknownLog(log_id),
            TransparencyLogError::InclusionProof(why) => Self::InclusionProof(why),
            TransparencyLogError::Checkpoint(why) => Self::Checkpoint(why),
            TransparencyLogError::InclusionPromise(why) => Self::InclusionPromise(why),
            TransparencyLogError::EntryMismatch(why) => Self::LogEntryMismatch(why),
            TransparencyLogError::IntegratedTime(why) => Self::IntegratedTime(why),
            TransparencyLogError::MalformedEntry(why) => Self::LogEntryMalformed(why),
            other => Self::Unclassified(other.to_string()),
        }
    }
}

impl From<TimestampError> for Rejection {
    fn from(error: TimestampError) -> Self {
        match error {
            TimestampError::Invalid(why) => Self::Timestamp(why),
            TimestampError::OutsideAuthorityValidity { time } => Self::TimestampAuthority(time),
            TimestampError::NoVerifiedTimestamp(_) => Self::NoTime,
            other => Self::Unclassified(other.to_string()),
        }
    }
}

impl From<sigstore_verify::bundle::Error> for Rejection {
    fn from(error: sigstore_verify::bundle::Error) -> Self {
        use sigstore_verify::bundle::Error as Structure;
        match error {
            Structure::UnsupportedMediaType(kind) => Self::UnsupportedVersion(kind.to_string()),
            Structure::CertificateChainNotAllowed(_) => Self::CertificateChain,
            Structure::MissingInclusionProof(_) => Self::NoInclusionProof,
            Structure::MissingCheckpoint => Self::NoCheckpoint,
            Structure::MissingSigningTimeEvidence => Self::NoLogEntry,
            why @ (Structure::LogIndexOutOfRange { .. } | Structure::CheckpointRootMismatch) => {
                Self::InclusionProof(why.to_string())
            }
            other => Self::Malformed(other.to_string()),
        }
    }
}
