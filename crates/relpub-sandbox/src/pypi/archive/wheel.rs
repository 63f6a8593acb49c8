//! Checks of wheels.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use zip::ZipArchive;

use super::{expect_one_format, framing, invalid, is_zip};
use crate::pypi::metadata::Metadata;
use crate::pypi::names::WheelName;
use crate::pypi::refusal::Refusal;

/// How large an archive may become when decompressed, whatever its ratio.
const FREE: u64 = 64 * 1024 * 1024;
/// How much larger than the file more than that may be.
const RATIO: u64 = 50;
/// How much of a small file inside a wheel is read, in bytes.
const SMALL: u64 = 16 * 1024 * 1024;

/// Refuses a file that is no sound zip archive; `url` explains what that is.
pub(in crate::pypi) fn check_archive(path: &Path, url: &str) -> Result<(), Refusal> {
    expect_one_format(path)?;
    if !is_zip(path)? {
        return Err(invalid("File is not a zipfile"));
    }
    let entries = framing::check(path).map_err(|why| {
        invalid(format!(
            "ZIP archive not accepted: {why}. See {url}/archives for more information"
        ))
    })?;
    let total = entries
        .values()
        .fold(0, |sum: u64, it| sum.saturating_add(it.size));
    if total > FREE && total / RATIO > path.metadata()?.len() {
        return Err(invalid("File exceeds compression ratio of 50"));
    }
    if entries.values().any(|entry| !matches!(entry.method, 0 | 8)) {
        let why = "File does not use a supported compression type";
        return Err(invalid(why));
    }
    Ok(())
}

/// Refuses a wheel that lacks what every wheel has; returns its metadata file.
pub(in crate::pypi) fn check_content(
    path: &Path,
    filename: &str,
    name: &WheelName,
    metadata: &Metadata,
) -> Result<Vec<u8>, Refusal> {
    let info = name.dist_info();
    let mut wheel = Wheel::open(path).ok_or_else(|| invalid("File is not a zipfile"))?;
    if !wheel.has(&format!("{info}/WHEEL")) {
        return Err(invalid(format!("WHEEL not found at {info}/WHEEL")));
    }
    let required = |file: &str| {
        Refusal::bad(format!(
            "Wheel '{filename}' does not contain the required {file} file: {info}/{file}"
        ))
    };
    let content = wheel.read(&format!("{info}/METADATA"));
    let content = content.ok_or_else(|| required("METADATA"))?;
    for file in metadata.all("license_file") {
        let at = format!("{info}/licenses/{file}");
        if !wheel.has(&at) {
            return Err(missing_licence(file, filename, &at));
        }
    }
    let record = wheel.read(&format!("{info}/RECORD"));
    if record.is_none_or(|it| std::str::from_utf8(&it).is_err()) {
        return Err(required("RECORD"));
    }
    let points = wheel.read(&format!("{info}/entry_points.txt"));
    if !points.is_none_or(|it| are_entry_points(&it)) {
        return Err(Refusal::bad(format!(
            "Wheel '{filename}' has invalid entry points defined in the entry_points.txt file"
        )));
    }
    Ok(content)
}

/// Returns the metadata file of a wheel, if that is what the file is.
pub(in crate::pypi) fn metadata_of(path: &Path, filename: &str) -> Option<Vec<u8>> {
    let name = WheelName::parse(filename).ok()?;
    Wheel::open(path)?.read(&format!("{}/METADATA", name.dist_info()))
}

/// Returns the refusal of a licence file that is declared and not there.
pub(super) fn missing_licence(file: &str, filename: &str, at: &str) -> Refusal {
    Refusal::bad(format!(
        "License-File {file} does not exist in distribution file {filename} at {at}"
    ))
}

struct Wheel {
    archive: ZipArchive<File>,
}

impl Wheel {
    fn open(path: &Path) -> Option<Self> {
        let archive = ZipArchive::new(File::open(path).ok()?).ok()?;
        Some(Self { archive })
    }

    fn has(&self, name: &str) -> bool {
        self.archive.index_for_name(name).is_some()
    }

    fn read(&mut self, name: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let entry = self.archive.by_name(name).ok()?;
        entry.take(SMALL).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }
}

/// Returns whether a file of entry points can be read and names good scripts.
fn are_entry_points(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
    let mut section = None;
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            section = Some(name.to_owned());
            continue;
        }
        let (Some(section), Some((name, _))) = (&section, line.split_once('=')) else {
            return false;
        };
        let name = name.trim_end();
        let script = matches!(section.as_str(), "console_scripts" | "gui_scripts");
        if script && (name.is_empty() || !name.chars().all(word)) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_points_are_sections_of_names() {
        let good = b"# tools\n[console_scripts]\nmy-tool = a.b:main\n\n[x.y]\nanything at all = c";
        assert!(are_entry_points(good));
        assert!(are_entry_points(b""));
        assert!(!are_entry_points(b"tool = a"));
        assert!(!are_entry_points(b"[console_scripts]\nmy tool = a"));
        assert!(!are_entry_points(b"[gui_scripts]\ntool"));
        assert!(!are_entry_points(b"\xff"));
    }
}
