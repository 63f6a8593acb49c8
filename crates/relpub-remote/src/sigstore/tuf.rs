//! Whom to trust and whom to ask, kept up to date by TUF (The Update Framework).
//!
//! The updater of `sigstore-tuf` does all the checking; requests go through
//! relpub's own client, and the time is that of its clock. That crate has a
//! client of its own and `sigstore-trust-root` one around it, but the feature
//! that brings it would bring HTTP into `relpub-trust` as well.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use relpub_model::decision::Decision;
use reqwest::StatusCode;
use sigstore_sign::SigstoreInstance;
use sigstore_sign::trust_root::TrustedRoot;
use sigstore_tuf::transport::FetchFuture;
use sigstore_tuf::{FileStore, Repository, StoreRepository, Updater};
use url::Url;

use super::services::Config;
use super::{protocol, url_under};
use crate::http::{Deed, Http, RemoteError, Request};

const TRUSTED_ROOT: &str = "trusted_root.json";
const SIGNING_CONFIG: &str = "signing_config.v0.2.json";
/// The repository of the public Sigstore instance.
const PRODUCTION: &str = "https://tuf-repo-cdn.sigstore.dev/";
/// The metadata that trust in it begins with: version 16. Newer versions are
/// reached from it, each signed by the one before.
const PRODUCTION_ROOT: &[u8] = include_bytes!("tuf_root.json");

/// A TUF repository, and what is used where it cannot be reached.
#[derive(Clone, Debug)]
pub struct TufSource {
    /// Where the repository is.
    pub url: Url,
    /// The root metadata that trust begins with.
    pub root: Vec<u8>,
    /// The targets as they were when relpub was built.
    pub embedded: Targets,
}

/// The two files that signing and verifying need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Targets {
    /// The trusted root, as JSON.
    pub trusted_root: Vec<u8>,
    /// The signing config (v0.2), as JSON.
    pub signing_config: Vec<u8>,
}

/// What an instance says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustMaterial {
    /// The trusted root, as JSON.
    pub trusted_root: Vec<u8>,
    /// The signing config (v0.2), as JSON.
    pub signing_config: Vec<u8>,
    /// Where it is from.
    pub origin: Origin,
}

/// Where trust material is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The repository, just now.
    Repository,
    /// The cache, because the repository cannot be reached; it is as it was at
    /// the last update, and has not expired.
    Cache(RemoteError),
    /// What relpub was built with, because the repository cannot be reached and
    /// the cache holds nothing that is still valid.
    Embedded(RemoteError),
}

impl TufSource {
    /// Returns the repository of the public Sigstore instance.
    pub fn production() -> Self {
        let instance = SigstoreInstance::PublicGood;
        let signing_config = instance.embedded_signing_config_json().unwrap_or_default();
        Self {
            url: Url::parse(PRODUCTION).expect("it is a URL"),
            root: PRODUCTION_ROOT.to_vec(),
            embedded: Targets {
                trusted_root: instance.embedded_trusted_root_json().into(),
                signing_config: signing_config.into(),
            },
        }
    }
}

impl Origin {
    /// Returns what to tell about it; `None` where all is as it should be.
    pub fn warning(&self) -> Option<String> {
        match self {
            Self::Repository => None,
            Self::Cache(why) => Some(format!(
                "Sigstore's trusted root and signing config are those of the last update: {why}"
            )),
            Self::Embedded(why) => Some(format!(
                "Sigstore's trusted root and signing config are those that relpub was built \
                 with: {why}"
            )),
        }
    }
}

/// Fetches trusted root and signing config by TUF; `cache` is a folder of their
/// own.
///
/// Where the repository cannot be reached, the cache is used after it was
/// verified anew, else what is embedded. An answer that does not verify, or
/// verifies and is malformed, is an error: [`Decision::Protocol`].
pub async fn trust_material(
    http: &Http,
    source: &TufSource,
    cache: &Path,
) -> Result<TrustMaterial, RemoteError> {
    let unreachable = match online(http, source, cache).await? {
        Ok(targets) => return Ok(targets.from(Origin::Repository)),
        Err(unreachable) => unreachable,
    };
    // What the cache holds is of use or not; that it is not is no news.
    if let Ok(targets) = offline(http, source, cache).await {
        return Ok(targets.from(Origin::Cache(unreachable)));
    }
    let embedded = source.embedded.clone();
    Ok(embedded.from(Origin::Embedded(unreachable)))
}

