//! The form of an upload: control fields, and the core metadata as the file has it.

use relpub_model::findings::{Distribution, Metadata};
use relpub_model::promotion::Edge;
use serde_json::value::RawValue;

use crate::http::Form;

/// The core metadata fields that the upload API takes: their names in the file
/// and in the form, and the metadata version that brought them.
///
/// What is not here is not sent: a field of the file must not pass for one that
/// steers the upload. A field that came with a later version than the file
/// declares has no meaning in it, and the index refuses a form that has it.
const FIELDS: [(&str, &str, (u32, u32)); 32] = [
    ("metadata-version", "metadata_version", (1, 0)),
    ("name", "name", (1, 0)),
    ("version", "version", (1, 0)),
    ("summary", "summary", (1, 0)),
    ("description", "description", (1, 0)),
    (
        "description-content-type",
        "description_content_type",
        (2, 1),
    ),
    ("keywords", "keywords", (1, 0)),
    ("home-page", "home_page", (1, 0)),
    ("download-url", "download_url", (1, 1)),
    ("author", "author", (1, 0)),
    ("author-email", "author_email", (1, 0)),
    ("maintainer", "maintainer", (1, 2)),
    ("maintainer-email", "maintainer_email", (1, 2)),
    ("license", "license", (1, 0)),
    ("license-expression", "license_expression", (2, 4)),
    ("requires-python", "requires_python", (1, 2)),
    ("classifier", "classifiers", (1, 1)),
    ("requires-dist", "requires_dist", (1, 2)),
    ("provides-dist", "provides_dist", (1, 2)),
    ("obsoletes-dist", "obsoletes_dist", (1, 2)),
    ("requires-external", "requires_external", (1, 2)),
    ("provides-extra", "provides_extra", (2, 1)),
    ("project-url", "project_urls", (1, 2)),
    ("dynamic", "dynamic", (2, 2)),
    ("requires", "requires", (1, 1)),
    ("provides", "provides", (1, 1)),
    ("obsoletes", "obsoletes", (1, 1)),
    ("platform", "platform", (1, 0)),
    ("supported-platform", "supported_platform", (1, 1)),
    ("license-file", "license_file", (2, 4)),
    ("import-name", "import_name", (2, 5)),
    ("import-namespace", "import_namespace", (2, 5)),
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
    let declared = metadata_version(metadata);
    fields.extend(metadata.fields.iter().filter_map(|(name, value)| {
        let field = field_of(name, declared)?;
        Some((field.to_owned(), value.clone()))
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

/// Returns the field with a file's attestations (PEP 740): an array of them, as
/// they are. Without any there is no field, because an empty array is refused.
///
/// An error is something that is not JSON.
pub(super) fn attestations_field(
    attestations: &[Vec<u8>],
) -> Option<serde_json::Result<(String, String)>> {
    if attestations.is_empty() {
        return None;
    }
    let read = attestations.iter().map(|it| serde_json::from_slice(it));
    let array = read.collect::<Result<Vec<&RawValue>, _>>();
    let array = array.and_then(|array| serde_json::to_string(&array));
    Some(array.map(|array| ("attestations".to_owned(), array)))
}

/// Returns the version that the metadata declares; without one, the newest, so
/// that nothing is kept from the index.
fn metadata_version(metadata: &Metadata) -> (u32, u32) {
    let declared = metadata.get("Metadata-Version");
    let parts = declared.and_then(|text| text.trim().split_once('.'));
    let numbers = parts.and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    numbers.unwrap_or((u32::MAX, 0))
}

fn field_of(name: &str, declared: (u32, u32)) -> Option<&'static str> {
    let named = |field: &&(&str, &str, (u32, u32))| field.0.eq_ignore_ascii_case(name);
    let (_, field, since) = FIELDS.iter().find(named)?;
    (*since <= declared).then_some(field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use relpub_model::digest::Sha256;
    use relpub_model::promotion::Mutability;

    #[test]
    fn metadata_goes_into_the_form_as_it_is() {
        let fields = [
            ("Metadata-Version", "2.5"),
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
                "metadata_version=2.5",
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

    #[test]
    fn attestations_are_one_array_and_left_as_they_are() {
        assert!(attestations_field(&[]).is_none());
        let two = [br#"{"b": 1,  "a": 2}"#.to_vec(), b"{}".to_vec()];
        let (name, value) = attestations_field(&two).unwrap().unwrap();
        assert_eq!(name, "attestations");
        assert_eq!(value, r#"[{"b": 1,  "a": 2},{}]"#);
        assert!(attestations_field(&[b"{}]".to_vec()]).unwrap().is_err());
    }

    #[test]
    fn a_field_from_a_later_version_is_left_out() {
        // As early users of license expressions published them.
        let fields = [
            ("Metadata-Version", "2.1"),
            ("License-Expression", "Apache-2.0"),
            ("Provides-Extra", "x"),
        ];
        let metadata = Metadata {
            fields: fields.map(|(n, v)| (n.to_owned(), v.to_owned())).into(),
        };
        let declared = metadata_version(&metadata);
        assert_eq!(field_of("License-Expression", declared), None);
        assert_eq!(field_of("Provides-Extra", declared), Some("provides_extra"));
        assert_eq!(
            field_of("License-Expression", (2, 4)),
            Some("license_expression")
        );
    }
}
