//! Where each artifact goes, under which name, and what it must be.

use std::collections::BTreeMap;

use super::contract::Listed;
use super::declarations::Declarations;
use super::matching::Found;
use super::{Artifact, Place};
use crate::blocker::{Blocker, Code};
use crate::config::{Config, DestinationKind, Kind, Vars, VersionRule, split_extension};
use crate::dist::DistName;
use crate::name::{DestinationName, FileName, SourcePath};

/// Puts together the artifacts, one for each path, in the order they are found.
pub(super) struct Collector<'a> {
    config: &'a Config,
    vars: &'a Vars<'a>,
    declarations: &'a Declarations<'a>,
    artifacts: Vec<Artifact>,
    by_path: BTreeMap<SourcePath, usize>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(
        config: &'a Config,
        vars: &'a Vars<'a>,
        declarations: &'a Declarations<'a>,
    ) -> Self {
        Self {
            config,
            vars,
            declarations,
            artifacts: Vec::new(),
            by_path: BTreeMap::new(),
        }
    }

    /// Adds a file with its places; one that is there already gets more places.
    pub(super) fn add(&mut self, found: &Found<'_>, blockers: &mut Vec<Blocker>) {
        let names = self.names(found, blockers);
        let artifact = self.artifact(found, &names);
        for name in &names {
            for destination in &found.to {
                blockers.extend(self.refusal(&artifact, name, destination));
            }
        }
        if let Some(index) = self.by_path.get(&artifact.path) {
            blockers.extend(merge(&mut self.artifacts[*index], artifact));
        } else {
            let index = self.artifacts.len();
            self.by_path.insert(artifact.path.clone(), index);
            self.artifacts.push(artifact);
        }
    }

    /// Returns the artifacts. Two that get one name in one place block.
    pub(super) fn finish(self, blockers: &mut Vec<Blocker>) -> Vec<Artifact> {
        let mut taken: BTreeMap<(&DestinationName, String), (&FileName, &SourcePath)> =
            BTreeMap::new();
        for artifact in &self.artifacts {
            for place in &artifact.places {
                let key = (&place.destination, place.name.folded());
                let (name, path) = taken.entry(key).or_insert((&place.name, &artifact.path));
                if *path == &artifact.path && **name == place.name {
                    continue;
                }
                let reason = format!("two files get this name in {}", place.destination);
                let both = format!("{path} as {name} · {} as {}", artifact.path, place.name);
                let blocker = Blocker::new(Code::Ambiguous, place.name.as_str(), reason)
                    .detail(both)
                    .way_out("Names differ in more than case; `files` can give new ones.");
                blockers.push(blocker);
            }
        }
        self.artifacts
    }

    /// Returns the names that a file gets.
    fn names(&self, found: &Found<'_>, blockers: &mut Vec<Blocker>) -> Vec<FileName> {
        // What goes nowhere needs no name that could be published.
        if found.to.is_empty() {
            return Vec::new();
        }
        let last = found.file.path.last_segment();
        let vars = self
            .vars
            .with_platform(found.platform.as_ref())
            .with_file(last);
        let texts: Vec<Result<String, String>> = if found.names.is_empty() {
            vec![Ok(last.to_owned())]
        } else {
            let render = |name: &crate::config::Template| name.render(&vars);
            let texts = found.names.iter().map(render);
            texts.map(|text| text.map_err(|e| e.to_string())).collect()
        };
        let mut out = Vec::new();
        for text in texts {
            let name = text.and_then(|text| {
                let parsed: Result<FileName, _> = text.parse();
                parsed.map_err(|error| error.to_string())
            });
            match name {
                Ok(name) => out.push(name),
                Err(why) => {
                    let blocker = Blocker::new(Code::Refused, found.file.path.as_str(), why)
                        .way_out("A table in `files` can give it another name.");
                    blockers.push(blocker);
                }
            }
        }
        out
    }

    fn artifact(&self, found: &Found<'_>, names: &[FileName]) -> Artifact {
        let Listed {
            path,
            origin,
            size,
            pin,
        } = found.file;
        let to_index = found.to.iter().any(|name| self.is_index(name));
        let has_platform = found.platform.is_some();
        let kind = found.rule.kind;
        let kind = kind.unwrap_or_else(|| kind_of(path.last_segment(), to_index, has_platform));
        let places = found.to.iter().flat_map(|destination| {
            names.iter().map(|name| Place {
                destination: (*destination).clone(),
                name: name.clone(),
            })
        });
        Artifact {
            path: path.clone(),
            origin: *origin,
            pin: pin.clone(),
            size: *size,
            gzip: false,
            declared: self.declarations.of(path),
            kind,
            target: target(found, kind, names),
            platform: found
                .platform
                .as_ref()
                .map(|platform| platform.name.clone()),
            version: found.rule.version,
            places: places.collect(),
        }
    }

    fn is_index(&self, name: &DestinationName) -> bool {
        let kind = self.config.destinations.get(name).map(|d| &d.kind);
        matches!(kind, Some(DestinationKind::Index { .. }))
    }

    /// Returns why a destination would not take a file under a name.
    fn refusal(
        &self,
        artifact: &Artifact,
        name: &FileName,
        destination: &DestinationName,
    ) -> Option<Blocker> {
        let refused = |reason: String| Blocker::new(Code::Refused, name.as_str(), reason);
        let distribution = matches!(artifact.kind, Kind::Wheel | Kind::Sdist);
        if distribution && name.as_str() != artifact.path.last_segment() {
            let reason = format!("{} keeps its name", artifact.kind.with_article());
            return Some(refused(reason).detail(format!("from {}", artifact.path)));
        }
        if self.is_index(destination) {
            if !distribution {
                let reason = format!(
                    "{destination} takes wheels and source distributions only, and this is {}",
                    artifact.kind.with_article()
                );
                return Some(refused(reason));
            }
            let parsed: Result<DistName, _> = name.as_str().parse();
            return parsed.err().map(|error| refused(error.to_string()));
        }
        let renamed = at_github(name.as_str());
        let way_out = if distribution {
            "A distribution keeps its name: it cannot go there."
        } else {
            "A table in `files` can give it another name."
        };
        (renamed != name.as_str())
            .then(|| refused(format!("GitHub would rename it to {renamed}")).way_out(way_out))
    }
}

