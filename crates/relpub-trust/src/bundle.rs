//! Reading a bundle, strictly (protobuf-specs `Bundle`, version 0.3).
//!
//! Sigstore's reader is lenient where JSON allows two readings: of two contents
//! it takes the first. What it is handed here is our own reading written out
//! again, so that both see the same thing.

use relpub_model::digest::Sha256;
use serde_json::Value;
use sigstore_verify::types::{Bundle, Checkpoint, SignatureContent};

use crate::Rejection;

/// The largest bundle that is read: a predicate of 16 MiB twice in base64.
const MOST_BYTES: usize = 48 << 20;

/// The two spellings of version 0.3.
const MEDIA_TYPES: [&str; 2] = [
    "application/vnd.dev.sigstore.bundle.v0.3+json",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
];

/// Reads a bundle and checks everything that needs no key:
///
/// 1. size, JSON and version;
/// 2. one content: a signature, or an envelope with one signature;
/// 3. the signer's certificate, alone;
/// 4. at least one log entry, each with a proof and a checkpoint.
pub(crate) fn parse(json: &[u8]) -> Result<Bundle, Rejection> {
    // 1.
    if json.len() > MOST_BYTES {
        return Err(Rejection::TooLarge(json.len()));
    }
    let value: Value = serde_json::from_slice(json).map_err(malformed)?;
    let version = value["mediaType"].as_str().unwrap_or_default();
    if !MEDIA_TYPES.contains(&version) {
        return Err(Rejection::UnsupportedVersion(version.to_owned()));
    }
    // 2.
    check_content(&value)?;
    // 3.
    check_certificate(&value["verificationMaterial"])?;
    // 4.
    check_entries(&value["verificationMaterial"])?;
    let strict = serde_json::to_string(&value).map_err(malformed)?;
    Bundle::from_json(&strict).map_err(malformed)
}

/// Returns the digest that a signature says it is over; a hint, which the
/// signature itself must confirm.
pub(crate) fn hinted_digest(bundle: &Bundle) -> Option<Sha256> {
    let SignatureContent::MessageSignature(signature) = &bundle.content else {
        return None;
    };
    let digest = signature.message_digest.as_ref()?.digest.as_bytes();
    Some(Sha256::from_bytes(digest.try_into().ok()?))
}

fn check_content(bundle: &Value) -> Result<(), Rejection> {
    let signature = bundle.get("messageSignature");
    match (signature, bundle.get("dsseEnvelope")) {
        (Some(signature), None) => check_digest_algorithm(signature),
        (None, Some(envelope)) => match envelope["signatures"].as_array().map(Vec::len) {
            Some(1) => Ok(()),
            count => Err(Rejection::SignatureCount(count.unwrap_or(0))),
        },
        _ => Err(Rejection::Ambiguous),
    }
}

fn check_digest_algorithm(signature: &Value) -> Result<(), Rejection> {
    let digest = &signature["messageDigest"];
    match digest["algorithm"].as_str() {
        None if digest.is_null() => Ok(()),
        Some("SHA2_256") => Ok(()),
        other => Err(Rejection::Unsupported(format!(
            "the digest algorithm is `{}`, not SHA2_256",
            other.unwrap_or_default()
        ))),
    }
}

fn check_certificate(material: &Value) -> Result<(), Rejection> {
    if material.get("x509CertificateChain").is_some() {
        Err(Rejection::CertificateChain)
    } else if material.get("publicKey").is_some() || material.get("certificate").is_none() {
        Err(Rejection::NoCertificate)
    } else {
        Ok(())
    }
}

fn check_entries(material: &Value) -> Result<(), Rejection> {
    let entries = material["tlogEntries"].as_array();
    let entries = entries.filter(|entries| !entries.is_empty());
    for entry in entries.ok_or(Rejection::NoLogEntry)? {
        check_entry(entry)?;
    }
    Ok(())
}

fn check_entry(entry: &Value) -> Result<(), Rejection> {
    let kind = &entry["kindVersion"];
    let part = |name: &str| kind[name].as_str().unwrap_or_default();
    let kind = (part("kind"), part("version"));
    let known = [
        ("hashedrekord", "0.0.1"),
        ("hashedrekord", "0.0.2"),
        ("dsse", "0.0.1"),
        ("intoto", "0.0.2"),
    ];
    if !known.contains(&kind) {
        return Err(Rejection::LogEntryKind(format!("{} {}", kind.0, kind.1)));
    }
    let proof = &entry["inclusionProof"];
    if !proof.is_object() {
        return Err(Rejection::NoInclusionProof);
    }
    match proof["checkpoint"]["envelope"].as_str() {
        None | Some("") => Err(Rejection::NoCheckpoint),
        Some(note) => Checkpoint::from_text(note)
            .map(drop)
            .map_err(|why| Rejection::Checkpoint(why.to_string())),
    }
}

fn malformed(why: impl std::fmt::Display) -> Rejection {
    Rejection::Malformed(why.to_string())
}
