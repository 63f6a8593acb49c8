//! A package index that behaves as PyPI does.
//!
//! It takes uploads over the legacy protocol with the server's checks in the
//! server's order, mints upload tokens for trusted publishers, and is read by
//! the simple index, the JSON API and plain downloads. The names of fields,
//! pages and messages are those of PyPI's server; help pages that messages
//! point to are under the sandbox's own address.

mod archive;
mod attestations;
mod auth;
mod cdn;
mod control;
mod control_fields;
mod download;
mod form;
mod integrity;
mod json_api;
mod metadata;
mod names;
mod negotiate;
mod refusal;
mod simple;
mod state;
mod stdlib;
mod trusted;
mod upload;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::routing::{get, post};
use http::Method;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use self::auth::{Scope, Sender, Tokens};
use self::cdn::Cdn;
use self::trusted::Exchange;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::identity::Identity;
use crate::secrets::Secrets;
use crate::service::Service;
use crate::sigstore::Sigstore;
use crate::world::Shared;
use crate::world_file::{Environment, IndexUrls, WorldFile};

pub use self::control::{IndexFile, Upload, Uploads};
pub use self::state::ProjectStatus;
pub use self::trusted::{Publisher, PublisherProjects};

/// A package index of a world.
#[derive(Clone)]
pub struct PyPi {
    inner: Arc<Inner>,
}

struct Inner {
    /// Its name, which is also the audience of identity tokens.
    name: &'static str,
    /// Its address, without a slash at the end.
    url: String,
    clock: Clock,
    disk: Disk,
    secrets: Secrets,
    identity: Identity,
    sigstore: Sigstore,
    /// The predicate type of publish attestations.
    publish_predicate: String,
    cdn: Cdn,
    state: Mutex<Guarded>,
    turn: Mutex<()>,
}

/// What requests and tests change.
struct Guarded {
    index: state::State,
    tokens: Tokens,
    exchange: Exchange,
    uploads: Uploads,
}

impl PyPi {
    /// The name of the user who owns the projects.
    pub const USER: &'static str = "sandbox";

    /// Opens the index called `name` at `url`, with the state it had before.
    pub(crate) fn open(
        shared: &Shared,
        url: String,
        name: &'static str,
        identity: &Identity,
        sigstore: &Sigstore,
    ) -> io::Result<Self> {
        let disk = shared.disk.folder(name)?;
        let state = Guarded {
            index: state::State::open(&disk)?,
            tokens: Tokens::open(&disk)?,
            exchange: Exchange::open(&disk, &shared.names.repository)?,
            uploads: Uploads::Open,
        };
        let inner = Inner {
            name,
            url,
            clock: shared.clock.clone(),
            disk,
            secrets: shared.secrets.clone(),
            identity: identity.clone(),
            sigstore: sigstore.clone(),
            publish_predicate: shared.names.publish_predicate.clone(),
            cdn: Cdn::default(),
            state: Mutex::new(state),
            turn: Mutex::default(),
        };
        let pypi = Self {
            inner: Arc::new(inner),
        };
        pypi.standing_token("user", Scope::User)?;
        Ok(pypi)
    }

    /// Returns the index as a service.
    pub(crate) fn service(&self) -> Service {
        let router = Router::new()
            .route("/legacy", post(upload::missing_slash))
            .route("/legacy/", post(upload::upload))
            .route("/_/oidc/audience", get(trusted::audience))
            .route("/_/oidc/mint-token", post(trusted::mint))
            .route("/_/oidc/github/mint-token", post(trusted::mint))
            .route("/simple/", get(simple::root))
            .route("/simple/{project}", get(simple::missing_slash))
            .route("/simple/{project}/", get(simple::project))
            .route("/files/{sha256}/{filename}", get(download::file))
            .route("/pypi/{project}/json", get(json_api::project))
            .route("/pypi/{project}/{version}/json", get(json_api::release))
            .route(
                "/integrity/{project}/{version}/{filename}/provenance",
                get(integrity::provenance),
            )
            .route("/_sandbox/projects/{project}", post(control::configure))
            .with_state(self.clone());
        Service {
            name: self.inner.name,
            router,
            endpoint,
            mutates: |method, path| {
                method == Method::POST && matches!(endpoint(method, path), "upload" | "mint-token")
            },
        }
    }

    /// Tells clients where the index is and what they upload with.
    ///
    /// Tools that know only one index are pointed to the one called `pypi`.
    pub(crate) fn describe(&self, file: &mut WorldFile, environment: &mut Environment) {
        let Inner { name, url, .. } = &*self.inner;
        let (upload, index) = (format!("{url}/legacy/"), format!("{url}/simple/"));
        let token = self.token();
        let mut set = |name: &str, value: &str| {
            environment.insert(name.to_owned(), value.to_owned());
        };
        set(&format!("{}_TOKEN", name.to_ascii_uppercase()), &token);
        if *name == "pypi" {
            set("TWINE_REPOSITORY_URL", &upload);
            set("TWINE_USERNAME", "__token__");
            set("TWINE_PASSWORD", &token);
            set("UV_PUBLISH_URL", &upload);
            set("UV_PUBLISH_TOKEN", &token);
            set("UV_PUBLISH_CHECK_URL", &index);
            set("UV_DEFAULT_INDEX", &index);
            set("PIP_INDEX_URL", &index);
        }
        let urls = IndexUrls { upload, index };
        file.indexes.insert((*name).to_owned(), urls);
    }

    fn cdn(&self) -> &Cdn {
        &self.inner.cdn
    }

    fn standing_token(&self, name: &str, scope: Scope) -> io::Result<String> {
        let Inner {
            name: index,
            secrets,
            ..
        } = &*self.inner;
        let token = secrets.standing(&format!("{index}-{name}"), "pypi-")?;
        let sender = Sender {
            scope,
            publisher: None,
        };
        self.inner.lock().tokens.add(&token, sender, None)?;
        Ok(token)
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Guarded> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until no other upload is being judged.
    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file_url(&self, file: &state::File) -> String {
        format!("{}/files/{}/{}", self.url, file.sha256, file.filename)
    }
}

fn endpoint(_: &Method, path: &str) -> &'static str {
    match path {
        "/legacy" | "/legacy/" => "upload",
        "/_/oidc/audience" => "audience",
        "/_/oidc/mint-token" | "/_/oidc/github/mint-token" => "mint-token",
        _ if path.starts_with("/simple/") => "simple",
        _ if path.starts_with("/files/") => "file",
        _ if path.starts_with("/integrity/") => "integrity",
        _ if path.starts_with("/pypi/") => "json",
        _ if path.starts_with("/_sandbox/") => "control",
        _ => "unknown",
    }
}

/// Returns a time as the index writes it, with six digits behind the second.
fn instant(time: Timestamp) -> String {
    let time = time.to_zoned(TimeZone::UTC);
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}
