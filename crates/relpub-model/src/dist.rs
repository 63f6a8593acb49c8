//! Names of Python distribution files: wheels and source distributions.
//!
//! Follows the PyPA specifications "Binary distribution format" (file name
//! convention) and "Source distribution file name" (PEP 625).

use std::fmt;
use std::str::FromStr;

use crate::name::ProjectName;

/// The parsed name of a wheel or a source distribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DistName {
    /// `{distribution}-{version}(-{build})?-{python}-{abi}-{platform}.whl`
    Wheel(WheelName),
    /// `{distribution}-{version}.tar.gz`
    Sdist(SdistName),
}

/// The parsed name of a wheel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WheelName {
    /// The distribution field as the file name spells it.
    pub distribution: String,
    /// The project, normalised.
    pub project: ProjectName,
    /// The version field as the file name spells it.
    pub version_text: String,
    /// The version.
    pub version: pep440_rs::Version,
    /// The build field; begins with a digit.
    pub build: Option<String>,
    /// The Python tags.
    pub python: Vec<String>,
    /// The ABI tags.
    pub abi: Vec<String>,
    /// The platform tags.
    pub platform: Vec<String>,
}

/// The parsed name of a source distribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdistName {
    /// The distribution field as the file name spells it.
    pub distribution: String,
    /// The project, normalised.
    pub project: ProjectName,
    /// The version field as the file name spells it.
    pub version_text: String,
    /// The version.
    pub version: pep440_rs::Version,
}

/// Why a file name is not a distribution's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DistNameError {
    /// The extension is another one.
    #[error("a distribution ends in `.whl` or `.tar.gz`")]
    Extension,
    /// The number of fields is wrong.
    #[error("a wheel's name has five or six fields between dashes, this has {0}")]
    WheelFields(usize),
    /// There is no version field.
    #[error("a source distribution is named `NAME-VERSION.tar.gz`")]
    SdistFields,
    /// The distribution field is no project name, or not escaped as it must be.
    #[error("`{0}` is not a project name with runs of `-_.` written as `_`")]
    Distribution(String),
    /// The version field is no PEP 440 version.
    #[error("`{0}` is no PEP 440 version")]
    Version(String),
    /// The build field does not begin with a digit.
    #[error("the build field `{0}` must begin with a digit")]
    Build(String),
    /// A tag is empty or has a character that tags cannot have.
    #[error("`{0}` is no compatibility tag")]
    Tag(String),
}

impl DistName {
    /// Returns the normalised project name.
    pub fn project(&self) -> &ProjectName {
        match self {
            Self::Wheel(name) => &name.project,
            Self::Sdist(name) => &name.project,
        }
    }

    /// Returns the version.
    pub fn version(&self) -> &pep440_rs::Version {
        match self {
            Self::Wheel(name) => &name.version,
            Self::Sdist(name) => &name.version,
        }
    }

    /// Returns the `{distribution}-{version}` that directories inside begin with.
    pub fn stem(&self) -> String {
        match self {
            Self::Wheel(name) => format!("{}-{}", name.distribution, name.version_text),
            Self::Sdist(name) => format!("{}-{}", name.distribution, name.version_text),
        }
    }

    /// Returns the value of the upload form's `pyversion` field.
    pub fn pyversion(&self) -> String {
        match self {
            Self::Wheel(name) => name.python.join("."),
            Self::Sdist(_) => "source".to_owned(),
        }
    }

    /// Tells whether this is a wheel.
    pub fn is_wheel(&self) -> bool {
        matches!(self, Self::Wheel(_))
    }
}

impl FromStr for DistName {
    type Err = DistNameError;

    fn from_str(text: &str) -> Result<Self, DistNameError> {
        if let Some(stem) = text.strip_suffix(".whl") {
            parse_wheel(stem).map(Self::Wheel)
        } else if let Some(stem) = text.strip_suffix(".tar.gz") {
            parse_sdist(stem).map(Self::Sdist)
        } else {
            Err(DistNameError::Extension)
        }
    }
}

