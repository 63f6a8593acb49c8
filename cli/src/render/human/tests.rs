//! The screens of a made-up release, as a person sees them.

mod sample;

use jiff::SignedDuration;
use relpub::Stopped;
use relpub_model::decision::{Decision, Failure};
use relpub_model::plan::{Action, Presence};
use relpub_model::{Blocker, Code};

use super::*;

/// Compares a screen, without its colours and ids, with what it should be.
#[track_caller]
fn check(screen: &str, expected: &str) {
    let id = sample::promotion().id().short();
    let seen = anstream::adapter::strip_str(screen).to_string();
    assert_eq!(seen.replace(&id, "ID"), expected, "\n{seen}");
}

#[test]
fn a_plan_is_the_whole_table() {
    let plan = sample::plan();
    let next = next_step(&plan, "plan.json", "relpub promote v1.2.0", 100);
    check(
        &(super::plan(&plan, 100) + "\n" + &next),
        "\
slugs 1.2.0   tag v1.2.0 at 01234567   2 artifacts, 8.4 kB   from file:dist

  artifact                         size   pypi   github   evidence
  slugs-1.2.0-py3-none-any.whl   4.2 kB   same   new      none
  slugs-1.2.0.tar.gz             4.2 kB   new    new      none

  stage     GitHub draft with 2 files
  ───────── point of no return ─────────
  publish   PyPI slugs: 1 sdist · GitHub v1.2.0
  confirm   find everything by digest where users look
  point     GitHub latest → v1.2.0 (was v1.1.0)

  waived    linux-arm64 missing: \"runner outage\"
  assumed   this credential may write releases of ada/slugs
  by hand   Tell the list

  nothing has been changed · promotion ID · plan saved in plan.json
  to do it: relpub promote v1.2.0
",
    );
}

