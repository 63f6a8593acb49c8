//! Credentials, as far as they can be judged without using them up.

use super::{Action, Plan, Pointer, Step, service_name};
use crate::blocker::{Blocker, Code};
use crate::decision::{Decision, Failure};
use crate::name::DestinationName;
use crate::observed::{CredentialState, Observed};

/// Says which credentials are missing or wrong. A credential matters only where
/// there is something left to do.
pub(super) fn check(plan: &mut Plan, observed: &Observed) {
    let mut needed: Vec<DestinationName> = plan
        .steps
        .iter()
        .filter_map(destination_of)
        .cloned()
        .collect();
    needed.sort();
    needed.dedup();
    for name in needed {
        let Some(state) = observed.credentials.get(&name) else {
            continue;
        };
        let service = service_name(&name);
        let blocker = |reason: &str| Blocker::new(Code::Credential, service, reason);
        match state {
                CredentialState::NotNeeded | CredentialState::Ready => {}
                CredentialState::Absent(what) => plan.blockers_here.push(
                    blocker("cannot be written to from here: there is no credential")
                        .detail(what.clone())
                        .way_out("Run promote where the credential is, for instance in the release workflow."),
                ),
                CredentialState::Bad(why) => plan.blockers.push(
                    blocker("cannot be written to with the credential that is there")
                        .detail(why.clone())
                        .way_out("Replace the credential, then run again."),
                ),
                CredentialState::Unknown(failure) => plan.blockers.push(unreadable(&format!("the credential for {service}"), failure)),
            }
    }
}

/// Returns the destination that a step needs a credential for.
fn destination_of(step: &Step) -> Option<&DestinationName> {
    match &step.action {
        Action::Open { destination }
        | Action::Release { destination }
        | Action::Point {
            pointer: Pointer::Latest { destination, .. },
        } => Some(destination),
        Action::Stage { edge } | Action::Upload { edge } => Some(&edge.destination),
        Action::Confirm { .. } | Action::CreateTag => None,
    }
}

/// Says that something could not be read: a refused credential blocks, anything
/// else leaves the question open.
pub(super) fn unreadable(thing: &str, failure: &Failure) -> Blocker {
    match failure.decision {
        Decision::Unauthenticated | Decision::Forbidden => Blocker::new(
            Code::Credential,
            thing,
            "cannot be read with the credential that is there",
        )
        .detail(failure.message.clone())
        .way_out("Replace the credential, then run again."),
        _ => Blocker::new(Code::Unknown, thing, "could not be read")
            .detail(failure.message.clone())
            .way_out("Run again when the service answers."),
    }
}
