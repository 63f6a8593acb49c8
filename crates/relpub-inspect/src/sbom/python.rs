//! What a wheel or a source distribution declares: the package itself and what
//! it asks for.

use serde_json::{Map, Value, json};

use relpub_model::findings::{Distribution, Metadata};

use crate::fault::Fault;

use super::licence::Licences;
use super::parts::{Part, Parts, Scope, property};
use super::purl;

/// Adds a component for each project that the metadata asks for.
///
/// `Requires-Dist` has ranges, never versions; so the components have none, and
/// keep the lines as properties.
pub(super) fn declared(parts: &mut Parts<'_>, distribution: &Distribution) -> Result<(), Fault> {
    let own = distribution.name.project().as_str();
    for line in distribution.metadata.all("Requires-Dist") {
        let line = one_line(line);
        let project = project_of(&line);
        // A package that asks for its own extras asks for nothing else.
        if project.is_empty() || project == own {
            continue;
        }
        let reference = purl::pypi(&project, None, None);
        let mut part = Part::named(super::parts::Kind::Library, project);
        part.purl = Some(reference.clone());
        part.scope = Some(if is_extra(&line) {
            Scope::Optional
        } else {
            Scope::Required
        });
        part.note(property::FOUND_BY, "requires-dist");
        part.note(property::REQUIRES, line);
        parts.add(&reference, part)?;
        let root = parts.root.clone();
        parts.needs(&root, &reference)?;
    }
    Ok(())
}

/// Returns what the package is, apart from its file.
pub(super) fn package(distribution: &Distribution) -> Part {
    let name = &distribution.name;
    let mut part = Part::named(super::parts::Kind::Library, name.project().as_str());
    part.version = Some(name.version().to_string());
    part.licences = Licences::of_metadata(&distribution.metadata);
    part
}

/// Returns the fields of a component that hold whom and what its metadata names:
/// `description`, `authors` and `externalReferences`.
pub(super) fn described(metadata: &Metadata) -> Map<String, Value> {
    let mut out = Map::new();
    if let Some(summary) = metadata.get("Summary").map(one_line) {
        out.insert("description".to_owned(), summary.into());
    }
    let authors = authors(metadata);
    if !authors.is_empty() {
        out.insert("authors".to_owned(), authors.into());
    }
    let references = references(metadata);
    if !references.is_empty() {
        out.insert("externalReferences".to_owned(), references.into());
    }
    out
}

/// Returns the project that a requirement begins with, normalised.
fn project_of(line: &str) -> String {
    let end = line
        .find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c))
        .unwrap_or(line.len());
    let words = line[..end].split(['-', '_', '.']);
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join("-").to_ascii_lowercase()
}

/// Tells whether a requirement holds only for an extra.
fn is_extra(line: &str) -> bool {
    let marker = line.split_once(';').map_or("", |(_, marker)| marker);
    marker
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .any(|word| word == "extra")
}

fn authors(metadata: &Metadata) -> Vec<Value> {
    let mut out = Vec::new();
    for field in ["Author-email", "Maintainer-email"] {
        for one in metadata.all(field).flat_map(|value| value.split(',')) {
            let (name, email) = match one.split_once('<') {
                Some((name, email)) => (name, email.trim_end().trim_end_matches('>')),
                None => ("", one),
            };
            let name = one_line(name.trim().trim_matches('"'));
            let mut author = Map::new();
            if !name.is_empty() {
                author.insert("name".to_owned(), name.into());
            }
            if is_email(email.trim()) {
                author.insert("email".to_owned(), email.trim().into());
            }
            out.push(Value::Object(author));
        }
    }
    for field in ["Author", "Maintainer"] {
        let name = metadata.get(field).map(one_line).unwrap_or_default();
        if !name.is_empty() && !name.eq_ignore_ascii_case("unknown") {
            out.push(json!({ "name": name }));
        }
    }
    out.retain(|author| author.as_object().is_some_and(|fields| !fields.is_empty()));
    let mut seen = std::collections::HashSet::new();
    out.retain(|author| seen.insert(author.to_string()));
    out.truncate(LISTED);
    out
}

/// How many authors and links of a package are listed.
const LISTED: usize = 50;

fn is_email(text: &str) -> bool {
    let graphic = text.bytes().all(|b| b.is_ascii_graphic());
    let parts = text.split_once('@');
    let full = parts.is_some_and(|(name, host)| {
        let named = |part: &str| {
            part.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._+".contains(&b))
        };
        !name.is_empty() && host.contains('.') && named(name) && named(host)
    });
    graphic && full && !text.contains("..") && !text.ends_with('.') && !text.starts_with('.')
}

fn references(metadata: &Metadata) -> Vec<Value> {
    let labelled = metadata
        .all("Project-URL")
        .filter_map(|value| value.split_once(','));
    let home = metadata.get("Home-page").map(|url| ("homepage", url));
    let mut out: Vec<Value> = Vec::new();
    for (label, url) in labelled.chain(home) {
        let url = url.trim();
        let web = url.starts_with("https://") || url.starts_with("http://");
        let plain = |b: u8| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b);
        if !web || url.len() > 2048 || !url.bytes().all(plain) {
            continue;
        }
        let reference = json!({ "type": kind_of_link(label), "url": url });
        if !out.contains(&reference) && out.len() < LISTED {
            out.push(reference);
        }
    }
    out
}

/// Returns the kind of a link, from the label that the project gave it, as PyPI
/// understands labels.
fn kind_of_link(label: &str) -> &'static str {
    let plain: String = label
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase();
    match plain.as_str() {
        "source" | "sourcecode" | "repository" | "github" | "gitlab" | "code" => "vcs",
        "homepage" | "home" | "website" => "website",
        "documentation" | "docs" => "documentation",
        "issues" | "tracker" | "bugs" | "bugtracker" | "issuetracker" => "issue-tracker",
        "changelog" | "changes" | "history" | "releasenotes" | "whatsnew" => "release-notes",
        "chat" | "discord" | "slack" => "chat",
        "download" => "distribution",
        _ => "other",
    }
}

/// Puts a folded value on one line.
fn one_line(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_begins_with_a_project() {
        assert_eq!(project_of("attrs >=23.1.0"), "attrs");
        assert_eq!(project_of("Typing_Extensions[x]>=4"), "typing-extensions");
        assert_eq!(project_of("zope.interface; extra == 'a'"), "zope-interface");
        assert!(is_extra("x ; python_version > '3' and extra == 'tests'"));
        assert!(!is_extra("extras; sys_platform == 'win32'"));
    }

    #[test]
    fn people_and_links_are_named_as_far_as_they_are_plain() {
        let fields = [
            ("Summary", "Does\n        things"),
            ("Author-email", "Ann B <ann@example.org>, not an address"),
            ("Project-URL", "Bug Tracker, https://example.org/issues"),
            ("Project-URL", "Trick, javascript:alert(1)"),
        ];
        let fields = fields.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec();
        let described = described(&Metadata { fields });
        let expected = json!({
            "description": "Does things",
            "authors": [{ "name": "Ann B", "email": "ann@example.org" }],
            "externalReferences": [{ "type": "issue-tracker", "url": "https://example.org/issues" }],
        });
        assert_eq!(Value::Object(described), expected);
    }
}
