//! What PyPI refuses in core metadata, as far as it can be told beforehand.

use relpub_model::findings::Metadata;

use crate::fault::quoted;

/// The versions of core metadata that PyPI accepts (2.6 not yet).
const ACCEPTED: [&str; 8] = ["1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5"];

/// The longest summary and the longest label of a project URL, in characters.
const LONGEST_SUMMARY: usize = 512;
const LONGEST_LABEL: usize = 32;

/// Returns what PyPI would refuse, each as the end of a sentence.
pub(crate) fn refusals(metadata: &Metadata) -> Vec<String> {
    let mut out = Vec::new();
    let version = metadata.get("Metadata-Version").unwrap_or_default();
    if !ACCEPTED.contains(&version) {
        out.push(format!(
            "has metadata version {}, which PyPI does not accept",
            quoted(version)
        ));
    }
    if let Some(version) = metadata
        .get("Version")
        .filter(|version| version.contains('+'))
    {
        out.push(format!(
            "has the local version {}; PyPI takes none",
            quoted(version)
        ));
    }
    out.extend(summary(metadata.get("Summary").unwrap_or_default()));
    let both = ["License", "License-Expression"].map(|field| metadata.get(field).is_some());
    if both == [true, true] {
        out.push("has both License and License-Expression; PyPI takes one of them".to_owned());
    }
    for field in ["Requires-Dist", "Provides-Dist", "Obsoletes-Dist"] {
        let direct = metadata.all(field).filter(|value| is_direct(value));
        out.extend(direct.map(|value| {
            format!(
                "has the direct dependency {}; PyPI takes none",
                quoted(value)
            )
        }));
    }
    let labels = metadata
        .all("Project-URL")
        .filter(|value| !has_label(value));
    out.extend(labels.map(|value| {
        format!(
            "has the project URL {} without a label of 1 to {LONGEST_LABEL} characters",
            quoted(value)
        )
    }));
    out
}

fn summary(summary: &str) -> Option<String> {
    let length = summary.chars().count();
    if length > LONGEST_SUMMARY {
        Some(format!(
            "has a summary of {length} characters; PyPI takes {LONGEST_SUMMARY}"
        ))
    } else if summary.contains('\n') {
        Some("has a summary of several lines; PyPI takes one".to_owned())
    } else {
        None
    }
}

/// Tells whether a requirement names a URL: `name[extras] @ url` (PEP 508).
fn is_direct(requirement: &str) -> bool {
    let name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let rest = requirement
        .trim_start()
        .trim_start_matches(name)
        .trim_start();
    let rest = match rest
        .strip_prefix('[')
        .and_then(|extras| extras.split_once(']'))
    {
        Some((_, behind)) => behind.trim_start(),
        None => rest,
    };
    rest.starts_with('@')
}

fn has_label(project_url: &str) -> bool {
    let label = project_url
        .split_once(',')
        .map_or("", |(label, _)| label.trim());
    (1..=LONGEST_LABEL).contains(&label.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fields: &[(&str, &str)]) -> Vec<String> {
        let good = [("Metadata-Version", "2.4"), ("Name", "a"), ("Version", "1")];
        let fields = good
            .iter()
            .chain(fields)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        refusals(&Metadata {
            fields: fields.collect(),
        })
    }

    #[test]
    fn what_pypi_refuses_is_told_beforehand() {
        assert!(
            of(&[
                ("Requires-Dist", "a[b]>=1; extra == \"x@y\""),
                ("Project-URL", "Home, https://a")
            ])
            .is_empty()
        );
        assert_eq!(
            of(&[("License", "MIT"), ("License-Expression", "MIT")]).len(),
            1
        );
        assert_eq!(
            of(&[("Summary", &"x".repeat(513))]),
            ["has a summary of 513 characters; PyPI takes 512"]
        );
        assert_eq!(
            of(&[("Requires-Dist", "a [b] @ https://x/y")]),
            ["has the direct dependency `a [b] @ https://x/y`; PyPI takes none"]
        );
        assert_eq!(of(&[("Project-URL", "https://a")]).len(), 1);
        let metadata = |version: &str, metadata_version: &str| {
            let fields = [("Metadata-Version", metadata_version), ("Version", version)];
            refusals(&Metadata {
                fields: fields.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec(),
            })
        };
        assert_eq!(
            metadata("1+cu128", "2.4"),
            ["has the local version `1+cu128`; PyPI takes none"]
        );
        assert_eq!(
            metadata("1", "2.6"),
            ["has metadata version `2.6`, which PyPI does not accept"]
        );
    }
}
