//! Fixed keys. ECDSA signatures are deterministic (RFC 6979), so that the same
//! corpus comes out every time.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use relpub_model::Sha256;

use crate::der::{bits, oid, seq};

/// A P-256 key.
pub(crate) struct Key(SigningKey);

impl Key {
    /// Returns the key that belongs to a name.
    pub(crate) fn named(name: &str) -> Self {
        let scalar = Sha256::of(format!("relpub test key: {name}").as_bytes());
        Self(SigningKey::from_slice(scalar.as_bytes()).unwrap())
    }

    pub(crate) fn spki(&self) -> Vec<u8> {
        let point = self.0.verifying_key().to_sec1_point(false);
        let algorithm = [oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")];
        seq(&[seq(&algorithm), bits(point.as_bytes())])
    }

    /// Signs the SHA-256 digest of the bytes.
    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let signature: Signature = self.0.sign(bytes);
        signature.to_der().as_bytes().to_vec()
    }

    pub(crate) fn id(&self) -> [u8; 32] {
        *Sha256::of(&self.spki()).as_bytes()
    }
}

/// An Ed25519 key.
pub(crate) struct EdKey(Ed25519KeyPair);

impl EdKey {
    pub(crate) fn named(name: &str) -> Self {
        let seed = Sha256::of(format!("relpub test key: {name}").as_bytes());
        Self(Ed25519KeyPair::from_seed_unchecked(seed.as_bytes()).unwrap())
    }

    pub(crate) fn public(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    pub(crate) fn spki(&self) -> Vec<u8> {
        seq(&[seq(&[oid("1.3.101.112")]), bits(self.public())])
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.sign(bytes).as_ref().to_vec()
    }
}
