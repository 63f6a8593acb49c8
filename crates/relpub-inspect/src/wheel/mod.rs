//! Wheels, by the PyPA specification "Binary distribution format".
//!
//! 1. The file name gives project, version, tags and the one `.dist-info`.
//! 2. The archive is framed so that every reader sees the same members.
//! 3. METADATA, WHEEL, RECORD and `entry_points.txt` are read and compared.
//! 4. Every member is unpacked once: checked against RECORD, and told apart
//!    when it is machine code.
//! 5. What PyPI would refuse is refused.

mod entry_points;
mod native;
mod record;
mod tags;

use std::collections::{BTreeSet, HashSet};
use std::io::{Read, SeekFrom};

use relpub_model::blocker::Code;
use relpub_model::dist::{DistName, WheelName};
use relpub_model::findings::{Distribution, Facts, Metadata};

use crate::fault::{Fault, Report, quoted};
use crate::zip::{self, Directory, Entry};
use crate::{Identified, Limits, Source, Subject, distribution, metadata, platform, tarball};

/// Judges a wheel.
pub(crate) fn examine(
    subject: &Subject<'_>,
    reader: &mut dyn Source,
    found: &Identified,
    limits: &Limits,
    report: &mut Report<'_>,
) -> Result<Option<Facts>, Fault> {
    let name = match distribution::file_name(subject)? {
        DistName::Wheel(name) => name,
        DistName::Sdist(_) => {
            let reason = "is named like a source distribution, not a wheel";
            return Err(Fault::content(Code::NotWhatItSays, reason));
        }
    };
    if *found != Identified::Zip {
        let reason = format!("is {found}, not a wheel, which is a ZIP archive");
        return Err(Fault::content(Code::NotWhatItSays, reason));
    }
    if subject.for_index {
        check_platforms(&name, report);
    }
    let directory = zip::directory(reader, subject.size, limits)?;
    if subject.for_index {
        check_for_index(subject, reader, &directory)?;
    }
    let wheel = Wheel {
        name: &name,
        directory: &directory,
        limits,
    };
    let metadata = wheel.metadata(subject, reader, report)?;
    let natives = wheel.contents(reader, report)?;
    Ok(Some(Facts::Distribution(Box::new(Distribution {
        name: DistName::Wheel(name),
        metadata,
        native: natives,
    }))))
}

fn check_platforms(name: &WheelName, report: &mut Report<'_>) {
    for tag in name
        .platform
        .iter()
        .filter(|tag| !platform::accepted_by_pypi(tag))
    {
        let reason = format!("has platform tag {tag}; PyPI takes no wheel with it");
        let way_out = if tag.starts_with("linux_") {
            "Build it for a manylinux or musllinux tag: auditwheel repair makes one of it."
        } else {
            "Build it for a platform tag that PyPI takes."
        };
        report.add_with(Code::Refused, reason, way_out);
    }
}

/// Beyond this size, PyPI refuses archives that unpack to over 50 times their size.
const PYPI_RATIO_FLOOR: u64 = 64 << 20;
const PYPI_RATIO: u64 = 50;

fn check_for_index(
    subject: &Subject<'_>,
    reader: &mut dyn Source,
    directory: &Directory,
) -> Result<(), Fault> {
    zip::framing::check(reader, directory)?;
    let unpacked: u64 = directory.entries.iter().map(|entry| entry.size).sum();
    if unpacked > PYPI_RATIO_FLOOR && unpacked > subject.size.saturating_mul(PYPI_RATIO) {
        let reason = format!(
            "unpacks to {unpacked} bytes, over {PYPI_RATIO} times its size, which PyPI refuses"
        );
        return Err(Fault::hostile(reason));
    }
    let mut first = Vec::new();
    reader.seek(SeekFrom::Start(0))?;
    Read::take(&mut *reader, 512).read_to_end(&mut first)?;
    if tarball::is_header(&first) {
        return Err(Fault::hostile("is both a ZIP archive and a tar archive"));
    }
    Ok(())
}

/// A wheel whose archive can be read.
struct Wheel<'a> {
    name: &'a WheelName,
    directory: &'a Directory,
    limits: &'a Limits,
}

