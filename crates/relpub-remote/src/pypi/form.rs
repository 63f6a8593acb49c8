//! The form of an upload: control fields, and the core metadata as the file has it.

use relpub_model::findings::Distribution;
use relpub_model::promotion::Edge;

use crate::http::Form;

/// The core metadata fields that the upload API takes, and their names in the
/// form where those are not the same in lower case with `_` for `-`.
///
/// What is not here is not sent: a field of the file must not pass for one that
/// steers the upload.
const FIELDS: [(&str, Option<&str>); 32] = [
    ("metadata-version", None),
    ("name", None),
    ("version", None),
    ("summary", None),
    ("description", None),
    ("description-content-type", None),
    ("keywords", None),
    ("home-page", None),
    ("download-url", None),
    ("author", None),
    ("author-email", None),
    ("maintainer", None),
    ("maintainer-email", None),
    ("license", None),
    ("license-expression", None),
    ("requires-python", None),
    ("classifier", Some("classifiers")),
    ("requires-dist", None),
    ("provides-dist", None),
    ("obsoletes-dist", None),
    ("requires-external", None),
    ("provides-extra", None),
    ("project-url", Some("project_urls")),
    ("dynamic", None),
    ("requires", None),
    ("provides", None),
    ("obsoletes", None),
    ("platform", None),
    ("supported-platform", None),
    ("license-file", None),
    ("import-name", None),
    ("import-namespace", None),
];

/// Returns the form that a distribution is uploaded with, but for its bytes.
pub(super) fn form(edge: &Edge, distribution: &Distribution) -> Form {
    let filetype = if distribution.name.is_wheel() {
        "bdist_wheel"
    } else {
        "sdist"
    };
    let control = [
        (":action", "file_upload".to_owned()),
        ("protocol_version", "1".to_owned()),
        ("filetype", filetype.to_owned()),
        ("pyversion", distribution.name.pyversion()),
        ("sha256_digest", edge.sha256.to_string()),
    ];
    let control = control.map(|(name, value)| (name.to_owned(), value));
    let metadata = &distribution.metadata;
    let mut fields: Vec<_> = control.into();
    fields.extend(metadata.fields.iter().filter_map(|(name, value)| {
        let field = field_of(name)?;
        Some((field, value.clone()))
    }));
    if metadata.get("Requires-Python").is_none() {
        // GitLab's index refuses a form without the field.
        fields.push(("requires_python".to_owned(), String::new()));
    }
    Form {
        fields,
        file_field: "content",
    }
}

fn field_of(name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let (_, other) = FIELDS.iter().find(|(field, _)| *field == name)?;
    Some(other.map_or_else(|| name.replace('-', "_"), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use relpub_model::digest::Sha256;
    use relpub_model::findings::Metadata;
    use relpub_model::promotion::Mutability;

    #[test]
    fn metadata_goes_into_the_form_as_it_is() {
        let fields = [
            ("Metadata-Version", "2.4"),
            ("Name", "Demo.Pkg"),
            ("Classifier", "A"),
            ("Classifier", "B"),
            ("Project-URL", "Docs, https://d.example"),
            ("License-File", "LICENSE"),
            ("Import-Name", "demo"),
            ("Content", "x"),
            ("Sha256-Digest", "0"),
            ("Description", "long\r\ntext"),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let distribution = Distribution {
            name: "demo_pkg-1.0-py2.py3-none-any.whl".parse().unwrap(),
            metadata: Metadata {
                fields: fields.into(),
            },
            native: Vec::new(),
        };
        let edge = Edge {
            destination: "pypi".parse().unwrap(),
            name: "demo_pkg-1.0-py2.py3-none-any.whl".parse().unwrap(),
            sha256: Sha256::of(b""),
            size: 0,
            mutability: Mutability::Immutable,
        };
        let form = form(&edge, &distribution);
        let lines: Vec<_> = form
            .fields
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(
            lines,
            [
                ":action=file_upload",
                "protocol_version=1",
                "filetype=bdist_wheel",
                "pyversion=py2.py3",
                &format!("sha256_digest={}", edge.sha256),
                "metadata_version=2.4",
                "name=Demo.Pkg",
                "classifiers=A",
                "classifiers=B",
                "project_urls=Docs, https://d.example",
                "license_file=LICENSE",
                "import_name=demo",
                "description=long\r\ntext",
                "requires_python=",
            ]
        );
    }
}
