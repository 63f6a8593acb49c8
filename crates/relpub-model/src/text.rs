//! Text that strangers wrote, and what may be shown of it.

use serde::{Deserialize, Serialize};

/// A text from outside: a server's message, a title, a name inside an archive.
///
/// It has no `Display`: it is shown through one escaper per medium, so that a
/// server cannot move the cursor, forge a line of a log or start a workflow
/// command.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Untrusted(String);

/// How many characters of an untrusted text are shown.
const SHOWN: usize = 400;

impl Untrusted {
    /// Wraps a text from outside.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text as it came, to be compared or parsed, never shown.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// Returns the text on one line for a terminal or a log: control and
    /// direction-changing characters replaced, at most 400 characters.
    pub fn for_terminal(&self) -> String {
        let mut out = String::new();
        let mut pending_space = false;
        for c in self.0.chars() {
            if c.is_whitespace() {
                pending_space = !out.is_empty();
                continue;
            }
            if pending_space {
                out.push(' ');
                pending_space = false;
            }
            out.push(if is_unsafe(c) { '\u{fffd}' } else { c });
            if out.chars().count() >= SHOWN {
                out.push('…');
                break;
            }
        }
        out
    }

    /// Returns the text for a Markdown document: as for a terminal, with
    /// everything that Markdown or HTML would read as markup escaped.
    pub fn for_markdown(&self) -> String {
        let mut out = String::new();
        for c in self.for_terminal().chars() {
            match c {
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '&' => out.push_str("&amp;"),
                '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '#' | '|' | '~' | '!' | '@' => {
                    out.push('\\');
                    out.push(c);
                }
                _ => out.push(c),
            }
        }
        out
    }
}

/// Tells whether a character could change how the text around it is shown.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_cannot_forge_a_line_or_move_the_cursor() {
        let text = Untrusted::new("no\n::error::pwned\u{1b}[2J \u{202e}gnp.exe");
        assert_eq!(
            text.for_terminal(),
            "no ::error::pwned\u{fffd}[2J \u{fffd}gnp.exe"
        );
        let marks = Untrusted::new("a\u{61c}b\u{e0041}c").for_terminal();
        assert_eq!(marks, "a\u{fffd}b\u{fffd}c");
        let long = Untrusted::new("x".repeat(1000)).for_terminal();
        assert_eq!(long.chars().count(), 401);
    }

    #[test]
    fn markup_is_shown_not_read() {
        let text = Untrusted::new("<img src=x> [a](b) @all");
        assert_eq!(text.for_markdown(), r"&lt;img src=x&gt; \[a\]\(b\) \@all");
    }
}
