//! What Go's linker tells of a build: the modules and the settings.
//!
//! Behind a marker in a section of its own, or in the first that is written to,
//! stand the version of Go and a text of lines (`debug/buildinfo` in Go's
//! library; since Go 1.18 both follow the header of 32 bytes).

use std::ops::Range;

use crate::fault::Fault;

use super::binary::{Binary, GO_MARKER};
use super::parts::{Kind, Part, Parts, property};
use super::purl;
use super::sections::Section;

/// Bytes of all that is told; the largest programs tell some 100 KiB.
pub(super) const LIMIT: u64 = 1 << 20;

const HEADER: usize = 32;
/// The flag that says that the texts follow the header.
const INLINE: u8 = 2;
/// Bytes before and behind the lines, by which Go finds them in memory.
const FRAME: usize = 16;

/// What is told of a build.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct BuildInfo {
    /// The version of Go, such as `1.24.1`; `None` for one between releases.
    go: Option<String>,
    main: Option<Module>,
    modules: Vec<Module>,
    settings: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Module {
    path: String,
    version: String,
    sum: String,
    /// The module that this one stands in for.
    replaces: Option<String>,
}

/// Returns where it is told, if it is.
pub(super) fn find(binary: &Binary, sections: &[Section]) -> Option<Range<u64>> {
    let own =
        |section: &&Section| [&b".go.buildinfo"[..], b"__go_buildinfo"].contains(&&*section.name);
    let section = sections
        .iter()
        .find(own)
        .or_else(|| sections.iter().find(|section| section.writable))?;
    let range = &section.range;
    let aligned = |at: &&u64| range.contains(at) && (**at - range.start).is_multiple_of(16);
    let start = *binary.markers.iter().find(aligned)?;
    let end = range.end.min(binary.size).min(start.saturating_add(LIMIT));
    (start < end).then_some(start..end)
}

/// Reads what begins with the marker.
pub(super) fn parse(bytes: &[u8]) -> Result<BuildInfo, &'static str> {
    const MALFORMED: &str = "its Go build information is malformed";
    let (header, rest) = bytes.split_at_checked(HEADER).ok_or(MALFORMED)?;
    if !header.starts_with(GO_MARKER) {
        return Err(MALFORMED);
    }
    if header[15] & INLINE == 0 {
        return Err("its Go build information is from before Go 1.18, which is not read");
    }
    let (version, rest) = text(rest).ok_or(MALFORMED)?;
    let (lines, _) = text(rest).ok_or(MALFORMED)?;
    let lines = unframed(lines);
    let mut info = BuildInfo {
        go: release(&String::from_utf8_lossy(version)),
        ..BuildInfo::default()
    };
    for line in String::from_utf8_lossy(lines).lines() {
        info.read(line);
    }
    Ok(info)
}

/// Splits off a text: its length as a varint (LEB128), and its bytes.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0_usize;
    // Five groups of seven bits are more than any limit here.
    for (index, byte) in bytes.iter().enumerate().take(5) {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return bytes[index + 1..].split_at_checked(length);
        }
    }
    None
}

fn unframed(lines: &[u8]) -> &[u8] {
    let framed = lines.len() > 2 * FRAME && lines[lines.len() - FRAME - 1] == b'\n';
    if framed {
        &lines[FRAME..lines.len() - FRAME]
    } else {
        &[]
    }
}

/// Returns the release in a version such as `go1.24.1 X:nocoverageredesign`.
fn release(version: &str) -> Option<String> {
    let number = version.strip_prefix("go")?.split(' ').next()?;
    let released = number.starts_with(|c: char| c.is_ascii_digit());
    released.then(|| number.to_owned())
}

/// The settings that say what was built and from what; the others may hold paths
/// of the machine that built it.
const SETTINGS: [&str; 6] = [
    "CGO_ENABLED",
    "GOARCH",
    "GOOS",
    "vcs.modified",
    "vcs.revision",
    "vcs.time",
];

