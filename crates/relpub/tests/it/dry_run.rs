//! A dry run sends nothing that changes anything, and finds what is wrong.

use relpub::Code;
use relpub::model::plan::Plan;

use crate::world::{COMMIT, How, Outside, Project, REPOSITORY, TAG, plan};

/// Makes a plan, asserts that not one request could have changed anything, and
/// returns it.
fn dry(outside: &Outside, project: &Project, how: &How) -> Plan {
    outside.world.clear_log();
    let plan = plan(outside, project, how).unwrap_or_else(|error| panic!("{error}"));
    let log = outside.world.log();
    assert!(
        log.iter().any(|entry| entry.service == "pypi"),
        "the index was read"
    );
    let wrote: Vec<_> = log.iter().filter(|entry| entry.mutating).collect();
    assert!(wrote.is_empty(), "{wrote:?}");
    let read_only = |method: &str, endpoint: &str| {
        matches!(method, "GET" | "HEAD") || endpoint == "generate-notes"
    };
    assert!(
        log.iter()
            .all(|entry| read_only(&entry.method, &entry.endpoint)),
        "{log:?}"
    );
    plan
}

#[track_caller]
fn has(plan: &Plan, code: Code, words: &str) {
    let found = plan.blockers.iter().any(|b| {
        b.code == code && format!("{} {} {}", b.thing, b.reason, b.detail).contains(words)
    });
    assert!(found, "no {code:?} with {words:?} in {:#?}", plan.blockers);
}

#[test]
fn nothing_is_wrong_with_the_demo() {
    let (outside, project) = (Outside::start(), Project::demo());
    let plan = dry(&outside, &project, &How::new(&outside));
    assert_eq!(plan.blockers, []);
    assert_eq!(plan.blockers_here, []);
    let assumptions = plan.assumptions.join("\n");
    assert!(assumptions.contains("was not burned"), "{assumptions}");
    assert!(assumptions.contains("may write releases"), "{assumptions}");
    assert!(
        assumptions.contains("trusted publisher of relpub-demo (a new project)"),
        "{assumptions}"
    );
}

#[test]
fn a_conflict_at_the_index() {
    let (outside, project) = (Outside::start(), Project::demo());
    outside
        .world
        .pypi
        .seed_file("relpub-demo", "relpub_demo-1.2.3.tar.gz", b"other")
        .unwrap();
    has(
        &dry(&outside, &project, &How::new(&outside)),
        Code::Conflict,
        "relpub_demo-1.2.3.tar.gz is already on PyPI",
    );
}

#[test]
fn a_missing_and_an_unexpected_artifact() {
    let (outside, project) = (Outside::start(), Project::demo());
    project.forget_manifest();
    std::fs::rename(project.bucket("docs.tar.gz"), project.bucket("dosc.tar.gz")).unwrap();
    let plan = dry(&outside, &project, &How::new(&outside));
    has(&plan, Code::Missing, "docs.tar.gz");
    has(&plan, Code::Unexpected, "dosc.tar.gz");
}

#[test]
fn a_wrong_version_inside() {
    let (outside, project) = (Outside::start(), Project::demo());
    project.forget_manifest();
    project.edit(
        "relpub_demo-{version.pep440}-py3-none-any.whl",
        "relpub_demo-*-py3-none-any.whl",
    );
    let old = project.bucket("wheels/relpub_demo-1.2.3-py3-none-any.whl");
    std::fs::rename(
        old,
        project.bucket("wheels/relpub_demo-1.2.4-py3-none-any.whl"),
    )
    .unwrap();
    has(
        &dry(&outside, &project, &How::new(&outside)),
        Code::Disagrees,
        "1.2.4",
    );
}

