//! The journal: what a run was about to do, and how it ended.
//!
//! An append-only file of one JSON object a line. An intent that goes public is
//! on the disk before its request is sent. It never vouches for bytes: the next
//! run reads it only to know for which names "absent" has to be asked twice.
//!
//! Format 1: the first. A last line that is cut off is what a kill leaves, and
//! is ignored; a malformed line before it is an error.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jiff::Timestamp;
use relpub_model::name::{DestinationName, FileName};
use relpub_model::plan::{Action, Phase};
use serde::{Deserialize, Serialize};

use crate::state::StateError;

/// The journal of one tag.
pub(crate) struct Journal {
    path: PathBuf,
    earlier: Vec<Entry>,
    file: Mutex<Option<File>>,
}

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Entry {
    /// The version of this format.
    pub(crate) format: u32,
    /// When it was written.
    pub(crate) at: Timestamp,
    /// What happened.
    pub(crate) what: What,
    /// To which step.
    pub(crate) action: Action,
}

/// What a line of a journal says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum What {
    /// The step is about to begin.
    Intent,
    /// The step ended well.
    Done,
    /// The step was found to be done already.
    Already,
    /// The step failed.
    Failed(String),
}

/// What a run had begun at a destination: what may appear there later.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Begun {
    /// The upload of a file.
    Upload(FileName),
    /// The draft of a release.
    Draft,
}

impl Journal {
    /// Reads the journal of earlier runs, if there is one.
    pub(crate) fn open(path: PathBuf) -> Result<Self, StateError> {
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(StateError::new("cannot read", &path, error)),
        };
        let earlier = parse(&bytes).map_err(|why| {
            let why = format!("{why}; relpub can do without it: move it away, then run again");
            StateError::new("cannot understand", &path, why)
        })?;
        Ok(Self {
            path,
            earlier,
            file: Mutex::new(None),
        })
    }

    /// Appends a line. An intent of a public step, and everything about it, is
    /// on the disk when this returns.
    pub(crate) fn write(
        &self,
        at: Timestamp,
        phase: Phase,
        what: What,
        action: &Action,
    ) -> Result<(), StateError> {
        let entry = Entry {
            format: 1,
            at,
            what,
            action: action.clone(),
        };
        let append = || -> io::Result<()> {
            let mut line = serde_json::to_vec(&entry)?;
            line.push(b'\n');
            let mut guard = self
                .file
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            let file = match &mut *guard {
                Some(file) => file,
                none => none.insert(open_for_append(&self.path)?),
            };
            file.write_all(&line)?;
            if matches!(phase, Phase::Publish | Phase::Point) {
                file.sync_data()?;
            }
            Ok(())
        };
        append().map_err(|error| StateError::new("cannot write", &self.path, error))
    }

    /// Returns what earlier runs had begun at a destination and not seen ended,
    /// with the time each last began.
    pub(crate) fn unfinished(&self, at: &DestinationName) -> BTreeMap<Begun, Timestamp> {
        let mut out = BTreeMap::new();
        for entry in &self.earlier {
            let (destination, begun) = match &entry.action {
                Action::Upload { edge } => (&edge.destination, Begun::Upload(edge.name.clone())),
                Action::Open { destination } => (destination, Begun::Draft),
                _ => continue,
            };
            if destination != at {
                continue;
            }
            match entry.what {
                What::Intent => {
                    out.insert(begun, entry.at);
                }
                What::Done | What::Already | What::Failed(_) => {
                    out.remove(&begun);
                }
            }
        }
        out
    }
}

/// Opens a journal to append to it. A cut-off last line is taken away first, so
/// that the next line does not become part of it.
fn open_for_append(path: &Path) -> io::Result<File> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let whole = whole_lines(&bytes).len();
    if whole < bytes.len() {
        OpenOptions::new()
            .write(true)
            .open(path)?
            .set_len(whole as u64)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

/// Returns the lines that are whole. The rest is taken as bytes: a kill can cut
/// a character in two.
fn whole_lines(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte == b'\n');
    &bytes[..end.map_or(0, |end| end + 1)]
}

fn parse(bytes: &[u8]) -> Result<Vec<Entry>, String> {
    whole_lines(bytes)
        .split_inclusive(|byte| *byte == b'\n')
        .enumerate()
        .map(|(i, line)| {
            let entry: Entry =
                serde_json::from_slice(line).map_err(|error| format!("line {}: {error}", i + 1))?;
            match entry.format {
                1 => Ok(entry),
                other => Err(format!(
                    "line {}: format {other}; this version of relpub reads format 1",
                    i + 1
                )),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use relpub_model::Sha256;
    use relpub_model::promotion::{Edge, Mutability};

    use super::*;

    fn upload(name: &str) -> Action {
        let edge = Edge {
            destination: "pypi".parse().unwrap(),
            name: name.parse().unwrap(),
            sha256: Sha256::of(b""),
            size: 0,
            mutability: Mutability::Immutable,
        };
        Action::Upload { edge }
    }

    #[test]
    fn what_had_begun_and_not_ended_is_known_after_a_kill() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.json");
        let journal = Journal::open(path.clone()).unwrap();
        let at = Timestamp::UNIX_EPOCH;
        for (what, name) in [(What::Intent, "a"), (What::Done, "a"), (What::Intent, "b")] {
            journal
                .write(at, Phase::Publish, what, &upload(name))
                .unwrap();
        }
        // A kill in the middle of a line, and of a character.
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"format\":1,\"at\":\"19\xe2\x80")
            .unwrap();

        let again = Journal::open(path.clone()).unwrap();
        let pypi = "pypi".parse().unwrap();
        let begun: Vec<Begun> = again.unfinished(&pypi).into_keys().collect();
        assert_eq!(begun, [Begun::Upload("b".parse().unwrap())]);
        assert!(again.unfinished(&"github".parse().unwrap()).is_empty());
        again
            .write(at, Phase::Publish, What::Done, &upload("b"))
            .unwrap();
        assert!(Journal::open(path).unwrap().unfinished(&pypi).is_empty());
    }

    #[test]
    fn a_malformed_line_is_an_error_not_a_guess() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.json");
        std::fs::write(&path, "{}\n").unwrap();
        assert!(
            Journal::open(path)
                .err()
                .unwrap()
                .to_string()
                .contains("line 1")
        );
    }

    #[test]
    fn a_journal_of_format_1_is_readable() {
        let sample = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../testdata/formats/journal-1.json"
        );
        let entries = parse(&std::fs::read(sample).unwrap()).unwrap();
        assert_eq!(entries.len(), 12);
        assert_eq!(entries[0].what, What::Intent);
    }
}
