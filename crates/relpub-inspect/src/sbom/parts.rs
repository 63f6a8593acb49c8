//! What an artifact is made of: components and who needs whom.

use std::collections::{BTreeMap, BTreeSet};

use crate::Limits;
use crate::fault::Fault;

use super::licence::Licences;

/// One component, before it is written as CycloneDX says.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub(super) kind: Kind,
    pub(super) group: Option<String>,
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) purl: Option<String>,
    pub(super) scope: Option<Scope>,
    /// Digests in hexadecimal, by CycloneDX's name of the algorithm.
    pub(super) hashes: BTreeMap<String, String>,
    pub(super) licences: Licences,
    /// What CycloneDX has no field for.
    pub(super) properties: BTreeSet<(&'static str, String)>,
    /// The paths in the artifact where it was found.
    pub(super) found_in: BTreeSet<String>,
}

/// What a component is, of the kinds that CycloneDX knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    Application,
    File,
    #[default]
    Library,
    /// Any other, by its name in CycloneDX.
    Other(&'static str),
}

/// Whether a component is needed to run, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    Required,
    Optional,
    Excluded,
}

impl Part {
    pub(super) fn named(kind: Kind, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
            ..Self::default()
        }
    }

    /// Adds what CycloneDX has no field for.
    pub(super) fn note(&mut self, property: &'static str, value: impl Into<String>) {
        self.properties.insert((property, value.into()));
    }

    /// Adds what another source says of the same component.
    fn merge(&mut self, other: Self) {
        let strongest = |a: Scope, b: Scope| a.min(b);
        self.scope = match (self.scope, other.scope) {
            (Some(one), Some(two)) => Some(strongest(one, two)),
            // A source that says nothing means "required".
            _ => None,
        };
        if self.version.is_none() {
            self.version = other.version;
        }
        if self.licences.is_empty() {
            self.licences = other.licences;
        }
        for (algorithm, digest) in other.hashes {
            self.hashes.entry(algorithm).or_insert(digest);
        }
        self.properties.extend(other.properties);
        self.found_in.extend(other.found_in);
    }
}

/// The properties that relpub writes, each with its meaning.
pub(super) mod property {
    /// How a component was found.
    pub(in super::super) const FOUND_BY: &str = "relpub:found-by";
    /// A line of `Requires-Dist` that asks for the component.
    pub(in super::super) const REQUIRES: &str = "relpub:requires-dist";
    /// The container of machine code: ELF, Mach-O or PE.
    pub(in super::super) const FORMAT: &str = "relpub:program-format";
    /// An architecture that machine code is for.
    pub(in super::super) const ARCHITECTURE: &str = "relpub:architecture";
    /// The tool that copied a library from elsewhere into the artifact.
    pub(in super::super) const BUNDLED_BY: &str = "relpub:bundled-by";
    /// Where cargo got a crate, when not from crates.io.
    pub(in super::super) const CRATE_SOURCE: &str = "relpub:cargo:source";
    /// The checksum of a Go module (`h1:`), which is no digest of a file.
    pub(in super::super) const GO_SUM: &str = "relpub:go:sum";
    /// The Go module that this one stands in for.
    pub(in super::super) const GO_REPLACES: &str = "relpub:go:replaces";
    /// A setting of a Go build, as `KEY=VALUE`.
    pub(in super::super) const GO_BUILD: &str = "relpub:go:build";
    /// Why something could not be read.
    pub(in super::super) const NOT_READ: &str = "relpub:not-read";
    /// Why no component is listed.
    pub(in super::super) const EMPTY: &str = "relpub:empty-because";
}

/// An SBOM that the artifact carries inside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Carried {
    pub(super) path: String,
    pub(super) sha256: String,
    /// What it is, and what was done with it.
    pub(super) comment: String,
}

/// All that was found out: the artifact itself, its components, and the graph.
pub(super) struct Parts<'l> {
    limits: &'l Limits,
    /// The reference of the artifact itself.
    pub(super) root: String,
    /// The components, by their references.
    pub(super) all: BTreeMap<String, Part>,
    /// Who needs whom. No entry means that it is not known.
    pub(super) edges: BTreeMap<String, BTreeSet<String>>,
    edge_count: usize,
    pub(super) carried: BTreeSet<Carried>,
    /// What is noted of the artifact itself.
    pub(super) notes: Part,
}

impl<'l> Parts<'l> {
    pub(super) fn new(root: String, limits: &'l Limits) -> Self {
        Self {
            limits,
            edges: BTreeMap::from([(root.clone(), BTreeSet::new())]),
            root,
            all: BTreeMap::new(),
            edge_count: 0,
            carried: BTreeSet::new(),
            notes: Part::default(),
        }
    }

    /// Adds a component, or what is newly known of one.
    pub(super) fn add(&mut self, reference: &str, part: Part) -> Result<(), Fault> {
        if reference == self.root {
            self.notes.merge(part);
            return Ok(());
        }
        if let Some(known) = self.all.get_mut(reference) {
            known.merge(part);
            return Ok(());
        }
        if self.all.len() >= self.limits.components {
            let reason = format!(
                "consists of more than {} components",
                self.limits.components
            );
            return Err(Fault::hostile(reason));
        }
        self.all.insert(reference.to_owned(), part);
        Ok(())
    }

    /// Says that everything that `reference` needs is known.
    pub(super) fn knows_needs_of(&mut self, reference: &str) {
        if !self.edges.contains_key(reference) {
            self.edges.insert(reference.to_owned(), BTreeSet::new());
        }
    }

    /// Says that `from` needs `to`.
    pub(super) fn needs(&mut self, from: &str, to: &str) -> Result<(), Fault> {
        if from == to {
            return Ok(());
        }
        let edges = self.edges.entry(from.to_owned()).or_default();
        self.edge_count += usize::from(edges.insert(to.to_owned()));
        if self.edge_count > self.limits.dependencies {
            let reason = format!("has more than {} dependencies", self.limits.dependencies);
            return Err(Fault::hostile(reason));
        }
        Ok(())
    }

    /// Notes something of a component or of the artifact itself.
    pub(super) fn note(&mut self, reference: &str, property: &'static str, value: &str) {
        let part = match self.all.get_mut(reference) {
            Some(part) => part,
            None => &mut self.notes,
        };
        part.note(property, value);
    }

    /// Returns the reference of a file in the artifact.
    pub(super) fn file(&self, path: &str) -> String {
        format!("{}#{}", self.root, super::purl::subpath(path))
    }
}
