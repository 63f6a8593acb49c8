//! ZIP archives, read from the central directory, under limits.
//!
//! Follows PKWARE's APPNOTE, sections 4.3 and 4.5.3. Two readers of the same
//! archive can see different members when one trusts the central directory and
//! one the local headers; so whatever is ambiguous is refused. For wheels that
//! go to an index, [`framing`] refuses all that PyPI refuses. The `zip` crate
//! is not used here: it keeps no account of what lies between the records, and
//! would be the second opinion that this module exists to avoid.

mod end;
pub(crate) mod framing;
mod member;

use std::collections::HashSet;
use std::io::{BufReader, Read, SeekFrom};

pub(crate) use member::{range, read, stream};

use crate::fault::{Fault, quoted};
use crate::{Limits, Source, path};

/// What the central directory lists, in the order of the local headers.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) entries: Vec<Entry>,
    /// Where the central directory begins.
    pub(crate) offset: u64,
    /// What two readers agree on but PyPI refuses all the same.
    pub(crate) oddity: Option<&'static str>,
}

/// One member, as the central directory describes it.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The name's bytes; [`Entry::name`] for people.
    pub(crate) raw_name: Box<[u8]>,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc32: u32,
    pub(crate) compressed: u64,
    pub(crate) size: u64,
    /// Where its local header begins.
    pub(crate) offset: u64,
}

impl Entry {
    /// Returns the name; characters of other encodings than UTF-8 are replaced.
    pub(crate) fn name(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.raw_name)
    }

    pub(crate) fn is_folder(&self) -> bool {
        self.raw_name.ends_with(b"/")
    }
}

/// The sentinel of a 32-bit field whose value stands in the ZIP64 extra field.
const IN_ZIP64: u64 = 0xffff_ffff;

/// Bytes of a central directory header and of a local one, without their names.
const CENTRAL_HEADER: usize = 46;
const LOCAL_HEADER: u64 = 30;

/// Reads the central directory of a ZIP archive of `size` bytes.
pub(crate) fn directory(
    reader: &mut dyn Source,
    size: u64,
    limits: &Limits,
) -> Result<Directory, Fault> {
    let end = end::find(reader, size)?;
    if end.count > limits.members {
        let reason = format!(
            "says that it has {} members; at most {} are allowed",
            end.count, limits.members
        );
        return Err(Fault::hostile(reason));
    }
    reader.seek(SeekFrom::Start(end.offset))?;
    let mut records = BufReader::new(Read::take(&mut *reader, end.size));
    let mut directory = Directory {
        entries: Vec::new(),
        offset: end.offset,
        oddity: end.oddity,
    };
    let (mut names, mut unpacked) = (0_u64, 0_u64);
    for _ in 0..end.count {
        let entry = central_header(&mut records, limits, &mut directory.oddity)?;
        names += entry.raw_name.len() as u64;
        unpacked = unpacked.saturating_add(entry.size);
        if names > limits.names {
            return Err(Fault::hostile(format!(
                "has names of more than {} bytes",
                limits.names
            )));
        }
        directory.entries.push(entry);
    }
    if records.read(&mut [0])? != 0 {
        return Err(Fault::hostile(framing::refused(
            "Mismatched central directory records",
        )));
    }
    let allowed = limits.unpacked_from(size);
    if unpacked > allowed {
        let reason =
            format!("says that it unpacks to {unpacked} bytes; at most {allowed} are allowed");
        return Err(Fault::hostile(reason));
    }
    directory.entries.sort_by_key(|entry| entry.offset);
    check_names(&directory.entries)?;
    check_places(&directory)?;
    Ok(directory)
}

fn check_names(entries: &[Entry]) -> Result<(), Fault> {
    let mut seen = HashSet::with_capacity(entries.len());
    for entry in entries {
        let name = entry.name();
        if let Some(why) = path::why_unsafe(&name) {
            let reason = format!("has the member {}, whose path {why}", quoted(&name));
            return Err(Fault::hostile(reason));
        }
        if !seen.insert(&entry.raw_name) {
            let reason = format!(
                "{} ({})",
                framing::refused("Duplicate filename in central directory"),
                quoted(&name)
            );
            return Err(Fault::hostile(reason));
        }
    }
    Ok(())
}

