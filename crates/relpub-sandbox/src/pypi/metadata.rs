//! The rules for metadata in the form (core metadata, and the index's own).

use std::collections::BTreeMap;
use std::str::FromStr as _;

use pep440_rs::{Version, VersionSpecifiers};
use url::Url;

use super::form::Form;
use super::names::is_project_name;
use super::refusal::Refusal;

/// A field of the form that is metadata.
struct Field {
    /// Its name in the form.
    form: &'static str,
    /// Its name in a metadata file, in small letters.
    name: &'static str,
    /// Whether it may come several times.
    many: bool,
    /// The metadata version that introduced it.
    since: &'static str,
}

const fn one(form: &'static str, name: &'static str, since: &'static str) -> Field {
    Field {
        form,
        name,
        many: false,
        since,
    }
}

const fn many(form: &'static str, name: &'static str, since: &'static str) -> Field {
    Field {
        form,
        name,
        many: true,
        since,
    }
}

const FIELDS: [Field; 34] = [
    one("metadata_version", "metadata-version", "1.0"),
    one("name", "name", "1.0"),
    one("version", "version", "1.0"),
    one("summary", "summary", "1.0"),
    one("description", "description", "1.0"),
    one(
        "description_content_type",
        "description-content-type",
        "2.1",
    ),
    one("keywords", "keywords", "1.0"),
    one("home_page", "home-page", "1.0"),
    one("download_url", "download-url", "1.1"),
    one("author", "author", "1.0"),
    one("author_email", "author-email", "1.0"),
    one("maintainer", "maintainer", "1.2"),
    one("maintainer_email", "maintainer-email", "1.2"),
    one("license", "license", "1.0"),
    one("license_expression", "license-expression", "2.4"),
    one("requires_python", "requires-python", "1.2"),
    many("platform", "platform", "1.0"),
    many("supported_platform", "supported-platform", "1.1"),
    many("license_file", "license-file", "2.4"),
    many("import_name", "import-name", "2.5"),
    many("import_namespace", "import-namespace", "2.5"),
    many("classifiers", "classifier", "1.1"),
    many("requires_dist", "requires-dist", "1.2"),
    many("provides_dist", "provides-dist", "1.2"),
    many("obsoletes_dist", "obsoletes-dist", "1.2"),
    many("requires_external", "requires-external", "1.2"),
    many("provides_extra", "provides-extra", "2.1"),
    many("project_urls", "project-url", "1.2"),
    many("dynamic", "dynamic", "2.2"),
    many("requires", "requires", "1.1"),
    many("provides", "provides", "1.1"),
    many("obsoletes", "obsoletes", "1.1"),
    // Not metadata, but kept and shown with it.
    one("comment", "comment", "1.0"),
    one("pyversion", "pyversion", "1.0"),
];

/// The metadata versions that the index takes, in their order.
const VERSIONS: [&str; 8] = ["1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5"];

/// How long a summary may be, in characters.
const SUMMARY: usize = 512;
/// How long the label of a project URL may be, in characters.
const LABEL: usize = 32;

/// The first segments of all classifiers.
const CLASSIFIERS: [&str; 10] = [
    "Development Status",
    "Environment",
    "Framework",
    "Intended Audience",
    "License",
    "Natural Language",
    "Operating System",
    "Programming Language",
    "Topic",
    "Typing",
];

/// Classifiers that were replaced, and by what.
const DEPRECATED: [(&str, &str); 3] = [
    (
        "Natural Language :: Ukranian",
        "Natural Language :: Ukrainian",
    ),
    (
        "License :: OSI Approved :: Intel Open Source License",
        "License :: OSI Approved",
    ),
    (
        "Topic :: Communications :: Chat :: AOL Instant Messenger",
        "Topic :: Communications :: Chat",
    ),
];

/// Metadata that the index accepts.
#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) version: Version,
    fields: BTreeMap<String, Vec<String>>,
}

impl Metadata {
    /// Reads the metadata of a form; `url` is where the index explains itself.
    ///
    /// Whether a description renders, whether a licence expression is SPDX and
    /// whether a classifier exists below its first segment is not checked.
    pub(super) fn of(form: &Form, url: &str) -> Result<Self, Refusal> {
        read(form).map_err(|problem| {
            Refusal::bad(format!(
                "{problem}. See {url}/specifications/core-metadata for more information."
            ))
        })
    }

