//! Which wheel platform tags mean a platform.
//!
//! Follows the PyPA specification "Platform compatibility tags": musl needs a
//! `musllinux` tag, gnu a `manylinux` or `linux` tag and no `musllinux`.

use crate::config::Platform;

/// Tells whether a wheel with these platform tags is the one for a platform.
pub(super) fn means(platform: &Platform, tags: &[String]) -> bool {
    if let Some(wanted) = &platform.wheel {
        return tags.iter().any(|tag| tag == wanted);
    }
    let Some(expected) = Expected::of(&platform.target) else {
        return false;
    };
    let musl = |tag: &String| tag.starts_with("musllinux_");
    match expected.system {
        System::Gnu if tags.iter().any(musl) => false,
        _ => tags.iter().any(|tag| expected.takes(tag)),
    }
}

/// Tells whether it is known which wheel platform tags mean a platform.
pub(in crate::config) fn knows(platform: &Platform) -> bool {
    platform.wheel.is_some() || Expected::of(&platform.target).is_some()
}

/// Returns the tags that mean a platform as a pattern for people.
pub(super) fn describe(platform: &Platform) -> String {
    if let Some(wheel) = &platform.wheel {
        return wheel.clone();
    }
    let Some(Expected { system, arch }) = Expected::of(&platform.target) else {
        return "{wheel}".to_owned();
    };
    match system {
        System::Gnu => format!("manylinux_*_{arch}"),
        System::Musl => format!("musllinux_*_{arch}"),
        System::MacOs => format!("macosx_*_{arch}"),
        System::Windows => windows_tag(arch).to_owned(),
    }
}

/// What the tags of a platform must say.
struct Expected {
    system: System,
    arch: &'static str,
}

#[derive(Clone, Copy)]
enum System {
    Gnu,
    Musl,
    MacOs,
    Windows,
}

impl Expected {
    fn of(target: &str) -> Option<Self> {
        let (arch, system) = target.split_once('-')?;
        let system = if system.contains("windows") {
            System::Windows
        } else if system.contains("apple-darwin") {
            System::MacOs
        } else if system.contains("linux-musl") {
            System::Musl
        } else if system.contains("linux-gnu") {
            System::Gnu
        } else {
            return None;
        };
        let arch = match (arch, system) {
            ("aarch64", System::MacOs) => "arm64",
            ("x86_64" | "aarch64", _) => ["x86_64", "aarch64"]
                .into_iter()
                .find(|known| *known == arch)?,
            ("i586" | "i686", _) => "i686",
            ("armv7", _) => "armv7l",
            ("arm", _) => "armv6l",
            ("powerpc64le", _) => "ppc64le",
            ("s390x", _) => "s390x",
            ("riscv64gc" | "riscv64", _) => "riscv64",
            ("loongarch64", _) => "loongarch64",
            _ => return None,
        };
        Some(Self { system, arch })
    }

    fn takes(&self, tag: &str) -> bool {
        let ends_in = |arch: &str| {
            tag.strip_suffix(arch)
                .is_some_and(|rest| rest.ends_with('_'))
        };
        match self.system {
            System::Gnu => {
                (tag.starts_with("manylinux") || tag.starts_with("linux_")) && ends_in(self.arch)
            }
            System::Musl => tag.starts_with("musllinux_") && ends_in(self.arch),
            System::MacOs => {
                tag.starts_with("macosx_") && (ends_in(self.arch) || ends_in("universal2"))
            }
            System::Windows => tag == windows_tag(self.arch),
        }
    }
}

fn windows_tag(arch: &str) -> &'static str {
    match arch {
        "x86_64" => "win_amd64",
        "aarch64" => "win_arm64",
        _ => "win32",
    }
}
