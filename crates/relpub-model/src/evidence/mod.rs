//! Evidence: who signs, what is said about which bytes, and what a log recorded.

mod pieces;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::production;

pub use pieces::{Carried, Carrier, MOST_SUBJECTS, Piece, Required, promotion_asset, subjects};

/// The issuer of the identity tokens of GitHub Actions.
pub const GITHUB_ACTIONS: &str = "https://token.actions.githubusercontent.com";

/// The predicate type of a CycloneDX SBOM about an artifact.
pub const CYCLONEDX: &str = "https://cyclonedx.org/bom";

/// What a piece of evidence says about an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceKind {
    /// A signature over the bytes themselves, in a bundle beside the file.
    Signature,
    /// That these bytes may go to these destinations.
    Promotion,
    /// That these bytes were seen at these destinations.
    Receipt,
    /// What the bytes contain.
    Sbom,
    /// That the uploader of a file to PyPI is who the project expects (PEP 740).
    Publish,
}

impl EvidenceKind {
    /// Returns the kind as files spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Promotion => "promotion",
            Self::Receipt => "receipt",
            Self::Sbom => "sbom",
            Self::Publish => "publish",
        }
    }

    /// Returns the predicate type of the statement, or `None` for a signature,
    /// which is over the bytes and says nothing else.
    pub fn predicate_type(self) -> Option<String> {
        match self {
            Self::Signature => None,
            Self::Promotion => Some(production::PROMOTION_PREDICATE.to_owned()),
            Self::Receipt => Some(production::RECEIPT_PREDICATE.to_owned()),
            Self::Sbom => Some(CYCLONEDX.to_owned()),
            Self::Publish => Some(production::publish_predicate()),
        }
    }
}

/// What a statement is about: bytes, under a name that helps people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// The file name.
    pub name: String,
    /// The digest of the bytes, by which alone a subject is found.
    pub sha256: Sha256,
}

/// One signer that is expected: what the identity behind a signature must claim.
///
/// What is `None` is not compared. A list of rules is satisfied by one of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SignerRule {
    /// The issuer of the identity, such as [`GITHUB_ACTIONS`].
    pub issuer: String,
    /// The repository that ran: `owner/name` at GitHub, or an `https` URL.
    pub repository: String,
    /// GitHub's number for that repository. Names can be registered again,
    /// numbers cannot.
    pub repository_id: Option<u64>,
    /// A glob for the workflow's path in the repository, or for
    /// `owner/name/path` of one in another. `None` is any of the repository.
    pub workflow: Option<String>,
    /// A glob for the full ref that the run was for, such as `refs/tags/v*`.
    pub git_ref: Option<String>,
    /// The deployment environment, exactly.
    pub environment: Option<String>,
}

/// What an identity claims: an identity token, or the certificate made from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SignerClaims {
    /// The issuer of the identity.
    pub issuer: String,
    /// The identity: a workflow's URL with its ref, or an e-mail address. It is
    /// what other tools call the certificate identity.
    pub identity: String,
    /// The URL of the repository that ran.
    pub repository: Option<String>,
    /// GitHub's number for it.
    pub repository_id: Option<u64>,
    /// The workflow as `owner/name/path`, without a ref.
    pub workflow: Option<String>,
    /// The ref that the run was for.
    pub git_ref: Option<String>,
    /// The deployment environment.
    pub environment: Option<String>,
    /// The commit that the run was for.
    pub commit: Option<String>,
    /// Where people see the run.
    pub run: Option<String>,
}

/// Where a transparency log holds a signature.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LogEntry {
    /// The log, by the hexadecimal digest of its key.
    pub log: String,
    /// The log's address in the trusted root.
    pub url: String,
    /// The entry's index over all shards of the log.
    pub index: u64,
    /// When the log says it took the entry in; only a Rekor v1 log vouches for
    /// a time.
    pub integrated: Option<Timestamp>,
}
