//! Log entries, as far as Sigstore's verifier leaves them open.
//!
//! It verifies a checkpoint with any key of the trusted root whose hint fits.
//! Here the log that an entry names must be the one that signed, so that one
//! trusted log cannot speak for another. Nor does it compare the size of the
//! tree in a v1 proof with that in the checkpoint.

use std::collections::BTreeSet;

use relpub_model::evidence::LogEntry;
use sigstore_verify::crypto::VerificationKey;
use sigstore_verify::trust_root::TransparencyLog;
use sigstore_verify::types::{Bundle, KindVersion, SignatureContent, TransparencyLogEntry};

use crate::{Rejection, TrustRoot};

/// Checks every log entry of a bundle, and returns where they are:
///
/// 1. none is there twice;
/// 2. its kind can hold the bundle's content;
/// 3. its log is in the trusted root, and was in force at the time it promised;
/// 4. that very log signed the checkpoint, which is of the tree that the proof
///    is about.
pub(crate) fn check(bundle: &Bundle, root: &TrustRoot) -> Result<Vec<LogEntry>, Rejection> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for entry in &bundle.verification_material.tlog_entries {
        // 1.
        let index = entry.log_index.get();
        if !seen.insert((hex::encode(entry.log_id.key_id.as_bytes()), index)) {
            return Err(Rejection::DuplicateLogEntry(index));
        }
        // 2.
        if !fits(entry.kind_version, &bundle.content) {
            let kind = entry.kind_version;
            let kind = format!("{} {}", kind.kind(), kind.version());
            return Err(Rejection::LogEntryKind(kind));
        }
        // 3.
        let id = hex::encode(entry.log_id.key_id.as_bytes());
        let Some(log) = root.log(&entry.log_id.key_id) else {
            return Err(Rejection::UnknownLog(id));
        };
        check_in_force(entry, log)?;
        // 4.
        check_checkpoint(entry, log)?;
        found.push(LogEntry {
            log: id,
            url: log.base_url.clone(),
            index,
            integrated: promised_time(entry),
        });
    }
    Ok(found)
}

/// Returns the time that a Rekor v1 log promised; an unpromised one proves
/// nothing. The promise is verified by Sigstore's verifier.
pub(crate) fn promised_time(entry: &TransparencyLogEntry) -> Option<jiff::Timestamp> {
    let version_1 = entry.kind_version != KindVersion::HashedRekordV002;
    let promised = version_1 && entry.inclusion_promise.is_some();
    entry.integrated_time.filter(|_| promised)
}

fn fits(kind: KindVersion, content: &SignatureContent) -> bool {
    match kind {
        KindVersion::HashedRekordV002 => true,
        KindVersion::HashedRekordV001 => matches!(content, SignatureContent::MessageSignature(_)),
        KindVersion::DsseV001 | KindVersion::IntotoV002 => {
            matches!(content, SignatureContent::DsseEnvelope(_))
        }
        _ => false,
    }
}

fn check_in_force(entry: &TransparencyLogEntry, log: &TransparencyLog) -> Result<(), Rejection> {
    let (Some(time), Some(window)) = (promised_time(entry), log.public_key.valid_for) else {
        return Ok(());
    };
    if window.contains(time) {
        Ok(())
    } else {
        Err(Rejection::LogNotInForce(time))
    }
}

fn check_checkpoint(entry: &TransparencyLogEntry, log: &TransparencyLog) -> Result<(), Rejection> {
    let proof = entry.inclusion_proof.as_ref();
    let proof = proof.ok_or(Rejection::NoInclusionProof)?;
    let checkpoint = proof.checkpoint.checkpoint();
    let checkpoint = checkpoint.ok_or(Rejection::NoCheckpoint)?;
    let key = VerificationKey::from_spki(&log.public_key.raw_bytes)
        .map_err(|why| Rejection::Unsupported(why.to_string()))?;
    let by_log = |hint: &[u8]| log.log_id.key_id.as_bytes().starts_with(hint);
    let signatures = checkpoint.signatures().iter();
    let mut own = signatures
        .filter(|line| by_log(line.key_id.as_bytes()))
        .peekable();
    if own.peek().is_none() {
        return Err(Rejection::Checkpoint("the log did not sign it".to_owned()));
    }
    if !own.any(|line| {
        key.verify(checkpoint.signed_data(), &line.signature)
            .is_ok()
    }) {
        let why = "the log's signature is not over it".to_owned();
        return Err(Rejection::Checkpoint(why));
    }
    let version_1 = entry.kind_version != KindVersion::HashedRekordV002;
    if version_1 && proof.tree_size != checkpoint.tree_size() {
        let why = "it is for a tree of another size than the checkpoint's".to_owned();
        return Err(Rejection::InclusionProof(why));
    }
    Ok(())
}
