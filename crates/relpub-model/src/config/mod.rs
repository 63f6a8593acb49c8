//! The configuration: what a release consists of and where it goes.
//!
//! `relpub.toml` is data, without conditions or loops. [`Config::parse`] checks
//! everything that can be checked without the network; a key that this version
//! does not act on is an error, never accepted and ignored.

mod artifacts;
mod credential;
mod destinations;
mod errors;
mod evidence;
mod files;
mod keys;
mod nearest;
mod parse;
mod platforms;
mod reader;
mod schema;
mod secrets;
mod source;
mod text;
mod url;

use std::collections::BTreeMap;

pub use errors::{ConfigError, ConfigErrors};
pub use evidence::{Attest, EvidenceRule, SbomFormat, Sign, SignerTemplate, SigstoreRule};
pub use schema::schema;
pub use text::{
    Expanded, Pattern, Scope, TagError, TagTemplate, Template, TextError, Vars, When,
    split_extension,
};

use crate::digest::Sha256;
use crate::name::{DestinationName, Repository};

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The digest of the file's bytes: the recipe is part of the promotion.
    pub digest: Sha256,
    /// Where tag and release live.
    pub repository: Repository,
    /// The name used in messages and state.
    pub project: String,
    /// How tags are spelled.
    pub tag: TagTemplate,
    /// Whether an absent tag is made.
    pub create_tag: bool,
    /// The declared platforms, in the order of the file.
    pub platforms: Vec<Platform>,
    /// What people still do by hand afterwards.
    pub follow_ups: Vec<String>,
    /// Where the artifacts come from.
    pub source: Source,
    /// The completeness contract, in the order of the file.
    pub artifacts: Vec<ArtifactRule>,
    /// Every destination that some rule names, with defaults filled in.
    pub destinations: BTreeMap<DestinationName, Destination>,
    /// How the release is described.
    pub notes: NotesRule,
    /// What evidence is left.
    pub evidence: EvidenceRule,
    /// What may be missing, and why.
    pub waivers: Vec<Waiver>,
}

/// A declared platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// The project's own name for it; the target triple when it has none.
    pub name: String,
    /// The target triple.
    pub target: String,
    /// An unusual wheel platform tag that means it.
    pub wheel: Option<String>,
}

/// Where the artifacts come from.
#[derive(Clone, Debug)]
pub struct Source {
    /// Templates of URIs, `file:PATH` or `s3://BUCKET/PREFIX`; several make one tree.
    pub from: Vec<Template>,
    /// Templates of paths of manifests in the source.
    pub manifest: Vec<Template>,
    /// What is taken away before anything is matched.
    pub ignore: Vec<Pattern>,
    /// The URL of an S3-compatible store.
    pub endpoint: Option<String>,
    /// How the source is read.
    pub credential: Credential,
}

/// One entry of `[[artifacts]]`.
#[derive(Clone, Debug)]
pub struct ArtifactRule {
    /// Its position in the file, counted from 1, for messages.
    pub number: usize,
    /// The patterns, each with the names its files get; no names means as they are.
    pub files: Vec<(Pattern, Vec<Template>)>,
    /// The destinations; empty means verified only.
    pub to: Vec<DestinationName>,
    /// Set when one pattern stands for many files.
    pub count: Option<Count>,
    /// Whether a pattern may match nothing.
    pub optional: bool,
    /// How the version inside relates to the tag's.
    pub version: VersionRule,
    /// The target triple, where neither platform nor name tells it.
    pub target: Option<String>,
    /// What the files are, where the extension does not tell it.
    pub kind: Option<Kind>,
    /// In which channels the rule takes part.
    pub when: When,
}

/// How many files one pattern stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// All that the manifest lists under it.
    Listed,
    /// Exactly so many of those that the manifest lists.
    Exactly(usize),
}

/// How the version inside an artifact relates to the tag's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VersionRule {
    /// It must be the tag's.
    Same,
    /// It must only agree with the file's name.
    Any,
}

/// What an artifact is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A Python wheel.
    Wheel,
    /// A Python source distribution.
    Sdist,
    /// A program.
    Binary,
    /// A shared or static library.
    Library,
    /// An archive: tar, compressed tar or zip.
    Archive,
    /// Anything else; nothing is promised about its content.
    File,
}

impl Kind {
    /// Returns the kind as the configuration spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wheel => "wheel",
            Self::Sdist => "sdist",
            Self::Binary => "binary",
            Self::Library => "library",
            Self::Archive => "archive",
            Self::File => "file",
        }
    }

    /// Returns the kind in a sentence, with its article.
    pub fn with_article(self) -> &'static str {
        match self {
            Self::Wheel => "a wheel",
            Self::Sdist => "a source distribution",
            Self::Binary => "a program",
            Self::Library => "a library",
            Self::Archive => "an archive",
            Self::File => "a file",
        }
    }
}

/// A place that artifacts go to.
#[derive(Clone, Debug)]
pub struct Destination {
    /// Its name in the configuration.
    pub name: DestinationName,
    /// Which protocol it speaks, and where.
    pub kind: DestinationKind,
    /// How relpub is let in.
    pub credential: Credential,
    /// As whom the result is read back.
    pub audience: Audience,
    /// How the result is read back.
    pub confirm: ConfirmBy,
    /// Whether an index is sent publish attestations, where it takes them: with
    /// trusted publishing only.
    pub attestations: bool,
    /// In which channels the destination takes part.
    pub when: When,
}

/// Which protocol a destination speaks.
#[derive(Clone, Debug)]
pub enum DestinationKind {
    /// A package index with PyPI's upload API.
    Index {
        /// Where files are uploaded and read; `None` for an index that exists undeclared.
        urls: Option<crate::world::Index>,
    },
    /// GitHub Releases of the project's repository.
    GitHub {
        /// Whether GitHub's "latest" is moved.
        latest: Latest,
    },
}

/// Whether GitHub's "latest" is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latest {
    /// To the highest stable version.
    Auto,
    /// Never.
    Never,
}

/// How relpub is let in somewhere. It never falls back to another way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// An identity token is exchanged for a short-lived one (trusted publishing).
    Trusted,
    /// The usual chain of the provider.
    Ambient,
    /// A token in an environment variable.
    Env(String),
    /// A user name, and a password in an environment variable.
    Basic {
        /// The user's name.
        username: String,
        /// The variable with the password.
        password_env: String,
    },
    /// None.
    Anonymous,
}

/// As whom a destination is read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// As anyone.
    Public,
    /// With the destination's credential.
    Private,
}

/// How a destination is read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfirmBy {
    /// By the digest that the destination computed.
    Digest,
    /// By downloading and hashing.
    Bytes,
}

/// How the release is described.
#[derive(Clone, Debug)]
pub struct NotesRule {
    /// The release's title.
    pub title: Template,
    /// Where the text comes from.
    pub body: NotesBody,
}

/// Where the notes' text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotesBody {
    /// GitHub's generated notes.
    GitHub,
    /// Nowhere.
    None,
}

/// An entry of `[[waivers]]`: something that may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// A platform's name or a pattern over source paths.
    pub missing: String,
    /// Why.
    pub because: String,
    /// The version it is for, as a tag spells it.
    pub version: String,
    /// The last day on which it counts.
    pub until: jiff::civil::Date,
}

#[cfg(test)]
mod tests;
