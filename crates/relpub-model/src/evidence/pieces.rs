//! Pieces of evidence: what a promotion requires, and what carries it.
//!
//! All of it follows from the promotion alone, so that any machine knows what
//! to look for and where.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{EvidenceKind, Subject};
use crate::config::{Attest, Config, Credential, DestinationKind, SbomFormat, Sign, Vars};
use crate::digest::Sha256;
use crate::name::{DestinationName, FileName};
use crate::promotion::{Edge, Promotion};

/// How many subjects a statement has at most; GitHub's store takes no more.
pub const MOST_SUBJECTS: usize = 1024;

/// Which evidence a promotion requires: by the configuration, never by what was
/// found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Required {
    /// The kinds.
    pub kinds: BTreeSet<EvidenceKind>,
    /// The releases whose assets carry evidence; with any, the attestation store
    /// of the repository carries statements too.
    pub releases: BTreeSet<DestinationName>,
    /// The indexes that are sent publish attestations.
    pub indexes: BTreeSet<DestinationName>,
    /// The name of the asset with the digests of all files.
    pub checksums: Option<FileName>,
}

/// One piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "evidence")]
pub enum Piece {
    /// The digests of all files, unsigned.
    Checksums,
    /// A signature over the bytes.
    Signature {
        /// The bytes.
        of: Subject,
    },
    /// A signed statement of what the bytes contain.
    Sbom {
        /// The bytes.
        of: Subject,
    },
    /// The signed statement that the bytes may go to the destinations.
    Promotion {
        /// Which part of it, from 1.
        part: usize,
    },
    /// The uploader's signature for an index.
    Publish {
        /// The bytes.
        of: Subject,
    },
    /// The signed statement that the bytes were seen at the destinations.
    Receipt {
        /// Which part of it, from 1.
        part: usize,
    },
}

/// What carries a piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "carrier")]
pub enum Carrier {
    /// An asset of a release.
    Asset {
        /// The release's destination.
        destination: DestinationName,
        /// The asset's name.
        name: FileName,
    },
    /// The attestation store of the repository at GitHub.
    Store,
    /// An index, together with the file.
    Index {
        /// The index.
        destination: DestinationName,
    },
}

/// A piece of evidence and everything that carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// The piece.
    pub piece: Piece,
    /// Its carriers; none where nothing in this promotion can carry it.
    pub carriers: Vec<Carrier>,
}

impl Required {
    /// Returns what a configuration requires where files go to `destinations`.
    pub(crate) fn by<'a>(
        config: &Config,
        destinations: impl Iterator<Item = &'a DestinationName>,
        vars: &Vars<'_>,
    ) -> Self {
        let rule = &config.evidence;
        let mut out = Self::default();
        for name in destinations {
            match config.destinations.get(name) {
                Some(it) if matches!(it.kind, DestinationKind::GitHub { .. }) => {
                    out.releases.insert(name.clone());
                }
                Some(it) if it.attestations && it.credential == Credential::Trusted => {
                    out.indexes.insert(name.clone());
                }
                _ => {}
            }
        }
        if !out.indexes.is_empty() {
            out.kinds.insert(EvidenceKind::Publish);
        }
        if rule.sign == Sign::Bundle {
            out.kinds.insert(EvidenceKind::Signature);
        }
        let with_sbom = rule.sbom != SbomFormat::None;
        out.kinds
            .extend(rule.attest.iter().filter_map(|attest| match attest {
                Attest::Promotion => Some(EvidenceKind::Promotion),
                Attest::Receipt => Some(EvidenceKind::Receipt),
                Attest::Sbom => with_sbom.then_some(EvidenceKind::Sbom),
            }));
        let rendered = rule
            .checksums
            .as_ref()
            .and_then(|name| name.render(vars).ok());
        out.checksums = rendered.and_then(|name| name.parse().ok());
        if out.is_empty() { Self::default() } else { out }
    }

    /// Tells whether nothing is required.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.checksums.is_none()
    }
}

