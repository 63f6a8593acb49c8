//! The real thing: a process of its own, stopped by the system, and run again.

use std::process::{Child, Command, Stdio};

use crate::common::{Project, Sandbox, TAG, until};

const PROMOTE: [&str; 3] = ["promote", TAG, "--yes"];

/// Starts a promotion that takes its time, and waits until it has sent so many
/// requests that change something.
fn begun(project: &Project, sandbox: &Sandbox, mutations: usize) -> Child {
    sandbox.arm("429@github/upload-asset:2");
    sandbox.arm("429@pypi/upload:2");
    let mut command = project.in_world(sandbox, &PROMOTE);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = command.spawn().unwrap();
    until("so many requests were sent", || {
        sandbox.mutations() >= mutations
    });
    run
}

/// Runs to the end and once more, which changes nothing; returns what is seen:
/// of a signature, which differs each time, only that it is there.
fn finished(project: &Project, sandbox: &Sandbox) -> Vec<String> {
    let run = || project.finish(project.in_world(sandbox, &PROMOTE));
    run().exits(0);
    let before = sandbox.mutations();
    run().exits(0).shows("already there");
    assert_eq!(sandbox.mutations(), before);
    let name_of_bundle = |line: String| match line.split_once(".sigstore.json") {
        Some((name, _)) => format!("{name}.sigstore.json"),
        None => line,
    };
    sandbox.seen().into_iter().map(name_of_bundle).collect()
}

/// Nine files at their places, and thirteen bundles.
const SEEN: usize = 22;

/// Promotes the demo in a world of its own, killed at the given number of
/// mutating requests, until it is done.
fn promoted(kill_at: Option<usize>) -> Vec<String> {
    let project = Project::demo();
    let sandbox = project.sandbox();
    if let Some(mutations) = kill_at {
        let mut run = begun(&project, &sandbox, mutations);
        run.kill().unwrap();
        let ended = run.wait().unwrap();
        assert!(!ended.success(), "it had ended before it was killed");
    }
    finished(&project, &sandbox)
}

#[test]
fn a_killed_process_is_finished_by_the_next() {
    let undisturbed = promoted(None);
    assert_eq!(undisturbed.len(), SEEN, "{undisturbed:?}");
    assert_eq!(promoted(Some(4)), undisturbed);
    assert_eq!(promoted(Some(10)), undisturbed);
}

#[test]
fn an_interrupted_process_says_how_it_stands_and_is_finished_by_the_next() {
    let project = Project::demo();
    let sandbox = project.sandbox();
    let run = begun(&project, &sandbox, 4);
    interrupt(&run);
    let run = project.ended(run.wait_with_output().unwrap()).exits(5);
    let screen = "stopped: the run was interrupted\n\n  public    nothing\n";
    assert!(run.stdout.starts_with(screen), "{}", run.stdout);
    run.shows("stopping; once more ends it at once");
    assert_eq!(finished(&project, &sandbox).len(), SEEN);
}

#[test]
fn a_kept_world_runs_until_it_is_interrupted() {
    let project = Project::demo();
    let file = project.path("screen");
    let mut command = project.command(&["rehearse", TAG, "--keep"]);
    command.stdout(std::fs::File::create(&file).unwrap());
    let mut run = command.stderr(Stdio::null()).spawn().unwrap();
    until("it says how to reach it", || {
        project.read("screen").contains("relpub-demo==1.2.3\n")
    });
    interrupt(&run);
    assert_eq!(run.wait().unwrap().code(), Some(0));
}

fn interrupt(process: &Child) {
    let id = process.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
}
