//! The screens of a rehearsal.

use jiff::SignedDuration;

use super::layout::{indented, paint, plain, wrap};
use super::words;

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
        let rest = "not covered: your accounts' permissions and settings on the real services";
        let rest = indented(wrap(rest, width.saturating_sub(2)));
        format!("{head}\n{rest}")
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::super::samples::{WIDTH, seen};
    use super::*;

    fn screen(through: bool, runs: usize) -> String {
        let rehearsal = Rehearsal {
            name: "slugs 1.2.0",
            took: SignedDuration::from_millis(3_400),
            through,
            runs,
        };
        seen(&rehearsal.verdict(WIDTH))
    }

    #[test]
    fn the_first_and_the_last_words_of_a_rehearsal() {
        assert_snapshot!(seen(&rehearsing("slugs 1.2.0")), @"rehearsing slugs 1.2.0 in a private world on 127.0.0.1 (the source is read, nothing is written outside)");
        assert_snapshot!(screen(true, 1), @"
        rehearsed slugs 1.2.0 in 3.4 s: it would go through

          not covered: your accounts' permissions and settings on the real services
        ");
        assert_snapshot!(screen(false, 4), @"
        rehearsed slugs 1.2.0 in 3.4 s: it would not go through, in 4 runs

          not covered: your accounts' permissions and settings on the real services
        ");
    }
}
