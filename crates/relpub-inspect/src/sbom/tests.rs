//! SBOMs of small artifacts, held against the official schema.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::LazyLock;

use jsonschema::{Retrieve, Uri, Validator};
use relpub_model::config::Kind;
use serde_json::{Value, json};

use super::{Sbom, summary};
use crate::Limits;
use crate::samples::{self, Case, Code, DIST_INFO, TarMember, WHEEL_NAME};

const SCHEMA: &str = include_str!("../../../../testdata/sbom/schema/bom-1.6.SNAPSHOT.schema.json");
const SPDX: &str = include_str!("../../../../testdata/sbom/schema/spdx.SNAPSHOT.schema.json");
const JSF: &str = include_str!("../../../../testdata/sbom/schema/jsf-0.82.SNAPSHOT.schema.json");

/// Knows the schemas that the one of CycloneDX refers to.
struct Beside;

impl Retrieve for Beside {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        let text = if uri.as_str().contains("spdx") {
            SPDX
        } else {
            JSF
        };
        Ok(serde_json::from_str(text)?)
    }
}

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let schema = serde_json::from_str(SCHEMA).unwrap();
    jsonschema::options()
        .with_retriever(Beside)
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
});

/// Returns an artifact's document, which is valid and always the same.
#[track_caller]
fn document(case: &Case<'_>, bytes: &[u8]) -> (Sbom, Value) {
    let sbom = case.sbom(bytes).unwrap();
    assert_eq!(sbom, case.sbom(bytes).unwrap(), "not the same twice");
    let json: Value = serde_json::from_slice(&sbom.json).unwrap();
    let errors: Vec<String> = VALIDATOR
        .iter_errors(&json)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    check_references(&json);
    (sbom, json)
}

/// Checks what the schema cannot: references are unique, and all exist.
#[track_caller]
fn check_references(json: &Value) {
    let mut known = BTreeSet::from([json["metadata"]["component"]["bom-ref"].as_str().unwrap()]);
    for component in json["components"].as_array().unwrap() {
        assert!(known.insert(component["bom-ref"].as_str().unwrap()));
    }
    for dependency in json["dependencies"].as_array().unwrap() {
        assert!(known.contains(dependency["ref"].as_str().unwrap()));
        for on in dependency["dependsOn"].as_array().into_iter().flatten() {
            assert!(known.contains(on.as_str().unwrap()), "{on}");
        }
    }
}

/// Returns who needs whom, a line for each component that needs some; a file of
/// the artifact is named by its path alone.
fn graph(json: &Value) -> Vec<String> {
    let root = json["metadata"]["component"]["bom-ref"].as_str().unwrap();
    let short = |reference: &Value| {
        let reference = reference.as_str().unwrap();
        let path = reference.strip_prefix(root).map_or(reference, |rest| rest);
        if path.is_empty() {
            "ROOT".to_owned()
        } else {
            path.to_owned()
        }
    };
    let mut lines = Vec::new();
    for dependency in json["dependencies"].as_array().unwrap() {
        let on = dependency["dependsOn"].as_array().into_iter().flatten();
        let on: Vec<_> = on.map(short).collect();
        if !on.is_empty() {
            lines.push(format!("{} -> {}", short(&dependency["ref"]), on.join(" ")));
        }
    }
    lines.sort();
    lines
}

fn component<'a>(json: &'a Value, name: &str) -> &'a Value {
    let components = json["components"].as_array().unwrap();
    let found = components.iter().find(|it| it["name"] == name);
    found.unwrap_or_else(|| panic!("no {name}"))
}

fn properties<'a>(component: &'a Value, name: &str) -> Vec<&'a str> {
    let all = component["properties"].as_array().into_iter().flatten();
    let named = all.filter(|property| property["name"] == name);
    named
        .map(|property| property["value"].as_str().unwrap())
        .collect()
}

/// A `.dep-v0` section: `tool` needs `serde`, and `cc` while it is built.
fn crates() -> Vec<u8> {
    let list = json!({ "format": 1, "packages": [
        { "name": "cc", "version": "1.2.0", "source": "crates.io", "kind": "build" },
        { "name": "serde", "version": "1.0.200", "source": "crates.io" },
        { "name": "tool", "version": "0.3.0", "source": "local", "root": true, "dependencies": [0, 1] },
    ] });
    samples::zlib(list.to_string().as_bytes())
}

