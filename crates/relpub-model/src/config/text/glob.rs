//! Matching a path against globs, in time proportional to both lengths.

/// Extensions that `{archive}` stands for.
const ARCHIVES: [&str; 6] = ["tar.gz", "tgz", "tar.xz", "tar.zst", "tar.bz2", "zip"];

/// A part of a pattern after alternatives and variables are replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Text as it stands.
    Literal(String),
    /// Text with globs.
    Glob(String),
    /// The extension of an archive.
    Archive,
    /// The platform tags of a wheel.
    Wheel,
}

/// A matcher for whole paths or for last segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Matcher {
    tokens: Vec<Token>,
    whole_path: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// One character.
    Char(char),
    /// `?`: any character of a segment.
    One,
    /// `*`: any number of characters of a segment.
    Run,
    /// `[a-z]` or `[!a-z]`: one of these characters, or one of a segment's others.
    Class(bool, Vec<(char, char)>),
    /// `**/`: any number of folders.
    Folders,
    /// `**` at the end: everything below.
    Below,
    /// The extension of an archive.
    Archive,
    /// At least one character of a wheel's platform tags.
    Tags,
}

impl Matcher {
    /// Compiles the parts of a pattern, or says what is wrong with its globs.
    pub(super) fn new(parts: &[Part]) -> Result<Self, &'static str> {
        let tokens = compile(&symbols(parts))?;
        let whole_path = tokens
            .iter()
            .any(|t| matches!(t, Token::Char('/') | Token::Folders | Token::Below));
        Ok(Self { tokens, whole_path })
    }

    /// Tells whether the pattern matches the path, or its last segment where the
    /// pattern has no `/`.
    pub(super) fn matches(&self, path: &str) -> bool {
        let subject = if self.whole_path {
            path
        } else {
            path.rsplit('/').next().unwrap_or(path)
        };
        let text: Vec<char> = subject.chars().collect();
        let mut reached = vec![false; text.len() + 1];
        reached[0] = true;
        for token in &self.tokens {
            reached = token.step(&text, &reached);
        }
        reached[text.len()]
    }

    /// Tells whether the pattern is a single path.
    pub(super) fn is_literal(&self) -> bool {
        self.whole_path && self.tokens.iter().all(|t| matches!(t, Token::Char(_)))
    }

    /// Tells whether the pattern crosses folders.
    pub(super) fn crosses_folders(&self) -> bool {
        self.tokens
            .iter()
            .any(|t| matches!(t, Token::Folders | Token::Below))
    }
}

impl Token {
    /// Returns which positions can be reached behind the token, from those that
    /// can be reached before it.
    fn step(&self, text: &[char], reached: &[bool]) -> Vec<bool> {
        match self {
            Self::Run => run(text, reached, true, |c| c != '/'),
            Self::Tags => run(text, reached, false, is_tag_char),
            Self::Folders => {
                let mut next = run(text, reached, true, |_| true);
                for at in 0..next.len() {
                    next[at] = reached[at] || (next[at] && at > 0 && text[at - 1] == '/');
                }
                next
            }
            Self::Below => run(text, reached, false, |_| true),
            Self::Archive => archives(text, reached),
            Self::Char(_) | Self::One | Self::Class(..) => {
                let mut next = vec![false; reached.len()];
                for at in 0..text.len() {
                    next[at + 1] = reached[at] && self.takes(text[at]);
                }
                next
            }
        }
    }

    fn takes(&self, c: char) -> bool {
        match self {
            Self::Char(wanted) => c == *wanted,
            Self::One => c != '/',
            Self::Class(negated, ranges) => {
                let inside = ranges.iter().any(|(from, to)| (*from..=*to).contains(&c));
                c != '/' && inside != *negated
            }
            _ => false,
        }
    }
}

fn is_tag_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.'
}

