//! Steps: what is left to do, in the order of regret.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Phase, Pointer, Presence, Step};
use crate::config::DestinationKind;
use crate::dist::DistName;
use crate::findings::Distribution;
use crate::name::{DestinationName, FileName, ProjectName};
use crate::promotion::Edge;

/// The places of destinations in the order of regret: an index never takes
/// anything back, a release's notes point at everything else.
const INDEX: u8 = 10;
const TAG: u8 = 80;
/// Evidence that goes public: before what it is about.
pub(super) const STORE: u8 = 5;
pub(super) const RELEASE: u8 = 90;

/// An edge and what its destination holds of it.
pub(crate) type Judged<'a> = (&'a Edge, Presence);

/// Returns the place of a destination in the order of regret.
pub(crate) fn rank(kind: &DestinationKind) -> u8 {
    match kind {
        DestinationKind::Index { .. } => INDEX,
        DestinationKind::GitHub { .. } => RELEASE,
    }
}

/// Returns the step that makes the tag.
pub(crate) fn create_tag() -> Step {
    Step {
        phase: Phase::Publish,
        rank: TAG,
        wave: 0,
        action: Action::CreateTag,
    }
}

/// Returns the step that moves a pointer.
pub(crate) fn point(pointer: Pointer) -> Step {
    Step {
        phase: Phase::Point,
        rank: RELEASE,
        wave: 0,
        action: Action::Point { pointer },
    }
}

/// Returns the step that reads a destination back.
pub(crate) fn confirm(destination: &DestinationName, kind: &DestinationKind) -> Step {
    let action = Action::Confirm {
        destination: destination.clone(),
    };
    Step {
        phase: Phase::Confirm,
        rank: rank(kind),
        wave: 0,
        action,
    }
}

/// Returns the steps that make a release of files public: a draft, its assets,
/// and its publication; or the missing assets of one that is public.
pub(crate) fn release(
    destination: &DestinationName,
    published: bool,
    edges: &[Judged<'_>],
) -> Vec<Step> {
    let missing = edges
        .iter()
        .filter(|(_, presence)| matches!(presence, Presence::Absent | Presence::Partial));
    let step = |phase, wave, action| Step {
        phase,
        rank: RELEASE,
        wave,
        action,
    };
    let mut out = Vec::new();
    if published {
        out.extend(missing.map(|(edge, _)| {
            step(
                Phase::Publish,
                0,
                Action::Upload {
                    edge: (*edge).clone(),
                },
            )
        }));
        return out;
    }
    out.push(step(
        Phase::Stage,
        0,
        Action::Open {
            destination: destination.clone(),
        },
    ));
    out.extend(missing.map(|(edge, _)| {
        step(
            Phase::Stage,
            1,
            Action::Stage {
                edge: (*edge).clone(),
            },
        )
    }));
    out.push(step(
        Phase::Publish,
        0,
        Action::Release {
            destination: destination.clone(),
        },
    ));
    out
}

/// Returns the steps that upload to an index: projects in dependency order; of
/// each the first wheel alone, since it creates the release, then the other
/// wheels together, and the source distribution last, so that nobody builds
/// from source what is about to come as a wheel.
pub(crate) fn index(
    edges: &[Judged<'_>],
    distributions: &BTreeMap<FileName, Distribution>,
) -> Vec<Step> {
    let mut projects: BTreeMap<ProjectName, Vec<&Judged<'_>>> = BTreeMap::new();
    for judged in edges {
        if let Ok(name) = judged.0.name.as_str().parse::<DistName>() {
            projects
                .entry(name.project().clone())
                .or_default()
                .push(judged);
        }
    }
    let mut wave = 0;
    let mut out = Vec::new();
    for project in in_dependency_order(projects.keys(), distributions) {
        for group in groups(&projects[&project]) {
            let upload = |edge: &Edge| Step {
                phase: Phase::Publish,
                rank: INDEX,
                wave,
                action: Action::Upload { edge: edge.clone() },
            };
            out.extend(group.into_iter().map(upload));
            wave += 1;
        }
    }
    out
}

/// Divides the absent files of one project into groups that go one after another.
fn groups<'a>(judged: &[&Judged<'a>]) -> Vec<Vec<&'a Edge>> {
    let absent = |wheel: bool| {
        let wanted = move |j: &&&Judged<'a>| {
            j.1 == Presence::Absent && j.0.name.as_str().ends_with(".whl") == wheel
        };
        judged
            .iter()
            .filter(wanted)
            .map(|j| j.0)
            .collect::<Vec<&Edge>>()
    };
    let release_exists = judged.iter().any(|j| j.1 == Presence::Same);
    let mut wheels = absent(true);
    let mut out = Vec::new();
    if !release_exists && !wheels.is_empty() {
        out.push(vec![wheels.remove(0)]);
    }
    out.push(wheels);
    out.push(absent(false));
    out.retain(|group| !group.is_empty());
    out
}

