//! The screen of a promotion that stopped part-way: why, what is public and what
//! is not, what must be put right first, and that running again continues.

use std::fmt::Write as _;

use relpub::Stopped;
use relpub_model::config::Config;
use relpub_model::decision::{Decision, Failure};

use super::layout::{Labels, paint, plain, wrap};
use super::standing::Standing;

/// Returns the screen.
pub(crate) fn stopped(stop: &Stopped, config: &Config, width: usize) -> String {
    let Stopped {
        failure,
        action,
        receipt,
        seen,
        ..
    } = stop;
    let word = paint::paint(paint::BAD, "stopped");
    let mut list = Labels::new();
    Standing::new(&receipt.facts, Some(config)).describe(&mut list);
    let mut advice = vec![what_to_do(failure)];
    if let Some(action) = action {
        advice.push(format!(
            "It continues with {action}; nothing is uploaded twice."
        ));
    } else {
        advice.push("Nothing is uploaded twice.".to_owned());
    }
    if !seen {
        advice.push(
            "This is what the run itself knows; nothing was read back after it stopped.".to_owned(),
        );
    }
    let mut out = format!(
        "{word}: {}\n\n{}",
        plain(&failure.message),
        list.render(width)
    );
    for line in advice
        .iter()
        .flat_map(|text| wrap(text, width.saturating_sub(2)))
    {
        let _ = writeln!(out, "  {line}");
    }
    out
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