/// Extends every reached position over a run of accepted characters.
fn run(text: &[char], reached: &[bool], empty: bool, accepts: fn(char) -> bool) -> Vec<bool> {
    let mut next = vec![false; reached.len()];
    let mut running = false;
    for at in 0..reached.len() {
        next[at] = running || (empty && reached[at]);
        running = (running || reached[at]) && text.get(at).copied().is_some_and(accepts);
    }
    next
}

fn archives(text: &[char], reached: &[bool]) -> Vec<bool> {
    let mut next = vec![false; reached.len()];
    for at in (0..text.len()).filter(|at| reached[*at]) {
        for extension in ARCHIVES {
            let there = text[at..].iter().copied().take(extension.len());
            if there.eq(extension.chars()) {
                next[at + extension.len()] = true;
            }
        }
    }
    next
}

/// A character of a pattern, which knows whether it may be a glob.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Symbol {
    Literal(char),
    Glob(char),
    Archive,
    Wheel,
}

fn symbols(parts: &[Part]) -> Vec<Symbol> {
    let mut out = Vec::new();
    for part in parts {
        match part {
            Part::Literal(text) => out.extend(text.chars().map(Symbol::Literal)),
            Part::Glob(text) => out.extend(text.chars().map(Symbol::Glob)),
            Part::Archive => out.push(Symbol::Archive),
            Part::Wheel => out.push(Symbol::Wheel),
        }
    }
    out
}

fn compile(symbols: &[Symbol]) -> Result<Vec<Token>, &'static str> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(symbol) = symbols.get(at) {
        at += 1;
        tokens.push(match symbol {
            Symbol::Glob('*') if symbols.get(at) == Some(&Symbol::Glob('*')) => {
                let (token, length) = double_star(&symbols[..at - 1], &symbols[at + 1..])?;
                at += 1 + length;
                token
            }
            Symbol::Glob('*') => Token::Run,
            Symbol::Glob('?') => Token::One,
            Symbol::Glob('[') => {
                let (token, length) = class(&symbols[at..])?;
                at += length;
                token
            }
            Symbol::Literal(c) | Symbol::Glob(c) => Token::Char(*c),
            Symbol::Archive => Token::Archive,
            Symbol::Wheel => Token::Tags,
        });
    }
    Ok(tokens)
}

/// Reads what follows `**`, and returns how many symbols of it were used.
fn double_star(before: &[Symbol], after: &[Symbol]) -> Result<(Token, usize), &'static str> {
    let slash = |s: Option<&Symbol>| matches!(s, Some(Symbol::Literal('/') | Symbol::Glob('/')));
    let alone = before.is_empty() || slash(before.last());
    if alone && after.is_empty() {
        Ok((Token::Below, 0))
    } else if alone && slash(after.first()) {
        Ok((Token::Folders, 1))
    } else {
        Err("`**` stands alone between slashes")
    }
}

/// Reads a class behind its `[`, and returns how many symbols it has.
fn class(symbols: &[Symbol]) -> Result<(Token, usize), &'static str> {
    let unclosed = "`[` without `]`";
    let chars: Vec<char> = symbols
        .iter()
        .map_while(|s| match s {
            Symbol::Glob(c) => Some(*c),
            _ => None,
        })
        .collect();
    let negated = chars.first() == Some(&'!');
    let start = usize::from(negated);
    // A `]` that comes first is one of the characters.
    let end = chars.iter().skip(start + 1).position(|c| *c == ']');
    let end = start + 1 + end.ok_or(unclosed)?;
    let mut ranges = Vec::new();
    let mut inside = chars[start..end].iter().copied().peekable();
    while let Some(from) = inside.next() {
        let mut ahead = inside.clone();
        let to = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(to)) => {
                inside = ahead;
                to
            }
            _ => from,
        };
        if to < from {
            return Err("a range in `[…]` runs from low to high");
        }
        ranges.push((from, to));
    }
    if ranges
        .iter()
        .any(|range| (range.0..=range.1).contains(&'/'))
    {
        return Err("`[…]` is one character of a segment, never `/`");
    }
    Ok((Token::Class(negated, ranges), end + 1))
}
