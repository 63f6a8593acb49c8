//! The whole line against a standing sandbox.

use std::fs;

use insta::assert_snapshot;

use crate::common::{Project, TAG};

#[test]
fn a_release_is_planned_promoted_verified_and_looked_at() {
    let project = Project::demo();
    let sandbox = project.sandbox();
    let run = |args: &[&str]| project.finish(project.in_world(&sandbox, args));

    let planned = run(&["plan", TAG]).exits(0);
    let id = planned.stdout.split(" · promotion ").nth(1).unwrap()[..12].to_owned();
    run(&["status", TAG])
        .exits(6)
        .shows("there is no receipt of v1.2.3");
    run(&["promote", TAG, "--dry-run"]).exits(0);
    assert_eq!(
        sandbox.mutations(),
        0,
        "a plan and a dry run change nothing"
    );

    run(&["promote", TAG, "--yes", "--expect", &id])
        .exits(0)
        .shows("9 of 9 there, digests equal")
        .shows("PyPI relpub-demo 1.2.3 2 wheels, 1 sdist new")
        .shows("GitHub v1.2.3 6 files new, latest");
    let before = sandbox.mutations();
    run(&["promote", TAG, "--yes"])
        .exits(0)
        .shows("6 files already there");
    run(&["plan", TAG])
        .exits(0)
        .shows("everything is there already");
    run(&["verify", TAG])
        .exits(0)
        .shows("verified relpub-demo 1.2.3 9 of 9 there");
    run(&["status", TAG]).exits(0).shows("next nothing;");
    assert_eq!(sandbox.mutations(), before, "nothing happens twice");
    let receipt = project.run(&["receipt", TAG]).exits(0);
    assert!(
        receipt
            .stdout
            .starts_with(&format!("relpub-demo 1.2.3   complete   promotion {id}\n"))
    );
}

#[cfg(unix)]
#[test]
fn the_next_step_is_a_command_that_can_be_typed() {
    let project = Project::demo();
    let sandbox = project.sandbox();
    fs::remove_file(project.path("bucket/docs.tar.gz")).unwrap();
    project.edit(
        "relpub.toml",
        "manifest = \"manifest.json\"",
        "ignore = \"manifest.json\"",
    );
    let allow = ["--allow-missing", "docs.tar.gz", "--because", "it's late"];
    let args = [&["plan", TAG], &allow[..]].concat();
    let run = project.finish(project.in_world(&sandbox, &args)).exits(0);
    let (_, line) = run.stdout.split_once("to do it: ").unwrap();
    assert!(line.ends_with("world.json\n"), "{line}");
    let mut shell = std::process::Command::new("sh");
    let program = env!("CARGO_BIN_EXE_relpub");
    let script = line.trim_end().replacen("relpub", program, 1) + " --yes";
    shell.args(["-c", &script]).envs(sandbox.environment());
    shell.env_remove("GITHUB_ACTIONS");
    let run = project.finish(shell).exits(0);
    run.shows("waived docs.tar.gz missing: \"it's late\"");
}

#[test]
fn a_plan_that_is_not_the_reviewed_one_is_refused() {
    let project = Project::demo();
    let sandbox = project.sandbox();
    let run = |args: &[&str]| project.finish(project.in_world(&sandbox, args));
    let plan = ".relpub/v1.2.3/plan.json";
    run(&["plan", TAG]).exits(0);
    fs::copy(project.path(plan), project.path("reviewed.json")).unwrap();
    project.edit("relpub.toml", "docs.tar.gz\"", "manual.tar.gz\"");
    let run_it = ["promote", TAG, "--yes", "--expect", "reviewed.json"];
    run(&run_it).exits(3);
    project.edit("relpub.toml", "manual.tar.gz\"", "docs.tar.gz\"");
    project.edit("relpub.toml", "The demo release", "The same release");
    run(&run_it)
        .exits(3)
        .shows("the world moved: 1 reason, nothing was changed")
        .shows("moved promotion is not the one that was reviewed");
    assert_eq!(sandbox.mutations(), 0);
    project.edit("relpub.toml", "The same release", "The demo release");
    run(&run_it).exits(0);
    run(&["promote", TAG, "--expect", "no-such-file"])
        .exits(2)
        .shows("nor is there such a file");
}

#[test]
fn what_differs_is_named() {
    let project = Project::demo();
    let sandbox = project.sandbox();
    let run = |args: &[&str]| project.finish(project.in_world(&sandbox, args));
    run(&["promote", TAG, "--yes"]).exits(0);
    sandbox.replace_asset("relpub-demo-1.2.3-docs.tar.gz", "other bytes");
    let verified = run(&["verify", TAG]).exits(4);
    assert_snapshot!(verified.stdout, @"
    differs: relpub-demo 1.2.3   8 of 9 there   downloaded and compared

      PyPI     relpub-demo 1.2.3   2 wheels, 1 sdist
      GitHub   v1.2.3              5 of 6 the same, latest

      evidence  6 signatures, 6 SBOMs, promotion statement, 3 publish attestations

      GitHub   relpub-demo-1.2.3-docs.tar.gz   other bytes
    ");
    run(&["status", TAG])
        .exits(0)
        .shows("differs 1 file on GitHub")
        .shows("says what stands against it");
    run(&["promote", TAG, "--yes"]).exits(3).shows("conflict");
    let elsewhere = project.path("elsewhere.json");
    fs::rename(project.path(".relpub/v1.2.3/receipt.json"), &elsewhere).unwrap();
    // Without a receipt the signed promotion statement says what to look for.
    run(&["verify", TAG]).exits(4);
    run(&["verify", "--receipt", "elsewhere.json"]).exits(4);
    run(&["verify", "v1.2.4", "--receipt", "elsewhere.json"])
        .exits(2)
        .shows("the receipt is about v1.2.3, not v1.2.4");
}

#[test]
fn without_a_tag_or_a_credential_nothing_begins() {
    let project = Project::demo();
    let sandbox = project.sandbox_with(&["--commit", "0123456789012345678901234567890123456789"]);
    let run = project.finish(project.in_world(&sandbox, &["promote", TAG, "--yes"]));
    run.exits(3)
        .shows("blocked: tag v1.2.3 does not exist in relpub/demo");

    let project = Project::demo();
    let sandbox = project.sandbox();
    let bare = |args: &[&str]| {
        let mut command = project.in_world(&sandbox, args);
        for (name, _) in sandbox.environment() {
            command.env_remove(name);
        }
        project.finish(command)
    };
    bare(&["plan", TAG])
        .exits(0)
        .shows("here GitHub cannot be written to from here");
    bare(&["promote", TAG, "--yes"])
        .exits(3)
        .shows("credential GitHub cannot be written to from here");
    assert_eq!(sandbox.mutations(), 0);
}