    /// Returns the first value of a field, by its name in the form.
    pub(super) fn one(&self, form: &str) -> Option<&str> {
        self.all(form).first().map(String::as_str)
    }

    /// Returns all values of a field, by its name in the form.
    pub(super) fn all(&self, form: &str) -> &[String] {
        self.fields.get(form).map_or(&[], Vec::as_slice)
    }

    /// Returns the fields by their names in the form.
    pub(super) fn into_fields(self) -> BTreeMap<String, Vec<String>> {
        self.fields
    }
}

fn read(form: &Form) -> Result<Metadata, String> {
    let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in form.fields() {
        if FIELDS.iter().any(|field| field.form == name) && !value.is_empty() {
            fields.entry(name.clone()).or_default().push(value.clone());
        }
    }
    for Field { form, many, .. } in &FIELDS {
        if !many && fields.get(*form).is_some_and(|values| values.len() > 1) {
            return Err(format!("'{form}' has invalid data"));
        }
    }
    let mut required = ["metadata_version", "name", "version"].map(|name| {
        let value = fields.get(name).and_then(|values| values.first());
        value
            .cloned()
            .ok_or(format!("'{}' is a required field", name.replace('_', "-")))
    });
    let mut take = |index: usize| std::mem::replace(&mut required[index], Ok(String::new()));
    let (metadata_version, name, version) = (take(0)?, take(1)?, take(2)?);
    check_versions(&metadata_version, &fields)?;
    if !is_project_name(&name) {
        return Err(format!("'{name}' is invalid for 'name'"));
    }
    let version =
        Version::from_str(&version).map_err(|_| format!("'{version}' is invalid for 'version'"))?;
    if version.is_local() {
        return Err(format!(
            "The use of local versions in '{version}' is not allowed"
        ));
    }
    let metadata = Metadata {
        name,
        version,
        fields,
    };
    check_text(&metadata)?;
    check_urls(&metadata)?;
    check_classifiers(&metadata)?;
    check_dependencies(&metadata)?;
    check_licence(&metadata)?;
    check_dynamic(&metadata)?;
    Ok(metadata)
}

/// Checks that no field is newer than the metadata says it is.
fn check_versions(
    metadata_version: &str,
    fields: &BTreeMap<String, Vec<String>>,
) -> Result<(), String> {
    let place = |version: &str| VERSIONS.iter().position(|it| *it == version);
    let Some(given) = place(metadata_version) else {
        return Err(format!(
            "'{metadata_version}' is not a valid metadata version"
        ));
    };
    for Field {
        form, name, since, ..
    } in &FIELDS
    {
        if fields.contains_key(*form) && place(since) > Some(given) {
            return Err(format!(
                "{name} introduced in metadata version {since}, not {metadata_version}"
            ));
        }
    }
    Ok(())
}

fn check_text(metadata: &Metadata) -> Result<(), String> {
    if let Some(summary) = metadata.one("summary") {
        if summary.contains('\n') {
            return Err("'summary' must be a single line".to_owned());
        }
        if summary.chars().count() > SUMMARY {
            return Err(format!(
                "'summary' field must be {SUMMARY} characters or less"
            ));
        }
    }
    if let Some(kind) = metadata.one("description_content_type") {
        let media = kind.split(';').next().unwrap_or_default().trim();
        if !["text/plain", "text/x-rst", "text/markdown"].contains(&media) {
            return Err(format!(
                "'description-content-type' must be one of ['text/plain', 'text/x-rst', \
                 'text/markdown'], not '{kind}'"
            ));
        }
    }
    for field in ["author_email", "maintainer_email"] {
        if let Some(value) = metadata.one(field) {
            check_address(value)?;
        }
    }
    match metadata.one("requires_python") {
        Some(value) if VersionSpecifiers::from_str(value).is_err() => {
            Err(format!("'{value}' is invalid for 'requires-python'"))
        }
        _ => Ok(()),
    }
}

/// Checks the first address of a list as far as it is an address at all.
fn check_address(value: &str) -> Result<(), String> {
    let address = match value.split_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or_default(),
        None => value.split(',').next().unwrap_or_default(),
    };
    let address = address.trim();
    let valid = address.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && host.contains('.') && !host.contains(['@', ' ']) && !user.contains(' ')
    });
    if valid || address.is_empty() {
        return Ok(());
    }
    Err(format!("'{address}' is not a valid email address"))
}

