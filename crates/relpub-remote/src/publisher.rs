//! Destinations behind one face: what each of them can be asked to do.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use relpub_model::config::{Audience, ConfirmBy};
use relpub_model::findings::{Bytes, Distribution};
use relpub_model::name::{Commit, FileName};
use relpub_model::notes::Notes;
use relpub_model::observed::{CredentialState, Holdings};
use relpub_model::plan::{Pointer, Presence};
use relpub_model::promotion::Edge;
use relpub_model::version::Tag;

use crate::blobs::Blobs;
use crate::github::GitHub;
use crate::http::RemoteError;
use crate::pypi::PyPi;

/// A destination.
#[derive(Clone)]
pub enum Publisher {
    /// A package index with PyPI's upload API.
    PyPi(PyPi),
    /// GitHub Releases of a repository.
    GitHub(GitHub),
}

/// What a destination holds, and how old that news is.
#[derive(Clone, Debug)]
pub struct Probe {
    /// What it holds of what was asked for.
    pub holdings: Holdings,
    /// When the answer was generated; a cache may have kept it since.
    pub born: Timestamp,
}

/// The set that a session is opened for.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// The tag.
    pub tag: &'a Tag,
    /// The full commit that the tag is at, or will be.
    pub commit: &'a Commit,
    /// Title and text, the marker included.
    pub notes: &'a Notes,
    /// Whether the version is a prerelease.
    pub prerelease: bool,
    /// What marks a draft as ours.
    pub marker: &'a str,
    /// The files.
    pub edges: &'a [Edge],
}

/// What was opened to put the set into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// Nothing: files go out one by one.
    None,
    /// A release.
    Release {
        /// The server's number for it.
        id: u64,
        /// Whether it is not public yet.
        draft: bool,
    },
}

/// The evidence that goes public together with the files that it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// The PEP 740 attestation objects of a file, each as JSON; an index takes
    /// them only with the upload.
    pub attestations: BTreeMap<FileName, Vec<Vec<u8>>>,
    /// What lies in a draft beside the artifacts, put there by
    /// [`Publisher::attach`]. A draft becomes public only if it has just these.
    pub files: BTreeMap<FileName, Bytes>,
}

/// Something is as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Whether it was found to be so already.
    pub already: bool,
    /// Where people see it.
    pub url: Option<String>,
}

/// What a consumer finds under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// The name.
    pub name: FileName,
    /// What is there.
    pub presence: Presence,
}

impl Publisher {
    /// Reads what the destination holds of the wanted names. Never writes.
    ///
    /// `fresh` goes past caches.
    pub async fn probe(&self, wanted: &[FileName], fresh: bool) -> Result<Probe, RemoteError> {
        match self {
            Self::PyPi(pypi) => pypi.probe(wanted, fresh).await,
            Self::GitHub(github) => github.probe(wanted, fresh).await,
        }
    }

    /// Tells how the credential looks, without using it up.
    pub async fn credential(&self) -> CredentialState {
        match self {
            Self::PyPi(pypi) => pypi.credential().await,
            Self::GitHub(github) => github.credential().await,
        }
    }

    /// Hands over what the files are; an index wants their metadata in the upload.
    pub fn with_distributions(self, distributions: Arc<BTreeMap<FileName, Distribution>>) -> Self {
        match self {
            Self::PyPi(pypi) => Self::PyPi(pypi.with_distributions(distributions)),
            Self::GitHub(github) => Self::GitHub(github),
        }
    }

    /// Opens what the set is put into: adopts or creates a release's draft,
    /// exactly once.
    pub async fn open(&self, what: &Opening<'_>) -> Result<Session, RemoteError> {
        match self {
            Self::PyPi(_) => Ok(Session::None),
            Self::GitHub(github) => github.open(what).await,
        }
    }

    /// Puts a file where nobody sees it yet.
    ///
    /// An index has no such place; there it does nothing.
    pub async fn stage(
        &self,
        session: &Session,
        edge: &Edge,
        blobs: &dyn Blobs,
    ) -> Result<Proof, RemoteError> {
        match self {
            Self::PyPi(_) => Ok(Proof {
                already: true,
                url: None,
            }),
            Self::GitHub(github) => github.stage(session, edge, blobs).await,
        }
    }

    /// Makes files public: uploads them to an index, or publishes the draft that
    /// they were staged in.
    pub async fn publish(
        &self,
        session: &Session,
        edges: &[Edge],
        blobs: &dyn Blobs,
    ) -> Result<Proof, RemoteError> {
        self.publish_with(session, edges, blobs, &Carried::default())
            .await
    }

    /// Makes files public together with their evidence.
    pub async fn publish_with(
        &self,
        session: &Session,
        edges: &[Edge],
        blobs: &dyn Blobs,
        carried: &Carried,
    ) -> Result<Proof, RemoteError> {
        match self {
            Self::PyPi(pypi) => pypi.publish(edges, blobs, &carried.attestations).await,
            Self::GitHub(github) => github.publish(session, edges, blobs, carried).await,
        }
    }

    /// Puts a small file of our own, such as a bundle, beside the artifacts: into
    /// the draft, or into a published release that takes it.
    ///
    /// The same bytes are left alone; other bytes under the name give way if
    /// `replace` says so, and are a conflict otherwise. An index has no place for
    /// such a file; there it does nothing.
    pub async fn attach(
        &self,
        session: &Session,
        name: &FileName,
        media_type: &'static str,
        bytes: &[u8],
        replace: bool,
    ) -> Result<Proof, RemoteError> {
        match self {
            Self::PyPi(_) => Ok(Proof {
                already: true,
                url: None,
            }),
            Self::GitHub(github) => {
                github
                    .attach(session, name, media_type, bytes, replace)
                    .await
            }
        }
    }

    /// Looks once at what consumers find, by the way they take.
    pub async fn confirm(
        &self,
        edges: &[Edge],
        audience: Audience,
        by: ConfirmBy,
    ) -> Result<Vec<Confirmed>, RemoteError> {
        match self {
            Self::PyPi(pypi) => pypi.confirm(edges, audience, by).await,
            Self::GitHub(github) => github.confirm(edges, audience, by).await,
        }
    }

    /// Moves a pointer; an index has none.
    pub async fn point(&self, session: &Session, pointer: &Pointer) -> Result<Proof, RemoteError> {
        match self {
            Self::PyPi(_) => Ok(Proof {
                already: true,
                url: None,
            }),
            Self::GitHub(github) => github.point(session, pointer).await,
        }
    }
}
