//! The archives: what the index refuses about them, and what it reads in them.

mod framing;
pub(super) mod sdist;
pub(super) mod wheel;

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;

use flate2::read::GzDecoder;

use super::refusal::Refusal;

/// Returns the refusal of a file that is not the archive it should be.
fn invalid(why: impl std::fmt::Display) -> Refusal {
    Refusal::bad(format!("Invalid distribution file. {why}"))
}

/// Refuses a file that different tools would take for different archives.
fn expect_one_format(path: &Path) -> Result<(), Refusal> {
    if is_zip(path)? && is_tar(path)? {
        return Err(invalid("File is both a zip and a tar file"));
    }
    Ok(())
}

/// Returns whether the end of a zip archive is anywhere near the file's end.
fn is_zip(path: &Path) -> io::Result<bool> {
    const END: &[u8] = b"PK\x05\x06";
    /// The record itself and the longest comment behind it.
    const REACH: u64 = 22 + 0xffff;
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(REACH)))?;
    let mut tail = Vec::new();
    file.take(REACH).read_to_end(&mut tail)?;
    Ok(tail.windows(END.len()).any(|window| window == END))
}

/// Returns whether the file is a tar archive, plain or compressed with gzip.
fn is_tar(path: &Path) -> io::Result<bool> {
    let plain = is_tar_header(File::open(path)?);
    Ok(plain || is_tar_header(GzDecoder::new(File::open(path)?)))
}

/// Returns whether the stream begins with a tar header whose checksum is right.
fn is_tar_header(mut stream: impl Read) -> bool {
    let mut header = tar::Header::new_old();
    let bytes = header.as_mut_bytes();
    if stream.read_exact(bytes).is_err() {
        return false;
    }
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u32::from(byte)).sum::<u32>();
    // The checksum counts its own field as spaces.
    let computed = sum(&bytes[..148]) + 8 * u32::from(b' ') + sum(&bytes[156..]);
    header.cksum().is_ok_and(|stored| stored == computed)
}
