//! What wheels and source distributions have in common: a name and a version
//! that agree everywhere, and what PyPI asks of both.

use relpub_model::blocker::Code;
use relpub_model::dist::DistName;
use relpub_model::findings::Metadata;
use relpub_model::name::ProjectName;

use crate::fault::{Fault, Report, quoted};
use crate::{Expected, Limits, Subject, metadata};

/// Parses the file name that a distribution must have.
pub(crate) fn file_name(subject: &Subject<'_>) -> Result<DistName, Fault> {
    subject.name.as_str().parse().map_err(|error| {
        let what = subject.kind.as_str();
        let reason = format!("is not named as a {what} must be: {error}");
        Fault::content(Code::NotWhatItSays, reason)
    })
}

/// Checks that the name and version inside are those outside.
pub(crate) fn check_identity(
    report: &mut Report<'_>,
    expected: Expected<'_>,
    name: &DistName,
    metadata: &Metadata,
    file: &str,
) {
    let inside = metadata.get("Name").unwrap_or_default();
    if inside.parse::<ProjectName>().as_ref() != Ok(name.project()) {
        let reason = format!(
            "says name {} in {file}, {} in its own name",
            quoted(inside),
            name.project()
        );
        report.add(Code::Disagrees, reason);
    }
    let inside = metadata.get("Version").unwrap_or_default();
    let version = inside.parse::<pep440_rs::Version>().ok();
    if version.as_ref() != Some(name.version()) {
        let reason = format!(
            "says version {} in {file}, {} in its own name",
            quoted(inside),
            name.version()
        );
        report.add(Code::Disagrees, reason);
    }
    if let Expected::Tag(tag) = expected
        && name.version() != tag
    {
        let reason = format!("has version {}, the tag says {tag}", name.version());
        let way_out =
            "Promote the commit that the tag is at, or say version = \"any\" for this file.";
        report.add_with(Code::Disagrees, reason, way_out);
    }
}

/// Checks what PyPI asks of names and metadata.
pub(crate) fn check_for_index(
    report: &mut Report<'_>,
    limits: &Limits,
    name: &DistName,
    metadata: &Metadata,
) {
    let refusals = metadata::rules::refusals(metadata);
    report.add_some(Code::Refused, limits.reasons, &refusals);
    let (distribution, version) = match name {
        DistName::Wheel(wheel) => (&wheel.distribution, None),
        DistName::Sdist(sdist) => (&sdist.distribution, Some(&sdist.version_text)),
    };
    let wanted = name.project().as_str().replace('-', "_");
    if *distribution != wanted {
        let reason = format!("begins with {distribution}; PyPI takes only {wanted}");
        report.add(Code::Refused, reason);
    }
    let canonical = name.version().to_string();
    if let Some(text) = version.filter(|text| **text != canonical) {
        let reason = format!("has version {text} in its name; PyPI takes only {canonical}");
        report.add(Code::Refused, reason);
    }
}

/// Returns the licence files that the metadata names, which must be inside.
///
/// Only since metadata version 2.4 does the field mean that (PEP 639); before,
/// tools wrote it as they liked.
pub(crate) fn licence_files(metadata: &Metadata) -> Vec<&str> {
    let version = metadata.get("Metadata-Version").unwrap_or_default();
    let version = version.parse::<pep440_rs::Version>();
    let since = pep440_rs::Version::new([2, 4]);
    if version.is_ok_and(|version| version >= since) {
        metadata.all("License-File").collect()
    } else {
        Vec::new()
    }
}
