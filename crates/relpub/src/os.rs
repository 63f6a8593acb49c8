//! What differs between operating systems, in one place.
//!
//! On Unix private folders get mode 0700 and files are opened without following
//! a link. Elsewhere the folder of the user is taken to be private, and a link
//! is refused by looking before opening.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Creates a folder, and those it is in, that only its owner may enter.
pub(crate) fn create_private_dir(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        other => other,
    }
}

/// Opens a file for reading, unless it is a link.
pub(crate) fn open_no_follow(path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    {
        let flags =
            i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).expect("open flags fit an int");
        let mut options = fs::OpenOptions::new();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags);
        options.read(true).open(path)
    }
    #[cfg(not(unix))]
    {
        if fs::symlink_metadata(path)?.file_type().is_symlink() {
            return Err(io::Error::other("is a link"));
        }
        File::open(path)
    }
}

/// Makes a rename in a folder durable.
pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(path)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
