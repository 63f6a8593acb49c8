//! Checks of source archives.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use flate2::read::GzDecoder;

use super::wheel::missing_licence;
use super::{expect_one_format, invalid, is_tar};
use crate::pypi::metadata::Metadata;
use crate::pypi::refusal::Refusal;

/// Refuses a source archive that is no sound tar archive with its metadata.
///
/// `url` explains what is sound.
pub(in crate::pypi) fn check(
    path: &Path,
    filename: &str,
    metadata: &Metadata,
    url: &str,
) -> Result<(), Refusal> {
    expect_one_format(path)?;
    if !is_tar(path)? {
        return Err(invalid("File is not a tarfile"));
    }
    let names = match names(path) {
        Ok(names) => names,
        Err(Fault::Sparse) => {
            return Err(invalid(format!(
                "tar archive not accepted: Sparse members are not allowed. See {url}/archives for \
                 more information"
            )));
        }
        Err(Fault::Unreadable) => return Err(invalid("File is not a tarfile")),
    };
    let mut tops: BTreeSet<&str> = names.iter().filter_map(|it| it.split('/').next()).collect();
    let (Some(top), None) = (tops.pop_first(), tops.pop_first()) else {
        let why = "Incorrect number of top-level directories in sdist";
        return Err(invalid(why));
    };
    let pkg_info = format!("{top}/PKG-INFO");
    if !names.contains(&pkg_info) {
        return Err(invalid(format!("PKG-INFO not found at {pkg_info}")));
    }
    for file in metadata.all("license_file") {
        let at = format!("{top}/{file}");
        if !names.contains(&at) {
            return Err(missing_licence(file, filename, &at));
        }
    }
    Ok(())
}

enum Fault {
    Sparse,
    Unreadable,
}

impl From<io::Error> for Fault {
    fn from(_: io::Error) -> Self {
        Self::Unreadable
    }
}

/// Returns the names of all members, reading the archive to its end.
fn names(path: &Path) -> Result<BTreeSet<String>, Fault> {
    let input = GzDecoder::new(BufReader::new(File::open(path)?));
    let mut archive = tar::Archive::new(input);
    let mut names = BTreeSet::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_gnu_sparse() || has_sparse_extension(&mut entry) {
            return Err(Fault::Sparse);
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        names.insert(
            name.trim_start_matches("./")
                .trim_end_matches('/')
                .to_owned(),
        );
    }
    Ok(names)
}

fn has_sparse_extension(entry: &mut tar::Entry<'_, impl io::Read>) -> bool {
    let Ok(Some(extensions)) = entry.pax_extensions() else {
        return false;
    };
    let mut extensions = extensions.flatten();
    extensions.any(|it| it.key_bytes().starts_with(b"GNU.sparse"))
}
