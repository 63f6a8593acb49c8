//! The content of one member of a ZIP archive.

use std::io::{self, BufRead, BufReader, Read, SeekFrom};
use std::ops::Range;

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::{Entry, LOCAL_HEADER, u16_at};
use crate::Source;
use crate::fault::{Fault, quoted};

/// Bytes that are read from the file at once.
const BUFFER: usize = 64 << 10;

/// The compression methods that are read (APPNOTE 4.4.5).
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// The bit of the flags that says "encrypted".
const ENCRYPTED: u16 = 1;

/// Returns a member's content, of at most `limit` bytes.
pub(crate) fn read(reader: &mut dyn Source, entry: &Entry, limit: u64) -> Result<Vec<u8>, Fault> {
    if entry.size > limit {
        let name = quoted(&entry.name());
        let reason = format!(
            "has {name} with {} bytes; at most {limit} are allowed",
            entry.size
        );
        return Err(Fault::hostile(reason));
    }
    let mut out = Vec::new();
    stream(reader, entry, &mut |bytes| out.extend_from_slice(bytes))?;
    Ok(out)
}

/// Hands a member's content to `sink` piece by piece, and checks that it has
/// the size and the CRC-32 that the directory says, and uses all its bytes.
pub(crate) fn stream(
    reader: &mut dyn Source,
    entry: &Entry,
    sink: &mut dyn FnMut(&[u8]),
) -> Result<(), Fault> {
    let start = data_start(reader, entry)?;
    reader.seek(SeekFrom::Start(start))?;
    let packed = BufReader::with_capacity(BUFFER, Read::take(&mut *reader, entry.compressed));
    let mut rest = match entry.method {
        _ if entry.flags & ENCRYPTED != 0 => return Err(about(entry, "is encrypted")),
        STORED => copy(packed, entry, sink)?,
        DEFLATED => copy(DeflateDecoder::new(packed), entry, sink)?.into_inner(),
        _ => {
            return Err(about(
                entry,
                "is compressed by a method that installers do not read",
            ));
        }
    };
    if rest.fill_buf()?.is_empty() {
        Ok(())
    } else {
        Err(about(entry, "has other data behind its compressed data"))
    }
}

/// Returns some bytes of a member's content, without a look at the others: what
/// is deflated is unpacked up to there, what is stored is sought.
pub(crate) fn range(
    reader: &mut dyn Source,
    entry: &Entry,
    range: Range<u64>,
) -> Result<Vec<u8>, Fault> {
    let start = data_start(reader, entry)?;
    let count = range.end.saturating_sub(range.start);
    let mut out = Vec::new();
    match entry.method {
        STORED if range.end <= entry.compressed => {
            reader.seek(SeekFrom::Start(start.saturating_add(range.start)))?;
            Read::take(&mut *reader, count).read_to_end(&mut out)?;
        }
        DEFLATED => {
            reader.seek(SeekFrom::Start(start))?;
            let packed = Read::take(&mut *reader, entry.compressed);
            let packed = BufReader::with_capacity(BUFFER, packed);
            let mut content = DeflateDecoder::new(packed);
            let skipped = &mut Read::take(&mut content, range.start);
            io::copy(skipped, &mut io::sink()).map_err(|error| damaged(entry, error))?;
            let taken = Read::take(content, count).read_to_end(&mut out);
            taken.map_err(|error| damaged(entry, error))?;
        }
        _ => {}
    }
    if out.len() as u64 == count {
        Ok(out)
    } else {
        Err(about(entry, "unpacks to less than it says"))
    }
}

fn copy<R: Read>(mut content: R, entry: &Entry, sink: &mut dyn FnMut(&[u8])) -> Result<R, Fault> {
    let mut buffer = vec![0; BUFFER];
    let (mut left, mut crc) = (entry.size, Crc::new());
    loop {
        let count = content
            .read(&mut buffer)
            .map_err(|error| damaged(entry, error))?;
        if count == 0 {
            break;
        }
        left = left
            .checked_sub(count as u64)
            .ok_or_else(|| about(entry, "unpacks to more than it says"))?;
        crc.update(&buffer[..count]);
        sink(&buffer[..count]);
    }
    if left != 0 {
        return Err(about(entry, "unpacks to less than it says"));
    }
    if crc.sum() != entry.crc32 {
        return Err(about(entry, "does not have the CRC-32 that it says"));
    }
    Ok(content)
}

/// Returns where a member's data begins: behind its local header.
fn data_start(reader: &mut dyn Source, entry: &Entry) -> Result<u64, Fault> {
    let mut fixed = [0; 30];
    reader.seek(SeekFrom::Start(entry.offset))?;
    reader.read_exact(&mut fixed)?;
    let mut name = vec![0; u16_at(&fixed, 26).into()];
    reader.read_exact(&mut name)?;
    if !fixed.starts_with(b"PK\x03\x04") || *name != *entry.raw_name {
        return Err(about(
            entry,
            "has another local header than the central directory says",
        ));
    }
    let extra = u64::from(u16_at(&fixed, 28));
    Ok(entry.offset + LOCAL_HEADER + name.len() as u64 + extra)
}

fn damaged(entry: &Entry, error: io::Error) -> Fault {
    match Fault::from(error) {
        Fault::Content(..) => about(entry, "is damaged"),
        failed @ Fault::Read(_) => failed,
    }
}

fn about(entry: &Entry, what: &str) -> Fault {
    Fault::hostile(format!(
        "has the member {}, which {what}",
        quoted(&entry.name())
    ))
}
