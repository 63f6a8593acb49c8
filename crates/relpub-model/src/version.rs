//! Versions and channels: what a tag says about the release behind it.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A version as a tag spells it: SemVer or else PEP 440, and ordered as such.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    text: String,
    scheme: Scheme,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Scheme {
    SemVer(semver::Version),
    Pep440(pep440_rs::Version),
}

/// Why a text is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// Neither scheme accepts the text.
    #[error("`{0}` is neither a SemVer nor a PEP 440 version")]
    Neither(String),
    /// The version has no equivalent in the other scheme.
    #[error("version `{version}` cannot be written as {scheme}")]
    NoForm {
        /// The version as the tag spells it.
        version: String,
        /// The scheme that was asked for.
        scheme: &'static str,
    },
}

impl Version {
    /// Returns the version as the tag spells it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the version as PEP 440 normalises it: `0.26.0-alpha.1` is `0.26.0a1`.
    pub fn pep440(&self) -> Result<pep440_rs::Version, VersionError> {
        match &self.scheme {
            Scheme::Pep440(version) => Ok(version.clone()),
            Scheme::SemVer(_) => self.text.parse().map_err(|_| self.no_form("PEP 440")),
        }
    }

    /// Returns the version as SemVer: `1.2rc1` is `1.2.0-rc.1`.
    pub fn semver(&self) -> Result<semver::Version, VersionError> {
        match &self.scheme {
            Scheme::SemVer(version) => Ok(version.clone()),
            Scheme::Pep440(version) => {
                pep440_as_semver(version).ok_or_else(|| self.no_form("SemVer"))
            }
        }
    }

    /// Returns the version as a registry tag takes it: `+` becomes `-`.
    pub fn oci(&self) -> String {
        self.text.replace('+', "-")
    }

    /// Returns the first three numbers of the version.
    pub fn numbers(&self) -> [u64; 3] {
        match &self.scheme {
            Scheme::SemVer(v) => [v.major, v.minor, v.patch],
            Scheme::Pep440(v) => {
                let at = |i: usize| v.release().get(i).copied().unwrap_or(0);
                [at(0), at(1), at(2)]
            }
        }
    }

    /// Returns the channel that the version itself decides.
    pub fn channel(&self) -> Channel {
        let channel = match self.pep440() {
            Ok(version) => pep440_channel(&version),
            // A SemVer suffix that PEP 440 does not know, such as `-nightly.3`.
            Err(_) => Channel::OtherPrerelease,
        };
        match &self.scheme {
            // `1.2.3-1` would be a post-release, and comes before 1.2.3 here.
            Scheme::SemVer(version) if channel == Channel::Stable && !version.pre.is_empty() => {
                Channel::OtherPrerelease
            }
            _ => channel,
        }
    }

    /// Orders two versions, or returns `None` where their schemes cannot be compared.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (&self.scheme, &other.scheme) {
            (Scheme::SemVer(a), Scheme::SemVer(b)) => Some(a.cmp_precedence(b)),
            _ => Some(self.pep440().ok()?.cmp(&other.pep440().ok()?)),
        }
    }

    fn no_form(&self, scheme: &'static str) -> VersionError {
        VersionError::NoForm {
            version: self.text.clone(),
            scheme,
        }
    }
}

fn pep440_channel(version: &pep440_rs::Version) -> Channel {
    use pep440_rs::PrereleaseKind;
    if version.is_dev() {
        return Channel::Dev;
    }
    match version.pre().map(|pre| pre.kind) {
        None => Channel::Stable,
        Some(PrereleaseKind::Alpha) => Channel::Alpha,
        Some(PrereleaseKind::Beta) => Channel::Beta,
        Some(PrereleaseKind::Rc) => Channel::Rc,
    }
}

