use proptest::prelude::*;

use super::*;

/// What every configuration needs, in two lines.
pub(super) const HEAD: &str = r#"repository = "ada/slugs"
source = { from = "file:dist", manifest = "m.json" }
"#;

/// Checks the errors of a configuration, one a line: `LINE:COLUMN message; hint`.
/// No errors are an empty text.
#[track_caller]
pub(super) fn check(toml: &str, expected: &str) {
    let found = match Config::parse("relpub.toml", toml) {
        Ok(_) => String::new(),
        Err(errors) => errors
            .entries()
            .iter()
            .map(|error| {
                let hint = error.hint.as_ref().map(|hint| format!("; {hint}"));
                let hint = hint.unwrap_or_default();
                format!("{}:{} {}{hint}", error.line, error.column, error.message)
            })
            .collect::<Vec<_>>()
            .join("\n"),
    };
    assert_eq!(found, expected);
}

/// Checks the errors of a single entry of `[[artifacts]]`, which begins in line 4.
#[track_caller]
fn check_entry(entry: &str, expected: &str) {
    check(&format!("{HEAD}[[artifacts]]\n{entry}"), expected);
}

#[track_caller]
pub(super) fn parsed(toml: &str) -> Config {
    match Config::parse("relpub.toml", toml) {
        Ok(config) => config,
        Err(errors) => panic!("{errors}"),
    }
}

#[test]
fn the_demo_is_read() {
    let config = parsed(include_str!("../../../../testdata/demo/relpub.toml"));
    assert_eq!(config.project, "relpub-demo");
    assert_eq!(config.tag.as_str(), "v{version}");
    assert_eq!(config.artifacts.len(), 3);
    assert_eq!(config.artifacts[1].files[0].1.len(), 1);
    let destinations: Vec<_> = config
        .destinations
        .keys()
        .map(DestinationName::as_str)
        .collect();
    assert_eq!(destinations, ["github", "pypi"]);
    assert!(!config.source.from[0].needs_commit());
    assert_eq!(config.notes.body, NotesBody::GitHub);
}

#[test]
fn what_is_not_said_has_a_default() {
    let config = parsed(&format!(
        "{HEAD}[[artifacts]]\nfiles = \"a.tar.gz\"\nto = [\"github\", \"testpypi\"]\nkind = \"sdist\"\n"
    ));
    assert_eq!(config.project, "slugs");
    assert_eq!(config.tag.as_str(), "v{version}");
    assert!(!config.create_tag);
    assert_eq!(config.source.credential, Credential::Ambient);
    assert_eq!(config.notes.title.as_str(), "{tag}");
    let [github, index] = ["github", "testpypi"].map(|name| {
        let name: DestinationName = name.parse().unwrap();
        config.destinations[&name].clone()
    });
    assert_eq!(
        github.credential,
        Credential::Env("GITHUB_TOKEN".to_owned())
    );
    assert_eq!(index.credential, Credential::Trusted);
    assert_eq!(
        (github.audience, index.confirm),
        (Audience::Public, ConfirmBy::Digest)
    );
}

