//! Patterns: text that selects files of the source.

use std::fmt;

use super::glob::{Matcher, Part};
use super::pieces::{self, Name, Piece, Scope};
use super::{TextError, Vars, wheel};
use crate::config::Platform;
use crate::dist::DistName;
use crate::name::SourcePath;

/// How many patterns the alternatives of one may multiply to.
const MOST_CHOICES: usize = 1000;

/// A template that may also contain alternatives and globs: `*`, `?` and
/// `[a-z]` within one segment, `**` across segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    pieces: Vec<Piece>,
}

/// A pattern whose alternatives, platform and variables are settled. In the
/// completeness contract it matches exactly one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expanded {
    /// The pattern as a person reads it.
    pub text: String,
    /// The platform it stands for, where it names one.
    pub platform: Option<Platform>,
    matcher: Matcher,
    by_wheel_tags: bool,
}

impl Pattern {
    /// Parses a pattern whose variables must have a value in `scope`.
    pub fn parse(text: &str, scope: Scope) -> Result<Self, TextError> {
        let pattern = Self {
            text: text.to_owned(),
            pieces: pieces::parse(text, scope)?,
        };
        let whole = || 0..text.len();
        if text.is_empty() {
            return Err(TextError::new(whole(), "an empty pattern matches nothing"));
        }
        if text.starts_with('/') || text.split('/').any(|segment| matches!(segment, "." | "..")) {
            let message = format!("`{text}` leaves the source: a path is relative to its root");
            return Err(TextError::new(whole(), message));
        }
        if pattern.choices() > MOST_CHOICES {
            let message = format!("the alternatives multiply to more than {MOST_CHOICES} patterns");
            return Err(TextError::new(whole(), message));
        }
        for parts in pattern.alternatives() {
            let parts: Vec<Part> = parts.iter().map(placeholder).collect();
            Matcher::new(&parts).map_err(|why| TextError::new(whole(), why))?;
        }
        Ok(pattern)
    }

    /// Returns the pattern as the configuration spells it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns one pattern for each choice of alternatives and, if the pattern
    /// names a platform, for each platform.
    ///
    /// Fails where the value of a variable is not known or has no such form.
    pub fn expand(
        &self,
        vars: &Vars<'_>,
        platforms: &[Platform],
    ) -> Result<Vec<Expanded>, TextError> {
        let platforms: Vec<Option<&Platform>> = if self.needs_platform() {
            platforms.iter().map(Some).collect()
        } else {
            vec![None]
        };
        let mut out = Vec::new();
        for choice in self.alternatives() {
            for platform in &platforms {
                out.push(expand(&choice, &vars.with_platform(*platform), *platform)?);
            }
        }
        Ok(out)
    }

    /// Tells whether the pattern stands for one file per platform.
    pub fn needs_platform(&self) -> bool {
        self.uses(&[Name::Platform, Name::Target, Name::Exe, Name::Wheel])
    }

    /// Tells whether the pattern selects wheels by their platform tags.
    pub(crate) fn uses_wheel_tags(&self) -> bool {
        self.uses(&[Name::Wheel])
    }

    /// Tells whether the pattern has `**`, and so stands for many files.
    pub fn crosses_folders(&self) -> bool {
        self.alternatives().iter().any(|parts| {
            let parts: Vec<Part> = parts.iter().map(placeholder).collect();
            Matcher::new(&parts).is_ok_and(|matcher| matcher.crosses_folders())
        })
    }

    /// Tells whether the pattern stands for one file per choice of alternatives.
    pub(crate) fn has_alternatives(&self) -> bool {
        self.choices() > 1
    }