impl Targets {
    fn from(self, origin: Origin) -> TrustMaterial {
        TrustMaterial {
            trusted_root: self.trusted_root,
            signing_config: self.signing_config,
            origin,
        }
    }

    /// Lets files pass that can be read.
    fn check(self) -> Result<Self, String> {
        let text = std::str::from_utf8(&self.trusted_root);
        let text = text.map_err(|why| format!("{TRUSTED_ROOT}: {why}"))?;
        TrustedRoot::from_json(text).map_err(|why| format!("{TRUSTED_ROOT}: {why}"))?;
        Config::read(&self.signing_config).map_err(|why| format!("{SIGNING_CONFIG}: {why}"))?;
        Ok(self)
    }
}

fn deed() -> Deed {
    Deed::new("Sigstore's TUF repository", "update", "the trusted root")
}

/// Asks the repository. The inner error is that it cannot be reached.
async fn online(
    http: &Http,
    source: &TufSource,
    cache: &Path,
) -> Result<Result<Targets, RemoteError>, RemoteError> {
    let lost = Arc::default();
    let remote = Remote {
        http: http.clone(),
        url: source.url.clone(),
        lost: Arc::clone(&lost),
    };
    let updated = fetch(http, remote, source, cache).await;
    let lost = lost.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (updated, lost) {
        (Ok(targets), _) => Ok(Ok(targets)),
        (Err(_), Some(error)) if is_unreachable(&error) => Ok(Err(error)),
        (Err(_), Some(error)) => Err(error),
        (Err(why), None) => Err(protocol(&deed(), &why)),
    }
}

/// Verifies what the cache holds.
async fn offline(http: &Http, source: &TufSource, cache: &Path) -> Result<Targets, String> {
    let stored = StoreRepository::new(FileStore::new(cache));
    fetch(http, stored, source, cache).await
}

fn is_unreachable(error: &RemoteError) -> bool {
    matches!(
        error.decision,
        Decision::Transient | Decision::Ambiguous | Decision::RateLimited { .. }
    )
}

/// Runs the client workflow of the TUF specification, at one fixed time.
async fn fetch(
    http: &Http,
    repository: impl Repository + 'static,
    source: &TufSource,
    cache: &Path,
) -> Result<Targets, String> {
    let now = http.now();
    let mut updater = Updater::new(repository, &source.root)
        .map_err(|why| chain(&why))?
        .with_store(FileStore::new(cache));
    updater.refresh(now).await.map_err(|why| chain(&why))?;
    let mut targets = Vec::new();
    for name in [TRUSTED_ROOT, SIGNING_CONFIG] {
        let target = updater.get_target(name, now).await;
        targets.push(target.map_err(|why| chain(&why))?);
    }
    let signing_config = targets.pop().unwrap_or_default();
    let trusted_root = targets.pop().unwrap_or_default();
    Targets {
        trusted_root,
        signing_config,
    }
    .check()
}

/// Returns an error and its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}

/// A repository behind relpub's client.
struct Remote {
    http: Http,
    url: Url,
    /// Why a request failed: the updater keeps only a text of it.
    lost: Arc<Mutex<Option<RemoteError>>>,
}

impl Remote {
    async fn get(&self, path: &str, limit: u64) -> sigstore_tuf::Result<Option<Vec<u8>>> {
        let mut request = Request::get(url_under(&self.url, path), deed())
            .allow(StatusCode::NOT_FOUND)
            // Object stores say this of what is not there.
            .allow(StatusCode::FORBIDDEN);
        request.limit = usize::try_from(limit).unwrap_or(usize::MAX);
        match self.http.call(&request).await {
            Ok(answer) if answer.status.is_success() => Ok(Some(answer.body.to_vec())),
            Ok(_) => Ok(None),
            Err(error) => {
                let text = error.to_string();
                *self.lost.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Err(sigstore_tuf::Error::transport(text))
            }
        }
    }
}

impl Repository for Remote {
    fn fetch_metadata<'a>(&'a self, name: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(self.get(name, max_length))
    }

    fn fetch_target<'a>(&'a self, path: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(async move { self.get(&format!("targets/{path}"), max_length).await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_embedded_can_be_read_and_is_where_trust_begins() {
        let source = TufSource::production();
        source.embedded.clone().check().unwrap();
        let root = sigstore_tuf::TrustedMetadataSet::from_root(&source.root).unwrap();
        assert_eq!(root.root().version, 16);
    }
}
