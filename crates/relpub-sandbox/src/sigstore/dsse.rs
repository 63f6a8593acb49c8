//! Signed envelopes (DSSE).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::Deserialize;

/// An envelope, decoded.
pub(super) struct Envelope {
    payload_type: String,
    pub(super) payload: Vec<u8>,
    pub(super) signatures: Vec<Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Encoded {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    sig: String,
}

impl Envelope {
    /// Reads an envelope with a signature at least; the error says what is wrong.
    pub(super) fn read(json: &[u8]) -> Result<Self, String> {
        let encoded: Encoded = serde_json::from_slice(json)
            .map_err(|error| format!("the envelope is malformed: {error}"))?;
        let decoded = |text: &str| {
            let decoded = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text));
            decoded.map_err(|_| "the envelope holds something that is not base64".to_owned())
        };
        if encoded.signatures.is_empty() {
            return Err("the envelope has no signature".to_owned());
        }
        let signatures = encoded.signatures.iter().map(|it| decoded(&it.sig));
        Ok(Self {
            payload: decoded(&encoded.payload)?,
            payload_type: encoded.payload_type,
            signatures: signatures.collect::<Result<_, _>>()?,
        })
    }

    /// Returns what is signed, the pre-authentication encoding.
    pub(super) fn signed(&self) -> Vec<u8> {
        pae(&self.payload_type, &self.payload)
    }
}

/// Returns the pre-authentication encoding of a payload.
pub(crate) fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let (kind, length) = (payload_type.len(), payload.len());
    let mut signed = format!("DSSEv1 {kind} {payload_type} {length} ").into_bytes();
    signed.extend_from_slice(payload);
    signed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_that_of_the_specification() {
        let signed = pae("http://example.com/HelloWorld", b"hello world");
        assert_eq!(
            signed,
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }
}
