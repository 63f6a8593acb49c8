//! Describes what an artifact is made of, as a CycloneDX 1.6 document (SBOM).
//!
//! What is listed is what can be seen of finished bytes: what a distribution
//! declares, SBOMs that its builder put inside (PEP 770), machine code with its
//! digests, and the crates and Go modules that machine code tells of. A list of
//! that kind can never claim to be complete, and says so.
//!
//! **Invariants.** The same bytes give the same document, byte for byte, from the
//! same version of relpub. Memory does not grow with the artifact: programs are
//! streamed, and of a program only tables of sections and the two sections that
//! matter are held.
//!
//! Properties begin with `relpub:`; those of the BSI's guideline TR-03183-2 with
//! `bsi:`.

mod auditable;
mod binary;
mod cyclonedx;
mod go;
mod harvest;
mod licence;
mod members;
mod parts;
mod purl;
mod python;
mod sections;

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};

use aws_lc_rs::digest::{Context, SHA256, SHA512};
use serde_json::Map;

use relpub_model::blocker::{Blocker, Code};
use relpub_model::config;
use relpub_model::digest::Sha256;
use relpub_model::findings::Facts;

use crate::fault::{Fault, Report};
use crate::{Expected, Limits, Source, Subject, identify};
use parts::{Kind, Part, Parts};

/// What an artifact is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sbom {
    /// The CycloneDX 1.6 document, in JSON.
    pub json: Vec<u8>,
    /// How many components it lists, besides the artifact itself.
    pub components: usize,
    /// How many of them are of each kind: a purl's type such as `cargo`, or `file`.
    pub kinds: BTreeMap<String, usize>,
    /// Why it lists none, as the end of a sentence that begins with the file's
    /// name; `None` when it lists some.
    pub empty_because: Option<String>,
}

/// Describes an artifact whose [`Facts`] are known, which is to say one that
/// [`inspect`](crate::inspect) could read.
///
/// Reads all of `reader`, more than once. Blocks, so it is run where blocking is
/// allowed.
///
/// # Errors
///
/// Returns what speaks against the artifact if it cannot be read, or lists more
/// than [`Limits`] allow. An odd program or document inside is no error: it is
/// listed, with a property that says why it was not looked into.
pub fn of(
    subject: &Subject<'_>,
    facts: &Facts,
    reader: &mut (impl Read + Seek),
    limits: &Limits,
) -> Result<Sbom, Blocker> {
    describe(subject, facts, reader, limits).map_err(|fault| {
        let mut report = Report::new(subject);
        report.fault(fault);
        let unknown = || Blocker::new(Code::Unknown, subject.name.as_str(), "cannot be described");
        report.blockers.pop().unwrap_or_else(unknown)
    })
}

/// Returns how many components there are and of which kinds, or why there are
/// none, as the end of a sentence that begins with the file's name.
pub fn summary(sbom: &Sbom) -> String {
    if let Some(why) = &sbom.empty_because {
        return format!("has no components: it {why}");
    }
    let kinds: Vec<_> = sbom
        .kinds
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    let plural = if sbom.components == 1 { "" } else { "s" };
    format!(
        "has {} component{plural}: {}",
        sbom.components,
        kinds.join(", ")
    )
}

fn describe(
    subject: &Subject<'_>,
    facts: &Facts,
    reader: &mut dyn Source,
    limits: &Limits,
) -> Result<Sbom, Fault> {
    let digests = Digests::of(reader)?;
    let mut root = root(subject, facts, &digests);
    let reference = root.purl.clone().unwrap_or_else(|| root.name.clone());
    let mut parts = Parts::new(reference, limits);
    let why_empty = fill(&mut parts, subject, facts, reader, limits)?;

    root.properties.append(&mut parts.notes.properties);
    let components = parts.all.len();
    let empty_because = (components == 0).then_some(why_empty);
    let described = match facts {
        Facts::Distribution(distribution) => python::described(&distribution.metadata),
        _ => Map::new(),
    };
    let kinds = kinds(&parts);
    let document = cyclonedx::Document {
        root,
        sha256: digests.sha256,
        described,
        parts,
        empty_because: empty_because.as_deref(),
    };
    Ok(Sbom {
        json: document.write(),
        components,
        kinds,
        empty_because,
    })
}