#[test]
fn every_supported_key_is_read() {
    let config = parsed(
        r#"
        repository = "ada/slugs"
        project = "Slugs"
        tag = "{project}/{version}"
        create-tag = true
        follow-ups = "update the feedstock"
        platforms = { mac = "aarch64-apple-darwin", pi = { target = "arm-unknown-linux-gnueabihf", wheel = "linux_armv6l" } }
        waivers = [{ missing = "pi", because = "the runner burned down", version = "1.2.3", until = 2026-12-31 }]
        notes = { title = "{project} {version}", body = "none" }
        [source]
        from = ["s3://builds/{commit:7}", "file:more"]
        manifest = ["manifest.json", "crates/SHA256SUMS"]
        ignore = "*.log"
        endpoint = "https://objects.example"
        credential = { username = "key-id", password = "env:S3_KEY" }
        [[artifacts]]
        files = { "bin/{platform}/slugs{exe}" = ["slugs-{target}{exe}", "slugs-{version}-{target}{exe}"] }
        to = ["github"]
        kind = "binary"
        optional = true
        version = "any"
        when = "!dev"
        [[artifacts]]
        files = "more/**"
        to = []
        count = 3
        target = "wasm32-unknown-unknown"
        [[artifacts]]
        files = "*.whl"
        count = "listed"
        to = "mine"
        [destinations]
        github = { latest = "never", credential = "env:RELEASE_TOKEN", when = ["stable", "rc"] }
        mine = { kind = "pypi", url = "https://index.example/legacy/", index = "https://index.example/simple", audience = "private", confirm = "bytes", credential = "env:MINE" }
        "#,
    );
    assert_eq!(config.platforms[1].name, "pi");
    assert_eq!(config.platforms[1].wheel.as_deref(), Some("linux_armv6l"));
    assert_eq!(config.waivers[0].until.to_string(), "2026-12-31");
    assert_eq!(config.source.from.len(), 2);
    assert_eq!(config.artifacts[0].files[0].1.len(), 2);
    assert_eq!(config.artifacts[1].count, Some(Count::Exactly(3)));
    assert_eq!(config.artifacts[2].count, Some(Count::Listed));
    let mine = &config.destinations[&"mine".parse().unwrap()];
    let DestinationKind::Index { urls: Some(urls) } = &mine.kind else {
        panic!("an index with its own URLs")
    };
    assert_eq!(urls.index, "https://index.example/simple/");
    assert_eq!(mine.audience, Audience::Private);
}