/// Sorts projects so that each comes after those it requires; in a cycle the
/// first by name goes first.
fn in_dependency_order<'a>(
    projects: impl Iterator<Item = &'a ProjectName>,
    distributions: &BTreeMap<FileName, Distribution>,
) -> Vec<ProjectName> {
    let mut left: BTreeSet<ProjectName> = projects.cloned().collect();
    let mut requires: BTreeMap<ProjectName, BTreeSet<ProjectName>> = BTreeMap::new();
    for distribution in distributions.values() {
        let project = distribution.name.project();
        let wanted = distribution
            .metadata
            .all("Requires-Dist")
            .filter_map(required_project);
        let inside = wanted.filter(|name| name != project && left.contains(name));
        requires.entry(project.clone()).or_default().extend(inside);
    }
    let mut out = Vec::new();
    while !left.is_empty() {
        let free = |p: &&ProjectName| {
            requires
                .get(*p)
                .is_none_or(|needs| needs.is_disjoint(&left))
        };
        let next = left.iter().find(free).or_else(|| left.first()).cloned();
        let Some(next) = next else { break };
        left.remove(&next);
        out.push(next);
    }
    out
}

/// Returns the project that a requirement such as `foo[bar]>=1; …` names.
fn required_project(requirement: &str) -> Option<ProjectName> {
    let end = requirement.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
    requirement[..end.unwrap_or(requirement.len())]
        .trim_end_matches(['-', '_', '.'])
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Sha256;
    use crate::findings::Metadata;
    use crate::promotion::Mutability;

    fn edge(name: &str) -> Edge {
        Edge {
            destination: "pypi".parse().unwrap(),
            name: name.parse().unwrap(),
            sha256: Sha256::of(name.as_bytes()),
            size: 1,
            mutability: Mutability::Immutable,
        }
    }

    fn requires(file: &str, requirement: &str) -> (FileName, Distribution) {
        let fields = vec![("Requires-Dist".to_owned(), requirement.to_owned())];
        let name = file.parse().unwrap();
        (
            file.parse().unwrap(),
            Distribution {
                name,
                metadata: Metadata { fields },
                native: Vec::new(),
            },
        )
    }

    fn waves(
        edges: &[(Edge, Presence)],
        distributions: &BTreeMap<FileName, Distribution>,
    ) -> Vec<String> {
        let judged: Vec<Judged<'_>> = edges
            .iter()
            .map(|(edge, presence)| (edge, *presence))
            .collect();
        index(&judged, distributions)
            .iter()
            .map(|step| match &step.action {
                Action::Upload { edge } => format!("{} {}", step.wave, edge.name),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn the_first_wheel_goes_alone_and_the_source_last() {
        let names = [
            "a-1-py3-none-any.whl",
            "a-1-py3-none-win32.whl",
            "a-1-py3-none-win_arm64.whl",
            "a-1.tar.gz",
        ];
        let edges = names.map(|name| (edge(name), Presence::Absent));
        let expected = [
            "0 a-1-py3-none-any.whl",
            "1 a-1-py3-none-win32.whl",
            "1 a-1-py3-none-win_arm64.whl",
            "2 a-1.tar.gz",
        ];
        assert_eq!(waves(&edges, &BTreeMap::new()), expected);
        let begun = names.map(|name| {
            (
                edge(name),
                if name.contains("any") {
                    Presence::Same
                } else {
                    Presence::Absent
                },
            )
        });
        let expected = [
            "0 a-1-py3-none-win32.whl",
            "0 a-1-py3-none-win_arm64.whl",
            "1 a-1.tar.gz",
        ];
        assert_eq!(waves(&begun, &BTreeMap::new()), expected);
    }

    #[test]
    fn a_project_waits_for_those_it_requires() {
        let edges = ["app-1-py3-none-any.whl", "my_lib-1-py3-none-any.whl"]
            .map(|name| (edge(name), Presence::Absent));
        let distributions = BTreeMap::from([requires(
            "app-1-py3-none-any.whl",
            "My.Lib[fast] >=1; python_version > '3'",
        )]);
        assert_eq!(
            waves(&edges, &distributions),
            ["0 my_lib-1-py3-none-any.whl", "1 app-1-py3-none-any.whl"]
        );
    }

    #[test]
    fn a_cycle_is_broken_by_name() {
        let edges = ["a-1-py3-none-any.whl", "b-1-py3-none-any.whl"]
            .map(|name| (edge(name), Presence::Absent));
        let distributions = BTreeMap::from([
            requires("a-1-py3-none-any.whl", "b"),
            requires("b-1-py3-none-any.whl", "a"),
        ]);
        assert_eq!(
            waves(&edges, &distributions),
            ["0 a-1-py3-none-any.whl", "1 b-1-py3-none-any.whl"]
        );
    }
}
