//! Globs over refs and workflow paths.

use std::fmt;

/// A glob: `*`, `?` and `[a-z]` within one segment, `**` across segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob {
    text: String,
    tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Char(char),
    One,
    Run,
    Across,
    /// Ranges, and whether they name what must not be there.
    Class(Vec<(char, char)>, bool),
}

impl Glob {
    /// Compiles a glob, or says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("it is empty");
        }
        let mut tokens = Vec::new();
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            tokens.push(match c {
                '*' if rest.next_if_eq(&'*').is_some() => Token::Across,
                '*' => Token::Run,
                '?' => Token::One,
                '[' => class(&mut rest)?,
                other => Token::Char(other),
            });
        }
        Ok(Self {
            text: text.to_owned(),
            tokens,
        })
    }

    /// Tells whether the glob matches the whole text, in time proportional to
    /// the product of both lengths.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let mut reached = vec![false; text.len() + 1];
        reached[0] = true;
        for token in &self.tokens {
            reached = token.step(&text, &reached);
        }
        reached[text.len()]
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Token {
    /// Returns the positions reached after this token from those before it.
    fn step(&self, text: &[char], before: &[bool]) -> Vec<bool> {
        let mut after = vec![false; before.len()];
        if matches!(self, Self::Run | Self::Across) {
            after[0] = before[0];
        }
        for (at, &c) in text.iter().enumerate() {
            after[at + 1] = match self {
                Self::Run => before[at + 1] || after[at] && c != '/',
                Self::Across => before[at + 1] || after[at],
                one => before[at] && one.takes(c),
            };
        }
        after
    }

    fn takes(&self, c: char) -> bool {
        match self {
            Self::Char(wanted) => c == *wanted,
            Self::Class(ranges, not) => {
                c != '/' && ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *not
            }
            _ => c != '/',
        }
    }
}

/// Reads a class after its `[`.
fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Token, &'static str> {
    const OPEN: &str = "a `[` is not closed";
    let not = rest.next_if_eq(&'!').is_some();
    let mut ranges = Vec::new();
    loop {
        let low = rest.next().ok_or(OPEN)?;
        if low == ']' && !ranges.is_empty() {
            return Ok(Token::Class(ranges, not));
        }
        let high = if rest.next_if_eq(&'-').is_some() {
            rest.next().ok_or(OPEN)?
        } else {
            low
        };
        ranges.push((low, high));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_in_its_segment() {
        let cases = [
            ("refs/tags/v*", "refs/tags/v1.2.3", true),
            ("refs/tags/v*", "refs/tags/v1/evil", false),
            ("refs/tags/v*", "refs/heads/refs/tags/v1", false),
            ("refs/heads/**", "refs/heads/a/b", true),
            ("refs/tags/v[0-9]*", "refs/tags/v1", true),
            ("refs/tags/v[0-9]*", "refs/tags/vx", false),
            ("refs/tags/v[!0-9]?", "refs/tags/vx1", true),
            (
                ".github/workflows/release.yml",
                ".github/workflows/release.yml",
                true,
            ),
            (
                ".github/workflows/release.yml",
                ".github/workflows/releaseXyml",
                false,
            ),
        ];
        for (glob, text, expected) in cases {
            assert_eq!(
                Glob::parse(glob).unwrap().matches(text),
                expected,
                "{glob} {text}"
            );
        }
    }

    #[test]
    fn a_glob_that_cannot_be_read_says_why() {
        assert_eq!(Glob::parse("v[0-9").unwrap_err(), "a `[` is not closed");
        assert_eq!(Glob::parse("").unwrap_err(), "it is empty");
    }
}
