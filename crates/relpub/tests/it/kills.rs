//! Killed after every mutating request in turn, and run again.

use std::collections::{BTreeMap, BTreeSet};

use relpub_sandbox::KillPoint;
use serde_json::Value;

use crate::world::{How, Outside, Project, promote, promote_until};

/// A run that nothing disturbs: what is seen afterwards, the receipt's facts,
/// how many requests changed anything, and what the logs hold.
struct Undisturbed {
    seen: String,
    facts: relpub::model::receipt::Facts,
    mutations: u32,
    entries: usize,
}

fn undisturbed() -> Undisturbed {
    let (outside, project) = (Outside::start(), Project::demo());
    let receipt = promote(&outside, &project, &How::new(&outside)).released();
    Undisturbed {
        seen: outside.seen(),
        facts: receipt.facts,
        mutations: outside.world.mutations(),
        entries: outside.world.sigstore.entries(),
    }
}

#[test]
fn a_kill_before_any_request_is_done_leads_to_the_same_world() {
    killed_everywhere(KillPoint::BeforeCommit);
}

#[test]
fn a_kill_after_any_request_was_done_leads_to_the_same_world() {
    killed_everywhere(KillPoint::AfterCommit);
}

fn killed_everywhere(point: KillPoint) {
    let expected = undisturbed();
    assert!(expected.mutations > 40, "{}", expected.mutations);
    for n in 0..expected.mutations {
        for journal in [true, false] {
            killed_at(n, point, journal, &expected);
        }
    }
}

fn killed_at(n: u32, point: KillPoint, journal: bool, expected: &Undisturbed) {
    let case = format!("killed at request {n}, {point:?}, journal {journal}");
    let (outside, project) = (Outside::start(), Project::demo());
    let killed = outside.world.kill_at(n, point);
    let end = promote_until(&outside, &project, &How::new(&outside), killed);
    assert!(
        end.is_none(),
        "{case}: it ended before: {}",
        end.unwrap().words()
    );
    let again = signatures_to_make_again(&project, journal);
    if !journal {
        project.forget_runs();
    }
    let end = promote(&outside, &project, &How::new(&outside));
    let receipt = match end {
        crate::world::End::Released(receipt) => *receipt,
        other => panic!("{case}: {}", other.words()),
    };
    assert_eq!(outside.seen(), expected.seen, "{case}");
    assert_eq!(receipt.facts, expected.facts, "{case}");
    let entries = outside.world.sigstore.entries();
    assert!(
        (expected.entries..=expected.entries + again).contains(&entries),
        "{case}: {entries} log entries instead of {} and up to {again} more",
        expected.entries
    );
    nothing_twice(&outside, &case);
}

/// Returns how many signatures were in flight, by the journal. A machine that
/// keeps nothing also lacks those that were not attached yet.
fn signatures_to_make_again(project: &Project, kept: bool) -> usize {
    let path = project.root.path().join(".relpub/v1.2.3/journal.json");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let (mut signing, mut uploading) = (BTreeSet::new(), BTreeSet::new());
    for line in text.lines() {
        let Ok(line) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let (action, ended) = (&line["action"], line["what"] != "intent");
        match (action["do"].as_str().unwrap(), ended) {
            ("sign", false) => _ = signing.insert(action["piece"].to_string()),
            ("sign", true) if kept => _ = signing.remove(&action["piece"].to_string()),
            ("attach", true) => _ = signing.remove(&action["piece"].to_string()),
            ("upload", false) => _ = uploading.insert(action.to_string()),
            ("upload", true) => _ = uploading.remove(&action.to_string()),
            _ => {}
        }
    }
    signing.len() + uploading.len()
}

/// Every upload that the servers took was the only one of its name, and there
/// was one draft.
fn nothing_twice(outside: &Outside, case: &str) {
    let mut names = BTreeMap::new();
    for upload in outside.world.pypi.uploads() {
        *names.entry(upload.filename).or_insert(0) += 1;
    }
    assert!(names.values().all(|&count| count == 1), "{case}: {names:?}");
    let log = outside.world.log();
    let created = log
        .iter()
        .filter(|e| e.endpoint == "create-release" && e.status == Some(201))
        .count();
    assert!(created <= 1, "{case}: {created} drafts were made");
}

/// Kills a run at the first request, and makes its journal say when that was.
fn killed_with_journal_at(outside: &Outside, project: &Project, year: &str) {
    let killed = outside.world.kill_at(0, KillPoint::BeforeCommit);
    assert!(promote_until(outside, project, &How::new(outside), killed).is_none());
    let path = project.root.path().join(".relpub/v1.2.3/journal.json");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"open\""), "the draft was begun: {text}");
    std::fs::write(path, text.replace("\"2026-", year)).unwrap();
}

#[test]
fn a_draft_that_was_begun_and_is_not_listed_is_waited_for_but_not_for_ever() {
    for (year, at_least) in [("\"2026-", 10), ("\"2126-", 10), ("\"1926-", 0)] {
        let (outside, project) = (Outside::start(), Project::demo());
        killed_with_journal_at(&outside, &project, year);
        let before = outside.world.clock().now();
        promote(&outside, &project, &How::new(&outside)).released();
        let waited = outside.world.clock().now().duration_since(before).as_secs();
        assert!((at_least..60).contains(&waited), "{year}: {waited} s");
    }
}
