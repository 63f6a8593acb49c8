//! Secrets: texts that can be used here and shown nowhere.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

/// A token, a password or a key.
///
/// It has neither `Display` nor `Serialize`, is wiped from memory when it goes,
/// and can be read only in this crate.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// Returns the text, to be put on the wire.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("REDACTED")
    }
}

/// The variables that say where a process runs, and hold nothing secret.
const PLAIN: [&str; 19] = [
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "CI",
    "CI_COMMIT_SHA",
    "CI_JOB_URL",
    "GITHUB_ACTIONS",
    "GITHUB_ACTOR",
    "GITHUB_EVENT_NAME",
    "GITHUB_REF",
    "GITHUB_REF_NAME",
    "GITHUB_REF_TYPE",
    "GITHUB_REPOSITORY",
    "GITHUB_REPOSITORY_ID",
    "GITHUB_RUN_ATTEMPT",
    "GITHUB_RUN_ID",
    "GITHUB_SERVER_URL",
    "GITHUB_SHA",
    "GITHUB_WORKFLOW_REF",
    "GITLAB_CI",
];

/// The environment variables that a run was started with.
///
/// Any of them may be a credential, so the values can be read only in this
/// crate; outside, one can ask whether a variable is set.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, Secret>);

impl Environment {
    /// Wraps names and values; a later one with the same name counts.
    pub fn from_vars(vars: impl IntoIterator<Item = (String, String)>) -> Self {
        let wrap = |(name, value)| (name, Secret::new(value));
        Self(vars.into_iter().map(wrap).collect())
    }

    /// Tells whether a variable is set, and not to the empty text.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Returns the value of a variable that holds no secret, such as
    /// `GITHUB_REPOSITORY`; `None` for all others.
    pub fn plain(&self, name: &str) -> Option<&str> {
        if PLAIN.contains(&name) {
            self.get(name).map(Secret::expose)
        } else {
            None
        }
    }

    /// Returns the value of a variable as a secret, unless it is unset or empty.
    pub fn secret(&self, name: &str) -> Option<Secret> {
        self.get(name).cloned()
    }

    /// Returns the value of a variable unless it is unset or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&Secret> {
        self.0.get(name).filter(|value| !value.expose().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_cannot_be_shown() {
        let vars = [("GITHUB_TOKEN", "ghp_x"), ("GITHUB_SHA", "abc"), ("E", "")];
        let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let environment = Environment::from_vars(vars);
        assert!(!format!("{environment:?}").contains("ghp_x"));
        assert!(environment.has("GITHUB_TOKEN"));
        assert_eq!(environment.plain("GITHUB_TOKEN"), None);
        assert_eq!(environment.plain("GITHUB_SHA"), Some("abc"));
        assert!(!environment.has("E"));
    }
}
