//! A release: exactly which artifacts of which commit.

mod contract;
mod declarations;
mod files;
mod matching;
mod naming;
mod permits;

pub use contract::{Assembly, Listed};

use serde::{Deserialize, Serialize};

use crate::blocker::Blocker;
use crate::config::{Kind, VersionRule};
use crate::digest::Sha256;
use crate::name::{Commit, DestinationName, FileName, Repository, SourcePath};
use crate::version::{Channel, Tag};

/// What is to be promoted, before anything was downloaded.
///
/// Reasons against it (missing, unexpected, ambiguous) are carried along, so
/// that a plan can show them all at once.
#[derive(Clone, Debug)]
pub struct Release {
    /// The project's name.
    pub project: String,
    /// The repository that the tag lives in.
    pub repository: RepositoryId,
    /// The tag as it was given.
    pub tag: Tag,
    /// The channel that the version decides.
    pub channel: Channel,
    /// The commit that everything was built from.
    pub commit: Commit,
    /// Where the artifacts are, for people.
    pub source: Vec<String>,
    /// The artifacts in the order of the configuration.
    pub artifacts: Vec<Artifact>,
    /// What is missing with permission.
    pub waived: Vec<Waived>,
    /// What is wrong with the set.
    pub blockers: Vec<Blocker>,
    /// What a person should know and nothing depends on.
    pub warnings: Vec<String>,
    /// The flags that decide what is promoted.
    pub flags: Flags,
}

/// A repository by name and by the number that survives a rename.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryId {
    /// Its name today.
    pub name: Repository,
    /// GitHub's number for it.
    pub id: u64,
}

/// The flags that decide what is promoted, and so belong to the promotion.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Flags {
    /// What may be missing, and why.
    pub allow_missing: Vec<AllowMissing>,
    /// That a world was given, instead of production.
    pub world: bool,
}

/// `--allow-missing NAME --because TEXT`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AllowMissing {
    /// A platform's name or a pattern over source paths.
    pub name: String,
    /// Why.
    pub because: String,
}

/// A missing artifact that a waiver or a flag covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Waived {
    /// The pattern that matched nothing.
    pub missing: String,
    /// Why that is all right.
    pub because: String,
}

/// One artifact in the source, pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Its path in the source.
    pub path: SourcePath,
    /// Which of the source's URIs it is under.
    pub origin: usize,
    /// What every read of it repeats.
    pub pin: Pin,
    /// Its size as stored, in bytes.
    pub size: u64,
    /// Whether it is stored with `Content-Encoding: gzip` and promoted decoded.
    pub gzip: bool,
    /// The digests that manifests and sidecars declare.
    pub declared: Vec<Declared>,
    /// What it must be.
    pub kind: Kind,
    /// The target triple that machine code inside must be for.
    pub target: Option<String>,
    /// The name of its platform, where a pattern had one.
    pub platform: Option<String>,
    /// How its version relates to the tag's.
    pub version: VersionRule,
    /// Where it goes, under which names.
    pub places: Vec<Place>,
}

/// What identifies the stored bytes of an object, repeated on every read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pin {
    /// A local file's size and modification time, in nanoseconds since the epoch.
    File {
        /// The time of its last modification.
        modified: i128,
    },
    /// An object's entity tag and, where the bucket keeps versions, its version.
    Object {
        /// The entity tag, quotes included.
        etag: Option<String>,
        /// The version.
        version: Option<String>,
    },
}

/// A digest that somebody declared for an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// The manifest or sidecar that says so.
    pub by: SourcePath,
    /// The digest.
    pub sha256: Sha256,
    /// The size in bytes, where it says one.
    pub size: Option<u64>,
}

/// A destination and the name an artifact gets there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The destination.
    pub destination: DestinationName,
    /// The published name.
    pub name: FileName,
}

#[cfg(test)]
mod tests;
