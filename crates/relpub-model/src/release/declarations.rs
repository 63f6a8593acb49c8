//! What manifests and checksum files say, and whether they agree.

use std::collections::{BTreeMap, BTreeSet};

use super::contract::Assembly;
use super::files::{Files, SIDECAR};
use super::matching::{Matching, manifest_paths};
use super::permits::same_version;
use super::{Artifact, Declared};
use crate::blocker::{Blocker, Code};
use crate::config::{Config, Vars};
use crate::manifest::{Entry, Manifest};
use crate::name::SourcePath;
use crate::version::{Tag, Version};

/// What is declared about each path, and by whom.
pub(super) struct Declarations<'a> {
    manifests: Vec<&'a Manifest>,
    by_path: BTreeMap<&'a SourcePath, Vec<Declared>>,
    /// The paths that manifests list, checksum files beside a file left out.
    listed: BTreeSet<&'a SourcePath>,
    expected: Vec<SourcePath>,
}

impl<'a> Declarations<'a> {
    /// Gathers what is declared about the files that are not ignored.
    pub(super) fn new(
        config: &Config,
        vars: &Vars<'_>,
        manifests: &'a [Manifest],
        files: &Files<'_>,
    ) -> Self {
        let expected = manifest_paths(config, vars).unwrap_or_default();
        let mut out = Self {
            manifests: Vec::new(),
            by_path: BTreeMap::new(),
            listed: BTreeSet::new(),
            expected,
        };
        for manifest in manifests {
            let is_sidecar = !out.expected.contains(&manifest.path) && is_sidecar(manifest);
            if !is_sidecar {
                out.manifests.push(manifest);
            }
            let known = |entry: &&Entry| !files.ignores(&entry.path);
            for entry in manifest.entries.iter().filter(known) {
                if !is_sidecar {
                    out.listed.insert(&entry.path);
                }
                out.by_path.entry(&entry.path).or_default().push(Declared {
                    by: manifest.path.clone(),
                    sha256: entry.sha256,
                    size: entry.size,
                });
            }
        }
        out
    }

    /// Returns what is declared about a file.
    pub(super) fn of(&self, path: &SourcePath) -> Vec<Declared> {
        self.by_path.get(path).cloned().unwrap_or_default()
    }

    /// Returns the paths that manifests list, in order.
    pub(super) fn listed(&self) -> impl Iterator<Item = &'a SourcePath> {
        self.listed.iter().copied()
    }

    /// Checks that all who speak of the release agree with it and each other.
    pub(super) fn check(
        &self,
        input: &Assembly<'_>,
        files: &Files<'_>,
        matching: &Matching<'_>,
        artifacts: &[Artifact],
        blockers: &mut Vec<Blocker>,
    ) {
        for path in &self.expected {
            if !self.manifests.iter().any(|manifest| manifest.path == *path) {
                let reason = "the configuration names this manifest, and it is not in the source";
                blockers.push(Blocker::new(Code::Missing, path.as_str(), reason));
            }
        }
        for manifest in &self.manifests {
            blockers.extend(identity(manifest, input));
        }
        for path in &self.listed {
            let reported = matching.absent.iter().any(|pattern| pattern.matches(path));
            if files.get(path).is_none() && !reported {
                blockers.push(self.absent(path));
            }
        }
        for artifact in artifacts {
            blockers.extend(disagreement(artifact));
            if artifact.declared.is_empty()
                && !files.is_helper(&artifact.path)
                && self.covers(&artifact.path)
            {
                let reason = "is not in any manifest";
                let blocker = Blocker::new(Code::Unexpected, artifact.path.as_str(), reason)
                    .way_out("The build should list every file that it hands over.");
                blockers.push(blocker);
            }
        }
    }

    /// Warns where nothing in the source names the full commit.
    pub(super) fn warn_without_commit(&self, warnings: &mut Vec<String>) {
        if self
            .manifests
            .iter()
            .all(|manifest| manifest.commit.is_none())
        {
            let warning = "no manifest names the commit that the files were built from";
            warnings.push(warning.to_owned());
        }
    }

    /// Tells whether a manifest speaks for the folder that a path is in.
    fn covers(&self, path: &SourcePath) -> bool {
        let below = |folder: &str| {
            let rest = path.as_str().strip_prefix(folder);
            folder.is_empty() || rest.is_some_and(|rest| rest.starts_with('/'))
        };
        self.manifests
            .iter()
            .any(|manifest| below(manifest.path.folder()))
    }

    fn absent(&self, path: &SourcePath) -> Blocker {
        let by: Vec<_> = self
            .of(path)
            .into_iter()
            .map(|d| d.by.to_string())
            .collect();
        let reason = format!("is listed by {} and not in the source", by.join(" and "));
        Blocker::new(Code::Missing, path.as_str(), reason).way_out(
            "The build may not have finished uploading; `ignore` in [source] takes it out.",
        )
    }
}

fn is_sidecar(manifest: &Manifest) -> bool {
    match manifest.entries.as_slice() {
        [entry] => manifest.path.as_str().strip_suffix(SIDECAR) == Some(entry.path.as_str()),
        _ => false,
    }
}

/// Returns blockers where a manifest is of another commit, repository or version.
fn identity(manifest: &Manifest, input: &Assembly<'_>) -> Vec<Blocker> {
    let path = manifest.path.as_str();
    let mut out = Vec::new();
    if let Some(commit) = &manifest.commit
        && *commit != input.commit
    {
        let reason = format!(
            "is the manifest of commit {}, and {} is promoted",
            commit.short(),
            input.commit.short()
        );
        let blocker = Blocker::new(Code::Commit, path, reason)
            .detail(format!("there {commit} · promoted {}", input.commit))
            .way_out("Promote the commit that was built, or build the one that is tagged.");
        out.push(blocker);
    }
    let ours = &input.repository.name;
    if let Some(theirs) = &manifest.repository
        && !theirs.eq_ignore_ascii_case(ours.as_str())
    {
        let theirs = crate::text::Untrusted::new(theirs).for_terminal();
        let reason = format!("is the manifest of repository {theirs}, not of {ours}");
        out.push(Blocker::new(Code::Disagrees, path, reason));
    }
    if let Some(theirs) = &manifest.version
        && !means(theirs, &input.tag)
    {
        let theirs = crate::text::Untrusted::new(theirs).for_terminal();
        let reason = format!(
            "says version {theirs}, and tag {} says {}",
            input.tag, input.tag.version
        );
        out.push(Blocker::new(Code::Disagrees, path, reason));
    }
    out
}

/// Tells whether a manifest's version, or tag, is the release's.
fn means(text: &str, tag: &Tag) -> bool {
    let same = |version: Version| same_version(&version, &tag.version);
    text == tag.name || text.parse().is_ok_and(same)
}

fn disagreement(artifact: &Artifact) -> Option<Blocker> {
    let (first, rest) = artifact.declared.split_first()?;
    let other = rest.iter().find(|other| {
        let sizes = other.size.zip(first.size);
        other.sha256 != first.sha256 || sizes.is_some_and(|(one, two)| one != two)
    })?;
    let says = |declared: &Declared| {
        let size = declared.size.map(|size| format!(", {size} bytes"));
        let digest = declared.sha256.short();
        format!("{} says {digest}{}", declared.by, size.unwrap_or_default())
    };
    let reason = "is declared in different ways";
    let blocker = Blocker::new(Code::Corrupt, artifact.path.as_str(), reason);
    Some(blocker.detail(format!("{} · {}", says(first), says(other))))
}
