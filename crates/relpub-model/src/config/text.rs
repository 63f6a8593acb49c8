//! Templates and patterns: text with variables.

/// A text with variables, such as `{version}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(String);

/// A template that may also contain alternatives and globs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

/// A template for tags, read in both directions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagTemplate(String);

/// In which channels an entry takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When(Vec<String>);
