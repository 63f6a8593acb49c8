//! A bucket as a source, by S3's protocol with path-style addresses.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{Attribute, GetOptions, GetRange, ObjectMeta, ObjectStore, RetryConfig};
use relpub_model::config::Credential;
use relpub_model::decision::Decision;
use relpub_model::name::SourcePath;
use relpub_model::release::Pin;
use relpub_model::world::S3;

use super::connector::{Connector, uncarry};
use super::{Found, Head, Opened, changed};
use crate::http::{Deed, Http, RemoteError, is_allowed};
use crate::secret::{Environment, Secret};

/// How a store is reached.
#[derive(Clone, Copy)]
pub(super) struct Access<'a> {
    pub(super) endpoint: Option<&'a S3>,
    pub(super) credential: &'a Credential,
    pub(super) environment: &'a Environment,
}

/// A bucket, and the prefix that everything is under.
#[derive(Clone)]
pub struct S3Source {
    pub(super) http: Http,
    store: Arc<AmazonS3>,
    bucket: String,
    prefix: Path,
}

impl S3Source {
    pub(super) fn new(
        http: Http,
        bucket: &str,
        prefix: &str,
        access: Access<'_>,
    ) -> Result<Self, RemoteError> {
        let deed = Deed::new("bucket", "open", format!("s3://{bucket}/{prefix}"));
        let wrong = |why: String| RemoteError::new(&deed, Decision::Protocol, why);
        let prefix = Path::parse(prefix).map_err(|error| wrong(error.to_string()))?;
        let store = builder(&http, &deed, bucket, access)?.build();
        let store = store.map_err(|error| wrong(http.scrub(&error.to_string())))?;
        Ok(Self {
            http,
            store: Arc::new(store),
            bucket: bucket.to_owned(),
            prefix,
        })
    }

    pub(super) fn deed(&self, operation: &str, path: &str) -> Deed {
        let key = [self.prefix.as_ref(), path];
        let key: Vec<_> = key.into_iter().filter(|part| !part.is_empty()).collect();
        let thing = format!("s3://{}/{}", self.bucket, key.join("/"));
        Deed::new("bucket", operation, thing)
    }

