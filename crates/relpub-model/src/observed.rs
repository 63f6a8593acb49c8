//! What the outside holds, as it was read before the plan.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::decision::Failure;
use crate::digest::Sha256;
use crate::evidence::{Carrier, Piece, SignerClaims};
use crate::name::{Commit, DestinationName, ProjectName};

/// What every destination holds, and what else a plan rests on.
#[derive(Clone, Debug)]
pub struct Observed {
    /// When it was read.
    pub at: Timestamp,
    /// Where the tag is.
    pub tag: Known<TagState>,
    /// What each destination holds.
    pub destinations: BTreeMap<DestinationName, Known<Holdings>>,
    /// How each destination's credential looks from here.
    pub credentials: BTreeMap<DestinationName, CredentialState>,
    /// What was found of the evidence that is required, once it was looked for.
    pub evidence: BTreeMap<Piece, BTreeMap<Carrier, Seen>>,
    /// What a signed receipt statement names as missing for good.
    pub debts_named: Vec<(Piece, Carrier)>,
    /// Whom this machine would sign as.
    pub signer: SignerState,
    /// What a person should know about how it was read.
    pub warnings: Vec<String>,
    /// The text for the release: GitHub's generated notes, fetched once.
    pub generated_notes: Option<Known<String>>,
}

impl Observed {
    /// Returns an observation of one destination only.
    pub fn of(at: Timestamp, name: DestinationName, holdings: Known<Holdings>) -> Self {
        Self {
            at,
            tag: Known::Seen(TagState::Absent),
            destinations: BTreeMap::from([(name, holdings)]),
            credentials: BTreeMap::new(),
            evidence: BTreeMap::new(),
            debts_named: Vec::new(),
            signer: SignerState::NotAsked,
            warnings: Vec::new(),
            generated_notes: None,
        }
    }
}

/// Something that was read, or could not be.
#[derive(Clone, Debug)]
pub enum Known<T> {
    /// It was read.
    Seen(T),
    /// It could not be read.
    Unknown(Failure),
}

/// Where a tag is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagState {
    /// It does not exist.
    Absent,
    /// It points, peeled, at this commit.
    At(Commit),
}

/// What a destination holds of what is wanted, and around it.
#[derive(Clone, Debug)]
pub enum Holdings {
    /// A package index, by project.
    Index(BTreeMap<ProjectName, IndexProject>),
    /// The releases of a repository.
    Releases(Releases),
}

/// A project on a package index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexProject {
    /// Whether the index knows the project at all.
    pub exists: bool,
    /// The index's word for its state, such as `active` or `quarantined`.
    pub status: String,
    /// Every file of the project, of all versions.
    pub files: Vec<Held>,
}

/// The releases of a repository, as far as they concern one tag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Releases {
    /// The published release of the tag.
    pub published: Option<ForgeRelease>,
    /// Drafts that name the tag; visible only to those who may push.
    pub drafts: Vec<ForgeRelease>,
    /// Whether drafts would have been seen.
    pub drafts_visible: bool,
    /// The tag of the release that GitHub calls the latest.
    pub latest: Option<String>,
    /// The tags of all published releases that are no prereleases.
    pub stable_tags: Vec<String>,
}

/// A release at a forge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgeRelease {
    /// The server's number for it.
    pub id: u64,
    /// Our marker in its body, if it is there.
    pub marker: Option<String>,
    /// Whether it is an immutable release.
    pub immutable: bool,
    /// Its assets.
    pub assets: Vec<Held>,
}

/// A file at a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The name that the destination gives it.
    pub name: String,
    /// The digest, where the destination tells one.
    pub sha256: Option<Sha256>,
    /// The size in bytes, where the destination tells it.
    pub size: Option<u64>,
    /// What became of it.
    pub state: HeldState,
    /// When it was uploaded, where the destination tells it.
    pub uploaded: Option<Timestamp>,
}

/// What became of a file at a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldState {
    /// It is complete.
    Complete,
    /// Its upload began and did not end.
    Incomplete,
    /// It was withdrawn and can still be downloaded by name.
    Yanked,
    /// Its download has other bytes than the destination says.
    Altered,
}

/// How a destination's credential looks from here, without using it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialState {
    /// None is needed.
    NotNeeded,
    /// It is there and looks right.
    Ready,
    /// It is not there; says what was looked for.
    Absent(String),
    /// It cannot be right, or the server refused it; says why.
    Bad(String),
    /// It could not be checked.
    Unknown(Failure),
}

/// What a carrier holds of a piece of evidence.
#[derive(Clone, Debug)]
pub enum Seen {
    /// Nothing.
    Absent,
    /// An upload that began and did not end.
    Incomplete,
    /// It: it verifies, it is about the subject, and an expected signer made it.
    Valid,
    /// A statement by an expected signer about another promotion of this tag,
    /// such as one by an earlier configuration.
    Other,
    /// Something that is not it; says why.
    Rejected(String),
    /// It could not be read.
    Unknown(Failure),
}

/// Whom this machine would sign as.
#[derive(Clone, Debug, Default)]
pub enum SignerState {
    /// Nobody asked, because nothing is to be signed.
    #[default]
    NotAsked,
    /// An expected signer.
    Ready(SignerClaims),
    /// No identity can be had here; says what was looked for.
    Absent(String),
    /// An identity that is none of the expected ones; says why.
    Wrong(String),
    /// It could not be told.
    Unknown(Failure),
}
