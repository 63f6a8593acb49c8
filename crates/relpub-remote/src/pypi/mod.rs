//! Package indexes with PyPI's upload API.

use std::collections::BTreeMap;
use std::sync::Arc;

use relpub_model::config::{Audience, ConfirmBy};
use relpub_model::decision::Decision;
use relpub_model::findings::Distribution;
use relpub_model::name::FileName;
use relpub_model::observed::CredentialState;
use relpub_model::promotion::Edge;

use crate::blobs::Blobs;
use crate::http::{Deed, RemoteError};
use crate::publisher::{Confirmed, Probe, Proof};

/// A package index with PyPI's upload API.
#[derive(Clone)]
pub struct PyPi {
    distributions: Arc<BTreeMap<FileName, Distribution>>,
}

impl PyPi {
    pub(crate) fn with_distributions(
        mut self,
        distributions: Arc<BTreeMap<FileName, Distribution>>,
    ) -> Self {
        self.distributions = distributions;
        self
    }

    pub(crate) async fn probe(&self, _: &[FileName], _: bool) -> Result<Probe, RemoteError> {
        Err(self.absent("read the index"))
    }

    pub(crate) async fn credential(&self) -> CredentialState {
        CredentialState::NotNeeded
    }

    pub(crate) async fn publish(&self, _: &[Edge], _: &dyn Blobs) -> Result<Proof, RemoteError> {
        Err(self.absent("upload"))
    }

    pub(crate) async fn confirm(
        &self,
        _: &[Edge],
        _: Audience,
        _: ConfirmBy,
    ) -> Result<Vec<Confirmed>, RemoteError> {
        Err(self.absent("read back"))
    }

    fn absent(&self, operation: &str) -> RemoteError {
        let _ = &self.distributions;
        let deed = Deed::new("PyPI", operation, "");
        RemoteError::new(&deed, Decision::Protocol, "not there yet")
    }
}