fn pep440_as_semver(version: &pep440_rs::Version) -> Option<semver::Version> {
    let release = version.release();
    if release.len() > 3 || version.epoch() != 0 || version.post().is_some() {
        return None;
    }
    let at = |i: usize| release.get(i).copied().unwrap_or(0);
    let mut out = semver::Version::new(at(0), at(1), at(2));
    let mut pre = Vec::new();
    if let Some(part) = version.pre() {
        let kind = match part.kind {
            pep440_rs::PrereleaseKind::Alpha => "alpha",
            pep440_rs::PrereleaseKind::Beta => "beta",
            pep440_rs::PrereleaseKind::Rc => "rc",
        };
        pre.push(format!("{kind}.{}", part.number));
    }
    if let Some(number) = version.dev() {
        pre.push(format!("dev.{number}"));
    }
    out.pre = semver::Prerelease::new(&pre.join(".")).ok()?;
    let local: Vec<_> = version.local().iter().map(ToString::to_string).collect();
    out.build = semver::BuildMetadata::new(&local.join(".")).ok()?;
    Some(out)
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let semver = text.parse().map(Scheme::SemVer).ok();
        let scheme = semver.or_else(|| text.parse().map(Scheme::Pep440).ok());
        let Some(scheme) = scheme else {
            let shown = crate::text::Untrusted::new(text).for_terminal();
            return Err(VersionError::Neither(shown));
        };
        Ok(Self {
            text: text.to_owned(),
            scheme,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Where in its life a version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// A release, post-releases included.
    Stable,
    /// An alpha.
    Alpha,
    /// A beta.
    Beta,
    /// A release candidate.
    Rc,
    /// A development version.
    Dev,
    /// Any other suffix.
    OtherPrerelease,
}

impl Channel {
    /// Tells whether the channel is not `stable`.
    pub fn is_prerelease(self) -> bool {
        self != Self::Stable
    }

    /// Returns the channel's name as `when` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Alpha => "alpha",
            Self::Beta => "beta",
            Self::Rc => "rc",
            Self::Dev => "dev",
            Self::OtherPrerelease => "prerelease",
        }
    }
}

/// A release's tag as the command line spelled it, and the version it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// The tag's name, such as `v1.2.3`.
    pub name: String,
    /// The version in it.
    pub version: Version,
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn a_version_has_a_form_for_each_registry() {
        assert_eq!(
            version("0.26.0-alpha.1").pep440().unwrap().to_string(),
            "0.26.0a1"
        );
        assert_eq!(
            version("1.2rc1").semver().unwrap().to_string(),
            "1.2.0-rc.1"
        );
        assert_eq!(version("1.2.3+cu128").oci(), "1.2.3-cu128");
        assert_eq!(
            version("1.2.3-nightly.4").pep440().unwrap_err().to_string(),
            "version `1.2.3-nightly.4` cannot be written as PEP 440"
        );
        assert!("latest".parse::<Version>().is_err());
    }

    #[test]
    fn the_version_decides_the_channel() {
        let channels = [
            "1.0.0",
            "1.0.post1",
            "1.0.0-alpha.1",
            "1.0b2",
            "1.0.0-rc.1",
            "1.0.dev3",
            "1.0.0-nightly.1",
        ]
        .map(|text| version(text).channel().as_str());
        assert_eq!(
            channels,
            [
                "stable",
                "stable",
                "alpha",
                "beta",
                "rc",
                "dev",
                "prerelease"
            ]
        );
    }

    #[test]
    fn what_semver_calls_a_prerelease_is_never_stable() {
        // PEP 440 reads a bare number behind a dash as a post-release.
        for text in ["1.2.3-1", "1.2.3-r2", "1.2.3-post.1"] {
            assert_eq!(version(text).channel(), Channel::OtherPrerelease, "{text}");
        }
        assert_eq!(version("1.2.3+build.1").channel(), Channel::Stable);
        assert_eq!(version("1.2-1").channel(), Channel::Stable);
    }

    #[test]
    fn a_local_version_is_kept_in_every_form() {
        let semver = |text: &str| version(text).semver().map(|v| v.to_string());
        assert_eq!(semver("1.2+cu128").unwrap(), "1.2.0+cu128");
        assert_eq!(semver("1.2rc1+cu128").unwrap(), "1.2.0-rc.1+cu128");
    }

    #[test]
    fn versions_are_ordered_by_their_scheme() {
        assert_eq!(
            version("1.10.0").compare(&version("1.9.0")),
            Some(Ordering::Greater)
        );
        assert_eq!(
            version("1.0.0-rc.2").compare(&version("1.0.0")),
            Some(Ordering::Less)
        );
        assert_eq!(
            version("2024.1").compare(&version("2023.12.1")),
            Some(Ordering::Greater)
        );
    }
}
