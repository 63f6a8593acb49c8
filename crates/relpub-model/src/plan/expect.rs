//! Expectations: a reviewed plan against the plan of this run.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::Deserialize;

use super::{Plan, Step};
use crate::blocker::{Blocker, Code};
use crate::promotion::{IdError, IdPrefix, PromotionId};

/// What `--expect` names: a promotion id, or a plan that was reviewed.
///
/// It is compared, never executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// A promotion id, or the beginning of one.
    Id(IdPrefix),
    /// A saved plan: its id, and the steps that were reviewed.
    Plan {
        /// The promotion's id.
        id: PromotionId,
        /// The steps.
        steps: BTreeSet<Step>,
    },
}

/// Why an expectation cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ExpectationError {
    /// The text is no promotion id.
    #[error(transparent)]
    Id(#[from] IdError),
    /// The file is no saved plan.
    #[error("the saved plan is malformed: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The saved plan's format is not one that this version reads.
    #[error("the saved plan has format {0}; this version of relpub reads format 1")]
    Format(u32),
}

impl FromStr for Expectation {
    type Err = ExpectationError;

    fn from_str(text: &str) -> Result<Self, ExpectationError> {
        Ok(Self::Id(text.parse()?))
    }
}

impl Expectation {
    /// Reads a plan that `relpub plan` saved.
    pub fn from_plan(json: &str) -> Result<Self, ExpectationError> {
        #[derive(Deserialize)]
        struct Saved {
            format: u32,
            id: PromotionId,
            steps: BTreeSet<Step>,
        }
        let saved: Saved = serde_json::from_str(json)?;
        if saved.format != 1 {
            return Err(ExpectationError::Format(saved.format));
        }
        Ok(Self::Plan {
            id: saved.id,
            steps: saved.steps,
        })
    }

    /// Returns how the plan differs from what was expected: another promotion,
    /// or a step that was not reviewed. Fewer steps are fine.
    pub fn differences(&self, plan: &Plan) -> Vec<Blocker> {
        let (same_id, expected) = match self {
            Self::Id(prefix) => (prefix.matches(&plan.id), prefix.to_string()),
            Self::Plan { id, .. } => (*id == plan.id, id.short()),
        };
        let mut out = Vec::new();
        if !same_id {
            out.push(
                moved("promotion", "is not the one that was reviewed")
                    .detail(format!("reviewed {expected} · now {}", plan.id.short())),
            );
        }
        if let Self::Plan { steps, .. } = self {
            // The wave is only when: it changes with what is left to do.
            let reviewed = |step: &Step| {
                steps
                    .iter()
                    .any(|s| (s.phase, &s.action) == (step.phase, &step.action))
            };
            let new = plan.steps.iter().filter(|step| !reviewed(step));
            out.extend(new.map(|step| {
                moved(
                    &step.action.to_string(),
                    "was not in the plan that was reviewed",
                )
            }));
        }
        out
    }
}

fn moved(thing: &str, reason: &str) -> Blocker {
    Blocker::new(Code::Moved, thing, reason)
        .way_out("Make a new plan, review it, and expect that one.")
}