fn modules() -> Vec<u8> {
    let lines = "path\texample.org/tool\nmod\texample.org/tool\tv1.2.3\t\n\
        dep\tgolang.org/x/sys\tv0.20.0\th1:abc=\nbuild\tGOOS=linux\n";
    samples::go_build_info("go1.24.1", lines)
}

/// Enough code that a program's sections are neither near its start nor its end.
const FAR: Code = Code(300 << 10);

const CRATES: [&str; 2] = [
    "ROOT -> cargo:local:tool@0.3.0",
    "cargo:local:tool@0.3.0 -> pkg:cargo/cc@1.2.0 pkg:cargo/serde@1.0.200",
];

fn maturin() -> Value {
    json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": { "component": {
            "type": "library", "name": "my_native", "version": "1.2.3", "bom-ref": "path+native",
        } },
        "components": [
            { "type": "library", "name": "serde", "version": "1.0.200", "bom-ref": "reg#serde",
              "purl": "pkg:cargo/serde@1.0.200",
              "licenses": [{ "expression": "MIT OR Apache-2.0" }],
              "hashes": [{ "alg": "SHA-256", "content": "00".repeat(32) }, { "alg": "CRC", "content": "0" }] },
            { "type": "nonsense", "name": "libz", "version": "1.3", "bom-ref": "reg#z", "unknown": [1],
              "licenses": [{ "license": { "id": "Zlib" } }, { "license": { "name": "Other" } }] },
            { "version": "no name" },
        ],
        "dependencies": [
            { "ref": "path+native", "dependsOn": ["reg#serde", "reg#missing"] },
            { "ref": "reg#serde" },
        ],
    })
}

