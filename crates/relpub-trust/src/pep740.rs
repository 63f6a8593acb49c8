//! PyPI's attestation objects (PEP 740): a bundle put another way.
//!
//! An attestation has no place for a timestamp, so the time must be a log's
//! promise, which only Rekor v1 makes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use relpub_model::digest::Sha256;
use relpub_model::evidence::Subject;
use relpub_model::production::publish_predicate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::statement::PAYLOAD_TYPE;
use crate::verify::{VerifiedEvidence, Wanted, verify};
use crate::{Rejection, Signer, TrustRoot};

/// A bundle cannot be put as an attestation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConversionError {
    /// It is not the bundle that was verified.
    #[error("this is not the bundle that was verified")]
    OtherBundle,
    /// It holds no statement.
    #[error("PyPI takes statements, and this is a signature over the bytes")]
    NoStatement,
    /// It is logged where no promise is made.
    #[error("PyPI takes statements from Rekor v1 only, as `dsse` 0.0.1 with a promise of the log")]
    OtherLog,
    /// It cannot be read.
    #[error("the bundle cannot be read: {0}")]
    Malformed(String),
}

/// Puts a verified bundle as an attestation object, ready for the upload form.
///
/// `bundle` is what `evidence` was verified from.
pub fn attestation(evidence: &VerifiedEvidence, bundle: &[u8]) -> Result<Vec<u8>, ConversionError> {
    let evidence = evidence.get();
    if Sha256::of(bundle) != evidence.bundle.sha256 {
        return Err(ConversionError::OtherBundle);
    }
    if evidence.statement().is_none() {
        return Err(ConversionError::NoStatement);
    }
    let malformed = |why: serde_json::Error| ConversionError::Malformed(why.to_string());
    let read: Bundle = serde_json::from_slice(bundle).map_err(malformed)?;
    let entries = read.verification_material.tlog_entries;
    if !entries.iter().all(is_promised_dsse) {
        return Err(ConversionError::OtherLog);
    }
    let signature = read.dsse_envelope.signatures.into_iter().next();
    let written = Attestation {
        version: 1,
        verification_material: Material {
            certificate: read.verification_material.certificate.raw_bytes,
            transparency_entries: entries,
        },
        envelope: Envelope {
            statement: read.dsse_envelope.payload,
            signature: signature.ok_or(ConversionError::NoStatement)?.sig,
        },
    };
    serde_json::to_vec(&written).map_err(malformed)
}

/// Lets an attestation that was read back pass, if it is a publish attestation
/// for this one file by an expected signer.
pub fn verify_publish(
    attestation: &[u8],
    file: &Subject,
    expected: &Signer,
    root: &TrustRoot,
    now: Timestamp,
) -> Result<VerifiedEvidence, Rejection> {
    let bundle = bundle(attestation)?;
    let kind = publish_predicate();
    let wanted = Wanted::StatementNaming(&kind, file);
    let evidence = verify(&bundle, wanted, expected, root, now)?;
    if let Some(statement) = evidence.get().statement() {
        if statement.subject_count != 1 {
            return Err(Rejection::SubjectCount(statement.subject_count));
        }
        if statement.predicate != Value::Null && statement.predicate != json!({}) {
            return Err(Rejection::UnexpectedPredicate);
        }
    }
    Ok(evidence)
}

/// Returns the attestations in an answer of the index's integrity API, whoever
/// made them.
pub fn attestations(provenance: &[u8]) -> Result<Vec<Vec<u8>>, Rejection> {
    #[derive(Deserialize)]
    struct Provenance {
        attestation_bundles: Vec<Publisher>,
    }
    #[derive(Deserialize)]
    struct Publisher {
        attestations: Vec<Value>,
    }
    let read: Provenance = serde_json::from_slice(provenance).map_err(malformed)?;
    let all = read
        .attestation_bundles
        .into_iter()
        .flat_map(|p| p.attestations);
    Ok(all
        .map(|attestation| attestation.to_string().into_bytes())
        .collect())
}

/// Puts an attestation as the bundle that it was made from, without what it has
/// no place for.
fn bundle(attestation: &[u8]) -> Result<Vec<u8>, Rejection> {
    let read: Attestation = serde_json::from_slice(attestation).map_err(malformed)?;
    if read.version != 1 {
        return Err(Rejection::UnsupportedVersion(read.version.to_string()));
    }
    let bundle = json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "certificate": { "rawBytes": one_line(&read.verification_material.certificate)? },
            "tlogEntries": read.verification_material.transparency_entries,
        },
        "dsseEnvelope": {
            "payload": one_line(&read.envelope.statement)?,
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{ "sig": one_line(&read.envelope.signature)? }],
        },
    });
    Ok(bundle.to_string().into_bytes())
}

/// Refuses base64 that the index would refuse.
fn one_line(base64: &str) -> Result<&str, Rejection> {
    STANDARD.decode(base64).map_err(malformed)?;
    Ok(base64)
}

fn is_promised_dsse(entry: &Value) -> bool {
    let kind = &entry["kindVersion"];
    kind["kind"] == "dsse" && kind["version"] == "0.0.1" && entry["inclusionPromise"].is_object()
}

fn malformed(why: impl std::fmt::Display) -> Rejection {
    Rejection::Malformed(why.to_string())
}

#[derive(Serialize, Deserialize)]
struct Attestation {
    version: u32,
    verification_material: Material,
    envelope: Envelope,
}

#[derive(Serialize, Deserialize)]
struct Material {
    certificate: String,
    transparency_entries: Vec<Value>,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    statement: String,
    signature: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    verification_material: BundleMaterial,
    dsse_envelope: Dsse,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BundleMaterial {
    certificate: Certificate,
    tlog_entries: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Certificate {
    raw_bytes: String,
}

#[derive(Deserialize)]
struct Dsse {
    payload: String,
    signatures: Vec<DsseSignature>,
}

#[derive(Deserialize)]
struct DsseSignature {
    sig: String,
}