impl Wheel<'_> {
    /// Returns the folder that the file name implies, as it is spelled there.
    fn dist_info(&self) -> String {
        format!(
            "{}-{}.dist-info",
            self.name.distribution, self.name.version_text
        )
    }

    fn find(&self, path: &str) -> Option<&Entry> {
        self.directory
            .entries
            .iter()
            .find(|entry| *entry.raw_name == *path.as_bytes())
    }

    /// Reads a file of the `.dist-info` folder, if it is there.
    fn read(
        &self,
        reader: &mut dyn Source,
        file: &str,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let path = format!("{}/{file}", self.dist_info());
        self.find(&path)
            .map(|entry| zip::read(reader, entry, limit))
            .transpose()
    }

    fn required(&self, reader: &mut dyn Source, file: &str, limit: u64) -> Result<Vec<u8>, Fault> {
        let content = self.read(reader, file, limit)?;
        content.ok_or_else(|| {
            let reason = format!(
                "has no {}/{file}, which its name asks for",
                self.dist_info()
            );
            Fault::content(Code::Disagrees, reason)
        })
    }

    /// Reads what the wheel says of itself and compares it with its name.
    fn metadata(
        &self,
        subject: &Subject<'_>,
        reader: &mut dyn Source,
        report: &mut Report<'_>,
    ) -> Result<Metadata, Fault> {
        self.check_only_dist_info(report);
        let bytes = self.required(reader, "METADATA", self.limits.metadata)?;
        let metadata = metadata::parse("METADATA", &bytes, self.limits)?;
        let bytes = self.required(reader, "WHEEL", self.limits.metadata)?;
        tags::check(self.name, &bytes, self.limits, report)?;

        let name = DistName::Wheel(self.name.clone());
        distribution::check_identity(report, subject.version, &name, &metadata, "METADATA");
        if subject.for_index {
            distribution::check_for_index(report, self.limits, &name, &metadata);
            let points = self.read(reader, "entry_points.txt", self.limits.metadata)?;
            if let Some(why) = points.and_then(|bytes| entry_points::why_invalid(&bytes)) {
                report.add(
                    Code::Refused,
                    format!("has an entry_points.txt that PyPI refuses: {why}"),
                );
            }
        }
        self.check_licences(&metadata, report);
        Ok(metadata)
    }

    fn check_licences(&self, metadata: &Metadata, report: &mut Report<'_>) {
        let names = self.directory.entries.iter().map(|entry| &*entry.raw_name);
        let names: HashSet<&[u8]> = names.collect();
        let mut absent = Vec::new();
        for file in distribution::licence_files(metadata) {
            let path = format!("{}/licenses/{file}", self.dist_info());
            if !names.contains(path.as_bytes()) {
                let (file, path) = (quoted(file), quoted(&path));
                absent.push(format!(
                    "names the licence file {file}, which is not inside at {path}"
                ));
            }
        }
        report.add_some(Code::Disagrees, self.limits.reasons, &absent);
    }

    /// Reports any `.dist-info` folder at the top but the one that the name implies.
    fn check_only_dist_info(&self, report: &mut Report<'_>) {
        let right = self.dist_info();
        let mut others = BTreeSet::new();
        for entry in &self.directory.entries {
            let name = entry.name();
            let Some((top, _)) = name.split_once('/') else {
                continue;
            };
            if top.to_ascii_lowercase().ends_with(".dist-info") && top != right {
                others.insert(top.to_owned());
            }
        }
        let reasons: Vec<_> = others
            .iter()
            .map(|other| {
                format!(
                    "has the folder {} where its name asks for {right}",
                    quoted(other)
                )
            })
            .collect();
        report.add_some(Code::Disagrees, self.limits.reasons, &reasons);
    }

    /// Unpacks every member once, in the order they are stored.
    fn contents(
        &self,
        reader: &mut dyn Source,
        report: &mut Report<'_>,
    ) -> Result<Vec<relpub_model::findings::Native>, Fault> {
        let bytes = self.required(reader, "RECORD", self.limits.record)?;
        let mut record = record::Record::parse(&bytes, &self.dist_info(), self.limits)?;
        let mut natives = Vec::new();
        for entry in self
            .directory
            .entries
            .iter()
            .filter(|entry| !entry.is_folder())
        {
            let name = entry.name();
            let mut checker = record.checker(&name);
            let mut prefix = Vec::new();
            zip::stream(reader, entry, &mut |bytes| {
                checker.update(bytes);
                let missing = self.limits.prefix.saturating_sub(prefix.len());
                prefix.extend_from_slice(&bytes[..missing.min(bytes.len())]);
            })?;
            record.judge(&name, checker, entry.size);
            natives.extend(native::find(&name, &prefix));
        }
        record.report(report, self.limits);
        native::check(self.name, &natives, self.limits, report);
        Ok(natives)
    }
}

#[cfg(test)]
mod tests;