    /// Returns the path where the pattern is a single one, whatever the release.
    pub(crate) fn fixed_path(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Text(text)] if !text.contains(['*', '?', '[']) => Some(text),
            _ => None,
        }
    }

    /// Returns the ends of the names it matches, as far as they are fixed: one
    /// for each choice of alternatives, without variables and globs.
    pub(crate) fn endings(&self) -> Vec<String> {
        let ending = |parts: &Vec<Piece>| match parts.last() {
            Some(Piece::Text(text)) => text.rsplit(['*', '?', ']', '/']).next().map(str::to_owned),
            _ => None,
        };
        self.alternatives()
            .iter()
            .map(|parts| ending(parts).unwrap_or_default())
            .collect()
    }

    /// Returns how many patterns the alternatives multiply to.
    fn choices(&self) -> usize {
        let words = |piece: &Piece| match piece {
            Piece::Alternatives(words) => words.len(),
            _ => 1,
        };
        self.pieces.iter().map(words).fold(1, usize::saturating_mul)
    }

    /// Returns the pieces for each choice of alternatives, neighbouring texts as one.
    fn alternatives(&self) -> Vec<Vec<Piece>> {
        let mut choices = vec![Vec::new()];
        for piece in &self.pieces {
            match piece {
                Piece::Alternatives(words) => {
                    let with = |choice: &Vec<Piece>, word: &String| {
                        let mut choice = choice.clone();
                        push(&mut choice, &Piece::Text(word.clone()));
                        choice
                    };
                    choices = choices
                        .iter()
                        .flat_map(|choice| words.iter().map(move |word| with(choice, word)))
                        .collect();
                }
                piece => choices.iter_mut().for_each(|choice| push(choice, piece)),
            }
        }
        choices
    }

    fn uses(&self, names: &[Name]) -> bool {
        let is_one = |piece: &Piece| matches!(piece, Piece::Variable(v) if names.contains(&v.name));
        self.pieces.iter().any(is_one)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Expanded {
    /// Tells whether the pattern matches a path. A wheel selected by `{wheel}`
    /// must have platform tags that mean the platform.
    pub fn matches(&self, path: &SourcePath) -> bool {
        self.matcher.matches(path.as_str()) && (!self.by_wheel_tags || self.tags_fit(path))
    }

    /// Tells whether the pattern is a single path, without globs.
    pub fn is_path(&self) -> bool {
        self.matcher.is_literal()
    }

    fn tags_fit(&self, path: &SourcePath) -> bool {
        match (path.last_segment().parse(), &self.platform) {
            (Ok(DistName::Wheel(name)), Some(platform)) => wheel::means(platform, &name.platform),
            _ => false,
        }
    }
}

fn push(choice: &mut Vec<Piece>, piece: &Piece) {
    match (choice.last_mut(), piece) {
        (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(text),
        _ => choice.push(piece.clone()),
    }
}

/// Returns a part that has the same globs as the piece will have.
fn placeholder(piece: &Piece) -> Part {
    match piece {
        Piece::Text(text) => Part::Glob(text.clone()),
        _ => Part::Literal("x".to_owned()),
    }
}

fn expand(
    pieces: &[Piece],
    vars: &Vars<'_>,
    platform: Option<&Platform>,
) -> Result<Expanded, TextError> {
    let mut parts = Vec::new();
    let mut text = String::new();
    for piece in pieces {
        let part = part(piece, vars)?;
        match (&part, platform) {
            (Part::Literal(s) | Part::Glob(s), _) => text.push_str(s),
            (Part::Wheel, Some(platform)) => text.push_str(&wheel::describe(platform)),
            (Part::Wheel, None) => text.push_str("{wheel}"),
            (Part::Archive, _) => text.push_str("{archive}"),
        }
        parts.push(part);
    }
    let matcher = Matcher::new(&parts).map_err(|why| TextError::new(0..0, why))?;
    Ok(Expanded {
        text,
        platform: platform.cloned(),
        matcher,
        by_wheel_tags: parts.contains(&Part::Wheel),
    })
}

fn part(piece: &Piece, vars: &Vars<'_>) -> Result<Part, TextError> {
    match piece {
        Piece::Text(text) => Ok(Part::Glob(text.clone())),
        Piece::Variable(variable) if variable.name == Name::Archive => Ok(Part::Archive),
        Piece::Variable(variable) if variable.name == Name::Wheel => Ok(Part::Wheel),
        Piece::Variable(variable) => vars.value(*variable).map(Part::Literal),
        Piece::Alternatives(_) => unreachable!("one of them was chosen"),
    }
}
