//! WHEEL: the archive's format and the tags, compared with the file name's.

use std::collections::BTreeSet;

use relpub_model::blocker::Code;
use relpub_model::dist::WheelName;

use crate::fault::{Fault, Report, quoted};
use crate::{Limits, metadata};

/// How many tags a wheel may have when they are written out.
const TAGS: usize = 10_000;

/// Checks WHEEL against the file name.
pub(super) fn check(
    name: &WheelName,
    bytes: &[u8],
    limits: &Limits,
    report: &mut Report<'_>,
) -> Result<(), Fault> {
    let (wheel, _) = metadata::headers("WHEEL", bytes, limits)?;
    let version = wheel.get("Wheel-Version").unwrap_or_default();
    if version.split('.').next() != Some("1") {
        let reason = format!("has wheel version {}; only 1 is known", quoted(version));
        return Err(Fault::hostile(reason));
    }
    let outside = expand(&[&name.python, &name.abi, &name.platform]);
    let mut inside = BTreeSet::new();
    for tag in wheel.all("Tag") {
        let tag = tag.trim();
        let fields: Vec<Vec<String>> = tag
            .split('-')
            .map(|field| field.split('.').map(str::to_owned).collect())
            .collect();
        let count: usize = fields.iter().map(Vec::len).product();
        if fields.len() != 3 || inside.len().saturating_add(count) > TAGS {
            return Err(Fault::hostile(format!(
                "has the tag {} in WHEEL",
                quoted(tag)
            )));
        }
        inside.extend(expand(&[&fields[0], &fields[1], &fields[2]]));
    }
    if inside != outside {
        let list = |tags: &BTreeSet<String>| {
            quoted(
                &tags
                    .iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .join(" "),
            )
        };
        let reason = format!(
            "says tags {} in WHEEL, {} in its own name",
            list(&inside),
            list(&outside)
        );
        report.add(Code::Disagrees, reason);
    }
    let build = wheel.get("Build").map(str::trim);
    if build != name.build.as_deref() {
        let or_none = |build: Option<&str>| build.map_or_else(|| "none".to_owned(), quoted);
        let reason = format!(
            "says build {} in WHEEL, {} in its own name",
            or_none(build),
            or_none(name.build.as_deref())
        );
        report.add(Code::Disagrees, reason);
    }
    Ok(())
}

/// Writes a compressed tag set out.
fn expand(fields: &[&Vec<String>; 3]) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for python in fields[0] {
        for abi in fields[1] {
            out.extend(
                fields[2]
                    .iter()
                    .map(|platform| format!("{python}-{abi}-{platform}")),
            );
        }
    }
    out
}