impl Piece {
    /// Returns its kind; `None` for what is not signed.
    pub fn kind(&self) -> Option<EvidenceKind> {
        match self {
            Self::Checksums => None,
            Self::Signature { .. } => Some(EvidenceKind::Signature),
            Self::Sbom { .. } => Some(EvidenceKind::Sbom),
            Self::Promotion { .. } => Some(EvidenceKind::Promotion),
            Self::Publish { .. } => Some(EvidenceKind::Publish),
            Self::Receipt { .. } => Some(EvidenceKind::Receipt),
        }
    }

    /// Returns the one artifact it is about; `None` when it is about all.
    pub fn subject(&self) -> Option<&Subject> {
        match self {
            Self::Signature { of } | Self::Sbom { of } | Self::Publish { of } => Some(of),
            Self::Checksums | Self::Promotion { .. } | Self::Receipt { .. } => None,
        }
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checksums => f.write_str("checksums"),
            Self::Signature { of } => write!(f, "signature of {}", of.name),
            Self::Sbom { of } => write!(f, "SBOM of {}", of.name),
            Self::Publish { of } => write!(f, "publish attestation of {}", of.name),
            Self::Promotion { part: 1 } => f.write_str("promotion statement"),
            Self::Promotion { part } => write!(f, "promotion statement, part {part}"),
            Self::Receipt { part: 1 } => f.write_str("receipt statement"),
            Self::Receipt { part } => write!(f, "receipt statement, part {part}"),
        }
    }
}

impl Carrier {
    /// Returns the destination it belongs to; `None` for the store.
    pub fn destination(&self) -> Option<&DestinationName> {
        match self {
            Self::Asset { destination, .. } | Self::Index { destination } => Some(destination),
            Self::Store => None,
        }
    }
}

impl Promotion {
    /// Returns every piece of evidence that is required, with its carriers.
    pub fn pieces(&self) -> Vec<Carried> {
        let mut out = Vec::new();
        let required = &self.evidence;
        if let Some(name) = &required.checksums {
            let assets = required.releases.iter().map(|release| asset(release, name));
            out.push(Carried {
                piece: Piece::Checksums,
                carriers: assets.collect(),
            });
        }
        for &kind in &required.kinds {
            match kind {
                EvidenceKind::Signature => out.extend(self.signatures()),
                EvidenceKind::Sbom => out.extend(self.sboms()),
                EvidenceKind::Publish => out.extend(self.publish_attestations()),
                EvidenceKind::Promotion => out.extend(self.statements()),
                EvidenceKind::Receipt => out.extend(self.parts().map(|part| Carried {
                    piece: Piece::Receipt { part },
                    carriers: self.store().into_iter().collect(),
                })),
            }
        }
        out
    }

    /// Returns each digest under each of its names, in order: what a statement
    /// about the whole promotion is about.
    pub fn subjects(&self) -> Vec<Subject> {
        let edges = self.edges.iter();
        subjects(edges.map(|edge| (edge.destination.as_str(), edge.name.as_str(), edge.sha256)))
    }

    /// Returns the text of the checksum file: a line for each name and digest,
    /// as `sha256sum` writes and reads them.
    pub fn checksums(&self) -> String {
        let lines: BTreeSet<(&FileName, String)> = self
            .edges
            .iter()
            .map(|edge| (&edge.name, edge.sha256.to_string()))
            .collect();
        let lines: Vec<String> = lines
            .iter()
            .map(|(name, sha256)| format!("{sha256}  {name}\n"))
            .collect();
        lines.concat()
    }

    fn parts(&self) -> std::ops::RangeInclusive<usize> {
        1..=self.subjects().len().div_ceil(MOST_SUBJECTS)
    }

    fn store(&self) -> Option<Carrier> {
        (!self.evidence.releases.is_empty()).then_some(Carrier::Store)
    }

