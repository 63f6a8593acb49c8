//! GitHub Releases: a draft, its assets, and the release they become.

use relpub_model::config::{Audience, ConfirmBy};
use relpub_model::decision::Decision;
use relpub_model::name::{FileName, Repository};
use relpub_model::observed::CredentialState;
use relpub_model::plan::Pointer;
use relpub_model::promotion::Edge;

use crate::blobs::Blobs;
use crate::http::{Deed, Http, RemoteError};
use crate::publisher::{Confirmed, Opening, Probe, Proof, Session};
use crate::secret::Secret;

/// GitHub Releases of a repository.
#[derive(Clone)]
pub struct GitHub {
    http: Http,
    endpoints: relpub_model::world::GitHub,
    repository: Repository,
    token: Option<Secret>,
}

impl GitHub {
    /// Returns a client for the releases of a repository.
    pub fn new(
        http: Http,
        endpoints: &relpub_model::world::GitHub,
        repository: Repository,
        token: Option<Secret>,
    ) -> Self {
        Self {
            http,
            endpoints: endpoints.clone(),
            repository,
            token,
        }
    }

    pub(crate) async fn probe(&self, _: &[FileName], _: bool) -> Result<Probe, RemoteError> {
        Err(self.absent("read the releases"))
    }

    pub(crate) async fn credential(&self) -> CredentialState {
        CredentialState::Absent("GITHUB_TOKEN".to_owned())
    }

    pub(crate) async fn open(&self, _: &Opening<'_>) -> Result<Session, RemoteError> {
        Err(self.absent("create the draft"))
    }

    pub(crate) async fn stage(
        &self,
        _: &Session,
        _: &Edge,
        _: &dyn Blobs,
    ) -> Result<Proof, RemoteError> {
        Err(self.absent("upload"))
    }

    pub(crate) async fn publish(
        &self,
        _: &Session,
        _: &[Edge],
        _: &dyn Blobs,
    ) -> Result<Proof, RemoteError> {
        Err(self.absent("publish"))
    }

    pub(crate) async fn confirm(
        &self,
        _: &[Edge],
        _: Audience,
        _: ConfirmBy,
    ) -> Result<Vec<Confirmed>, RemoteError> {
        Err(self.absent("read back"))
    }

    pub(crate) async fn point(&self, _: &Session, _: &Pointer) -> Result<Proof, RemoteError> {
        Err(self.absent("point to"))
    }

    fn absent(&self, operation: &str) -> RemoteError {
        let _ = (&self.http, &self.endpoints, &self.token);
        let deed = Deed::new("GitHub", operation, self.repository.to_string());
        RemoteError::new(&deed, Decision::Protocol, "not there yet")
    }
}
