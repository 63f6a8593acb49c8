//! Checks of wheels.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use zip::ZipArchive;

use crate::pypi::metadata::Metadata;
use crate::pypi::names::WheelName;
use crate::pypi::refusal::Refusal;

pub(in crate::pypi) fn check_archive(_: &Path, _: &str) -> Result<(), Refusal> {
    Ok(())
}

pub(in crate::pypi) fn check_content(
    path: &Path,
    filename: &str,
    name: &WheelName,
    _: &Metadata,
) -> Result<Vec<u8>, Refusal> {
    metadata_of(path, filename).ok_or_else(|| {
        Refusal::bad(format!(
            "Wheel '{filename}' does not contain the required METADATA file: {}/METADATA",
            name.dist_info()
        ))
    })
}

/// Returns the metadata file of a wheel, if that is what the file is.
pub(in crate::pypi) fn metadata_of(path: &Path, filename: &str) -> Option<Vec<u8>> {
    let name = WheelName::parse(filename).ok()?;
    let mut archive = ZipArchive::new(File::open(path).ok()?).ok()?;
    let entry = archive
        .by_name(&format!("{}/METADATA", name.dist_info()))
        .ok()?;
    let mut bytes = Vec::new();
    entry.take(16 << 20).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
