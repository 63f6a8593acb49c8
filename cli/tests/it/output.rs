//! What programs read: documents, events, scripts; and when there are colours.

use insta::assert_snapshot;
use serde_json::Value;

use crate::common::{Project, TAG};

#[test]
fn every_command_writes_one_document() {
    let project = Project::demo();
    let sandbox = project.sandbox();
    let json = |args: &[&str], exit| {
        let args = [args, &["--format", "json"]].concat();
        project
            .finish(project.in_world(&sandbox, &args))
            .exits(exit)
            .json()
    };
    let plan = json(&["plan", TAG], 0);
    assert_eq!(
        (
            plan["format"].as_u64(),
            plan["rows"].as_array().map(Vec::len)
        ),
        (Some(1), Some(6))
    );
    let events = ["--events", "events"];
    let promoted = json(&[&["promote", TAG, "--yes"], &events[..]].concat(), 0);
    assert_eq!(promoted["outcome"], "released");
    assert_eq!(promoted["receipt"]["facts"]["id"], plan["id"]);
    assert_eq!(json(&["verify", TAG], 0)["outcome"], "verified");
    let status = json(&["status", TAG], 0);
    assert_eq!(
        (&status["outcome"], &status["exit"]),
        (&"released".into(), &0.into())
    );
    let phases = phases(&project.read("events"));
    assert_eq!(phases, ["stage", "publish", "confirm", "point"]);
}

/// Reads a file of events, and returns the phases that began.
fn phases(events: &str) -> Vec<String> {
    let events: Vec<Value> = events
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(events.iter().all(|event| event["at"].is_string()));
    let begun = events.iter().filter(|event| event["event"] == "phase");
    begun
        .map(|event| event["phase"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_rehearsal_writes_one_document_and_all_its_events() {
    let project = Project::demo();
    let args = [
        "rehearse",
        TAG,
        "--kill-after",
        "3",
        "--format",
        "json",
        "--events",
        "events",
    ];
    let document = project.run(&args).exits(0).json();
    assert_eq!(document["outcome"], "rehearsed");
    let phases = phases(&project.read("events"));
    assert_eq!(phases, ["stage", "stage", "publish", "confirm", "point"]);
    let document = project.run(&["receipt", TAG, "--format", "json"]).exits(6);
    assert_eq!(document.json()["outcome"], "unknown");
}

#[test]
fn files_are_inspected_where_they_lie() {
    let project = Project::demo();
    let wheel = "bucket/wheels/relpub_demo-1.2.3-py3-none-any.whl";
    let run = project.run(&["inspect", wheel]).exits(0);
    assert_snapshot!(run.stdout, @"
    relpub_demo-1.2.3-py3-none-any.whl   3.2 kB   a wheel of relpub-demo 1.2.3
      tags      python py3 · abi none · platform any
      metadata  Metadata-Version: 2.4
                Summary: A package that exists to be released
                Requires-Python: >=3.10
                License-Expression: MIT
                requires 2 projects
      problems  none
    ");
    std::fs::copy(
        project.path("bucket/bin/aarch64-apple-darwin/relpub-demo"),
        project.path("docs.tar.gz"),
    )
    .unwrap();
    let run = project.run(&["inspect", "docs.tar.gz"]).exits(4);
    assert_snapshot!(run.stdout, @"
    docs.tar.gz   16.3 kB   a Mach-O arm64 program
      problem   not what it says: is a Mach-O arm64 program, not a gzip archive
                from docs.tar.gz in the source
    ");
    let run = project
        .run(&["inspect", "docs.tar.gz", "--format", "json"])
        .exits(4);
    assert_eq!(run.json()[0]["problems"][0]["code"], "not-what-it-says");
}

#[test]
fn scripts_and_the_schema_are_printed() {
    let project = Project::demo();
    let schema = project.run(&["schema"]).exits(0).json();
    assert!(schema["properties"]["artifacts"].is_object());
    let script = project.run(&["completions", "bash"]).exits(0);
    assert!(script.stdout.contains("rehearse") && script.stdout.contains("--kill-after"));
}

#[test]
fn colours_are_used_where_they_are_wanted() {
    let project = Project::demo();
    let coloured = |args: &[&str], variables: &[(&str, &str)]| {
        let args = [&["rehearse", TAG], args].concat();
        let mut command = project.command(&args);
        command.envs(variables.iter().copied());
        project.finish(command).stdout.contains('\u{1b}')
    };
    assert!(!coloured(&[], &[]), "not off a terminal");
    assert!(coloured(&["--color", "always"], &[]));
    assert!(coloured(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(
        &[],
        &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]
    ));
    assert!(!coloured(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
}
