//! The values of variables.

use super::TextError;
use super::pieces::{Form, Name, Variable};
use crate::config::{Config, Platform};
use crate::name::{Commit, Repository};
use crate::version::Tag;

/// What the variables of a text stand for.
#[derive(Clone, Copy, Debug)]
pub struct Vars<'a> {
    project: &'a str,
    repository: &'a Repository,
    tag: &'a Tag,
    commit: Option<&'a Commit>,
    platform: Option<&'a Platform>,
    file: Option<&'a str>,
}

impl<'a> Vars<'a> {
    /// Returns the values for a release of `tag` whose commit is not known yet.
    pub fn new(config: &'a Config, tag: &'a Tag) -> Self {
        Self::of(&config.project, &config.repository, tag)
    }

    pub(crate) fn of(project: &'a str, repository: &'a Repository, tag: &'a Tag) -> Self {
        Self {
            project,
            repository,
            tag,
            commit: None,
            platform: None,
            file: None,
        }
    }

    /// Adds the commit.
    pub fn with_commit(self, commit: &'a Commit) -> Self {
        Self {
            commit: Some(commit),
            ..self
        }
    }

    /// Adds the platform that a pattern stands for.
    pub fn with_platform(self, platform: Option<&'a Platform>) -> Self {
        Self { platform, ..self }
    }

    /// Adds the source's file name, the last segment of its path.
    pub fn with_file(self, file: &'a str) -> Self {
        Self {
            file: Some(file),
            ..self
        }
    }

    /// Returns the value of a variable, or why it has none.
    pub(super) fn value(&self, variable: Variable) -> Result<String, TextError> {
        let value = match variable.name {
            Name::Version => self.version(variable.form)?,
            Name::Major => self.number(0),
            Name::Minor => self.number(1),
            Name::Patch => self.number(2),
            Name::Tag => self.tag.name.clone(),
            Name::Commit => known("commit", self.commit)?.as_str().to_owned(),
            Name::Channel => self.tag.version.channel().as_str().to_owned(),
            Name::Project => self.project.to_owned(),
            Name::Repository => self.repository.as_str().to_owned(),
            Name::Owner => self.repository.owner().to_owned(),
            Name::Platform => known("platform", self.platform)?.name.clone(),
            Name::Target => known("target", self.platform)?.target.clone(),
            Name::Exe => exe(known("exe", self.platform)?).to_owned(),
            Name::File => known("file", self.file)?.to_owned(),
            Name::Stem => split_extension(known("stem", self.file)?).0.to_owned(),
            Name::Ext => split_extension(known("ext", self.file)?).1.to_owned(),
            Name::Wheel | Name::Archive => return Err(unknown(variable.name.as_str())),
        };
        Ok(match variable.length {
            Some(length) => value.chars().take(length).collect(),
            None => value,
        })
    }

    fn version(&self, form: Form) -> Result<String, TextError> {
        let version = &self.tag.version;
        let written = match form {
            Form::AsSpelled => Ok(version.as_str().to_owned()),
            Form::SemVer => version.semver().map(|v| v.to_string()),
            Form::Pep440 => version.pep440().map(|v| v.to_string()),
            Form::Oci => Ok(version.oci()),
        };
        written.map_err(|error| TextError::new(0..0, error.to_string()))
    }

    fn number(&self, index: usize) -> String {
        self.tag.version.numbers()[index].to_string()
    }
}

fn known<'a, T: ?Sized>(name: &str, value: Option<&'a T>) -> Result<&'a T, TextError> {
    value.ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> TextError {
    TextError::new(0..0, format!("the value of `{{{name}}}` is not known here"))
}

/// Returns what a program's name ends in on a platform.
fn exe(platform: &Platform) -> &'static str {
    if platform.target.contains("windows") {
        ".exe"
    } else {
        ""
    }
}

/// Splits a file name into its stem and its extension with the dot, which may
/// be empty. `.tar.gz` and its like are one extension.
///
/// The end of a version is no extension: `tool-1.2.3-linux` has none.
pub fn split_extension(name: &str) -> (&str, &str) {
    let Some(dot) = extension_dot(name) else {
        return (name, "");
    };
    let dot = match name[..dot].strip_suffix(".tar") {
        Some(stem) if !stem.is_empty() => stem.len(),
        _ => dot,
    };
    name.split_at(dot)
}

fn extension_dot(name: &str) -> Option<usize> {
    let dot = name.rfind('.').filter(|dot| *dot > 0)?;
    let extension = &name[dot + 1..];
    let letters = extension.bytes().any(|b| b.is_ascii_alphabetic());
    let plain = extension.bytes().all(|b| b.is_ascii_alphanumeric());
    (letters && plain && extension.len() <= 12).then_some(dot)
}
