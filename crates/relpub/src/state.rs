//! The state folder: `.relpub/TAG/` with the plan, the journal and the receipt.
//!
//! Nothing in it makes an effect done. The plan is there to be reviewed, the
//! journal to know what had begun, the receipt to be shown.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use relpub_model::{Plan, Receipt};
use serde::Serialize;

use crate::os;

/// The state folder of one tag.
#[derive(Clone, Debug)]
pub struct State {
    root: PathBuf,
    folder: PathBuf,
}

/// A file of the state folder or of the cache cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{deed} {}: {why}", path.display())]
pub struct StateError {
    deed: &'static str,
    path: PathBuf,
    why: String,
}

impl StateError {
    pub(crate) fn new(deed: &'static str, path: &Path, why: impl std::fmt::Display) -> Self {
        Self {
            deed,
            path: path.to_owned(),
            why: why.to_string(),
        }
    }
}

impl State {
    /// Returns the state of a tag below the folder that relpub is started in.
    pub fn new(root: &Path, tag: &str) -> Self {
        let root = root.join(".relpub");
        let folder = root.join(folder_name(tag));
        Self { root, folder }
    }

    /// Returns where the plan is saved.
    pub fn plan_path(&self) -> PathBuf {
        self.folder.join("plan.json")
    }

    /// Returns where the receipt is saved.
    pub fn receipt_path(&self) -> PathBuf {
        self.folder.join("receipt.json")
    }

    pub(crate) fn journal_path(&self) -> PathBuf {
        self.folder.join("journal.json")
    }

    /// Saves a plan, to be reviewed and expected.
    pub fn save_plan(&self, plan: &Plan) -> Result<(), StateError> {
        self.save(&self.plan_path(), plan)
    }

    /// Saves a receipt.
    pub fn save_receipt(&self, receipt: &Receipt) -> Result<(), StateError> {
        self.save(&self.receipt_path(), receipt)
    }

    /// Reads the receipt of the last run, if there is one.
    pub fn load_receipt(&self) -> Result<Option<Receipt>, StateError> {
        load_receipt(&self.receipt_path())
    }

    /// Makes the folder, readable by its owner only and ignored by git.
    pub(crate) fn make(&self) -> Result<(), StateError> {
        let make = || -> io::Result<()> {
            os::create_private_dir(&self.root)?;
            fs::write(self.root.join(".gitignore"), "*\n")?;
            os::create_private_dir(&self.folder)
        };
        make().map_err(|error| StateError::new("cannot make the state folder", &self.folder, error))
    }

    fn save(&self, path: &Path, value: &impl Serialize) -> Result<(), StateError> {
        self.make()?;
        let write = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            serde_json::to_writer_pretty(&mut file, value)?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(path).map_err(|error| error.error)?;
            os::sync_dir(&self.folder)
        };
        write().map_err(|error| StateError::new("cannot write", path, error))
    }
}

/// Reads a receipt from a file; `None` when there is no such file.
pub(crate) fn load_receipt(path: &Path) -> Result<Option<Receipt>, StateError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StateError::new("cannot read", path, error)),
    };
    let receipt: Receipt = serde_json::from_str(&text)
        .map_err(|error| StateError::new("cannot understand", path, error))?;
    if receipt.format != 1 {
        let why = format!(
            "it has format {}; this version of relpub reads format 1",
            receipt.format
        );
        return Err(StateError::new("cannot understand", path, why));
    }
    Ok(Some(receipt))
}

/// Returns a tag as one segment of a path.
fn folder_name(tag: &str) -> String {
    let mut out = String::new();
    for (i, c) in tag.chars().enumerate() {
        let plain = c.is_ascii_alphanumeric() || "_+-".contains(c) || (c == '.' && i > 0);
        if plain {
            out.push(c);
        } else {
            let mut buffer = [0; 4];
            for byte in c.encode_utf8(&mut buffer).bytes() {
                out.push('%');
                out.push_str(&hex::encode_upper([byte]));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_cannot_leave_the_state_folder() {
        assert_eq!(folder_name("v1.2.3"), "v1.2.3");
        assert_eq!(folder_name("../x"), "%2E.%2Fx");
        assert_eq!(folder_name("py/v1"), "py%2Fv1");
    }
}
