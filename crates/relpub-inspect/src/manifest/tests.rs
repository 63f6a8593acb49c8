use super::*;
use relpub_model::digest::Sha256;

fn path(text: &str) -> SourcePath {
    text.parse().unwrap()
}

fn sums(text: &str) -> Result<Vec<(String, Sha256)>, String> {
    let manifest = parse(&path("dist/SHA256SUMS"), text.as_bytes()).map_err(|e| e.to_string())?;
    Ok(manifest
        .entries
        .into_iter()
        .map(|e| (e.path.to_string(), e.sha256))
        .collect())
}

fn hex(content: &str) -> String {
    Sha256::of(content.as_bytes()).to_string()
}

fn refusal(text: &str) -> String {
    sums(text).unwrap_err()
}

#[test]
fn every_form_of_a_checksum_line_is_read() {
    let (a, b) = (hex("a"), hex("b"));
    let text = format!(
        "# made by hand\r\n\n{a}  one\r\n{} *two\n  SHA256 (a (1)= x.txt) = {a}\nSHA256(./sub/ssl)= {b}\n\\{b}  back\\\\n\n",
        b.to_uppercase()
    );
    // A backslash cannot stand in a path, but the escape is understood.
    let error = refusal(&text);
    assert!(
        error.starts_with("dist/SHA256SUMS:7:1: `back\\n` is no path in a source"),
        "{error}"
    );

    let text = text.lines().take(6).collect::<Vec<_>>().join("\n");
    let found = sums(&text).unwrap();
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["dist/one", "dist/two", "dist/a (1)= x.txt", "dist/sub/ssl"]
    );
    assert_eq!(found[1].1, Sha256::of(b"b"));
}

#[test]
fn a_line_with_one_blank_keeps_its_name_and_mixes_with_none() {
    let a = hex("a");
    assert_eq!(sums(&format!("{a} one\n{a} two")).unwrap().len(), 2);
    let error = refusal(&format!("{a}  one\n{a} two\n"));
    assert_eq!(
        error,
        "dist/SHA256SUMS:2:1: lines with one blank and with two are mixed, so the name is ambiguous"
    );
    assert!(refusal(&format!("{a} one\n{a}  two\n")).contains(":2:1: lines with one blank"));
}

