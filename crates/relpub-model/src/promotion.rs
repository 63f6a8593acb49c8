//! The promotion: what must be true at the end.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::config::Vars;
use crate::config::{Config, DestinationKind, Latest};
use crate::digest::Sha256;
use crate::evidence::Required;
use crate::findings::{Bytes, Findings};
use crate::name::{Commit, DestinationName, FileName, SourcePath};
use crate::release::{Artifact, Flags, Release, RepositoryId, Waived};
use crate::version::Tag;

/// What must be true at the end, as a value.
///
/// Its id never depends on what was observed, on times, or on the version of
/// relpub: the same recipe, commit and bytes give the same id before, during
/// and after the promotion.
///
/// Schema 1: the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Promotion {
    /// The version of this schema.
    pub schema: u32,
    /// The project's name.
    pub project: String,
    /// The repository, by name and number.
    pub repository: RepositoryId,
    /// The tag.
    pub tag: Tag,
    /// The full commit.
    pub commit: Commit,
    /// Which bytes go where under which name, in order of destination and name.
    pub edges: Vec<Edge>,
    /// The evidence that goes with it. A promotion of before there was any has
    /// none.
    #[serde(default, skip_serializing_if = "Required::is_empty")]
    pub evidence: Required,
    /// The pointers that move at the end.
    pub pointers: Vec<PointerRule>,
    /// The digest of the configuration.
    pub config: Sha256,
    /// What may be missing, and why.
    pub waived: Vec<Waived>,
    /// The flags that decided.
    pub flags: Flags,
}

/// One artifact going to one destination under one name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Edge {
    /// The destination.
    pub destination: DestinationName,
    /// The name there.
    pub name: FileName,
    /// The digest of the bytes.
    pub sha256: Sha256,
    /// Their number.
    pub size: u64,
    /// Whether the name may ever hold other bytes.
    pub mutability: Mutability,
}

/// Whether a published name may ever hold other bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mutability {
    /// Never.
    Immutable,
}

/// A pointer and the rule by which it moves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PointerRule {
    /// GitHub's "latest": the highest stable version that is published.
    Latest {
        /// The destination whose releases it is about.
        destination: DestinationName,
    },
}

/// The digest of a promotion: 64 hexadecimal digits, shown as twelve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PromotionId(Sha256);

impl PromotionId {
    /// Returns the first twelve digits.
    pub fn short(&self) -> String {
        self.0.short()
    }
}

impl fmt::Display for PromotionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What `--expect` names: a whole id, or at least the first twelve digits of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdPrefix(String);

impl IdPrefix {
    /// Tells whether the id begins so.
    pub fn matches(&self, id: &PromotionId) -> bool {
        id.to_string().starts_with(&self.0)
    }
}

impl fmt::Display for IdPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0[..12])
    }
}

/// A text is no promotion id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no promotion id: it takes 12 to 64 hexadecimal digits")]
pub struct IdError(String);

impl FromStr for IdPrefix {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let hex = text.bytes().all(|b| b.is_ascii_hexdigit());
        if hex && (12..=64).contains(&text.len()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(IdError(crate::text::Untrusted::new(text).for_terminal()))
        }
    }
}

impl Promotion {
    /// Puts together what must be true at the end.
    ///
    /// An artifact whose bytes could not be fetched has no edge; its finding
    /// has a blocker that keeps such a promotion from being executed.
    pub fn new(config: &Config, release: &Release, findings: &Findings) -> Self {
        let mut edges: Vec<Edge> = release
            .artifacts
            .iter()
            .filter_map(|artifact| Some((artifact, bytes_of(findings, &artifact.path)?)))
            .flat_map(|(artifact, bytes)| edges_of(artifact, bytes))
            .collect();
        edges.sort();
        edges.dedup();
        let mut flags = release.flags.clone();
        flags.allow_missing.sort();
        flags.allow_missing.dedup();
        let mut waived = release.waived.clone();
        waived.sort();
        let vars = Vars::new(config, &release.tag).with_commit(&release.commit);
        let destinations = edges.iter().map(|edge| &edge.destination);
        Self {
            schema: 1,
            project: release.project.clone(),
            repository: release.repository.clone(),
            tag: release.tag.clone(),
            commit: release.commit.clone(),
            pointers: pointers(config, release, &edges),
            evidence: Required::by(config, destinations, &vars),
            edges,
            config: config.digest,
            waived,
            flags,
        }
    }

    /// Returns the digest over the promotion's canonical JSON: keys in the order
    /// of this type, no white space.
    pub fn id(&self) -> PromotionId {
        let json = serde_json::to_vec(self).expect("a promotion has only string keys");
        PromotionId(Sha256::of(&json))
    }

    /// Returns the edges of one destination, in order of name.
    pub fn edges_to<'a>(
        &'a self,
        destination: &'a DestinationName,
    ) -> impl Iterator<Item = &'a Edge> + 'a {
        self.edges
            .iter()
            .filter(move |edge| edge.destination == *destination)
    }

    /// Returns the destinations that anything goes to, each once.
    pub fn destinations(&self) -> impl Iterator<Item = &DestinationName> {
        let mut last = None;
        self.edges
            .iter()
            .map(|edge| &edge.destination)
            .filter(move |name| last.replace(*name) != Some(*name))
    }

    /// Returns the text that marks a draft as belonging to this project,
    /// repository and tag, whatever its bytes.
    pub fn marker(&self) -> String {
        marker(&self.project, &self.repository, &self.tag)
    }
}

/// Returns the text that marks a draft as ours, keyed by project, repository and tag.
pub fn marker(project: &str, repository: &RepositoryId, tag: &Tag) -> String {
    let key = format!("{project}\n{}\n{}", repository.id, tag.name);
    format!("relpub {}", Sha256::of(key.as_bytes()).short())
}

fn bytes_of(findings: &Findings, path: &SourcePath) -> Option<Bytes> {
    findings.artifacts.get(path)?.bytes
}

fn edges_of(artifact: &Artifact, bytes: Bytes) -> impl Iterator<Item = Edge> + '_ {
    artifact.places.iter().map(move |place| Edge {
        destination: place.destination.clone(),
        name: place.name.clone(),
        sha256: bytes.sha256,
        size: bytes.size,
        mutability: Mutability::Immutable,
    })
}

fn pointers(config: &Config, release: &Release, edges: &[Edge]) -> Vec<PointerRule> {
    if release.channel.is_prerelease() {
        return Vec::new();
    }
    let moves_latest = |name: &&DestinationName| {
        let kind = config.destinations.get(name).map(|d| &d.kind);
        matches!(
            kind,
            Some(DestinationKind::GitHub {
                latest: Latest::Auto
            })
        )
    };
    let mut out: Vec<_> = edges
        .iter()
        .map(|edge| &edge.destination)
        .filter(moves_latest)
        .map(|destination| PointerRule::Latest {
            destination: destination.clone(),
        })
        .collect();
    out.dedup();
    out
}
