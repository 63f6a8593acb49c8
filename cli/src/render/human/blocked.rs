//! The screen of a run that cannot go on: all reasons at once, worst first.

use relpub_model::blocker::{Blocker, Code, Exit, exit_of};

use super::layout::{Labels, paint};
use super::words::plural;

/// Returns every reason, worst first: the thing, the two sides, the way out.
pub(crate) fn blocked(blockers: &[Blocker], width: usize) -> String {
    let mut sorted: Vec<&Blocker> = blockers.iter().collect();
    sorted.sort_by_key(|blocker| blocker.code);
    let exit = exit_of(blockers);
    let moved = blockers.iter().all(|blocker| blocker.code == Code::Moved);
    let (word, changed) = match exit {
        Exit::Blocked if moved => ("the world moved", "nothing was changed"),
        Exit::Rejected => ("rejected", "nothing public was changed"),
        Exit::Unknown => ("could not tell", "nothing was changed"),
        _ => ("blocked", "nothing was changed"),
    };
    let mut list = Labels::new();
    for (i, blocker) in sorted.into_iter().enumerate() {
        if i > 0 {
            list.free("");
        }
        let first = sentence(blocker);
        let label = blocker.code.label();
        list.entry(
            label,
            paint::BAD,
            [&first, &blocker.detail, &blocker.way_out],
        );
    }
    let word = paint::paint(paint::BAD, word);
    let count = plural(blockers.len(), "reason");
    format!("{word}: {count}, {changed}\n\n{}", list.render(width))
}

/// Returns what only keeps this machine from promoting, which a plan mentions.
pub(crate) fn here(blockers: &[Blocker], width: usize) -> String {
    let mut list = Labels::new();
    for blocker in blockers {
        let first = sentence(blocker);
        list.entry(
            "here",
            paint::OPEN,
            [&first, &blocker.detail, &blocker.way_out],
        );
    }
    list.render(width)
}

/// Returns the thing and what is wrong with it; most reasons are the end of a
/// sentence that begins with the thing.
pub(crate) fn sentence(blocker: &Blocker) -> String {
    let Blocker { thing, reason, .. } = blocker;
    let is_own_sentence = reason.starts_with("expected ") || reason.starts_with('`');
    let colon = if is_own_sentence { ":" } else { "" };
    format!("{thing}{colon} {reason}")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use relpub_model::plan::Expectation;

    use super::super::samples::{FILES, Sample, WIDTH, held, other, seen};
    use super::*;

    #[test]
    fn all_reasons_are_there_worst_first() {
        let not_a_wheel = Blocker::new(
            Code::NotWhatItSays,
            FILES[1],
            "is a Mach-O arm64 program, not a wheel",
        )
        .detail("from wheels/slugs in the source")
        .way_out("Is [[artifacts]] number 1 matching the wrong file?");
        let sample = Sample::strict()
            .on_index(&[other(FILES[0])])
            .speak_against(1, not_a_wheel);
        assert_snapshot!(seen(&blocked(&sample.plan().blockers, WIDTH)), @r#"
        rejected: 3 reasons, nothing public was changed

          not what  slugs-1.2.0-py3-none-any.whl is a Mach-O arm64 program, not a wheel
          it says   from wheels/slugs in the source
                    Is [[artifacts]] number 1 matching the wrong file?

          conflict  slugs-1.2.0-cp310-abi3-win_amd64.whl is already on PyPI with other bytes
                    there d9298a10d1b0, uploaded 2026-11-18 · ours 5f97866080d7
                    PyPI never replaces a file. Release a new version, or promote the commit those bytes
                    came from.

          missing   bin/aarch64-apple-darwin/slugs: expected one, found none
                    the build of aarch64-apple-darwin may not have finished. To release without it:
                    --allow-missing aarch64-apple-darwin --because "…"
        "#);
    }

    #[test]
    fn what_was_not_reviewed_is_named() {
        let begun = Sample::new().on_index(&[held(FILES[0])]).plan();
        let reviewed = serde_json::to_string(&begun).unwrap();
        let reviewed = Expectation::from_plan(&reviewed).unwrap();
        let differences = reviewed.differences(&Sample::new().plan());
        assert_snapshot!(seen(&blocked(&differences, WIDTH)), @"
        the world moved: 1 reason, nothing was changed

          moved     slugs-1.2.0-cp310-abi3-win_amd64.whl to PyPI was not in the plan that was reviewed
                    Make a new plan, review it, and expect that one.
        ");
    }

    #[test]
    fn what_could_not_be_told_is_an_outcome_of_its_own() {
        let plan = Sample::new().unreadable("pypi").plan();
        assert_snapshot!(seen(&blocked(&plan.blockers, WIDTH)), @"
        could not tell: 1 reason, nothing was changed

          unknown   PyPI could not be read
                    PyPI answered 503 four times over 31 s; whether slugs 1.2.0 exists is unknown
                    Run again when the service answers.
        ");
    }

    #[test]
    fn a_missing_credential_is_only_mentioned_in_a_plan() {
        let what = "`env:GITHUB_TOKEN` is configured, and GITHUB_TOKEN is not set";
        let plan = Sample::new().without_credential("github", what).plan();
        assert!(plan.blockers.is_empty());
        assert_snapshot!(seen(&here(&plan.blockers_here, WIDTH)), @"
        here      GitHub cannot be written to from here: there is no credential
                  `env:GITHUB_TOKEN` is configured, and GITHUB_TOKEN is not set
                  Run promote where the credential is, for instance in the release workflow.
        ");
        assert_snapshot!(seen(&blocked(&plan.blockers_here, 60)), @"
        blocked: 1 reason, nothing was changed

          credential  GitHub cannot be written to from here: there
                      is no credential
                      `env:GITHUB_TOKEN` is configured, and
                      GITHUB_TOKEN is not set
                      Run promote where the credential is, for
                      instance in the release workflow.
        ");
    }
}
