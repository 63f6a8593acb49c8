//! Mistakes in the configuration and on the command line: exit 2, and where.

use insta::assert_snapshot;

use crate::common::{Project, TAG};

/// Returns the demo with three mistakes in its configuration.
pub(crate) fn mistaken() -> Project {
    let project = Project::demo();
    project.edit("relpub.toml", "to    = [", "too   = [");
    project.edit("relpub.toml", "repository =", "repositry  =");
    project.edit("relpub.toml", "[notes]", "[hooks]\n\n[notes]");
    project
}

#[test]
fn a_wrong_configuration_is_shown_where_it_is() {
    let project = mistaken();
    let run = project.run(&["plan", TAG]).exits(2);
    let folder = project.path("").display().to_string();
    assert_snapshot!(run.stderr.replace(&folder, ""), @r#"
    error: `repository` is missing
     ┌ relpub.toml:1
    1│ # The demo release: small files that relpub's own test data script made, laid
     └ where tag and release live, `owner/name`
    error: unknown key `repositry`
     ┌ relpub.toml:3
    3│ repositry  = "relpub/demo"
     └ did you mean `repository`?
    error: `to` is missing in [[artifacts]] number 1
      ┌ relpub.toml:14
    14│ [[artifacts]]
      └ destinations; none means verified only
    error: unknown key `too` in [[artifacts]] number 1
      ┌ relpub.toml:20
    20│ too   = ["pypi", "github"]
      └ did you mean `to`?
    error: `hooks` is not supported by this version
      ┌ relpub.toml:31
    31│ [hooks]
      └  ^^^^^
    "#);
    assert_eq!(run.stdout, "");
    let run = project.run(&["plan", TAG, "--format", "json"]).exits(2);
    let errors = run.json()["errors"].clone();
    let first = &errors[0];
    assert!(
        first["message"].is_string() && first["line"].is_u64(),
        "{errors}"
    );
}

#[test]
fn a_wrong_command_says_what_would_be_right() {
    let project = Project::demo();
    let run = |args: &[&str]| project.run(args).exits(2);
    run(&["plan", "1.2.3"]).shows("v{version}");
    run(&["plan", TAG, "--world", "world.json"]).shows("cannot read");
    run(&["plan", TAG, "--config", "other.toml"]).shows("--config another file");
    run(&["plan", TAG, "--allow-missing", "docs"]).shows("--because <TEXT>");
    let two = [
        "--allow-missing",
        "a",
        "--allow-missing",
        "b",
        "--allow-missing",
        "c",
    ];
    let reasons = ["--because", "x", "--because", "y"];
    run(&[&["plan", TAG], &two[..], &reasons[..]].concat())
        .shows("give one reason for each, or one for all");
    run(&["rehearse", TAG, "--fault", "404@pypi"]).shows("`404` is no kind of fault");
    run(&["rehearse", TAG, "--kill-after", "0"]);
    run(&["verify"]).shows("<TAG|FILE>");
    let run = project.run(&["verify", TAG, "--receipt", "relpub.toml"]);
    run.exits(2).shows("relpub.toml is no receipt");
}