/// Adds everything that can be found, and returns why there is nothing if there
/// is nothing.
fn fill(
    parts: &mut Parts<'_>,
    subject: &Subject<'_>,
    facts: &Facts,
    reader: &mut dyn Source,
    limits: &Limits,
) -> Result<String, Fault> {
    let size = subject.size;
    Ok(match facts {
        Facts::Distribution(distribution) => {
            python::declared(parts, distribution)?;
            if distribution.name.is_wheel() {
                members::of_zip(parts, reader, size, Some(distribution), limits)?;
                "declares no dependencies, and has no machine code and no SBOM inside".to_owned()
            } else {
                members::of_tar(parts, reader, size, true, limits)?;
                "declares no dependencies and has no machine code inside".to_owned()
            }
        }
        Facts::Archive { format, .. } => {
            let found = match *format {
                "zip" => members::of_zip(parts, reader, size, None, limits)?,
                "tar" => members::of_tar(parts, reader, size, false, limits)?,
                "tar.gz" => members::of_tar(parts, reader, size, true, limits)?,
                other => {
                    return Ok(format!(
                        "is in the format {other}, which this version does not look into"
                    ));
                }
            };
            format!("has no machine code among its {} files", found.files)
        }
        Facts::Program(program) => {
            let why = format!("is {program}, and names no crates and no Go modules");
            // An object in a static library is not the library.
            let found = identify::identify_dyn(reader, limits)?;
            if matches!(found, crate::Identified::Program(_)) {
                members::of_program(parts, reader, program.clone(), subject.name.as_str())?;
            }
            why
        }
        Facts::Other => {
            let found = identify::identify_dyn(reader, limits)?;
            format!("is {found}, which names no components")
        }
    })
}

/// Returns the component that is the artifact itself.
fn root(subject: &Subject<'_>, facts: &Facts, digests: &Digests) -> Part {
    let file = subject.name.as_str();
    let tag = match subject.version {
        Expected::Tag(version) => Some(version.to_string()),
        Expected::Any => None,
    };
    let mut root = if let Facts::Distribution(distribution) = facts {
        let mut package = python::package(distribution);
        let version = package.version.as_deref();
        package.purl = Some(purl::pypi(&package.name, version, Some(file)));
        package
    } else {
        let mut part = Part::named(kind(subject, facts), file);
        let sha256 = digests.sha256.to_string();
        part.purl = Some(purl::generic(file, tag.as_deref(), &sha256));
        part.version = tag;
        part
    };
    let (sha256, sha512) = (digests.sha256.to_string(), digests.sha512.clone());
    root.hashes.insert("SHA-256".to_owned(), sha256);
    root.hashes.insert("SHA-512".to_owned(), sha512);
    bsi(&mut root, file, facts);
    root
}

/// Returns what an artifact that is no distribution is to CycloneDX.
fn kind(subject: &Subject<'_>, facts: &Facts) -> Kind {
    match facts {
        Facts::Program(_) if subject.kind == config::Kind::Library => Kind::Library,
        Facts::Program(_) => Kind::Application,
        _ => Kind::File,
    }
}

/// Adds what TR-03183-2 asks for and CycloneDX has no field for.
fn bsi(root: &mut Part, file: &str, facts: &Facts) {
    let archive = matches!(facts, Facts::Distribution(_) | Facts::Archive { .. });
    let executable = matches!(facts, Facts::Program(_));
    let either = |is: bool, yes: &str, no: &str| if is { yes } else { no }.to_owned();
    root.note("bsi:component:filename", file);
    let archive_text = either(archive, "archive", "no archive");
    root.note("bsi:component:archive", archive_text);
    let executable = either(executable, "executable", "non-executable");
    root.note("bsi:component:executable", executable);
    let structured = either(archive, "structured", "unstructured");
    root.note("bsi:component:structured", structured);
}

/// Counts the components by the type of their purl.
fn kinds(parts: &Parts<'_>) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for part in parts.all.values() {
        let purl = part.purl.as_deref().unwrap_or_default();
        let kind = purl
            .strip_prefix("pkg:")
            .and_then(|it| it.split('/').next());
        let kind = match kind {
            Some(kind) => kind,
            None if part.properties.iter().any(|it| it.1 == "cargo-auditable") => "cargo",
            None if part.properties.iter().any(|it| it.1 == "machine-code") => "file",
            None => "other",
        };
        *kinds.entry(kind.to_owned()).or_default() += 1;
    }
    kinds
}

/// The digests of an artifact.
struct Digests {
    sha256: Sha256,
    sha512: String,
}

impl Digests {
    fn of(reader: &mut dyn Source) -> Result<Self, Fault> {
        let (mut short, mut long) = (Context::new(&SHA256), Context::new(&SHA512));
        for_each_piece(reader, &mut |bytes| {
            short.update(bytes);
            long.update(bytes);
        })?;
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(short.finish().as_ref());
        let sha512 = long.finish();
        let sha512 = sha512.as_ref().iter().map(|byte| format!("{byte:02x}"));
        Ok(Self {
            sha256: Sha256::from_bytes(sha256),
            sha512: sha512.collect(),
        })
    }
}

/// Hands over a whole file, piece by piece.
fn for_each_piece(reader: &mut dyn Source, sink: &mut dyn FnMut(&[u8])) -> Result<(), Fault> {
    let mut buffer = vec![0; 64 << 10];
    reader.seek(SeekFrom::Start(0))?;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => sink(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests;
