//! The names of projects and files (PEP 503, PEP 625, the wheel specification).

use std::str::FromStr as _;

use pep440_rs::Version;

/// Returns the one spelling that stands for all spellings of a project's name.
pub(super) fn normalized(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for c in name.chars() {
        if !matches!(c, '-' | '_' | '.') {
            normal.extend(c.to_lowercase());
        } else if !normal.ends_with('-') {
            normal.push('-');
        }
    }
    normal
}

/// Returns how a project's name begins the names of its files.
pub(super) fn file_stem(name: &str) -> String {
    normalized(name).replace('-', "_")
}

/// Returns what names are alike to the eye have in common.
///
/// A new project is refused when this is the same as that of an existing one.
pub(super) fn look(name: &str) -> String {
    let alike = |c| match c {
        'l' | 'i' => '1',
        'o' => '0',
        other => other,
    };
    let letters = name.chars().filter(|c| !matches!(c, '-' | '_' | '.'));
    letters.map(|c| alike(c.to_ascii_lowercase())).collect()
}

/// Returns whether `name` may be a project's name.
pub(super) fn is_project_name(name: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    ends(name.chars().next()) && ends(name.chars().next_back()) && name.chars().all(inner)
}

/// The name of a wheel, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WheelName {
    /// The distribution, literally.
    pub(super) distribution: String,
    /// The version, literally.
    pub(super) version: String,
    /// The interpreters, such as `py2` and `py3`.
    pub(super) pythons: Vec<String>,
    /// The platforms, such as `win_amd64`.
    pub(super) platforms: Vec<String>,
}

impl WheelName {
    /// Takes the name of a wheel apart; the error says why it is none.
    pub(super) fn parse(filename: &str) -> Result<Self, String> {
        let invalid = |why: &str| format!("Invalid wheel filename ({why}): '{filename}'");
        let stem = filename
            .strip_suffix(".whl")
            .ok_or_else(|| invalid("extension must be '.whl'"))?;
        let parts: Vec<&str> = stem.split('-').collect();
        let (distribution, version, build, tags) = match parts[..] {
            [name, version, ref tags @ ..] if tags.len() == 3 => (name, version, None, tags),
            [name, version, build, ref tags @ ..] if tags.len() == 3 => {
                (name, version, Some(build), tags)
            }
            _ => return Err(invalid("wrong number of parts")),
        };
        let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
        if distribution.is_empty() || distribution.contains("__") || !distribution.chars().all(word)
        {
            return Err(format!("Invalid project name: '{filename}'"));
        }
        if Version::from_str(version).is_err() {
            return Err(invalid("invalid version"));
        }
        if build.is_some_and(|build| !build.starts_with(|c: char| c.is_ascii_digit())) {
            return Err(format!(
                "Invalid build number: {} in '{filename}'",
                parts[2]
            ));
        }
        let set = |tag: &str| tag.split('.').map(str::to_ascii_lowercase).collect();
        Ok(Self {
            distribution: distribution.to_owned(),
            version: version.to_owned(),
            pythons: set(tags[0]),
            platforms: set(tags[2]),
        })
    }

    /// Returns the folder of the metadata inside the wheel.
    pub(super) fn dist_info(&self) -> String {
        format!("{}-{}.dist-info", self.distribution, self.version)
    }
}

/// Returns whether the index takes wheels for `platform`.
pub(super) fn is_supported_platform(platform: &str) -> bool {
    const LITERAL: [&str; 18] = [
        "any",
        "win32",
        "win_arm64",
        "win_amd64",
        "win_ia64",
        "manylinux1_x86_64",
        "manylinux1_i686",
        "manylinux2010_x86_64",
        "manylinux2010_i686",
        "manylinux2014_x86_64",
        "manylinux2014_i686",
        "manylinux2014_aarch64",
        "manylinux2014_armv7l",
        "manylinux2014_ppc64",
        "manylinux2014_ppc64le",
        "manylinux2014_s390x",
        "linux_armv6l",
        "linux_armv7l",
    ];
    LITERAL.contains(&platform)
        || is_macos(platform)
        || numbered(platform, "manylinux_", 2)
            .is_some_and(|arch| MUSL.contains(&arch) || arch == "ppc64")
        || numbered(platform, "musllinux_", 2).is_some_and(|arch| MUSL.contains(&arch))
        || numbered(platform, "ios_", 2).is_some_and(is_ios)
        || numbered(platform, "android_", 1)
            .is_some_and(|arch| matches!(arch, "armeabi_v7a" | "arm64_v8a" | "x86" | "x86_64"))
        || numbered(platform, "pyemscripten_", 2) == Some("wasm32")
}

