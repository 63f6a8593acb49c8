//! Templates and patterns: text with variables.
//!
//! A template is a text with `{variable}`, `{variable.form}` and `{variable:N}`
//! (its first N characters). A pattern may also have alternatives `{a,b}` and
//! globs. `{{` and `}}` are literal braces.

mod glob;
mod pattern;
mod pieces;
mod tag;
mod template;
mod variables;
mod wheel;
mod when;

use std::fmt;
use std::ops::Range;

pub use pattern::{Expanded, Pattern};
pub use pieces::Scope;
pub use tag::{TagError, TagTemplate};
pub use template::Template;
pub use variables::{Vars, split_extension};
pub use when::When;

pub(crate) use when::CHANNELS;

pub(super) use wheel::knows as knows_wheel_tags;

/// Why a text is no template, pattern or condition, or cannot be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct TextError {
    /// What is wrong.
    pub message: String,
    /// What was probably meant, or what to do.
    pub hint: Option<String>,
    /// Where in the text, in bytes.
    pub at: Range<usize>,
}

impl TextError {
    fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            at,
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
