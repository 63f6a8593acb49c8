//! The end of a ZIP archive: where its central directory is.

use std::io::{Read, SeekFrom};

use super::framing::{self, malformed};
use super::{IN_ZIP64, u16_at, u32_at, u64_at};
use crate::Source;
use crate::fault::Fault;

/// Where the central directory is, and how many records it has.
#[derive(Debug)]
pub(super) struct End {
    pub(super) offset: u64,
    pub(super) size: u64,
    pub(super) count: u64,
    pub(super) oddity: Option<&'static str>,
}

/// Bytes of the end record (APPNOTE 4.3.16), of its ZIP64 form (4.3.14) and of
/// the locator of that (4.3.15), each with its signature.
const END: usize = 22;
const END_64: usize = 56;
const LOCATOR: usize = 20;

/// Bytes of the longest comment that may follow an end record.
const LONGEST_COMMENT: u64 = 0xffff;

/// Finds the end record and checks that the directory lies just before it.
pub(super) fn find(reader: &mut dyn Source, size: u64) -> Result<End, Fault> {
    let tail = tail(reader, size)?;
    let found = tail.windows(4).rposition(|bytes| bytes == b"PK\x05\x06");
    let at = found.ok_or_else(|| {
        Fault::hostile("is a ZIP archive without its end record: cut short, or none at all")
    })?;
    let record = &tail[at..];
    if record.len() < END {
        return Err(malformed());
    }
    if record.len() != END + usize::from(u16_at(record, 20)) {
        return Err(Fault::hostile(framing::refused("Trailing data")));
    }
    let end_at = size - record.len() as u64;
    let short = End {
        count: u16_at(record, 10).into(),
        size: u32_at(record, 12).into(),
        offset: u32_at(record, 16).into(),
        oddity: None,
    };
    // Archives in several volumes: this one must be the only one.
    if u32_at(record, 4) != 0 || u16_at(record, 8) != u16_at(record, 10) {
        return Err(malformed());
    }
    let (end, directory_end) = match locator(reader, end_at)? {
        Some(at) => (zip64(reader, at, end_at, &short)?, at),
        None => (short, end_at),
    };
    if end.offset.checked_add(end.size) != Some(directory_end) {
        return Err(Fault::hostile(framing::refused(
            "Mismatched central directory offset",
        )));
    }
    Ok(end)
}

/// Reads as much of the end of the file as an end record and a comment can take.
fn tail(reader: &mut dyn Source, size: u64) -> Result<Vec<u8>, Fault> {
    let start = size.saturating_sub(LONGEST_COMMENT + END as u64);
    reader.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    Read::take(&mut *reader, size - start).read_to_end(&mut tail)?;
    Ok(tail)
}

/// Returns where the ZIP64 end record is, if a locator stands before the end record.
fn locator(reader: &mut dyn Source, end_at: u64) -> Result<Option<u64>, Fault> {
    let Some(at) = end_at.checked_sub(LOCATOR as u64) else {
        return Ok(None);
    };
    let mut record = [0; LOCATOR];
    reader.seek(SeekFrom::Start(at))?;
    reader.read_exact(&mut record)?;
    Ok(record
        .starts_with(b"PK\x06\x07")
        .then(|| u64_at(&record, 8)))
}

fn zip64(reader: &mut dyn Source, at: u64, end_at: u64, short: &End) -> Result<End, Fault> {
    let locator_at = end_at - LOCATOR as u64;
    if at
        .checked_add(END_64 as u64)
        .is_none_or(|end| end > locator_at)
    {
        return Err(malformed());
    }
    let mut record = [0; END_64];
    reader.seek(SeekFrom::Start(at))?;
    reader.read_exact(&mut record)?;
    // The size that the record says does not count the 12 bytes up to it.
    let length = u64_at(&record, 4).checked_add(12);
    let reaches_locator = length.and_then(|length| at.checked_add(length)) == Some(locator_at);
    if !record.starts_with(b"PK\x06\x06")
        || !reaches_locator
        || u64_at(&record, 24) != u64_at(&record, 32)
    {
        return Err(malformed());
    }
    let end = End {
        count: u64_at(&record, 32),
        size: u64_at(&record, 40),
        offset: u64_at(&record, 48),
        oddity: (length != Some(END_64 as u64)).then_some("ZIP64 extensible data not allowed"),
    };
    // A field of the short record is either full or says the same.
    let agrees = |short: u64, full: u64, wide: u64| short == full || short == wide;
    if agrees(short.count, 0xffff, end.count)
        && agrees(short.size, IN_ZIP64, end.size)
        && agrees(short.offset, IN_ZIP64, end.offset)
    {
        Ok(end)
    } else {
        Err(malformed())
    }
}