    pub(super) async fn list(&self) -> Result<Vec<Found>, RemoteError> {
        let deed = self.deed("list", "");
        let objects = self.http.retry(&deed, || self.list_once(&deed)).await?;
        let folders: BTreeSet<&str> = objects
            .iter()
            .filter_map(|object| object.location.as_ref().rsplit_once('/'))
            .map(|(folder, _)| folder)
            .collect();
        let is_folder = |object: &ObjectMeta| {
            // Consoles make an empty object to stand for a folder.
            object.size == 0 && folders.contains(object.location.as_ref())
        };
        let objects = objects.iter().filter(|object| !is_folder(object));
        let found = objects.map(|object| self.found(&deed, object));
        let mut found: Vec<_> = found.collect::<Result<_, _>>()?;
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    async fn list_once(&self, deed: &Deed) -> Result<Vec<ObjectMeta>, RemoteError> {
        let listed = self.store.list(Some(&self.prefix)).try_collect::<Vec<_>>();
        let listed = self.http.unless_cancelled(deed, listed).await?;
        listed.map_err(|error| self.error(deed, &error))
    }

    fn found(&self, deed: &Deed, object: &ObjectMeta) -> Result<Found, RemoteError> {
        let key = object.location.as_ref();
        let below = key.strip_prefix(self.prefix.as_ref()).unwrap_or(key);
        let path = below.trim_start_matches('/').parse::<SourcePath>();
        let path =
            path.map_err(|error| RemoteError::new(deed, Decision::Protocol, error.to_string()))?;
        Ok(Found {
            path,
            size: object.size,
            pin: pin_of(object),
        })
    }

    pub(super) async fn head(&self, path: &SourcePath, pin: &Pin) -> Result<Head, RemoteError> {
        let deed = self.deed("read the head of", path.as_str());
        let attempt = || async {
            let options = options(pin).with_head(true);
            let got = self.get(&deed, path, options).await?;
            let encoding = got.attributes.get(&Attribute::ContentEncoding);
            Ok(Head {
                size: got.meta.size,
                pin: pin_of(&got.meta),
                gzip: encoding.is_some_and(|it| it.as_ref().trim().eq_ignore_ascii_case("gzip")),
            })
        };
        self.http.retry(&deed, attempt).await
    }

    pub(super) async fn open(
        &self,
        path: &SourcePath,
        pin: &Pin,
        range: Range<u64>,
    ) -> Result<Opened, RemoteError> {
        let deed = self.deed("read", path.as_str());
        let options = options(pin).with_range(Some(GetRange::Bounded(range)));
        let got = self.get(&deed, path, options).await?;
        let total = got.meta.size;
        let this = self.clone();
        let stream = got.into_stream();
        let stream = futures::stream::unfold(stream, move |mut stream| {
            let (this, deed) = (this.clone(), deed.clone());
            async move {
                let piece = this.http.unless_cancelled(&deed, stream.next()).await;
                let piece = match piece.transpose()? {
                    Ok(piece) => piece.map_err(|error| this.error(&deed, &error)),
                    Err(cancelled) => Err(cancelled),
                };
                Some((piece, stream))
            }
        });
        Ok(Opened {
            total,
            stream: stream.boxed(),
        })
    }

    async fn get(
        &self,
        deed: &Deed,
        path: &SourcePath,
        options: GetOptions,
    ) -> Result<object_store::GetResult, RemoteError> {
        let key = [self.prefix.as_ref(), path.as_str()];
        let key: Vec<_> = key.into_iter().filter(|part| !part.is_empty()).collect();
        let key = Path::parse(key.join("/"));
        let key =
            key.map_err(|error| RemoteError::new(deed, Decision::Protocol, error.to_string()))?;
        let got = self.store.get_opts(&key, options);
        let got = self.http.unless_cancelled(deed, got).await?;
        got.map_err(|error| self.error(deed, &error))
    }

    fn error(&self, deed: &Deed, error: &object_store::Error) -> RemoteError {
        let error = uncarry(deed, &self.http, error);
        match error.status {
            Some(412) => changed(deed, "the store holds another object"),
            Some(416) => changed(deed, "it is shorter"),
            Some(301 | 307) => error.with_hint("set AWS_REGION to the bucket's region"),
            Some(401 | 403) => error.with_hint(
                "the source's `credential` is `ambient` (AWS_ACCESS_KEY_ID and \
                 AWS_SECRET_ACCESS_KEY) or `anonymous`",
            ),
            _ => error,
        }
    }
}

/// Returns what reads an object only if it is the pinned one.
fn options(pin: &Pin) -> GetOptions {
    let Pin::Object { etag, version } = pin else {
        return GetOptions::new();
    };
    GetOptions::new()
        .with_if_match(etag.clone())
        .with_version(version.clone())
}

fn pin_of(object: &ObjectMeta) -> Pin {
    Pin::Object {
        etag: object.e_tag.clone(),
        version: object.version.clone(),
    }
}

/// Returns the store's settings: nothing comes from the process environment, and
/// nothing is repeated by the library.
fn builder(
    http: &Http,
    deed: &Deed,
    bucket: &str,
    access: Access<'_>,
) -> Result<AmazonS3Builder, RemoteError> {
    let region = access
        .environment
        .plain("AWS_REGION")
        .or_else(|| access.environment.plain("AWS_DEFAULT_REGION"))
        .or(access.endpoint.map(|s3| s3.region.as_str()))
        .unwrap_or("us-east-1");
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region)
        .with_virtual_hosted_style_request(false)
        .with_http_connector(Connector(http.clone()))
        .with_retry(RetryConfig {
            max_retries: 0,
            ..RetryConfig::default()
        });
    if let Some(s3) = access.endpoint {
        if !is_allowed(&s3.endpoint) {
            let why = format!("{} is neither https nor on this machine", s3.endpoint);
            return Err(RemoteError::new(deed, Decision::Protocol, why));
        }
        builder = builder.with_endpoint(&s3.endpoint).with_allow_http(true);
    }
    match access.credential {
        Credential::Anonymous => Ok(builder.with_skip_signature(true)),
        Credential::Ambient => sign(builder, http, deed, access.environment),
        _ => {
            let why = "a bucket is read with `credential` `ambient` or `anonymous`";
            Err(RemoteError::new(deed, Decision::Unauthenticated, why))
        }
    }
}

fn sign(
    builder: AmazonS3Builder,
    http: &Http,
    deed: &Deed,
    environment: &Environment,
) -> Result<AmazonS3Builder, RemoteError> {
    let get = |name: &str| environment.get(name);
    let (Some(id), Some(key)) = (get("AWS_ACCESS_KEY_ID"), get("AWS_SECRET_ACCESS_KEY")) else {
        let why = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set";
        return Err(RemoteError::new(deed, Decision::Unauthenticated, why)
            .with_hint("set them, or read the source with `credential = \"anonymous\"`"));
    };
    http.remember(key);
    let builder = builder
        .with_access_key_id(Secret::expose(id))
        .with_secret_access_key(Secret::expose(key));
    Ok(match get("AWS_SESSION_TOKEN") {
        Some(token) => {
            http.remember(token);
            builder.with_token(token.expose())
        }
        None => builder,
    })
}
