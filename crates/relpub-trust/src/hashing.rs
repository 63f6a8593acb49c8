//! Hashes bytes as they stream by, and compares the result with what it must be.

use aws_lc_rs::digest::{Context, SHA256};
use relpub_model::Sha256;
use relpub_model::findings::Bytes;

use crate::Verified;

/// Hashes bytes as they stream by, in constant memory.
pub struct Hasher {
    context: Context,
    size: u64,
}

/// The bytes are not the expected ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {} ({} bytes), found {} ({} bytes)", expected.sha256.short(), expected.size, found.sha256.short(), found.size)]
pub struct Mismatch {
    /// What the bytes should have been.
    pub expected: Bytes,
    /// What they are.
    pub found: Bytes,
}

impl Default for Hasher {
    fn default() -> Self {
        Self {
            context: Context::new(&SHA256),
            size: 0,
        }
    }
}

impl Hasher {
    /// Returns a hasher that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// Returns digest and size of everything that was taken in.
    pub fn finish(self) -> Bytes {
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.context.finish().as_ref());
        Bytes {
            sha256: Sha256::from_bytes(sha256),
            size: self.size,
        }
    }

    /// Lets the bytes pass if they are the expected ones.
    pub fn verify(self, expected: Bytes) -> Result<Verified<Bytes>, Mismatch> {
        let found = self.finish();
        if found == expected {
            Ok(Verified(found))
        } else {
            Err(Mismatch { expected, found })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashed(bytes: &[u8]) -> Hasher {
        let mut hasher = Hasher::new();
        bytes.chunks(3).for_each(|chunk| hasher.update(chunk));
        hasher
    }

    #[test]
    fn only_the_expected_bytes_pass() {
        let expected = Bytes {
            sha256: Sha256::of(b"promoted"),
            size: 8,
        };
        assert_eq!(
            hashed(b"promoted").verify(expected).map(|v| *v.get()),
            Ok(expected)
        );
        let mismatch = hashed(b"promotee").verify(expected).unwrap_err();
        assert_eq!(mismatch.found.size, 8);
        let other_size = Bytes {
            size: 9,
            ..expected
        };
        assert!(hashed(b"promoted").verify(other_size).is_err());
    }
}
