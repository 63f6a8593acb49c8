//! The plan: what is left to do, made afresh on every run by a pure function.

mod assemble;
mod assumptions;
mod credentials;
mod evidence;
mod expect;
mod pointer;
mod presence;
mod steps;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::blocker::{Blocker, Exit, exit_of};
use crate::config::{Config, Kind};
use crate::digest::Sha256;
use crate::evidence::{Carrier, Piece, SignerClaims};
use crate::findings::Distribution;
use crate::name::{DestinationName, FileName, SourcePath};
use crate::notes::Notes;
use crate::promotion::{Edge, Promotion, PromotionId};

pub use assemble::service_name;
pub use credentials::repository;
pub(crate) use evidence::judge as judge_evidence;
pub use evidence::{CarrierRow, EvidenceRow, EvidenceState, against};
pub use expect::{Expectation, ExpectationError};
pub(crate) use pointer::left_to_do;
pub(crate) use presence::judge;

/// What is left to do, as a whole table: every artifact and destination, the
/// steps, every reason against it, and what it takes for granted.
///
/// Format 1: the first. It is written for people and for `--expect`; it is
/// never read back to be executed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plan {
    /// The version of this format.
    pub format: u32,
    /// The promotion's id.
    pub id: PromotionId,
    /// What must be true at the end.
    pub promotion: Promotion,
    /// Whether the version is a prerelease.
    pub prerelease: bool,
    /// Where the artifacts are, for people.
    pub source: Vec<String>,
    /// One row per artifact and published name.
    pub rows: Vec<Row>,
    /// The evidence that is required, and what each carrier holds of it.
    pub evidence: Vec<EvidenceRow>,
    /// Whom this machine signs as, where it signs.
    pub signer: Option<SignerClaims>,
    /// What is left to do, in order.
    pub steps: Vec<Step>,
    /// What speaks against it anywhere, worst first.
    pub blockers: Vec<Blocker>,
    /// What keeps this machine from doing it; another one might.
    pub blockers_here: Vec<Blocker>,
    /// What could not be read and is taken for granted.
    pub assumptions: Vec<String>,
    /// What a person should know and nothing depends on.
    pub warnings: Vec<String>,
    /// What people still do by hand afterwards.
    pub follow_ups: Vec<String>,
    /// The release's title and text; `None` without a release.
    pub notes: Option<Notes>,
    /// The metadata of the distributions that are to be uploaded.
    #[serde(skip)]
    pub distributions: BTreeMap<FileName, Distribution>,
    /// The documents that describe artifacts, by the artifacts' digests.
    #[serde(skip)]
    pub sboms: BTreeMap<Sha256, Sha256>,
    /// What a signed receipt statement already names as missing for good.
    #[serde(skip)]
    pub debts_named: Vec<(Piece, Carrier)>,
    /// The configuration it was made from.
    #[serde(skip)]
    pub config: Config,
}

/// An artifact under one published name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Row {
    /// Its path in the source.
    pub path: SourcePath,
    /// The published name.
    pub name: FileName,
    /// What it is.
    pub kind: Kind,
    /// Its size in bytes; `None` when it could not be fetched.
    pub size: Option<u64>,
    /// Its digest; `None` when it could not be fetched.
    pub sha256: Option<Sha256>,
    /// How many components its SBOM names; `None` when none was made.
    pub components: Option<usize>,
    /// What each destination it goes to holds under that name.
    pub presence: BTreeMap<DestinationName, Presence>,
}

/// What a destination holds of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Presence {
    /// Nothing.
    Absent,
    /// The same bytes, not public yet.
    Staged,
    /// The same bytes, public.
    Same,
    /// An upload that began and did not end.
    Partial,
    /// Something else.
    Conflict,
    /// Nothing, and it would not be taken.
    Refused,
    /// Withdrawn.
    Withdrawn,
    /// Not known.
    Unknown,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Step {
    /// On which side of which barrier.
    pub phase: Phase,
    /// The destination's place in the order of regret; lower goes first.
    pub rank: u8,
    /// Within a rank: steps of the same wave run together.
    pub wave: u32,
    /// What is done.
    pub action: Action,
}

