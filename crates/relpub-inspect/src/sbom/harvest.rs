//! SBOMs that a wheel carries inside (PEP 770).
//!
//! The builder made them, and knows more than can be seen of the result: so what
//! CycloneDX documents list is taken over. Other formats are named with their
//! digest. A document that cannot be read is no reason to refuse the wheel.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use relpub_model::digest::Sha256;

use crate::Limits;
use crate::fault::Fault;

use super::licence::Licences;
use super::parts::{Carried, Kind, Part, Parts, Scope, property};
use super::purl;

/// A document's bytes, or only their digest when there are too many of them.
pub(super) struct Content {
    pub(super) sha256: Sha256,
    pub(super) bytes: Option<Vec<u8>>,
}

/// Takes over what the document at `path` lists; `project` is the wheel's own.
pub(super) fn document(
    parts: &mut Parts<'_>,
    path: &str,
    content: &Content,
    project: &str,
    limits: &Limits,
) -> Result<(), Fault> {
    let comment = match &content.bytes {
        None => format!("has more than {} bytes; not read", limits.sbom),
        Some(bytes) => match serde_json::from_slice::<Value>(bytes) {
            Err(_) => "is no JSON; not read".to_owned(),
            Ok(json) => match Format::of(&json) {
                Format::CycloneDx(version) => {
                    Document::new(path, &json).take_over(parts, project)?;
                    format!("CycloneDX {version}; what it lists is listed here")
                }
                Format::Other(name) => format!("{name}; what it lists is not listed here"),
            },
        },
    };
    parts.carried.insert(Carried {
        path: path.to_owned(),
        sha256: content.sha256.to_string(),
        comment,
    });
    Ok(())
}

enum Format {
    CycloneDx(&'static str),
    Other(String),
}

impl Format {
    fn of(json: &Value) -> Self {
        let text = |key: &str| json.get(key).and_then(Value::as_str);
        if text("bomFormat") == Some("CycloneDX") {
            let said = text("specVersion").unwrap_or_default();
            return match VERSIONS.iter().find(|version| **version == said) {
                Some(version) => Self::CycloneDx(version),
                None => Self::Other("CycloneDX of an unknown version".to_owned()),
            };
        }
        let spdx = text("spdxVersion").filter(|it| it.len() < 20 && it.starts_with("SPDX-"));
        match (spdx, text("@context")) {
            (Some(version), _) => Self::Other(version.replace('-', " ")),
            (None, Some(context)) if context.contains("spdx.org") => {
                Self::Other("SPDX 3".to_owned())
            }
            _ => Self::Other("of an unknown format".to_owned()),
        }
    }
}

const VERSIONS: [&str; 6] = ["1.2", "1.3", "1.4", "1.5", "1.6", "1.7"];

/// How deep components may lie in components.
const DEPTH: usize = 8;

/// Bytes of a name, a version or a reference that are believable.
const LONGEST: usize = 1024;

/// A CycloneDX document that somebody else wrote.
struct Document<'a> {
    path: &'a str,
    json: &'a Value,
    /// Our references, by the document's.
    references: BTreeMap<&'a str, String>,
    /// Our references of all its components.
    own: BTreeSet<String>,
}

impl<'a> Document<'a> {
    fn new(path: &'a str, json: &'a Value) -> Self {
        Self {
            path,
            json,
            references: BTreeMap::new(),
            own: BTreeSet::new(),
        }
    }

    fn take_over(mut self, parts: &mut Parts<'_>, project: &str) -> Result<(), Fault> {
        if let Some(primary) = self.json.pointer("/metadata/component") {
            if is_project(primary, project) {
                if let Some(reference) = text(primary, "bom-ref") {
                    self.references.insert(reference, parts.root.clone());
                }
            } else {
                self.add(parts, primary)?;
            }
        }
        self.add_all(parts, self.json, DEPTH)?;
        let needed = self.add_edges(parts)?;
        // What nothing in the document needs, the wheel does.
        let root = parts.root.clone();
        for reference in self.own.difference(&needed) {
            parts.needs(&root, reference)?;
        }
        Ok(())
    }

    /// Adds the components of a document or of a component.
    fn add_all(&mut self, parts: &mut Parts<'_>, of: &'a Value, depth: usize) -> Result<(), Fault> {
        let Some(depth) = depth.checked_sub(1) else {
            return Ok(());
        };
        for component in list(of, "components") {
            self.add(parts, component)?;
            self.add_all(parts, component, depth)?;
        }
        Ok(())
    }

