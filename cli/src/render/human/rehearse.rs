//! The screens of a rehearsal.

use jiff::SignedDuration;

use super::layout::{paint, plain, wrap};
use super::words;

/// What no private world can tell.
const NOT_COVERED: &str =
    "not covered: your accounts' permissions and settings on the real services";

/// How a rehearsal ended.
pub(crate) struct Rehearsal<'a> {
    /// The project and version.
    pub(crate) name: &'a str,
    /// How long it took, in real time.
    pub(crate) took: SignedDuration,
    /// Whether the release would go through.
    pub(crate) through: bool,
    /// How many runs it took.
    pub(crate) runs: usize,
}

/// Returns the first line of a rehearsal.
pub(crate) fn rehearsing(name: &str) -> String {
    format!(
        "{} {} in a private world on 127.0.0.1 (the source is read, nothing is written outside)\n",
        paint::paint(paint::STRONG, "rehearsing"),
        plain(name)
    )
}

impl Rehearsal<'_> {
    /// Returns the last lines of a rehearsal: whether it would go through, and
    /// what that does not cover.
    pub(crate) fn verdict(&self, width: usize) -> String {
        let (style, verdict) = if self.through {
            (paint::GOOD, "it would go through")
        } else {
            (paint::BAD, "it would not go through")
        };
        let runs = match self.runs {
            0 | 1 => String::new(),
            runs => format!(", in {runs} runs"),
        };
        let head = format!(
            "{} {} in {}: {verdict}{runs}\n",
            paint::paint(style, "rehearsed"),
            plain(self.name),
            words::duration(self.took)
        );
        let rest = wrap(NOT_COVERED, width.saturating_sub(2)).join("\n  ");
        format!("{head}\n  {rest}\n")
    }
}
