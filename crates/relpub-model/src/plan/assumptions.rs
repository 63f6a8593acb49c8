//! Assumptions: what cannot be read beforehand and is taken for granted.

use std::collections::BTreeMap;

use super::Presence;
use super::presence::ReleaseState;
use super::steps::Judged;
use crate::config::{Audience, Credential, Destination};
use crate::dist::DistName;
use crate::name::ProjectName;
use crate::observed::{IndexProject, Releases};
use crate::promotion::{Edge, Promotion};

/// The size up to which PyPI takes a file from any project, in bytes.
const PYPI_DEFAULT_LIMIT: u64 = 100 << 20;

/// Names the files for which an index must have granted more than its default.
pub(super) fn sizes(judged: &[Judged<'_>], service: &str) -> Vec<String> {
    let large = |(edge, presence): &&Judged<'_>| {
        *presence == Presence::Absent && edge.size > PYPI_DEFAULT_LIMIT
    };
    let assumption = |(edge, _): &Judged<'_>| {
        let project =
            project_of(edge).map_or_else(|| "the project".to_owned(), |name| name.to_string());
        let size = edge.size >> 20;
        format!(
            "{service} grants {project} more than its default of 100 MiB per file ({} is {size} MiB)",
            edge.name
        )
    };
    judged.iter().filter(large).map(assumption).collect()
}

/// Says which right to upload is taken for granted.
pub(super) fn index_rights(
    destination: &Destination,
    service: &str,
    judged: &[Judged<'_>],
    projects: &BTreeMap<ProjectName, IndexProject>,
) -> String {
    let mut names: Vec<ProjectName> = judged.iter().filter_map(|j| project_of(j.0)).collect();
    names.sort();
    names.dedup();
    let new = |name: &ProjectName| projects.get(name).is_none_or(|project| !project.exists);
    let list: Vec<String> = names
        .iter()
        .map(|name| {
            if new(name) {
                format!("{name} (a new project)")
            } else {
                name.to_string()
            }
        })
        .collect();
    let list = list.join(", ");
    let who = if destination.credential == Credential::Trusted {
        "takes this workflow as a trusted publisher of"
    } else {
        "lets this token upload to"
    };
    let read = if destination.audience == Audience::Public {
        ""
    } else {
        ", and lets it read back"
    };
    format!("{service} {who} {list}{read}")
}

/// Names what a release at a forge takes for granted.
pub(super) fn release(
    promotion: &Promotion,
    releases: &Releases,
    state: &ReleaseState<'_>,
    service: &str,
) -> Vec<String> {
    let tag = &promotion.tag.name;
    let mut out = Vec::new();
    if matches!(state, ReleaseState::None) {
        if !releases.drafts_visible {
            out.push(format!(
                "{service} has no draft for {tag} (drafts cannot be seen with this credential)"
            ));
        }
        out.push(format!(
            "the tag name {tag} was not burned by an immutable release that was deleted ({service} tells only when the release is made)"
        ));
    }
    out.push(format!(
        "this credential may write releases of {}",
        promotion.repository.name
    ));
    out
}

fn project_of(edge: &Edge) -> Option<ProjectName> {
    edge.name
        .as_str()
        .parse::<DistName>()
        .ok()
        .map(|name| name.project().clone())
}
