//! Promotions that go well, and those that must not begin.

use relpub::model::release::AllowMissing;
use relpub::{Error, Exit};

use crate::world::{COMMIT, End, How, Outside, Project, REPOSITORY, TAG, plan, promote};

/// The requests that changed anything, as the sandbox logged them.
fn mutations(outside: &Outside) -> Vec<String> {
    let log = outside.world.log();
    log.iter()
        .filter(|entry| entry.mutating)
        .map(|entry| format!("{} {}", entry.service, entry.endpoint))
        .collect()
}

#[test]
fn a_release_goes_out_and_nothing_happens_twice() {
    let (outside, project) = (Outside::start(), Project::demo());
    let how = How::new(&outside);
    let first = promote(&outside, &project, &how).released();
    assert!(first.facts.complete);
    assert_eq!(
        outside.world.github.latest(REPOSITORY).as_deref(),
        Some(TAG)
    );
    let uploads: Vec<String> = outside
        .world
        .pypi
        .uploads()
        .into_iter()
        .map(|upload| upload.filename)
        .collect();
    assert_eq!(uploads.len(), 3);
    assert!(
        uploads[2].ends_with(".tar.gz"),
        "the source distribution goes last: {uploads:?}"
    );

    let seen = outside.seen();
    outside.world.clear_log();
    let again = promote(&outside, &project, &how).released();
    assert_eq!(again, first, "the receipt of the run that did it is kept");
    assert_eq!(outside.seen(), seen);
    assert_eq!(mutations(&outside), Vec::<String>::new());
}

#[test]
fn the_second_run_fetches_no_artifact() {
    let (outside, project) = (Outside::start(), Project::demo());
    outside.fill_bucket(&project);
    let how = How {
        from: Some("s3://builds/demo".to_owned()),
        ..How::new(&outside)
    };
    promote(&outside, &project, &how).released();
    outside.world.clear_log();
    promote(&outside, &project, &how).released();
    let fetched: Vec<String> = outside
        .world
        .log()
        .into_iter()
        .filter(|e| e.endpoint == "get-object")
        .map(|e| e.path)
        .collect();
    assert_eq!(fetched.len(), 1, "only the manifest is read: {fetched:?}");
    assert!(fetched[0].ends_with("manifest.json"));
}

#[test]
fn the_promotion_is_the_same_before_and_after() {
    for declared in [true, false] {
        let (outside, project) = (Outside::start(), Project::demo());
        if !declared {
            project.forget_manifest();
        }
        let how = How::new(&outside);
        let before = plan(&outside, &project, &how).unwrap();
        let receipt = promote(&outside, &project, &how).released();
        let after = plan(&outside, &project, &how).unwrap();
        assert_eq!((before.id, receipt.facts.id), (after.id, after.id));
        assert!(after.steps.is_empty());
    }
}

#[test]
fn an_absent_tag_is_made_at_the_given_commit() {
    let (outside, project) = (Outside::without_tag(), Project::demo());
    project.edit("[source]", "create-tag = true\n[source]");
    let how = How {
        commit: Some(COMMIT),
        ..How::new(&outside)
    };
    let receipt = promote(&outside, &project, &how).released();
    assert_eq!(
        outside.world.github.tag(REPOSITORY, TAG).as_deref(),
        Some(COMMIT)
    );
    assert_eq!(receipt.facts.tag.unwrap().as_str(), COMMIT);
}

#[test]
fn a_tag_is_only_made_at_a_commit_that_is_there() {
    let (outside, project) = (Outside::without_tag(), Project::demo());
    project.edit("[source]", "create-tag = true\n[source]");
    let how = How {
        commit: Some("1111111111111111111111111111111111111111"),
        ..How::new(&outside)
    };
    let end = promote(&outside, &project, &how);
    assert_eq!(end.exit(), Exit::Blocked);
    assert!(
        end.words().contains("is not in relpub/demo"),
        "{}",
        end.words()
    );
    assert_eq!(mutations(&outside), Vec::<String>::new());
}