/// Returns the name under which GitHub stores an asset. A `+`, as local versions
/// of wheels have it, is kept.
fn at_github(name: &str) -> String {
    let kept = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
    let renamed: String = name
        .chars()
        .map(|c| if kept(c) { c } else { '.' })
        .collect();
    renamed.trim_matches('.').to_owned()
}

/// Returns what a file must be, from its name and where it goes.
fn kind_of(name: &str, to_index: bool, has_platform: bool) -> Kind {
    let is_sdist = || matches!(name.parse(), Ok(DistName::Sdist(_)));
    match split_extension(name).1 {
        ".whl" => Kind::Wheel,
        ".tar.gz" if to_index && is_sdist() => Kind::Sdist,
        ".tar" | ".tar.gz" | ".tgz" | ".tar.xz" | ".txz" | ".tar.zst" | ".tar.bz2" | ".zip" => {
            Kind::Archive
        }
        ".so" | ".dll" | ".dylib" | ".a" | ".lib" => Kind::Library,
        ".exe" => Kind::Binary,
        "" if name.contains(".so.") => Kind::Library,
        "" if has_platform => Kind::Binary,
        _ => Kind::File,
    }
}

/// Returns the triple that machine code inside must be for. A distribution's own
/// tags say that more exactly.
fn target(found: &Found<'_>, kind: Kind, names: &[FileName]) -> Option<String> {
    let given = || found.rule.target.clone();
    match kind {
        Kind::Wheel | Kind::Sdist | Kind::File => given(),
        Kind::Binary | Kind::Library | Kind::Archive => given()
            .or_else(|| {
                found
                    .platform
                    .as_ref()
                    .map(|platform| platform.target.clone())
            })
            .or_else(|| names.iter().find_map(|name| triple_in(name.as_str()))),
    }
}

/// What a target triple has behind its architecture, longer ones first.
const SYSTEMS: [&str; 10] = [
    "unknown-linux-musleabihf",
    "unknown-linux-gnueabihf",
    "unknown-linux-musleabi",
    "unknown-linux-gnueabi",
    "unknown-linux-musl",
    "unknown-linux-gnu",
    "pc-windows-msvc",
    "pc-windows-gnu",
    "unknown-freebsd",
    "apple-darwin",
];

/// Returns the target triple that a published name contains.
fn triple_in(name: &str) -> Option<String> {
    let (at, system) = SYSTEMS
        .iter()
        .find_map(|system| Some((name.find(&format!("-{system}"))?, system)))?;
    let arch = name[..at].rsplit(['-', '.']).next()?;
    let known = [
        "x86_64",
        "aarch64",
        "i686",
        "i586",
        "armv7",
        "arm",
        "powerpc64le",
        "s390x",
        "riscv64gc",
        "loongarch64",
    ];
    known.contains(&arch).then(|| format!("{arch}-{system}"))
}

/// Adds what another rule says of the same file.
fn merge(artifact: &mut Artifact, other: Artifact) -> Option<Blocker> {
    let kind = (artifact.kind, other.kind);
    let agreed = match kind {
        (one, two) if one == two => Some(one),
        (Kind::Archive | Kind::File, Kind::Sdist) | (Kind::Sdist, Kind::Archive | Kind::File) => {
            Some(Kind::Sdist)
        }
        (Kind::File, specific) | (specific, Kind::File) => Some(specific),
        _ => None,
    };
    artifact.kind = agreed.unwrap_or(kind.0);
    if artifact.target != other.target {
        let both = artifact.target.is_some() && other.target.is_some();
        artifact.target = if both {
            None
        } else {
            artifact.target.take().or(other.target)
        };
    }
    if artifact.platform != other.platform {
        let both = artifact.platform.is_some() && other.platform.is_some();
        artifact.platform = if both {
            None
        } else {
            artifact.platform.take().or(other.platform)
        };
    }
    if other.version == VersionRule::Same {
        artifact.version = VersionRule::Same;
    }
    for place in other.places {
        if !artifact.places.contains(&place) {
            artifact.places.push(place);
        }
    }
    agreed.is_none().then(|| {
        let (one, two) = (kind.0.with_article(), kind.1.with_article());
        let reason = format!("is {one} for one of [[artifacts]] and {two} for another");
        Blocker::new(Code::Ambiguous, artifact.path.as_str(), reason)
    })
}
