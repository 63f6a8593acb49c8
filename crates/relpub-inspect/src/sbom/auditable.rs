//! The list of crates that `cargo auditable` puts into a program.
//!
//! A section `.dep-v0` of zlib-compressed JSON. Which crates it lists depends on
//! its format (0, 1 or 8), how it is read does not.

use std::io::Read as _;

use flate2::bufread::ZlibDecoder;
use serde::Deserialize;

use crate::fault::Fault;

use super::parts::{Kind, Part, Parts, Scope, property};
use super::purl;

pub(super) const SECTION: &[u8] = b".dep-v0";

/// Bytes of a section, compressed and not.
pub(super) const LIMIT: u64 = 8 << 20;

/// The list, as far as it is used.
#[derive(Debug, Deserialize)]
pub(super) struct List {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    version: String,
    /// `crates.io`, `git`, `local`, `registry`, or what is still to come.
    source: String,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    dependencies: Vec<usize>,
    #[serde(default)]
    root: bool,
}

/// Reads a section.
pub(super) fn parse(section: &[u8]) -> Result<List, &'static str> {
    let mut json = Vec::new();
    let inflated = ZlibDecoder::new(section)
        .take(LIMIT + 1)
        .read_to_end(&mut json);
    inflated.map_err(|_| "its list of crates is damaged")?;
    if json.len() as u64 > LIMIT {
        return Err("its list of crates is too large");
    }
    let list: List =
        serde_json::from_slice(&json).map_err(|_| "its list of crates is malformed")?;
    let count = list.packages.len();
    let mut needs = list.packages.iter().flat_map(|it| &it.dependencies);
    if needs.any(|index| *index >= count) {
        return Err("its list of crates names one that is not in it");
    }
    if list.packages.iter().filter(|package| package.root).count() != 1 {
        return Err("its list of crates has not one root");
    }
    Ok(list)
}

/// Adds the crates that the program `owner` is made of.
pub(super) fn add(
    parts: &mut Parts<'_>,
    list: &List,
    owner: &str,
    path: &str,
) -> Result<(), Fault> {
    let references: Vec<String> = list.packages.iter().map(Package::reference).collect();
    for (package, reference) in list.packages.iter().zip(&references) {
        parts.add(reference, package.part(path))?;
        parts.knows_needs_of(reference);
        for index in &package.dependencies {
            parts.needs(reference, &references[*index])?;
        }
        if package.root {
            parts.needs(owner, reference)?;
        }
    }
    Ok(())
}

impl Package {
    /// Tells whether the name and version are those of a crate on crates.io.
    fn is_public(&self) -> bool {
        self.source == "crates.io"
    }

    fn reference(&self) -> String {
        if self.is_public() {
            purl::cargo(&self.name, &self.version)
        } else {
            format!("cargo:{}:{}@{}", self.source, self.name, self.version)
        }
    }

    fn part(&self, path: &str) -> Part {
        let mut part = Part::named(Kind::Library, &self.name);
        part.version = Some(self.version.clone());
        if self.is_public() {
            part.purl = Some(self.reference());
        } else {
            part.note(property::CRATE_SOURCE, &self.source);
        }
        // What only ran while it was built is not in the program.
        let build = self.kind.as_deref() == Some("build");
        part.scope = Some(if build {
            Scope::Excluded
        } else {
            Scope::Required
        });
        part.note(property::FOUND_BY, "cargo-auditable");
        part.found_in.insert(path.to_owned());
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::zlib;

    #[test]
    fn a_list_that_does_not_hold_together_is_refused() {
        let refusal = |json: &str| parse(&zlib(json.as_bytes())).unwrap_err();
        let root = r#"{"name":"a","version":"1.0.0","source":"local","root":true"#;
        assert_eq!(
            refusal(&format!(r#"{{"packages":[{root},"dependencies":[1]}}]}}"#)),
            "its list of crates names one that is not in it"
        );
        assert_eq!(
            refusal(&format!(r#"{{"packages":[{root}}},{root}}}]}}"#)),
            "its list of crates has not one root"
        );
        assert_eq!(refusal("{}"), "its list of crates is malformed");
        assert_eq!(
            parse(b"no zlib").unwrap_err(),
            "its list of crates is damaged"
        );
        let bomb = " ".repeat(9 << 20);
        assert_eq!(refusal(&bomb), "its list of crates is too large");
    }
}
