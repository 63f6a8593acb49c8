use super::*;
use crate::blocker::Code;
use crate::config::Config;
use crate::manifest::{Entry, Manifest};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A configuration with the platforms `linux`, `mac` and `win`.
const HEAD: &str = r#"repository = "ada/slugs"
source = { from = ["s3://b/one", "s3://b/two"], manifest = "manifest.json", ignore = "*.log" }
platforms = { linux = "x86_64-unknown-linux-gnu", mac = "aarch64-apple-darwin", win = "x86_64-pc-windows-msvc" }
"#;

/// A release in the making: a configuration, a listing and what manifests say.
struct Case {
    config: Config,
    version: &'static str,
    listing: Vec<Listed>,
    manifests: Vec<Manifest>,
    flags: Flags,
}

impl Case {
    /// Starts with files that are all there and all listed by `manifest.json`.
    fn new(artifacts: &str, paths: &[&str]) -> Self {
        let toml = format!("{HEAD}{artifacts}");
        let config = Config::parse("relpub.toml", &toml).unwrap_or_else(|e| panic!("{e}"));
        let mut case = Self {
            config,
            version: "1.2.0",
            listing: Vec::new(),
            manifests: vec![Manifest {
                path: "manifest.json".parse().unwrap(),
                commit: Some(COMMIT.parse().unwrap()),
                repository: Some("Ada/slugs".to_owned()),
                version: Some("1.2.0".to_owned()),
                entries: paths.iter().map(|path| entry(path)).collect(),
            }],
            flags: Flags::default(),
        };
        for path in paths.iter().chain(&["manifest.json"]) {
            case.store(path, 0, "\"a\"");
        }
        case
    }

    fn store(&mut self, path: &str, origin: usize, etag: &str) -> &mut Self {
        self.listing.push(Listed {
            path: path.parse().unwrap(),
            origin,
            size: 10,
            pin: Pin::Object {
                etag: Some(etag.to_owned()),
                version: None,
            },
        });
        self
    }

    fn allow(&mut self, name: &str) -> &mut Self {
        self.flags.allow_missing.push(AllowMissing {
            name: name.to_owned(),
            because: "runner outage".to_owned(),
        });
        self
    }

    fn release(&self) -> Release {
        Release::assemble(Assembly {
            config: &self.config,
            repository: RepositoryId {
                name: "ada/slugs".parse().unwrap(),
                id: 7,
            },
            tag: self.config.tag.read(&format!("v{}", self.version)).unwrap(),
            commit: COMMIT.parse().unwrap(),
            listing: &self.listing,
            manifests: &self.manifests,
            flags: self.flags.clone(),
            today: jiff::civil::date(2026, 11, 24),
            source: vec!["s3://b/one".to_owned()],
        })
    }

    /// Checks the reasons against the release, one a line.
    #[track_caller]
    fn check(&self, expected: &str) {
        let blockers = self.release().blockers;
        let lines: Vec<_> = blockers.iter().map(line).collect();
        assert_eq!(lines.join("\n"), expected);
    }

    /// Returns the artifacts, one a line: path, kind, target, and places.
    fn artifacts(&self) -> String {
        let release = self.release();
        assert_eq!(release.blockers, []);
        let lines: Vec<_> = release.artifacts.iter().map(artifact_line).collect();
        lines.join("\n")
    }
}

fn entry(path: &str) -> Entry {
    Entry {
        path: path.parse().unwrap(),
        size: Some(10),
        sha256: Sha256::of(path.as_bytes()),
    }
}

fn line(blocker: &Blocker) -> String {
    let Blocker {
        code,
        thing,
        reason,
        detail,
        ..
    } = blocker;
    let detail = if detail.is_empty() {
        String::new()
    } else {
        format!(" ({detail})")
    };
    format!("{}: {thing}: {reason}{detail}", code.label())
}

fn artifact_line(artifact: &Artifact) -> String {
    let places: Vec<_> = artifact
        .places
        .iter()
        .map(|place| format!("{}/{}", place.destination, place.name))
        .collect();
    format!(
        "{} {} {} -> {}",
        artifact.path,
        artifact.kind.as_str(),
        artifact.target.as_deref().unwrap_or("-"),
        places.join(" ")
    )
}