#[test]
fn an_error_is_a_screen_that_points_into_the_file() {
    let toml = format!(
        "{HEAD}{}[[artifacts]]\nfiles = \"x\"\nto = []\ntoo = [\"pypi\"]\noptional = \"yes\"\n",
        "\n".repeat(6)
    );
    let errors = Config::parse("relpub.toml", &toml).unwrap_err();
    insta::assert_snapshot!(errors, @r#"
    unknown key `too` in [[artifacts]] number 1
      ┌ relpub.toml:12
    12│ too = ["pypi"]
      └ did you mean `to`?
    `optional` takes true or false
      ┌ relpub.toml:13
    13│ optional = "yes"
      └            ^^^^^
    "#);
}

#[test]
fn a_long_line_is_shown_around_the_error() {
    let toml = format!(
        "{HEAD}artifacts = [{{ files = \"{}.txt\", optional = 1, to = [] }}]",
        "a".repeat(200)
    );
    let errors = Config::parse("relpub.toml", &toml).unwrap_err();
    let screen = errors.to_string();
    let lines: Vec<_> = screen.lines().collect();
    assert!(lines[2].contains("optional = 1"));
    assert!(lines[2].chars().count() < 110);
    let column = lines[3].chars().position(|c| c == '^').unwrap();
    assert_eq!(lines[2].chars().nth(column), Some('1'));
}

#[test]
fn broken_toml_is_reported_alone() {
    check(
        "a = \nb = 1\n",
        "1:5 string values must be quoted, expected literal string",
    );
    check("tag = \"v\"\ntag = \"w\"\n", "2:1 duplicate key");
}

#[test]
fn what_must_be_there_is_missed() {
    check(
        "",
        "1:1 `repository` is missing; where tag and release live, `owner/name`\n\
         1:1 `source` is missing; where the artifacts come from\n\
         1:1 no [[artifacts]]: a release consists of something",
    );
    check_entry(
        "files = []",
        "3:1 `to` is missing in [[artifacts]] number 1; destinations; none means verified only\n\
         4:9 `files` selects nothing",
    );
}

#[test]
fn a_value_has_its_shape() {
    check_entry(
        "files = \"x\"\nto = 1\ncount = 0\nkind = \"whel\"\nversion = \"some\"\nwhen = [1]",
        "5:6 `to` takes a text or a list of texts\n\
         6:9 `count` takes `\"listed\"` or a number from 1\n\
         7:8 `kind = \"whel\"` is not known; did you mean `wheel`?\n\
         8:11 `version = \"some\"` is not known; did you mean `same`?\n\
         9:8 `when` takes a text or a list of texts",
    );
    check(
        "repository = \"ada\"\nsource = 1\ntag = \"v\"\nplatforms = [\"linux\", \"a-b\", \"a-b\"]\n[artifacts]\n",
        "1:14 `ada` is no repository: it is written `owner/name`\n\
         2:10 `source` takes a text or a table [source]\n\
         3:8 a tag is read backwards: it takes `{version}` exactly once\n\
         4:14 `linux` is no target triple; a triple is written like `x86_64-unknown-linux-gnu`\n\
         4:30 platform `a-b` (a-b) is declared twice\n\
         5:1 `artifacts` takes tables [[artifacts]]",
    );
}

#[test]
fn what_this_version_does_not_act_on_is_never_ignored() {
    check_entry(
        "files = \"x\"\nto = [\"web/latest/\", \"crates-io\", \"ghcr.io\"]\nkind = \"crate\"\ninside = \"y\"\nrolling = true\nheaders = {}",
        "5:7 a place in `to` is not supported by this version: `web/latest/`\n\
         5:22 destination `crates-io` is not supported by this version\n\
         5:35 destination `ghcr.io` is not supported by this version\n\
         6:8 `kind = \"crate\"` is not supported by this version\n\
         7:1 `inside` is not supported by this version\n\
         8:1 `rolling` is not supported by this version\n\
         9:1 `headers` is not supported by this version",
    );
    for key in [
        "policy", "state", "images", "channels", "pointers", "indexes", "hooks", "notify",
        "changes",
    ] {
        check(
            &format!("{HEAD}artifacts = [{{ files = \"x\", to = [] }}]\n{key} = \"x\""),
            &format!("4:1 `{key}` is not supported by this version"),
        );
    }
    for source in [
        "gs://b",
        "az://b",
        "https://h/x",
        "actions:build.yml",
        "release:v1",
    ] {
        let prefix =
            &source[..=source.find(':').unwrap() + if source.contains("//") { 2 } else { 0 }];
        check(
            &format!(
                "repository = \"a/b\"\nsource = \"{source}\"\nartifacts = [{{ files = \"x\", to = [] }}]"
            ),
            &format!(
                "2:10 a source in `{prefix}` is not supported by this version; it reads `s3://` and `file:`"
            ),
        );
    }
}

#[test]
fn later_values_of_other_tables_are_errors_too() {
    check_entry(
        r#"files = "x"
to = []
notes = 1
[notes]
body = "commits"
changelog = "x"
[source2]
[destinations]
mirror = { url = "s3://b/", public-url = "https://x/" }
other = { kind = "crates-io" }
"ghcr.io" = {}
github = { hold = true, required = false, credential = { command = ["x"] } }
"#,
        "6:1 unknown key `notes` in [[artifacts]] number 1\n\
         8:8 `body = \"commits\"` is not supported by this version\n\
         9:1 `changelog` is not supported by this version\n\
         10:2 unknown key `source2`; did you mean `source`?\n\
         12:18 a bucket as destination is not supported by this version\n\
         12:29 `public-url` is not supported by this version\n\
         13:9 `url` is missing in [destinations.other]; where files are uploaded\n\
         13:9 `index` is missing in [destinations.other]; where files are read\n\
         13:18 `kind = \"crates-io\"` is not supported by this version\n\
         14:1 destination `ghcr.io` is not supported by this version\n\
         15:12 `hold` is not supported by this version\n\
         15:25 `required` is not supported by this version\n\
         15:56 `username` is missing in `credential` of [destinations.github]; the user's name\n\
         15:56 `password` is missing in `credential` of [destinations.github]; `env:NAME`\n\
         15:58 `command` is not supported by this version",
    );
}

/// Every key of the language, by table.
const LANGUAGE: [(&str, &str); 10] = [
    (
        "",
        "repository project tag create-tag platforms policy state follow-ups source artifacts \
         images destinations channels notes evidence pointers indexes hooks notify changes waivers",
    ),
    (
        "[source]",
        "from manifest ignore wait events endpoint credential",
    ),
    (
        "[[artifacts]]",
        "files to inside count optional version target kind rolling headers when",
    ),
    (
        "[destinations.x]",
        "required credential audience confirm kind url index public-url endpoint region headers \
         attestations new-names create hold latest discussion when",
    ),
    ("[destinations.x.credential]", "username password command"),
    ("[platforms.x]", "target wheel"),
    ("[notes]", "title body changelog template"),
    (
        "[evidence]",
        "attest sign sbom checksums dependency-graph carry signer outage outage-wait sigstore",
    ),
    (
        "[evidence.signer]",
        "workflow ref environment repository issuer",
    ),
    ("[[waivers]]", "missing rule of because version until"),
];

#[test]
fn every_key_of_the_language_is_known() {
    for (table, keys) in LANGUAGE {
        for key in keys.split_whitespace() {
            let toml = format!("{table}\n{key} = 2026-01-01T00:00:00Z\n");
            let errors = Config::parse("relpub.toml", &toml).unwrap_err();
            let at_key: Vec<_> = errors.entries().iter().filter(|e| e.line == 2).collect();
            let said = |what: &str| at_key.iter().any(|error| error.message.contains(what));
            let acted_on = said(&format!("`{key}` takes"));
            let later = said(&format!("`{key}` is not supported by this version"));
            assert!(acted_on != later, "{table} {key}: {at_key:?}");
        }
    }
}

#[test]
fn a_name_that_is_none_names_the_nearest() {
    check_entry(
        "files = \"x\"\nto = \"crate-io\"",
        "5:6 `to = \"crate-io\"` is no destination; did you mean `crates-io`?",
    );
    check_entry(
        "files = \"x\"\nto = \"ppyi\"",
        "5:6 `to = \"ppyi\"` is no destination; did you mean `pypi`?",
    );
    check_entry(
        "files = \"x\"\nto = \"npm\"",
        "5:6 the name `npm` is reserved",
    );
    check_entry(
        "files = \"x-{versoin}\"\nto = []",
        "4:12 unknown variable `{versoin}`; did you mean `{version}`?",
    );
    check_entry(
        "files = \"x\"\nto = []\nwhen = \"stabel\"",
        "6:8 unknown channel `stabel`; did you mean `stable`?",
    );
}

#[test]
fn many_files_need_a_manifest_that_lists_them() {
    check_entry(
        "files = \"web/**\"\nto = []",
        "4:9 `web/**` stands for many files; add `count = \"listed\"`, which needs source.manifest",
    );
    check(
        "repository = \"a/b\"\nsource = \"file:x\"\n[[artifacts]]\nfiles = \"x\"\nto = []\ncount = \"listed\"",
        "6:1 `count` needs source.manifest: alone it would accept any files",
    );
}

#[test]
fn distributions_keep_their_names() {
    check_entry(
        "files = { \"a-*.whl\" = \"b.whl\" }\nto = \"github\"",
        "4:11 a wheel keeps its name; `files` renames *.whl",
    );
    check_entry(
        "files = { \"a-*.tar.gz\" = \"b{ext}\" }\nto = \"github\"",
        "",
    );
    check_entry(
        "files = { \"a-*.tar.gz\" = \"b{ext}\" }\nto = \"github\"\nkind = \"sdist\"",
        "4:11 a distribution keeps its name; `files` renames `a-*.tar.gz`",
    );
    check_entry(
        "files = { \"a-*.tar.gz\" = \"b{ext}\" }\nto = \"pypi\"",
        "4:11 what goes to an index keeps its name; `files` renames `a-*.tar.gz`",
    );
}

#[test]
fn an_index_takes_distributions_only() {
    check_entry(
        "files = [\"a.zip\", \"b-*\", \"c-{version}.tar.gz\", \"{d,e}.{whl,txt}\"]\nto = \"pypi\"",
        "4:10 an index takes wheels and source distributions only; `a.zip` selects others\n\
         4:48 an index takes wheels and source distributions only; `{d,e}.{whl,txt}` selects others",
    );
    check_entry(
        "files = \"a\"\nto = \"pypi\"\nkind = \"file\"",
        "4:9 [[artifacts]] number 1 is a file, and an index takes wheels and source distributions only",
    );
}

#[test]
fn two_files_cannot_get_one_name() {
    check_entry(
        "files = { \"a/x\" = \"y\", \"b\" = \"Y\" }\nto = \"github\"",
        "4:30 two files get the name `Y` in `github`: `a/x` and `b`",
    );
    check_entry(
        "files = [\"a/x\", \"b/x\"]\nto = \"github\"",
        "4:17 two files get the name `x` in `github`: `a/x` and `b/x`",
    );
    check(
        &format!(
            "{HEAD}platforms = [\"x86_64-unknown-linux-gnu\"]\n[[artifacts]]\nto = \"github\"\n[artifacts.files]\n\"{{platform}}/a\" = \"a\"\n\"b.{{x,y}}\" = \"b\"\n\"c\" = \"c-{{target}}\"\n\"d/*\" = \"e/f\""
        ),
        "7:18 several files of `{platform}/a` would get the name `a`; a variable such as `{target}` or `{stem}` tells them apart\n\
         8:13 several files of `b.{x,y}` would get the name `b`; a variable such as `{target}` or `{stem}` tells them apart\n\
         9:7 `c-{target}` names a platform, and `c` does not stand for one\n\
         10:9 a new name is one segment, without `/`",
    );
}

#[test]
fn platforms_are_declared_before_they_are_used() {
    check_entry(
        "files = \"{platform}/a\"\nto = []",
        "4:9 `{platform}/a` stands for one file per platform; declare `platforms`",
    );
    check(
        &format!(
            "{HEAD}platforms = [\"wasm32-unknown-unknown\"]\nartifacts = [{{ files = \"a-{{wheel}}.whl\", to = [] }}]"
        ),
        "4:24 which wheel tags mean platform `wasm32-unknown-unknown` is not known; give the platform as `{ target = \"…\", wheel = \"…\" }`",
    );
}

#[test]
fn an_entry_reaches_a_destination_in_some_channel() {
    check_entry(
        "files = \"a\"\nto = [\"github\"]\nwhen = \"rc\"\n[destinations.github]\nwhen = \"stable\"",
        "6:1 [[artifacts]] number 1 can never reach a destination; its `when` and theirs have no channel in common",
    );
    check_entry(
        "files = \"a\"\nto = []\nwhen = [\"stable\", \"!rc\"]",
        "6:8 `when = [\"stable\", \"!rc\"]` mixes names with exclusions",
    );
}

#[test]
fn a_source_is_a_bucket_or_a_folder() {
    check(
        r#"repository = "a/b"
artifacts = [{ files = "x", to = [] }]
[source]
from = ["s3://", "ftp://x", "file://x"]
manifest = ["*.json", "../x"]
ignore = "{platform}"
endpoint = "ftp://x"
credential = "env:X"
wait = "1m"
events = "push"
"#,
        r#"4:9 a bucket is written `s3://BUCKET/PREFIX`
4:18 a source begins with `s3://` or `file:`
4:29 a folder is written `file:PATH`
5:13 `manifest` names each manifest; it takes no globs
5:23 a manifest's path is relative to the root of the source
6:11 `{platform}` has no value here; it belongs in `files` and its new names
7:12 `endpoint` takes a URL that begins with `https://`
8:14 a bucket is read with a key id and a key; it takes `"ambient"`, `"anonymous"` or `{ username, password = "env:NAME" }`
9:1 `wait` is not supported by this version
10:1 `events` is not supported by this version"#,
    );
    check(
        "repository = \"a/b\"\nartifacts = [{ files = \"x\", to = [] }]\n[source]\nfrom = \"file:x\"\nendpoint = \"https://x\"",
        "5:1 `endpoint` is for s3:// sources",
    );
}

#[test]
fn a_destination_of_ones_own_is_an_index() {
    check_entry(
        r#"files = "a"
to = []
[destinations]
Nope = { kind = "pypi", url = "https://h/", index = "https://h/" }
mine = { kind = "pypi", url = "http://h/", index = "https://h/{version}/" }
github = { url = "https://x/", credential = "trusted" }
pypi = { latest = "never", credential = "ambient" }
local = { kind = "pypi", url = "http://127.0.0.1:80/", index = "http://[::1]:80/" }
"#,
        r#"7:1 `Nope` is no destination name: only lower-case letters, digits, `-` and `.` are allowed
8:31 `url` takes `http://` on this machine only
8:52 `index` with variables is not supported by this version
9:12 `url` is for destinations of your own, and `github` exists already
9:45 GitHub takes a token, `"env:NAME"`
10:10 `latest` is for GitHub releases
10:41 `"ambient"` is for buckets; an index takes `"trusted"` or a token"#,
    );
}

#[test]
fn a_waiver_says_why_and_until_when() {
    check_entry(
        "files = \"a\"\nto = []\n[[waivers]]\nmissing = \"{file}\"\nbecause = \" \"\nversion = \"one\"\nuntil = \"2026-01-01\"\nrule = \"x\"",
        "7:12 `{file}` has no value here; it belongs in new names\n\
         8:11 `because` takes a sentence\n\
         9:11 `one` is neither a SemVer nor a PEP 440 version\n\
         10:9 `until` takes a date without quotes, such as 2026-12-31\n\
         11:1 `rule` is not supported by this version",
    );
}

#[test]
fn a_secret_in_the_file_is_refused_and_never_shown() {
    const SECRET: &str = "pypi-AgEIcHlwaS5vcmcCJDU2MTcyODkz";
    let in_destination = |line: &str| {
        let head =
            format!("{HEAD}artifacts = [{{ files = \"x\", to = [] }}]\n[destinations.pypi]\n");
        format!("{head}{line}\n")
    };
    for line in [
        format!("credential = \"{SECRET}\", hold = true"),
        format!("credential = \"{SECRET}\""),
        format!("credential = \"env:{SECRET}\""),
        format!("credential = {SECRET}"),
        format!("credential = {{ username = \"u\", password = \"{SECRET}\" }}"),
        format!("credential = {{ username = \"u\", password = \"{SECRET}\", command = 1 }}"),
        format!("token = \"{SECRET}\""),
        format!("when = \"{SECRET}\""),
        format!("url = \"https://user:{SECRET}@host/\""),
        format!("kind = \"{SECRET}\""),
    ] {
        let errors = Config::parse("relpub.toml", &in_destination(&line)).unwrap_err();
        let shown = format!("{errors}\n{errors:?}");
        assert!(!shown.contains("AgEIcHlwaS5vcmcCJDU2"), "{shown}");
    }
    check(
        &in_destination("credential = \"hunter2\""),
        "5:14 `credential` never holds a secret itself; it takes `\"trusted\"`, `\"ambient\"`, `\"anonymous\"`, `\"env:NAME\"` or `{ username, password = \"env:NAME\" }`",
    );
    let errors = Config::parse("relpub.toml", &in_destination("credential = \"hunter2\""));
    assert!(!errors.unwrap_err().to_string().contains("hunter2"));
}

/// Two larger projects in the shape of real ones: all that this version cannot
/// do is named, and nothing else is an error.
#[test]
fn larger_projects_fail_only_for_what_is_not_supported() {
    check(
        r#"repository = "ada/engine"
tag        = "{version}"
create-tag = true
policy     = "release/policy.toml"
artifacts  = [
  { to = "pypi", files = ["{engine,engine_build}-{version.pep440}-py3-none-{wheel}.whl", "{engine,engine_build}-{version.pep440}.tar.gz"] },
  { to = ["github", "mirror"], files = ["engine-{target}.{archive}", "engine-{target}.{archive}.sha256", "source.tar.gz{,.sha256}"] },
  { to = "crates-io", files = "crates/*.crate", count = "listed", version = "any" },
  { to = [], files = "docs-site/**", count = "listed" },
]
notes      = { body = "manifest" }
platforms  = ["aarch64-apple-darwin", { target = "arm-unknown-linux-musleabihf", wheel = "linux_armv6l" }]
[source]
from     = "actions:release.yml"
manifest = ["dist/dist-manifest.json", "docs-site/SHA256SUMS"]
ignore   = ["cache/**", "{plan,local}-manifest.json"]
[destinations]
pypi      = { when = "stable" }
crates-io = { when = "stable", required = false }
mirror    = { url = "s3://ada-releases/{version}/" }
[[images]]
from = "ghcr.io/ada/engine-dev:{commit:7}-{variant}"
"#,
        "4:1 `policy` is not supported by this version\n\
         11:23 `body = \"manifest\"` is not supported by this version\n\
         14:12 a source in `actions:` is not supported by this version; it reads `s3://` and `file:`\n\
         19:1 destination `crates-io` is not supported by this version\n\
         19:32 `required` is not supported by this version\n\
         20:21 a bucket as destination is not supported by this version\n\
         21:3 `images` is not supported by this version",
    );
    check(
        r#"repository = "ada/viewer"
source     = { from = "s3://builds/commit/{commit:7}", manifest = "manifest.json", ignore = "wheels/index.html" }
follow-ups = ["Merge the feedstock pull request"]
artifacts  = [
  { to = ["pypi", "github"], files = ["wheels/viewer_sdk-*-{wheel}.whl", "wheels/viewer_notebook-*-none-any.whl"] },
  { to = "github", files = { "viewer_c/{platform}/*viewer_c.*" = "{stem}-{tag}-{target}{ext}" } },
  { to = "github", files = { "viewer-cli/{platform}/viewer{exe}" = "viewer-cli-{tag}-{target}{ext}" } },
  { to = "github", files = { "viewer_cpp.zip" = ["viewer_cpp-{tag}-multiplatform.zip", "viewer_cpp.zip"] } },
  { to = "github", files = { "js/{web,web-react}.tar.gz" = "viewer-js-{file}" } },
]
[platforms]
windows-x64 = "x86_64-pc-windows-msvc"
linux-arm64 = "aarch64-unknown-linux-gnu"
"#,
        "",
    );
}

#[test]
fn the_schema_knows_what_the_parser_knows() {
    let schema = schema();
    let artifact = &schema["$defs"]["artifacts"];
    assert_eq!(artifact["required"], serde_json::json!(["files", "to"]));
    assert_eq!(artifact["additionalProperties"], false);
    assert!(artifact["properties"]["count"].is_object());
    assert!(artifact["properties"]["rolling"].is_null());
    assert_eq!(
        schema["properties"]["artifacts"]["items"]["$ref"],
        "#/$defs/artifacts"
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in r"(source|tag|files|to|platforms|[a-zé\[\]{}=\x22'.\n ]){0,40}") {
        if let Err(errors) = Config::parse("relpub.toml", &text) {
            prop_assert!(!errors.to_string().is_empty());
        }
    }
}
