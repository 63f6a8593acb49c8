//! Matching patterns against files: each must match exactly one.

use std::collections::BTreeSet;

use super::Waived;
use super::contract::{Assembly, Listed};
use super::declarations::Declarations;
use super::files::Files;
use super::permits::Permits;
use crate::blocker::{Blocker, Code};
use crate::config::{ArtifactRule, Config, Count, Expanded, Pattern, Template, Vars};
use crate::name::{DestinationName, SourcePath};
use crate::version::Channel;

/// A pattern that takes part, and the rule it belongs to.
pub(super) struct Wanted<'a> {
    pub(super) rule: &'a ArtifactRule,
    /// The pattern as the configuration spells it.
    pub(super) written: &'a Pattern,
    pub(super) names: &'a [Template],
    pub(super) pattern: Expanded,
    /// The rule's destinations that take part.
    to: Vec<&'a DestinationName>,
}

/// A file that a pattern stands for, and where it goes.
pub(super) struct Found<'a> {
    pub(super) rule: &'a ArtifactRule,
    pub(super) names: &'a [Template],
    pub(super) platform: Option<crate::config::Platform>,
    pub(super) to: Vec<&'a DestinationName>,
    pub(super) file: &'a Listed,
}

/// The result of matching.
pub(super) struct Matching<'a> {
    pub(super) found: Vec<Found<'a>>,
    /// The patterns that matched nothing and should have, with or without permission.
    pub(super) absent: Vec<Expanded>,
    pub(super) waived: Vec<Waived>,
    pub(super) blockers: Vec<Blocker>,
    pub(super) warnings: Vec<String>,
    /// The patterns that stand for what a manifest lists.
    counted: Vec<Expanded>,
    /// Set when no rule takes part in the channel.
    pub(super) nothing_expected: bool,
}

impl<'a> Matching<'a> {
    /// Matches every pattern that takes part in the release's channel.
    pub(super) fn new(
        input: &Assembly<'a>,
        vars: &Vars<'_>,
        files: &Files<'a>,
        declarations: &Declarations<'a>,
        mut permits: Permits,
    ) -> Self {
        let config = input.config;
        let channel = input.tag.version.channel();
        let mut out = Self {
            found: Vec::new(),
            absent: Vec::new(),
            counted: Vec::new(),
            waived: Vec::new(),
            blockers: Vec::new(),
            warnings: Vec::new(),
            nothing_expected: true,
        };
        let mut set_aside = Vec::new();
        for rule in &config.artifacts {
            let to = destinations(rule, config, channel);
            let takes_part = rule.when.admits(channel) && (rule.to.is_empty() || !to.is_empty());
            if !takes_part {
                // What cannot be written for this version matches nothing of it.
                let patterns = rule.files.iter().map(|(written, _)| written);
                let expanded = patterns.filter_map(|p| p.expand(vars, &config.platforms).ok());
                set_aside.extend(expanded.flatten());
                continue;
            }
            out.nothing_expected = false;
            for wanted in &out.expand(rule, &to, config, vars) {
                out.look_for(wanted, (files, declarations), (&mut permits, vars));
            }
        }
        out.report_unexpected(files, &set_aside);
        out.warnings.extend(permits.unused());
        out
    }

    fn expand(
        &mut self,
        rule: &'a ArtifactRule,
        to: &[&'a DestinationName],
        config: &Config,
        vars: &Vars<'_>,
    ) -> Vec<Wanted<'a>> {
        let mut out = Vec::new();
        for (written, names) in &rule.files {
            match written.expand(vars, &config.platforms) {
                Ok(patterns) => out.extend(patterns.into_iter().map(|pattern| Wanted {
                    rule,
                    written,
                    names,
                    pattern,
                    to: to.to_vec(),
                })),
                Err(error) => {
                    let thing = written.as_str();
                    let blocker = Blocker::new(Code::Refused, thing, error.to_string());
                    self.blockers.push(blocker);
                }
            }
        }
        out
    }

