//! The files of a source, without what is ignored.

use std::collections::{BTreeMap, BTreeSet};

use super::Pin;
use super::contract::Listed;
use crate::blocker::{Blocker, Code};
use crate::config::{Config, Expanded, Vars};
use crate::name::SourcePath;

/// What a checksum file beside another file ends in.
pub(super) const SIDECAR: &str = ".sha256";

/// The files of a source by path.
pub(super) struct Files<'a> {
    by_path: BTreeMap<&'a SourcePath, &'a Listed>,
    ignore: Vec<Expanded>,
    helpers: BTreeSet<&'a SourcePath>,
}

impl<'a> Files<'a> {
    /// Takes the listing without what is ignored. A path with different bytes at
    /// two of the source's URIs blocks.
    pub(super) fn new(
        config: &'a Config,
        vars: &Vars<'_>,
        listing: &'a [Listed],
        blockers: &mut Vec<Blocker>,
    ) -> Self {
        let ignore = ignored(config, vars, blockers);
        let mut by_path: BTreeMap<&SourcePath, &Listed> = BTreeMap::new();
        for file in listing {
            if ignore.iter().any(|pattern| pattern.matches(&file.path)) {
                continue;
            }
            if let Some(other) = by_path.get(&file.path) {
                if !same_bytes(other, file) {
                    blockers.push(two_origins(config, other, file));
                }
                continue;
            }
            by_path.insert(&file.path, file);
        }
        let manifests = super::matching::manifest_paths(config, vars).unwrap_or_default();
        let is_helper = |path: &SourcePath| {
            let subject = path.as_str().strip_suffix(SIDECAR);
            let subject = subject.and_then(|path| path.parse::<SourcePath>().ok());
            manifests.contains(path) || subject.is_some_and(|path| by_path.contains_key(&path))
        };
        let helpers = by_path.keys().copied().filter(|p| is_helper(p)).collect();
        Self {
            by_path,
            ignore,
            helpers,
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'a Listed> {
        self.by_path.values().copied()
    }

    pub(super) fn get(&self, path: &SourcePath) -> Option<&'a Listed> {
        self.by_path.get(path).copied()
    }

    /// Tells whether the file is a manifest, or a checksum file beside another.
    pub(super) fn is_helper(&self, path: &SourcePath) -> bool {
        self.helpers.contains(path)
    }

    /// Tells whether the configuration ignores a path.
    pub(super) fn ignores(&self, path: &SourcePath) -> bool {
        self.ignore.iter().any(|pattern| pattern.matches(path))
    }
}

fn ignored(config: &Config, vars: &Vars<'_>, blockers: &mut Vec<Blocker>) -> Vec<Expanded> {
    let mut out = Vec::new();
    for pattern in &config.source.ignore {
        match pattern.expand(vars, &[]) {
            Ok(expanded) => out.extend(expanded),
            Err(error) => {
                let thing = pattern.as_str();
                blockers.push(Blocker::new(Code::Refused, thing, error.to_string()));
            }
        }
    }
    out
}

/// Tells whether two stored files surely hold the same bytes.
fn same_bytes(one: &Listed, other: &Listed) -> bool {
    let etag = |listed: &Listed| match &listed.pin {
        // The tag of an object that was stored in parts depends on the parts.
        Pin::Object { etag, .. } => etag.clone().filter(|etag| !etag.contains('-')),
        Pin::File { .. } => None,
    };
    one.size == other.size && etag(one).is_some() && etag(one) == etag(other)
}

fn two_origins(config: &Config, one: &Listed, other: &Listed) -> Blocker {
    let place = |listed: &Listed| {
        let from = config.source.from.get(listed.origin);
        let from = from.map_or_else(|| listed.origin.to_string(), ToString::to_string);
        format!("{from} has {} bytes", listed.size)
    };
    let reason = "is in two places of the source, and not surely with the same bytes";
    Blocker::new(Code::Ambiguous, one.path.as_str(), reason)
        .detail(format!("{} · {}", place(one), place(other)))
        .way_out("Ignore it in [source], or take it out of one of them.")
}
