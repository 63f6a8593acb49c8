//! Artifacts on their way out: bytes that come with a verified digest.

use std::io;

use futures::future::BoxFuture;
use relpub_model::digest::Sha256;
use relpub_model::findings::Bytes;
use relpub_trust::Verified;

/// Verified bytes, ready to be sent.
pub struct Blob {
    /// Digest and size, as they were found through this very descriptor.
    pub verified: Verified<Bytes>,
    /// The bytes, at offset 0.
    pub reader: tokio::fs::File,
}

/// Where artifacts are kept until they are sent.
pub trait Blobs: Send + Sync {
    /// Opens the bytes of a digest; called again for every attempt.
    fn open<'a>(&'a self, digest: &'a Sha256) -> BoxFuture<'a, io::Result<Blob>>;
}