/// The phases, in order. A barrier stands before `Publish`: everything hidden is
/// in place; and before `Point`: everything public was read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Hidden.
    Stage,
    /// Public and final.
    Publish,
    /// Read back.
    Confirm,
    /// Pointers.
    Point,
    /// What was seen, signed.
    Record,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
pub enum Action {
    /// Makes a piece of evidence, and a log entry for it.
    Sign {
        /// The piece.
        piece: Piece,
    },
    /// Adopts or creates the draft of a release.
    Open {
        /// The destination.
        destination: DestinationName,
    },
    /// Puts an artifact where nobody sees it yet.
    Stage {
        /// The artifact and its place.
        edge: Edge,
    },
    /// Puts a piece of evidence where it is carried.
    Attach {
        /// The piece.
        piece: Piece,
        /// The carrier.
        carrier: Carrier,
    },
    /// Makes an artifact public.
    Upload {
        /// The artifact and its place.
        edge: Edge,
    },
    /// Makes the tag.
    CreateTag,
    /// Makes a staged set public.
    Release {
        /// The destination.
        destination: DestinationName,
    },
    /// Reads everything back that goes to a destination.
    Confirm {
        /// The destination.
        destination: DestinationName,
    },
    /// Moves a pointer.
    Point {
        /// The pointer.
        pointer: Pointer,
    },
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sign {
                piece: Piece::Signature { of },
            } => write!(f, "signing {}", of.name),
            Self::Sign { piece } => write!(f, "signing the {piece}"),
            Self::Attach { piece, carrier } => write!(f, "{piece} to {carrier}"),
            Self::Open { destination } => write!(f, "draft at {}", service_name(destination)),
            Self::Stage { edge } => write!(
                f,
                "{} into the draft at {}",
                edge.name,
                service_name(&edge.destination)
            ),
            Self::Upload { edge } => {
                write!(f, "{} to {}", edge.name, service_name(&edge.destination))
            }
            Self::CreateTag => f.write_str("tag"),
            Self::Release { destination } => write!(f, "release at {}", service_name(destination)),
            Self::Confirm { destination } => {
                write!(f, "reading back from {}", service_name(destination))
            }
            Self::Point {
                pointer: Pointer::Latest {
                    destination, to, ..
                },
            } => {
                write!(f, "latest at {} to {to}", service_name(destination))
            }
        }
    }
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asset { destination, name } => {
                write!(f, "{} as {name}", service_name(destination))
            }
            Self::Store => f.write_str("GitHub's attestation store"),
            Self::Index { destination } => f.write_str(service_name(destination)),
        }
    }
}

/// A pointer and where it moves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "pointer")]
pub enum Pointer {
    /// GitHub's "latest".
    Latest {
        /// The destination.
        destination: DestinationName,
        /// The tag it names now, if any.
        from: Option<String>,
        /// The tag it will name.
        to: String,
    },
}

/// A plan with nothing against it. It is the only thing that can be executed,
/// and it cannot be read from a file.
#[derive(Clone, Debug)]
pub struct Cleared(Plan);

impl Cleared {
    /// Returns the plan.
    pub fn plan(&self) -> &Plan {
        &self.0
    }
}

/// A plan with something against it.
#[derive(Clone, Debug)]
pub struct Blocked(pub Plan);

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.blockers.len() + self.0.blockers_here.len();
        let plural = if count == 1 { "reason" } else { "reasons" };
        write!(f, "blocked: {count} {plural}, nothing was changed")
    }
}

impl std::error::Error for Blocked {}

impl Plan {
    /// Hands the plan over to be executed, unless something speaks against it,
    /// here or anywhere.
    #[expect(
        clippy::result_large_err,
        reason = "both sides carry the plan; it is moved once per run"
    )]
    pub fn clear(self) -> Result<Cleared, Blocked> {
        if self.blockers.is_empty() && self.blockers_here.is_empty() {
            Ok(Cleared(self))
        } else {
            Err(Blocked(self))
        }
    }

    /// Returns the exit code of a run that ends with this plan.
    pub fn exit(&self) -> Exit {
        exit_of(&self.blockers)
    }

    /// Returns the exit code of `promote` where it may not go on.
    pub fn exit_here(&self) -> Exit {
        exit_of(self.blockers.iter().chain(&self.blockers_here))
    }

    /// Returns the steps of a phase.
    pub fn steps_in(&self, phase: Phase) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(move |step| step.phase == phase)
    }
}