    fn look_for(
        &mut self,
        wanted: &Wanted<'a>,
        (files, declarations): (&Files<'a>, &Declarations<'a>),
        (permits, vars): (&mut Permits, &Vars<'_>),
    ) {
        if wanted.rule.count.is_some() {
            self.counted.push(wanted.pattern.clone());
        }
        let found = match wanted.rule.count {
            None => candidates(wanted, files),
            Some(_) => declarations
                .listed()
                .filter(|path| wanted.pattern.matches(path))
                .filter_map(|path| files.get(path))
                .collect(),
        };
        if found.is_empty() {
            if wanted.rule.optional {
                return;
            }
            self.absent.push(wanted.pattern.clone());
            match permits.find(wanted, vars) {
                Some(waived) => self.waived.push(waived),
                None => self.blockers.push(missing(wanted)),
            }
            return;
        }
        self.blockers.extend(wrong_number(wanted, &found));
        self.found.extend(found.into_iter().map(|file| Found {
            rule: wanted.rule,
            names: wanted.names,
            platform: wanted.pattern.platform.clone(),
            to: wanted.to.clone(),
            file,
        }));
    }

    fn report_unexpected(&mut self, files: &Files<'a>, set_aside: &[Expanded]) {
        let matched: BTreeSet<_> = self.found.iter().map(|found| &found.file.path).collect();
        let unexpected = files.iter().filter(|file| {
            !matched.contains(&file.path)
                && !files.is_helper(&file.path)
                && !set_aside.iter().any(|pattern| pattern.matches(&file.path))
        });
        for file in unexpected {
            let counted = |pattern: &Expanded| pattern.matches(&file.path);
            let reason = if self.counted.iter().any(counted) {
                "is not in any manifest"
            } else {
                "is in the source and nothing expects it"
            };
            let blocker = Blocker::new(Code::Unexpected, file.path.as_str(), reason)
                .way_out("Expect it in [[artifacts]], or add it to `ignore` in [source].");
            self.blockers.push(blocker);
        }
    }
}

/// Returns the files that a pattern matches; manifests and checksum files only
/// where it matches nothing else.
fn candidates<'a>(wanted: &Wanted<'_>, files: &Files<'a>) -> Vec<&'a Listed> {
    let matches = files
        .iter()
        .filter(|file| wanted.pattern.matches(&file.path));
    let (helpers, others): (Vec<_>, Vec<_>) = matches.partition(|file| files.is_helper(&file.path));
    if others.is_empty() { helpers } else { others }
}

/// Returns the destinations of a rule that take part in a channel.
fn destinations<'a>(
    rule: &'a ArtifactRule,
    config: &Config,
    channel: Channel,
) -> Vec<&'a DestinationName> {
    let takes_part = |name: &&DestinationName| {
        let destination = config.destinations.get(name);
        destination.is_some_and(|destination| destination.when.admits(channel))
    };
    rule.to.iter().filter(takes_part).collect()
}

fn missing(wanted: &Wanted<'_>) -> Blocker {
    let Wanted { pattern, rule, .. } = wanted;
    let reason = match rule.count {
        None => "expected one, found none".to_owned(),
        Some(Count::Listed) => "no manifest lists a file that is there".to_owned(),
        Some(Count::Exactly(number)) => format!("expected {number}, found none"),
    };
    let way_out = match &pattern.platform {
        Some(platform) => format!(
            "the build of {0} may not have finished. To release without it: --allow-missing {0} --because \"…\"",
            platform.name
        ),
        None => format!(
            "To release without it: --allow-missing '{}' --because \"…\"",
            pattern.text
        ),
    };
    Blocker::new(Code::Missing, &pattern.text, reason).way_out(way_out)
}

/// Returns a blocker where the number of files is not the expected one.
fn wrong_number(wanted: &Wanted<'_>, found: &[&Listed]) -> Option<Blocker> {
    let expected = match wanted.rule.count {
        None => 1,
        Some(Count::Listed) => return None,
        Some(Count::Exactly(number)) => number,
    };
    let code = match found.len().cmp(&expected) {
        std::cmp::Ordering::Less => Code::Missing,
        std::cmp::Ordering::Equal => return None,
        std::cmp::Ordering::Greater => Code::Ambiguous,
    };
    let words = if expected == 1 {
        "one".to_owned()
    } else {
        expected.to_string()
    };
    let reason = format!("expected {words}, found {}", found.len());
    let paths: Vec<_> = found.iter().map(|file| file.path.as_str()).collect();
    Some(
        Blocker::new(code, &wanted.pattern.text, reason)
            .detail(paths.join(" · "))
            .way_out(format!(
                "Is [[artifacts]] number {} matching what is meant?",
                wanted.rule.number
            )),
    )
}

/// Returns the paths of the manifests that the configuration names.
pub(super) fn manifest_paths(config: &Config, vars: &Vars<'_>) -> Result<Vec<SourcePath>, String> {
    let path = |template: &Template| {
        let path = template.render(vars).map_err(|error| error.to_string())?;
        path.parse()
            .map_err(|error: crate::name::NameError| error.to_string())
    };
    config.source.manifest.iter().map(path).collect()
}