fn wheel() -> Vec<u8> {
    let mut files = samples::wheel_files();
    let native = samples::elf_with(&[(".text", b"code"), (".dep-v0", &crates())], FAR);
    files[1].1 = native;
    let metadata = &mut files[2].1;
    let fields = "License-Expression: MIT OR Apache-2.0\nRequires-Dist: Attrs>=23\n\
        Requires-Dist: pytest==8.4.2 ; extra == 'tests'\nRequires-Dist: my-pkg[x] ; extra == 'all'\n\
        Project-URL: Source, https://example.org/repo\nAuthor-email: Ann <ann@example.org>\n\n";
    let text = String::from_utf8(metadata.clone()).unwrap();
    *metadata = text
        .replacen("\n\n", &format!("\n{fields}"), 1)
        .into_bytes();
    let sbom = |name: &str, content: &str| (format!("{DIST_INFO}/sboms/{name}"), content.into());
    files.push(sbom("native.cyclonedx.json", &maturin().to_string()));
    files.push(sbom("other.spdx.json", r#"{"spdxVersion":"SPDX-2.3"}"#));
    files.push(sbom("broken.json", "{"));
    files.push(("my_pkg.libs/libz-0ad1.so.1".to_owned(), samples::elf(62)));
    samples::wheel(&files).build()
}

#[test]
fn a_wheel_is_all_that_it_declares_carries_and_contains() {
    let (sbom, json) = document(&Case::new(Kind::Wheel, WHEEL_NAME), &wheel());
    let native = "#my_pkg/_native.abi3.so";
    let carried = "#my_pkg-1.2.3.dist-info/sboms/native.cyclonedx.json";
    let root = [
        native,
        &format!("{carried}:path%2Bnative").replace("%2B", "+"),
        &format!("{carried}:reg#z"),
        "#my_pkg.libs/libz-0ad1.so.1",
        "pkg:pypi/attrs",
        "pkg:pypi/pytest",
    ];
    let lines = graph(&json);
    let of_root = lines.iter().find_map(|line| line.strip_prefix("ROOT -> "));
    let of_root: BTreeSet<_> = of_root.unwrap().split(' ').collect();
    assert_eq!(of_root, BTreeSet::from(root));
    assert!(lines.contains(&format!("{native} -> cargo:local:tool@0.3.0")));
    assert!(lines.contains(&format!("{carried}:path+native -> pkg:cargo/serde@1.0.200")));
    assert_eq!(
        summary(&sbom),
        "has 9 components: 3 cargo, 2 file, 2 other, 2 pypi"
    );
}

#[test]
fn what_a_wheel_says_of_itself_and_of_its_parts_is_kept() {
    let (_, json) = document(&Case::new(Kind::Wheel, WHEEL_NAME), &wheel());
    let root = &json["metadata"]["component"];
    assert_eq!(
        root["purl"],
        format!("pkg:pypi/my-pkg@1.2.3?file_name={WHEEL_NAME}")
    );
    assert_eq!(
        root["licenses"],
        json!([{ "expression": "MIT OR Apache-2.0", "acknowledgement": "declared" }])
    );
    assert_eq!(root["externalReferences"][0]["type"], "vcs");
    assert_eq!(root["authors"][0]["name"], "Ann");
    // Two sources tell of serde: one knows its licence, the other the program.
    let serde = component(&json, "serde");
    assert_eq!(serde["licenses"][0]["expression"], "MIT OR Apache-2.0");
    assert_eq!(serde["hashes"].as_array().unwrap().len(), 1);
    assert_eq!(
        properties(serde, "relpub:found-by"),
        ["cargo-auditable", "embedded-sbom"]
    );
    assert_eq!(
        serde["evidence"]["occurrences"].as_array().unwrap().len(),
        2
    );
    assert_eq!(component(&json, "cc")["scope"], "excluded");
    assert_eq!(component(&json, "pytest")["scope"], "optional");
    assert_eq!(
        properties(component(&json, "attrs"), "relpub:requires-dist"),
        ["Attrs>=23"]
    );
    let bundled = component(&json, "libz-0ad1.so.1");
    assert_eq!(properties(bundled, "relpub:bundled-by"), ["auditwheel"]);
    assert_eq!(properties(bundled, "relpub:architecture"), ["x86_64"]);
    let carried = json["externalReferences"].as_array().unwrap();
    let comments: Vec<_> = carried
        .iter()
        .map(|it| it["comment"].as_str().unwrap())
        .collect();
    assert_eq!(
        comments,
        [
            "is no JSON; not read",
            "CycloneDX 1.5; what it lists is listed here",
            "SPDX 2.3; what it lists is not listed here",
        ]
    );
}

#[test]
fn crates_are_found_in_programs_of_every_system() {
    let sections: [(&str, &[u8]); 1] = [(".dep-v0", &crates())];
    let arm = samples::macho_with(0x0100_000c, &sections, FAR);
    let intel = samples::macho_with(0x0100_0007, &[], Code(0));
    let universal = samples::universal_of(&[(0x0100_0007, intel), (0x0100_000c, arm.clone())]);
    for program in [
        samples::elf_with(&sections, FAR),
        samples::elf_with(&sections, Code(0)),
        samples::pe_with(&sections, FAR),
        arm,
        universal,
    ] {
        let (sbom, json) = document(&Case::new(Kind::Binary, "tool"), &program);
        assert_eq!(graph(&json), CRATES);
        assert_eq!(summary(&sbom), "has 3 components: 3 cargo");
    }
}

#[test]
fn modules_are_found_in_programs_of_every_system() {
    let modules = modules();
    for program in [
        samples::elf_with(&[(".go.buildinfo", &modules)], FAR),
        samples::macho_with(0x0100_000c, &[("__go_buildinfo", &modules)], FAR),
        samples::pe_with(&[(".data", &modules)], FAR),
    ] {
        let (_, json) = document(&Case::new(Kind::Binary, "tool"), &program);
        let expected = [
            "ROOT -> pkg:golang/example.org/tool@v1.2.3",
            "pkg:golang/example.org/tool@v1.2.3 -> pkg:golang/golang.org/x/sys@v0.20.0 pkg:golang/stdlib@1.24.1",
        ];
        assert_eq!(graph(&json), expected);
        let sys = component(&json, "golang.org/x/sys");
        assert_eq!(properties(sys, "relpub:go:sum"), ["h1:abc="]);
    }
}

#[test]
fn an_archive_is_the_programs_in_it_whatever_its_format() {
    let tool = samples::elf_with(&[(".dep-v0", &crates())], FAR);
    let go = samples::elf_with(&[(".go.buildinfo", &modules())], FAR);
    let files: [(&str, &[u8]); 3] = [("t/README", b"text"), ("t/bin/run", &tool), ("t/go", &go)];
    let tar = samples::tar(&files);
    let mut zip = samples::RawZip::default();
    zip.members
        .push(samples::RawMember::deflated("t/README", b"text"));
    zip.members
        .push(samples::RawMember::stored("t/bin/run", &tool));
    zip.members.push(samples::RawMember::deflated("t/go", &go));
    let of = |name: &str, bytes: &[u8]| {
        let (sbom, json) = document(&Case::new(Kind::Archive, name), bytes);
        assert_eq!(
            summary(&sbom),
            "has 8 components: 3 cargo, 2 file, 3 golang",
            "{name}"
        );
        assert_eq!(component(&json, "run")["type"], "application");
        graph(&json)
    };
    let graph = of("t.zip", &zip.build());
    assert_eq!(graph.len(), 5);
    assert_eq!(of("t.tar", &tar), graph);
    assert_eq!(of("t.tar.gz", &samples::gzip(&tar)), graph);
}

#[test]
fn an_empty_sbom_says_why() {
    let why = |kind, name, bytes: &[u8]| {
        let (sbom, json) = document(&Case::new(kind, name), bytes);
        let why = sbom.empty_because.clone().unwrap();
        assert_eq!(
            properties(&json["metadata"], "relpub:empty-because"),
            [&why]
        );
        assert_eq!(summary(&sbom), format!("has no components: it {why}"));
        why
    };
    assert_eq!(
        why(Kind::Archive, "x.tar", &samples::tar(&[("a", b"b")])),
        "has no machine code among its 1 files"
    );
    assert_eq!(
        why(Kind::Archive, "x.tar.xz", b"\xfd7zXZ\0rest"),
        "is in the format tar.xz, which this version does not look into"
    );
    assert_eq!(
        why(Kind::Binary, "x", b"#!/bin/sh\n"),
        "is a script, which names no components"
    );
    assert_eq!(
        why(Kind::Binary, "x", &samples::elf_with(&[], Code(8))),
        "is ELF x86_64, and names no crates and no Go modules"
    );
    let sdist = samples::raw_tar(&[
        TarMember::new(b'5', "my_pkg-1.2.3/", b""),
        TarMember::file("my_pkg-1.2.3/LICENSE", b"MIT"),
        TarMember::file("my_pkg-1.2.3/PKG-INFO", samples::METADATA.as_bytes()),
    ]);
    assert_eq!(
        why(Kind::Sdist, "my_pkg-1.2.3.tar.gz", &samples::gzip(&sdist)),
        "declares no dependencies and has no machine code inside"
    );
}

#[test]
fn what_cannot_be_looked_into_is_listed_and_says_why() {
    let noted = |program: &[u8]| {
        let (_, json) = document(&Case::new(Kind::Binary, "x"), program);
        properties(&json["metadata"]["component"], "relpub:not-read").join("; ")
    };
    assert_eq!(
        noted(&samples::elf_with(&[(".dep-v0", b"no zlib")], Code(0))),
        "its list of crates is damaged"
    );
    let mut outside = samples::elf_with(&[], Code(0));
    outside[40..48].fill(0xff);
    assert_eq!(noted(&outside), "its headers point behind its end");
    assert_eq!(
        noted(&samples::elf(62)),
        "its table of sections is absent or too large"
    );
}

#[test]
fn an_endless_list_is_refused() {
    let packages: Vec<Value> = (0..50)
        .map(|n| json!({ "name": format!("c{n}"), "version": "1.0.0", "source": "crates.io", "root": n == 0 }))
        .collect();
    let list = samples::zlib(json!({ "packages": packages }).to_string().as_bytes());
    let program = samples::elf_with(&[(".dep-v0", &list)], Code(0));
    let limits = Limits {
        components: 49,
        ..Limits::default()
    };
    let case = Case {
        limits,
        ..Case::new(Kind::Binary, "x")
    };
    assert_eq!(
        case.sbom(&program).unwrap_err(),
        "consists of more than 49 components"
    );
}