#[test]
fn a_manifest_that_is_wrong_says_where_and_why() {
    let (a, b) = (hex("a"), hex("b"));
    let table = [
        (
            String::new(),
            "dist/SHA256SUMS:1:1: the manifest declares no file",
        ),
        (
            "\u{feff}x".to_owned(),
            "dist/SHA256SUMS:1:1: the manifest begins with a byte order mark; write it as plain UTF-8",
        ),
        (
            "hello world".to_owned(),
            "dist/SHA256SUMS:1:1: a line is `DIGEST  NAME` or `SHA256 (NAME) = DIGEST`, as sha256sum writes it",
        ),
        (
            format!("{a}  x\n{b}  x\n"),
            "dist/SHA256SUMS:2:1: `dist/x` is declared again, with another digest or size",
        ),
        (
            format!("{a}{b}  x"),
            "dist/SHA256SUMS:1:1: SHA-512 digests are not supported by this version; use SHA-256",
        ),
        (
            "d41d8cd98f00b204e9800998ecf8427e  x".to_owned(),
            "dist/SHA256SUMS:1:1: MD5 digests are not supported by this version; use SHA-256",
        ),
        (
            format!("SHA512 (x) = {a}{b}"),
            "dist/SHA256SUMS:1:1: SHA-512 digests are not supported by this version; use SHA-256",
        ),
        (
            format!("\\{a}  x\\t"),
            r"dist/SHA256SUMS:1:1: a name with a backslash in front of its line may escape only \\, \n and \r",
        ),
        (
            format!("{a}  ../x"),
            "dist/SHA256SUMS:1:1: `../x` is no path in a source: it must be relative, without empty, `.` or `..` segments",
        ),
        (
            format!("{a}  /x"),
            "dist/SHA256SUMS:1:1: `/x` is no path in a source: it must be relative, without empty, `.` or `..` segments",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(refusal(&text), expected);
    }
    let same = format!("{a}  x\n{a} *x\n");
    assert_eq!(
        sums(&same).unwrap().len(),
        1,
        "the same twice is no contradiction"
    );
}

const DOCUMENT: &str = r#"{
  "schema": 1, "builder": {"extra": true},
  "source": {"repository": "relpub/demo", "commit": "5f2c0e6d9b3a41c78e1d2f60a9b47c3d8e5f1a20"},
  "version": "1.2.3",
  "artifacts": [
    {"name": "wheels/a.whl", "size": 3, "kind": "wheel",
     "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}
  ]
}"#;

#[test]
fn relpubs_manifest_names_commit_and_files() {
    let manifest = parse(&path("build/manifest.json"), DOCUMENT.as_bytes()).unwrap();
    assert_eq!(manifest.commit.unwrap().short(), "5f2c0e6d");
    assert_eq!(manifest.repository.as_deref(), Some("relpub/demo"));
    assert_eq!(manifest.version.as_deref(), Some("1.2.3"));
    let entry = &manifest.entries[0];
    assert_eq!(
        (entry.path.as_str(), entry.size),
        ("build/wheels/a.whl", Some(3))
    );
    assert_eq!(entry.sha256, Sha256::of(b"abc"));
}

#[test]
fn a_document_that_is_wrong_says_where_and_why() {
    let refusal = |from: &str, to: &str| {
        let text = DOCUMENT.replace(from, to);
        assert_ne!(text, DOCUMENT, "{from}");
        parse(&path("m.json"), text.as_bytes())
            .unwrap_err()
            .to_string()
    };
    let table = [
        (
            r#""schema": 1"#,
            r#""schema": 2"#,
            "m.json:1:1: the manifest has schema 2; this version of relpub reads schema 1",
        ),
        (
            r#""schema": 1"#,
            r#""x": 1"#,
            "m.json:1:1: the manifest has no `schema`",
        ),
        (
            "wheels/a.whl",
            "../a.whl",
            "m.json:6:23: `../a.whl` is no path in a source: it must be relative, without empty, `.` or `..` segments",
        ),
        (
            "ba78",
            "",
            "m.json:7:78: a SHA-256 digest has 64 hexadecimal digits, this has 60 characters",
        ),
        (
            "\"size\": 3",
            "\"size\": -3",
            "m.json:6:39: invalid value: integer `-3`, expected u64",
        ),
        (
            "1a20",
            "1a2",
            "m.json:3:94: `5f2c0e6d9b3a41c78e1d2f60a9b47c3d8e5f1a2` is no commit: it takes the full hash, 40 hexadecimal digits",
        ),
        (
            "15ad\"}",
            "15ad\"}, {\"name\": \"wheels/a.whl\", \"size\": 4, \"sha256\": \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}",
            "m.json:7:197: `wheels/a.whl` is declared again, with another digest or size",
        ),
        ("\n}", "", "m.json:8:3: EOF while parsing an object"),
    ];
    for (from, to, expected) in table {
        assert_eq!(refusal(from, to), expected);
    }
}

#[test]
fn manifests_of_other_tools_are_recognised() {
    let refusal = |text: &str| {
        parse(&path("m.json"), text.as_bytes())
            .unwrap_err()
            .to_string()
    };
    insta::assert_snapshot!(refusal(r#"{"dist_version": "0.31.0", "releases": []}"#), @"m.json:1:1: cargo-dist's manifest is not supported by this version; list the files in SHA256SUMS or relpub's manifest.json");
    insta::assert_snapshot!(refusal(r#"[{"name": "x", "goos": "linux"}]"#), @"m.json:1:1: a list in JSON, as GoReleaser's artifacts.json is, is not supported by this version; list the files in SHA256SUMS or relpub's manifest.json");
    insta::assert_snapshot!(refusal(r#"{"project_name": "x", "tag": "v1"}"#), @"m.json:1:1: GoReleaser's metadata is not supported by this version; list the files in SHA256SUMS or relpub's manifest.json");
}

#[test]
fn a_sidecar_is_about_the_file_beside_it() {
    let read = |text: &str| {
        let manifest = parse_sidecar(&path("bin/tool.tar.gz.sha256"), text.as_bytes());
        manifest
            .map(|m| m.entries[0].clone())
            .map_err(|e| e.to_string())
    };
    let a = hex("a");
    for text in [
        format!("{a}\n"),
        format!("{a}  tool.tar.gz\n"),
        format!("{a} *target/dist/tool.tar.gz"),
    ] {
        let entry = read(&text).unwrap();
        assert_eq!(
            (entry.path.as_str(), entry.sha256),
            ("bin/tool.tar.gz", Sha256::of(b"a"))
        );
    }
    let other =
        "bin/tool.tar.gz.sha256:1:1: a checksum for `tool.tar.gz` was expected, and only that";
    assert_eq!(read(&format!("{a}  other.tar.gz")).unwrap_err(), other);
    assert_eq!(
        read(&format!("{a}\n{a}\n")).unwrap_err(),
        other.replace(":1:", ":2:")
    );
    assert_eq!(
        read("").unwrap_err(),
        "bin/tool.tar.gz.sha256:1:1: the manifest declares no file"
    );
}
