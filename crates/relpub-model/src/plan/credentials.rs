//! Credentials, as far as they can be judged without using them up.

use super::{Action, Plan, Pointer, Step, service_name};
use crate::blocker::{Blocker, Code};
use crate::decision::{Decision, Failure};
use crate::evidence::Piece;
use crate::name::DestinationName;
use crate::observed::{CredentialState, Observed, SignerState};

/// Says which credentials are missing or wrong. A credential matters only where
/// there is something left to do.
pub(super) fn check(plan: &mut Plan, observed: &Observed) {
    check_signer(plan, &observed.signer);
    let mut needed: Vec<DestinationName> = plan.steps.iter().filter_map(destination_of).collect();
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

/// Says why nothing can be signed here, where something is to be signed.
fn check_signer(plan: &mut Plan, signer: &SignerState) {
    let signs = |step: &Step| match &step.action {
        Action::Sign { .. } => true,
        Action::Attach { piece, .. } => matches!(piece, Piece::Receipt { .. }),
        Action::Upload { edge } => plan.promotion.evidence.indexes.contains(&edge.destination),
        _ => false,
    };
    if !plan.steps.iter().any(signs) {
        return;
    }
    let blocker = |reason: &str| Blocker::new(Code::Credential, "evidence", reason);
    match signer {
        SignerState::NotAsked | SignerState::Ready(_) => {}
        SignerState::Absent(what) => plan.blockers_here.push(
            blocker("cannot be signed here: there is no identity to sign as")
                .detail(what.clone())
                .way_out(
                    "Run promote in the release workflow, with `permissions: id-token: write`.",
                ),
        ),
        SignerState::Wrong(why) => plan.blockers_here.push(
            blocker("would not be signed by an expected signer")
                .detail(why.clone())
                .way_out(
                    "Run promote where `[evidence] signer` says, or correct the configuration.",
                ),
        ),
        SignerState::Unknown(failure) => {
            plan.blockers_here
                .push(unreadable("the identity to sign as", failure));
        }
    }
}

/// Returns the destination that a step needs a credential for. The tag is made
/// with that of the repository, which is a destination even where no file goes.
fn destination_of(step: &Step) -> Option<DestinationName> {
    match &step.action {
        Action::Open { destination }
        | Action::Release { destination }
        | Action::Point {
            pointer: Pointer::Latest { destination, .. },
        } => Some(destination.clone()),
        Action::Stage { edge } | Action::Upload { edge } => Some(edge.destination.clone()),
        Action::Attach { carrier, .. } => {
            Some(carrier.destination().cloned().unwrap_or_else(repository))
        }
        Action::CreateTag => Some(repository()),
        Action::Sign { .. } | Action::Confirm { .. } => None,
    }
}

/// Returns the name under which the credential for the repository was looked at.
pub fn repository() -> DestinationName {
    "github".parse().expect("it is a destination's name")
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
