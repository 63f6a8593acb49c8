//! The demo's artifacts are what they say, by their own manifest.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the demo is read from the repository; a test may panic"
)]

use std::fs::File;
use std::path::{Path, PathBuf};

use relpub_inspect::{Expected, Inspection, Limits, Subject, inspect, manifest};
use relpub_model::config::Kind;
use relpub_model::findings::Facts;
use relpub_model::manifest::Manifest;
use relpub_model::name::SourcePath;

fn bucket() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/demo/bucket")
}

fn read_manifest() -> Manifest {
    let bytes = std::fs::read(bucket().join("manifest.json")).unwrap();
    manifest::parse(&"manifest.json".parse().unwrap(), &bytes).unwrap()
}

fn judge(path: &SourcePath, kind: Kind, target: Option<&str>) -> Inspection {
    let mut file = File::open(bucket().join(path.as_str())).unwrap();
    let version = "1.2.3".parse().unwrap();
    let subject = Subject {
        path,
        name: &path.last_segment().parse().unwrap(),
        kind,
        target,
        version: Expected::Tag(&version),
        size: file.metadata().unwrap().len(),
        for_index: true,
    };
    inspect(&subject, &mut file, &Limits::default())
}

/// Returns the kind and the target of a file of the demo.
fn claims(path: &str) -> (Kind, Option<&str>) {
    match path {
        p if p.ends_with(".whl") => (Kind::Wheel, None),
        p if p.starts_with("dist/") => (Kind::Sdist, None),
        p if p.starts_with("bin/") => (Kind::Binary, p.split('/').nth(1)),
        _ => (Kind::Archive, None),
    }
}

#[test]
fn every_artifact_of_the_demo_is_what_it_says() {
    let manifest = read_manifest();
    assert_eq!(manifest.version.as_deref(), Some("1.2.3"));
    assert_eq!(manifest.entries.len(), 6);
    for entry in &manifest.entries {
        let (kind, target) = claims(entry.path.as_str());
        let found = judge(&entry.path, kind, target);
        assert!(
            found.blockers.is_empty(),
            "{}: {:?}",
            entry.path,
            found.blockers
        );
        assert!(
            found.facts.is_some_and(|facts| facts != Facts::Other),
            "{}",
            entry.path
        );
    }
}

#[test]
fn the_demos_native_wheel_says_what_is_inside() {
    let manifest = read_manifest();
    let is_native = |path: &&SourcePath| path.as_str().ends_with("x86_64.whl");
    let path = manifest
        .entries
        .iter()
        .map(|entry| &entry.path)
        .find(is_native)
        .unwrap();
    let Some(Facts::Distribution(found)) = judge(path, Kind::Wheel, None).facts else {
        panic!("a distribution")
    };
    assert_eq!(found.native.len(), 1);
    assert_eq!(found.native[0].program.to_string(), "ELF x86_64");
    assert_eq!(found.metadata.all("Requires-Dist").count(), 2);
    assert!(
        found
            .metadata
            .get("Description")
            .unwrap()
            .starts_with("# relpub-demo\n")
    );
}
