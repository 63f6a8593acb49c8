//! What is asked of the log, checked, and what of it is kept.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::certificate::Certificate;
use super::super::keys::{Curve, verifies_digest};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Request {
    hashed_rekord_request_v002: Option<HashedRekord>,
    /// It was a kind of entry once; now it is only known by name.
    dsse_request_v002: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HashedRekord {
    digest: String,
    signature: Signature,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    content: String,
    verifier: Verifier,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Verifier {
    key_details: String,
    x509_certificate: Option<Raw>,
    public_key: Option<Raw>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Raw {
    raw_bytes: String,
}

/// Returns the entry that a request makes, or why it is refused.
///
/// 1. unknown fields · 2. the type · 3. the signature over the digest.
pub(super) fn entry(body: &[u8]) -> Result<Value, String> {
    let request: Request = serde_json::from_slice(body)
        .map_err(|error| format!("proto: the request is malformed: {error}"))?;
    let kinds = (
        request.hashed_rekord_request_v002,
        request.dsse_request_v002,
    );
    let (Some(request), None) = kinds else {
        return Err("invalid type, must be hashedrekord".to_owned());
    };
    kept(request).ok_or_else(|| "invalid hashedrekord request".to_owned())
}

fn kept(request: HashedRekord) -> Option<Value> {
    let decode = |text: &str| STANDARD.decode(text).ok();
    let (digest, content) = (
        decode(&request.digest)?,
        decode(&request.signature.content)?,
    );
    let Verifier {
        key_details,
        x509_certificate,
        public_key,
    } = request.signature.verifier;
    let (kind, raw) = match (x509_certificate, public_key) {
        (Some(raw), None) => ("x509Certificate", decode(&raw.raw_bytes)?),
        (None, Some(raw)) => ("publicKey", decode(&raw.raw_bytes)?),
        _ => return None,
    };
    let spki = match kind {
        "x509Certificate" => Certificate::read(&raw)?.spki,
        _ => &raw,
    };
    let (curve, algorithm) = match key_details.as_str() {
        "PKIX_ECDSA_P256_SHA_256" => (Curve::P256, "SHA2_256"),
        "PKIX_ECDSA_P384_SHA_384" => (Curve::P384, "SHA2_384"),
        _ => return None,
    };
    if Curve::of(spki) != Some(curve) || !verifies_digest(spki, &digest, &content) {
        return None;
    }
    let encode = |bytes: &[u8]| STANDARD.encode(bytes);
    Some(json!({
        "apiVersion": "0.0.2",
        "kind": "hashedrekord",
        "spec": {"hashedRekordV002": {
            "data": {"algorithm": algorithm, "digest": encode(&digest)},
            "signature": {
                "content": encode(&content),
                "verifier": {"keyDetails": key_details, kind: {"rawBytes": encode(&raw)}},
            },
        }},
    }))
}
