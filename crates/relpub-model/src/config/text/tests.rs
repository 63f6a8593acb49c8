use proptest::prelude::*;

use super::*;
use crate::config::Platform;
use crate::name::{Commit, Repository, SourcePath};
use crate::version::{Channel, Tag, Version};

fn repository() -> Repository {
    "ada/slugs".parse().unwrap()
}

fn tag(name: &str, version: &str) -> Tag {
    Tag {
        name: name.to_owned(),
        version: version.parse().unwrap(),
    }
}

fn platform(name: &str, target: &str) -> Platform {
    Platform {
        name: name.to_owned(),
        target: target.to_owned(),
        wheel: None,
    }
}

/// Renders a template for `ada/slugs` at `v1.2.0-rc.1`, on Windows, for `a/x.tar.gz`.
fn render(template: &str) -> String {
    let tag = tag("v1.2.0-rc.1", "1.2.0-rc.1");
    let commit: Commit = "0123456789abcdef0123456789abcdef01234567".parse().unwrap();
    let windows = platform("win", "x86_64-pc-windows-msvc");
    let repository = repository();
    let vars = Vars::of("slugs", &repository, &tag)
        .with_commit(&commit)
        .with_platform(Some(&windows))
        .with_file("App.app.tar.gz");
    Template::parse(template, Scope::NewName)
        .and_then(|template| template.render(&vars))
        .unwrap_or_else(|error| format!("error: {error}"))
}

#[test]
fn variables_are_replaced() {
    for (template, expected) in [
        (
            "{version} {version.pep440} {version.oci}",
            "1.2.0-rc.1 1.2.0rc1 1.2.0-rc.1",
        ),
        (
            "{major}.{minor}.{patch} {tag} {channel}",
            "1.2.0 v1.2.0-rc.1 rc",
        ),
        (
            "{commit:7} {project} {repository} {owner}",
            "0123456 slugs ada/slugs ada",
        ),
        (
            "{platform} {target} x{exe}",
            "win x86_64-pc-windows-msvc x.exe",
        ),
        ("{file} {stem} {ext}", "App.app.tar.gz App.app .tar.gz"),
        ("{{{tag}}} {{a,b}}", "{v1.2.0-rc.1} {a,b}"),
    ] {
        assert_eq!(render(template), expected, "{template}");
    }
}

#[test]
fn a_text_that_cannot_be_says_why() {
    for (template, expected) in [
        (
            "{versoin}",
            "unknown variable `{versoin}`; did you mean `{version}`?",
        ),
        ("{date}", "unknown variable `{date}`"),
        ("{variant}", "`{variant}` is not supported by this version"),
        (
            "{version.pep404}",
            "`{version}` has no form `pep404`; did you mean `{version.pep440}`?",
        ),
        ("{tag.oci}", "`{tag}` has no forms"),
        (
            "{commit:0}",
            "`:0` is no number of characters from 1 to 255",
        ),
        (
            "{wheel}",
            "`{wheel}` has no value here; it belongs in `files`",
        ),
        ("{a,b}", "alternatives `{a,b}` belong in patterns only"),
        ("a{", "`{` without `}`; a literal brace is written `{{`"),
        ("a}", "`}` without `{`; a literal brace is written `}}`"),
    ] {
        assert_eq!(render(template), format!("error: {expected}"), "{template}");
    }
    for (pattern, expected) in [
        ("a{b,{c,d}}", "alternatives do not nest"),
        ("a**/b", "`**` stands alone between slashes"),
        ("a[bc", "`[` without `]`"),
        ("[z-a]", "a range in `[…]` runs from low to high"),
        (
            "../a",
            "`../a` leaves the source: a path is relative to its root",
        ),
        (
            "{file}",
            "`{file}` has no value here; it belongs in new names",
        ),
    ] {
        let error = Pattern::parse(pattern, Scope::Files).unwrap_err();
        assert_eq!(error.to_string(), expected, "{pattern}");
    }
}

#[test]
fn an_extension_is_what_people_call_one() {
    for (name, expected) in [
        ("a.whl", ("a", ".whl")),
        ("a-1.2.3.tar.gz", ("a-1.2.3", ".tar.gz")),
        ("tool-1.2.3-linux", ("tool-1.2.3-linux", "")),
        ("tool-1.2.3", ("tool-1.2.3", "")),
        (".env", (".env", "")),
        (".tar.gz", (".tar", ".gz")),
        ("x.7z", ("x", ".7z")),
    ] {
        assert_eq!(split_extension(name), expected, "{name}");
    }
}

