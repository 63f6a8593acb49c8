//! The state of a world: files in a folder, written whole or not at all.
//!
//! Every write goes to a temporary file on the same file system and is renamed
//! into place, so that a world stopped at any moment starts again from a state
//! that it was in. Bodies are hashed while they are written; memory does not
//! grow with their size.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

/// What stays readable in the name of a file; a leading dot is encoded apart.
const NAME: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'+');

/// A folder of the world's state.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    folder: PathBuf,
    /// Where files are written before they are renamed into place.
    temporary: PathBuf,
}

impl Disk {
    /// Opens the state in `root`, which is made if it is not there.
    ///
    /// What a world that was killed had not finished writing is removed.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        let temporary = root.join("tmp");
        match fs::remove_dir_all(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::create_dir_all(&temporary)?;
        Ok(Self {
            folder: root.to_owned(),
            temporary,
        })
    }

    /// Returns the folder `name` inside this one, made if it is not there.
    ///
    /// The name may be any text; see [`Disk::path`].
    pub(crate) fn folder(&self, name: &str) -> io::Result<Self> {
        let folder = self.path(name);
        fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            temporary: self.temporary.clone(),
        })
    }

    /// Returns where the file called `name` lies, whatever the name holds.
    ///
    /// Everything but `[A-Za-z0-9._+-]` is percent-encoded, a leading dot too,
    /// so a name can neither leave the folder nor hide in it. Names longer
    /// than a file system takes are refused by it with an error.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(encode_name(name))
    }

    /// Returns the names in this folder, decoded and sorted.
    pub(crate) fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let name = name.to_string_lossy();
            names.push(percent_decode_str(&name).decode_utf8_lossy().into_owned());
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Reads the state kept as `name` (a file `NAME.json`), if there is any.
    pub(crate) fn read_json<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        match fs::read(self.json_path(name)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps `value` as `name` (a file `NAME.json`), replacing what was there.
    pub(crate) fn write_json<T: Serialize>(&self, name: &str, value: &T) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(value)?;
        self.write(&self.json_path(name), &text, Access::Everybody)
    }

    /// Keeps `value` as [`Disk::write_json`] does, readable by its owner alone.
    pub(crate) fn write_private_json<T: Serialize>(&self, name: &str, value: &T) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(value)?;
        self.write(&self.json_path(name), &text, Access::Owner)
    }

    /// Writes `bytes` to the file `name`, readable by its owner alone.
    pub(crate) fn write_private(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.write(&self.path(name), bytes, Access::Owner)
    }

    /// Removes the file `name`; that it is not there is no error.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        remove_if_there(&self.path(name))
    }

    /// Removes the state kept as `name`; that it is not there is no error.
    pub(crate) fn remove_json(&self, name: &str) -> io::Result<()> {
        remove_if_there(&self.json_path(name))
    }

    /// Begins a file whose bytes arrive in pieces.
    pub(crate) fn begin(&self, hashes: Hashes) -> io::Result<Writing> {
        Writing::new(&self.temporary, hashes)
    }

    /// Writes a whole stream to a temporary file and hashes it on the way.
    pub(crate) async fn receive<S, E>(&self, mut body: S, hashes: Hashes) -> io::Result<Received>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut writing = self.begin(hashes)?;
        while let Some(piece) = body.next().await {
            writing.write(&piece.map_err(io::Error::other)?)?;
        }
        writing.finish()
    }

    fn json_path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{}.json", encode_name(name)))
    }

    fn write(&self, path: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.temporary)?;
        file.write_all(bytes)?;
        if access == Access::Everybody {
            share(file.as_file())?;
        }
        file.persist(path)?;
        Ok(())
    }
}

/// Who may read a file of the world.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Owner,
    Everybody,
}

/// Which digests a file is given while it is written, besides SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hashes {
    /// SHA-256 alone.
    Sha256,
    /// SHA-256 and `BLAKE2b` with 256 bits.
    Blake2b,
}

/// A temporary file that is being written and hashed; dropping it removes it.
pub(crate) struct Writing {
    file: NamedTempFile,
    size: u64,
    sha256: digest::Context,
    blake2b: Option<blake2b_simd::State>,
}

impl Writing {
    fn new(folder: &Path, hashes: Hashes) -> io::Result<Self> {
        let blake2b = (hashes == Hashes::Blake2b)
            .then(|| blake2b_simd::Params::new().hash_length(32).to_state());
        Ok(Self {
            file: NamedTempFile::new_in(folder)?,
            size: 0,
            sha256: digest::Context::new(&digest::SHA256),
            blake2b,
        })
    }

    /// Adds `bytes` to the end of the file.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.size += bytes.len() as u64;
        self.sha256.update(bytes);
        if let Some(blake2b) = &mut self.blake2b {
            blake2b.update(bytes);
        }
        Ok(())
    }

    /// Adds all that `from` holds to the end of the file.
    pub(crate) fn copy(&mut self, from: &mut impl io::Read) -> io::Result<()> {
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let read = from.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            self.write(&buffer[..read])?;
        }
    }

    /// Returns the number of bytes written so far.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Ends the file, which is still temporary, and returns its digests.
    pub(crate) fn finish(self) -> io::Result<Received> {
        share(self.file.as_file())?;
        Ok(Received {
            file: self.file,
            size: self.size,
            sha256: hex::encode(self.sha256.finish()),
            blake2b: self
                .blake2b
                .map(|state| state.finalize().to_hex().to_string()),
        })
    }
}

/// A whole file that is not yet in its place; dropping it removes it.
pub(crate) struct Received {
    file: NamedTempFile,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// Its SHA-256 in hexadecimal.
    pub(crate) sha256: String,
    /// Its BLAKE2b-256 in hexadecimal, where it was asked for.
    pub(crate) blake2b: Option<String>,
}

impl Received {
    /// Returns where the file lies until it is kept.
    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Opens the file for reading from its start.
    pub(crate) fn open(&self) -> io::Result<File> {
        self.file.reopen()
    }

    /// Moves the file to `path`, replacing what was there.
    pub(crate) fn keep(self, path: &Path) -> io::Result<()> {
        self.file.persist(path)?;
        Ok(())
    }
}

fn encode_name(name: &str) -> String {
    let encoded = utf8_percent_encode(name, NAME).to_string();
    match encoded.strip_prefix('.') {
        Some(rest) => format!("%2E{rest}"),
        None => encoded,
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Lets others read a file: temporary files are born readable by their owner alone.
#[cfg(unix)]
fn share(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the other system can fail")]
fn share(_file: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_stays_inside_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path()).unwrap();
        for name in ["..", ".", "a/b", "../../x", "ü%2F", ".hidden"] {
            let path = disk.path(name);
            assert_eq!(path.parent(), Some(folder.path()), "{name}");
            assert!(!encode_name(name).starts_with('.'), "{name}");
        }
    }

    #[tokio::test]
    async fn a_received_file_has_both_digests() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path()).unwrap();
        let pieces = ["ab", "c"].map(|text| Ok::<_, io::Error>(Bytes::from(text)));
        let received = disk
            .receive(futures::stream::iter(pieces), Hashes::Blake2b)
            .await
            .unwrap();
        assert_eq!(received.size, 3);
        assert_eq!(
            received.sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            received.blake2b.as_deref(),
            Some("bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319")
        );
    }
}
