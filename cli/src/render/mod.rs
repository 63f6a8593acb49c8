//! What a user sees: screens for people, documents for programs, and what
//! GitHub Actions shows.

pub(crate) mod github;
pub(crate) mod human;
pub(crate) mod json;