impl fmt::Display for WheelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.distribution, self.version_text)?;
        if let Some(build) = &self.build {
            write!(f, "-{build}")?;
        }
        let [python, abi, platform] =
            [&self.python, &self.abi, &self.platform].map(|tags| tags.join("."));
        write!(f, "-{python}-{abi}-{platform}.whl")
    }
}

fn parse_wheel(stem: &str) -> Result<WheelName, DistNameError> {
    let fields: Vec<&str> = stem.split('-').collect();
    let (build, tags) = match fields.len() {
        5 => (None, &fields[2..]),
        6 => (Some(fields[2]), &fields[3..]),
        n => return Err(DistNameError::WheelFields(n)),
    };
    if let Some(build) = build
        && !build.starts_with(|c: char| c.is_ascii_digit())
    {
        return Err(DistNameError::Build(build.to_owned()));
    }
    let (project, version) = parse_stem(fields[0], fields[1])?;
    Ok(WheelName {
        distribution: fields[0].to_owned(),
        project,
        version_text: fields[1].to_owned(),
        version,
        build: build.map(str::to_owned),
        python: parse_tags(tags[0])?,
        abi: parse_tags(tags[1])?,
        platform: parse_tags(tags[2])?,
    })
}

fn parse_sdist(stem: &str) -> Result<SdistName, DistNameError> {
    let (distribution, version_text) = stem.rsplit_once('-').ok_or(DistNameError::SdistFields)?;
    let (project, version) = parse_stem(distribution, version_text)?;
    Ok(SdistName {
        distribution: distribution.to_owned(),
        project,
        version_text: version_text.to_owned(),
        version,
    })
}

fn parse_stem(
    distribution: &str,
    version: &str,
) -> Result<(ProjectName, pep440_rs::Version), DistNameError> {
    let not_a_name = || DistNameError::Distribution(distribution.to_owned());
    let project: ProjectName = distribution.parse().map_err(|_| not_a_name())?;
    // Old tools kept dots and upper case; a dash would have been a field separator.
    if distribution.contains('-') {
        return Err(not_a_name());
    }
    let parsed = version
        .parse()
        .map_err(|_| DistNameError::Version(version.to_owned()))?;
    Ok((project, parsed))
}

fn parse_tags(field: &str) -> Result<Vec<String>, DistNameError> {
    let valid =
        |tag: &str| !tag.is_empty() && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    field
        .split('.')
        .map(|tag| {
            if valid(tag) {
                Ok(tag.to_owned())
            } else {
                Err(DistNameError::Tag(field.to_owned()))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wheel_name_has_its_fields() {
        let text = "rerun_sdk-0.28.1-1-cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl";
        let DistName::Wheel(name) = text.parse().unwrap() else {
            panic!("a wheel")
        };
        assert_eq!(name.project.as_str(), "rerun-sdk");
        assert_eq!(name.build.as_deref(), Some("1"));
        assert_eq!(
            name.platform,
            ["manylinux_2_17_x86_64", "manylinux2014_x86_64"]
        );
        assert_eq!(name.to_string(), text);
    }

    #[test]
    fn a_name_that_is_none_says_why() {
        let why = |text: &str| text.parse::<DistName>().unwrap_err().to_string();
        assert_eq!(
            why("a-1.0.zip"),
            "a distribution ends in `.whl` or `.tar.gz`"
        );
        assert_eq!(
            why("a-1.0-py3-none.whl"),
            "a wheel's name has five or six fields between dashes, this has 4"
        );
        assert_eq!(
            why("a-1.0-x-py3-none-any.whl"),
            "the build field `x` must begin with a digit"
        );
        assert_eq!(
            why("a-nightly-py3-none-any.whl"),
            "`nightly` is no PEP 440 version"
        );
        assert_eq!(why("a-1.0-py3-none-.whl"), "`` is no compatibility tag");
        assert_eq!(
            why("my-pkg-1.0.tar.gz"),
            "`my-pkg` is not a project name with runs of `-_.` written as `_`"
        );
    }
}
