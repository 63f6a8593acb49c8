//! Reading `destinations`: those that exist undeclared, changed, and others.

use std::collections::{BTreeMap, BTreeSet};

use super::errors::Faults;
use super::parse::when;
use super::reader::{At, Section, in_order};
use super::{
    Audience, ConfirmBy, Credential, Destination, DestinationKind, Latest, credential, keys, url,
};
use crate::name::DestinationName;
use crate::world::Index;

/// The indexes that exist undeclared.
const INDEXES: [&str; 2] = ["pypi", "testpypi"];

/// The release that exists undeclared.
const GITHUB: &str = "github";

/// What exists undeclared in the language but not in this version.
const LATER: [&str; 1] = ["crates-io"];

/// All destinations that can be named.
pub(super) struct Destinations {
    /// Those that could be read.
    pub(super) known: BTreeMap<DestinationName, Destination>,
    /// The names of those that are declared and could not.
    broken: BTreeSet<String>,
}

impl Destinations {
    /// Tells whether a name is declared, although wrongly.
    pub(super) fn is_broken(&self, name: &str) -> bool {
        self.broken.contains(name)
    }

    /// Returns every name that could be meant.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let known = self.known.keys().map(DestinationName::as_str);
        known
            .chain(LATER)
            .chain(self.broken.iter().map(String::as_str))
    }
}

/// Tells whether a destination belongs to the language but not to this version.
pub(super) fn is_later(name: &str) -> bool {
    // A dot makes it a registry's host.
    LATER.contains(&name) || name.contains('.')
}

/// Reads the declared destinations, and adds those that exist undeclared.
pub(super) fn read(top: &Section<'_>, faults: &mut Faults<'_>) -> Destinations {
    let mut out = Destinations {
        known: BTreeMap::new(),
        broken: BTreeSet::new(),
    };
    let declared = top.value("destinations").and_then(|d| d.value.as_table());
    for (name, value) in declared.map(in_order).unwrap_or_default() {
        let Some(table) = value.get_ref().as_table() else {
            continue;
        };
        let place = format!("[destinations.{}]", name.value);
        let section = Section::open(&keys::DESTINATION, place, table, value.span(), faults);
        match destination(&name, &section, faults) {
            Some(destination) => {
                out.known.insert(destination.name.clone(), destination);
            }
            None => {
                out.broken.insert(name.value.to_owned());
            }
        }
    }
    for name in INDEXES.into_iter().chain([GITHUB]) {
        let parsed: DestinationName = name.parse().expect("it is a destination's name");
        if !out.broken.contains(name) {
            let undeclared = || undeclared(parsed.clone());
            out.known.entry(parsed.clone()).or_insert_with(undeclared);
        }
    }
    out
}

fn undeclared(name: DestinationName) -> Destination {
    let kind = built_in(name.as_str()).expect("it exists undeclared");
    Destination {
        name,
        credential: default_credential(&kind),
        attestations: matches!(kind, DestinationKind::Index { .. }),
        kind,
        audience: Audience::Public,
        confirm: ConfirmBy::Digest,
        when: super::When::default(),
    }
}

fn built_in(name: &str) -> Option<DestinationKind> {
    if INDEXES.contains(&name) {
        Some(DestinationKind::Index { urls: None })
    } else if name == GITHUB {
        Some(DestinationKind::GitHub {
            latest: Latest::Auto,
        })
    } else {
        None
    }
}

fn default_credential(kind: &DestinationKind) -> Credential {
    match kind {
        DestinationKind::Index { .. } => Credential::Trusted,
        DestinationKind::GitHub { .. } => Credential::Env("GITHUB_TOKEN".to_owned()),
    }
}

