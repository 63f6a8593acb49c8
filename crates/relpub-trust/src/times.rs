//! When something was signed: RFC 3161 timestamps and promised log times.

use jiff::Timestamp;
use sigstore_verify::crypto::CertificateInfo;
use sigstore_verify::tsa::{Error, verify_timestamp_for_authority};
use sigstore_verify::types::{Bundle, SignatureBytes, SignatureContent, TimestampToken};

use crate::log::promised_time;
use crate::{Rejection, TrustRoot};

/// Returns every time that the bundle's signature is said to have been made at:
///
/// 1. each timestamp must hold, by one authority of the root, for this very
///    signature;
/// 2. a log's promise counts, and is verified with the rest of the entry;
/// 3. none may be later than `now`.
pub(crate) fn collect(
    bundle: &Bundle,
    root: &TrustRoot,
    now: Timestamp,
) -> Result<Vec<Timestamp>, Rejection> {
    let material = &bundle.verification_material;
    let mut times = Vec::new();
    // 1.
    for token in &material.timestamp_verification_data.rfc3161_timestamps {
        times.push(timestamp(
            &token.signed_timestamp,
            signature(&bundle.content)?,
            root,
        )?);
    }
    // 2.
    times.extend(material.tlog_entries.iter().filter_map(promised_time));
    // 3.
    match times.iter().find(|time| **time > now) {
        Some(time) => Err(Rejection::InFuture(*time)),
        None => Ok(times),
    }
}

/// Says what a refused chain really is, if one of the times is outside the
/// certificate's life: the check of the chain includes the times, and tells
/// them apart in words only.
pub(crate) fn explain(times: &[Timestamp], certificate: &CertificateInfo) -> Option<Rejection> {
    let (from, until) = (certificate.not_before, certificate.not_after);
    let outside = times.iter().find(|time| !(from..=until).contains(time))?;
    Some(if *outside < from {
        Rejection::CertificateNotYetValid {
            signed: *outside,
            valid: from,
        }
    } else {
        Rejection::CertificateExpired {
            signed: *outside,
            expired: until,
        }
    })
}

fn signature(content: &SignatureContent) -> Result<&SignatureBytes, Rejection> {
    match content {
        SignatureContent::MessageSignature(signature) => Ok(&signature.signature),
        SignatureContent::DsseEnvelope(envelope) => Ok(&envelope.signature.sig),
        _ => Err(Rejection::Ambiguous),
    }
}

fn timestamp(
    token: &TimestampToken,
    signature: &SignatureBytes,
    root: &TrustRoot,
) -> Result<Timestamp, Rejection> {
    let mut refused =
        Rejection::Timestamp("the trusted root has no timestamp authority".to_owned());
    for authority in root.timestamp_authorities() {
        match verify_timestamp_for_authority(token, signature, &authority) {
            Ok(time) => return Ok(time),
            // The right authority at the wrong time says more than a stranger.
            Err(_) if matches!(refused, Rejection::TimestampAuthority(_)) => {}
            Err(Error::TimestampOutsideValidity { time }) => {
                refused = Rejection::TimestampAuthority(time);
            }
            Err(Error::HashMismatch { .. }) => refused = Rejection::TimestampMismatch,
            Err(why) => refused = Rejection::Timestamp(why.to_string()),
        }
    }
    Err(refused)
}
