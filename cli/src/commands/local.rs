//! A file on this machine, and what it is.

use std::fs::File;
use std::path::Path;

use relpub::inspect::{self, Expected, Identified, Inspection, Limits, Subject};
use relpub_model::config::Kind;
use relpub_model::dist::DistName;
use relpub_model::name::{FileName, SourcePath};

use crate::app::App;
use crate::explain::Error;

/// The extensions of archives.
const ARCHIVES: [&str; 8] = [
    ".tar.gz", ".tgz", ".tar.xz", ".tar.zst", ".tar.bz2", ".tar", ".zip", ".jar",
];

/// A file that was looked at.
pub(super) struct Looked {
    pub(super) name: FileName,
    path: SourcePath,
    kind: Kind,
    pub(super) size: u64,
    pub(super) identified: Identified,
    pub(super) inspection: Inspection,
    /// The file itself, to be read from anywhere.
    pub(super) file: File,
}

impl Looked {
    /// Opens a file, identifies it, and inspects it as what its name says.
    pub(super) fn at(app: &App, path: &Path) -> Result<Self, Error> {
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
        let mut looked = Self {
            path: text
                .parse()
                .expect("a file's name is a path of one segment"),
            kind: kind_of(&name, &identified),
            name,
            size,
            identified,
            inspection: Inspection {
                facts: None,
                blockers: Vec::new(),
            },
            file,
        };
        let mut file = looked.file.try_clone().map_err(reading)?;
        looked.inspection = inspect::inspect(&looked.subject(), &mut file, &limits);
        Ok(looked)
    }

    /// Returns what the file should be.
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            path: &self.path,
            name: &self.name,
            kind: self.kind,
            target: None,
            version: Expected::Any,
            size: self.size,
            for_index: matches!(self.kind, Kind::Wheel | Kind::Sdist),
        }
    }
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