/// A wheel per platform, an sdist, and a renamed program per platform.
const RULES: &str = r#"artifacts = [
  { to = ["pypi", "github"], files = ["w/slugs-{version.pep440}-*-{wheel}.whl", "slugs-{version.pep440}.tar.gz"] },
  { to = "github", files = { "bin/{platform}/slugs{exe}" = "slugs-{version}-{target}{exe}" } },
]
"#;

const PATHS: [&str; 7] = [
    "w/slugs-1.2.0-cp310-abi3-manylinux_2_17_x86_64.whl",
    "w/slugs-1.2.0-cp310-abi3-macosx_11_0_arm64.whl",
    "w/slugs-1.2.0-cp310-abi3-win_amd64.whl",
    "slugs-1.2.0.tar.gz",
    "bin/linux/slugs",
    "bin/mac/slugs",
    "bin/win/slugs.exe",
];

/// Returns the paths without those that contain a word.
fn without(word: &str) -> Vec<&'static str> {
    PATHS
        .into_iter()
        .filter(|path| !path.contains(word))
        .collect()
}

#[test]
fn a_complete_set_gets_its_places() {
    let mut case = Case::new(RULES, &PATHS);
    case.store("build.log", 0, "\"a\"")
        .store("slugs-1.2.0.tar.gz.sha256", 0, "\"a\"");
    insta::assert_snapshot!(case.artifacts(), @"
    w/slugs-1.2.0-cp310-abi3-manylinux_2_17_x86_64.whl wheel - -> pypi/slugs-1.2.0-cp310-abi3-manylinux_2_17_x86_64.whl github/slugs-1.2.0-cp310-abi3-manylinux_2_17_x86_64.whl
    w/slugs-1.2.0-cp310-abi3-macosx_11_0_arm64.whl wheel - -> pypi/slugs-1.2.0-cp310-abi3-macosx_11_0_arm64.whl github/slugs-1.2.0-cp310-abi3-macosx_11_0_arm64.whl
    w/slugs-1.2.0-cp310-abi3-win_amd64.whl wheel - -> pypi/slugs-1.2.0-cp310-abi3-win_amd64.whl github/slugs-1.2.0-cp310-abi3-win_amd64.whl
    slugs-1.2.0.tar.gz sdist - -> pypi/slugs-1.2.0.tar.gz github/slugs-1.2.0.tar.gz
    bin/linux/slugs binary x86_64-unknown-linux-gnu -> github/slugs-1.2.0-x86_64-unknown-linux-gnu
    bin/mac/slugs binary aarch64-apple-darwin -> github/slugs-1.2.0-aarch64-apple-darwin
    bin/win/slugs.exe binary x86_64-pc-windows-msvc -> github/slugs-1.2.0-x86_64-pc-windows-msvc.exe
    ");
    let release = case.release();
    assert_eq!(release.artifacts[4].platform.as_deref(), Some("linux"));
    assert_eq!(release.artifacts[0].declared.len(), 1);
    assert_eq!(release.warnings, [] as [String; 0]);
}

#[test]
fn missing_ambiguous_and_unexpected_files_all_block() {
    let mut paths = without("abi3-mac");
    paths.extend(["w/slugs-1.2.0-cp311-cp311-win_amd64.whl", "w/extra.whl"]);
    let case = Case::new(RULES, &paths);
    case.check(
        "missing: w/slugs-1.2.0-*-macosx_*_arm64.whl: expected one, found none\n\
         unexpected: w/extra.whl: is in the source and nothing expects it\n\
         ambiguous: w/slugs-1.2.0-*-win_amd64.whl: expected one, found 2 (w/slugs-1.2.0-cp310-abi3-win_amd64.whl · w/slugs-1.2.0-cp311-cp311-win_amd64.whl)",
    );
    let release = case.release();
    assert_eq!(
        release.blockers[0].way_out,
        "the build of mac may not have finished. To release without it: --allow-missing mac --because \"…\""
    );
}

#[test]
fn a_flag_or_a_waiver_lets_a_platform_be_missing() {
    let mut case = Case::new(RULES, &without("mac"));
    case.allow("mac");
    let release = case.release();
    assert_eq!(release.blockers, []);
    let waived: Vec<_> = release.waived.iter().map(|w| w.missing.as_str()).collect();
    assert_eq!(
        waived,
        ["w/slugs-1.2.0-*-macosx_*_arm64.whl", "bin/mac/slugs"]
    );
    assert_eq!(release.waived[0].because, "runner outage");

    let mut by_pattern = Case::new(RULES, &without("bin/mac"));
    by_pattern.allow("bin/*/slugs").allow("nothing");
    let release = by_pattern.release();
    assert_eq!(release.blockers, []);
    assert_eq!(
        release.warnings,
        ["--allow-missing nothing is not needed: nothing it names is missing"]
    );
}

#[test]
fn a_waiver_counts_for_its_version_until_its_day() {
    let waiver = |missing: &str, version: &str, until: &str| {
        format!(
            "waivers = [{{ missing = \"{missing}\", because = \"x\", version = \"{version}\", until = {until} }}]"
        )
    };
    let with = |waiver: String| Case::new(&format!("{RULES}{waiver}"), &without("mac")).release();
    assert_eq!(with(waiver("mac", "1.2.0", "2026-11-24")).blockers, []);
    let expired = with(waiver("mac", "1.2.0", "2026-11-23"));
    assert_eq!(expired.blockers.len(), 2);
    assert_eq!(
        expired.warnings,
        ["the waiver for `mac` expired after 2026-11-23 and is ignored"]
    );
    let other = with(waiver("mac", "1.2.1", "2027-01-01"));
    assert_eq!(other.blockers.len(), 2);
    assert_eq!(
        other.warnings,
        ["the waiver for `mac` is for version 1.2.1 and is ignored"]
    );
}

#[test]
fn what_does_not_take_part_is_neither_expected_nor_unexpected() {
    let rules = r#"artifacts = [
      { to = "github", files = "a.txt" },
      { to = "github", files = "b.txt", when = "stable" },
      { to = "pypi", files = "c-1.0.tar.gz" },
    ]
    destinations = { pypi = { when = "stable" } }
    "#;
    let mut case = Case::new(rules, &["a.txt", "b.txt"]);
    case.version = "1.2.0-rc.1";
    case.manifests[0].version = Some("1.2.0rc1".to_owned());
    assert_eq!(case.artifacts(), "a.txt file - -> github/a.txt");
    case.version = "1.2.0";
    case.manifests[0].version = None;
    case.check("missing: c-1.0.tar.gz: expected one, found none");

    let mut none = Case::new(
        "artifacts = [{ to = \"github\", files = \"a\", when = \"stable\" }]",
        &["a"],
    );
    none.version = "1.2.0b1";
    none.manifests[0].version = None;
    none.check("missing: v1.2.0b1: no [[artifacts]] takes part in channel `beta`");
}

