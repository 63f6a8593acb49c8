//! Verifying a bundle: what was signed, by whom, and when.

use jiff::Timestamp;
use relpub_model::digest::Sha256;
use relpub_model::evidence::{LogEntry, SignerClaims, Subject};
use relpub_model::findings::Bytes;
use sigstore_verify::types::{Bundle, Sha256Hash, SignatureContent};
use sigstore_verify::{CertificateError, Error, VerificationPolicy, VerificationResult};

use crate::signer::{self, AnyoneUnsafe, Signer};
use crate::statement::{PAYLOAD_TYPE, Statement, StatementError};
use crate::{Rejection, TrustRoot, Verified, bundle, log, times};

/// What a bundle is wanted for. It must be exactly that.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// A signature over these bytes.
    Signature(Sha256),
    /// A statement of this predicate type about these bytes.
    StatementAbout(&'a str, Sha256),
    /// A statement of this predicate type about these bytes under this name.
    StatementNaming(&'a str, &'a Subject),
    /// A statement of this predicate type, about whatever it says. The subjects
    /// are the statement's word for what to expect; nothing here compares them
    /// with any bytes.
    Statement(&'a str),
}

/// What a verified bundle says.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// Digest and size of the bundle itself.
    pub bundle: Bytes,
    /// Who signed.
    pub signer: SignerClaims,
    /// Where logs hold the signature; at least one.
    pub entries: Vec<LogEntry>,
    /// When it was signed, by everybody trusted who says so; at least one.
    pub times: Vec<Timestamp>,
    /// What was signed.
    pub content: Content,
}

/// What was signed.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// The bytes themselves.
    Signature(Sha256),
    /// A statement about bytes.
    Statement(Statement),
}

/// Evidence that was verified here, in this process.
pub type VerifiedEvidence = Verified<Evidence>;

/// Lets a Sigstore bundle pass if it is what is wanted and an expected signer
/// made it. `now` is used for two things only: the trusted root must be in
/// force, and nothing may come from the future.
///
/// 1. The trusted root names authorities that are in force.
/// 2. The bundle is whole: version 0.3, one content, the signer's certificate,
///    log entries with proofs.
/// 3. It is what is wanted: a signature over these bytes, or a plain in-toto
///    statement of this type about them.
/// 4. Each log entry is in a trusted log, which signed its checkpoint.
/// 5. Each timestamp is from a trusted authority and for this signature; no time
///    is in the future.
/// 6. By Sigstore's verifier: at least one time; at each, the certificate is
///    valid, for signing, and leads to an authority in force; a trusted log
///    vouches for it (SCT); inclusion proofs and promises hold; the signature is
///    over what it says; the log entries are about this very signature,
///    certificate and digest.
/// 7. The certificate's claims are those of an expected signer.
///
/// Sigstore's verifier also refuses what is later than the machine's own clock,
/// and ignores authorities that are not yet in force by it; that clock can only
/// make it stricter.
///
/// The order is that of the Sigstore client specification, except that what
/// needs no key is looked at first.
pub fn verify(
    bundle: &[u8],
    wanted: Wanted<'_>,
    expected: &Signer,
    root: &TrustRoot,
    now: Timestamp,
) -> Result<VerifiedEvidence, Rejection> {
    // 1. to 6.
    let evidence = verify_but_signer(bundle, wanted, root, now)?;
    // 7.
    expected.check(&evidence.signer)?;
    Ok(Verified(evidence))
}

/// Verifies a bundle whoever signed it, and so only that somebody did.
///
/// For showing people what a bundle says. The result is not [`Verified`], and
/// nothing that it says may decide anything.
pub fn verify_anyone_unsafe(
    bundle: &[u8],
    wanted: Wanted<'_>,
    _: AnyoneUnsafe,
    root: &TrustRoot,
    now: Timestamp,
) -> Result<Evidence, Rejection> {
    verify_but_signer(bundle, wanted, root, now)
}

impl Evidence {
    /// Returns the statement, if a statement was signed.
    pub fn statement(&self) -> Option<&Statement> {
        match &self.content {
            Content::Signature(_) => None,
            Content::Statement(statement) => Some(statement),
        }
    }

    /// Returns the earliest of the times.
    pub fn signed_at(&self) -> Option<Timestamp> {
        self.times.iter().min().copied()
    }
}

