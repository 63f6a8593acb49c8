//! The screen of a promotion that stopped part-way: why, what is public and what
//! is not, what must be put right first, and that running again continues.

use anstyle::Style;
use relpub::Stopped;
use relpub_model::config::Config;
use relpub_model::decision::{Decision, Failure};
use relpub_model::plan::{EvidenceState, Presence};
use relpub_model::receipt::Facts;

use super::evidence;
use super::layout::{Labels, indented, paint, wrap};
use super::standing::Standing;

/// What happened, in a word.
const WORD: &str = "stopped";

/// Returns the screen.
pub(crate) fn stopped(stop: &Stopped, config: &Config, width: usize) -> String {
    let Stopped {
        failure,
        action,
        receipt,
        seen,
        ..
    } = stop;
    let mut list = Labels::new();
    Standing::new(&receipt.facts, Some(config)).describe(&mut list);
    list.entry("log", Style::new(), evidence::log(&receipt.history));
    let mut advice = match action {
        Some(action) => vec![
            what_to_do(failure),
            format!("It continues with {action}; nothing is uploaded twice."),
        ],
        None => vec![format!(
            "{} Nothing is uploaded twice.",
            what_to_do(failure)
        )],
    };
    if is_sigstore(failure) && nothing_is_public(&receipt.facts) {
        advice.push(
            "Sigstore failed, not a destination: all is signed before anything becomes public."
                .to_owned(),
        );
    }
    if !seen {
        advice.push(
            "This is what the run itself knows; nothing was read back after it stopped.".to_owned(),
        );
    }
    let why = match failure.decision {
        // It is not the service that failed.
        Decision::Cancelled => "the run was interrupted",
        _ => failure.message.as_str(),
    };
    let why = wrap(&format!("{WORD}: {why}"), width).join("\n");
    let why = why.replacen(WORD, &paint::paint(paint::BAD, WORD), 1);
    let mut out = format!("{why}\n\n{}", list.render(width));
    let lines = advice
        .iter()
        .flat_map(|text| wrap(text, width.saturating_sub(2)));
    out.push_str(&indented(lines));
    out
}

/// Tells whether a part of Sigstore failed; its services have names of their own.
fn is_sigstore(failure: &Failure) -> bool {
    let parts = ["Sigstore", "Fulcio", "Rekor", "timestamp authority"];
    parts.iter().any(|part| failure.service.starts_with(part))
}

fn nothing_is_public(facts: &Facts) -> bool {
    let mut places = facts.places.iter();
    let mut carriers = facts.evidence.iter().flat_map(|row| &row.carriers);
    places.all(|place| place.presence != Presence::Same)
        && carriers.all(|row| row.state != EvidenceState::Valid)
}