#[test]
fn an_optional_pattern_may_match_nothing_but_never_two() {
    let rules =
        "artifacts = [{ to = [], files = [\"a*\"], optional = true }, { to = [], files = \"z\" }]";
    Case::new(rules, &["z"]).check("");
    Case::new(rules, &["z", "a1", "a2"]).check("ambiguous: a*: expected one, found 2 (a1 · a2)");
}

#[test]
fn a_counted_pattern_stands_for_what_the_manifest_lists() {
    let rules = "artifacts = [{ to = \"github\", files = \"web/**\", count = \"listed\" }, { to = [], files = \"x/*\", count = 2 }]";
    let all = ["web/a.html", "web/b/c.js", "x/1", "x/2"];
    assert_eq!(
        Case::new(rules, &all).artifacts(),
        "web/a.html file - -> github/a.html\nweb/b/c.js file - -> github/c.js\nx/1 file - -> \nx/2 file - -> "
    );
    let mut extra = Case::new(rules, &all);
    extra.store("web/stray", 0, "\"a\"");
    extra.check("unexpected: web/stray: is not in any manifest");
    Case::new(rules, &["web/a.html", "x/1", "x/2", "x/3"])
        .check("ambiguous: x/*: expected 2, found 3 (x/1 · x/2 · x/3)");
    Case::new(rules, &["x/1", "x/2"])
        .check("missing: web/**: no manifest lists a file that is there");
}

