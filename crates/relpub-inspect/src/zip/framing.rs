//! The framing of a ZIP archive, as strictly as PyPI takes it.
//!
//! A wheel must read the same through its central directory and from its first
//! byte on: local headers with their data one after another, the central
//! directory, the end, and nothing between, before or behind. The reasons are
//! PyPI's own words, so that they can be looked up.

use std::collections::{HashMap, HashSet};
use std::io::SeekFrom;

use super::{
    Directory, Entry, IN_ZIP64, LOCAL_HEADER, Zip64, bytes, extra_fields, u16_at, u32_at, u64_at,
};
use crate::Source;
use crate::fault::{Fault, quoted};

/// Words a fault in PyPI's terms.
pub(super) fn refused(why: &str) -> String {
    format!("is a ZIP archive that PyPI and others do not accept: {why}")
}

pub(super) fn malformed() -> Fault {
    Fault::hostile(refused("Malformed zip file"))
}

/// Walks over an archive from its first byte and compares with its directory.
pub(crate) fn check(reader: &mut dyn Source, directory: &Directory) -> Result<(), Fault> {
    if let Some(why) = directory.oddity {
        return Err(Fault::hostile(refused(why)));
    }
    let mut unseen: HashMap<&[u8], &Entry> = directory
        .entries
        .iter()
        .map(|entry| (&*entry.raw_name, entry))
        .collect();
    let mut seen = HashSet::new();
    let mut at = 0;
    while at < directory.offset {
        let local = local_header(reader, at)?;
        let about = |why: &str| {
            let name = String::from_utf8_lossy(&local.name);
            Fault::hostile(format!("{} ({})", refused(why), quoted(&name)))
        };
        local.check_alone().map_err(about)?;
        let Some(entry) = unseen.remove(&*local.name) else {
            let twice = seen.contains(&local.name);
            return Err(about(if twice {
                "Duplicate filename in local headers"
            } else {
                "Filename not in central directory"
            }));
        };
        local.check_against(entry, at).map_err(about)?;
        at = local.data.saturating_add(local.compressed);
        seen.insert(local.name);
    }
    if let Some(entry) = unseen.values().next() {
        let name = quoted(&entry.name());
        return Err(Fault::hostile(format!(
            "{} ({name})",
            refused("Missing filename in local headers")
        )));
    }
    if at == directory.offset {
        Ok(())
    } else {
        Err(Fault::hostile(refused(
            "Mismatched central directory offset",
        )))
    }
}

/// One member, as its local header describes it.
struct Local {
    name: Vec<u8>,
    extra: Vec<u8>,
    flags: u16,
    method: u16,
    crc32: u32,
    compressed: u64,
    size: u64,
    /// Where its data begins.
    data: u64,
}

/// The bit of the flags that says "sizes follow the data".
const DATA_DESCRIPTOR: u16 = 1 << 3;

/// The bit of the flags that says "the name is in UTF-8".
const UTF_8: u16 = 1 << 11;

/// The extra field with a name in UTF-8 (Info-ZIP Unicode Path).
const UNICODE_PATH: u16 = 0x7075;

fn local_header(reader: &mut dyn Source, at: u64) -> Result<Local, Fault> {
    let mut fixed = [0; 30];
    reader.seek(SeekFrom::Start(at))?;
    reader.read_exact(&mut fixed)?;
    if !fixed.starts_with(b"PK\x03\x04") {
        return Err(Fault::hostile(refused("Unknown record signature")));
    }
    let (name_length, extra_length) = (u16_at(&fixed, 26), u16_at(&fixed, 28));
    let mut reader = reader;
    let name = bytes(&mut reader, name_length.into())?;
    let extra = bytes(&mut reader, extra_length.into())?;
    let mut local = Local {
        flags: u16_at(&fixed, 6),
        method: u16_at(&fixed, 8),
        crc32: u32_at(&fixed, 14),
        compressed: u32_at(&fixed, 18).into(),
        size: u32_at(&fixed, 22).into(),
        data: at + LOCAL_HEADER + u64::from(name_length) + u64::from(extra_length),
        name,
        extra,
    };
    local.widen()?;
    Ok(local)
}

impl Local {
    /// Takes sizes from the ZIP64 extra field, by PyPI's rules for its length.
    fn widen(&mut self) -> Result<(), Fault> {
        let mut present = false;
        for field in extra_fields(&self.extra) {
            present |= field?.0 == Zip64::ID;
        }
        if !present {
            return Ok(());
        }
        let field = Zip64::find(&self.extra)?.0;
        let full = self.size == IN_ZIP64 || self.compressed == IN_ZIP64;
        match field.len() {
            0 if !full => {}
            // One size for both: only without compression are they the same.
            8 if self.method == 0 => {
                let size = u64_at(field, 0);
                self.compressed = size;
                self.size = if self.size == IN_ZIP64 {
                    size
                } else {
                    self.size
                };
            }
            16 | 24 | 28 => {
                self.size = if self.size == IN_ZIP64 {
                    u64_at(field, 0)
                } else {
                    self.size
                };
                self.compressed = u64_at(field, 8);
            }
            _ => return Err(malformed()),
        }
        Ok(())
    }

    /// Checks what a header shows by itself.
    fn check_alone(&self) -> Result<(), &'static str> {
        if has_control(&self.name) {
            return Err("Invalid character in filename");
        }
        if std::str::from_utf8(&self.name).is_err() {
            return Err("Filename not unicode");
        }
        let mut seen = HashSet::new();
        for (id, content) in extra_fields(&self.extra).flatten() {
            if [Zip64::ID, UNICODE_PATH].contains(&id) && !seen.insert(id) {
                return Err("Invalid duplicate extra in local file");
            }
            if id == UNICODE_PATH {
                check_unicode_path(content)?;
            }
        }
        if self.flags & DATA_DESCRIPTOR != 0 {
            return Err("ZIP contains a data descriptor");
        }
        Ok(())
    }

    /// Compares with what the central directory says.
    fn check_against(&self, entry: &Entry, at: u64) -> Result<(), &'static str> {
        if self.compressed != entry.compressed {
            return Err("Mis-matched data size");
        }
        if self.size != entry.size {
            return Err("Mis-matched file size");
        }
        // Python reads a name as code page 437 unless this bit is set, and then
        // does not find it by the UTF-8 of the local header.
        if !self.name.is_ascii() && entry.flags & UTF_8 == 0 {
            return Err("Filename not in central directory");
        }
        let same = (self.method, self.crc32) == (entry.method, entry.crc32);
        if !same || entry.offset != at {
            return Err("Mis-matched local headers and central directory");
        }
        Ok(())
    }
}

/// Checks the name behind a version and a checksum.
fn check_unicode_path(content: &[u8]) -> Result<(), &'static str> {
    let name = content.get(5..).unwrap_or_default();
    if has_control(name) {
        return Err("Invalid character in filename");
    }
    std::str::from_utf8(name).map_err(|_| "Filename not valid UTF-8")?;
    Ok(())
}

fn has_control(name: &[u8]) -> bool {
    name.iter().any(u8::is_ascii_control)
}

#[cfg(test)]
mod tests;
