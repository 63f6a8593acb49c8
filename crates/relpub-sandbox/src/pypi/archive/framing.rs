//! The framing of zip archives: every byte must have one meaning for all tools.
//!
//! An archive is local headers with their data, then the central directory, then
//! its end, and nothing before, between or behind. Local headers and directory
//! must say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;

/// Why an archive is not accepted, in the server's words.
pub(super) type Why = &'static str;

const MALFORMED: Why = "Malformed zip file";

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END64: u32 = 0x0606_4b50;
const LOCATOR64: u32 = 0x0706_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;

/// The extra field with sizes of 64 bits.
const ZIP64: u16 = 0x0001;
/// The extra field with a name in Unicode.
const UNICODE_PATH: u16 = 0x7075;

/// A file in an archive, as its local header describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) method: u16,
    crc: u32,
    compressed: u64,
    /// Its size in bytes when decompressed.
    pub(super) size: u64,
    offset: u64,
}

/// Reads the records of an archive and returns its files by their names.
pub(super) fn check(path: &Path) -> Result<BTreeMap<String, Entry>, Why> {
    let file = File::open(path).map_err(|_| MALFORMED)?;
    let length = file.metadata().map_err(|_| MALFORMED)?.len();
    let mut walk = Walk {
        input: BufReader::new(file),
        position: 0,
        length,
        entries: BTreeMap::new(),
        listed: BTreeSet::new(),
        directory: None,
        end64: None,
    };
    walk.run()?;
    Ok(walk.entries)
}

/// A walk over the records, from the first byte to the last.
struct Walk {
    input: BufReader<File>,
    position: u64,
    length: u64,
    entries: BTreeMap<String, Entry>,
    /// The names in the central directory so far.
    listed: BTreeSet<String>,
    /// Where the central directory begins, once it has begun.
    directory: Option<u64>,
    /// Where the directory ends, and what the zip64 end says about it.
    end64: Option<(u64, Directory)>,
}

/// What an end record says about the central directory.
#[derive(Clone, Copy)]
struct Directory {
    records: u64,
    size: u64,
    offset: u64,
}

impl Walk {
    fn run(&mut self) -> Result<(), Why> {
        loop {
            let start = self.position;
            match self.u32()? {
                LOCAL if self.directory.is_none() => self.local(start)?,
                CENTRAL if self.end64.is_none() => {
                    self.directory.get_or_insert(start);
                    self.central()?;
                }
                END64 if self.end64.is_none() => self.end64(start)?,
                LOCATOR64 if self.end64.is_some() => self.skip(16)?,
                END => return self.end(start),
                DESCRIPTOR => return Err("ZIP contains a data descriptor"),
                _ => return Err("Unknown record signature"),
            }
        }
    }

    fn local(&mut self, offset: u64) -> Result<(), Why> {
        self.skip(2)?;
        let (flags, method) = (self.u16()?, self.u16()?);
        if flags & 0x08 != 0 {
            return Err("ZIP contains a data descriptor");
        }
        self.skip(4)?;
        let crc = self.u32()?;
        let (compressed, size) = (self.u32()?, self.u32()?);
        let (name, extra) = (self.u16()?, self.u16()?);
        let name = filename(&self.bytes(name)?, flags)?;
        let extra = Extra::read(&self.bytes(extra)?, Place::Local)?;
        if extra.wide.len() == 1 && method != 0 {
            return Err(MALFORMED);
        }
        let mut wide = extra.wide.into_iter();
        let size = widened(size, &mut wide)?;
        let compressed = widened(compressed, &mut wide)?;
        self.skip(compressed)?;
        let entry = Entry {
            method,
            crc,
            compressed,
            size,
            offset,
        };
        match self.entries.insert(name, entry) {
            None => Ok(()),
            Some(_) => Err("Duplicate filename in local headers"),
        }
    }

