//! An object store that speaks the S3 protocol with path-style addresses.
//!
//! What is left out answers 501 `NotImplemented`: versions, copies, bulk
//! deletion, access lists, and bodies in `aws-chunked` coding.

mod error;
mod list;
mod multipart;
mod requests;
mod signature;
mod store;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use http::Method;

use self::signature::Credentials;
use self::store::{Condition, Store};
use crate::disk::{Hashes, Received};
use crate::service::Service;
use crate::world::Shared;
use crate::world_file::{Environment, S3Urls, WorldFile};

const REGION: &str = "us-east-1";
/// Not a secret: it stands in every signed request.
const ACCESS_KEY_ID: &str = "SANDBOXKEY0000000000";

/// The object store of a world, with any number of buckets.
#[derive(Clone)]
pub struct Bucket {
    inner: Arc<Inner>,
}

struct Inner {
    url: String,
    store: Store,
    credentials: Credentials,
    clock: crate::clock::Clock,
}

impl Bucket {
    /// Opens the store at `url` with the objects it had before.
    pub(crate) fn open(shared: &Shared, url: String) -> io::Result<Self> {
        let credentials = Credentials {
            key_id: ACCESS_KEY_ID,
            secret: shared.secrets.standing("bucket-secret-key", "")?,
            region: REGION,
        };
        let inner = Inner {
            url,
            store: Store::open(shared.disk.folder("bucket")?, shared.clock.clone())?,
            credentials,
            clock: shared.clock.clone(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Returns the endpoint of the store, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// Puts an object into `bucket`, which is made if it is not there.
    ///
    /// The bytes are stored and returned as they are; `content_encoding` is the
    /// header that says what they are.
    pub fn put(
        &self,
        bucket: &str,
        key: &str,
        bytes: &[u8],
        content_encoding: Option<&str>,
    ) -> io::Result<()> {
        let mut writing = self.inner.store.begin(Hashes::Sha256)?;
        writing.write(bytes)?;
        self.keep(bucket, key, writing.finish()?, content_encoding)
    }

    /// Puts the content of the file at `path` into `bucket`, as [`Bucket::put`] does.
    pub fn put_file(
        &self,
        bucket: &str,
        key: &str,
        path: &Path,
        content_encoding: Option<&str>,
    ) -> io::Result<()> {
        let mut writing = self.inner.store.begin(Hashes::Sha256)?;
        writing.copy(&mut File::open(path)?)?;
        self.keep(bucket, key, writing.finish()?, content_encoding)
    }

    /// Puts every file under `folder` into `bucket`, its path after `prefix`.
    ///
    /// Returns how many there were. Links are followed.
    pub fn seed_dir(&self, bucket: &str, prefix: &str, folder: &Path) -> io::Result<usize> {
        let mut count = 0;
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let key = match prefix.trim_end_matches('/') {
                "" => name.into_owned(),
                prefix => format!("{prefix}/{name}"),
            };
            if path.is_dir() {
                count += self.seed_dir(bucket, &key, &path)?;
            } else {
                self.put_file(bucket, &key, &path, None)?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Lets anybody read and list `bucket`, or only those who sign.
    pub fn public_read(&self, bucket: &str, public: bool) -> io::Result<()> {
        self.inner.store.set_public(bucket, public)
    }

    /// Returns the stored bytes of an object, if it is there.
    pub fn get(&self, bucket: &str, key: &str) -> io::Result<Option<Vec<u8>>> {
        match self.inner.store.find(bucket, key) {
            Some((_, path)) => fs::read(path).map(Some),
            None => Ok(None),
        }
    }

    /// Removes an object; that it is not there is no error.
    pub fn delete(&self, bucket: &str, key: &str) -> io::Result<()> {
        self.inner.store.delete(bucket, key)
    }

    /// Returns the keys in `bucket`, sorted.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        self.inner.store.keys(bucket)
    }

    /// Returns the store as a service.
    pub(crate) fn service(&self) -> Service {
        let router = Router::new()
            .fallback(requests::answer)
            .with_state(self.clone());
        Service {
            name: "bucket",
            router,
            endpoint,
            mutates: |method, _| !matches!(*method, Method::GET | Method::HEAD),
        }
    }

    /// Tells clients where the store is and what to sign with.
    pub(crate) fn describe(&self, file: &mut WorldFile, environment: &mut Environment) {
        let mut set = |name: &str, value: &str| {
            environment.insert(name.to_owned(), value.to_owned());
        };
        set("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID);
        set("AWS_SECRET_ACCESS_KEY", &self.inner.credentials.secret);
        set("AWS_REGION", REGION);
        set("AWS_ENDPOINT_URL", self.url());
        file.s3 = Some(S3Urls {
            endpoint: self.url().to_owned(),
            region: REGION.to_owned(),
        });
    }

    fn keep(
        &self,
        bucket: &str,
        key: &str,
        received: Received,
        content_encoding: Option<&str>,
    ) -> io::Result<()> {
        let headers: BTreeMap<_, _> = content_encoding
            .map(|value| ("content-encoding".to_owned(), value.to_owned()))
            .into_iter()
            .collect();
        let store = &self.inner.store;
        store.create(bucket)?;
        let kept = store.put(bucket, key, received, headers, &Condition::None);
        kept.map(|_| ())
            .map_err(|error| io::Error::other(error.to_string()))
    }
}

fn endpoint(method: &Method, path: &str) -> &'static str {
    let is_object = match path.trim_start_matches('/').split_once('/') {
        Some((_, key)) => !key.is_empty(),
        None => false,
    };
    match (method.as_str(), is_object) {
        ("GET", true) => "get-object",
        ("HEAD", true) => "head-object",
        ("PUT", true) => "put-object",
        ("DELETE", true) => "delete-object",
        ("POST", true) => "multipart-upload",
        ("GET", false) => "list-objects",
        ("HEAD", false) => "head-bucket",
        ("PUT", false) => "create-bucket",
        _ => "unknown",
    }
}
