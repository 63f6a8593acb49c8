//! Templates: text in which variables are replaced.

use std::fmt;

use super::pieces::{self, Name, Piece, Scope};
use super::{TextError, Vars};

/// A text with variables, such as `{version}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
}

impl Template {
    /// Parses a template whose variables must have a value in `scope`.
    pub fn parse(text: &str, scope: Scope) -> Result<Self, TextError> {
        Ok(Self {
            text: text.to_owned(),
            pieces: pieces::parse(text, scope)?,
        })
    }

    /// Returns the template as the configuration spells it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the text with every variable replaced.
    ///
    /// Fails where a value is not known, such as a commit before it is resolved,
    /// or the version cannot be written in the form that is asked for.
    pub fn render(&self, vars: &Vars<'_>) -> Result<String, TextError> {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Variable(variable) => out.push_str(&vars.value(*variable)?),
                Piece::Alternatives(_) => unreachable!("only a pattern is parsed with them"),
            }
        }
        Ok(out)
    }

    /// Tells whether the text depends on the commit.
    pub fn needs_commit(&self) -> bool {
        self.uses(&[Name::Commit])
    }

    /// Tells whether the text is different for each file.
    pub(crate) fn needs_file(&self) -> bool {
        self.uses(&[Name::File, Name::Stem])
    }

    /// Tells whether the text depends on the file's extension.
    pub(crate) fn needs_extension(&self) -> bool {
        self.uses(&[Name::Ext])
    }

    /// Tells whether the text has a value only for a platform.
    pub(crate) fn needs_platform(&self) -> bool {
        self.uses(&[Name::Platform, Name::Target, Name::Exe])
    }

    /// Tells whether the text is different for each platform.
    pub(crate) fn differs_by_platform(&self) -> bool {
        self.uses(&[Name::Platform, Name::Target])
    }

    fn uses(&self, names: &[Name]) -> bool {
        let is_one = |piece: &Piece| matches!(piece, Piece::Variable(v) if names.contains(&v.name));
        self.pieces.iter().any(is_one)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