    fn signatures(&self) -> impl Iterator<Item = Carried> + '_ {
        self.artifacts().into_iter().map(|(of, names)| Carried {
            carriers: self.assets_beside(&of.sha256, &names, ".sigstore.json"),
            piece: Piece::Signature { of },
        })
    }

    fn sboms(&self) -> impl Iterator<Item = Carried> + '_ {
        self.artifacts().into_iter().map(|(of, names)| {
            let mut carriers = self.assets_beside(&of.sha256, &names, ".sbom.sigstore.json");
            carriers.extend(self.store());
            Carried {
                carriers,
                piece: Piece::Sbom { of },
            }
        })
    }

    fn statements(&self) -> impl Iterator<Item = Carried> + '_ {
        self.parts().map(|part| {
            let name = promotion_asset(part);
            let releases = self.evidence.releases.iter();
            let assets = releases.map(|release| asset(release, &name));
            Carried {
                carriers: assets.chain(self.store()).collect(),
                piece: Piece::Promotion { part },
            }
        })
    }

    /// One attestation serves every index that a file goes to: it says who
    /// uploads, not where to.
    fn publish_attestations(&self) -> Vec<Carried> {
        let mut out: BTreeMap<Piece, Vec<Carrier>> = BTreeMap::new();
        let indexes = &self.evidence.indexes;
        for edge in self
            .edges
            .iter()
            .filter(|edge| indexes.contains(&edge.destination))
        {
            let destination = edge.destination.clone();
            let piece = Piece::Publish { of: subject(edge) };
            out.entry(piece)
                .or_default()
                .push(Carrier::Index { destination });
        }
        let carried = |(piece, carriers)| Carried { piece, carriers };
        out.into_iter().map(carried).collect()
    }

    /// Returns each artifact once, under its first name, with all its names.
    fn artifacts(&self) -> Vec<(Subject, BTreeSet<&FileName>)> {
        let mut names: BTreeMap<Sha256, BTreeSet<&FileName>> = BTreeMap::new();
        for edge in &self.edges {
            names.entry(edge.sha256).or_default().insert(&edge.name);
        }
        let mut out = Vec::new();
        for (sha256, names) in names {
            let name = names.first().map(ToString::to_string).unwrap_or_default();
            out.push((Subject { name, sha256 }, names));
        }
        out
    }

    /// Returns the assets that lie beside a file: one for each name that it has
    /// in a release, or, where the file itself is not in it, each that it has
    /// anywhere.
    fn assets_beside(
        &self,
        sha256: &Sha256,
        names: &BTreeSet<&FileName>,
        suffix: &str,
    ) -> Vec<Carrier> {
        let mut out = Vec::new();
        for release in &self.evidence.releases {
            let there: BTreeSet<&FileName> = self
                .edges_to(release)
                .filter(|edge| edge.sha256 == *sha256)
                .map(|edge| &edge.name)
                .collect();
            let beside = if there.is_empty() { names } else { &there };
            // A name that is too long for the suffix has nothing beside it.
            let assets = beside
                .iter()
                .filter_map(|name| format!("{name}{suffix}").parse().ok());
            out.extend(assets.map(|name| asset(release, &name)));
        }
        out
    }
}

/// Returns the name of the asset with a part of the promotion statement.
pub fn promotion_asset(part: usize) -> FileName {
    let name = match part {
        0 | 1 => "promotion.sigstore.json".to_owned(),
        part => format!("promotion-{part}.sigstore.json"),
    };
    name.parse()
        .expect("it has only letters, digits, dots and a hyphen")
}

/// Returns each digest under each of its names, in order, from places as
/// (destination, name, digest). Names are unique in a statement, so one that
/// stands for different bytes is told apart by its destination.
pub fn subjects<'a>(places: impl Iterator<Item = (&'a str, &'a str, Sha256)>) -> Vec<Subject> {
    let mut named: BTreeMap<&str, BTreeMap<Sha256, &str>> = BTreeMap::new();
    for (destination, name, sha256) in places {
        named.entry(name).or_default().insert(sha256, destination);
    }
    let mut subjects = Vec::new();
    for (name, bytes) in named {
        let ambiguous = bytes.len() > 1;
        subjects.extend(bytes.into_iter().map(|(sha256, destination)| Subject {
            name: if ambiguous {
                format!("{destination}/{name}")
            } else {
                name.to_owned()
            },
            sha256,
        }));
    }
    subjects
}

fn asset(release: &DestinationName, name: &FileName) -> Carrier {
    Carrier::Asset {
        destination: release.clone(),
        name: name.clone(),
    }
}

fn subject(edge: &Edge) -> Subject {
    Subject {
        name: edge.name.to_string(),
        sha256: edge.sha256,
    }
}
