//! Findings: what is known about each artifact after it was looked at.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::blocker::Blocker;
use crate::digest::Sha256;
use crate::dist::DistName;
use crate::name::SourcePath;

/// What is known about each artifact, by its path in the source.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// One entry per artifact of the release.
    pub artifacts: BTreeMap<SourcePath, Finding>,
}

/// What is known about one artifact.
#[derive(Clone, Debug, Default)]
pub struct Finding {
    /// The digest and size of the bytes that are promoted: computed here when the
    /// artifact was fetched, declared otherwise; `None` when a fetch failed.
    pub bytes: Option<Bytes>,
    /// Whether the bytes are in the store and were hashed here.
    pub fetched: bool,
    /// What the bytes are; `None` when they were not fetched or not readable.
    pub facts: Option<Facts>,
    /// What it contains, where that was looked at.
    pub sbom: Option<Sbom>,
    /// What speaks against the artifact.
    pub blockers: Vec<Blocker>,
}

/// A document that says what an artifact contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sbom {
    /// The digest of the document, which lies in the store.
    pub sha256: Sha256,
    /// How many components it names.
    pub components: usize,
    /// Why it names none, if so.
    pub empty_because: Option<String>,
}

/// The identity of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bytes {
    /// Their digest.
    pub sha256: Sha256,
    /// Their number.
    pub size: u64,
}

/// What some bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Facts {
    /// A wheel or a source distribution.
    Distribution(Box<Distribution>),
    /// A program or a library.
    Program(Program),
    /// An archive, by format and number of members.
    Archive {
        /// The format's usual extension, such as `tar.gz`.
        format: &'static str,
        /// How many members it has.
        members: u64,
    },
    /// Something else.
    Other,
}

/// A wheel or a source distribution, as its metadata describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// Its file name, parsed.
    pub name: DistName,
    /// Its core metadata.
    pub metadata: Metadata,
    /// The native libraries inside, of wheels only.
    pub native: Vec<Native>,
}

/// Core metadata, verbatim: the fields in the order of METADATA or PKG-INFO.
///
/// A description in the message body stands here as a last `Description` field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Field names as the file spells them, with their values.
    pub fields: Vec<(String, String)>,
}

impl Metadata {
    /// Returns the first value of a field, whatever the case of its name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|field| field.0.eq_ignore_ascii_case(name))
            .map(|field| field.1.as_str())
    }

    /// Returns every value of a field.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        let named = move |field: &&(String, String)| field.0.eq_ignore_ascii_case(name);
        self.fields
            .iter()
            .filter(named)
            .map(|field| field.1.as_str())
    }
}

/// A native library inside an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Native {
    /// Its path in the archive.
    pub path: String,
    /// What it is.
    pub program: Program,
}

/// Machine code: its container format and the architectures it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The container.
    pub format: ProgramFormat,
    /// The architectures as a target triple begins with them, such as `x86_64`;
    /// several in a universal Mach-O.
    pub architectures: Vec<String>,
}

/// The container format of machine code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramFormat {
    /// Linux and most others.
    Elf,
    /// Apple.
    MachO,
    /// Windows.
    Pe,
}

impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let format = match self.format {
            ProgramFormat::Elf => "ELF",
            ProgramFormat::MachO => "Mach-O",
            ProgramFormat::Pe => "PE",
        };
        write!(f, "{format} {}", self.architectures.join("+"))
    }
}