/// Refuses members that share bytes: a small file can unpack to anything so.
fn check_places(directory: &Directory) -> Result<(), Fault> {
    let mut free = 0;
    for entry in &directory.entries {
        let head = LOCAL_HEADER + entry.raw_name.len() as u64;
        let end = entry
            .offset
            .checked_add(head)
            .and_then(|end| end.checked_add(entry.compressed));
        let fits = end.is_some_and(|end| end <= directory.offset) && entry.offset >= free;
        if !fits {
            let name = quoted(&entry.name());
            return Err(Fault::hostile(format!(
                "has the member {name} where something else is"
            )));
        }
        free = end.unwrap_or(u64::MAX);
    }
    Ok(())
}

fn central_header(
    records: &mut impl Read,
    limits: &Limits,
    oddity: &mut Option<&'static str>,
) -> Result<Entry, Fault> {
    let mut fixed = [0; CENTRAL_HEADER];
    records.read_exact(&mut fixed)?;
    if !fixed.starts_with(b"PK\x01\x02") {
        return Err(Fault::hostile(framing::refused("Unknown record signature")));
    }
    let raw_name = bytes(records, u16_at(&fixed, 28).into())?;
    let extra = bytes(records, u16_at(&fixed, 30).into())?;
    let comment = bytes(records, u16_at(&fixed, 32).into())?;
    if !comment.is_empty() {
        oddity.get_or_insert("Comment in central directory");
    }
    if raw_name.len() > limits.member_name {
        let reason = format!("has a member with a name of {} bytes", raw_name.len());
        return Err(Fault::hostile(reason));
    }
    let mut wide = Zip64::find(&extra)?;
    Ok(Entry {
        flags: u16_at(&fixed, 8),
        method: u16_at(&fixed, 10),
        crc32: u32_at(&fixed, 16),
        // The extra field holds only those values that did not fit, in this order.
        size: wide.value(u32_at(&fixed, 24))?,
        compressed: wide.value(u32_at(&fixed, 20))?,
        offset: wide.value(u32_at(&fixed, 42))?,
        raw_name: raw_name.into_boxed_slice(),
    })
}

/// The values of a ZIP64 extra field (APPNOTE 4.5.3), as far as not yet used.
struct Zip64<'a>(&'a [u8]);

impl<'a> Zip64<'a> {
    const ID: u16 = 1;

    fn find(extra: &'a [u8]) -> Result<Self, Fault> {
        for field in extra_fields(extra) {
            let (id, content) = field?;
            if id == Self::ID {
                return Ok(Self(content));
            }
        }
        Ok(Self(&[]))
    }

    /// Returns the value of a 32-bit field, from the extra field if it says so.
    fn value(&mut self, short: u32) -> Result<u64, Fault> {
        if u64::from(short) != IN_ZIP64 {
            return Ok(short.into());
        }
        let (value, rest) = self.0.split_first_chunk().ok_or_else(framing::malformed)?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*value))
    }
}

/// Splits an extra area into its fields: an id and the content.
fn extra_fields(mut extra: &[u8]) -> impl Iterator<Item = Result<(u16, &[u8]), Fault>> {
    std::iter::from_fn(move || {
        if extra.is_empty() {
            return None;
        }
        let Some((head, rest)) = extra.split_first_chunk::<4>() else {
            extra = &[];
            return Some(Err(framing::malformed()));
        };
        let Some((content, rest)) = rest.split_at_checked(u16_at(head, 2).into()) else {
            extra = &[];
            return Some(Err(framing::malformed()));
        };
        extra = rest;
        Some(Ok((u16_at(head, 0), content)))
    })
}

/// Reads exactly `count` bytes, which a 16-bit field has asked for.
fn bytes(reader: &mut impl Read, count: usize) -> Result<Vec<u8>, Fault> {
    let mut out = vec![0; count];
    reader.read_exact(&mut out)?;
    Ok(out)
}

/// Reads little-endian numbers from a header whose length was checked.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