impl BuildInfo {
    fn read(&mut self, line: &str) {
        let (word, rest) = line.split_once('\t').unwrap_or((line, ""));
        match word {
            "mod" => self.main = Some(Module::of(rest)),
            "dep" => self.modules.push(Module::of(rest)),
            "=>" => {
                if let Some(module) = self.modules.last_mut().or(self.main.as_mut()) {
                    let replaces = Some(format!("{}@{}", module.path, module.version));
                    let by = Module::of(rest);
                    *module = Module { replaces, ..by };
                }
            }
            "build" => {
                let key = rest.split_once('=').map_or("", |(key, _)| key);
                if SETTINGS.contains(&key) {
                    self.settings.push(rest.to_owned());
                }
            }
            _ => {}
        }
    }

    /// Adds the modules that the program `owner` is made of.
    ///
    /// Go does not tell which module needs which; so all hang on the main one.
    pub(super) fn add(&self, parts: &mut Parts<'_>, owner: &str, path: &str) -> Result<(), Fault> {
        let mut from = owner.to_owned();
        if let Some(main) = &self.main {
            let mut part = main.part(path);
            part.kind = Kind::Application;
            for setting in &self.settings {
                part.note(property::GO_BUILD, setting);
            }
            let reference = main.reference();
            parts.add(&reference, part)?;
            parts.needs(owner, &reference)?;
            from = reference;
        }
        let library = self.go.as_ref().map(|version| Module {
            path: "stdlib".to_owned(),
            version: version.clone(),
            ..Module::default()
        });
        for module in self.modules.iter().chain(&library) {
            let reference = module.reference();
            parts.add(&reference, module.part(path))?;
            parts.needs(&from, &reference)?;
        }
        Ok(())
    }
}

impl Module {
    fn of(fields: &str) -> Self {
        let mut fields = fields.split('\t').map(str::to_owned);
        let mut next = || fields.next().unwrap_or_default();
        Self {
            path: next(),
            version: next(),
            sum: next(),
            replaces: None,
        }
    }

    /// Returns the version; `None` where it was built from a folder.
    fn version(&self) -> Option<&str> {
        Some(self.version.as_str()).filter(|version| !["", "(devel)"].contains(version))
    }

    /// Tells whether it is a module, and not a folder of the machine that built it.
    fn is_module(&self) -> bool {
        !self.path.starts_with(['.', '/', '\\']) && !self.path.contains(':')
    }

    fn reference(&self) -> String {
        if self.is_module() {
            purl::golang(&self.path, self.version())
        } else {
            format!("go:{}@{}", self.path, self.version)
        }
    }

    fn part(&self, path: &str) -> Part {
        let mut part = Part::named(Kind::Library, &self.path);
        part.version = self.version().map(str::to_owned);
        part.purl = self.is_module().then(|| self.reference());
        part.note(property::FOUND_BY, "go-build-info");
        if !self.sum.is_empty() {
            part.note(property::GO_SUM, &self.sum);
        }
        if let Some(replaced) = &self.replaces {
            part.note(property::GO_REPLACES, replaced);
        }
        part.found_in.insert(path.to_owned());
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::go_build_info;

    #[test]
    fn modules_are_read_and_replaced() {
        let lines = "path\texample.org/tool/cmd\nmod\texample.org/tool\t(devel)\t\n\
            dep\tgolang.org/x/sys\tv0.20.0\th1:old=\n=>\texample.org/sys\tv0.21.0\th1:new=\n\
            build\tGOOS=linux\nbuild\t-ldflags=\"-X a=/home/me\"\n";
        let info = parse(&go_build_info("go1.24.1 X:some", lines)).unwrap();
        assert_eq!(info.go.as_deref(), Some("1.24.1"));
        assert_eq!(info.main.as_ref().unwrap().version(), None);
        let module = &info.modules[0];
        assert_eq!(module.reference(), "pkg:golang/example.org/sys@v0.21.0");
        let replaced = "golang.org/x/sys@v0.20.0";
        assert_eq!(module.replaces.as_deref(), Some(replaced));
        assert_eq!(info.settings, ["GOOS=linux"]);
    }

    #[test]
    fn what_ends_too_early_or_is_old_is_refused() {
        let whole = go_build_info("go1.24", "mod\ta\tv1\t\n");
        for length in 0..whole.len() {
            assert!(parse(&whole[..length]).is_err(), "{length}");
        }
        let mut old = whole;
        old[15] = 0;
        assert!(parse(&old).unwrap_err().contains("before Go 1.18"));
    }
}