fn destination(
    name: &At<&str>,
    section: &Section<'_>,
    faults: &mut Faults<'_>,
) -> Option<Destination> {
    let kind = kind(name, section, faults);
    let parsed = name.value.parse();
    let parsed: Option<DestinationName> = parsed
        .map_err(|error: crate::name::NameError| faults.add(name.at.clone(), error.to_string()))
        .ok();
    let when = when(section, faults);
    let credential = credential::read(section, faults);
    let kind = kind?;
    if let Some(credential) = &credential {
        check_credential(credential, &kind, faults);
    }
    let text = |key| section.text(key).map(|text| text.value);
    let is_index = matches!(kind, DestinationKind::Index { .. });
    if section.has("attestations") && !is_index {
        let message = "`attestations` is for package indexes";
        faults.add(section.key("attestations"), message);
    }
    let attestations = is_index && section.flag("attestations").unwrap_or(true);
    Some(Destination {
        name: parsed?,
        credential: credential.map_or_else(|| default_credential(&kind), |c| c.value),
        kind,
        audience: match text("audience") {
            Some("private") => Audience::Private,
            _ => Audience::Public,
        },
        confirm: match text("confirm") {
            Some("bytes") => ConfirmBy::Bytes,
            _ => ConfirmBy::Digest,
        },
        attestations,
        when,
    })
}

fn kind(
    name: &At<&str>,
    section: &Section<'_>,
    faults: &mut Faults<'_>,
) -> Option<DestinationKind> {
    let word = name.value;
    if word == "npm" {
        faults.add(name.at.clone(), "the name `npm` is reserved");
        return None;
    }
    if is_later(word) {
        let message = format!("destination `{word}` is not supported by this version");
        faults.add(name.at.clone(), message);
        return None;
    }
    let latest = section.text("latest").map(|latest| latest.value);
    if latest.is_some() && word != GITHUB {
        let message = "`latest` is for GitHub releases";
        faults.add(section.key("latest"), message);
    }
    if built_in(word).is_some() {
        check_built_in(word, section, faults);
    }
    if word == GITHUB && latest == Some("never") {
        return Some(DestinationKind::GitHub {
            latest: Latest::Never,
        });
    }
    built_in(word).or_else(|| index(name, section, faults))
}

/// Reports what only a destination of the project's own has.
fn check_built_in(name: &str, section: &Section<'_>, faults: &mut Faults<'_>) {
    for key in ["kind", "url", "index"] {
        if section.has(key) {
            let message =
                format!("`{key}` is for destinations of your own, and `{name}` exists already");
            faults.add(section.key(key), message);
        }
    }
}

/// Reads a package index of the project's own.
fn index(
    name: &At<&str>,
    section: &Section<'_>,
    faults: &mut Faults<'_>,
) -> Option<DestinationKind> {
    let upload = section.text("url");
    if let Some(upload) = &upload
        && ["gs://", "s3://", "az://"]
            .iter()
            .any(|p| upload.value.starts_with(p))
    {
        let message = "a bucket as destination is not supported by this version";
        faults.add(upload.at.clone(), message);
        return None;
    }
    let keys = [
        (
            "kind",
            "a package index has `kind = \"pypi\"`, `url` and `index`",
        ),
        ("url", "where files are uploaded"),
        ("index", "where files are read"),
    ];
    for (key, hint) in keys {
        if !section.given(key) {
            let message = format!("`{key}` is missing in [destinations.{}]", name.value);
            faults.add_hint(section.at.clone(), message, hint);
        }
    }
    if !section.has("kind") {
        return None;
    }
    let read = section.text("index");
    let (upload, read) = (upload?, read?);
    let upload_fits = url::check("url", &upload, faults);
    let read_fits = url::check("index", &read, faults);
    let urls = Index {
        upload: upload.value.to_owned(),
        index: format!("{}/", read.value.trim_end_matches('/')),
    };
    (upload_fits && read_fits).then_some(DestinationKind::Index { urls: Some(urls) })
}

fn check_credential(credential: &At<Credential>, kind: &DestinationKind, faults: &mut Faults<'_>) {
    let refusal = match (kind, &credential.value) {
        (DestinationKind::Index { .. }, Credential::Ambient) => {
            "`\"ambient\"` is for buckets; an index takes `\"trusted\"` or a token"
        }
        (DestinationKind::GitHub { .. }, Credential::Env(_)) => return,
        (DestinationKind::GitHub { .. }, _) => "GitHub takes a token, `\"env:NAME\"`",
        _ => return,
    };
    faults.add(credential.at.clone(), refusal);
}
