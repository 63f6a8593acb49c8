//! Platform tags of wheels: which PyPI takes, and which machine code fits them.

use relpub_model::findings::{Program, ProgramFormat};

/// Tells whether PyPI takes wheels with a platform tag.
///
/// This is the index's own list: `linux_x86_64`, for one, says nothing about
/// which systems a wheel runs on and is refused.
pub fn accepted_by_pypi(tag: &str) -> bool {
    const FIXED: [&str; 7] = [
        "any",
        "win32",
        "win_arm64",
        "win_amd64",
        "win_ia64",
        "linux_armv6l",
        "linux_armv7l",
    ];
    if FIXED.contains(&tag) {
        return true;
    }
    let Some((family, rest)) = tag.split_once('_') else {
        return false;
    };
    match family {
        "manylinux1" | "manylinux2010" => ["x86_64", "i686"].contains(&rest),
        "manylinux2014" => MANYLINUX_2014.contains(&rest),
        "manylinux" => {
            numbers(rest, 2).is_some_and(|(_, arch)| LINUX.contains(&arch) || arch == "ppc64")
        }
        "musllinux" => numbers(rest, 2).is_some_and(|(_, arch)| LINUX.contains(&arch)),
        "macosx" => numbers(rest, 2)
            .is_some_and(|(version, arch)| macos_version(&version) && MACOS.contains(&arch)),
        "ios" => numbers(rest, 2).is_some_and(|(_, device)| IOS.contains(&device)),
        "android" => numbers(rest, 1).is_some_and(|(_, arch)| ANDROID.contains(&arch)),
        "pyemscripten" => numbers(rest, 2).is_some_and(|(_, arch)| arch == "wasm32"),
        _ => false,
    }
}

/// Tells whether machine code can run where the platform tags of a wheel say.
///
/// Several tags are alternatives; a tag for two architectures at once
/// (`universal2`) wants both.
pub(crate) fn fits(program: &Program, tags: &[String]) -> bool {
    tags.iter().any(|tag| match wanted(tag) {
        None => true,
        Some((format, wanted)) => {
            let has = |wanted: &&str| program.architectures.iter().any(|a| a == wanted);
            let all = tag.ends_with("_universal2");
            program.format == format
                && if all {
                    wanted.iter().all(has)
                } else {
                    wanted.iter().any(has)
                }
        }
    })
}

/// Returns the container and the architectures that a tag stands for; `None`
/// for tags that say nothing about machine code.
fn wanted(tag: &str) -> Option<(ProgramFormat, &'static [&'static str])> {
    use ProgramFormat::{Elf, MachO, Pe};
    let family = tag.split('_').next().unwrap_or_default();
    let format = match family {
        "macosx" | "ios" => MachO,
        "win32" | "win" => Pe,
        "android" | "linux" | "manylinux" | "musllinux" => Elf,
        _ if family.starts_with("manylinux") => Elf,
        _ => return None,
    };
    let ends = |ending: &&(&str, &[&str])| {
        tag.strip_suffix(ending.0)
            .is_some_and(|before| before.ends_with('_'))
    };
    let table = if format == MachO { APPLE } else { PROCESSORS };
    let found = table.iter().find(ends).map(|entry| entry.1);
    let found = if tag == "win32" {
        Some(&["i686"][..])
    } else {
        found
    };
    Some((format, found?))
}

/// Endings of tags and the architectures they mean, longer ones first.
const PROCESSORS: &[(&str, &[&str])] = &[
    ("x86_64", &["x86_64"]),
    ("amd64", &["x86_64"]),
    ("i686", &["i686"]),
    ("x86", &["i686"]),
    ("aarch64", &["aarch64"]),
    ("arm64_v8a", &["aarch64"]),
    ("arm64", &["aarch64"]),
    ("armeabi_v7a", &["arm"]),
    ("armv7l", &["arm"]),
    ("armv6l", &["arm"]),
    ("ppc64le", &["powerpc64le"]),
    ("ppc64", &["powerpc64"]),
    ("s390x", &["s390x"]),
    ("riscv64", &["riscv64"]),
    ("loongarch64", &["loongarch64"]),
];

