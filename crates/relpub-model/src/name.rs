//! Names: of files, projects, destinations, repositories and commits.
//!
//! Each is parsed once, at the edge, and then carries its rules in its type.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text cannot be used as a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}: {why}")]
pub struct NameError {
    text: String,
    what: &'static str,
    why: &'static str,
}

impl NameError {
    fn new(text: &str, what: &'static str, why: &'static str) -> Self {
        let text = crate::text::Untrusted::new(text).for_terminal();
        Self { text, what, why }
    }
}

/// Defines a name: a text with a rule that is checked when it is made.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Returns the name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                $check(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

name! {
    /// A published file's name: one segment of `[A-Za-z0-9._+~-]`, no leading
    /// dot, at most 255 characters, no Windows device name.
    ///
    /// Two names that differ only in case are the same to some destinations;
    /// [`FileName::folded`] is what must be unique.
    FileName, check_file_name
}

impl FileName {
    /// Returns the name in lower case, the form that must be unique in a place.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

name! {
    /// A path in a source: relative, `/` between segments, no `.` or `..` segment.
    SourcePath, check_source_path
}

impl SourcePath {
    /// Returns the last segment.
    pub fn last_segment(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// Returns the folder the path is in, without a trailing slash; empty at the root.
    pub fn folder(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

name! {
    /// A Python project's name in its normalised form (PEP 503): lower case,
    /// runs of `-`, `_` and `.` as one `-`.
    ProjectName, normalise_project
}

name! {
    /// A destination's name in the configuration, such as `pypi` or `github`.
    DestinationName, check_destination
}

name! {
    /// A repository at GitHub, `owner/name`.
    Repository, check_repository
}

impl Repository {
    /// Returns the part before the slash.
    pub fn owner(&self) -> &str {
        self.0.split_once('/').map_or("", |(owner, _)| owner)
    }

    /// Returns the part after the slash.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }
}

name! {
    /// A full commit hash: 40 lower-case hexadecimal digits.
    ///
    /// A short one only locates; it never identifies.
    Commit, check_commit
}

impl Commit {
    /// Returns the first eight digits, for a person to read.
    pub fn short(&self) -> &str {
        &self.0[..8]
    }
}

const WINDOWS_DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

fn check_file_name(text: &str) -> Result<String, NameError> {
    let refuse = |why| Err(NameError::new(text, "file name that can be published", why));
    if text.is_empty() {
        return refuse("it is empty");
    }
    if text.len() > 255 {
        return refuse("it is longer than 255 characters");
    }
    if text.starts_with('.') {
        return refuse("it begins with a dot");
    }
    if !text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"._+~-".contains(&b))
    {
        return refuse("only letters, digits and . _ + ~ - are allowed");
    }
    if is_windows_device(text) {
        return refuse("Windows reserves it for a device");
    }
    Ok(text.to_owned())
}

fn is_windows_device(text: &str) -> bool {
    let stem = text
        .split('.')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let numbered = stem.len() == 4 && stem.ends_with(|c: char| c.is_ascii_digit() && c != '0');
    let base = if numbered { &stem[..3] } else { stem.as_str() };
    let needs_number = matches!(base, "com" | "lpt");
    WINDOWS_DEVICES.contains(&base) && numbered == needs_number
}

fn check_source_path(text: &str) -> Result<String, NameError> {
    let refuse = |why| Err(NameError::new(text, "path in a source", why));
    if text.is_empty() || text.len() > 1024 {
        return refuse("it is empty or longer than 1024 characters");
    }
    // Paths stand in messages as they are.
    if text.chars().any(|c| crate::text::is_unsafe(c) || c == '\\') {
        return refuse("it has a control character, an invisible one or a backslash");
    }
    if text
        .split('/')
        .any(|segment| matches!(segment, "" | "." | ".."))
    {
        return refuse("it must be relative, without empty, `.` or `..` segments");
    }
    Ok(text.to_owned())
}

fn normalise_project(text: &str) -> Result<String, NameError> {
    let refuse = |why| Err(NameError::new(text, "project name", why));
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if !edge(text.chars().next()) || !edge(text.chars().last()) {
        return refuse("it must begin and end with a letter or a digit");
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            c if c.is_ascii_alphanumeric() => out.push(c.to_ascii_lowercase()),
            _ => return refuse("only letters, digits and . _ - are allowed"),
        }
    }
    Ok(out)
}

fn check_destination(text: &str) -> Result<String, NameError> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
    if text.is_empty() || !text.bytes().all(allowed) || !text.as_bytes()[0].is_ascii_alphanumeric()
    {
        let why = "only lower-case letters, digits, `-` and `.` are allowed";
        return Err(NameError::new(text, "destination name", why));
    }
    Ok(text.to_owned())
}

fn check_repository(text: &str) -> Result<String, NameError> {
    let refuse = |why| Err(NameError::new(text, "repository", why));
    let Some((owner, name)) = text.split_once('/') else {
        return refuse("it is written `owner/name`");
    };
    let allowed = |s: &str| {
        !s.is_empty()
            && s != "."
            && s != ".."
            && s.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    if !allowed(owner) || !allowed(name) {
        return refuse("it is written `owner/name`, with letters, digits and . _ -");
    }
    Ok(text.to_owned())
}

fn check_commit(text: &str) -> Result<String, NameError> {
    let hex = text.bytes().all(|b| b.is_ascii_hexdigit());
    if text.len() != 40 || !hex {
        let why = "it takes the full hash, 40 hexadecimal digits";
        return Err(NameError::new(text, "commit", why));
    }
    Ok(text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_safe_on_every_system() {
        for good in ["a-1.0+cu128-py3.whl", "COM10.txt", "console", "x~1", "com"] {
            assert!(good.parse::<FileName>().is_ok(), "{good}");
        }
        for bad in [
            "",
            ".hidden",
            "a b",
            "a/b",
            "nul",
            "NUL.txt",
            "com1",
            "lpt9.tar.gz",
            "é",
        ] {
            assert!(bad.parse::<FileName>().is_err(), "{bad}");
        }
        let error = "a b".parse::<FileName>().unwrap_err().to_string();
        insta::assert_snapshot!(error, @"`a b` is no file name that can be published: only letters, digits and . _ + ~ - are allowed");
    }

    #[test]
    fn a_source_path_stays_in_the_source() {
        for bad in [
            "",
            "/a",
            "a//b",
            "../a",
            "a/..",
            "a/./b",
            "a\\b",
            "a\nb",
            "a\u{202e}b",
        ] {
            assert!(bad.parse::<SourcePath>().is_err(), "{bad:?}");
        }
        let path: SourcePath = "wheels/x.whl".parse().unwrap();
        assert_eq!((path.folder(), path.last_segment()), ("wheels", "x.whl"));
    }

    #[test]
    fn project_names_are_normalised() {
        let name: ProjectName = "Re_run..SDK".parse().unwrap();
        assert_eq!(name.as_str(), "re-run-sdk");
        assert!("-x".parse::<ProjectName>().is_err());
    }

    #[test]
    fn a_commit_is_a_full_hash() {
        assert!("6e4ddaf".parse::<Commit>().is_err());
        let commit: Commit = "A".repeat(40).parse().unwrap();
        assert_eq!(commit.short(), "aaaaaaaa");
    }
}
