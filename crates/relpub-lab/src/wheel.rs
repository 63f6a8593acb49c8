//! Makes a small valid wheel under a name that belongs to a large one.

use std::io::{Cursor, Write as _};

use anyhow::{Context as _, Result};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::project::Wheel;

/// Returns a wheel with this one's name, version and tags, and next to nothing in it.
pub(crate) fn other_bytes(wheel: &Wheel) -> Result<Vec<u8>> {
    let parts: Vec<&str> = wheel.file.trim_end_matches(".whl").split('-').collect();
    let [stem, version, python, abi, platforms] = parts[..] else {
        anyhow::bail!(
            "{} is not the name of a wheel without a build tag",
            wheel.file
        );
    };
    let info = format!("{stem}-{version}.dist-info");
    let platforms = platforms.split('.');
    let tags: Vec<_> = platforms
        .map(|platform| format!("Tag: {python}-{abi}-{platform}"))
        .collect();
    let tags = tags.join("\n");
    let files = [
        (
            format!("{stem}/__init__.py"),
            "# Not what was released.\n".to_owned(),
        ),
        (
            format!("{info}/METADATA"),
            format!(
                "Metadata-Version: 2.1\nName: {}\nVersion: {version}\n",
                wheel.project
            ),
        ),
        (
            format!("{info}/WHEEL"),
            format!("Wheel-Version: 1.0\nGenerator: relpub-lab\nRoot-Is-Purelib: false\n{tags}\n"),
        ),
    ];
    let record = record(files.iter().map(|(name, _)| name.as_str()), &info);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files.iter().chain([&(format!("{info}/RECORD"), record)]) {
        archive.start_file(name, SimpleFileOptions::default())?;
        archive.write_all(text.as_bytes())?;
    }
    let archive = archive.finish().context("could not write a wheel")?;
    Ok(archive.into_inner())
}

/// Returns the list of all files, without their digests, which it may leave out.
fn record<'a>(names: impl Iterator<Item = &'a str>, info: &str) -> String {
    let lines = names.map(|name| format!("{name},,\n"));
    let own = format!("{info}/RECORD,,\n");
    lines.chain([own]).collect()
}