fn verify_but_signer(
    json: &[u8],
    wanted: Wanted<'_>,
    root: &TrustRoot,
    now: Timestamp,
) -> Result<Evidence, Rejection> {
    // 1.
    root.check(now)?;
    // 2.
    let bundle = bundle::parse(json)?;
    // 3.
    let (content, sha256) = content(&bundle, wanted)?;
    // 4.
    let entries = log::check(&bundle, root)?;
    // 5.
    let times = times::collect(&bundle, root, now)?;
    // 6.
    let result = judge(&bundle, sha256, root, &times)?;
    let certificate = result.certificate().ok_or(Rejection::NoCertificate)?;
    Ok(Evidence {
        bundle: Bytes {
            sha256: Sha256::of(json),
            size: json.len() as u64,
        },
        signer: signer::certificate_claims(certificate),
        entries,
        times,
        content,
    })
}

/// Checks that the bundle is what is wanted; returns that, and the digest that
/// Sigstore's verifier is to find signed or among the subjects.
fn content(bundle: &Bundle, wanted: Wanted<'_>) -> Result<(Content, Sha256), Rejection> {
    match (&bundle.content, wanted) {
        (SignatureContent::MessageSignature(_), Wanted::Signature(sha256)) => {
            let hint = bundle::hinted_digest(bundle);
            if hint.is_some_and(|hint| hint != sha256) {
                return Err(Rejection::DigestMismatch(sha256.short()));
            }
            Ok((Content::Signature(sha256), sha256))
        }
        (SignatureContent::DsseEnvelope(_), Wanted::Signature(_)) => Err(Rejection::WrongContent {
            wanted: "a signature",
            found: "a statement",
        }),
        (SignatureContent::DsseEnvelope(envelope), wanted) => {
            if envelope.payload_type != PAYLOAD_TYPE {
                return Err(Rejection::PayloadType(envelope.payload_type.clone()));
            }
            let statement = Statement::parse(envelope.payload.as_bytes())?;
            let sha256 = subject(&statement, wanted)?;
            Ok((Content::Statement(statement), sha256))
        }
        _ => Err(Rejection::WrongContent {
            wanted: "a statement",
            found: "a signature",
        }),
    }
}

/// Checks a statement's type and subjects; returns the digest of one of them.
fn subject(statement: &Statement, wanted: Wanted<'_>) -> Result<Sha256, Rejection> {
    let (predicate_type, sha256, name) = match wanted {
        Wanted::Signature(sha256) => return Err(Rejection::DigestMismatch(sha256.short())),
        Wanted::StatementAbout(kind, sha256) => (kind, Some(sha256), None),
        Wanted::StatementNaming(kind, subject) => (kind, Some(subject.sha256), Some(&subject.name)),
        Wanted::Statement(kind) => (kind, None, None),
    };
    if statement.predicate_type != predicate_type {
        return Err(Rejection::PredicateType {
            wanted: predicate_type.to_owned(),
            found: statement.predicate_type.clone(),
        });
    }
    let first = statement.subjects.first().map(|subject| subject.sha256);
    let sha256 = sha256.or(first).ok_or(StatementError::NoSubject)?;
    let mut about = statement.subjects.iter().filter(|s| s.sha256 == sha256);
    let Some(found) = about.clone().next() else {
        return Err(Rejection::DigestMismatch(sha256.short()));
    };
    match name {
        Some(name) if !about.any(|subject| subject.name == *name) => Err(Rejection::WrongName {
            wanted: name.clone(),
            found: found.name.clone(),
        }),
        _ => Ok(sha256),
    }
}

/// Has Sigstore's verifier judge the bundle for any identity.
fn judge(
    bundle: &Bundle,
    sha256: Sha256,
    root: &TrustRoot,
    times: &[Timestamp],
) -> Result<VerificationResult, Rejection> {
    let policy = VerificationPolicy::any_identity();
    let digest = Sha256Hash::new(*sha256.as_bytes());
    let result = root.verifier().verify(digest, bundle, &policy);
    let result = result.map_err(|error| rejection(error, bundle, times))?;
    if result.certificate_verified() && result.sct_verified() && result.tlog_verified() {
        return Ok(result);
    }
    let why = "a check was left out".to_owned();
    Err(Rejection::Unclassified(why))
}

fn rejection(error: Error, bundle: &Bundle, times: &[Timestamp]) -> Rejection {
    let Error::Certificate(CertificateError::ChainInvalid(_)) = error else {
        return error.into();
    };
    let certificate = bundle.signing_certificate();
    let info =
        certificate.and_then(|der| sigstore_verify::crypto::parse_certificate_info(der).ok());
    let explained = info.and_then(|info| times::explain(times, &info));
    explained.unwrap_or_else(|| error.into())
}
