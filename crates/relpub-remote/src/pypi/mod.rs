//! Package indexes with PyPI's upload API.
//!
//! Files go up one by one and are public at once. Whatever a server says about
//! an upload, the simple index has the last word: by the file's digest.

mod form;
mod index;
mod integrity;
mod login;
mod page;
mod refusal;
mod trusted;
mod upload;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::try_join_all;
use relpub_model::config::{Audience, ConfirmBy, Destination};
use relpub_model::decision::Decision;
use relpub_model::dist::DistName;
use relpub_model::findings::Distribution;
use relpub_model::name::{FileName, ProjectName};
use relpub_model::observed::{CredentialState, Holdings};
use relpub_model::promotion::Edge;
use relpub_model::world::{Identity, Index};
use tokio::sync::Semaphore;
use url::Url;

use self::login::Login;
use crate::blobs::Blobs;
use crate::http::{Deed, Http, RemoteError};
use crate::publisher::{Confirmed, Probe, Proof};
use crate::secret::Environment;

/// How many files of one project are uploaded at once.
const PERMITS: usize = 4;

/// A package index with PyPI's upload API.
#[derive(Clone)]
pub struct PyPi {
    inner: Arc<Inner>,
    distributions: Arc<BTreeMap<FileName, Distribution>>,
}

struct Inner {
    http: Http,
    /// The index's name for people, such as `PyPI`.
    service: String,
    urls: Index,
    /// As whom the index is read.
    audience: Audience,
    login: Login,
    permits: Mutex<BTreeMap<ProjectName, Arc<Semaphore>>>,
}

impl PyPi {
    /// Returns the client of an index. Nothing is asked, and a credential that is
    /// not there is missed only when it is needed.
    ///
    /// `identity` is the issuer of a world; `None` means the CI's own.
    pub fn new(
        http: Http,
        destination: &Destination,
        urls: &Index,
        environment: &Environment,
        identity: Option<&Identity>,
    ) -> Self {
        let service = match destination.name.as_str() {
            "pypi" => "PyPI",
            "testpypi" => "TestPyPI",
            other => other,
        };
        let login = Login::new(&http, service, destination, urls, environment, identity);
        Self {
            inner: Arc::new(Inner {
                http,
                service: service.to_owned(),
                urls: urls.clone(),
                audience: destination.audience,
                login,
                permits: Mutex::default(),
            }),
            distributions: Arc::default(),
        }
    }

    pub(crate) fn with_distributions(
        mut self,
        distributions: Arc<BTreeMap<FileName, Distribution>>,
    ) -> Self {
        self.distributions = distributions;
        self
    }

    pub(crate) async fn credential(&self) -> CredentialState {
        self.inner.login.state().await
    }

    /// Reads the page of every project that a wanted name belongs to.
    pub(crate) async fn probe(
        &self,
        wanted: &[FileName],
        fresh: bool,
    ) -> Result<Probe, RemoteError> {
        let projects: BTreeSet<_> = wanted.iter().filter_map(project_of).collect();
        let audience = self.inner.audience;
        let pages = projects
            .iter()
            .map(|project| self.inner.page(project, audience, fresh));
        let pages = try_join_all(pages).await?;
        let born = pages.iter().map(|page| page.born).min();
        let held = pages.into_iter().map(|page| page.project);
        Ok(Probe {
            born: born.unwrap_or_else(|| self.inner.http.now()),
            holdings: Holdings::Index(projects.into_iter().zip(held).collect()),
        })
    }

    /// Uploads files, one after the other, each with its attestations.
    pub(crate) async fn publish(
        &self,
        edges: &[Edge],
        blobs: &dyn Blobs,
        attestations: &BTreeMap<FileName, Vec<Vec<u8>>>,
    ) -> Result<Proof, RemoteError> {
        let mut proof = Proof {
            already: true,
            url: None,
        };
        for edge in edges {
            let attestations = attestations.get(&edge.name).map_or(&[][..], Vec::as_slice);
            let next = self.upload(edge, blobs, attestations).await?;
            proof.already &= next.already;
            proof.url = next.url;
        }
        Ok(proof)
    }

    /// Looks at what an installer would find: the index page, past caches as
    /// installers do, and for [`ConfirmBy::Bytes`] the files it links to.
    pub(crate) async fn confirm(
        &self,
        edges: &[Edge],
        audience: Audience,
        by: ConfirmBy,
    ) -> Result<Vec<Confirmed>, RemoteError> {
        let projects: BTreeSet<_> = edges
            .iter()
            .filter_map(|edge| project_of(&edge.name))
            .collect();
        let read = projects
            .iter()
            .map(|project| self.inner.page(project, audience, true));
        let pages = try_join_all(read).await?;
        let pages: BTreeMap<_, _> = projects.iter().zip(&pages).collect();
        let look = edges.iter().map(|edge| async {
            let page = project_of(&edge.name).and_then(|project| pages.get(&project).copied());
            let presence = self.inner.presence(edge, page, audience, by).await?;
            let name = edge.name.clone();
            Ok(Confirmed { name, presence })
        });
        try_join_all(look).await
    }
}

impl Inner {
    fn deed(&self, operation: &str, thing: &impl ToString) -> Deed {
        Deed::new(&self.service, operation, thing.to_string())
    }

    fn permits(&self, project: &ProjectName) -> Arc<Semaphore> {
        let mut all = self.permits.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Semaphore::new(PERMITS));
        Arc::clone(all.entry(project.clone()).or_insert_with(new))
    }
}

/// Returns the project that a distribution file belongs to; `None` for the name
/// of something else, which no index takes.
fn project_of(name: &FileName) -> Option<ProjectName> {
    let parsed: DistName = name.as_str().parse().ok()?;
    Some(parsed.project().clone())
}

fn parse(url: &str, deed: &Deed) -> Result<Url, RemoteError> {
    let parsed = Url::parse(url);
    parsed.map_err(|error| {
        let why = format!("`{url}` is no URL: {error}");
        RemoteError::new(deed, Decision::Protocol, why)
    })
}
