//! Fulcio: a certificate for a key, against an identity token (API v2).

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sigstore_sign::crypto::{CertificateInfo, KeyPair, parse_certificate_info};
use sigstore_sign::types::DerCertificate;
use url::Url;

use super::{protocol, url_under};
use crate::http::{Body, Deed, Http, RemoteError, Repeat, Request};
use crate::identity::IdentityToken;

/// What it is called in errors.
pub(super) const NAME: &str = "Fulcio";
/// How long before its end a certificate is replaced: a signature that begins
/// now, its timestamp and its log entry must all fall into its life, retries
/// included.
const MARGIN: SignedDuration = SignedDuration::from_mins(2);

/// A key and the certificate for it. The key is in memory only.
pub(super) struct Credential {
    pub(super) key: KeyPair,
    pub(super) certificate: DerCertificate,
    /// When the certificate expires, on this machine's clock.
    expires: Timestamp,
}

impl Credential {
    /// Makes a key and gets a certificate for it.
    ///
    /// A repeated request makes one certificate more, which nobody uses.
    pub(super) async fn request(
        http: &Http,
        fulcio: &Url,
        token: &IdentityToken,
        thing: &str,
    ) -> Result<Self, RemoteError> {
        let deed = Deed::new(NAME, "get a certificate to sign", thing);
        let key = KeyPair::generate_ecdsa_p256().map_err(|why| protocol(&deed, &why))?;
        let body = request(&key, token).map_err(|why| protocol(&deed, &why))?;
        let url = url_under(fulcio, "api/v2/signingCert");
        let request = Request::post(url, deed.clone())
            .body(Body::json(&body))
            .repeat(Repeat::Always);
        let asked = http.now();
        let answer = http.call(&request).await?;
        let issued: Issued = answer.json()?;
        let certificate = issued.leaf().map_err(|why| answer.protocol(why))?;
        let info = parse_certificate_info(&certificate)
            .map_err(|why| answer.protocol(format!("the certificate cannot be read: {why}")))?;
        let public_key = key.public_key_der().map_err(|why| protocol(&deed, &why))?;
        if info.public_key != public_key {
            return Err(answer.protocol("the certificate is for another key"));
        }
        Ok(Self {
            key,
            certificate,
            expires: asked.saturating_add(life(&info)).unwrap_or(asked),
        })
    }

    /// Tells whether there is time enough to begin a signature.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        self.expires.duration_since(now) > MARGIN
    }

    /// Tells whether what was signed until now was signed in time.
    pub(super) fn is_alive(&self, now: Timestamp) -> bool {
        now <= self.expires
    }
}

/// Returns how long a certificate lives. That holds for a clock that is wrong, too.
fn life(info: &CertificateInfo) -> SignedDuration {
    info.not_after.duration_since(info.not_before)
}

fn request(key: &KeyPair, token: &IdentityToken) -> sigstore_sign::crypto::Result<Value> {
    let proof = key.sign(challenge(&token.all).as_bytes())?;
    Ok(json!({
        "credentials": {"oidcIdentityToken": token.secret.expose()},
        "publicKeyRequest": {
            "publicKey": {"algorithm": "ECDSA", "content": key.public_key_der()?.to_pem()},
            "proofOfPossession": proof.to_base64(),
        },
    }))
}

/// Returns what Fulcio wants signed as proof of the key: a person's verified
/// address, or the subject.
fn challenge(claims: &Map<String, Value>) -> &str {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let verified = claims
        .get("email_verified")
        .is_some_and(|it| *it == true || *it == "true");
    let email = text("email").filter(|_| verified);
    email.or_else(|| text("sub")).unwrap_or_default()
}

/// Fulcio's answer: the certificate first, its issuer behind.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Issued {
    signed_certificate_embedded_sct: Option<Signed>,
}

#[derive(Deserialize)]
struct Signed {
    chain: Chain,
}

#[derive(Deserialize)]
struct Chain {
    certificates: Vec<String>,
}

impl Issued {
    /// Returns the certificate. One whose SCT is apart is of no use: a bundle has
    /// no place for it.
    fn leaf(&self) -> Result<DerCertificate, String> {
        let signed = self.signed_certificate_embedded_sct.as_ref();
        let chain = signed.map(|it| it.chain.certificates.as_slice());
        let pem = chain.and_then(<[_]>::first);
        let pem = pem.ok_or("the answer has no certificate with an SCT inside")?;
        DerCertificate::from_pem(pem)
            .map_err(|why| format!("the certificate cannot be read: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_prove_their_address_and_jobs_their_subject() {
        let said = |claims: Value| challenge(claims.as_object().unwrap()).to_owned();
        assert_eq!(said(json!({"sub": "repo:a/b"})), "repo:a/b");
        let person = json!({"sub": "1", "email": "a@example.org", "email_verified": true});
        assert_eq!(said(person), "a@example.org");
        let claimed = json!({"sub": "1", "email": "a@example.org"});
        assert_eq!(said(claimed), "1");
    }
}