#[test]
fn a_platform_tag_that_the_index_does_not_take() {
    let (outside, project) = (Outside::start(), Project::demo());
    project.forget_manifest();
    project.edit(
        "relpub_demo-{version.pep440}-cp310-abi3-*manylinux*_x86_64.whl",
        "relpub_demo-{version.pep440}-cp310-abi3-linux_x86_64.whl",
    );
    let old = project.bucket(
        "wheels/relpub_demo-1.2.3-cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    );
    std::fs::rename(
        old,
        project.bucket("wheels/relpub_demo-1.2.3-cp310-abi3-linux_x86_64.whl"),
    )
    .unwrap();
    has(
        &dry(&outside, &project, &How::new(&outside)),
        Code::Refused,
        "linux_x86_64",
    );
}

#[test]
fn a_program_that_is_named_as_an_archive() {
    let (outside, project) = (Outside::start(), Project::demo());
    project.forget_manifest();
    std::fs::copy(
        project.bucket("bin/aarch64-apple-darwin/relpub-demo"),
        project.bucket("docs.tar.gz"),
    )
    .unwrap();
    has(
        &dry(&outside, &project, &How::new(&outside)),
        Code::NotWhatItSays,
        "is a Mach-O",
    );
}

#[test]
fn a_file_larger_than_the_index_ever_takes() {
    let (outside, project) = (Outside::start(), Project::demo());
    project.forget_manifest();
    let wheel = project.bucket("wheels/relpub_demo-1.2.3-py3-none-any.whl");
    std::fs::File::options()
        .write(true)
        .open(wheel)
        .unwrap()
        .set_len((1 << 30) + 1)
        .unwrap();
    has(
        &dry(&outside, &project, &How::new(&outside)),
        Code::Refused,
        "larger than PyPI takes",
    );
}

#[test]
fn a_file_over_the_default_limit_is_an_assumption() {
    let (outside, project) = (Outside::start(), Project::demo());
    project.forget_manifest();
    let wheel = project.bucket("wheels/relpub_demo-1.2.3-py3-none-any.whl");
    std::fs::File::options()
        .write(true)
        .open(wheel)
        .unwrap()
        .set_len(101 << 20)
        .unwrap();
    let plan = dry(&outside, &project, &How::new(&outside));
    assert!(
        plan.assumptions
            .iter()
            .any(|a| a.contains("more than its default of 100 MiB")),
        "{:#?}",
        plan.assumptions
    );
}

#[test]
fn credentials_that_cannot_be_right() {
    let (outside, project) = (Outside::start(), Project::demo());
    outside.world.identity.issue_expired(true);
    has(
        &dry(&outside, &project, &How::new(&outside)),
        Code::Credential,
        "expired",
    );
    outside.world.identity.issue_expired(false);

    let refused = How::new(&outside).with("GITHUB_TOKEN", "ghs_wrong");
    let error = plan(&outside, &project, &refused)
        .err()
        .map(|error| error.to_string());
    assert!(
        error.is_some_and(|error| error.contains("401")),
        "a token that the API refuses"
    );

    project.edit(
        "[notes]",
        "[destinations]\npypi = { credential = \"env:PYPI_TOKEN\" }\n[notes]",
    );
    let malformed = How::new(&outside).with("PYPI_TOKEN", "not-a-token");
    let found = dry(&outside, &project, &malformed);
    has(&found, Code::Credential, "PyPI");
    assert!(!format!("{found:?}").contains("not-a-token"));
}

#[test]
fn an_absent_credential_blocks_here_only() {
    let (outside, project) = (Outside::start(), Project::demo());
    let how = How::new(&outside)
        .without("GITHUB_TOKEN")
        .without("ACTIONS_ID_TOKEN_REQUEST_TOKEN");
    let plan = dry(&outside, &project, &how);
    assert_eq!(plan.blockers, []);
    let things: Vec<&str> = plan
        .blockers_here
        .iter()
        .map(|b| b.thing.as_str())
        .collect();
    assert_eq!(things, ["evidence", "GitHub", "PyPI"]);
    assert!(
        plan.assumptions
            .iter()
            .any(|a| a.contains("drafts cannot be seen")),
        "{:#?}",
        plan.assumptions
    );
}

#[test]
fn the_tag_at_another_commit() {
    let (outside, project) = (Outside::without_tag(), Project::demo());
    let other = "1".repeat(40);
    outside
        .world
        .github
        .add_commit(REPOSITORY, &other, &[], "Other")
        .unwrap();
    outside
        .world
        .github
        .add_tag(REPOSITORY, TAG, &other, true)
        .unwrap();
    let how = How {
        commit: Some(COMMIT),
        ..How::new(&outside)
    };
    has(
        &dry(&outside, &project, &how),
        Code::Commit,
        "is at another commit",
    );
    // Without a given commit the tag's is taken, and the manifest names another.
    has(
        &dry(&outside, &project, &How::new(&outside)),
        Code::Commit,
        "manifest.json",
    );
}

#[test]
fn a_release_that_somebody_else_published() {
    let (outside, project) = (Outside::start(), Project::demo());
    let (url, token) = (
        outside.world.github.url().to_owned(),
        outside.world.github.token().to_owned(),
    );
    outside.block_on(async {
        let client = reqwest::Client::new();
        let request = client
            .post(format!("{url}/repos/{REPOSITORY}/releases"))
            .bearer_auth(token)
            .header("user-agent", "somebody");
        let answer = request
            .json(&serde_json::json!({ "tag_name": TAG, "name": "by hand" }))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 201);
    });
    let plan = dry(&outside, &project, &How::new(&outside));
    has(&plan, Code::Refused, "somebody else published it");
}
