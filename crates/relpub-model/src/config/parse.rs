//! Reading a configuration: the top level and its small tables.

use std::ops::Range;

use toml::de::DeTable;

use super::errors::Faults;
use super::keys;
use super::reader::{At, Section};
use super::text::{Scope, TagTemplate, TextError, When};
use super::{
    Config, ConfigErrors, NotesBody, NotesRule, Pattern, Template, Waiver, artifacts, destinations,
    evidence, platforms, source,
};
use crate::digest::Sha256;
use crate::name::Repository;
use crate::version::Version;

impl Config {
    /// Reads a configuration, or returns everything that is wrong with it.
    ///
    /// `file_name` is how the file is named in messages.
    pub fn parse(file_name: &str, text: &str) -> Result<Self, ConfigErrors> {
        let mut faults = Faults::new(file_name, text);
        let (table, syntax) = DeTable::parse_recoverable(text);
        for error in syntax {
            let at = error.span().unwrap_or(0..0);
            faults.add_syntax(at, error.message());
        }
        // What was recovered from broken syntax would lead to errors that are none.
        if !faults.is_empty() {
            return Err(faults.finish());
        }
        let top = Section::open(&keys::TOP, "", table.get_ref(), 0..0, &mut faults);
        match read(text, &top, &mut faults) {
            Some(config) if faults.is_empty() => Ok(config),
            _ => Err(faults.finish()),
        }
    }
}

fn read(text: &str, top: &Section<'_>, faults: &mut Faults<'_>) -> Option<Config> {
    let repository = repository(top, faults);
    // Where the repository is wrong, the rest is still read for its errors.
    let stand_in = || "owner/name".parse().expect("it is a repository");
    let known = repository.clone().unwrap_or_else(stand_in);
    let project = project(top, &known, faults);
    let tag = tag(top, &project, &known, faults);
    let platforms = platforms::read(top, faults);
    let source = source::read(top, faults);
    let mut destinations = destinations::read(top, faults);
    let has_manifest = source.as_ref().is_none_or(|s| !s.manifest.is_empty());
    let artifacts = artifacts::read(top, &platforms, &destinations, has_manifest, faults);
    let used = |name: &_| artifacts.iter().any(|rule| rule.to.contains(name));
    destinations.known.retain(|name, _| used(name));
    let notes = notes(top, faults);
    let evidence = evidence::read(top, faults);
    let waivers = waivers(top, faults);
    let follow_ups = sentences(top, "follow-ups", faults);
    Some(Config {
        digest: Sha256::of(text.as_bytes()),
        repository: repository?,
        project,
        tag: tag?,
        create_tag: top.flag("create-tag").unwrap_or(false),
        platforms,
        follow_ups,
        source: source?,
        artifacts,
        destinations: destinations.known,
        notes: notes?,
        evidence,
        waivers,
    })
}

fn repository(top: &Section<'_>, faults: &mut Faults<'_>) -> Option<Repository> {
    let At { value, at } = top.text("repository")?;
    let parsed = value.parse();
    parsed
        .map_err(|error: crate::name::NameError| faults.add(at, error.to_string()))
        .ok()
}

fn project(top: &Section<'_>, repository: &Repository, faults: &mut Faults<'_>) -> String {
    let Some(At { value, at }) = top.text("project") else {
        return repository.name().to_owned();
    };
    if value.trim().is_empty() || value.chars().any(char::is_control) || value.len() > 100 {
        let message = "`project` takes a name of 1 to 100 characters on one line";
        faults.add(at, message);
    }
    value.to_owned()
}

fn tag(
    top: &Section<'_>,
    project: &str,
    repository: &Repository,
    faults: &mut Faults<'_>,
) -> Option<TagTemplate> {
    let text = top.text("tag").unwrap_or(At {
        value: "v{version}",
        at: 0..0,
    });
    let parsed = TagTemplate::parse(text.value, project, repository);
    accept(parsed, &text, faults)
}

fn notes(top: &Section<'_>, faults: &mut Faults<'_>) -> Option<NotesRule> {
    let section = one(top, "notes", &keys::NOTES, faults);
    let title = section.as_ref().and_then(|s| s.text("title"));
    let title = title.unwrap_or(At {
        value: "{tag}",
        at: 0..0,
    });
    let body = section.as_ref().and_then(|s| s.text("body"));
    Some(NotesRule {
        title: accept(Template::parse(title.value, Scope::Release), &title, faults)?,
        body: match body.map(|body| body.value) {
            Some("none") => NotesBody::None,
            _ => NotesBody::GitHub,
        },
    })
}

fn waivers(top: &Section<'_>, faults: &mut Faults<'_>) -> Vec<Waiver> {
    let tables = top.tables("waivers");
    let sections: Vec<_> = (1..)
        .zip(tables)
        .map(|(number, table)| {
            let place = format!("[[waivers]] number {number}");
            Section::open(&keys::WAIVER, place, table.value, table.at, faults)
        })
        .collect();
    sections
        .iter()
        .filter_map(|section| waiver(section, faults))
        .collect()
}

fn waiver(section: &Section<'_>, faults: &mut Faults<'_>) -> Option<Waiver> {
    let missing = section.text("missing");
    if let Some(missing) = &missing {
        accept(Pattern::parse(missing.value, Scope::Files), missing, faults);
    }
    let version = section.text("version");
    if let Some(At { value, at }) = &version
        && let Err(error) = value.parse::<Version>()
    {
        faults.add(at.clone(), error.to_string());
    }
    let because = section.text("because");
    if let Some(At { value, at }) = &because
        && value.trim().is_empty()
    {
        faults.add(at.clone(), "`because` takes a sentence");
    }
    Some(Waiver {
        missing: missing?.value.to_owned(),
        because: because?.value.to_owned(),
        version: version?.value.to_owned(),
        until: section.date("until")?,
    })
}

fn sentences(top: &Section<'_>, key: &str, faults: &mut Faults<'_>) -> Vec<String> {
    let texts = top.texts(key);
    for At { value, at } in &texts {
        if value.trim().is_empty() || value.chars().any(char::is_control) {
            let message = format!("`{key}` takes sentences of one line");
            faults.add(at.clone(), message);
        }
    }
    texts.iter().map(|text| text.value.to_owned()).collect()
}

/// Opens the table at a key of the top level.
pub(super) fn one<'a>(
    top: &Section<'a>,
    key: &str,
    table: &'static keys::Table,
    faults: &mut Faults<'_>,
) -> Option<Section<'a>> {
    let At { value, at } = top.value(key)?;
    let place = format!("[{key}]");
    Some(Section::open(table, place, value.as_table()?, at, faults))
}

/// Returns what was parsed from a string, or reports why it was not.
pub(super) fn accept<T>(
    parsed: Result<T, TextError>,
    text: &At<&str>,
    faults: &mut Faults<'_>,
) -> Option<T> {
    parsed
        .map_err(|error| faults.add_text(text.at.clone(), text.value, error))
        .ok()
}

/// Returns the channels of an entry; those of one without `when` where it has none.
pub(super) fn when(section: &Section<'_>, faults: &mut Faults<'_>) -> When {
    let texts = section.texts("when");
    if !section.has("when") {
        return When::default();
    }
    let names: Vec<&str> = texts.iter().map(|text| text.value).collect();
    let at: Range<usize> = match texts.as_slice() {
        [one] => one.at.clone(),
        _ => section.value("when").map_or(0..0, |value| value.at),
    };
    When::parse(&names).unwrap_or_else(|error| {
        faults.add_maybe(at, error.message, error.hint);
        When::default()
    })
}
