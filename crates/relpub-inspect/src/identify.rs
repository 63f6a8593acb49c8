//! Says what some bytes are, by their first few.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};

use relpub_model::findings::Program;

use crate::{Limits, Source, program, static_library, tarball};

/// What some bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identified {
    /// No bytes at all.
    Empty,
    /// Gzip.
    Gzip,
    /// ZIP.
    Zip,
    /// Xz.
    Xz,
    /// Zstandard.
    Zstd,
    /// Bzip2.
    Bzip2,
    /// A tar archive, not compressed.
    Tar,
    /// A program or a shared library: ELF, Mach-O or PE.
    Program(Program),
    /// A static or import library, with what its first object is.
    StaticLibrary(Option<Program>),
    /// A WebAssembly module.
    Wasm,
    /// A text that begins with `#!`.
    Script,
    /// Another text.
    Text,
    /// None of these.
    Unknown,
}

/// Says what a file is, from its first [`Limits::prefix`] bytes (and, of a static
/// library, from the header of its first object).
pub fn identify(reader: &mut (impl Read + Seek), limits: &Limits) -> io::Result<Identified> {
    identify_dyn(reader, limits)
}

pub(crate) fn identify_dyn(reader: &mut dyn Source, limits: &Limits) -> io::Result<Identified> {
    reader.seek(SeekFrom::Start(0))?;
    let mut prefix = Vec::with_capacity(limits.prefix);
    let limit = u64::try_from(limits.prefix).unwrap_or(u64::MAX);
    Read::take(&mut *reader, limit).read_to_end(&mut prefix)?;
    if prefix.starts_with(static_library::MAGIC) {
        let object = static_library::first_object(reader)?;
        return Ok(Identified::StaticLibrary(object));
    }
    Ok(of_prefix(&prefix))
}

/// Says what bytes are that begin with `prefix`.
pub(crate) fn of_prefix(prefix: &[u8]) -> Identified {
    if let Some(found) = MAGIC.iter().find(|magic| prefix.starts_with(magic.0)) {
        return found.1.clone();
    }
    if let Some(program) = program::parse(prefix) {
        return Identified::Program(program);
    }
    if prefix.is_empty() {
        Identified::Empty
    } else if tarball::is_header(prefix) {
        Identified::Tar
    } else if !is_text(prefix) {
        Identified::Unknown
    } else if prefix.starts_with(b"#!") {
        Identified::Script
    } else {
        Identified::Text
    }
}

const MAGIC: [(&[u8], Identified); 8] = [
    (b"\x1f\x8b", Identified::Gzip),
    (b"PK\x03\x04", Identified::Zip),
    // An archive without members is only its end record.
    (b"PK\x05\x06", Identified::Zip),
    (b"\xfd7zXZ\0", Identified::Xz),
    (b"\x28\xb5\x2f\xfd", Identified::Zstd),
    (b"BZh", Identified::Bzip2),
    (b"\0asm", Identified::Wasm),
    (static_library::MAGIC, Identified::StaticLibrary(None)),
];

fn is_text(prefix: &[u8]) -> bool {
    let valid = match std::str::from_utf8(prefix) {
        Ok(_) => prefix,
        // The prefix may end within a character.
        Err(error) if error.error_len().is_none() => &prefix[..error.valid_up_to()],
        Err(_) => return false,
    };
    let control = |b: &u8| b.is_ascii_control() && !b"\t\n\r\x0c\x1b".contains(b);
    !valid.iter().any(control)
}

impl fmt::Display for Identified {
    /// Writes what it is with its article, to stand after "is".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Empty => "empty",
            Self::Gzip => "a gzip archive",
            Self::Zip => "a ZIP archive",
            Self::Xz => "an xz archive",
            Self::Zstd => "a Zstandard archive",
            Self::Bzip2 => "a bzip2 archive",
            Self::Tar => "a tar archive",
            Self::Program(program) => {
                return write!(f, "{} program", program::with_article(program));
            }
            Self::StaticLibrary(Some(program)) => {
                return write!(f, "{} static library", program::with_article(program));
            }
            Self::StaticLibrary(None) => "a static library",
            Self::Wasm => "a WebAssembly module",
            Self::Script => "a script",
            Self::Text => "a text",
            Self::Unknown => "data of no known kind",
        };
        f.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::samples;

    fn what(bytes: &[u8]) -> String {
        identify(&mut Cursor::new(bytes), &Limits::default())
            .unwrap()
            .to_string()
    }

    #[test]
    fn files_are_told_by_their_first_bytes() {
        assert_eq!(what(b""), "empty");
        assert_eq!(what(b"\x1f\x8b\x08"), "a gzip archive");
        assert_eq!(what(b"PK\x03\x04rest"), "a ZIP archive");
        assert_eq!(what(b"BZh91AY"), "a bzip2 archive");
        assert_eq!(what(b"#!/bin/sh\n"), "a script");
        assert_eq!(what("Grüße\n".as_bytes()), "a text");
        assert_eq!(
            what("Gr\u{fc}".as_bytes().split_last().unwrap().1),
            "a text"
        );
        assert_eq!(what(b"\0\x01\x02"), "data of no known kind");
        assert_eq!(what(&samples::elf(62)), "an ELF x86_64 program");
        assert_eq!(what(&samples::macho(0x0100_000c)), "a Mach-O arm64 program");
        assert_eq!(what(&samples::pe(0x14c)), "a PE i686 program");
        assert_eq!(what(&samples::tar(&[("a", b"x")])), "a tar archive");
    }

    #[test]
    fn a_java_class_is_no_universal_program() {
        let class = b"\xca\xfe\xba\xbe\x00\x00\x00\x34\x00\x10\x01\x02";
        assert_eq!(what(class), "data of no known kind");
        let universal = samples::universal(&[0x0100_0007, 0x0100_000c]);
        assert_eq!(what(&universal), "a Mach-O x86_64+arm64 program");
    }
}