    fn central(&mut self) -> Result<(), Why> {
        self.skip(4)?;
        let (flags, method) = (self.u16()?, self.u16()?);
        self.skip(4)?;
        let crc = self.u32()?;
        let (compressed, size) = (self.u32()?, self.u32()?);
        let (name, extra, comment) = (self.u16()?, self.u16()?, self.u16()?);
        self.skip(8)?;
        let offset = self.u32()?;
        let name = filename(&self.bytes(name)?, flags)?;
        let extra = Extra::read(&self.bytes(extra)?, Place::Central)?;
        if comment != 0 {
            return Err("Comment in central directory");
        }
        let mut wide = extra.wide.into_iter();
        let size = widened(size, &mut wide)?;
        let compressed = widened(compressed, &mut wide)?;
        let offset = widened(offset, &mut wide)?;
        let Some(local) = self.entries.get(&name) else {
            return Err("Missing filename in local headers");
        };
        if local.compressed != compressed {
            return Err("Mis-matched data size");
        }
        if local.size != size {
            return Err("Mis-matched file size");
        }
        if (local.offset, local.crc, local.method) != (offset, crc, method) {
            return Err("Mis-matched local headers and central directory");
        }
        if !self.listed.insert(name) {
            return Err("Duplicate filename in central directory");
        }
        Ok(())
    }

    fn end64(&mut self, start: u64) -> Result<(), Why> {
        const SIZE: u64 = 44;
        if self.u64()? != SIZE {
            return Err("ZIP64 extensible data not allowed");
        }
        self.skip(20)?;
        let directory = Directory {
            records: self.u64()?,
            size: self.u64()?,
            offset: self.u64()?,
        };
        self.end64 = Some((start, directory));
        Ok(())
    }

    fn end(&mut self, start: u64) -> Result<(), Why> {
        self.skip(6)?;
        let records = self.u16()?;
        let (size, offset) = (self.u32()?, self.u32()?);
        let comment = self.u16()?;
        self.skip(comment.into())?;
        if self.position != self.length {
            return Err("Trailing data");
        }
        let (start, wide) = match self.end64 {
            Some((start, directory)) => (start, Some(directory)),
            None => (start, None),
        };
        let begin = self.directory.unwrap_or(start);
        let real = Directory {
            records: self.listed.len() as u64,
            size: start - begin,
            offset: begin,
        };
        // A value of all ones says that the zip64 record has it.
        let agrees = |given: u64, ones: u64, wide: Option<u64>, real: u64| match wide {
            Some(wide) => wide == real && (given == ones || given == real),
            None => given == real,
        };
        if !agrees(
            records.into(),
            0xffff,
            wide.map(|it| it.records),
            real.records,
        ) {
            return Err("Mismatched central directory records");
        }
        if !agrees(
            offset.into(),
            0xffff_ffff,
            wide.map(|it| it.offset),
            real.offset,
        ) {
            return Err("Mismatched central directory offset");
        }
        if !agrees(size.into(), 0xffff_ffff, wide.map(|it| it.size), real.size) {
            return Err("Mismatched central directory size");
        }
        if self.listed.len() != self.entries.len() {
            return Err("Filename not in central directory");
        }
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Why> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes).map_err(|_| MALFORMED)?;
        self.position += N as u64;
        Ok(bytes)
    }

    fn u16(&mut self) -> Result<u16, Why> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, Why> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Why> {
        self.array().map(u64::from_le_bytes)
    }

    fn bytes(&mut self, count: u16) -> Result<Vec<u8>, Why> {
        let mut bytes = vec![0; count.into()];
        self.input.read_exact(&mut bytes).map_err(|_| MALFORMED)?;
        self.position += u64::from(count);
        Ok(bytes)
    }

    fn skip(&mut self, count: u64) -> Result<(), Why> {
        self.position = self.position.checked_add(count).ok_or(MALFORMED)?;
        if self.position > self.length {
            return Err(MALFORMED);
        }
        let count = i64::try_from(count).map_err(|_| MALFORMED)?;
        self.input.seek_relative(count).map_err(|_| MALFORMED)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Local,
    Central,
}

/// What matters in the extra fields of a record.
#[derive(Default)]
struct Extra {
    /// The values of the zip64 field, in their order.
    wide: Vec<u64>,
}

impl Extra {
    fn read(mut bytes: &[u8], place: Place) -> Result<Self, Why> {
        let mut extra = Self::default();
        let mut seen = BTreeSet::new();
        // Fewer than four bytes at the end are padding that tools agree on.
        while let Some((head, rest)) = bytes.split_first_chunk::<4>() {
            let [a, b, c, d] = *head;
            let (id, size) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
            let (body, rest) = rest.split_at_checked(size.into()).ok_or(MALFORMED)?;
            bytes = rest;
            let once = matches!(id, ZIP64 | UNICODE_PATH);
            if once && !seen.insert(id) && place == Place::Local {
                return Err("Invalid duplicate extra in local file");
            }
            match id {
                ZIP64 => extra.wide = wide_values(body)?,
                UNICODE_PATH => expect_printable(body.get(5..).ok_or(MALFORMED)?)?,
                _ => {}
            }
        }
        Ok(extra)
    }
}