    fn add(&mut self, parts: &mut Parts<'_>, component: &'a Value) -> Result<(), Fault> {
        let Some(mut part) = part(component) else {
            return Ok(());
        };
        part.found_in.insert(self.path.to_owned());
        let theirs = text(component, "bom-ref");
        let ours = match (&part.purl, theirs) {
            (Some(purl), _) => purl.clone(),
            (None, Some(theirs)) => format!("{}:{theirs}", parts.file(self.path)),
            (None, None) => format!(
                "{}:{}@{}",
                parts.file(self.path),
                part.name,
                part.version.as_deref().unwrap_or_default()
            ),
        };
        if let Some(theirs) = theirs {
            self.references.insert(theirs, ours.clone());
        }
        parts.add(&ours, part)?;
        self.own.insert(ours);
        Ok(())
    }

    /// Takes over who needs whom, and returns all that something needs.
    fn add_edges(&self, parts: &mut Parts<'_>) -> Result<BTreeSet<String>, Fault> {
        let mut needed = BTreeSet::new();
        for dependency in list(self.json, "dependencies") {
            let from = text(dependency, "ref").and_then(|it| self.references.get(it));
            let Some(from) = from else {
                continue;
            };
            parts.knows_needs_of(from);
            let targets = list(dependency, "dependsOn").iter();
            for to in targets.filter_map(|it| self.references.get(it.as_str()?)) {
                parts.needs(from, to)?;
                if from != to {
                    needed.insert(to.clone());
                }
            }
        }
        Ok(needed)
    }
}

/// Tells whether a component is the wheel's own project.
fn is_project(component: &Value, project: &str) -> bool {
    let own = purl::pypi(project, None, None);
    let rest = text(component, "purl").and_then(|purl| {
        let purl = purl.to_ascii_lowercase().replace(['_', '.'], "-");
        let own = own.replace(['_', '.'], "-");
        purl.strip_prefix(&own).map(str::to_owned)
    });
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['@', '?', '#']))
}

/// Reads one component; `None` when it has no believable name.
fn part(component: &Value) -> Option<Part> {
    let name = text(component, "name").filter(|name| !name.is_empty())?;
    let mut part = Part::named(kind(text(component, "type")), name);
    part.group = text(component, "group")
        .filter(|it| !it.is_empty())
        .map(str::to_owned);
    part.version = text(component, "version")
        .filter(|it| !it.is_empty())
        .map(str::to_owned);
    part.purl = text(component, "purl")
        .filter(|purl| purl.starts_with("pkg:") && purl.bytes().all(|b| b.is_ascii_graphic()))
        .map(str::to_owned);
    part.scope = match text(component, "scope") {
        Some("optional") => Some(Scope::Optional),
        Some("excluded") => Some(Scope::Excluded),
        _ => None,
    };
    part.hashes = list(component, "hashes").iter().filter_map(hash).collect();
    let licences = component.get("licenses").unwrap_or(&Value::Null);
    part.licences = Licences::of_cyclonedx(licences);
    part.note(property::FOUND_BY, "embedded-sbom");
    Some(part)
}

fn kind(said: Option<&str>) -> Kind {
    const OTHERS: [&str; 10] = [
        "container",
        "cryptographic-asset",
        "data",
        "device",
        "device-driver",
        "firmware",
        "framework",
        "machine-learning-model",
        "operating-system",
        "platform",
    ];
    match said {
        Some("application") => Kind::Application,
        Some("file") => Kind::File,
        Some(said) => OTHERS
            .iter()
            .find(|other| **other == said)
            .map_or(Kind::Library, |other| Kind::Other(other)),
        None => Kind::Library,
    }
}

/// Reads a digest of an algorithm that CycloneDX 1.6 knows.
fn hash(hash: &Value) -> Option<(String, String)> {
    let algorithm = text(hash, "alg")?;
    let content = text(hash, "content")?.to_ascii_lowercase();
    let digits = match algorithm {
        "MD5" => 32,
        "SHA-1" => 40,
        "SHA-256" | "SHA3-256" | "BLAKE2b-256" | "BLAKE3" => 64,
        "SHA-384" | "SHA3-384" | "BLAKE2b-384" => 96,
        "SHA-512" | "SHA3-512" | "BLAKE2b-512" => 128,
        _ => return None,
    };
    let valid = content.len() == digits && content.bytes().all(|b| b.is_ascii_hexdigit());
    valid.then(|| (algorithm.to_owned(), content))
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    let text = value.get(key)?.as_str()?;
    (text.len() <= LONGEST).then_some(text)
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
