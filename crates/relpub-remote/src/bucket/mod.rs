//! Sources: where artifacts are read, under the pin they were listed with.
//!
//! Every read repeats the pin; an object that is another one by now is
//! [`Decision::SourceChanged`], never silently the new one.

mod connector;
mod download;
mod file;
mod s3;

use std::ops::Range;
use std::path::Path;

use bytes::Bytes;
use futures::stream::BoxStream;
use relpub_model::config::Credential;
use relpub_model::decision::Decision;
use relpub_model::name::SourcePath;
use relpub_model::release::Pin;
use relpub_model::world::Endpoints;

pub use download::Sink;
pub use file::FileSource;
pub use s3::S3Source;

use crate::http::{Deed, Http, RemoteError};
use crate::secret::Environment;

/// A place that artifacts are read from.
#[derive(Clone)]
pub enum Source {
    /// A folder on this machine.
    File(FileSource),
    /// A bucket that speaks S3's protocol.
    S3(S3Source),
}

/// An object that a listing found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its path under the source.
    pub path: SourcePath,
    /// Its size as stored, in bytes.
    pub size: u64,
    /// What every read of it repeats.
    pub pin: Pin,
}

/// What an object's head says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its size as stored, in bytes.
    pub size: u64,
    /// What every read of it repeats.
    pub pin: Pin,
    /// Whether it is stored with `Content-Encoding: gzip`.
    pub gzip: bool,
}

/// The bytes of a range, as they come.
pub type Stream = BoxStream<'static, Result<Bytes, RemoteError>>;

/// An object that was opened, and its size as a whole.
struct Opened {
    total: u64,
    stream: Stream,
}

/// How a source is reached, beside its URI.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// The folder that relative `file:` paths start from.
    pub folder: &'a Path,
    /// The configured URL of an S3-compatible store.
    pub endpoint: Option<&'a str>,
    /// How the source is read.
    pub credential: &'a Credential,
    /// Where the outside is.
    pub endpoints: &'a Endpoints,
    /// Where ambient credentials are looked for.
    pub environment: &'a Environment,
}

impl Source {
    /// Opens a source by its URI, `file:PATH` or `s3://BUCKET/PREFIX`, without
    /// asking anybody. An error is a URI or a credential that cannot be right.
    pub fn new(http: &Http, uri: &str, access: Access<'_>) -> Result<Self, RemoteError> {
        if let Some(path) = uri.strip_prefix("file:") {
            let root = access.folder.join(path.strip_prefix("//").unwrap_or(path));
            return Ok(Self::File(FileSource::new(http.clone(), root)));
        }
        if uri.starts_with("s3://") {
            return S3Source::new(http.clone(), uri, access).map(Self::S3);
        }
        let deed = Deed::new("source", "open", uri);
        let why = "it is neither `file:PATH` nor `s3://BUCKET/PREFIX`";
        Err(RemoteError::new(&deed, Decision::Protocol, why))
    }

    /// Returns everything under the source, in order of path.
    pub async fn list(&self) -> Result<Vec<Found>, RemoteError> {
        match self {
            Self::File(files) => files.list().await,
            Self::S3(bucket) => bucket.list().await,
        }
    }

    /// Reads an object's head under its pin.
    pub async fn head(&self, path: &SourcePath, pin: &Pin) -> Result<Head, RemoteError> {
        match self {
            Self::File(files) => files.head(path, pin).await,
            Self::S3(bucket) => bucket.head(path, pin).await,
        }
    }

    /// Opens a range of an object under its pin.
    pub async fn open(
        &self,
        path: &SourcePath,
        pin: &Pin,
        range: Range<u64>,
    ) -> Result<Stream, RemoteError> {
        let deed = self.deed("read", path);
        let attempt = || self.opened(path, pin, range.clone());
        let opened = self.http().retry(&deed, attempt).await?;
        Ok(opened.stream)
    }

    /// Opens a range of an object once, without repeating it.
    async fn opened(
        &self,
        path: &SourcePath,
        pin: &Pin,
        range: Range<u64>,
    ) -> Result<Opened, RemoteError> {
        match self {
            Self::File(files) => files.open(path, pin, range).await,
            Self::S3(bucket) => bucket.open(path, pin, range).await,
        }
    }

    fn http(&self) -> &Http {
        match self {
            Self::File(files) => &files.http,
            Self::S3(bucket) => &bucket.http,
        }
    }

    fn deed(&self, operation: &str, path: &SourcePath) -> Deed {
        match self {
            Self::File(files) => files.deed(operation, path.as_str()),
            Self::S3(bucket) => bucket.deed(operation, path.as_str()),
        }
    }
}

/// Makes the error of an object that is not the one that was listed.
fn changed(deed: &Deed, how: &str) -> RemoteError {
    let why = format!("it changed since it was listed: {how}");
    RemoteError::new(deed, Decision::SourceChanged, why)
        .with_hint("run again once the source is complete and at rest")
}