/// The architectures of Linux wheels, whichever the C library.
const MUSL: [&str; 7] = [
    "x86_64", "i686", "aarch64", "armv7l", "ppc64le", "s390x", "riscv64",
];

fn is_macos(platform: &str) -> bool {
    const ARCHITECTURES: [&str; 11] = [
        "ppc",
        "ppc64",
        "i386",
        "x86_64",
        "arm64",
        "intel",
        "fat",
        "fat3",
        "fat64",
        "universal",
        "universal2",
    ];
    const MAJORS: [&str; 6] = ["11", "12", "13", "14", "15", "26"];
    let Some(rest) = platform.strip_prefix("macosx_") else {
        return false;
    };
    let mut parts = rest.splitn(3, '_');
    let (Some(major), Some(minor), Some(arch)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let version = (major == "10" && is_number(minor)) || (MAJORS.contains(&major) && minor == "0");
    version && ARCHITECTURES.contains(&arch)
}

fn is_ios(rest: &str) -> bool {
    let device = rest
        .strip_prefix("arm64_")
        .or_else(|| rest.strip_prefix("x86_64_"));
    matches!(device, Some("iphoneos" | "iphonesimulator"))
}

/// Returns what follows `prefix` and `count` numbers, each with its underscore.
fn numbered<'a>(platform: &'a str, prefix: &str, count: usize) -> Option<&'a str> {
    let mut rest = platform.strip_prefix(prefix)?;
    for _ in 0..count {
        let (number, after) = rest.split_once('_')?;
        is_number(number).then_some(())?;
        rest = after;
    }
    Some(rest)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_normal_spelling() {
        for name in ["Friendly-Bard", "friendly.bard", "FRIENDLY--._bard"] {
            assert_eq!(normalized(name), "friendly-bard", "{name}");
        }
        assert_eq!(file_stem("Friendly-Bard"), "friendly_bard");
        assert_eq!(look("Oil-Can"), look("o1_lcan"));
    }

    #[test]
    fn wheel_names_are_taken_apart() {
        let name = WheelName::parse("a_b-1.0-2x-py2.py3-none-manylinux_2_17_x86_64.linux_x.whl");
        let name = name.unwrap();
        assert_eq!(name.dist_info(), "a_b-1.0.dist-info");
        assert_eq!(name.pythons, ["py2", "py3"]);
        assert_eq!(name.platforms, ["manylinux_2_17_x86_64", "linux_x"]);
        for wrong in [
            "a-1.0.whl",
            "a-1.0-py3-none.whl",
            "a-one-py3-none-any.whl",
            "a-1.0-b2-py3-none-any.whl",
            "a__b-1.0-py3-none-any.whl",
            "a-1.0-py3-none-any.zip",
        ] {
            assert!(WheelName::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn platforms_are_on_a_list() {
        for platform in [
            "any",
            "macosx_10_9_universal2",
            "macosx_26_0_arm64",
            "manylinux_2_28_riscv64",
            "musllinux_1_2_aarch64",
            "ios_13_0_arm64_iphoneos",
            "android_21_arm64_v8a",
            "pyemscripten_2024_0_wasm32",
        ] {
            assert!(is_supported_platform(platform), "{platform}");
        }
        for platform in [
            "linux_x86_64",
            "macosx_11_1_arm64",
            "macosx_16_0_arm64",
            "musllinux_1_2_ppc64",
            "manylinux_2_x86_64",
            "win_arm32",
        ] {
            assert!(!is_supported_platform(platform), "{platform}");
        }
    }
}
