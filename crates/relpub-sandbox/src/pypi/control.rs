//! What a test does to an index besides using it.

use std::io;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use jiff::SignedDuration;
use pep440_rs::Version;
use serde::Deserialize;
use serde_json::Value;

use super::auth::Scope;
use super::names::{WheelName, normalized};
use super::state::{File, Project, ProjectStatus};
use super::trusted::Publisher;
use super::{PyPi, archive, upload};
use crate::disk::Hashes;

/// Whether an index takes uploads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Uploads {
    /// It does.
    #[default]
    Open,
    /// Nothing may be changed.
    ReadOnly,
    /// New uploads are refused.
    Disabled,
}

/// A file that an index has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexFile {
    /// Its name.
    pub filename: String,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
}

/// A file that came to an index by upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The normalised name of its project.
    pub project: String,
    /// Its version in the canonical spelling.
    pub version: String,
    /// Its name.
    pub filename: String,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
}

impl PyPi {
    /// Returns the address of the index, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// Returns where files are uploaded to.
    pub fn upload_url(&self) -> String {
        format!("{}/legacy/", self.inner.url)
    }

    /// Returns where the simple index is.
    pub fn simple_url(&self) -> String {
        format!("{}/simple/", self.inner.url)
    }

    /// Returns the token of the world's user, who owns the projects.
    pub fn token(&self) -> String {
        self.standing_token("user", Scope::User)
            .expect("the token was made when the index was opened")
    }

    /// Returns a token of that user for one project only.
    pub fn project_token(&self, project: &str) -> io::Result<String> {
        let project = normalized(project);
        let name = format!("project-{project}");
        self.standing_token(&name, Scope::Project(project))
    }

    /// Makes a token worthless.
    pub fn revoke(&self, token: &str) -> io::Result<()> {
        self.inner.lock().tokens.revoke(token)
    }

    /// Registers a trusted publisher, which may be a pending one.
    ///
    /// From the start every workflow of the world's own repository is trusted
    /// for every project; [`PyPi::clear_publishers`] ends that.
    pub fn add_publisher(&self, publisher: Publisher) -> io::Result<()> {
        self.inner.lock().exchange.add(publisher)
    }

    /// Removes all trusted publishers, the one from the start too.
    pub fn clear_publishers(&self) -> io::Result<()> {
        self.inner.lock().exchange.clear()
    }

    /// Takes uploads or refuses them, until told otherwise or restarted.
    pub fn set_uploads(&self, uploads: Uploads) {
        self.inner.lock().uploads = uploads;
    }

    /// Sets how large a file of the project may be, in bytes.
    ///
    /// The project need not exist yet.
    pub fn set_limit(&self, project: &str, bytes: u64) -> io::Result<()> {
        let mut state = self.inner.lock();
        state.index.configure(|it| it.set_limit(project, bytes))
    }

    /// Gives the project to somebody else, so that the user may not upload.
    pub fn give_away(&self, project: &str) -> io::Result<()> {
        let mut state = self.inner.lock();
        state.index.configure(|it| {
            it.foreign.insert(normalized(project));
        })
    }

    /// Forbids a name to new projects.
    pub fn prohibit(&self, name: &str) -> io::Result<()> {
        let mut state = self.inner.lock();
        state.index.configure(|it| {
            it.prohibited.insert(normalized(name));
        })
    }

    /// Lets pages be as old as `seconds`, unless a request wants a fresh one.
    pub fn set_stale(&self, seconds: u32) {
        self.cdn()
            .set_stale(SignedDuration::from_secs(seconds.into()));
    }

    /// Puts a file into the index without any check but that of its name.
    ///
    /// The project and the release are made if they are not there; the content
    /// may be anything, so that it can be other bytes under an expected name.
    pub fn seed_file(&self, project: &str, filename: &str, bytes: &[u8]) -> io::Result<()> {
        let version = version_of(filename)?;
        let mut writing = self.inner.disk.begin(Hashes::Blake2b)?;
        writing.write(bytes)?;
        let received = writing.finish()?;
        let metadata = archive::wheel::metadata_of(received.path(), filename);
        let mut state = self.inner.lock();
        let metadata = metadata.map(|bytes| state.index.keep_bytes(&bytes));
        let wheel = WheelName::parse(filename).ok();
        let file = File {
            filename: filename.to_owned(),
            version,
            kind: if wheel.is_some() {
                "bdist_wheel"
            } else {
                "sdist"
            }
            .to_owned(),
            python_version: wheel.map_or("source".to_owned(), |it| it.pythons.join(".")),
            requires_python: None,
            size: received.size,
            sha256: received.sha256.clone(),
            blake2b: received.blake2b.clone().unwrap_or_default(),
            metadata_sha256: metadata.transpose()?,
            uploaded: self.inner.clock.now(),
            serial: 0,
            by_upload: false,
            provenance: None,
            deleted: false,
        };
        let blob = state.index.blob(&received.sha256);
        received.keep(&blob)?;
        state.index.change(project, |project, serial| {
            upload::add(project, serial, file, std::collections::BTreeMap::default());
        })
    }

