//! The blob store: promoted bytes by digest, until a promotion has ended well.
//!
//! A blob comes under a temporary name, is hashed on the way, and is renamed to
//! its digest. It is trusted for nothing: opened, it is hashed again through the
//! very descriptor that is then sent.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use futures::future::BoxFuture;
use relpub_model::Sha256;
use relpub_model::findings::Bytes;
use relpub_remote::{Blob, Blobs};
use relpub_trust::{Hasher, Verified};
use tempfile::NamedTempFile;

use crate::os;

/// The blob store in a folder of its own.
pub(crate) struct Store {
    folder: PathBuf,
}

/// The pieces in which a blob is read to be hashed, in bytes.
const PIECE: usize = 64 * 1024;

impl Store {
    /// Uses a folder, which is made when the first blob comes.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Returns a new temporary file in the store.
    pub(crate) fn temporary(&self) -> io::Result<NamedTempFile> {
        os::create_private_dir(&self.folder)?;
        NamedTempFile::with_prefix_in("incoming-", &self.folder)
    }

    /// Puts a temporary file under the digest that it was found to have.
    pub(crate) fn keep(&self, file: NamedTempFile, sha256: &Sha256) -> io::Result<()> {
        file.persist(self.path(sha256))
            .map_err(|error| error.error)?;
        os::sync_dir(&self.folder)
    }

    /// Opens a blob whose bytes have been hashed through the returned
    /// descriptor, which stands at the beginning.
    ///
    /// # Errors
    /// `NotFound` when there is no such blob; `InvalidData` when its bytes have
    /// another digest, in which case it is removed.
    pub(crate) fn open_verified(&self, sha256: &Sha256) -> io::Result<(File, Verified<Bytes>)> {
        let path = self.path(sha256);
        let mut file = os::open_no_follow(&path)?;
        let size = file.metadata()?.len();
        let mut hasher = Hasher::new();
        let mut piece = vec![0; PIECE];
        loop {
            match file.read(&mut piece)? {
                0 => break,
                n => hasher.update(&piece[..n]),
            }
        }
        file.rewind()?;
        match hasher.verify(Bytes {
            sha256: *sha256,
            size,
        }) {
            Ok(verified) => Ok((file, verified)),
            Err(mismatch) => {
                std::fs::remove_file(&path)?;
                Err(io::Error::new(io::ErrorKind::InvalidData, mismatch))
            }
        }
    }

    /// Removes blobs that are not needed any more.
    pub(crate) fn remove<'a>(&self, digests: impl IntoIterator<Item = &'a Sha256>) {
        for sha256 in digests {
            // A blob that cannot be removed costs space and nothing else.
            let _ = std::fs::remove_file(self.path(sha256));
        }
    }

    fn path(&self, sha256: &Sha256) -> PathBuf {
        self.folder.join(sha256.to_string())
    }

    /// Returns the folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// The store as `relpub-remote` uses it; opening is moved off the runtime,
/// since it hashes.
impl Blobs for Store {
    fn open<'a>(&'a self, sha256: &'a Sha256) -> BoxFuture<'a, io::Result<Blob>> {
        let store = Self::new(self.folder.clone());
        let sha256 = *sha256;
        Box::pin(async move {
            let opened = tokio::task::spawn_blocking(move || store.open_verified(&sha256)).await;
            let (file, verified) = opened.map_err(io::Error::other)??;
            Ok(Blob {
                verified,
                reader: tokio::fs::File::from_std(file),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn store_with(bytes: &[u8]) -> (tempfile::TempDir, Store, Sha256) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().join("blobs"));
        let mut file = store.temporary().unwrap();
        file.write_all(bytes).unwrap();
        let sha256 = Sha256::of(bytes);
        store.keep(file, &sha256).unwrap();
        (folder, store, sha256)
    }

    #[test]
    fn a_blob_is_read_from_the_beginning_after_it_was_hashed() {
        let (_folder, store, sha256) = store_with(b"promoted");
        let (mut file, verified) = store.open_verified(&sha256).unwrap();
        let mut read = String::new();
        file.read_to_string(&mut read).unwrap();
        assert_eq!((read.as_str(), verified.get().size), ("promoted", 8));
    }

    #[test]
    fn a_spoiled_blob_is_removed_and_never_handed_out() {
        let (_folder, store, sha256) = store_with(b"promoted");
        std::fs::write(store.path(&sha256), b"promotee").unwrap();
        assert_eq!(
            store.open_verified(&sha256).unwrap_err().kind(),
            io::ErrorKind::InvalidData
        );
        assert_eq!(
            store.open_verified(&sha256).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_store_is_not_followed() {
        let (folder, store, _) = store_with(b"promoted");
        let elsewhere = folder.path().join("elsewhere");
        std::fs::write(&elsewhere, b"secret").unwrap();
        let sha256 = Sha256::of(b"secret");
        std::os::unix::fs::symlink(&elsewhere, store.path(&sha256)).unwrap();
        assert!(store.open_verified(&sha256).is_err());
    }
}
