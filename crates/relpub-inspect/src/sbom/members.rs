//! The programs and libraries in an archive, and what they are made of.

use std::io::{BufReader, Read, SeekFrom};
use std::ops::Range;

use aws_lc_rs::digest::{Context, SHA256};

use relpub_model::digest::Sha256;
use relpub_model::findings::{Distribution, Program, ProgramFormat};

use crate::fault::Fault;
use crate::gzip::Gunzip;
use crate::tarball::{MemberKind, Walk};
use crate::zip::{self, Entry};
use crate::{Limits, Source, program};

use super::binary::{Binary, Reader, Survey, Unread};
use super::harvest::{self, Content};
use super::parts::{Kind, Part, Parts, property};
use super::{auditable, go, sections};

/// What an archive turned out to hold.
#[derive(Default)]
pub(super) struct Found {
    pub(super) files: u64,
}

/// Looks into a wheel (`of` is its metadata) or another ZIP archive.
pub(super) fn of_zip(
    parts: &mut Parts<'_>,
    reader: &mut dyn Source,
    size: u64,
    of: Option<&Distribution>,
    limits: &Limits,
) -> Result<Found, Fault> {
    let directory = zip::directory(reader, size, limits)?;
    let sboms = of.map(|of| format!("{}.dist-info/sboms/", of.name.stem()));
    let mut found = Found::default();
    let mut budget = limits.unpacked;
    for entry in directory.entries.iter().filter(|entry| !entry.is_folder()) {
        found.files += 1;
        let path = entry.name();
        if let (Some(of), Some(sboms)) = (of, &sboms)
            && path.starts_with(sboms.as_str())
        {
            let content = content(reader, entry, limits)?;
            let project = of.name.project().as_str();
            harvest::document(parts, &path, &content, project, limits)?;
            continue;
        }
        let prefix = entry.size.min(limits.prefix as u64);
        let prefix = zip::range(reader, entry, 0..prefix)?;
        let Some(program) = program::parse(&prefix) else {
            continue;
        };
        let mut survey = Survey::new();
        zip::stream(reader, entry, &mut |bytes| survey.update(bytes))?;
        let mut binary = survey.finish(program);
        let owner = add_member(parts, &path, &binary)?;
        let mut fetch = |range: Range<u64>| {
            spend(&mut budget, range.end)?;
            Ok(zip::range(reader, entry, range)?)
        };
        look_into(parts, &owner, &path, binary.reader(&mut fetch))?;
    }
    Ok(found)
}

/// Returns a member's digest, and its bytes unless there are too many.
fn content(reader: &mut dyn Source, entry: &Entry, limits: &Limits) -> Result<Content, Fault> {
    if entry.size <= limits.sbom {
        let bytes = zip::read(reader, entry, limits.sbom)?;
        return Ok(Content {
            sha256: Sha256::of(&bytes),
            bytes: Some(bytes),
        });
    }
    let mut hash = Context::new(&SHA256);
    zip::stream(reader, entry, &mut |bytes| hash.update(bytes))?;
    let mut digest = [0; 32];
    digest.copy_from_slice(hash.finish().as_ref());
    Ok(Content {
        sha256: Sha256::from_bytes(digest),
        bytes: None,
    })
}

/// Bytes of programs that are kept while a tar archive is walked.
const KEPT: usize = 8 << 20;

/// A program in a tar archive, after the first walk.
struct Member {
    /// How many members come before it.
    index: usize,
    path: String,
    binary: Binary,
    /// Bytes that are unpacked to get to its end.
    cost: u64,
}

/// Looks into a tar archive; `compressed` with gzip or not at all.
pub(super) fn of_tar(
    parts: &mut Parts<'_>,
    reader: &mut dyn Source,
    size: u64,
    compressed: bool,
    limits: &Limits,
) -> Result<Found, Fault> {
    let archive = Archive {
        size,
        compressed,
        limits,
    };
    let (found, members) = archive.survey(reader)?;
    let mut budget = limits.unpacked;
    for mut member in members {
        let owner = add_member(parts, &member.path, &member.binary)?;
        let (index, cost) = (member.index, member.cost);
        let mut fetch = |range: Range<u64>| {
            spend(&mut budget, cost)?;
            Ok(archive.range(reader, index, range)?)
        };
        let reader = member.binary.reader(&mut fetch);
        look_into(parts, &owner, &member.path, reader)?;
    }
    Ok(found)
}

struct Archive<'l> {
    size: u64,
    compressed: bool,
    limits: &'l Limits,
}

impl<'l> Archive<'l> {
    fn walk<'a>(&self, reader: &'a mut dyn Source) -> Result<Walk<'l, Box<dyn Read + 'a>>, Fault> {
        reader.seek(SeekFrom::Start(0))?;
        let buffered = BufReader::new(reader);
        let stream: Box<dyn Read + 'a> = if self.compressed {
            Box::new(Gunzip::new(buffered, self.limits.unpacked_from(self.size)))
        } else {
            Box::new(buffered)
        };
        Ok(Walk::new(stream, self.limits))
    }

    /// Walks over all members and surveys the programs.
    fn survey(&self, reader: &mut dyn Source) -> Result<(Found, Vec<Member>), Fault> {
        let mut walk = self.walk(reader)?;
        let (mut found, mut members) = (Found::default(), Vec::new());
        let (mut kept, mut cost) = (0, 0_u64);
        for index in 0.. {
            let Some(member) = walk.next()? else {
                break;
            };
            cost = cost.saturating_add(member.size);
            if member.kind != MemberKind::File {
                continue;
            }
            found.files += 1;
            let prefix = walk.head(self.limits.prefix)?;
            let Some(program) = program::parse(&prefix) else {
                continue;
            };
            if members.len() >= self.limits.components {
                return Err(Fault::hostile("has too many programs"));
            }
            let mut survey = Survey::new();
            survey.update(&prefix);
            walk.stream(&mut |bytes| survey.update(bytes))?;
            let mut binary = survey.finish(program);
            if kept + binary.kept() > KEPT {
                binary.forget();
            }
            kept += binary.kept();
            let path = member.name.trim_start_matches("./").to_owned();
            members.push(Member {
                index,
                path,
                binary,
                cost,
            });
        }
        Ok((found, members))
    }

    /// Returns some bytes of the member at `index`.
    fn range(
        &self,
        reader: &mut dyn Source,
        index: usize,
        range: Range<u64>,
    ) -> Result<Vec<u8>, Fault> {
        let mut walk = self.walk(reader)?;
        for _ in 0..=index {
            walk.next()?;
        }
        walk.range(range)
    }
}

