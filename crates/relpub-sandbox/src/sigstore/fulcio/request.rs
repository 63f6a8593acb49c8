//! What is asked of Fulcio: a token, a key, and the proof that it is held.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use serde::Deserialize;

use super::super::certificate::from_pem;
use super::super::der;
use super::super::keys::{Curve, verifies};
use super::Refusal;

/// A request for a certificate, in either of its two forms.
pub(super) struct Request {
    token: String,
    form: Form,
}

enum Form {
    /// A key, and a signature over the token's challenge.
    Key { pem: String, proof: Vec<u8> },
    /// A certificate signing request (PKCS #10) as PEM.
    Csr(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default)]
    credentials: Credentials,
    public_key_request: Option<PublicKeyRequest>,
    certificate_signing_request: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Credentials {
    oidc_identity_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PublicKeyRequest {
    public_key: PublicKey,
    proof_of_possession: String,
}

#[derive(Deserialize)]
struct PublicKey {
    content: String,
}

impl Request {
    /// Reads a request, whose token stands in its body or in a header.
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Refusal> {
        let body: Body = serde_json::from_slice(body)
            .map_err(|error| Refusal::invalid(format!("the body is not a request: {error}")))?;
        let token = match body.credentials.oidc_identity_token {
            token if token.is_empty() => bearer(headers).unwrap_or_default(),
            token => token,
        };
        let form = match (body.public_key_request, body.certificate_signing_request) {
            (Some(request), _) => Form::Key {
                pem: request.public_key.content,
                proof: STANDARD
                    .decode(request.proof_of_possession)
                    .map_err(|_| Refusal::invalid(NO_PROOF))?,
            },
            (None, Some(request)) => {
                let pem = STANDARD.decode(request).ok();
                let pem = pem.and_then(|pem| String::from_utf8(pem).ok());
                Form::Csr(pem.ok_or_else(|| Refusal::invalid(BAD_CSR))?)
            }
            (None, None) => return Err(Refusal::invalid(BAD_KEY)),
        };
        Ok(Self { token, form })
    }

    /// Returns the identity token, which may be empty.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Returns the key (as SPKI) that the sender has shown to hold.
    pub(super) fn proven_key(&self, challenge: &str) -> Result<Vec<u8>, Refusal> {
        match &self.form {
            Form::Key { pem, proof } => {
                let key = from_pem(pem).map(|(_, der)| der);
                let key = key.filter(|spki| Curve::of(spki).is_some());
                let key = key.ok_or_else(|| Refusal::invalid(BAD_KEY))?;
                if verifies(&key, challenge.as_bytes(), proof) {
                    Ok(key)
                } else {
                    Err(Refusal::invalid(NO_PROOF))
                }
            }
            Form::Csr(pem) => {
                let csr = from_pem(pem).map(|(_, der)| der);
                let csr = csr.ok_or_else(|| Refusal::invalid(BAD_CSR))?;
                let (request, spki, signature) =
                    read_csr(&csr).ok_or_else(|| Refusal::invalid(BAD_CSR))?;
                if verifies(spki, request, signature) {
                    Ok(spki.to_vec())
                } else {
                    Err(Refusal::invalid(NO_PROOF))
                }
            }
        }
    }
}

const NO_PROOF: &str = "The signature supplied in the request could not be verified";
const BAD_KEY: &str = "The public key supplied in the request could not be parsed";
const BAD_CSR: &str = "The certificate signing request could not be parsed";

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}

/// Returns what a CSR signs, the key in it, and the signature.
fn read_csr(csr: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let parts = der::only(csr)?.parts(der::SEQUENCE)?;
    let [request, _, signature] = parts[..] else {
        return None;
    };
    // Version, subject, key, attributes; the subject is nobody's business.
    let spki = request.parts(der::SEQUENCE)?.get(2)?.whole;
    let signature = signature.tagged(der::BIT_STRING)?.get(1..)?;
    Some((request.whole, spki, signature))
}
