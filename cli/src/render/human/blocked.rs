//! The screen of a run that cannot go on: all reasons at once, worst first.

use relpub_model::blocker::{Blocker, Code, Exit, exit_of};

use super::layout::{Labels, paint};
use super::words::plural;

/// Returns every reason, worst first: the thing, the two sides, the way out.
pub(crate) fn blocked(blockers: &[Blocker], width: usize) -> String {
    let mut sorted: Vec<&Blocker> = blockers.iter().collect();
    sorted.sort_by_key(|blocker| blocker.code);
    let word = if blockers.iter().all(|it| it.code == Code::Moved) {
        "the world moved"
    } else if exit_of(blockers) == Exit::Unknown {
        "could not tell"
    } else {
        "blocked"
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
    format!(
        "{word}: {count}, nothing was changed\n\n{}",
        list.render(width)
    )
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
fn sentence(blocker: &Blocker) -> String {
    let Blocker { thing, reason, .. } = blocker;
    let is_own_sentence = reason.starts_with("expected ") || reason.starts_with('`');
    let colon = if is_own_sentence { ":" } else { "" };
    format!("{thing}{colon} {reason}")
}
