//! The issuer's RSA key, and JSON Web Tokens signed with it (RFC 7515, RS256).

use std::io;
use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Map, Value, json};

use crate::disk::Disk;

const FILE: &str = "key.der";
const KEY_ID: &str = "sandbox";

/// Where the modulus lies in the `RSAPublicKey` (RFC 8017) of any 2048-bit key,
/// whose public exponent is 65537.
const MODULUS: std::ops::Range<usize> = 9..265;
/// The exponent 65537 in the words of a JSON Web Key.
const EXPONENT: &str = "AQAB";

pub(super) struct Key(RsaKeyPair);

impl Key {
    /// Reads the key kept in `disk`, or keeps a new one there.
    pub(super) fn open(disk: &Disk) -> io::Result<Self> {
        let path = disk.path(FILE);
        let pkcs8 = match std::fs::read(&path) {
            Ok(pkcs8) => pkcs8,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let pkcs8 = new_key()?;
                disk.write_private(FILE, &pkcs8)?;
                pkcs8
            }
            Err(error) => return Err(error),
        };
        RsaKeyPair::from_pkcs8(&pkcs8).map(Self).map_err(|error| {
            io::Error::other(format!("{} is not a usable key: {error}", path.display()))
        })
    }

    /// Returns a signed token with these claims.
    pub(super) fn sign(&self, claims: &Value) -> String {
        let header = json!({"typ": "JWT", "alg": "RS256", "kid": KEY_ID});
        let [header, claims] = [&header, claims].map(|part| BASE64URL.encode(part.to_string()));
        let signed = format!("{header}.{claims}");
        let mut signature = vec![0; self.0.public_modulus_len()];
        let random = SystemRandom::new();
        self.0
            .sign(
                &RSA_PKCS1_SHA256,
                &random,
                signed.as_bytes(),
                &mut signature,
            )
            .expect("the signature has the length of the modulus");
        format!("{signed}.{}", BASE64URL.encode(signature))
    }

    /// Checks the signature of a token and returns its claims.
    pub(super) fn open_token(&self, token: &str) -> Result<Map<String, Value>, String> {
        let malformed = || "the token is not a JSON Web Token".to_owned();
        let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
        let header = decode(header).ok_or_else(malformed)?;
        if header.get("alg") != Some(&json!("RS256")) || header.get("kid") != Some(&json!(KEY_ID)) {
            return Err("the token is signed with an unknown key or algorithm".to_owned());
        }
        let signature = BASE64URL.decode(signature).map_err(|_| malformed())?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.0.public_key().as_ref())
            .verify(signed.as_bytes(), &signature)
            .map_err(|_| "the signature of the token is wrong".to_owned())?;
        decode(claims).ok_or_else(malformed)
    }

    /// Returns the public key as a JSON Web Key (RFC 7517).
    pub(super) fn public(&self) -> Value {
        let modulus = &self.0.public_key().as_ref()[MODULUS];
        json!({
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": KEY_ID,
            "n": BASE64URL.encode(modulus),
            "e": EXPONENT,
        })
    }
}

/// Returns a new key in PKCS #8.
///
/// All new worlds of a process share it, because finding one takes a while.
fn new_key() -> io::Result<Vec<u8>> {
    static KEY: OnceLock<Vec<u8>> = OnceLock::new();
    if let Some(key) = KEY.get() {
        return Ok(key.clone());
    }
    let failed = |_| io::Error::other("could not make an RSA key");
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
    let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
    Ok(KEY.get_or_init(|| der.as_ref().to_vec()).clone())
}

fn decode(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&BASE64URL.decode(part).ok()?).ok()
}
