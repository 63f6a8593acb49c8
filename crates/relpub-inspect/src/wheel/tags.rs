//! WHEEL: the archive's format and the tags, compared with the file name's.

use std::collections::BTreeSet;

use relpub_model::blocker::Code;
use relpub_model::dist::WheelName;

use crate::fault::{Fault, Report, quoted};
use crate::{Limits, metadata};

/// How many tags a wheel may have when they are written out, and how many bytes
/// each of its lines: one line can stand for very many long tags.
const TAGS: usize = 10_000;
const LINE: usize = 1024;

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
    let inside = written_out(wheel.all("Tag"))?;
    if inside != outside {
        let [inside, outside] =
            [inside, outside].map(|tags| quoted(&Vec::from_iter(tags).join(" ")));
        let reason = format!("says tags {inside} in WHEEL, {outside} in its own name");
        report.add(Code::Disagrees, reason);
    }
    let build = wheel.get("Build").map(str::trim);
    if build != name.build.as_deref() {
        let or_none = |build: Option<&str>| build.map_or_else(|| "none".to_owned(), quoted);
        let (inside, outside) = (or_none(build), or_none(name.build.as_deref()));
        let reason = format!("says build {inside} in WHEEL, {outside} in its own name");
        report.add(Code::Disagrees, reason);
    }
    Ok(())
}

/// Writes the tags of WHEEL out; some tools leave them compressed.
fn written_out<'a>(tags: impl Iterator<Item = &'a str>) -> Result<BTreeSet<String>, Fault> {
    let mut out = BTreeSet::new();
    let mut count = 0_usize;
    for tag in tags.map(str::trim) {
        let wrong = || Fault::hostile(format!("has the tag {} in WHEEL", quoted(tag)));
        let fields: Vec<&str> = tag.splitn(4, '-').collect();
        let fields: [&str; 3] = fields.try_into().map_err(|_| wrong())?;
        let fields = fields.map(|field| field.split('.').map(str::to_owned).collect::<Vec<_>>());
        let combinations = fields
            .iter()
            .fold(1, |n: usize, field| n.saturating_mul(field.len()));
        count = count.saturating_add(combinations);
        if count > TAGS || tag.len() > LINE {
            return Err(wrong());
        }
        out.extend(expand(&fields.each_ref()));
    }
    Ok(out)
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
