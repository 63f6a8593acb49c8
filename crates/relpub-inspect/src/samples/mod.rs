//! Small files of every kind, put together byte by byte for the tests, and one
//! way to have them judged.

mod code;
mod program;
mod tar;
mod wheel;
mod zip;

use std::io::Cursor;

use relpub_model::config::Kind;
use relpub_model::findings::Facts;

pub(crate) use code::{elf, macho, pe, universal};
pub(crate) use program::{Code, elf_with, go_build_info, macho_with, pe_with, universal_of, zlib};
pub(crate) use tar::{TarMember, gzip, raw_tar, tar};
pub(crate) use wheel::{DIST_INFO, METADATA, WHEEL_NAME, wheel, wheel_files};
pub(crate) use zip::{RawMember, RawZip};

use crate::sbom::{self, Sbom};
use crate::{Expected, Limits, Subject, inspect};

/// A file, and what is claimed of it.
pub(crate) struct Case<'a> {
    pub(crate) kind: Kind,
    pub(crate) name: &'a str,
    pub(crate) target: Option<&'a str>,
    /// The tag's version; `None` for any.
    pub(crate) version: Option<&'a str>,
    pub(crate) for_index: bool,
    pub(crate) limits: Limits,
}

impl<'a> Case<'a> {
    pub(crate) fn new(kind: Kind, name: &'a str) -> Self {
        Self {
            kind,
            name,
            target: None,
            version: None,
            for_index: true,
            limits: Limits::default(),
        }
    }

    /// Returns what the file is, and each blocker as `label: reason`.
    pub(crate) fn judge(&self, bytes: &[u8]) -> (Option<Facts>, Vec<String>) {
        self.with_subject(bytes, |subject| {
            let inspection = inspect(subject, &mut Cursor::new(bytes), &self.limits);
            let shown = |blocker: relpub_model::Blocker| {
                format!("{}: {}", blocker.code.label(), blocker.reason)
            };
            let blockers = inspection.blockers.into_iter().map(shown).collect();
            (inspection.facts, blockers)
        })
    }

    /// Returns the SBOM of a file that can be read, or the reason against it.
    pub(crate) fn sbom(&self, bytes: &[u8]) -> Result<Sbom, String> {
        let (facts, blockers) = self.judge(bytes);
        let facts = facts.ok_or_else(|| blockers.join("\n"))?;
        self.with_subject(bytes, |subject| {
            sbom::of(subject, &facts, &mut Cursor::new(bytes), &self.limits)
                .map_err(|blocker| blocker.reason)
        })
    }

    fn with_subject<T>(&self, bytes: &[u8], then: impl FnOnce(&Subject<'_>) -> T) -> T {
        let version = self.version.map(|version| version.parse().unwrap());
        then(&Subject {
            path: &format!("out/{}", self.name).parse().unwrap(),
            name: &self.name.parse().unwrap(),
            kind: self.kind,
            target: self.target,
            version: version.as_ref().map_or(Expected::Any, Expected::Tag),
            size: bytes.len() as u64,
            for_index: self.for_index,
        })
    }

    /// Returns the blockers alone.
    pub(crate) fn blockers(&self, bytes: &[u8]) -> Vec<String> {
        self.judge(bytes).1
    }
}