/// Looks into a program that is the artifact itself.
pub(super) fn of_program(
    parts: &mut Parts<'_>,
    reader: &mut dyn Source,
    program: Program,
    path: &str,
) -> Result<(), Fault> {
    let mut survey = Survey::new();
    super::for_each_piece(reader, &mut |bytes| survey.update(bytes))?;
    let mut binary = survey.finish(program);
    let owner = parts.root.clone();
    describe(&mut parts.notes, &binary.program);
    let mut fetch = |range: Range<u64>| {
        let mut out = Vec::new();
        reader
            .seek(SeekFrom::Start(range.start))
            .map_err(Fault::from)?;
        let taken = Read::take(&mut *reader, range.end - range.start).read_to_end(&mut out);
        taken.map_err(Fault::from)?;
        Ok(out)
    };
    look_into(parts, &owner, path, binary.reader(&mut fetch))
}

/// Takes what unpacking again costs from what it may cost in all.
fn spend(budget: &mut u64, cost: u64) -> Result<(), Unread> {
    let left = budget.checked_sub(cost);
    *budget = left.ok_or("too much would have to be unpacked again to look into it")?;
    Ok(())
}

/// Adds a program as a component, and returns its reference.
fn add_member(parts: &mut Parts<'_>, path: &str, binary: &Binary) -> Result<String, Fault> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let mut part = Part::named(kind(folder, file), file);
    part.hashes
        .insert("SHA-256".to_owned(), binary.sha256.to_string());
    part.note(property::FOUND_BY, "machine-code");
    part.found_in.insert(path.to_owned());
    describe(&mut part, &binary.program);
    if let Some(tool) = bundler(folder, &binary.program) {
        part.note(property::BUNDLED_BY, tool);
    }
    let reference = parts.file(path);
    parts.add(&reference, part)?;
    let root = parts.root.clone();
    parts.needs(&root, &reference)?;
    Ok(reference)
}

fn describe(part: &mut Part, program: &Program) {
    let format = match program.format {
        ProgramFormat::Elf => "ELF",
        ProgramFormat::MachO => "Mach-O",
        ProgramFormat::Pe => "PE",
    };
    part.note(property::FORMAT, format);
    for architecture in &program.architectures {
        part.note(property::ARCHITECTURE, architecture);
    }
}

/// Tells programs from libraries by where they are and what they are called.
fn kind(folder: &str, file: &str) -> Kind {
    let place = folder.rsplit('/').next().unwrap_or_default();
    let started = ["bin", "scripts", "sbin"].contains(&place);
    let library = [".so", ".dylib", ".dll", ".pyd"]
        .iter()
        .any(|ending| file.contains(ending));
    if !library && (started || file.ends_with(".exe") || !file.contains('.')) {
        Kind::Application
    } else {
        Kind::Library
    }
}

/// Returns the tool that puts libraries from elsewhere into such a folder.
fn bundler(folder: &str, program: &Program) -> Option<&'static str> {
    let place = folder.rsplit('/').next().unwrap_or_default();
    match program.format {
        ProgramFormat::Elf if place.ends_with(".libs") => Some("auditwheel"),
        ProgramFormat::Pe if place.ends_with(".libs") => Some("delvewheel"),
        ProgramFormat::MachO if place.ends_with(".dylibs") => Some("delocate"),
        _ => None,
    }
}

/// Adds what the program `owner` tells of itself, or notes why it does not.
fn look_into(
    parts: &mut Parts<'_>,
    owner: &str,
    path: &str,
    mut reader: Reader<'_>,
) -> Result<(), Fault> {
    let images = match sections::of(&mut reader) {
        Ok(images) => images,
        Err(unread) => return note(parts, owner, unread),
    };
    for sections in images {
        let listed = sections.iter().find(|it| it.name == auditable::SECTION);
        if let Some(section) = listed {
            let size = section.range.end - section.range.start;
            let section = if size > auditable::LIMIT {
                Err(Unread::Because("its list of crates is too large"))
            } else {
                reader.read(section.range.start, size)
            };
            match section.and_then(|bytes| Ok(auditable::parse(&bytes)?)) {
                Ok(list) => auditable::add(parts, &list, owner, path)?,
                Err(unread) => note(parts, owner, unread)?,
            }
        }
        if let Some(range) = go::find(reader.binary, &sections) {
            let bytes = reader.read(range.start, range.end - range.start);
            match bytes.and_then(|bytes| Ok(go::parse(&bytes)?)) {
                Ok(info) => info.add(parts, owner, path)?,
                Err(unread) => note(parts, owner, unread)?,
            }
        }
    }
    Ok(())
}

fn note(parts: &mut Parts<'_>, owner: &str, unread: Unread) -> Result<(), Fault> {
    match unread {
        Unread::Because(why) => {
            parts.note(owner, property::NOT_READ, why);
            Ok(())
        }
        Unread::Fault(fault) => Err(fault),
    }
}
