//! Where the outside is: production, or a world that a file describes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Every URL that relpub speaks to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// The world's name; `None` in production.
    pub name: Option<String>,
    /// The package indexes that exist undeclared, by destination name.
    pub indexes: BTreeMap<String, Index>,
    /// The forge.
    pub github: GitHub,
    /// The object store behind `s3:`; `None` means the provider's own.
    pub s3: Option<S3>,
    /// Who gives out identity tokens; `None` means what the CI's environment says.
    pub identity: Option<Identity>,
    /// Whose certificates and logs are used; `None` means what the configuration
    /// says.
    pub sigstore: Option<Sigstore>,
}

/// The files of a private Sigstore, which say whom to trust and whom to ask.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Sigstore {
    /// The trusted root.
    pub trusted_root: PathBuf,
    /// The signing config.
    pub signing_config: PathBuf,
    /// The signing config that leads to Rekor v1, for PyPI's attestations, where
    /// the other one does not.
    pub signing_config_rekor1: Option<PathBuf>,
}

/// A package index.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// Where files are uploaded, with its trailing slash.
    pub upload: String,
    /// Where files are read: the root of a simple index, with its trailing slash.
    pub index: String,
}

/// The URLs of GitHub, without trailing slash.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitHub {
    /// The REST API.
    pub api: String,
    /// Where assets are uploaded.
    pub uploads: String,
    /// The web pages.
    pub web: String,
}

/// An S3-compatible object store.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// The URL that buckets are addressed under, path style.
    pub endpoint: String,
    /// The region that requests are signed for.
    pub region: String,
}

/// An issuer of identity tokens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Identity {
    /// Where a token is asked for, as `ACTIONS_ID_TOKEN_REQUEST_URL` has it.
    pub request_url: String,
    /// The issuer that stands in the tokens.
    pub issuer: String,
}

/// A world file: what `relpub sandbox` writes and `--world` reads.
///
/// Format 1: the first. Keys that this version does not know are ignored, so
/// that a newer sandbox can describe more services than an older relpub uses.
#[derive(Deserialize)]
struct WorldFile {
    format: u32,
    name: String,
    #[serde(default)]
    indexes: BTreeMap<String, Index>,
    github: Option<GitHub>,
    s3: Option<S3>,
    identity: Option<Identity>,
    sigstore: Option<Sigstore>,
}

/// Why a world file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The file is not JSON of the expected shape.
    #[error("the world file is malformed: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The file's format is not one that this version reads.
    #[error("the world file has format {0}; this version of relpub reads format 1")]
    Format(u32),
    /// A plain-http URL that is not on this machine.
    #[error("the world file names `{0}`: plain http is accepted for loopback addresses only")]
    NotLoopback(String),
    /// A part of the world that every promotion needs is not described.
    #[error("the world file describes no {0}")]
    Lacks(&'static str),
}

impl Endpoints {
    /// Reads a world file.
    pub fn from_world(json: &str) -> Result<Self, WorldError> {
        let file: WorldFile = serde_json::from_str(json)?;
        if file.format != 1 {
            return Err(WorldError::Format(file.format));
        }
        let endpoints = Self {
            name: Some(file.name),
            indexes: file.indexes,
            github: file.github.ok_or(WorldError::Lacks("github"))?,
            s3: file.s3,
            identity: file.identity,
            sigstore: file.sigstore,
        };
        endpoints.urls().try_for_each(check_url)?;
        Ok(endpoints)
    }

    /// Returns the same with relative paths of files taken from the folder of
    /// the world file.
    #[must_use]
    pub fn relative_to(mut self, folder: &Path) -> Self {
        if let Some(sigstore) = &mut self.sigstore {
            let paths = [&mut sigstore.trusted_root, &mut sigstore.signing_config];
            for path in paths.into_iter().chain(&mut sigstore.signing_config_rekor1) {
                *path = folder.join(&path);
            }
        }
        self
    }

    fn urls(&self) -> impl Iterator<Item = &str> {
        let indexes = self.indexes.values().flat_map(|i| [&i.upload, &i.index]);
        let github = [&self.github.api, &self.github.uploads, &self.github.web];
        let s3 = self.s3.iter().map(|s3| &s3.endpoint);
        let identity = self
            .identity
            .iter()
            .flat_map(|i| [&i.request_url, &i.issuer]);
        indexes
            .chain(github)
            .chain(s3)
            .chain(identity)
            .map(String::as_str)
    }
}

/// Refuses a plain-http URL unless its host is this machine.
fn check_url(url: &str) -> Result<(), WorldError> {
    if url.starts_with("https://") || is_loopback_http(url) {
        return Ok(());
    }
    Err(WorldError::NotLoopback(url.to_owned()))
}

/// Tells whether a URL is plain http to a loopback address.
pub fn is_loopback_http(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_only() {
        assert!(is_loopback_http("http://127.0.0.1:80/x"));
        assert!(is_loopback_http("http://[::1]:80"));
        for url in [
            "http://127.0.0.1.example.net/",
            "http://localhost@example.net/",
            "https://127.0.0.1",
            "http://10.0.0.1",
        ] {
            assert!(!is_loopback_http(url), "{url}");
        }
    }
}
