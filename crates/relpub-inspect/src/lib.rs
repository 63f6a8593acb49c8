//! Reads artifacts that strangers made, under limits, and says what they are.
//!
//! This is the only room of relpub that decompresses or parses archives,
//! package metadata, machine code, manifests and checksum files. It touches
//! nothing but the bytes it is handed: no disk, no network, no clock.
//!
//! - [`inspect`] judges one artifact: what it is ([`Facts`]) and everything that
//!   speaks against it ([`Blocker`]s). Hostile input is a named refusal.
//! - [`identify()`] says what some bytes are, by their first few.
//! - [`sbom`] describes what an artifact is made of.
//! - [`manifest`] reads what a build declares about its files.
//! - [`gzip`] decodes objects that a store keeps with `Content-Encoding: gzip`.
//!
//! **Invariants.** Nothing panics on any input. Memory is bounded by
//! [`Limits`], not by the artifact. Nothing that was unpacked is written.
//!
//! Each of these functions takes bytes and limits and has no state, which is
//! the shape a fuzzer wants.

mod archive;
mod distribution;
mod fault;
pub mod gzip;
mod identify;
mod limits;
pub mod manifest;
mod metadata;
mod path;
pub mod platform;
mod program;
pub mod sbom;
mod sdist;
mod static_library;
mod tarball;
mod wheel;
mod zip;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod samples;

use std::io::{Read, Seek, SeekFrom};

use relpub_model::blocker::{Blocker, Code};
use relpub_model::config::Kind;
use relpub_model::findings::Facts;
use relpub_model::name::{FileName, SourcePath};

use fault::{Fault, Report};
pub use identify::{Identified, identify};
pub use limits::Limits;

/// What is inspected, and what is claimed of it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Where it is in the source.
    pub path: &'a SourcePath,
    /// The name it gets when it is published; the last segment of the path when
    /// it is only verified.
    pub name: &'a FileName,
    /// What the configuration says it is.
    pub kind: Kind,
    /// The target triple it is for, of programs and libraries.
    pub target: Option<&'a str>,
    /// The version that must stand inside.
    pub version: Expected<'a>,
    /// Its size in bytes.
    pub size: u64,
    /// Whether it goes to a package index, so that what PyPI refuses is refused.
    pub for_index: bool,
}

/// The version that must stand inside a distribution.
#[derive(Clone, Copy, Debug)]
pub enum Expected<'a> {
    /// The tag's, in PEP 440's form.
    Tag(&'a pep440_rs::Version),
    /// Any, as long as it is the file name's (`version = "any"`).
    Any,
}

/// What was found out about one artifact.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// What the bytes are; `None` when they could not be read as what they claim.
    pub facts: Option<Facts>,
    /// What speaks against them, in the order it was found.
    pub blockers: Vec<Blocker>,
}

/// Inspects one artifact as the kind that it is said to be.
///
/// Reads `reader` from wherever it has to; a wheel, an sdist and a compressed
/// tar are decompressed once, from the first byte to the last. Blocks, so it is
/// run where blocking is allowed.
pub fn inspect(
    subject: &Subject<'_>,
    reader: &mut (impl Read + Seek),
    limits: &Limits,
) -> Inspection {
    let mut report = Report::new(subject);
    let facts = match examine(subject, reader, limits, &mut report) {
        Ok(facts) => facts,
        Err(fault) => {
            report.fault(fault);
            None
        }
    };
    Inspection {
        facts,
        blockers: report.blockers,
    }
}

/// A file in memory or on disk.
trait Source: Read + Seek {}

impl<T: Read + Seek> Source for T {}

fn examine(
    subject: &Subject<'_>,
    reader: &mut dyn Source,
    limits: &Limits,
    report: &mut Report<'_>,
) -> Result<Option<Facts>, Fault> {
    let size = reader.seek(SeekFrom::End(0))?;
    if size != subject.size {
        let reason = format!("has {size} bytes, {} were expected", subject.size);
        return Err(Fault::content(Code::Corrupt, reason));
    }
    let found = identify::identify_dyn(reader, limits)?;
    match subject.kind {
        Kind::Wheel => wheel::examine(subject, reader, &found, limits, report),
        Kind::Sdist => sdist::examine(subject, reader, &found, limits, report),
        Kind::Archive => archive::examine(subject, reader, &found, limits),
        Kind::Binary | Kind::Library => program::examine(subject, &found).map(Some),
        Kind::File => Ok(Some(match found {
            Identified::Program(program) => Facts::Program(program),
            _ => Facts::Other,
        })),
    }
}
