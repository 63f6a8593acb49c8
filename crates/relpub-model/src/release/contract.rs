//! The completeness contract: from a listing to exactly the expected artifacts.
//!
//! Missing, unexpected and ambiguous files all block, and are all reported.

use jiff::civil::Date;

use super::declarations::Declarations;
use super::files::Files;
use super::matching::{self, Matching};
use super::naming::Collector;
use super::permits::Permits;
use super::{Flags, Pin, Release, RepositoryId};
use crate::blocker::{Blocker, Code};
use crate::config::{Config, Vars};
use crate::manifest::Manifest;
use crate::name::{Commit, SourcePath};
use crate::version::Tag;

/// What a release is put together from.
#[derive(Clone, Debug)]
pub struct Assembly<'a> {
    /// The recipe.
    pub config: &'a Config,
    /// The repository that the tag lives in.
    pub repository: RepositoryId,
    /// The tag as it was given.
    pub tag: Tag,
    /// The commit that everything must be built from.
    pub commit: Commit,
    /// Every file of the source, in any order.
    pub listing: &'a [Listed],
    /// The parsed manifests, and every `FILE.sha256` that was found beside a file.
    pub manifests: &'a [Manifest],
    /// The flags that decide what is promoted.
    pub flags: Flags,
    /// Today, which decides whether a waiver has expired.
    pub today: Date,
    /// Where the artifacts are, for people.
    pub source: Vec<String>,
}

/// A file of the source, as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its path in the source.
    pub path: SourcePath,
    /// Which of the source's URIs it is under.
    pub origin: usize,
    /// Its size as stored, in bytes.
    pub size: u64,
    /// What identifies the stored bytes.
    pub pin: Pin,
}

impl Release {
    /// Matches a listing against the configuration.
    ///
    /// Whatever is wrong with the set is in the release's `blockers`, worst first.
    pub fn assemble(input: Assembly<'_>) -> Self {
        let Assembly { config, tag, .. } = &input;
        let vars = Vars::new(config, tag).with_commit(&input.commit);
        let mut blockers = Vec::new();
        let mut warnings = Vec::new();

        if let Err(why) = matching::manifest_paths(config, &vars) {
            blockers.push(Blocker::new(Code::Refused, "source.manifest", why));
        }

        // 1. What is there, without what is ignored, and what is said about it.
        let files = Files::new(config, &vars, input.listing, &mut blockers);
        let declarations = Declarations::new(config, &vars, input.manifests, &files);
        // 2. What is expected, and which files that is.
        let permits = Permits::new(&input, &mut warnings);
        let matching = Matching::new(&input, &vars, &files, &declarations, permits);
        // 3. Under which names it goes where.
        let mut collector = Collector::new(config, &vars, &declarations);
        for found in &matching.found {
            collector.add(found, &mut blockers);
        }
        let artifacts = collector.finish(&mut blockers);
        // 4. Whether all who speak of it agree.
        declarations.check(&input, &files, &matching, &artifacts, &mut blockers);
        declarations.warn_without_commit(&mut warnings);

        if matching.nothing_expected {
            blockers.push(nothing_expected(tag));
        }
        blockers.extend(matching.blockers);
        warnings.extend(matching.warnings);
        blockers.sort();
        blockers.dedup();
        Self {
            project: config.project.clone(),
            channel: tag.version.channel(),
            artifacts,
            waived: matching.waived,
            blockers,
            warnings,
            repository: input.repository,
            tag: input.tag,
            commit: input.commit,
            source: input.source,
            flags: input.flags,
        }
    }

    /// Returns the paths of the manifests that the configuration names.
    ///
    /// Fails where a path cannot be rendered, such as for a version without the
    /// form that it asks for.
    pub fn manifest_paths(
        config: &Config,
        tag: &Tag,
        commit: Option<&Commit>,
    ) -> Result<Vec<SourcePath>, String> {
        let vars = Vars::new(config, tag);
        let vars = commit.map_or(vars, |commit| vars.with_commit(commit));
        matching::manifest_paths(config, &vars)
    }
}

fn nothing_expected(tag: &Tag) -> Blocker {
    let channel = tag.version.channel().as_str();
    let reason = format!("no [[artifacts]] takes part in channel `{channel}`");
    Blocker::new(Code::Missing, &tag.name, reason)
}