#[test]
fn all_reasons_are_shown_worst_first() {
    let wheel = "slugs-1.2.0-py3-none-any.whl";
    let blockers = [
        Blocker::new(Code::Missing, "a/*.whl", "expected one, found none")
            .way_out("The build may not have finished."),
        Blocker::new(
            Code::NotWhatItSays,
            "app.tar.gz",
            "is a Mach-O arm64 program, not a gzip archive",
        ),
        Blocker::new(
            Code::Conflict,
            wheel,
            "is already on PyPI with other bytes",
        )
        .detail("there 9f86d081884c · ours 60303ae22b99")
        .way_out("PyPI never replaces a file. Release a new version, or promote the commit those bytes came from."),
    ];
    check(
        &blocked(&blockers, 80),
        "\
blocked: 3 reasons, nothing was changed

  not what  app.tar.gz is a Mach-O arm64 program, not a gzip archive
  it says

  conflict  slugs-1.2.0-py3-none-any.whl is already on PyPI with other bytes
            there 9f86d081884c · ours 60303ae22b99
            PyPI never replaces a file. Release a new version, or promote the
            commit those bytes came from.

  missing   a/*.whl: expected one, found none
            The build may not have finished.
",
    );
}

#[test]
fn what_cannot_be_told_or_has_moved_has_a_headline_of_its_own() {
    let headline = |code| {
        let screen = blocked(&[Blocker::new(code, "tag v1", "is odd")], 80);
        anstream::adapter::strip_str(&screen)
            .to_string()
            .lines()
            .next()
            .map(str::to_owned)
    };
    let expected = "could not tell: 1 reason, nothing was changed";
    assert_eq!(headline(Code::Unknown).as_deref(), Some(expected));
    let expected = "the world moved: 1 reason, nothing was changed";
    assert_eq!(headline(Code::Moved).as_deref(), Some(expected));
}

#[test]
fn the_last_screen_answers_whether_it_is_out() {
    let receipt = sample::receipt(Presence::Same, Presence::Same, true);
    let before = Before::new(&sample::plan());
    let left = Left {
        receipt: "receipt.json".to_owned(),
        verify: "relpub verify v1.2.0".to_owned(),
    };
    check(
        &released(&receipt, &before, &sample::config(), Some(&left), 100),
        "\
released slugs 1.2.0   4 min 12 s   4 of 4 there, digests equal

  PyPI     slugs 1.2.0   1 sdist new, 1 already there
  GitHub   v1.2.0        2 files new, latest

  waived    linux-arm64 missing: \"runner outage\"
  verify    relpub verify v1.2.0
  receipt   receipt.json
  by hand   Tell the list
",
    );
}

/// Returns a stop at the upload of the sdist.
fn stop(decision: Decision, seen: bool) -> Stopped {
    let failure = Failure {
        decision,
        service: "PyPI".to_owned(),
        message: "PyPI: could not upload slugs-1.2.0.tar.gz: HTTP 403: no".to_owned(),
        said: None,
    };
    let mut actions = sample::plan().steps.into_iter().map(|step| step.action);
    Stopped {
        failure,
        action: actions.find(|it| matches!(it, Action::Upload { .. })),
        receipt: sample::receipt(Presence::Absent, Presence::Staged, false),
        seen,
    }
}

#[test]
fn a_stop_says_what_is_public_and_what_is_not() {
    check(
        &stopped(&stop(Decision::Forbidden, true), &sample::config(), 100),
        "\
stopped: PyPI: could not upload slugs-1.2.0.tar.gz: HTTP 403: no

  public    1 wheel on PyPI
  hidden    2 files in the draft on GitHub
  not yet   1 sdist on PyPI, GitHub release v1.2.0, GitHub latest
  Fix the credential for PyPI, then run the same command again.
  It continues with slugs-1.2.0.tar.gz to PyPI; nothing is uploaded twice.
",
    );
    let unseen = stopped(&stop(Decision::Transient, false), &sample::config(), 100);
    assert!(unseen.contains("When PyPI answers, run the same command again."));
    assert!(unseen.ends_with("nothing was read back after it stopped.\n"));
}

#[test]
fn verify_lists_what_differs() {
    let receipt = sample::receipt(Presence::Conflict, Presence::Same, true);
    assert!(differs(&receipt.facts));
    check(
        &verified(&receipt.facts, &sample::config(), 100),
        "\
differs: slugs 1.2.0   3 of 4 there   downloaded and compared

  PyPI     slugs 1.2.0   1 of 2 files
  GitHub   v1.2.0        2 files, latest

  PyPI   slugs-1.2.0.tar.gz   other bytes
",
    );
    let receipt = sample::receipt(Presence::Unknown, Presence::Same, true);
    assert!(!differs(&receipt.facts));
    let screen = verified(&receipt.facts, &sample::config(), 100);
    assert!(screen.contains("could not tell:") && screen.contains("could not be read"));
}

#[test]
fn status_says_what_would_happen_next() {
    let receipt = sample::receipt(Presence::Absent, Presence::Staged, false);
    check(
        &status(&receipt, &receipt.facts, &sample::config(), 100),
        "\
not finished slugs 1.2.0   tag v1.2.0 at 01234567   promotion ID

  public    1 wheel on PyPI
  hidden    2 files in the draft on GitHub
  not yet   1 sdist on PyPI, GitHub release v1.2.0, GitHub latest
  last run  2026-11-02 10:04 UTC, after slugs-1.2.0.tar.gz to PyPI
  next      relpub promote v1.2.0 puts what is not yet there, and nothing twice
",
    );
}

#[test]
fn a_receipt_says_what_was_seen_where() {
    let receipt = sample::receipt(Presence::Same, Presence::Same, true);
    check(
        &super::receipt(&receipt, 100),
        "\
slugs 1.2.0   complete   promotion ID

  from      ada/slugs at 0123456789012345678901234567890123456789
  tag       v1.2.0 at 01234567
  pointer   GitHub latest → v1.2.0
  waived    linux-arm64 missing: \"runner outage\"

  place    file                             size   sha256         seen
  GitHub   slugs-1.2.0-py3-none-any.whl   4.2 kB   5a8290a09e82   same
  GitHub   slugs-1.2.0.tar.gz             4.2 kB   fcfc2e3eca50   same
  PyPI     slugs-1.2.0-py3-none-any.whl   4.2 kB   5a8290a09e82   same
  PyPI     slugs-1.2.0.tar.gz             4.2 kB   fcfc2e3eca50   same

  run       2026-11-02 10:00:00 UTC, 4 min 12 s, relpub 0.1.0
  done      10:00:09 slugs-1.2.0.tar.gz to PyPI
",
    );
}

#[test]
fn a_rehearsal_says_what_it_does_not_cover() {
    let rehearsal = Rehearsal {
        name: "slugs 1.2.0",
        took: SignedDuration::from_millis(3400),
        through: true,
        runs: 2,
    };
    check(
        &rehearsal.verdict(80),
        "\
rehearsed slugs 1.2.0 in 3.4 s: it would go through, in 2 runs

  not covered: your accounts' permissions and settings on the real services
",
    );
}
