//! `relpub sbom`: what files are made of, as CycloneDX documents.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use relpub::inspect::{Limits, sbom};
use relpub_model::blocker::{Blocker, Code, exit_of};
use relpub_model::{Exit, Sha256};
use serde::Serialize;

use super::inspect::screen;
use super::local::Looked;
use crate::app::{App, shown};
use crate::args::SbomArgs;
use crate::console;
use crate::explain::Error;
use crate::render::human;

/// What is said of one file, as a document.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Entry {
    file: String,
    /// Where its document was written.
    document: String,
    /// The digest of the document.
    sha256: Sha256,
    components: usize,
    kinds: BTreeMap<String, usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    empty_because: Option<String>,
}

/// Describes every file: one to standard output, or each to a file of its own.
/// What cannot be described is a rejection, and then nothing is written.
pub(super) fn run(app: &App, args: &SbomArgs) -> Result<Exit, Error> {
    if args.output.is_none() && args.files.len() > 1 {
        let why =
            "several documents do not fit one output; name a folder for them with --output DIR";
        return Err(Error::Usage(why.to_owned()));
    }
    refuse_twins(&args.files)?;
    let mut described = Vec::new();
    let mut against = Vec::new();
    for path in &args.files {
        let mut looked = Looked::at(app, path)?;
        match describe(&mut looked) {
            Ok(sbom) => described.push((looked, sbom)),
            Err(blockers) => {
                looked.inspection.blockers = blockers;
                app.console.note(&screen(&looked, app.console.width()));
                against.append(&mut looked.inspection.blockers);
            }
        }
    }
    if !against.is_empty() {
        return Ok(exit_of(&against));
    }
    match &args.output {
        Some(folder) => write(app, folder, &described)?,
        None => {
            for (looked, sbom) in &described {
                app.console.note(&summary(looked, sbom));
                console::raw(&String::from_utf8_lossy(&sbom.json));
            }
        }
    }
    Ok(Exit::Done)
}

/// Documents are named after their files, so that no two files may have one name.
fn refuse_twins(files: &[PathBuf]) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    match files.iter().find(|file| !seen.insert(file.file_name())) {
        None => Ok(()),
        Some(twin) => Err(Error::Usage(format!(
            "{} has the name of another file, and so would its document; describe them one by one",
            shown(twin)
        ))),
    }
}

fn describe(looked: &mut Looked) -> Result<sbom::Sbom, Vec<Blocker>> {
    let blockers = std::mem::take(&mut looked.inspection.blockers);
    let Some(facts) = looked
        .inspection
        .facts
        .as_ref()
        .filter(|_| blockers.is_empty())
    else {
        return Err(if blockers.is_empty() {
            vec![Blocker::new(
                Code::Unknown,
                looked.name.as_str(),
                "cannot be described",
            )]
        } else {
            blockers
        });
    };
    let mut reader = BufReader::new(&looked.file);
    let sbom = sbom::of(&looked.subject(), facts, &mut reader, &Limits::default());
    sbom.map_err(|blocker| vec![blocker])
}

fn write(app: &App, folder: &Path, described: &[(Looked, sbom::Sbom)]) -> Result<(), Error> {
    let at = app.path(folder);
    std::fs::create_dir_all(&at).map_err(|error| Error::writing(&at, error))?;
    let mut entries = Vec::new();
    for (looked, sbom) in described {
        let name: PathBuf = format!("{}.cdx.json", looked.name).into();
        let path = at.join(&name);
        std::fs::write(&path, &sbom.json).map_err(|error| Error::writing(&path, error))?;
        app.console.screen(&summary(looked, sbom));
        entries.push(Entry {
            file: looked.name.to_string(),
            document: shown(&folder.join(name)),
            sha256: Sha256::of(&sbom.json),
            components: sbom.components,
            kinds: sbom.kinds.clone(),
            empty_because: sbom.empty_because.clone(),
        });
    }
    app.console.document(&entries);
    Ok(())
}

fn summary(looked: &Looked, sbom: &sbom::Sbom) -> String {
    let text = format!("{} {}", looked.name, sbom::summary(sbom));
    format!("{}\n", human::plain(&text))
}