/// Returns which of the paths each expansion of a pattern matches.
fn matches(pattern: &str, paths: &[&str]) -> Vec<(String, Vec<String>)> {
    let tag = tag("v1.2.0", "1.2.0");
    let platforms = [
        platform("gnu", "x86_64-unknown-linux-gnu"),
        platform("musl", "x86_64-unknown-linux-musl"),
        platform("mac", "aarch64-apple-darwin"),
        platform("win", "x86_64-pc-windows-msvc"),
    ];
    let repository = repository();
    let vars = Vars::of("slugs", &repository, &tag);
    let pattern = Pattern::parse(pattern, Scope::Files).unwrap();
    let paths: Vec<SourcePath> = paths.iter().map(|path| path.parse().unwrap()).collect();
    pattern
        .expand(&vars, &platforms)
        .unwrap()
        .into_iter()
        .map(|expanded| {
            let found = paths.iter().filter(|path| expanded.matches(path));
            let found = found.map(ToString::to_string).collect();
            (expanded.text, found)
        })
        .collect()
}

#[test]
fn globs_stay_within_a_segment_and_double_stars_do_not() {
    let paths = ["a.txt", "d/a.txt", "d/e/a.txt", "d/b.txt", "d/A.txt"];
    for (pattern, expected) in [
        ("a.txt", &["a.txt", "d/a.txt", "d/e/a.txt"] as &[&str]),
        ("d/a.txt", &["d/a.txt"]),
        ("d/*", &["d/a.txt", "d/b.txt", "d/A.txt"]),
        ("d/**", &["d/a.txt", "d/e/a.txt", "d/b.txt", "d/A.txt"]),
        ("d/**/a.txt", &["d/a.txt", "d/e/a.txt"]),
        ("**/e/*", &["d/e/a.txt"]),
        (
            "**",
            &["a.txt", "d/a.txt", "d/e/a.txt", "d/b.txt", "d/A.txt"],
        ),
        (
            "?.txt",
            &["a.txt", "d/a.txt", "d/e/a.txt", "d/b.txt", "d/A.txt"],
        ),
        ("[a-z].txt", &["a.txt", "d/a.txt", "d/e/a.txt", "d/b.txt"]),
        ("[!a].txt", &["d/b.txt", "d/A.txt"]),
        ("*b*", &["d/b.txt"]),
        ("a*a.txt", &[]),
    ] {
        let found = matches(pattern, &paths);
        assert_eq!(
            found,
            [(
                pattern.to_owned(),
                expected.iter().map(ToString::to_string).collect()
            )]
        );
    }
}

#[test]
fn alternatives_and_platforms_multiply() {
    let texts = |pattern| -> Vec<String> {
        matches(pattern, &[])
            .into_iter()
            .map(|(text, _)| text)
            .collect()
    };
    assert_eq!(
        texts("{a,b}-{version}.txt{,.sha256}"),
        [
            "a-1.2.0.txt",
            "a-1.2.0.txt.sha256",
            "b-1.2.0.txt",
            "b-1.2.0.txt.sha256"
        ]
    );
    assert_eq!(
        texts("{platform}/tool{exe}"),
        ["gnu/tool", "musl/tool", "mac/tool", "win/tool.exe"]
    );
    assert_eq!(
        texts("s-*-{wheel}.whl"),
        [
            "s-*-manylinux_*_x86_64.whl",
            "s-*-musllinux_*_x86_64.whl",
            "s-*-macosx_*_arm64.whl",
            "s-*-win_amd64.whl"
        ]
    );
}

#[test]
fn a_wheel_belongs_to_the_platform_that_its_tags_mean() {
    let paths = [
        "w/s-1.2.0-cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "w/s-1.2.0-cp310-abi3-manylinux_2_17_aarch64.whl",
        "w/s-1.2.0-cp310-abi3-musllinux_1_2_x86_64.whl",
        "w/s-1.2.0-cp310-abi3-macosx_10_12_x86_64.macosx_11_0_arm64.macosx_10_12_universal2.whl",
        "w/s-1.2.0-cp310-abi3-win_amd64.whl",
        "w/s-1.2.0-cp310-abi3-win_arm64.whl",
        "w/s-1.2.0-py3-none-any.whl",
        "w/s-extra-1.2.0-nonsense-win_amd64.whl",
    ];
    let found: Vec<_> = matches("s-*-{wheel}.whl", &paths)
        .into_iter()
        .map(|(_, found)| found)
        .collect();
    let one = |index: usize| vec![paths[index].to_owned()];
    assert_eq!(found, [one(0), one(2), one(3), one(4)]);
}

