//! `relpub inspect`: what files really are, and what speaks against them.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use relpub::inspect::{self, Expected, Identified, Inspection, Limits, Subject};
use relpub_model::Exit;
use relpub_model::blocker::Blocker;
use relpub_model::config::Kind;
use relpub_model::dist::DistName;
use relpub_model::name::{FileName, SourcePath};
use serde::Serialize;

use crate::app::App;
use crate::explain::Error;
use crate::render::human;

/// What is said of one file, as a document.
#[derive(Serialize)]
struct Entry<'a> {
    file: String,
    size: u64,
    is: String,
    problems: &'a [Blocker],
}

/// The extensions of archives.
const ARCHIVES: [&str; 8] = [
    ".tar.gz", ".tgz", ".tar.xz", ".tar.zst", ".tar.bz2", ".tar", ".zip", ".jar",
];

/// Inspects every file; a problem in any of them is a rejection.
pub(super) fn run(app: &App, files: &[PathBuf]) -> Result<Exit, Error> {
    let looked: Vec<Looked> = files
        .iter()
        .map(|file| look(app, file))
        .collect::<Result<_, _>>()?;
    let width = app.console.width();
    let screens: Vec<String> = looked.iter().map(|it| it.screen(width)).collect();
    app.console.screen(&screens.join("\n"));
    let entries: Vec<Entry<'_>> = looked.iter().map(Looked::entry).collect();
    app.console.document(&entries);
    let fine = looked.iter().all(|it| it.inspection.blockers.is_empty());
    Ok(if fine { Exit::Done } else { Exit::Rejected })
}

/// A file that was looked at.
struct Looked {
    name: FileName,
    size: u64,
    identified: Identified,
    inspection: Inspection,
}

impl Looked {
    fn screen(&self, width: usize) -> String {
        let Self {
            name,
            size,
            identified,
            inspection,
        } = self;
        human::inspect(name.as_str(), *size, identified, inspection, width)
    }

    fn entry(&self) -> Entry<'_> {
        Entry {
            file: self.name.to_string(),
            size: self.size,
            is: self.identified.to_string(),
            problems: &self.inspection.blockers,
        }
    }
}

fn look(app: &App, path: &Path) -> Result<Looked, Error> {
    let full = app.path(path);
    let reading = |error| Error::reading(&full, error);
    let mut file = File::open(&full).map_err(reading)?;
    let size = file.metadata().map_err(reading)?.len();
    let text = path.file_name().unwrap_or_default().to_string_lossy();
    let name: FileName = text
        .parse()
        .map_err(|error| Error::Usage(format!("{error}")))?;
    let limits = Limits::default();
    let identified = inspect::identify(&mut file, &limits).map_err(reading)?;
    let inspection = judge(&name, size, &identified, &mut file, &limits);
    Ok(Looked {
        name,
        size,
        identified,
        inspection,
    })
}

fn judge(
    name: &FileName,
    size: u64,
    identified: &Identified,
    file: &mut (impl Read + Seek),
    limits: &Limits,
) -> Inspection {
    let path: SourcePath = name
        .as_str()
        .parse()
        .expect("a file's name is a path of one segment");
    let kind = kind_of(name, identified);
    let subject = Subject {
        path: &path,
        name,
        kind,
        target: None,
        version: Expected::Any,
        size,
        for_index: matches!(kind, Kind::Wheel | Kind::Sdist),
    };
    inspect::inspect(&subject, file, limits)
}

/// Returns what a file must be by its name; where that says nothing, what it is.
fn kind_of(name: &FileName, identified: &Identified) -> Kind {
    let text = name.as_str();
    let is_sdist = matches!(text.parse(), Ok(DistName::Sdist(_)));
    if text.ends_with(".whl") {
        Kind::Wheel
    } else if is_sdist {
        Kind::Sdist
    } else if ARCHIVES.iter().any(|extension| text.ends_with(extension)) {
        Kind::Archive
    } else if matches!(identified, Identified::Program(_)) {
        Kind::Binary
    } else {
        Kind::File
    }
}
