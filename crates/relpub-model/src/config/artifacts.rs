//! Reading `artifacts`: the completeness contract.

use std::ops::Range;

use toml::de::DeValue;

use super::destinations::{Destinations, is_later};
use super::errors::Faults;
use super::nearest::nearest;
use super::parse::{accept, when};
use super::platforms::check_triple;
use super::reader::{At, Section, count, in_order, texts};
use super::text::{CHANNELS, Scope};
use super::{
    ArtifactRule, Count, DestinationKind, Kind, Pattern, Platform, Template, VersionRule, files,
    keys,
};
use crate::name::DestinationName;

/// A pattern, the names its files get, and where they stand.
pub(super) struct Selection {
    pub(super) pattern: At<Pattern>,
    pub(super) names: Vec<At<Template>>,
}

/// Reads the rules in the order of the file, and checks each against the others.
pub(super) fn read(
    top: &Section<'_>,
    platforms: &[Platform],
    destinations: &Destinations,
    has_manifest: bool,
    faults: &mut Faults<'_>,
) -> Vec<ArtifactRule> {
    let mut rules = Vec::new();
    let mut selections = Vec::new();
    for (number, table) in (1..).zip(top.tables("artifacts")) {
        let place = format!("[[artifacts]] number {number}");
        let section = Section::open(&keys::ARTIFACT, place, table.value, table.at, faults);
        let selected = selected(&section, faults);
        let rule = rule(number, &section, &selected, destinations, faults);
        check_count(&section, &selected, has_manifest, faults);
        check_reach(&section, &rule, destinations, faults);
        files::check(&rule, &selected, platforms, destinations, faults);
        rules.push(rule);
        selections.push(selected);
    }
    let misshapen = top.given("artifacts") && !top.has("artifacts");
    if rules.is_empty() && !misshapen {
        let message = "no [[artifacts]]: a release consists of something";
        faults.add(top.at.clone(), message);
    }
    files::check_names(&rules, &selections, faults);
    rules
}

fn rule(
    number: usize,
    section: &Section<'_>,
    selected: &[Selection],
    destinations: &Destinations,
    faults: &mut Faults<'_>,
) -> ArtifactRule {
    let target = section.text("target");
    if let Some(target) = &target {
        check_triple(target, faults);
    }
    ArtifactRule {
        number,
        files: selected
            .iter()
            .map(|one| {
                let names = one.names.iter().map(|name| name.value.clone());
                (one.pattern.value.clone(), names.collect())
            })
            .collect(),
        to: to(section, destinations, faults),
        count: section.value("count").and_then(|value| count(value.value)),
        optional: section.flag("optional").unwrap_or(false),
        version: match section.text("version").map(|version| version.value) {
            Some("any") => VersionRule::Any,
            _ => VersionRule::Same,
        },
        target: target.map(|target| target.value.to_owned()),
        kind: section.text("kind").and_then(|kind| kind_of(kind.value)),
        when: when(section, faults),
    }
}

fn kind_of(word: &str) -> Option<Kind> {
    [
        Kind::Wheel,
        Kind::Sdist,
        Kind::Binary,
        Kind::Library,
        Kind::Archive,
        Kind::File,
    ]
    .into_iter()
    .find(|kind| kind.as_str() == word)
}

fn selected(section: &Section<'_>, faults: &mut Faults<'_>) -> Vec<Selection> {
    let Some(files) = section.value("files") else {
        return Vec::new();
    };
    let out: Vec<Selection> = match files.value {
        DeValue::Table(table) => in_order(table)
            .into_iter()
            .filter_map(|(text, names)| {
                let pattern = pattern(&text, faults)?;
                let texts = texts(names);
                if texts.is_empty() {
                    faults.add(names.span(), "a new name is missing");
                }
                let name = |text: &At<&str>| new_name(text, faults);
                let names = texts.iter().filter_map(name).collect();
                Some(Selection { pattern, names })
            })
            .collect(),
        _ => section
            .texts("files")
            .iter()
            .filter_map(|text| {
                let pattern = pattern(text, faults)?;
                let names = Vec::new();
                Some(Selection { pattern, names })
            })
            .collect(),
    };
    let empty = match files.value {
        DeValue::Table(table) => table.is_empty(),
        DeValue::Array(list) => list.is_empty(),
        _ => false,
    };
    if empty {
        faults.add(files.at, "`files` selects nothing");
    }
    out
}

