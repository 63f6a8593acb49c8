//! What the index knows, in memory and on disk.
//!
//! Every project is one JSON file, written whole after each change; the bytes of
//! files lie beside them by their SHA-256. Nothing is ever forgotten: a deleted
//! file keeps its record, because its name may not be used again.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::names::normalized;
use crate::disk::{Disk, Hashes};

/// How large a file may be unless its project was granted more, in bytes.
const FILE_LIMIT: u64 = 100 * 1024 * 1024;
/// How large all files of a project may be together, in bytes.
pub(super) const PROJECT_LIMIT: u64 = 10 * 1024 * 1024 * 1024;
/// The most that is ever granted for one file, in bytes.
const HIGHEST_LIMIT: u64 = 1024 * 1024 * 1024;

/// The status of a project (PEP 792).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProjectStatus {
    /// Nothing special.
    #[default]
    Active,
    /// It takes no new files.
    Archived,
    /// It takes no new files and shows none.
    Quarantined,
    /// Its users should look elsewhere.
    Deprecated,
}

impl ProjectStatus {
    /// Returns the status as the index writes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Archived => "archived",
            Self::Quarantined => "quarantined",
            Self::Deprecated => "deprecated",
        }
    }

    /// Returns whether such a project takes uploads.
    pub(super) fn is_open(self) -> bool {
        matches!(self, Self::Active | Self::Deprecated)
    }
}

/// A project with all its releases and files.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Project {
    /// The name as it was first spelled.
    pub(super) name: String,
    #[serde(default)]
    pub(super) status: ProjectStatus,
    /// The serial number of its latest change.
    pub(super) serial: u64,
    /// Its releases, oldest first.
    #[serde(default)]
    pub(super) releases: Vec<Release>,
    /// All files that there ever were, oldest first.
    #[serde(default)]
    pub(super) files: Vec<File>,
}

/// A version of a project.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Release {
    /// The version in its canonical spelling.
    pub(super) version: String,
    pub(super) created: Timestamp,
    /// Why it was yanked, possibly without words.
    pub(super) yanked: Option<String>,
    /// The form fields of its first file, which later files do not change.
    pub(super) metadata: BTreeMap<String, Vec<String>>,
}

impl Release {
    /// Returns the first value of a metadata field.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        let values = self.metadata.get(name)?;
        values.first().map(String::as_str)
    }

    /// Returns all values of a metadata field.
    pub(super) fn all(&self, name: &str) -> &[String] {
        self.metadata.get(name).map_or(&[], Vec::as_slice)
    }
}

/// A file of a release.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct File {
    pub(super) filename: String,
    pub(super) version: String,
    /// `sdist` or `bdist_wheel`.
    pub(super) kind: String,
    /// The Python tag of a wheel, `source` for an sdist.
    pub(super) python_version: String,
    pub(super) requires_python: Option<String>,
    pub(super) size: u64,
    pub(super) sha256: String,
    pub(super) blake2b: String,
    /// The SHA-256 of the wheel's metadata file, which is served beside it.
    pub(super) metadata_sha256: Option<String>,
    pub(super) uploaded: Timestamp,
    pub(super) serial: u64,
    /// Whether it came by upload; otherwise the world was seeded with it.
    pub(super) by_upload: bool,
    /// The attestations to it and who made them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) provenance: Option<Value>,
    /// Whether it was deleted, so that only its name is still taken.
    pub(super) deleted: bool,
}

impl Project {
    /// Returns the files that are still there.
    pub(super) fn present(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| !file.deleted)
    }

    /// Returns the files that its pages list.
    pub(super) fn listed(&self) -> Vec<&File> {
        if self.status == ProjectStatus::Quarantined {
            return Vec::new();
        }
        let mut files: Vec<&File> = self.present().collect();
        let key = |file: &File| {
            (
                file.version.parse::<pep440_rs::Version>().ok(),
                file.filename.clone(),
            )
        };
        files.sort_by_cached_key(|file| key(file));
        files
    }

    /// Returns the release `version`, in its canonical spelling.
    pub(super) fn release(&self, version: &str) -> Option<&Release> {
        let mut releases = self.releases.iter();
        releases.find(|release| release.version == version)
    }

    /// Returns the size of all files in bytes.
    pub(super) fn size(&self) -> u64 {
        self.present().map(|file| file.size).sum()
    }
}