#[test]
fn a_manifest_speaks_of_this_release() {
    let rules = "artifacts = [{ to = [], files = \"a\" }]";
    let mut case = Case::new(rules, &["a"]);
    case.manifests[0].commit = Some("f".repeat(40).parse().unwrap());
    case.manifests[0].repository = Some("eve/slugs".to_owned());
    case.manifests[0].version = Some("1.2.1".to_owned());
    case.check(&format!(
        "disagrees: manifest.json: is the manifest of repository eve/slugs, not of ada/slugs\n\
         disagrees: manifest.json: says version 1.2.1, and tag v1.2.0 says 1.2.0\n\
         wrong commit: manifest.json: is the manifest of commit ffffffff, and 01234567 is promoted (there {} · promoted {COMMIT})",
        "f".repeat(40)
    ));
    let mut silent = Case::new(rules, &["a"]);
    silent.manifests[0].commit = None;
    let warnings = silent.release().warnings;
    assert_eq!(
        warnings,
        ["no manifest names the commit that the files were built from"]
    );
}

#[test]
fn a_manifest_and_the_files_agree() {
    let rules = "artifacts = [{ to = [], files = [\"a\", \"b\"] }]";
    let mut case = Case::new(rules, &["a", "b"]);
    case.manifests[0].entries = vec![entry("a"), entry("c"), entry("d.log")];
    case.check(
        "missing: c: is listed by manifest.json and not in the source\n\
         unexpected: b: is not in any manifest",
    );
    let mut absent = Case::new(rules, &["a", "b"]);
    absent.manifests.clear();
    absent.check("missing: manifest.json: the configuration names this manifest, and it is not in the source");
}

#[test]
fn a_checksum_file_beside_a_file_counts() {
    let rules = "artifacts = [{ to = [], files = [\"a*\"] }]";
    let mut case = Case::new(rules, &["a1"]);
    case.store("a1.sha256", 0, "\"a\"");
    let mut sidecar = case.manifests[0].clone();
    sidecar.path = "a1.sha256".parse().unwrap();
    sidecar.commit = None;
    sidecar.entries[0].size = None;
    case.manifests.push(sidecar);
    case.check("");
    assert_eq!(case.release().artifacts[0].declared.len(), 2);

    case.manifests[1].entries[0].sha256 = Sha256::of(b"other");
    case.check(&format!(
        "corrupt: a1: is declared in different ways (manifest.json says {}, 10 bytes · a1.sha256 says {})",
        Sha256::of(b"a1").short(),
        Sha256::of(b"other").short()
    ));
    // Without its file it is a file like any other.
    let mut alone = Case::new("artifacts = [{ to = [], files = \"z\" }]", &["z"]);
    alone.store("a.sha256", 0, "\"a\"");
    alone.check("unexpected: a.sha256: is in the source and nothing expects it");
}

#[test]
fn helpers_are_artifacts_where_a_pattern_names_them() {
    let rules = "artifacts = [{ to = \"github\", files = [\"a{,.sha256}\", \"manifest.json\"] }]";
    let mut case = Case::new(rules, &["a"]);
    case.store("a.sha256", 0, "\"a\"");
    assert_eq!(
        case.artifacts(),
        "a file - -> github/a\na.sha256 file - -> github/a.sha256\nmanifest.json file - -> github/manifest.json"
    );
}

#[test]
fn one_path_has_one_content() {
    let rules = "artifacts = [{ to = [], files = \"a\" }]";
    let mut same = Case::new(rules, &["a"]);
    same.store("a", 1, "\"a\"");
    same.check("");
    let mut other = Case::new(rules, &["a"]);
    other.store("a", 1, "\"b\"");
    other.check(
        "ambiguous: a: is in two places of the source, and not surely with the same bytes (s3://b/one has 10 bytes · s3://b/two has 10 bytes)",
    );
}

#[test]
fn a_place_holds_one_file_under_a_name() {
    let rules = "artifacts = [{ to = \"github\", files = [\"a/*.txt\", \"b/*.txt\"] }]";
    Case::new(rules, &["a/x.txt", "b/X.txt"]).check(
        "ambiguous: X.txt: two files get this name in github (a/x.txt as x.txt · b/X.txt as X.txt)",
    );
    // The same file twice is one.
    let twice =
        "artifacts = [{ to = \"github\", files = \"a\" }, { to = [\"github\"], files = \"?\" }]";
    assert_eq!(Case::new(twice, &["a"]).artifacts(), "a file - -> github/a");
}

