//! Source distributions, by the PyPA specification "Source distribution format".
//!
//! One gzip stream around one tar archive, whose members all lie in one folder
//! named like the file, with PKG-INFO in it.

use std::collections::HashSet;
use std::io::{BufReader, Read, SeekFrom};

use relpub_model::blocker::Code;
use relpub_model::findings::{Distribution, Facts};

use crate::fault::{Fault, Report, quoted};
use crate::gzip::Gunzip;
use crate::tarball::{Member, MemberKind, Walk};
use crate::{Identified, Limits, Source, Subject, distribution, metadata, path};

/// Judges a source distribution.
pub(crate) fn examine(
    subject: &Subject<'_>,
    reader: &mut dyn Source,
    found: &Identified,
    limits: &Limits,
    report: &mut Report<'_>,
) -> Result<Option<Facts>, Fault> {
    let name = distribution::file_name(subject)?;
    if name.is_wheel() {
        let reason = "is named like a wheel, not a source distribution";
        return Err(Fault::content(Code::NotWhatItSays, reason));
    }
    if *found != Identified::Gzip {
        let reason = format!("is {found}, not a gzip archive");
        return Err(Fault::content(Code::NotWhatItSays, reason));
    }
    reader.seek(SeekFrom::Start(0))?;
    let stream = Gunzip::new(BufReader::new(reader), limits.unpacked_from(subject.size));
    let content = unpack(stream, &name.stem(), limits)?;
    let Some(bytes) = content.pkg_info else {
        let reason = format!("has no {}/PKG-INFO, which its name asks for", name.stem());
        return Err(Fault::content(Code::Disagrees, reason));
    };
    let metadata = metadata::parse("PKG-INFO", &bytes, limits)?;
    distribution::check_identity(report, subject.version, &name, &metadata, "PKG-INFO");
    if subject.for_index {
        distribution::check_for_index(report, limits, &name, &metadata);
    }
    let absent: Vec<String> = distribution::licence_files(&metadata)
        .into_iter()
        .filter(|file| !content.files.contains(&format!("{}/{file}", name.stem())))
        .map(|file| {
            format!(
                "names the licence file {}, which is not inside",
                quoted(file)
            )
        })
        .collect();
    report.add_some(Code::Disagrees, limits.reasons, &absent);
    Ok(Some(Facts::Distribution(Box::new(Distribution {
        name,
        metadata,
        native: Vec::new(),
    }))))
}

/// What is needed of a source distribution's content.
struct Content {
    pkg_info: Option<Vec<u8>>,
    files: HashSet<String>,
}

/// Reads the archive to its end.
fn unpack(stream: impl Read, top: &str, limits: &Limits) -> Result<Content, Fault> {
    let mut walk = Walk::new(stream, limits);
    let mut content = Content {
        pkg_info: None,
        files: HashSet::new(),
    };
    let wanted = format!("{top}/PKG-INFO");
    let mut names = 0;
    while let Some(member) = walk.next()? {
        let name = member
            .name
            .trim_start_matches("./")
            .trim_end_matches('/')
            .to_owned();
        check_member(&member, &name, top)?;
        if name == wanted {
            if member.kind != MemberKind::File || content.pkg_info.is_some() {
                return Err(Fault::hostile(format!(
                    "has {wanted} twice, or not as a file"
                )));
            }
            content.pkg_info = Some(walk.content(limits.metadata)?);
        }
        names += name.len() as u64;
        if names > limits.names {
            return Err(Fault::hostile(format!(
                "has names of more than {} bytes",
                limits.names
            )));
        }
        content.files.insert(name);
    }
    Ok(content)
}

fn check_member(member: &Member, name: &str, top: &str) -> Result<(), Fault> {
    // `./` alone is the archive itself.
    if name.is_empty() || name == "." {
        return Ok(());
    }
    if name.split('/').next() != Some(top) {
        let reason = format!(
            "has the member {} outside of {top}/, which its name asks for",
            quoted(name)
        );
        return Err(Fault::content(Code::Disagrees, reason));
    }
    let stays = match &member.kind {
        MemberKind::Symlink(target) => path::link_stays(top, name, target),
        MemberKind::Hardlink(target) => {
            path::why_unsafe(target).is_none()
                && target.trim_start_matches("./").split('/').next() == Some(top)
        }
        MemberKind::Sparse => {
            let reason = format!("has the sparse member {}, which PyPI refuses", quoted(name));
            return Err(Fault::hostile(reason));
        }
        MemberKind::File | MemberKind::Folder => true,
    };
    if stays {
        Ok(())
    } else {
        Err(Fault::hostile(format!(
            "has the link {}, which leads out of {top}/",
            quoted(name)
        )))
    }
}

#[cfg(test)]
mod tests;