/// Says what must be put right before the same command is run again.
fn what_to_do(failure: &Failure) -> String {
    let service = &failure.service;
    let again = "run the same command again";
    match &failure.decision {
        Decision::Unauthenticated | Decision::Forbidden => {
            format!("Fix the credential for {service}, then {again}.")
        }
        Decision::RateLimited { until: Some(until) } => {
            let until = until.strftime("%H:%M:%S UTC");
            format!("Wait until {until}, then {again}.")
        }
        Decision::RateLimited { until: None } => {
            format!("Wait until {service} takes requests again, then {again}.")
        }
        Decision::Transient | Decision::Ambiguous | Decision::Protocol => {
            format!("When {service} answers, {again}.")
        }
        Decision::NotYet { .. } => format!("Give {service} some minutes, then {again}."),
        Decision::Cancelled => "Run the same command again.".to_owned(),
        Decision::SourceChanged => {
            format!("Find out why the source changed under its pin, then {again}.")
        }
        Decision::NotFound | Decision::Conflict | Decision::Refused { .. } | Decision::Gone => {
            format!("See to what {service} says, then {again}.")
        }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use relpub_model::evidence::{Carrier, Piece};
    use relpub_model::observed::Seen;
    use relpub_model::plan::{Action, Phase};

    use super::super::samples::{FILES, Sample, WIDTH, failure, held, seen};
    use super::*;

    fn screen(stop: &Stopped) -> String {
        seen(&stopped(stop, &Sample::new().config, WIDTH))
    }

    /// Returns the first step of a phase that is left to do.
    fn next(sample: &Sample, phase: Phase) -> Option<Action> {
        let plan = sample.plan();
        plan.steps_in(phase).next().map(|step| step.action.clone())
    }

    #[test]
    fn before_anything_is_public() {
        let sample = Sample::new().in_draft(&[held(FILES[0]), held(FILES[1])]);
        let mut failure = failure(Decision::Transient, "");
        failure.service = "GitHub".to_owned();
        failure.message =
            "GitHub answered 503 four times over 31 s while slugs-1.2.0.tar.gz was uploaded"
                .to_owned();
        let stop = sample.stopped(failure, next(&sample, Phase::Stage));
        assert_snapshot!(screen(&stop), @"
        stopped: GitHub answered 503 four times over 31 s while slugs-1.2.0.tar.gz was uploaded

          public    nothing
          hidden    2 files in the draft on GitHub
          not yet   2 wheels, 1 sdist on PyPI · 2 files on GitHub · GitHub release v1.2.0 · GitHub latest
          When GitHub answers, run the same command again.
          It continues with draft at GitHub; nothing is uploaded twice.
        ");
    }

    #[test]
    fn where_sigstore_fails_nothing_is_public() {
        let sample =
            Sample::new()
                .attested()
                .in_draft(&FILES.map(held))
                .seeing(|piece, carrier| match (piece, carrier) {
                    (Piece::Signature { .. }, Carrier::Asset { .. }) => Seen::Valid,
                    _ => Seen::Absent,
                });
        let mut failure = failure(Decision::Transient, "");
        failure.service = "Rekor".to_owned();
        failure.message =
            "Rekor: could not log the signature of slugs-1.2.0.tar.gz: HTTP 503 (tried 4 times)"
                .to_owned();
        let plan = sample.plan();
        let mut actions = plan.steps_in(Phase::Stage).map(|step| &step.action);
        let action = actions.find(|action| matches!(action, Action::Sign { .. }));
        assert_snapshot!(screen(&sample.stopped(failure, action.cloned())), @"
        stopped: Rekor: could not log the signature of slugs-1.2.0.tar.gz: HTTP 503 (tried 4 times)

          public    nothing
          hidden    4 files in the draft on GitHub · 4 pieces of evidence at GitHub
          not yet   2 wheels, 1 sdist on PyPI · 5 pieces of evidence at GitHub · 5 pieces of evidence at
                    GitHub's attestation store · 3 pieces of evidence at PyPI · GitHub release v1.2.0 ·
                    GitHub latest
          log       4 entries in log2026.example.org, number 7001 to 7004
          When Rekor answers, run the same command again.
          It continues with signing the SBOM of slugs-1.2.0-cp310-abi3-win_amd64.whl; nothing is uploaded
          twice.
          Sigstore failed, not a destination: all is signed before anything becomes public.
        ");
    }

    #[test]
    fn after_something_is_public() {
        let all: Vec<_> = FILES.iter().map(|name| held(name)).collect();
        let sample = Sample::new().on_index(&all[..1]).in_draft(&all);
        let message = "PyPI refused the token after 1 of 3 files (HTTP 403: invalid or non-existent authentication)";
        let stop = sample.stopped(
            failure(Decision::Forbidden, message),
            next(&sample, Phase::Publish),
        );
        assert_snapshot!(screen(&stop), @"
        stopped: PyPI refused the token after 1 of 3 files (HTTP 403: invalid or non-existent
        authentication)

          public    1 wheel on PyPI
          hidden    4 files in the draft on GitHub
          not yet   1 wheel, 1 sdist on PyPI · GitHub release v1.2.0 · GitHub latest
          Fix the credential for PyPI, then run the same command again.
          It continues with slugs-1.2.0-py3-none-any.whl to PyPI; nothing is uploaded twice.
        ");
    }

    #[test]
    fn without_having_seen_how_it_stands() {
        let sample = Sample::new();
        let plan = sample.plan();
        let done = plan.steps_in(Phase::Stage).map(|step| &step.action);
        let mut stop = sample.stopped(failure(Decision::Cancelled, "the run was cancelled"), None);
        stop.receipt.facts = relpub_model::receipt::Facts::after(&plan, done);
        stop.seen = false;
        assert_snapshot!(screen(&stop), @"
        stopped: the run was interrupted

          public    nothing
          hidden    4 files in the draft on GitHub
          not yet   2 wheels, 1 sdist on PyPI · GitHub release v1.2.0
          Run the same command again. Nothing is uploaded twice.
          This is what the run itself knows; nothing was read back after it stopped.
        ");
    }

    #[test]
    fn what_must_be_put_right_first() {
        let until = "2026-11-20T12:10:00Z".parse().ok();
        let of = |decision| what_to_do(&failure(decision, ""));
        let said = [
            of(Decision::RateLimited { until }),
            of(Decision::RateLimited { until: None }),
            of(Decision::Conflict),
            of(Decision::SourceChanged),
        ];
        assert_snapshot!(said.join("\n"), @"
        Wait until 12:10:00 UTC, then run the same command again.
        Wait until PyPI takes requests again, then run the same command again.
        See to what PyPI says, then run the same command again.
        Find out why the source changed under its pin, then run the same command again.
        ");
    }
}