fn pattern(text: &At<&str>, faults: &mut Faults<'_>) -> Option<At<Pattern>> {
    let value = accept(Pattern::parse(text.value, Scope::Files), text, faults)?;
    let at = text.at.clone();
    Some(At { value, at })
}

fn new_name(text: &At<&str>, faults: &mut Faults<'_>) -> Option<At<Template>> {
    let at = text.at.clone();
    if text.value.is_empty() || text.value.contains('/') {
        let message = "a new name is one segment, without `/`";
        faults.add(at, message);
        return None;
    }
    let value = accept(Template::parse(text.value, Scope::NewName), text, faults)?;
    Some(At { value, at })
}

fn to(
    section: &Section<'_>,
    destinations: &Destinations,
    faults: &mut Faults<'_>,
) -> Vec<DestinationName> {
    let mut out = Vec::new();
    for text in section.texts("to") {
        match known(&text, destinations, faults) {
            Some(name) if !out.contains(name) => out.push(name.clone()),
            _ => {}
        }
    }
    out
}

fn known<'d>(
    text: &At<&str>,
    destinations: &'d Destinations,
    faults: &mut Faults<'_>,
) -> Option<&'d DestinationName> {
    let At { value, at } = text;
    if let Some((name, place)) = value.split_once('/') {
        let message = format!("a place in `to` is not supported by this version: `{name}/{place}`");
        faults.add(at.clone(), message);
        return None;
    }
    if let Some(name) = destinations
        .known
        .keys()
        .find(|name| name.as_str() == *value)
    {
        return Some(name);
    }
    if destinations.is_broken(value) {
        return None;
    }
    if *value == "npm" {
        faults.add(at.clone(), "the name `npm` is reserved");
        return None;
    }
    if is_later(value) {
        let message = format!("destination `{value}` is not supported by this version");
        faults.add(at.clone(), message);
        return None;
    }
    let meant = nearest(value, destinations.names());
    let message = format!("`to = \"{value}\"` is no destination");
    faults.add_maybe(
        at.clone(),
        message,
        meant.map(|name| format!("did you mean `{name}`?")),
    );
    None
}

fn check_count(
    section: &Section<'_>,
    selected: &[Selection],
    has_manifest: bool,
    faults: &mut Faults<'_>,
) {
    if section.given("count") {
        if !has_manifest {
            let message = "`count` needs source.manifest: alone it would accept any files";
            faults.add(section.key("count"), message);
        }
        return;
    }
    for At { value, at } in selected.iter().map(|one| &one.pattern) {
        if value.crosses_folders() {
            let message = format!("`{value}` stands for many files");
            let hint = "add `count = \"listed\"`, which needs source.manifest";
            faults.add_hint(at.clone(), message, hint);
        }
    }
}

fn check_reach(
    section: &Section<'_>,
    rule: &ArtifactRule,
    destinations: &Destinations,
    faults: &mut Faults<'_>,
) {
    let reached = |name: &DestinationName| {
        let destination = &destinations.known[name];
        let mut channels = CHANNELS.into_iter();
        channels.any(|channel| rule.when.admits(channel) && destination.when.admits(channel))
    };
    if !rule.to.is_empty() && !rule.to.iter().any(reached) {
        let at: Range<usize> = section.key(if section.has("when") { "when" } else { "to" });
        let message = format!("{} can never reach a destination", section.place);
        faults.add_hint(
            at,
            message,
            "its `when` and theirs have no channel in common",
        );
    }
}

/// Tells whether any destination of a rule is a package index.
pub(super) fn goes_to_an_index(rule: &ArtifactRule, destinations: &Destinations) -> bool {
    let is_index = |name: &DestinationName| {
        matches!(destinations.known[name].kind, DestinationKind::Index { .. })
    };
    rule.to.iter().any(is_index)
}

/// Tells whether one pattern of a rule stands for many files.
pub(super) fn counts(rule: &ArtifactRule) -> bool {
    matches!(rule.count, Some(Count::Listed | Count::Exactly(2..)))
}
