//! Archives that are published as they are: the format against the name, and
//! members that are safe to unpack.
//!
//! Tar, gzip-compressed tar and ZIP are walked. Of tar compressed with xz,
//! Zstandard or bzip2 only the first bytes are looked at: this version has no
//! decoder for them.

use std::io::{BufReader, Read, SeekFrom};

use relpub_model::blocker::Code;
use relpub_model::findings::Facts;

use crate::fault::{Fault, quoted};
use crate::gzip::Gunzip;
use crate::tarball::{self, MemberKind, Walk};
use crate::{Identified, Limits, Source, Subject, path, zip};

/// Endings of names, and what a file with one must be. The second is the
/// format's usual ending.
const FORMATS: [(&str, &str, Identified); 13] = [
    (".tar.gz", "tar.gz", Identified::Gzip),
    (".tgz", "tar.gz", Identified::Gzip),
    (".tar.xz", "tar.xz", Identified::Xz),
    (".txz", "tar.xz", Identified::Xz),
    (".tar.zst", "tar.zst", Identified::Zstd),
    (".tar.bz2", "tar.bz2", Identified::Bzip2),
    (".tbz2", "tar.bz2", Identified::Bzip2),
    (".tar", "tar", Identified::Tar),
    (".zip", "zip", Identified::Zip),
    (".gz", "gz", Identified::Gzip),
    (".xz", "xz", Identified::Xz),
    (".zst", "zst", Identified::Zstd),
    (".bz2", "bz2", Identified::Bzip2),
];

/// Judges an archive.
pub(crate) fn examine(
    subject: &Subject<'_>,
    reader: &mut dyn Source,
    found: &Identified,
    limits: &Limits,
) -> Result<Option<Facts>, Fault> {
    let name = subject.name.folded();
    let by_name = FORMATS.iter().find(|format| name.ends_with(format.0));
    // A name that says nothing (`.whl` of another world, `.vsix`) can be any archive.
    let by_content = || FORMATS.iter().rev().find(|format| format.2 == *found);
    let Some((_, format, expected)) = by_name.or_else(by_content) else {
        let reason = format!("is {found}, not an archive");
        return Err(Fault::content(Code::NotWhatItSays, reason));
    };
    if found != expected {
        let reason = format!("is {found}, not {expected}");
        return Err(Fault::content(Code::NotWhatItSays, reason));
    }
    let members = match *format {
        "zip" => zip::directory(reader, subject.size, limits)?.entries.len() as u64,
        "tar" | "tar.gz" => walk(subject, reader, found, limits)?,
        // What cannot be looked into counts as one.
        _ => 1,
    };
    Ok(Some(Facts::Archive { format, members }))
}

fn walk(
    subject: &Subject<'_>,
    reader: &mut dyn Source,
    found: &Identified,
    limits: &Limits,
) -> Result<u64, Fault> {
    reader.seek(SeekFrom::Start(0))?;
    if *found == Identified::Tar {
        return count(BufReader::new(reader), limits);
    }
    let limit = limits.unpacked_from(subject.size);
    let mut stream = Gunzip::new(BufReader::new(reader), limit);
    let mut first = Vec::new();
    Read::take(&mut stream, 512).read_to_end(&mut first)?;
    // An archive without members begins with the zeros that end it.
    let empty = first.len() == 512 && first.iter().all(|&b| b == 0);
    if !tarball::is_header(&first) && !empty {
        let reason = "is gzip data with something else than a tar archive inside";
        return Err(Fault::content(Code::NotWhatItSays, reason));
    }
    count(first.as_slice().chain(stream), limits)
}

fn count(stream: impl Read, limits: &Limits) -> Result<u64, Fault> {
    let mut walk = Walk::new(stream, limits);
    while let Some(member) = walk.next()? {
        let stays = match &member.kind {
            MemberKind::Symlink(target) => path::link_stays_inside(&member.name, target),
            MemberKind::Hardlink(target) => path::why_unsafe(target).is_none(),
            MemberKind::File | MemberKind::Sparse | MemberKind::Folder => true,
        };
        if !stays {
            let name = quoted(&member.name);
            let reason = format!("has the link {name}, which leads out of the archive");
            return Err(Fault::hostile(reason));
        }
    }
    Ok(walk.members)
}

#[cfg(test)]
mod tests;