#[test]
fn an_archive_has_one_of_the_known_extensions() {
    let paths = ["s.tar.gz", "s.zip", "s.rar", "s.tar"];
    let found = matches("s.{archive}", &paths);
    assert_eq!(
        found,
        [(
            "s.{archive}".to_owned(),
            vec!["s.tar.gz".to_owned(), "s.zip".to_owned()]
        )]
    );
}

fn tag_template(text: &str) -> Result<TagTemplate, TextError> {
    TagTemplate::parse(text, "slugs", &repository())
}

#[test]
fn a_tag_is_read_backwards() {
    let read = |template: &str, tag: &str| match tag_template(template).unwrap().read(tag) {
        Ok(tag) => tag.version.to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(read("v{version}", "v1.2.3"), "1.2.3");
    assert_eq!(
        read("{project}/{version}-final", "slugs/2024.1-final"),
        "2024.1"
    );
    assert_eq!(
        read("v{version}", "1.2.3"),
        "tag `1.2.3` does not fit `v{version}`"
    );
    assert_eq!(
        read("{version}", "v1.2.3"),
        "tag `v1.2.3` does not fit `{version}`"
    );
    assert_eq!(
        read("v{version}", "v1.x"),
        "tag `v1.x` does not fit `v{version}`: `1.x` is neither a SemVer nor a PEP 440 version"
    );
    for template in ["v1", "{version}-{version}"] {
        assert_eq!(
            tag_template(template).unwrap_err().to_string(),
            "a tag is read backwards: it takes `{version}` exactly once"
        );
    }
    assert!(tag_template("v{version.pep440}").is_err());
    assert!(tag_template("v{version}-{commit:7}").is_err());
}

#[test]
fn when_names_channels_or_excludes_them() {
    let admitted = |names: &[&str]| match When::parse(names) {
        Ok(when) => {
            let admitted = CHANNELS.iter().filter(|channel| when.admits(**channel));
            admitted
                .map(|channel| channel.as_str())
                .collect::<Vec<_>>()
                .join(" ")
        }
        Err(error) => error.to_string(),
    };
    assert_eq!(admitted(&["stable", "rc"]), "stable rc");
    assert_eq!(admitted(&["prerelease"]), "alpha beta rc dev prerelease");
    assert_eq!(admitted(&["!prerelease"]), "stable");
    assert_eq!(admitted(&["!dev", "!alpha"]), "stable beta rc prerelease");
    assert_eq!(
        admitted(&["stable", "!rc"]),
        r#"`when = ["stable", "!rc"]` mixes names with exclusions"#
    );
    assert_eq!(
        admitted(&["stabel"]),
        "unknown channel `stabel`; did you mean `stable`?"
    );
    assert_eq!(
        admitted(&["!stable", "!prerelease"]),
        r#"`when = ["!stable", "!prerelease"]` leaves no channel"#
    );
    assert!(When::default().admits(Channel::OtherPrerelease));
}

proptest! {
    #[test]
    fn a_tag_is_read_as_it_was_rendered(
        before in "[a-z/-]{0,6}",
        after in "[a-z_-]{0,4}",
        version in r"(0|[1-9][0-9]{0,3})(\.(0|[1-9][0-9]{0,3})){2}(-(alpha|beta|rc)\.[1-9])?",
    ) {
        let template = tag_template(&format!("{before}{{version}}{after}")).unwrap();
        let version: Version = version.parse().unwrap();
        let tag = template.render(&version);
        prop_assert_eq!(template.read(&tag).unwrap().version, version);
    }

    #[test]
    fn no_text_makes_the_parser_or_the_matcher_panic(
        pattern in r"[a-c/*?\[\]{},!.-]{0,24}|\PC{0,24}",
        path in "[a-c]{1,3}(/[a-c.]{1,4}){0,4}",
    ) {
        let _ = Template::parse(&pattern, Scope::NewName);
        if let (Ok(pattern), Ok(path)) = (Pattern::parse(&pattern, Scope::Files), path.parse()) {
            let tag = tag("v1.2.0", "1.2.0");
            let repository = repository();
            for expanded in pattern.expand(&Vars::of("slugs", &repository, &tag), &[]).unwrap() {
                expanded.matches(&path);
            }
        }
    }

    #[test]
    fn a_pattern_without_globs_matches_itself(path in "[a-z]{1,4}(/[a-z0-9._+~-]{1,6}){0,3}") {
        if let Ok(path) = path.parse::<SourcePath>() {
            let found = matches(path.as_str(), &[path.as_str()]);
            prop_assert_eq!(found[0].1.len(), 1);
        }
    }
}