#[test]
fn an_object_stored_compressed_is_promoted_decoded() {
    use std::io::Write as _;
    let (outside, project) = (Outside::start(), Project::demo());
    project.forget_manifest();
    outside.fill_bucket(&project);
    let plain = std::fs::read(project.bucket("bin/x86_64-unknown-linux-gnu/relpub-demo")).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&plain).unwrap();
    let stored = encoder.finish().unwrap();
    outside
        .world
        .bucket
        .put(
            "builds",
            "demo/bin/x86_64-unknown-linux-gnu/relpub-demo",
            &stored,
            Some("gzip"),
        )
        .unwrap();
    let how = How {
        from: Some("s3://builds/demo".to_owned()),
        ..How::new(&outside)
    };
    let before = plan(&outside, &project, &how).unwrap();
    let receipt = promote(&outside, &project, &how).released();
    let after = plan(&outside, &project, &how).unwrap();
    assert_eq!((before.id, receipt.facts.id), (after.id, after.id));
    let name = "relpub-demo-1.2.3-x86_64-unknown-linux-gnu";
    let releases = outside.world.github.releases(REPOSITORY);
    let asset = releases[0]
        .assets
        .iter()
        .find(|asset| asset.name == name)
        .unwrap();
    assert_eq!(asset.size, plain.len() as u64);
}

#[test]
fn one_changed_byte_at_the_source_lets_nothing_out() {
    let (outside, project) = (Outside::start(), Project::demo());
    let wheel = project.bucket("wheels/relpub_demo-1.2.3-py3-none-any.whl");
    let mut bytes = std::fs::read(&wheel).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&wheel, bytes).unwrap();
    let end = promote(&outside, &project, &How::new(&outside));
    assert_eq!(end.exit(), Exit::Rejected);
    let plan = end.blocked();
    assert!(plan.blockers[0].thing.ends_with("py3-none-any.whl"));
    assert_eq!(mutations(&outside), Vec::<String>::new());
}

#[test]
fn other_bytes_under_a_name_at_the_index_let_nothing_out() {
    let (outside, project) = (Outside::start(), Project::demo());
    outside
        .world
        .pypi
        .seed_file(
            "relpub-demo",
            "relpub_demo-1.2.3-py3-none-any.whl",
            b"somebody else's",
        )
        .unwrap();
    let end = promote(&outside, &project, &How::new(&outside));
    assert_eq!(end.exit(), Exit::Blocked);
    let plan = end.blocked();
    let blocker = &plan.blockers[0];
    assert_eq!(blocker.reason, "is already on PyPI with other bytes");
    assert_eq!(mutations(&outside), Vec::<String>::new());
}

#[test]
fn what_may_be_missing_is_in_the_promotion() {
    let (outside, project) = (Outside::start(), Project::demo());
    project.forget_manifest();
    std::fs::remove_file(project.bucket("bin/aarch64-apple-darwin/relpub-demo")).unwrap();
    let blocked = promote(&outside, &project, &How::new(&outside)).blocked();
    assert_eq!(blocked.exit(), Exit::Blocked);
    let allow = AllowMissing {
        name: "aarch64-apple-darwin".to_owned(),
        because: "runner outage".to_owned(),
    };
    let how = How {
        allow_missing: vec![allow],
        ..How::new(&outside)
    };
    let receipt = promote(&outside, &project, &how).released();
    assert_eq!(receipt.facts.promotion.waived[0].because, "runner outage");
    assert_ne!(receipt.facts.id, blocked.id);
    let body = outside.world.github.releases(REPOSITORY)[0]
        .body
        .clone()
        .unwrap();
    assert!(body.contains("runner outage"), "{body}");
}

#[test]
fn a_cancelled_run_is_finished_by_the_next() {
    let (outside, project) = (Outside::start(), Project::demo());
    let how = How::new(&outside);
    how.cancel.cancel();
    let end = promote(&outside, &project, &how);
    assert!(matches!(end, End::Failed(Error::Cancelled)));
    assert_eq!(end.exit(), Exit::Unknown, "{}", end.words());
    assert_eq!(mutations(&outside), Vec::<String>::new());
    promote(&outside, &project, &How::new(&outside)).released();
}