    /// Deletes a file: its name is burned, its bytes are no longer served.
    pub fn delete_file(&self, filename: &str) -> io::Result<()> {
        self.change_file(filename, |project, _| {
            let mut files = project.files.iter_mut();
            if let Some(file) = files.find(|it| it.filename == filename && !it.deleted) {
                file.deleted = true;
            }
        })
    }

    /// Returns the provenance of a file: its attestations and who made them.
    pub fn provenance(&self, filename: &str) -> Option<Value> {
        let state = self.inner.lock();
        let mut files = state.index.projects.values().flat_map(Project::present);
        let file = files.find(|file| file.filename == filename)?;
        file.provenance.clone()
    }

    /// Changes the provenance of a file, as only the server could, or removes it.
    pub fn set_provenance(&self, filename: &str, provenance: Option<Value>) -> io::Result<()> {
        self.change_file(filename, |project, _| {
            let mut files = project.files.iter_mut();
            if let Some(file) = files.find(|it| it.filename == filename && !it.deleted) {
                file.provenance = provenance;
            }
        })
    }

    /// Yanks the release of a file, which is what the server offers.
    pub fn yank(&self, filename: &str, reason: &str) -> io::Result<()> {
        self.change_file(filename, |project, version| {
            let mut releases = project.releases.iter_mut();
            if let Some(release) = releases.find(|it| it.version == version) {
                release.yanked = Some(reason.to_owned());
            }
        })
    }

    /// Quarantines a project: its files are no longer listed.
    pub fn quarantine(&self, project: &str) -> io::Result<()> {
        self.set_status(project, ProjectStatus::Quarantined)
    }

    /// Gives a project a status; it is made if it is not there.
    pub fn set_status(&self, project: &str, status: ProjectStatus) -> io::Result<()> {
        let mut state = self.inner.lock();
        state.index.change(project, |it, _| it.status = status)
    }

    /// Returns every file that was taken by upload, in their order.
    ///
    /// A repeated upload of the same file counts once.
    pub fn uploads(&self) -> Vec<Upload> {
        let state = self.inner.lock();
        let mut uploads: Vec<(u64, Upload)> = Vec::new();
        for (name, project) in &state.index.projects {
            let files = project.files.iter().filter(|file| file.by_upload);
            uploads.extend(files.map(|file| {
                let upload = Upload {
                    project: name.clone(),
                    version: file.version.clone(),
                    filename: file.filename.clone(),
                    sha256: file.sha256.clone(),
                    size: file.size,
                };
                (file.serial, upload)
            }));
        }
        uploads.sort_by_key(|(serial, _)| *serial);
        uploads.into_iter().map(|(_, upload)| upload).collect()
    }

    /// Returns the files of a project that are there, by their names.
    pub fn files(&self, project: &str) -> Vec<IndexFile> {
        let state = self.inner.lock();
        let files = state.index.project(project).into_iter();
        let mut files: Vec<IndexFile> = files
            .flat_map(Project::present)
            .map(|file| IndexFile {
                filename: file.filename.clone(),
                sha256: file.sha256.clone(),
                size: file.size,
            })
            .collect();
        files.sort_by(|a, b| a.filename.cmp(&b.filename));
        files
    }

    /// Returns the normalised names of all projects.
    pub fn projects(&self) -> Vec<String> {
        self.inner.lock().index.projects.keys().cloned().collect()
    }

    fn change_file(
        &self,
        filename: &str,
        change: impl FnOnce(&mut Project, &str),
    ) -> io::Result<()> {
        let mut state = self.inner.lock();
        let found = state.index.projects.values().find_map(|project| {
            let file = project.present().find(|file| file.filename == filename)?;
            Some((project.name.clone(), file.version.clone()))
        });
        let (name, version) = found.ok_or_else(|| {
            let message = format!("the index has no file `{filename}`");
            io::Error::new(io::ErrorKind::NotFound, message)
        })?;
        state
            .index
            .change(&name, |project, _| change(project, &version))
    }
}

/// Returns the version that a file's name gives, in the canonical spelling.
fn version_of(filename: &str) -> io::Result<String> {
    let text = match WheelName::parse(filename) {
        Ok(wheel) => Some(wheel.version),
        Err(_) => filename
            .strip_suffix(".tar.gz")
            .and_then(|stem| stem.rsplit_once('-'))
            .map(|(_, version)| version.to_owned()),
    };
    let version = text.and_then(|text| text.parse::<Version>().ok());
    version.map(|version| version.to_string()).ok_or_else(|| {
        let message = format!("`{filename}` is not the name of a wheel or an sdist");
        io::Error::new(io::ErrorKind::InvalidInput, message)
    })
}

/// What can be set about a project from another process.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    /// How large a file may be, in bytes.
    limit: Option<u64>,
    status: Option<ProjectStatus>,
}

/// Does what a JSON document orders, without asking for a token.
pub(super) async fn configure(
    State(pypi): State<PyPi>,
    Path(project): Path<String>,
    Json(order): Json<Order>,
) -> Response {
    let limit = order.limit.map(|bytes| pypi.set_limit(&project, bytes));
    let status = order.status.map(|status| pypi.set_status(&project, status));
    for result in [limit, status].into_iter().flatten() {
        if let Err(error) = result {
            return (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response();
        }
    }
    StatusCode::NO_CONTENT.into_response()
}
