//! What may be missing: waivers of the configuration and flags of the command line.

use std::collections::BTreeSet;

use super::Waived;
use super::contract::Assembly;
use super::matching::Wanted;
use crate::config::{Pattern, Scope, Vars, Waiver};
use crate::version::Version;

/// The waivers and flags that count for this release, and which were needed.
pub(super) struct Permits {
    permits: Vec<Permit>,
    used: BTreeSet<usize>,
}

struct Permit {
    name: String,
    because: String,
    words: String,
}

impl Permits {
    /// Takes the flags, and the waivers for this version that have not expired.
    pub(super) fn new(input: &Assembly<'_>, warnings: &mut Vec<String>) -> Self {
        let flags = input.flags.allow_missing.iter().map(|flag| Permit {
            name: flag.name.clone(),
            because: flag.because.clone(),
            words: format!("--allow-missing {}", flag.name),
        });
        let mut permits: Vec<_> = flags.collect();
        for waiver in &input.config.waivers {
            match problem(waiver, input) {
                Some(problem) => warnings.push(problem),
                None => permits.push(Permit {
                    name: waiver.missing.clone(),
                    because: waiver.because.clone(),
                    words: format!("the waiver for `{}`", waiver.missing),
                }),
            }
        }
        let used = BTreeSet::new();
        Self { permits, used }
    }

    /// Returns the permission to do without a file, if there is one.
    pub(super) fn find(&mut self, wanted: &Wanted<'_>, vars: &Vars<'_>) -> Option<Waived> {
        let covering = |permit: &Permit| covers(&permit.name, wanted, vars);
        let index = self.permits.iter().position(covering)?;
        self.used.insert(index);
        Some(Waived {
            missing: wanted.pattern.text.clone(),
            because: self.permits[index].because.clone(),
        })
    }

    /// Returns a warning for every permission that nothing needed.
    pub(super) fn unused(&self) -> Vec<String> {
        (0..)
            .zip(&self.permits)
            .filter(|(index, _)| !self.used.contains(index))
            .map(|(_, permit)| {
                format!(
                    "{} is not needed: nothing it names is missing",
                    permit.words
                )
            })
            .collect()
    }
}

fn problem(waiver: &Waiver, input: &Assembly<'_>) -> Option<String> {
    let Waiver {
        missing,
        version,
        until,
        ..
    } = waiver;
    let tag = &input.tag.version;
    let same = version
        .parse()
        .is_ok_and(|version: Version| same_version(&version, tag));
    if !same {
        return Some(format!(
            "the waiver for `{missing}` is for version {version} and is ignored"
        ));
    }
    let expired = || format!("the waiver for `{missing}` expired after {until} and is ignored");
    (*until < input.today).then(expired)
}

/// Tells whether two spellings are one version, build metadata included.
pub(super) fn same_version(one: &Version, other: &Version) -> bool {
    let by_scheme = || match (one.pep440(), other.pep440()) {
        (Ok(one), Ok(other)) => one == other,
        _ => matches!((one.semver(), other.semver()), (Ok(one), Ok(other)) if one == other),
    };
    one.as_str() == other.as_str() || by_scheme()
}

/// Tells whether a permission's name is the wanted platform, its pattern, or a
/// pattern that matches the one path it stands for.
fn covers(name: &str, wanted: &Wanted<'_>, vars: &Vars<'_>) -> bool {
    let platform = wanted.pattern.platform.as_ref();
    if platform.is_some_and(|platform| platform.name == name || platform.target == name) {
        return true;
    }
    if name == wanted.pattern.text || name == wanted.written.as_str() {
        return true;
    }
    let path = || wanted.pattern.text.parse().ok();
    let Some(path) = wanted.pattern.is_path().then(path).flatten() else {
        return false;
    };
    Pattern::parse(name, Scope::Files)
        .and_then(|pattern| pattern.expand(vars, platform.map_or(&[], std::slice::from_ref)))
        .is_ok_and(|patterns| patterns.iter().any(|pattern| pattern.matches(&path)))
}
