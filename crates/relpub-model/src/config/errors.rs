//! Errors of the configuration, each pointing into the file.

use std::fmt;
use std::ops::Range;

use super::text::TextError;

/// Everything that is wrong with a configuration, in the order of the file.
///
/// Its `Display` is one screen per error: the message, the line it is about,
/// and what was probably meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    file: String,
    errors: Vec<ConfigError>,
}

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The line, counted from 1.
    pub line: usize,
    /// The first column in characters, counted from 1.
    pub column: usize,
    /// The column behind the last one, on the same line.
    pub end: usize,
    /// What is wrong.
    pub message: String,
    /// What was probably meant, or what to do.
    pub hint: Option<String>,
    /// The line's text, with secrets masked.
    pub source_line: String,
}

impl ConfigErrors {
    /// Returns the name of the file as it was given.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Returns the errors in the order of the file. There is at least one.
    pub fn entries(&self) -> &[ConfigError] {
        &self.errors
    }

    /// Returns one error as a person reads it.
    pub fn screen(&self, error: &ConfigError) -> String {
        let number = error.line.to_string();
        let gutter = " ".repeat(number.len());
        let ConfigError {
            line,
            message,
            source_line,
            ..
        } = error;
        let (shown, start) = window(source_line, error.column);
        let file = &self.file;
        let last = error.hint.clone().unwrap_or_else(|| {
            let length = error.end.saturating_sub(error.column).max(1);
            let room = shown.chars().count().saturating_sub(start).max(1);
            " ".repeat(start) + &"^".repeat(length.min(room))
        });
        format!("{message}\n{gutter}┌ {file}:{line}\n{number}│ {shown}\n{gutter}└ {last}")
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{}", self.screen(error))?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// How many characters of a line are shown.
const WIDTH: usize = 100;

/// Returns the part of a line around a column, and how many characters of it
/// stand before the column.
fn window(line: &str, column: usize) -> (String, usize) {
    let before = column - 1;
    let count = line.chars().count();
    if count <= WIDTH {
        return (line.to_owned(), before);
    }
    let from = before.saturating_sub(WIDTH / 3).min(count - WIDTH);
    let shown: String = line.chars().skip(from).take(WIDTH).collect();
    let head = if from > 0 { "…" } else { "" };
    let tail = if from + WIDTH < count { "…" } else { "" };
    let start = before.saturating_sub(from) + head.chars().count();
    (format!("{head}{shown}{tail}"), start)
}

/// Collects errors while a file is read.
pub(super) struct Faults<'t> {
    file: &'t str,
    text: &'t str,
    errors: Vec<ConfigError>,
}

impl<'t> Faults<'t> {
    pub(super) fn new(file: &'t str, text: &'t str) -> Self {
        Self {
            file,
            text,
            errors: Vec::new(),
        }
    }

    /// Adds an error at a range of bytes.
    pub(super) fn add(&mut self, at: Range<usize>, message: impl Into<String>) {
        self.push(&at, &message.into(), None);
    }

    /// Adds an error with a way out.
    pub(super) fn add_hint(
        &mut self,
        at: Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(&at, &message.into(), Some(hint.into()));
    }

    /// Adds an error with a way out if there is one.
    pub(super) fn add_maybe(
        &mut self,
        at: Range<usize>,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        self.push(&at, &message.into(), hint);
    }

    /// Adds what is wrong with the text in a string whose value stands at `at`.
    pub(super) fn add_text(&mut self, at: Range<usize>, value: &str, error: TextError) {
        let quoted = self.text.get(at.start + 1..at.end.saturating_sub(1));
        // Only where the file spells the value without escapes do offsets agree.
        let at = if quoted == Some(value) && !error.at.is_empty() {
            let start = at.start + 1;
            start + error.at.start..start + error.at.end
        } else {
            at
        };
        self.push(&at, &error.message, error.hint);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// Returns all errors in the order of the file.
    pub(super) fn finish(mut self) -> ConfigErrors {
        let place = |e: &ConfigError| (e.line, e.column);
        self.errors.sort_by_key(place);
        self.errors.dedup();
        ConfigErrors {
            file: self.file.to_owned(),
            errors: self.errors,
        }
    }

    /// Adds an error of the TOML itself, where quotes cannot be relied on.
    pub(super) fn add_syntax(&mut self, at: Range<usize>, message: &str) {
        self.push(&at, message, None);
        if let Some(error) = self.errors.last_mut() {
            error.source_line = super::secrets::masked_value(&error.source_line);
        }
    }

    fn push(&mut self, at: &Range<usize>, message: &str, hint: Option<String>) {
        let start = self.text.floor_char_boundary(at.start);
        let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line = self.text[line_start..].lines().next().unwrap_or_default();
        let column = |at: usize| {
            let at = at.clamp(line_start, line_start + line.len());
            let at = self.text.floor_char_boundary(at);
            self.text[line_start..at].chars().count() + 1
        };
        self.errors.push(ConfigError {
            line: self.text[..start].matches('\n').count() + 1,
            column: column(start),
            end: column(at.end.max(start)),
            message: super::secrets::without_tokens(&printable(message)),
            hint: hint.map(|hint| printable(&hint)),
            source_line: super::secrets::masked(&printable(line)),
        });
    }
}

/// Returns a line in which no character moves the cursor.
fn printable(line: &str) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    line.chars().map(shown).collect()
}
