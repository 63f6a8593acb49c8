//! Keys: the sandbox's own, and those that signatures are checked with.

use std::io;

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1, EcdsaKeyPair,
    EcdsaVerificationAlgorithm, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey,
};

use super::der;
use crate::disk::Disk;

/// The length of the `SubjectPublicKeyInfo` around an Ed25519 key, in bytes.
const ED25519_PREFIX: usize = 12;

/// A key of the sandbox: ECDSA on P-256 with SHA-256.
pub(super) struct Key {
    pair: EcdsaKeyPair,
    spki: Vec<u8>,
}

impl Key {
    /// Reads the key kept in `disk` as `name`, or keeps a new one there.
    pub(super) fn open(disk: &Disk, name: &str) -> io::Result<Self> {
        let pkcs8 = kept(disk, name, || {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).ok()?;
            Some(pair.to_pkcs8v1().ok()?.as_ref().to_vec())
        })?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8);
        pair.ok().and_then(Self::new).ok_or_else(|| unusable(name))
    }

    /// Returns a key that nobody trusts.
    pub(super) fn foreign() -> Self {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)
            .ok()
            .and_then(Self::new)
            .expect("the system gives random bytes")
    }

    fn new(pair: EcdsaKeyPair) -> Option<Self> {
        let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
        let spki = spki.as_ref().to_vec();
        Some(Self { pair, spki })
    }

    /// Returns the ASN.1 signature over the SHA-256 of `message`.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature = self.pair.sign(&SystemRandom::new(), message);
        let signature = signature.expect("a P-256 key signs any message");
        signature.as_ref().to_vec()
    }

    /// Returns the public key as a `SubjectPublicKeyInfo`.
    pub(super) fn spki(&self) -> &[u8] {
        &self.spki
    }
}

/// A key of the sandbox: pure Ed25519.
pub(super) struct EdKey {
    pair: Ed25519KeyPair,
    spki: Vec<u8>,
}

impl EdKey {
    /// Reads the key kept in `disk` as `name`, or keeps a new one there.
    pub(super) fn open(disk: &Disk, name: &str) -> io::Result<Self> {
        let pkcs8 = kept(disk, name, || {
            let pair = Ed25519KeyPair::generate().ok()?;
            Some(pair.to_pkcs8v1().ok()?.as_ref().to_vec())
        })?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8).ok();
        pair.and_then(Self::new).ok_or_else(|| unusable(name))
    }

    fn new(pair: Ed25519KeyPair) -> Option<Self> {
        let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
        let spki = spki.as_ref().to_vec();
        Some(Self { pair, spki })
    }

    /// Returns the signature over `message`.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }

    /// Returns the public key as a `SubjectPublicKeyInfo`.
    pub(super) fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Returns the 32 bytes of the public key itself.
    pub(super) fn raw(&self) -> &[u8] {
        &self.spki[ED25519_PREFIX..]
    }
}

fn kept(disk: &Disk, name: &str, make: impl FnOnce() -> Option<Vec<u8>>) -> io::Result<Vec<u8>> {
    let file = format!("{name}.key");
    match std::fs::read(disk.path(&file)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let pkcs8 = make().ok_or_else(|| unusable(name))?;
            disk.write_private(&file, &pkcs8)?;
            Ok(pkcs8)
        }
        read => read,
    }
}

fn unusable(name: &str) -> io::Error {
    io::Error::other(format!("the sandbox's key `{name}` is not usable"))
}

/// The curve of a stranger's key, which says which hash goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    /// P-256 with SHA-256.
    P256,
    /// P-384 with SHA-384.
    P384,
}

impl Curve {
    /// Returns the curve of a `SubjectPublicKeyInfo`, if it is a known one.
    pub(super) fn of(spki: &[u8]) -> Option<Self> {
        let key = der::only(spki)?.parts(der::SEQUENCE)?;
        let algorithm = key.first()?.parts(der::SEQUENCE)?;
        let [kind, curve] = algorithm[..] else {
            return None;
        };
        let is = |element: der::Element<'_>, oid| element.whole == der::oid(oid);
        if !is(kind, "1.2.840.10045.2.1") {
            return None;
        }
        if is(curve, "1.2.840.10045.3.1.7") {
            return Some(Self::P256);
        }
        is(curve, "1.3.132.0.34").then_some(Self::P384)
    }

    /// Returns the hash that goes with the curve.
    pub(super) fn hash(self) -> &'static digest::Algorithm {
        match self {
            Self::P256 => &digest::SHA256,
            Self::P384 => &digest::SHA384,
        }
    }

    fn verification(self) -> &'static EcdsaVerificationAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_ASN1,
            Self::P384 => &ECDSA_P384_SHA384_ASN1,
        }
    }
}

/// Returns whether the key in `spki` made `signature` over `message`.
pub(super) fn verifies(spki: &[u8], message: &[u8], signature: &[u8]) -> bool {
    Curve::of(spki).is_some_and(|curve| {
        let key = UnparsedPublicKey::new(curve.verification(), spki);
        key.verify(message, signature).is_ok()
    })
}

/// Returns whether the key in `spki` made `signature` over what hashes to `digest`.
pub(super) fn verifies_digest(spki: &[u8], digest: &[u8], signature: &[u8]) -> bool {
    Curve::of(spki).is_some_and(|curve| {
        let key = UnparsedPublicKey::new(curve.verification(), spki);
        let digest = Digest::import_less_safe(digest, curve.hash());
        digest.is_ok_and(|digest| key.verify_digest(&digest, signature).is_ok())
    })
}

/// Returns the SHA-256 of `bytes`.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, bytes);
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_checked_with_and_without_the_message() {
        let key = Key::foreign();
        let signature = key.sign(b"message");
        assert!(verifies(key.spki(), b"message", &signature));
        assert!(!verifies(key.spki(), b"Message", &signature));
        assert!(verifies_digest(key.spki(), &sha256(b"message"), &signature));
        assert!(!verifies_digest(key.spki(), &sha256(b"other"), &signature));
        assert!(!verifies_digest(key.spki(), b"short", &signature));
        assert_eq!(Curve::of(b"nonsense"), None);
    }
}
