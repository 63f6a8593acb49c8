//! Tag templates: how a version is written as a tag, and read back.

use std::fmt;

use super::TextError;
use super::pieces::{self, Form, Name, Piece, Scope};
use crate::name::Repository;
use crate::text::Untrusted;
use crate::version::{Tag, Version, VersionError};

/// A template for tags, read in both directions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagTemplate {
    text: String,
    before: String,
    after: String,
}

/// Why a text is not a tag of the project.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// What surrounds the version is not there.
    #[error("tag `{tag}` does not fit `{template}`")]
    Shape {
        /// The tag.
        tag: String,
        /// The template as the configuration spells it.
        template: String,
    },
    /// What stands in the version's place is none.
    #[error("tag `{tag}` does not fit `{template}`: {error}")]
    Version {
        /// The tag.
        tag: String,
        /// The template as the configuration spells it.
        template: String,
        /// Why it is no version.
        error: VersionError,
    },
}

impl TagTemplate {
    /// Parses a template with `{version}` exactly once, for a project.
    pub fn parse(text: &str, project: &str, repository: &Repository) -> Result<Self, TextError> {
        let mut sides = vec![String::new()];
        for piece in pieces::parse(text, Scope::Tag)? {
            match piece {
                Piece::Variable(v) if v.name == Name::Version => {
                    if v.form != Form::AsSpelled || v.length.is_some() {
                        let message = "a tag is read backwards: it takes `{version}` as it is";
                        return Err(TextError::new(0..text.len(), message));
                    }
                    sides.push(String::new());
                }
                piece => {
                    let value = constant(&piece, project, repository);
                    sides.last_mut().expect("there is one").push_str(&value);
                }
            }
        }
        let Ok([before, after]) = <[String; 2]>::try_from(sides) else {
            let message = "a tag is read backwards: it takes `{version}` exactly once";
            return Err(TextError::new(0..text.len(), message));
        };
        Ok(Self {
            text: text.to_owned(),
            before,
            after,
        })
    }

    /// Returns the template as the configuration spells it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the tag of a version.
    pub fn render(&self, version: &Version) -> String {
        format!("{}{version}{}", self.before, self.after)
    }

    /// Reads the version out of a tag.
    pub fn read(&self, tag: &str) -> Result<Tag, TagError> {
        let shown = || (Untrusted::new(tag).for_terminal(), self.text.clone());
        let inner = tag
            .strip_prefix(&*self.before)
            .and_then(|rest| rest.strip_suffix(&*self.after))
            // PEP 440 reads `v1.2` as a version; a `v` belongs in the template.
            .filter(|inner| inner.starts_with(|c: char| !matches!(c, 'v' | 'V')));
        let Some(inner) = inner else {
            let (tag, template) = shown();
            return Err(TagError::Shape { tag, template });
        };
        match inner.parse() {
            Ok(version) => Ok(Tag {
                name: tag.to_owned(),
                version,
            }),
            Err(error) => {
                let (tag, template) = shown();
                Err(TagError::Version {
                    tag,
                    template,
                    error,
                })
            }
        }
    }
}

impl fmt::Display for TagTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Returns the text of a piece that is the same for every version.
fn constant(piece: &Piece, project: &str, repository: &Repository) -> String {
    let Piece::Variable(variable) = piece else {
        return match piece {
            Piece::Text(text) => text.clone(),
            _ => String::new(),
        };
    };
    let value = match variable.name {
        Name::Repository => repository.as_str(),
        Name::Owner => repository.owner(),
        _ => project,
    };
    let length = variable.length.unwrap_or(usize::MAX);
    value.chars().take(length).collect()
}