#[test]
fn a_destination_takes_a_file_under_its_name() {
    let rules = "artifacts = [{ to = \"github\", files = [\"a~1\", \"*.whl\"] }, { to = \"pypi\", files = [\"b*\", \"c-*.tar.gz\"] }, { to = \"github\", files = \"d/*\" }, { to = [], files = \"f/*\" }]";
    Case::new(rules, &["a~1", "a-1+cpu-py3-none-any.whl", "b.bin", "c-d-1.tar.gz", "d/e f", "f/g h"]).check(
        "refused: a~1: GitHub would rename it to a.1\n\
         refused: b.bin: pypi takes wheels and source distributions only, and this is a file\n\
         refused: c-d-1.tar.gz: pypi takes wheels and source distributions only, and this is an archive\n\
         refused: d/e f: `e f` is no file name that can be published: only letters, digits and . _ + ~ - are allowed",
    );
    let renamed = "artifacts = [{ to = \"github\", files = { \"a*\" = \"b{ext}\" } }]";
    Case::new(renamed, &["a-1-py3-none-any.whl"])
        .check("refused: b.whl: a wheel keeps its name (from a-1-py3-none-any.whl)");
}

#[test]
fn rules_about_one_file_are_joined() {
    let rules = r#"artifacts = [
      { to = "github", files = "s-*.tar.gz", version = "any" },
      { to = "pypi", files = "s-1.tar.gz" },
      { to = "github", files = ["t-x86_64-unknown-linux-musl.zip", "libt.so"] },
      { to = [], files = "t-*.zip", kind = "binary" },
    ]"#;
    let paths = ["s-1.tar.gz", "t-x86_64-unknown-linux-musl.zip", "libt.so"];
    let release = Case::new(rules, &paths).release();
    let lines: Vec<_> = release.artifacts.iter().map(artifact_line).collect();
    assert_eq!(
        lines,
        [
            "s-1.tar.gz sdist - -> github/s-1.tar.gz pypi/s-1.tar.gz",
            "t-x86_64-unknown-linux-musl.zip archive x86_64-unknown-linux-musl -> github/t-x86_64-unknown-linux-musl.zip",
            "libt.so library - -> github/libt.so",
        ]
    );
    assert_eq!(release.artifacts[0].version, VersionRule::Same);
    let blockers: Vec<_> = release.blockers.iter().map(line).collect();
    assert_eq!(
        blockers,
        [
            "ambiguous: t-x86_64-unknown-linux-musl.zip: is an archive for one of [[artifacts]] and a program for another"
        ]
    );
}

#[test]
fn a_version_without_the_asked_form_blocks() {
    let mut case = Case::new(
        "artifacts = [{ to = [], files = \"a-{version.pep440}\" }, { to = [], files = \"z\" }]",
        &["z"],
    );
    case.version = "1.2.0-nightly.1";
    case.manifests[0].version = None;
    case.check(
        "refused: a-{version.pep440}: version `1.2.0-nightly.1` cannot be written as PEP 440",
    );
    assert_eq!(case.release().blockers[0].code, Code::Refused);
}

#[test]
fn what_a_manifest_lists_is_there_even_where_it_is_optional() {
    let rules =
        "artifacts = [{ to = [], files = \"a\" }, { to = [], files = \"b\", optional = true }]";
    let mut case = Case::new(rules, &["a", "b"]);
    case.listing.retain(|file| file.path.as_str() != "b");
    case.check("missing: b: is listed by manifest.json and not in the source");
    case.manifests[0]
        .entries
        .retain(|entry| entry.path.as_str() != "b");
    case.check("");
}

#[test]
fn what_takes_no_part_cannot_block() {
    let rules = "artifacts = [{ to = [], files = \"a\" }, { to = [], files = \"b-{version.pep440}\", when = \"stable\" }]";
    let mut case = Case::new(rules, &["a"]);
    case.version = "1.2.0-nightly.4";
    case.manifests[0].version = None;
    case.check("");
}
