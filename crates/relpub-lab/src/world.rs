//! A sandbox's world as its clients see it: `world.json`, the log, what is public.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use reqwest::blocking::multipart::{Form, Part};
use serde::Deserialize;
use serde_json::json;

use crate::digest::sha256;
use crate::http::{self, Http};
use crate::project::{Project, Wheel};

/// More than any file of a real project here, in bytes.
const LIMIT: u64 = 1 << 30;

/// The name of the bucket that a sandbox is given the builds in.
pub(crate) const BUCKET: &str = "builds";

/// A world that runs.
pub(crate) struct World {
    /// Its `world.json`.
    pub(crate) path: PathBuf,
    urls: Urls,
    http: Http,
}

/// What is read of `world.json`.
#[derive(Deserialize)]
struct Urls {
    indexes: BTreeMap<String, Index>,
    github: GitHub,
    s3: S3,
    control: String,
}

#[derive(Clone, Deserialize)]
struct Index {
    upload: String,
    index: String,
}

#[derive(Deserialize)]
struct GitHub {
    api: String,
}

#[derive(Deserialize)]
struct S3 {
    endpoint: String,
}

/// A request that the world was sent.
#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    service: String,
    endpoint: String,
    method: String,
    path: String,
    pub(crate) mutating: bool,
}

impl Request {
    /// Tells whether bytes of an artifact were asked for, wherever they lie;
    /// `others` is how requests for the other files of a release end.
    pub(crate) fn fetches_artifact(&self, others: &[String]) -> bool {
        let endpoint = (self.service.as_str(), self.endpoint.as_str());
        self.method == "GET"
            && match endpoint {
                ("bucket", "get-object") | ("pypi", "file") => self.path.ends_with(".whl"),
                ("github", "download" | "browser-download" | "asset") => {
                    !others.iter().any(|end| self.path.ends_with(end))
                }
                _ => false,
            }
    }

    /// Returns the request in a few words.
    pub(crate) fn summary(&self) -> String {
        format!("{} {} {}", self.service, self.method, self.path)
    }
}

/// A release as everybody sees it.
#[derive(Deserialize)]
pub(crate) struct Release {
    pub(crate) draft: bool,
    pub(crate) assets: Vec<Asset>,
}

/// A file of a release.
#[derive(Deserialize)]
pub(crate) struct Asset {
    id: u64,
    pub(crate) name: String,
    pub(crate) browser_download_url: String,
}

impl Asset {
    /// Tells whether it is evidence, which a release has beside its artifacts.
    pub(crate) fn is_evidence(&self) -> bool {
        self.name.ends_with(".sigstore.json")
    }

    /// Returns how requests for it end: its name in a browser, its number elsewhere.
    pub(crate) fn ends(&self) -> [String; 2] {
        [format!("/{}", self.name), format!("/{}", self.id)]
    }
}

impl World {
    /// Reads the `world.json` of a running sandbox.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("could not read {}", path.display()))?;
        let urls = serde_json::from_str(&text)
            .with_context(|| format!("{} is no world file", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            urls,
            http: Http::new()?,
        })
    }

    /// Lets its PyPI take files of the project's PyPI projects up to 1 GiB.
    pub(crate) fn raise_limit(&self, project: Project) -> Result<()> {
        let upload = &self.index()?.upload;
        let url = upload.trim_end_matches("/legacy/");
        for wheel in project.wheels() {
            let url = format!("{url}/_sandbox/projects/{}", wheel.project);
            http::send(self.http.post(&url).json(&json!({ "limit": LIMIT })))?;
        }
        Ok(())
    }

    /// Tells whether its bucket `builds` has all that the project's build left.
    pub(crate) fn has_build(&self, project: Project) -> bool {
        let wheels = project.wheels().iter();
        let names = wheels.map(|wheel| format!("wheels/{}", wheel.file));
        let (endpoint, prefix) = (&self.urls.s3.endpoint, project.prefix());
        names.chain(["manifest.json".to_owned()]).all(|name| {
            let url = format!("{endpoint}/{BUCKET}/{prefix}/{name}");
            self.http.head(&url).is_ok()
        })
    }

    /// Returns the URL of the simple index of its PyPI.
    pub(crate) fn simple_index(&self) -> Result<&str> {
        Ok(&self.index()?.index)
    }

    /// Returns the requests so far, oldest first.
    pub(crate) fn log(&self) -> Result<Vec<Request>> {
        Ok(self.http.get(&self.log_url())?.json()?)
    }

    /// Forgets the requests so far.
    pub(crate) fn clear_log(&self) -> Result<()> {
        self.http.delete(&self.log_url())
    }

    /// Returns the published release of the project's tag, if there is one.
    pub(crate) fn release(&self, project: Project) -> Result<Option<Release>> {
        let (api, repository) = (&self.urls.github.api, project.repository());
        let tag = project.tag();
        self.http
            .find(&format!("{api}/repos/{repository}/releases/tags/{tag}"))
    }

    /// Returns the SHA-256 of what a browser gets for an asset.
    pub(crate) fn asset_sha256(&self, asset: &Asset) -> Result<String> {
        Ok(sha256(self.http.get(&asset.browser_download_url)?)?)
    }

    /// Uploads `bytes` to its PyPI under a wheel's name, as its user.
    pub(crate) fn upload(
        &self,
        wheel: &Wheel,
        version: &str,
        bytes: Vec<u8>,
        token: &str,
    ) -> Result<()> {
        let python = wheel.file.rsplit('-').nth(2).unwrap_or("py3").to_owned();
        let form = Form::new()
            .text(":action", "file_upload")
            .text("protocol_version", "1")
            .text("metadata_version", "2.1")
            .text("name", wheel.project)
            .text("version", version.to_owned())
            .text("filetype", "bdist_wheel")
            .text("pyversion", python)
            .text("sha256_digest", sha256(bytes.as_slice())?)
            .part(
                "content",
                Part::bytes(bytes)
                    .file_name(wheel.file)
                    .mime_str("application/octet-stream")?,
            );
        let request = self.http.post(&self.index()?.upload).multipart(form);
        http::send(request.basic_auth("__token__", Some(token)))?;
        Ok(())
    }

    fn index(&self) -> Result<&Index> {
        let index = self.urls.indexes.get("pypi");
        index.context("the world has no PyPI")
    }

    fn log_url(&self) -> String {
        format!("{}/_sandbox/log", self.urls.control)
    }
}