/// The same for Apple's systems.
const APPLE: &[(&str, &[&str])] = &[
    ("universal2", &["x86_64", "aarch64"]),
    ("universal", &["powerpc", "powerpc64", "i686", "x86_64"]),
    ("intel", &["i686", "x86_64"]),
    ("fat", &["powerpc", "i686"]),
    ("fat3", &["powerpc", "i686", "x86_64"]),
    ("fat64", &["powerpc64", "x86_64"]),
    ("x86_64", &["x86_64"]),
    ("arm64", &["aarch64"]),
    ("i386", &["i686"]),
    ("ppc", &["powerpc"]),
    ("ppc64", &["powerpc64"]),
    ("arm64_iphoneos", &["aarch64"]),
    ("arm64_iphonesimulator", &["aarch64"]),
    ("x86_64_iphonesimulator", &["x86_64"]),
];

const LINUX: [&str; 7] = [
    "x86_64", "i686", "aarch64", "armv7l", "ppc64le", "s390x", "riscv64",
];
const MANYLINUX_2014: [&str; 7] = [
    "x86_64", "i686", "aarch64", "armv7l", "ppc64", "ppc64le", "s390x",
];
const MACOS: [&str; 11] = [
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
const IOS: [&str; 4] = [
    "arm64_iphoneos",
    "x86_64_iphoneos",
    "arm64_iphonesimulator",
    "x86_64_iphonesimulator",
];
const ANDROID: [&str; 4] = ["armeabi_v7a", "arm64_v8a", "x86", "x86_64"];

/// Tells whether PyPI knows a macOS version: 10 with any minor, later ones with none.
fn macos_version(version: &[&str]) -> bool {
    match version {
        ["10", _] => true,
        [major, "0"] => ["11", "12", "13", "14", "15", "26"].contains(major),
        _ => false,
    }
}

/// Splits `count` numbers off the front, as they are spelled.
fn numbers(text: &str, count: usize) -> Option<(Vec<&str>, &str)> {
    let mut parts: Vec<&str> = text.splitn(count + 1, '_').collect();
    let rest = (parts.len() > count).then(|| parts.pop())??;
    let number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    parts.iter().all(number).then_some((parts, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{program, samples};

    #[test]
    fn pypi_takes_the_tags_it_knows() {
        for good in [
            "any",
            "win_amd64",
            "manylinux1_i686",
            "manylinux2014_ppc64",
            "manylinux_2_17_x86_64",
            "manylinux_2_36_ppc64",
            "musllinux_1_2_riscv64",
            "macosx_10_9_x86_64",
            "macosx_11_0_arm64",
            "macosx_26_0_universal2",
            "ios_13_0_arm64_iphonesimulator",
            "android_21_arm64_v8a",
            "pyemscripten_2025_0_wasm32",
            "linux_armv7l",
        ] {
            assert!(accepted_by_pypi(good), "{good}");
        }
        for bad in [
            "linux_x86_64",
            "manylinux2010_aarch64",
            "manylinux_2_x86_64",
            "manylinux_2_17_x86_64_",
            "musllinux_1_1_ppc64",
            "macosx_11_1_arm64",
            "macosx_16_0_arm64",
            "macosx_10_9_amd64",
            "win64",
            "",
        ] {
            assert!(!accepted_by_pypi(bad), "{bad}");
        }
    }

    #[test]
    fn machine_code_fits_its_tags() {
        let fit = |bytes: &[u8], tags: &[&str]| {
            let tags: Vec<String> = tags.iter().map(|&tag| tag.to_owned()).collect();
            fits(&program::parse(bytes).unwrap(), &tags)
        };
        let (elf, arm_elf) = (samples::elf(62), samples::elf(183));
        assert!(fit(
            &elf,
            &["manylinux_2_17_x86_64", "manylinux2014_x86_64"]
        ));
        assert!(
            fit(&elf, &["any"])
                && fit(&elf, &["linux_x86_64"])
                && fit(&elf, &["android_21_x86_64"])
        );
        assert!(!fit(&arm_elf, &["musllinux_1_2_x86_64"]));
        assert!(!fit(&elf, &["macosx_11_0_x86_64"]));
        let arm = samples::macho(0x0100_000c);
        let both = samples::universal(&[0x0100_0007, 0x0100_000c]);
        assert!(fit(&arm, &["macosx_11_0_arm64"]) && fit(&both, &["macosx_11_0_arm64"]));
        assert!(!fit(&arm, &["macosx_10_9_universal2"]));
        assert!(fit(&both, &["macosx_10_9_universal2"]));
        assert!(fit(&samples::pe(0x14c), &["win32"]) && fit(&samples::pe(0x8664), &["win_amd64"]));
        assert!(!fit(&samples::pe(0x14c), &["win_amd64"]));
    }
}