/// What the index was told about projects that may not even exist yet.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Settings {
    /// Granted limits for files, in bytes.
    #[serde(default)]
    limits: BTreeMap<String, u64>,
    /// Projects that belong to somebody else.
    #[serde(default)]
    pub(super) foreign: BTreeSet<String>,
    /// Names that nobody may use.
    #[serde(default)]
    pub(super) prohibited: BTreeSet<String>,
}

/// The whole index.
pub(super) struct State {
    /// All projects by normalised name.
    pub(super) projects: BTreeMap<String, Project>,
    pub(super) settings: Settings,
    /// The serial number of the latest change.
    pub(super) serial: u64,
    records: Disk,
    disk: Disk,
    blobs: Disk,
}

impl State {
    /// Reads the index kept under `disk`.
    pub(super) fn open(disk: &Disk) -> io::Result<Self> {
        let records = disk.folder("projects")?;
        let mut projects = BTreeMap::new();
        for name in records.names()? {
            let Some(name) = name.strip_suffix(".json") else {
                continue;
            };
            if let Some(project) = records.read_json::<Project>(name)? {
                projects.insert(name.to_owned(), project);
            }
        }
        Ok(Self {
            serial: projects.values().map(|it| it.serial).max().unwrap_or(0),
            projects,
            settings: disk.read_json("settings")?.unwrap_or_default(),
            records,
            disk: disk.clone(),
            blobs: disk.folder("files")?,
        })
    }

    /// Returns the project of that name, however it is spelled.
    pub(super) fn project(&self, name: &str) -> Option<&Project> {
        self.projects.get(&normalized(name))
    }

    /// Changes a project, which is made if it is not there, and keeps it.
    ///
    /// The change gets the project and the serial number that it will have. On
    /// an error the project is as it was.
    pub(super) fn change<T>(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut Project, u64) -> T,
    ) -> io::Result<T> {
        let key = normalized(name);
        let serial = self.serial + 1;
        let mut project = self.projects.get(&key).cloned().unwrap_or(Project {
            name: name.to_owned(),
            status: ProjectStatus::Active,
            serial,
            releases: Vec::new(),
            files: Vec::new(),
        });
        project.serial = serial;
        let result = change(&mut project, serial);
        self.records.write_json(&key, &project)?;
        self.serial = serial;
        self.projects.insert(key, project);
        Ok(result)
    }

    /// Changes the settings and keeps them.
    pub(super) fn configure(&mut self, change: impl FnOnce(&mut Settings)) -> io::Result<()> {
        change(&mut self.settings);
        self.disk.write_json("settings", &self.settings)
    }

    /// Returns how large a file of the project may be, in bytes.
    pub(super) fn limit(&self, name: &str) -> u64 {
        let granted = self.settings.limits.get(&normalized(name));
        granted.copied().unwrap_or(FILE_LIMIT)
    }

    /// Returns how large a file of any project may be, in bytes.
    pub(super) fn highest_limit(&self) -> u64 {
        let granted = self.settings.limits.values().copied().max();
        granted.unwrap_or(0).max(HIGHEST_LIMIT)
    }

    /// Returns every file that there ever was.
    pub(super) fn files(&self) -> impl Iterator<Item = &File> {
        self.projects.values().flat_map(|project| &project.files)
    }

    /// Keeps a small file and returns its SHA-256.
    pub(super) fn keep_bytes(&self, bytes: &[u8]) -> io::Result<String> {
        let mut writing = self.disk.begin(Hashes::Sha256)?;
        writing.write(bytes)?;
        let received = writing.finish()?;
        let sha256 = received.sha256.clone();
        received.keep(&self.blob(&sha256))?;
        Ok(sha256)
    }

    /// Returns where the file with this SHA-256 lies.
    pub(super) fn blob(&self, sha256: &str) -> PathBuf {
        self.blobs.path(sha256)
    }
}

impl Settings {
    /// Grants files of `bytes` to the project.
    pub(super) fn set_limit(&mut self, project: &str, bytes: u64) {
        self.limits.insert(normalized(project), bytes);
    }
}
