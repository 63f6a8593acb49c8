//! The kinds of entries: what is checked of them, and what of them is kept.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::certificate::{Certificate, from_pem, pem};
use super::super::dsse::Envelope;
use super::super::keys::{sha256, verifies, verifies_digest};

/// Returns an entry as the log keeps it, or why it is refused.
pub(super) fn canonical(entry: &Value) -> Result<Value, String> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let spec = entry.get("spec").cloned().unwrap_or_default();
    let kept = match (text("kind"), text("apiVersion")) {
        ("hashedrekord", "0.0.1") => hashed_rekord(spec)?,
        ("dsse", "0.0.1") => dsse(spec)?,
        (kind, version) => {
            return Err(format!("the kind `{kind}` {version} is not supported"));
        }
    };
    Ok(json!({"apiVersion": "0.0.1", "kind": text("kind"), "spec": kept}))
}

/// Returns whether a kept entry is about what has this SHA-256.
pub(super) fn is_about(entry: &Value, sha256: &str) -> bool {
    let hashes = [
        "/spec/data/hash/value",
        "/spec/payloadHash/value",
        "/spec/envelopeHash/value",
    ];
    let mut found = hashes.iter().filter_map(|at| entry.pointer(at)?.as_str());
    found.any(|hash| hash == sha256)
}

#[derive(Deserialize)]
struct HashedRekord {
    data: Data,
    signature: Signature,
}

#[derive(Deserialize)]
struct Data {
    hash: Hash,
}

#[derive(Deserialize)]
struct Hash {
    algorithm: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signature {
    content: String,
    public_key: PublicKey,
}

#[derive(Deserialize)]
struct PublicKey {
    content: String,
}

/// The signature is over the bare digest: the log never sees the data.
fn hashed_rekord(spec: Value) -> Result<Value, String> {
    let spec: HashedRekord = serde_json::from_value(spec).map_err(|error| error.to_string())?;
    let Hash { algorithm, value } = spec.data.hash;
    let length = match algorithm.as_str() {
        "sha256" => 32,
        "sha384" => 48,
        _ => return Err(format!("the hash algorithm `{algorithm}` is not supported")),
    };
    let digest = hex::decode(&value).ok().filter(|it| it.len() == length);
    let digest = digest.ok_or("the hash is not hexadecimal of its length")?;
    let signature = decoded(&spec.signature.content)?;
    let verifier = Verifier::read(&spec.signature.public_key.content)?;
    if !verifies_digest(&verifier.spki, &digest, &signature) {
        return Err("the signature does not verify".to_owned());
    }
    Ok(json!({
        "data": {"hash": {"algorithm": algorithm, "value": hex::encode(digest)}},
        "signature": {
            "content": STANDARD.encode(signature),
            "publicKey": {"content": verifier.encoded},
        },
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dsse {
    proposed_content: Proposed,
}

#[derive(Deserialize)]
struct Proposed {
    envelope: String,
    verifiers: Vec<String>,
}

/// Every signature of the envelope is by one of the given verifiers.
fn dsse(spec: Value) -> Result<Value, String> {
    let spec: Dsse = serde_json::from_value(spec).map_err(|error| error.to_string())?;
    let Proposed {
        envelope: text,
        verifiers,
    } = spec.proposed_content;
    let envelope = Envelope::read(text.as_bytes())?;
    let verifiers = verifiers.iter().map(|it| Verifier::read(it));
    let verifiers = verifiers.collect::<Result<Vec<_>, _>>()?;
    let signed = envelope.signed();
    let mut signatures = Vec::new();
    for signature in &envelope.signatures {
        let mut verifiers = verifiers.iter();
        let verifier = verifiers.find(|it| verifies(&it.spki, &signed, signature));
        let verifier = verifier.ok_or("a signature of the envelope does not verify")?;
        signatures.push((STANDARD.encode(signature), verifier.encoded.clone()));
    }
    signatures.sort();
    let hash = |bytes: &[u8]| json!({"algorithm": "sha256", "value": hex::encode(sha256(bytes))});
    let signatures: Vec<_> = signatures
        .into_iter()
        .map(|(signature, verifier)| json!({"signature": signature, "verifier": verifier}))
        .collect();
    Ok(json!({
        "envelopeHash": hash(text.as_bytes()),
        "payloadHash": hash(&envelope.payload),
        "signatures": signatures,
    }))
}

/// A key, or a certificate with one.
struct Verifier {
    spki: Vec<u8>,
    /// Base64 of its PEM in the one spelling that is kept.
    encoded: String,
}

impl Verifier {
    fn read(encoded: &str) -> Result<Self, String> {
        let text = String::from_utf8(decoded(encoded)?).ok();
        let block = text.as_deref().and_then(from_pem);
        let (label, der) = block.ok_or("a verifier is not PEM")?;
        let spki = match label.as_str() {
            "CERTIFICATE" => {
                let certificate = Certificate::read(&der);
                certificate
                    .ok_or("a verifier is not a certificate")?
                    .spki
                    .to_vec()
            }
            _ => der.clone(),
        };
        let encoded = STANDARD.encode(pem(&label, &der));
        Ok(Self { spki, encoded })
    }
}

fn decoded(text: &str) -> Result<Vec<u8>, String> {
    STANDARD
        .decode(text)
        .map_err(|error| format!("not base64: {error}"))
}
