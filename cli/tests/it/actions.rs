//! What a step of GitHub Actions reports.

use std::process::Command;

use insta::assert_snapshot;

use crate::common::{Project, Run, Sandbox, TAG};
use crate::mistakes::mistaken;

/// Runs a command as a step.
fn step(project: &Project, mut command: Command) -> Run {
    command.env("GITHUB_ACTIONS", "true");
    command.env("GITHUB_STEP_SUMMARY", project.path("summary"));
    command.env("GITHUB_OUTPUT", project.path("outputs"));
    project.finish(command)
}

fn promote(project: &Project, sandbox: &Sandbox, args: &[&str]) -> Run {
    let args = [&["promote", TAG, "--yes"], args].concat();
    step(project, project.in_world(sandbox, &args))
}

#[test]
fn mistakes_are_annotated_at_their_lines() {
    let project = mistaken();
    let run = step(&project, project.command(&["plan", TAG])).exits(2);
    let folder = project.path("").display().to_string();
    let text = run.stderr.replace(&folder, "");
    let commands: Vec<&str> = text.lines().filter(|line| line.starts_with("::")).collect();
    assert_snapshot!(commands.join("\n"), @"
    ::error file=relpub.toml,line=1,col=1,endColumn=1,title=relpub::`repository` is missing (where tag and release live, `owner/name`)
    ::error file=relpub.toml,line=3,col=1,endColumn=10,title=relpub::unknown key `repositry` (did you mean `repository`?)
    ::error file=relpub.toml,line=14,col=1,endColumn=14,title=relpub::`to` is missing in [[artifacts]] number 1 (destinations; none means verified only)
    ::error file=relpub.toml,line=20,col=1,endColumn=4,title=relpub::unknown key `too` in [[artifacts]] number 1 (did you mean `to`?)
    ::error file=relpub.toml,line=31,col=2,endColumn=7,title=relpub::`hooks` is not supported by this version
    ");
}

#[test]
fn a_release_is_summed_up() {
    let project = Project::demo();
    let sandbox = project.sandbox();
    let run = promote(&project, &sandbox, &["--dry-run"]).exits(0);
    assert!(run.stdout.contains("nothing has been changed"));
    let id = run.stdout.split(" · promotion ").nth(1).unwrap()[..12].to_owned();
    assert!(project.read("outputs").contains("released=false\n"));
    assert!(
        project
            .read("summary")
            .starts_with("## relpub-demo 1.2.3: planned\n")
    );

    let run = promote(&project, &sandbox, &[]).exits(0);
    assert!(run.stderr.contains("::group::publish\n") && run.stderr.contains("::endgroup::\n"));
    let outputs = project.read("outputs");
    let last: Vec<&str> = outputs.lines().rev().take(4).collect();
    assert_eq!(last[3], "version=1.2.3");
    assert!(
        last[2].starts_with(&format!("promotion-id={id}")),
        "{}",
        last[2]
    );
    assert!(last[1].starts_with("receipt=") && last[1].ends_with("/v1.2.3/receipt.json"));
    assert_eq!(last[0], "released=true");
    let summary = project.read("summary");
    let (_, matrix) = summary
        .split_once("## relpub-demo 1.2.3: released\n")
        .unwrap();
    assert!(matrix.contains("- GitHub: <http://127.0.0.1:"), "{matrix}");
    assert_eq!(matrix.matches("| yes |").count(), 9, "{matrix}");
}

#[test]
fn what_stands_against_it_is_in_the_summary() {
    let project = Project::demo();
    let sandbox = project.sandbox();
    std::fs::remove_file(project.path("bucket/docs.tar.gz")).unwrap();
    promote(&project, &sandbox, &[]).exits(3);
    let summary = project.read("summary");
    assert!(
        summary.starts_with("## relpub-demo 1.2.3: blocked: "),
        "{summary}"
    );
    assert!(summary.contains("- **missing** docs.tar.gz"), "{summary}");
    assert!(project.read("outputs").ends_with("released=false\n"));
}
