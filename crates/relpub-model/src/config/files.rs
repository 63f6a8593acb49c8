//! Checks of `files`: patterns, platforms and new names.

use std::collections::BTreeMap;

use super::artifacts::{Selection, counts, goes_to_an_index};
use super::destinations::Destinations;
use super::errors::Faults;
use super::reader::At;
use super::text::knows_wheel_tags;
use super::{ArtifactRule, Kind, Pattern, Platform, Template};

/// Checks what one rule selects and how it names that.
pub(super) fn check(
    rule: &ArtifactRule,
    selected: &[Selection],
    platforms: &[Platform],
    destinations: &Destinations,
    faults: &mut Faults<'_>,
) {
    let to_index = goes_to_an_index(rule, destinations);
    for Selection { pattern, names } in selected {
        check_platforms(pattern, platforms, faults);
        if to_index {
            check_index(rule, pattern, names, faults);
        }
        if !names.is_empty() && !to_index {
            check_keeps_name(rule, pattern, faults);
        }
        for name in names {
            check_new_name(rule, pattern, name, faults);
        }
    }
}

fn check_platforms(pattern: &At<Pattern>, platforms: &[Platform], faults: &mut Faults<'_>) {
    let At { value, at } = pattern;
    if value.needs_platform() && platforms.is_empty() {
        let message = format!("`{value}` stands for one file per platform");
        faults.add_hint(at.clone(), message, "declare `platforms`");
    }
    if value.uses_wheel_tags() {
        for platform in platforms.iter().filter(|p| !knows_wheel_tags(p)) {
            let name = &platform.name;
            let message = format!("which wheel tags mean platform `{name}` is not known");
            let hint = "give the platform as `{ target = \"…\", wheel = \"…\" }`";
            faults.add_hint(at.clone(), message, hint);
        }
    }
}

/// An index takes wheels and source distributions, under their own names.
fn check_index(
    rule: &ArtifactRule,
    pattern: &At<Pattern>,
    names: &[At<Template>],
    faults: &mut Faults<'_>,
) {
    let At { value, at } = pattern;
    if !names.is_empty() {
        let message = format!("what goes to an index keeps its name; `files` renames `{value}`");
        faults.add(at.clone(), message);
    }
    if let Some(kind) = rule.kind
        && !matches!(kind, Kind::Wheel | Kind::Sdist)
    {
        let message = format!(
            "[[artifacts]] number {} is {}, and an index takes wheels and source distributions only",
            rule.number,
            kind.with_article()
        );
        faults.add(at.clone(), message);
        return;
    }
    let fits = |ending: &String| {
        [".whl", ".tar.gz"]
            .iter()
            .any(|wanted| ending.ends_with(wanted) || wanted.ends_with(&**ending))
    };
    if !value.endings().iter().all(fits) {
        let message = format!(
            "an index takes wheels and source distributions only; `{value}` selects others"
        );
        faults.add(at.clone(), message);
    }
}

fn check_keeps_name(rule: &ArtifactRule, pattern: &At<Pattern>, faults: &mut Faults<'_>) {
    let At { value, at } = pattern;
    let wheels = value
        .endings()
        .iter()
        .any(|ending| ending.ends_with(".whl"));
    match rule.kind {
        Some(Kind::Wheel) | None if wheels => {
            faults.add(at.clone(), "a wheel keeps its name; `files` renames *.whl");
        }
        Some(Kind::Wheel | Kind::Sdist) => {
            let message = format!("a distribution keeps its name; `files` renames `{value}`");
            faults.add(at.clone(), message);
        }
        _ => {}
    }
}

fn check_new_name(
    rule: &ArtifactRule,
    pattern: &At<Pattern>,
    name: &At<Template>,
    faults: &mut Faults<'_>,
) {
    let (selects, named) = (&pattern.value, &name.value);
    if named.needs_platform() && !selects.needs_platform() {
        let message = format!("`{named}` names a platform, and `{selects}` does not stand for one");
        faults.add(name.at.clone(), message);
        return;
    }
    let by_platform = named.differs_by_platform() || named.needs_file();
    let by_choice = named.needs_file() || named.needs_extension();
    let collides = (selects.needs_platform() && !by_platform)
        || (selects.has_alternatives() && !by_choice)
        || (counts(rule) && !named.needs_file());
    if collides {
        let message = format!("several files of `{selects}` would get the name `{named}`");
        let hint = "a variable such as `{target}` or `{stem}` tells them apart";
        faults.add_hint(name.at.clone(), message, hint);
    }
}

/// Checks that no two patterns give the same name in one destination, as far as
/// that is known without the files.
pub(super) fn check_names(
    rules: &[ArtifactRule],
    selections: &[Vec<Selection>],
    faults: &mut Faults<'_>,
) {
    let mut seen: BTreeMap<(String, String), String> = BTreeMap::new();
    for (rule, selected) in rules.iter().zip(selections) {
        for Selection { pattern, names } in selected {
            for At { value: name, at } in fixed_names(pattern, names) {
                for to in &rule.to {
                    let key = (to.to_string(), name.to_lowercase());
                    let other = seen.entry(key).or_insert_with(|| pattern.value.to_string());
                    if *other != pattern.value.as_str() {
                        let message = format!(
                            "two files get the name `{name}` in `{to}`: `{other}` and `{}`",
                            pattern.value
                        );
                        faults.add(at.clone(), message);
                    }
                }
            }
        }
    }
}

/// Returns the names of a selection that do not depend on the files, variables
/// that are the same for all included.
fn fixed_names(pattern: &At<Pattern>, names: &[At<Template>]) -> Vec<At<String>> {
    if names.is_empty() {
        let path = pattern.value.fixed_path();
        let name = path.map(|path| path.rsplit('/').next().unwrap_or(path).to_owned());
        let at = pattern.at.clone();
        return name.map(|value| At { value, at }).into_iter().collect();
    }
    let same = |name: &&At<Template>| {
        let name = &name.value;
        !name.needs_file() && !name.needs_extension() && !name.differs_by_platform()
    };
    names
        .iter()
        .filter(same)
        .map(|name| At {
            value: name.value.to_string(),
            at: name.at.clone(),
        })
        .collect()
}