fn check_urls(metadata: &Metadata) -> Result<(), String> {
    for field in ["home_page", "download_url"] {
        if let Some(url) = metadata.one(field).filter(|url| Url::parse(url).is_err()) {
            return Err(format!("'{url}' is not a valid url"));
        }
    }
    for value in metadata.all("project_urls") {
        let (label, url) = value.split_once(',').unwrap_or((value, ""));
        let (label, url) = (label.trim(), url.trim());
        if label.is_empty() {
            return Err("Must have a label".to_owned());
        }
        if label.chars().count() > LABEL {
            return Err(format!("'{label}' must be {LABEL} characters or less"));
        }
        if url.is_empty() {
            return Err("Must have a URL".to_owned());
        }
        if Url::parse(url).is_err() {
            return Err(format!("'{url}' is not a valid url"));
        }
    }
    Ok(())
}

fn check_classifiers(metadata: &Metadata) -> Result<(), String> {
    for classifier in metadata.all("classifiers") {
        let (first, rest) = classifier.split_once(" :: ").unwrap_or((classifier, ""));
        if !CLASSIFIERS.contains(&first) || rest.is_empty() {
            return Err(format!("'{classifier}' is not a valid classifier"));
        }
        if let Some((_, by)) = DEPRECATED.iter().find(|(old, _)| old == classifier) {
            return Err(format!(
                "The classifier '{classifier}' has been deprecated, use one of ['{by}'] instead"
            ));
        }
    }
    Ok(())
}

fn check_dependencies(metadata: &Metadata) -> Result<(), String> {
    for field in ["requires_dist", "provides_dist", "obsoletes_dist"] {
        for requirement in metadata.all(field) {
            if is_direct(requirement).ok_or_else(|| {
                format!(
                    "'{requirement}' is invalid for '{}'",
                    field.replace('_', "-")
                )
            })? {
                return Err(format!("Can't have direct dependency: {requirement}"));
            }
        }
    }
    for extra in metadata.all("provides_extra") {
        if !is_project_name(extra) {
            return Err(format!("'{extra}' is invalid for 'provides-extra'"));
        }
    }
    Ok(())
}

/// Returns whether a requirement names a URL; `None` means that it is malformed.
///
/// What stands behind `;` is not looked at.
fn is_direct(requirement: &str) -> Option<bool> {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let end = requirement.find(|c| !word(c)).unwrap_or(requirement.len());
    let (name, rest) = requirement.split_at(end);
    is_project_name(name).then_some(())?;
    let mut rest = rest.trim_start();
    if let Some(extras) = rest.strip_prefix('[') {
        rest = extras.split_once(']')?.1.trim_start();
    }
    if rest.starts_with('@') {
        return Some(true);
    }
    let versions = rest.split(';').next().unwrap_or_default().trim();
    let versions = versions
        .strip_prefix('(')
        .and_then(|inner| inner.strip_suffix(')'))
        .unwrap_or(versions);
    VersionSpecifiers::from_str(versions).ok().map(|_| false)
}

fn check_licence(metadata: &Metadata) -> Result<(), String> {
    if metadata.one("license").is_some() && metadata.one("license_expression").is_some() {
        return Err(
            "License is deprecated when License-Expression is present. Only \
                    License-Expression should be present"
                .to_owned(),
        );
    }
    for path in metadata.all("license_file") {
        let bad = path.contains("..") || path.contains(['*', '\\']) || path.starts_with('/');
        if bad {
            return Err(format!("'{path}' is invalid for 'license-file'"));
        }
    }
    Ok(())
}

fn check_dynamic(metadata: &Metadata) -> Result<(), String> {
    for field in metadata.all("dynamic") {
        let lower = field.to_ascii_lowercase();
        if ["name", "version", "metadata-version"].contains(&lower.as_str()) {
            return Err(format!("'{field}' is not allowed as a dynamic field"));
        }
        if !FIELDS.iter().any(|known| known.name == lower) {
            return Err(format!("'{field}' is not a valid dynamic field"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_direct_requirement_is_told_from_others() {
        assert_eq!(is_direct("a"), Some(false));
        assert_eq!(is_direct("a>=1,<2"), Some(false));
        assert_eq!(
            is_direct("a[b,c] (>=1) ; python_version < '3'"),
            Some(false)
        );
        assert_eq!(is_direct("a @ https://example.com/a.whl"), Some(true));
        assert_eq!(is_direct("a[b]@file:///a"), Some(true));
        assert_eq!(is_direct("a b"), None);
        assert_eq!(is_direct("-a"), None);
    }
}
