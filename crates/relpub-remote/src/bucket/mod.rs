//! Sources: where artifacts are read, under the pin they were listed with.
//!
//! Every read repeats the pin; an object that is another one by now is
//! [`Decision::SourceChanged`], never silently the new one.

mod connector;
mod download;
mod file;
mod s3;

use std::ops::Range;
use std::path::PathBuf;

use bytes::Bytes;
use futures::stream::BoxStream;
use relpub_model::config::Credential;
use relpub_model::decision::Decision;
use relpub_model::name::SourcePath;
use relpub_model::release::Pin;
use relpub_model::world::S3;

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

impl Source {
    /// Returns a folder as a source.
    pub fn file(root: PathBuf) -> Self {
        Self::File(FileSource::new(root))
    }

    /// Returns what is under a prefix of a bucket as a source, without asking
    /// anybody; `None` for `endpoint` means the provider's own.
    ///
    /// The region is that of `AWS_REGION`, else the endpoint's. An error is a
    /// name or a credential that cannot be right.
    pub fn s3(
        http: &Http,
        bucket: &str,
        prefix: &str,
        endpoint: Option<&S3>,
        credential: &Credential,
        environment: &Environment,
    ) -> Result<Self, RemoteError> {
        let access = s3::Access {
            endpoint,
            credential,
            environment,
        };
        S3Source::new(http.clone(), bucket, prefix, access).map(Self::S3)
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
        let attempt = || self.opened(path, pin, range.clone());
        let opened = match self {
            Self::File(_) => attempt().await,
            Self::S3(bucket) => bucket.http.retry(&self.deed("read", path), attempt).await,
        };
        Ok(opened?.stream)
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
