//! Reading `source`: where the artifacts come from.

use toml::de::DeValue;

use super::errors::Faults;
use super::parse::accept;
use super::reader::{At, Section};
use super::text::Scope;
use super::{Credential, Pattern, Source, Template, credential, keys, url};

/// What a source begins with in the language but not in this version.
const LATER: [&str; 5] = ["gs://", "az://", "https://", "actions:", "release:"];

/// Reads `source`, as a text or as a table.
pub(super) fn read(top: &Section<'_>, faults: &mut Faults<'_>) -> Option<Source> {
    let At { value, at } = top.value("source")?;
    if let DeValue::Table(table) = value {
        let section = Section::open(&keys::SOURCE, "[source]", table, at, faults);
        return from_table(&section, faults);
    }
    let from = At {
        value: value.as_str()?,
        at,
    };
    Some(Source {
        from: vec![location(&from, faults)?],
        manifest: Vec::new(),
        ignore: Vec::new(),
        endpoint: None,
        credential: Credential::Ambient,
    })
}

fn from_table(section: &Section<'_>, faults: &mut Faults<'_>) -> Option<Source> {
    let texts = section.texts("from");
    if section.has("from") && texts.is_empty() {
        faults.add(section.key("from"), "`from` names no source");
    }
    let from: Vec<_> = texts.iter().filter_map(|t| location(t, faults)).collect();
    let buckets = texts.iter().any(|text| text.value.starts_with("s3://"));
    for key in ["endpoint", "credential"] {
        if section.has(key) && !buckets && !texts.is_empty() {
            let message = format!("`{key}` is for s3:// sources");
            faults.add(section.key(key), message);
        }
    }
    let source = Source {
        manifest: manifests(section, faults),
        ignore: patterns(section, faults),
        endpoint: endpoint(section, faults),
        credential: bucket_credential(section, faults),
        from,
    };
    (source.from.len() == texts.len() && !texts.is_empty()).then_some(source)
}

fn location(text: &At<&str>, faults: &mut Faults<'_>) -> Option<Template> {
    let At { value, at } = text;
    if let Some(prefix) = LATER.iter().find(|prefix| value.starts_with(**prefix)) {
        let message = format!("a source in `{prefix}` is not supported by this version");
        faults.add_hint(at.clone(), message, "it reads `s3://` and `file:`");
        return None;
    }
    if let Some(rest) = value.strip_prefix("s3://") {
        let bucket = rest.split('/').next().unwrap_or_default();
        if bucket.is_empty() {
            faults.add(at.clone(), "a bucket is written `s3://BUCKET/PREFIX`");
            return None;
        }
    } else if let Some(path) = value.strip_prefix("file:") {
        if path.is_empty() || path.starts_with("//") {
            faults.add(at.clone(), "a folder is written `file:PATH`");
            return None;
        }
    } else {
        let message = "a source begins with `s3://` or `file:`";
        faults.add(at.clone(), message);
        return None;
    }
    accept(Template::parse(value, Scope::Release), text, faults)
}

fn manifests(section: &Section<'_>, faults: &mut Faults<'_>) -> Vec<Template> {
    let texts = section.texts("manifest");
    texts
        .iter()
        .filter_map(|text| {
            if text.value.contains(['*', '?', '[']) {
                let message = "`manifest` names each manifest; it takes no globs";
                faults.add(text.at.clone(), message);
                return None;
            }
            if text.value.starts_with('/') || text.value.split('/').any(|s| s == "..") {
                let message = "a manifest's path is relative to the root of the source";
                faults.add(text.at.clone(), message);
                return None;
            }
            accept(Template::parse(text.value, Scope::Release), text, faults)
        })
        .collect()
}

fn patterns(section: &Section<'_>, faults: &mut Faults<'_>) -> Vec<Pattern> {
    let texts = section.texts("ignore");
    texts
        .iter()
        .filter_map(|text| accept(Pattern::parse(text.value, Scope::Paths), text, faults))
        .collect()
}

fn endpoint(section: &Section<'_>, faults: &mut Faults<'_>) -> Option<String> {
    let text = section.text("endpoint")?;
    url::check("endpoint", &text, faults).then(|| text.value.to_owned())
}

fn bucket_credential(section: &Section<'_>, faults: &mut Faults<'_>) -> Credential {
    let Some(At { value, at }) = credential::read(section, faults) else {
        return Credential::Ambient;
    };
    if matches!(value, Credential::Trusted | Credential::Env(_)) {
        let message = "a bucket is read with a key id and a key";
        let hint =
            "it takes `\"ambient\"`, `\"anonymous\"` or `{ username, password = \"env:NAME\" }`";
        faults.add_hint(at, message, hint);
    }
    value
}
