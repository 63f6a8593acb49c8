//! Whether an envelope was signed and logged here: what an index asks.
//!
//! It is the client's side of Fulcio and Rekor v1, with the world's own keys.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::certificate::{Certificate, pem};
use super::json::canonical;
use super::keys::{sha256, verifies};
use super::rekor1::OFFSET;
use super::tree::{self, Hash};
use super::{Sigstore, der};

/// An envelope with all that is said about its signature.
pub(crate) struct Evidence<'a> {
    /// The certificate as DER.
    pub(crate) certificate: &'a [u8],
    /// What was signed, the pre-authentication encoding.
    pub(crate) signed: &'a [u8],
    /// The payload of the envelope.
    pub(crate) payload: &'a [u8],
    pub(crate) signature: &'a [u8],
    /// The entry of Rekor v1, as it stands in bundles.
    pub(crate) entry: &'a Value,
}

/// An entry as protobuf's JSON has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    log_index: String,
    log_id: LogId,
    integrated_time: String,
    inclusion_promise: Promise,
    inclusion_proof: Proof,
    canonicalized_body: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogId {
    key_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Promise {
    signed_entry_timestamp: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Proof {
    log_index: String,
    root_hash: String,
    tree_size: String,
    #[serde(default)]
    hashes: Vec<String>,
    checkpoint: Checkpoint,
}

#[derive(Deserialize)]
struct Checkpoint {
    envelope: String,
}

impl Sigstore {
    /// Returns the claims in the certificate, by the last arcs of their extensions.
    ///
    /// 1. the certificate is Fulcio's · 2. its key has signed · 3. the log has
    ///    promised the entry · 4. at a time when the certificate was valid ·
    /// 5. the entry is in the tree of the checkpoint · 6. and is about this very
    ///    signature. The error says which is not so.
    pub(crate) fn judge(&self, evidence: &Evidence<'_>) -> Result<BTreeMap<u8, String>, String> {
        let certificate =
            Certificate::read(evidence.certificate).ok_or("the certificate is malformed")?;
        let fulcio = self.keys().fulcio.spki();
        if !verifies(fulcio, certificate.tbs, certificate.signature) {
            return Err("the certificate was not issued by a trusted authority".to_owned());
        }
        if !verifies(certificate.spki, evidence.signed, evidence.signature) {
            return Err("the signature is invalid".to_owned());
        }
        let entry = Entry::deserialize(evidence.entry)
            .map_err(|error| format!("the transparency log entry is malformed: {error}"))?;
        let time = self.promised(&entry)?;
        let time = der::utc_time(time);
        let [not_before, not_after] = certificate.validity;
        let time = &time[2..];
        if time < not_before || time > not_after {
            return Err("the certificate was not valid when the entry was made".to_owned());
        }
        self.included(&entry)?;
        about(&entry, evidence)?;
        let claims = (8..=24).filter_map(|arc| Some((arc, certificate.claim(arc)?.to_owned())));
        Ok(claims.collect())
    }

    /// Checks the signed entry timestamp and returns the time in it.
    fn promised(&self, entry: &Entry) -> Result<Timestamp, String> {
        let key = self.keys().rekor1.spki();
        if entry.log_id.key_id != STANDARD.encode(sha256(key)) {
            return Err("the entry is not from a trusted Rekor v1".to_owned());
        }
        let seconds: i64 = number(&entry.integrated_time)?;
        let index: usize = number(&entry.log_index)?;
        let promised = canonical(&json!({
            "body": entry.canonicalized_body,
            "integratedTime": seconds,
            "logID": hex::encode(sha256(key)),
            "logIndex": index,
        }));
        let promise = decoded(&entry.inclusion_promise.signed_entry_timestamp)?;
        if !verifies(key, promised.as_bytes(), &promise) {
            return Err("the inclusion promise is invalid".to_owned());
        }
        Timestamp::from_second(seconds).map_err(|error| error.to_string())
    }

    /// Checks the inclusion proof, its checkpoint, and that the log has the entry.
    fn included(&self, entry: &Entry) -> Result<(), String> {
        let wrong = || "the inclusion proof is invalid".to_owned();
        let proof = &entry.inclusion_proof;
        let (index, size) = (number(&proof.log_index)?, number(&proof.tree_size)?);
        let body = decoded(&entry.canonicalized_body)?;
        let hashes = proof.hashes.iter().map(|hash| hash_of(hash));
        let hashes: Vec<Hash> = hashes.collect::<Option<_>>().ok_or_else(wrong)?;
        let root = tree::climb(index, size, tree::leaf(&body), &hashes).ok_or_else(wrong)?;
        if hash_of(&proof.root_hash) != Some(root) {
            return Err(wrong());
        }
        let (text, lines) = proof
            .checkpoint
            .envelope
            .split_once("\n\n")
            .ok_or_else(wrong)?;
        let text = format!("{text}\n");
        let said = format!("\n{size}\n{}\n", STANDARD.encode(root));
        if !text.ends_with(&said) || !lines.lines().any(|line| self.has_signed(&text, line)) {
            return Err("the checkpoint is invalid".to_owned());
        }
        let log = self.rekor1();
        let kept = log.entry(index).filter(|kept| kept.body == body);
        let global: usize = number(&entry.log_index)?;
        if kept.is_none() || global != index + OFFSET {
            return Err("the log has no such entry".to_owned());
        }
        Ok(())
    }

    /// Returns whether a line of a note is Rekor v1's signature over `text`.
    fn has_signed(&self, text: &str, line: &str) -> bool {
        let key = self.keys().rekor1.spki();
        let signature = line.rsplit(' ').next().map(decoded);
        let Some(Ok(signature)) = signature else {
            return false;
        };
        let signature = signature.strip_prefix(&sha256(key)[..4]);
        signature.is_some_and(|signature| verifies(key, text.as_bytes(), signature))
    }
}

/// Checks that an entry is about the payload, the signature and the certificate.
fn about(entry: &Entry, evidence: &Evidence<'_>) -> Result<(), String> {
    let body = decoded(&entry.canonicalized_body)?;
    let body: Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    let signatures = json!([{
        "signature": STANDARD.encode(evidence.signature),
        "verifier": STANDARD.encode(pem("CERTIFICATE", evidence.certificate)),
    }]);
    let payload = json!(hex::encode(sha256(evidence.payload)));
    let is = |at: &str, value: &Value| body.pointer(at) == Some(value);
    if is("/kind", &json!("dsse"))
        && is("/spec/payloadHash/value", &payload)
        && is("/spec/signatures", &signatures)
    {
        return Ok(());
    }
    Err("the entry is about another signature".to_owned())
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    let wrong = |_| format!("the transparency log entry has `{text}` for a number");
    text.parse().map_err(wrong)
}

fn decoded(text: &str) -> Result<Vec<u8>, String> {
    let wrong = |_| "the transparency log entry has something that is not base64".to_owned();
    STANDARD.decode(text).map_err(wrong)
}

fn hash_of(text: &str) -> Option<Hash> {
    decoded(text).ok()?.try_into().ok()
}
