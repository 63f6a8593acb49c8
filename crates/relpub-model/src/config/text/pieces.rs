//! The pieces of a text with variables, and which variables belong where.

use std::ops::Range;

use super::TextError;
use crate::config::nearest::nearest;

/// Where a text stands, which decides what it may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A tag, read in both directions.
    Tag,
    /// A place or a title: what is known of the release as a whole.
    Release,
    /// A new name for a file.
    NewName,
    /// A pattern in `files`.
    Files,
    /// Any other pattern over paths, such as `ignore`.
    Paths,
}

impl Scope {
    fn is_pattern(self) -> bool {
        matches!(self, Self::Files | Self::Paths)
    }

    fn takes(self, name: Name) -> bool {
        match name {
            Name::Version | Name::Project | Name::Repository | Name::Owner => true,
            Name::Platform | Name::Target | Name::Exe => {
                matches!(self, Self::Files | Self::NewName)
            }
            Name::Wheel => self == Self::Files,
            Name::Archive => self.is_pattern(),
            Name::File | Name::Stem | Name::Ext => self == Self::NewName,
            _ => self != Self::Tag,
        }
    }
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text as it stands; in a pattern its globs are still in it.
    Text(String),
    /// A variable.
    Variable(Variable),
    /// Alternatives, which only a pattern has.
    Alternatives(Vec<String>),
}

/// A variable with its form and how many characters of it are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) name: Name,
    pub(super) form: Form,
    pub(super) length: Option<usize>,
}

/// How a version is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    AsSpelled,
    SemVer,
    Pep440,
    Oci,
}

/// Defines the variables' names, once for the type and once for the table.
macro_rules! names {
    ($($name:ident = $text:literal),* $(,)?) => {
        /// The name of a variable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Name { $($name),* }

        impl Name {
            const ALL: &'static [Self] = &[$(Self::$name),*];

            pub(super) fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

names! {
    Version = "version", Major = "major", Minor = "minor", Patch = "patch",
    Tag = "tag", Commit = "commit", Channel = "channel", Project = "project",
    Repository = "repository", Owner = "owner",
    Platform = "platform", Target = "target", Exe = "exe", Wheel = "wheel",
    Archive = "archive", File = "file", Stem = "stem", Ext = "ext",
}

/// What belongs to images, which this version does not promote.
const LATER: [&str; 2] = ["variant", "suffix"];

/// Splits a text into its pieces.
pub(super) fn parse(text: &str, scope: Scope) -> Result<Vec<Piece>, TextError> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            plain.push(c);
            at += 2;
        } else if c == '}' {
            let message = "`}` without `{`";
            return Err(TextError::new(at..at + 1, message).hint("a literal brace is written `}}`"));
        } else if c == '{' {
            let end = closing(text, at)?;
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(braces(&text[at + 1..end], at..end + 1, scope)?);
            at = end + 1;
        } else {
            plain.push(c);
            at += c.len_utf8();
        }
    }
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

/// Returns where the brace that opens at `open` is closed.
fn closing(text: &str, open: usize) -> Result<usize, TextError> {
    let inside = &text[open + 1..];
    match inside.find(['{', '}']) {
        Some(at) if inside.as_bytes()[at] == b'}' => Ok(open + 1 + at),
        Some(at) if inside[..at].contains(',') => {
            let at = open + 1 + at;
            Err(TextError::new(at..at + 1, "alternatives do not nest"))
        }
        _ => {
            let message = "`{` without `}`";
            Err(TextError::new(open..open + 1, message).hint("a literal brace is written `{{`"))
        }
    }
}

fn braces(inside: &str, at: Range<usize>, scope: Scope) -> Result<Piece, TextError> {
    if !inside.contains(',') {
        return variable(inside, at, scope).map(Piece::Variable);
    }
    if !scope.is_pattern() {
        let message = format!("alternatives `{{{inside}}}` belong in patterns only");
        return Err(TextError::new(at, message));
    }
    Ok(Piece::Alternatives(
        inside.split(',').map(str::to_owned).collect(),
    ))
}

fn variable(inside: &str, at: Range<usize>, scope: Scope) -> Result<Variable, TextError> {
    let (path, length) = match inside.split_once(':') {
        Some((path, digits)) => (path, Some(digits)),
        None => (inside, None),
    };
    let (word, form) = match path.split_once('.') {
        Some((word, form)) => (word, Some(form)),
        None => (path, None),
    };
    let variable = Variable {
        name: name(word, at.clone(), scope)?,
        form: form.map_or(Ok(Form::AsSpelled), |form| {
            self::form(word, form, at.clone())
        })?,
        length: length
            .map(|digits| self::length(digits, at.clone()))
            .transpose()?,
    };
    // `{wheel}` and `{archive}` stand for several texts, so no first characters exist.
    if variable.length.is_some() && matches!(variable.name, Name::Wheel | Name::Archive) {
        let message = format!("`{{{word}}}` has no length");
        return Err(TextError::new(at, message));
    }
    Ok(variable)
}

fn name(word: &str, at: Range<usize>, scope: Scope) -> Result<Name, TextError> {
    if LATER.contains(&word) {
        let message = format!("`{{{word}}}` is not supported by this version");
        return Err(TextError::new(at, message));
    }
    let known = || Name::ALL.iter().copied();
    let Some(name) = known().find(|name| name.as_str() == word) else {
        let error = TextError::new(at, format!("unknown variable `{{{word}}}`"));
        let candidates = known().filter(|name| scope.takes(*name)).map(Name::as_str);
        return Err(match nearest(word, candidates) {
            Some(meant) => error.hint(format!("did you mean `{{{meant}}}`?")),
            None => error,
        });
    };
    if scope.takes(name) {
        return Ok(name);
    }
    let message = format!("`{{{word}}}` has no value here");
    Err(TextError::new(at, message).hint(format!("it belongs in {}", home(name))))
}

/// Returns where a variable that not every text takes belongs.
fn home(name: Name) -> &'static str {
    match name {
        Name::Platform | Name::Target | Name::Exe => "`files` and its new names",
        Name::Wheel => "`files`",
        Name::Archive => "patterns",
        Name::File | Name::Stem | Name::Ext => "new names",
        _ => "names, places and titles",
    }
}

fn form(word: &str, form: &str, at: Range<usize>) -> Result<Form, TextError> {
    let forms = [
        ("semver", Form::SemVer),
        ("pep440", Form::Pep440),
        ("oci", Form::Oci),
    ];
    if word != Name::Version.as_str() {
        return Err(TextError::new(at, format!("`{{{word}}}` has no forms")));
    }
    if let Some((_, found)) = forms.iter().find(|(name, _)| *name == form) {
        return Ok(*found);
    }
    let error = TextError::new(at, format!("`{{version}}` has no form `{form}`"));
    Err(match nearest(form, forms.map(|(name, _)| name)) {
        Some(meant) => error.hint(format!("did you mean `{{version.{meant}}}`?")),
        None => error.hint("it has `.semver`, `.pep440` and `.oci`"),
    })
}

fn length(digits: &str, at: Range<usize>) -> Result<usize, TextError> {
    let number = digits.parse().ok().filter(|n| (1..=255).contains(n));
    number.ok_or_else(|| {
        let message = format!("`:{digits}` is no number of characters from 1 to 255");
        TextError::new(at, message)
    })
}
