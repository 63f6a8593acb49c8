//! Static libraries: which architecture their first object is for.
//!
//! The common `ar` format of Unix and of Windows' `.lib`: a magic line, then
//! members of a 60-byte text header and their bytes, padded to even offsets.

use std::io::{self, Read, SeekFrom};

use object::LittleEndian as LE;
use object::pe;
use object::read::ReadRef as _;

use relpub_model::findings::{Program, ProgramFormat};

use crate::{Source, program};

/// The first bytes of a static library.
pub(crate) const MAGIC: &[u8] = b"!<arch>\n";

/// How many members are looked at: symbol tables and name tables come first.
const LOOKED_AT: usize = 16;

/// Bytes of a member's header.
const HEADER: usize = 60;

/// Bytes of an object by which it is told what it is.
const PREFIX: u64 = 4096;

/// Returns what the first object is; `None` when none of the first members is
/// an object that can be told (LLVM bitcode, say).
pub(crate) fn first_object(reader: &mut dyn Source) -> io::Result<Option<Program>> {
    let mut at = MAGIC.len() as u64;
    for _ in 0..LOOKED_AT {
        let Some(member) = member(reader, at)? else {
            return Ok(None);
        };
        let start = at.saturating_add(HEADER as u64);
        if !member.is_table {
            reader.seek(SeekFrom::Start(start.saturating_add(member.name_length)))?;
            let length = member.size.saturating_sub(member.name_length);
            let mut prefix = Vec::new();
            Read::take(&mut *reader, length.min(PREFIX)).read_to_end(&mut prefix)?;
            if let Some(program) = program::parse(&prefix).or_else(|| coff(&prefix)) {
                return Ok(Some(program));
            }
        }
        at = start.saturating_add(member.size.saturating_add(member.size % 2));
    }
    Ok(None)
}

/// A member, as its header describes it.
struct Member {
    /// Whether it is a table of symbols or names, which is no object.
    is_table: bool,
    /// How many bytes of a BSD long name its content begins with.
    name_length: u64,
    /// The content's size.
    size: u64,
}

fn member(reader: &mut dyn Source, at: u64) -> io::Result<Option<Member>> {
    let mut header = Vec::new();
    reader.seek(SeekFrom::Start(at))?;
    Read::take(&mut *reader, HEADER as u64).read_to_end(&mut header)?;
    if header.len() < HEADER || !header.ends_with(b"`\n") {
        return Ok(None);
    }
    let number = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.trim().parse::<u64>().ok();
    let name = &header[..16];
    let tables: [&[u8]; 4] = [b"/ ", b"//", b"/SYM64/", b"__.SYMDEF"];
    Ok(number(&header[48..58]).map(|size| Member {
        is_table: tables.iter().any(|table| name.starts_with(table)),
        name_length: name.strip_prefix(b"#1/").and_then(number).unwrap_or(0),
        size,
    }))
}

/// Reads a COFF object or import header: the machine is its only magic number.
fn coff(prefix: &[u8]) -> Option<Program> {
    // Import objects: 0, 0xffff, a version, then the machine.
    let import = prefix.starts_with(&[0, 0, 0xff, 0xff]);
    let at = if import { 6 } else { 0 };
    let machine = prefix.read_at::<object::U16<LE>>(at).ok()?.get(LE);
    let architecture = program::coff_machine(pe::Machine(machine));
    (architecture != program::UNKNOWN).then(|| Program {
        format: ProgramFormat::Pe,
        architectures: vec![architecture.to_owned()],
    })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::samples;

    fn library(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        for (name, content) in members {
            let header = format!("{name:<16}{:<32}{:<10}`\n", "", content.len());
            out.extend_from_slice(header.as_bytes());
            out.extend_from_slice(content);
            out.resize(out.len().next_multiple_of(2), b'\n');
        }
        out
    }

    #[test]
    fn a_static_library_is_told_by_its_first_object() {
        let first = |bytes: Vec<u8>| first_object(&mut Cursor::new(bytes)).unwrap();
        let unix = library(&[("/", b"symbols"), ("a.o/", &samples::elf(183))]);
        assert_eq!(first(unix).unwrap().to_string(), "ELF aarch64");
        let long = [
            b"a-long-name.o\0\0\0".as_slice(),
            &samples::macho(0x0100_0007),
        ]
        .concat();
        let apple = library(&[("#1/16", &long)]);
        assert_eq!(first(apple).unwrap().to_string(), "Mach-O x86_64");
        // A table of 332 names begins like an object for a 386.
        let names: &[u8] = &332_u32.to_le_bytes();
        let windows = library(&[
            ("/", names),
            ("x.dll/", &[0, 0, 0xff, 0xff, 0, 0, 0x64, 0x86]),
        ]);
        assert_eq!(first(windows).unwrap().to_string(), "PE x86_64");
        assert_eq!(first(library(&[("a.o/", b"BC\xc0\xde")])), None);
        assert_eq!(first(MAGIC.to_vec()), None);
    }
}
