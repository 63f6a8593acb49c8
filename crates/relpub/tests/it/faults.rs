//! Every kind of fault at every endpoint: finished, or stopped with the truth.

use relpub::Exit;
use relpub::model::plan::Presence;
use relpub::model::receipt::Facts;
use relpub_sandbox::{AssetView, Fault};

use crate::world::{End, How, Outside, Project, REPOSITORY, promote};

const KINDS: [&str; 8] = [
    "429",
    "503",
    "500",
    "reset",
    "lost-answer",
    "slow",
    "truncated",
    "flipped",
];

/// Those that differ when they do not pass: the others end as 503 does.
const LASTING: [&str; 4] = ["503", "lost-answer", "slow", "flipped"];

/// Lets every kind of fault happen at each endpoint, once and lastingly.
fn check_all(endpoints: &[&str]) {
    for endpoint in endpoints {
        for kind in KINDS {
            check(kind, endpoint, 1);
        }
        for kind in LASTING {
            check(kind, endpoint, 1000);
        }
    }
}

#[test]
fn faults_of_the_source_and_the_issuer_of_identities() {
    check_all(&[
        "bucket/list-objects",
        "bucket/head-object",
        "bucket/get-object",
        "identity/token",
    ]);
}

#[test]
fn faults_of_the_index() {
    check_all(&[
        "pypi/simple",
        "pypi/audience",
        "pypi/mint-token",
        "pypi/upload",
        "pypi/integrity",
    ]);
}

#[test]
fn faults_where_github_is_read() {
    check_all(&[
        "github/repository",
        "github/tag",
        "github/list-releases",
        "github/latest",
        "github/generate-notes",
        "github/list-assets",
        "github/release",
        "github/list-attestations",
    ]);
}

#[test]
fn faults_where_github_is_written() {
    check_all(&[
        "github/create-release",
        "github/upload-asset",
        "github/update-release",
        "github/create-ref",
        "github/create-attestation",
    ]);
}

#[test]
fn faults_of_sigstore() {
    check_all(&[
        "fulcio/signing-cert",
        "rekor1/create",
        "rekor2/create",
        "tsa/timestamp",
    ]);
}

fn check(kind: &str, endpoint: &str, count: u32) {
    let case = format!("{kind}@{endpoint}:{count}");
    let (outside, project) = (Outside::start(), Project::demo());
    outside.fill_bucket(&project);
    let how = How {
        from: Some("s3://builds/demo".to_owned()),
        ..How::new(&outside)
    };
    outside.world.faults().add(case.parse::<Fault>().unwrap());
    let end = promote(&outside, &project, &how);
    match &end {
        End::Released(receipt) => {
            assert!(receipt.facts.complete, "{case}");
            assert_eq!(
                counts(&receipt.facts),
                true_counts(&outside, &receipt.facts),
                "{case}"
            );
        }
        End::Stopped(stopped) => {
            assert_eq!(stopped.exit(), Exit::Stopped);
            assert!(!stopped.receipt.facts.complete, "{case}: {}", end.words());
            if stopped.seen {
                let facts = &stopped.receipt.facts;
                assert_eq!(
                    counts(facts),
                    true_counts(&outside, facts),
                    "{case}: {}",
                    end.words()
                );
            }
        }
        End::Blocked(_) | End::Failed(_) => {
            assert!(
                matches!(end.exit(), Exit::Blocked | Exit::Rejected | Exit::Unknown),
                "{case}: {}",
                end.words()
            );
            assert_eq!(outside.world.pypi.uploads().len(), 0, "{case}");
            assert_eq!(outside.world.github.releases(REPOSITORY).len(), 0, "{case}");
        }
    }
    outside.world.faults().clear();
    let again = promote(&outside, &project, &how);
    assert!(
        matches!(again, End::Released(_)),
        "{case}, then again: {}",
        again.words()
    );
}

/// Returns how many places are public, hidden, and not yet there, as told.
fn counts(facts: &Facts) -> (usize, usize, usize) {
    let count = |wanted: fn(&Presence) -> bool| {
        facts
            .places
            .iter()
            .filter(|place| wanted(&place.presence))
            .count()
    };
    (
        count(|p| *p == Presence::Same),
        count(|p| *p == Presence::Staged),
        count(|p| !matches!(p, Presence::Same | Presence::Staged)),
    )
}

/// Returns the same as the world has it.
fn true_counts(outside: &Outside, facts: &Facts) -> (usize, usize, usize) {
    let index = outside.world.pypi.files("relpub-demo").len();
    let releases = outside.world.github.releases(REPOSITORY);
    let complete = |draft: bool| {
        let assets = releases
            .iter()
            .filter(move |release| release.draft == draft)
            .flat_map(|release| &release.assets);
        let is_artifact =
            |asset: &&AssetView| asset.sha256.is_some() && !asset.name.ends_with(".sigstore.json");
        assets.filter(is_artifact).count()
    };
    let (public, hidden) = (index + complete(false), complete(true));
    (public, hidden, facts.places.len() - public - hidden)
}