fn wide_values(body: &[u8]) -> Result<Vec<u64>, Why> {
    if !matches!(body.len(), 0 | 8 | 16 | 24 | 28) {
        return Err(MALFORMED);
    }
    let values = body.as_chunks::<8>().0.iter();
    Ok(values.map(|bytes| u64::from_le_bytes(*bytes)).collect())
}

/// Returns the value of a field, from the zip64 values if it is all ones.
fn widened(value: u32, wide: &mut impl Iterator<Item = u64>) -> Result<u64, Why> {
    if value == u32::MAX {
        return wide.next().ok_or(MALFORMED);
    }
    Ok(value.into())
}

fn filename(bytes: &[u8], flags: u16) -> Result<String, Why> {
    expect_printable(bytes)?;
    let is_unicode = flags & 0x0800 != 0;
    match std::str::from_utf8(bytes) {
        Ok(name) if is_unicode || name.is_ascii() => Ok(name.to_owned()),
        Err(_) if is_unicode => Err("Filename not valid UTF-8"),
        _ => Err("Filename not unicode"),
    }
}

fn expect_printable(name: &[u8]) -> Result<(), Why> {
    if name.iter().any(|byte| *byte < 0x20 || *byte == 0x7f) {
        return Err("Invalid character in filename");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    /// How an archive is spoiled.
    type Change<'a> = &'a dyn Fn(&mut Vec<u8>);

    fn archive() -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for name in ["a.py", "b.py"] {
            writer
                .start_file(name, SimpleFileOptions::default())
                .unwrap();
            writer.write_all(b"print()").unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn judge(bytes: &[u8]) -> Result<usize, Why> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        check(file.path()).map(|entries| entries.len())
    }

    /// Returns where `pattern` begins for the `nth` time, from zero.
    fn find(bytes: &[u8], pattern: &[u8], nth: usize) -> usize {
        let windows = bytes.windows(pattern.len()).enumerate();
        let mut found = windows.filter(|(_, window)| *window == pattern);
        found.nth(nth).unwrap().0
    }

    #[test]
    fn every_byte_has_one_meaning() {
        let good = archive();
        assert_eq!(judge(&good), Ok(2));
        let with = |change: Change<'_>| {
            let mut bytes = archive();
            change(&mut bytes);
            judge(&bytes)
        };
        let (directory, end) = (find(&good, b"PK\x01\x02", 0), find(&good, b"PK\x05\x06", 0));
        let cases: [(Change<'_>, Why); 14] = [
            (&|it| it.push(0), "Trailing data"),
            (&|it| it.insert(0, 0), "Unknown record signature"),
            (&|it| it[6] |= 8, "ZIP contains a data descriptor"),
            (&|it| it[30] = 7, "Invalid character in filename"),
            (&|it| it[30] = 0xff, "Filename not unicode"),
            (&|it| it[30] = b'c', "Missing filename in local headers"),
            (
                &|it| it[8] = 0,
                "Mis-matched local headers and central directory",
            ),
            (&|it| it[22] += 1, "Mis-matched file size"),
            (&|it| it[directory + 20] += 1, "Mis-matched data size"),
            (&|it| it[directory + 32] = 1, "Comment in central directory"),
            (
                &|it| it[end + 10] = 1,
                "Mismatched central directory records",
            ),
            (&|it| it[end + 12] += 1, "Mismatched central directory size"),
            (
                &|it| it[end + 16] += 1,
                "Mismatched central directory offset",
            ),
            (&|it| it.truncate(end), MALFORMED),
        ];
        for (change, why) in cases {
            assert_eq!(with(change), Err(why));
        }
    }

    #[test]
    fn a_name_comes_once() {
        let twin = |which: &[usize]| {
            let mut bytes = archive();
            for &nth in which {
                let at = find(&bytes, b"b.py", nth);
                bytes[at] = b'a';
            }
            judge(&bytes)
        };
        assert_eq!(twin(&[0]), Err("Duplicate filename in local headers"));
        let why = "Mis-matched local headers and central directory";
        assert_eq!(twin(&[1]), Err(why));
    }

    #[test]
    fn a_comment_of_the_whole_archive_is_nobodys_business() {
        let mut bytes = archive();
        let end = bytes.len();
        bytes[end - 2] = 2;
        bytes.extend(b"hi");
        assert_eq!(judge(&bytes), Ok(2));
    }
}
