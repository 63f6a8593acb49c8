//! Presence: what a destination holds of an edge, and what speaks against it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Presence, service_name};
use crate::blocker::{Blocker, Code};
use crate::config::{Destination, DestinationKind};
use crate::dist::DistName;
use crate::name::ProjectName;
use crate::observed::{
    ForgeRelease, Held, HeldState, Holdings, IndexProject, Known, Observed, Releases,
};
use crate::promotion::{Edge, Promotion};

/// What a destination holds of an edge, with the reason where that blocks.
pub(crate) struct Found {
    /// What it holds.
    pub(crate) presence: Presence,
    /// Why nothing can be published over it.
    pub(crate) blocker: Option<Blocker>,
}

impl Found {
    fn fine(presence: Presence) -> Self {
        Self {
            presence,
            blocker: None,
        }
    }

    fn blocked(presence: Presence, blocker: Blocker) -> Self {
        Self {
            presence,
            blocker: Some(blocker),
        }
    }
}

/// Compares every edge that goes to a destination with what was observed there,
/// in order of name.
pub(crate) fn judge<'a>(
    destination: &Destination,
    promotion: &'a Promotion,
    observed: &Observed,
) -> Vec<(&'a Edge, Found)> {
    let edges = promotion
        .edges
        .iter()
        .filter(|edge| edge.destination == destination.name);
    let service = service_name(&destination.name);
    match observed.destinations.get(&destination.name) {
        Some(Known::Seen(Holdings::Index(projects))) => {
            let pypi = matches!(&destination.kind, DestinationKind::Index { urls: None });
            edges
                .map(|edge| {
                    (
                        edge,
                        at_index(edge, project_of(edge, projects), service, pypi, observed.at),
                    )
                })
                .collect()
        }
        Some(Known::Seen(Holdings::Releases(releases))) => {
            let state = release_state(releases, &promotion.marker(), &promotion.tag.name);
            edges
                .map(|edge| (edge, at_release(edge, &state, service)))
                .collect()
        }
        Some(Known::Unknown(_)) | None => edges
            .map(|edge| (edge, Found::fine(Presence::Unknown)))
            .collect(),
    }
}

/// A project that the index does not know.
static UNKNOWN_PROJECT: IndexProject = IndexProject {
    exists: false,
    status: String::new(),
    files: Vec::new(),
};

fn project_of<'a>(
    edge: &Edge,
    projects: &'a BTreeMap<ProjectName, IndexProject>,
) -> &'a IndexProject {
    let name = edge.name.as_str().parse::<DistName>().ok();
    name.and_then(|name| projects.get(name.project()))
        .unwrap_or(&UNKNOWN_PROJECT)
}

/// The largest file that PyPI grants any project, in bytes.
const PYPI_LARGEST_GRANT: u64 = 1 << 30;

/// How long PyPI takes new files for a release.
const PYPI_OPEN_FOR: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Compares an edge with what an index holds of its project.
///
/// `service` is the index's name for people; `pypi` says that PyPI's own rules
/// apply, which private indexes do not have.
fn at_index(
    edge: &Edge,
    project: &IndexProject,
    service: &str,
    pypi: bool,
    now: Timestamp,
) -> Found {
    let name = edge.name.as_str();
    if let Some(held) = project.files.iter().find(|held| held.name == name) {
        return compare_index_file(edge, held, service);
    }
    if let Some(other) = project
        .files
        .iter()
        .find(|held| held.sha256 == Some(edge.sha256))
    {
        let blocker = Blocker::new(Code::Conflict, name, format!("has the same bytes as another file on {service}"))
            .detail(format!("there as {}", other.name))
            .way_out(format!("{service} takes the same bytes only once. Build the file anew, or leave one of the two out."));
        return Found::blocked(Presence::Conflict, blocker);
    }
    match why_refused(edge, project, service, pypi, now) {
        Some(blocker) => Found::blocked(Presence::Refused, blocker),
        None => Found::fine(Presence::Absent),
    }
}

fn compare_index_file(edge: &Edge, held: &Held, service: &str) -> Found {
    let name = edge.name.as_str();
    let when = held.uploaded.map_or(String::new(), |at| {
        format!(", uploaded {}", at.strftime("%Y-%m-%d"))
    });
    if held.state == HeldState::Altered {
        return altered(edge, service);
    }
    match held.sha256 {
        None => {
            let blocker = Blocker::new(Code::Unknown, name, format!("is on {service}, which tells no digest of it"))
                .way_out("Whether these are the same bytes cannot be told. Compare by hand, or use an index that gives sha256 hashes.");
            Found::blocked(Presence::Unknown, blocker)
        }
        Some(digest) if digest != edge.sha256 => {
            let blocker = Blocker::new(Code::Conflict, name, format!("is already on {service} with other bytes"))
                .detail(format!("there {}{when} · ours {}", digest.short(), edge.sha256.short()))
                .way_out(format!("{service} never replaces a file. Release a new version, or promote the commit those bytes came from."));
            Found::blocked(Presence::Conflict, blocker)
        }
        Some(_) if held.state == HeldState::Yanked => {
            let blocker = Blocker::new(Code::Withdrawn, name, format!("was yanked from {service}"))
                .way_out("Undo the yank on the project's page, or release a new version.");
            Found::blocked(Presence::Withdrawn, blocker)
        }
        Some(_) => Found::fine(Presence::Same),
    }
}

fn why_refused(
    edge: &Edge,
    project: &IndexProject,
    service: &str,
    pypi: bool,
    now: Timestamp,
) -> Option<Blocker> {
    let name = edge.name.as_str();
    let refused = |reason: String, way_out: &str| {
        Some(Blocker::new(Code::Refused, name, reason).way_out(way_out))
    };
    if project.status == "quarantined" || project.status == "archived" {
        return refused(
            format!(
                "belongs to a project that is {} on {service}",
                project.status
            ),
            "The project's page says what to do about it.",
        );
    }
    if !pypi {
        return None;
    }
    if edge.size > PYPI_LARGEST_GRANT {
        return refused(
            format!(
                "is larger than {service} takes: {} bytes, at most 1 GiB per file",
                edge.size
            ),
            "Make the file smaller, or split the package.",
        );
    }
    let DistNameParts { siblings, is_sdist } = siblings(edge, project)?;
    if is_sdist && siblings.iter().any(|held| held.name.ends_with(".tar.gz")) {
        return refused(
            format!(
                "would be the second source distribution of its version, and {service} takes one"
            ),
            "Release a new version.",
        );
    }
    let oldest = siblings.iter().filter_map(|held| held.uploaded).min()?;
    if now.duration_since(oldest) > PYPI_OPEN_FOR {
        return refused(
            format!(
                "is missing from a release of {}, and {service} takes no new files after 14 days",
                oldest.strftime("%Y-%m-%d")
            ),
            "Release a new version.",
        );
    }
    None
}

struct DistNameParts<'a> {
    siblings: Vec<&'a Held>,
    is_sdist: bool,
}

/// Returns the files of the same version.
fn siblings<'a>(edge: &Edge, project: &'a IndexProject) -> Option<DistNameParts<'a>> {
    let ours: DistName = edge.name.as_str().parse().ok()?;
    let same_version = |held: &&Held| {
        held.name
            .parse::<DistName>()
            .is_ok_and(|name| name.version() == ours.version())
    };
    let siblings = project.files.iter().filter(same_version).collect();
    Some(DistNameParts {
        siblings,
        is_sdist: !ours.is_wheel(),
    })
}

fn altered(edge: &Edge, service: &str) -> Found {
    let reason = format!("downloads from {service} with other bytes than {service} says");
    let blocker = Blocker::new(Code::Conflict, edge.name.as_str(), reason)
        .way_out("Tell the service. Until it is cleared up, treat the file as compromised.");
    Found::blocked(Presence::Conflict, blocker)
}

/// Tells which release of a tag counts, and whether it may be worked on.
pub(crate) enum ReleaseState<'a> {
    /// There is none.
    None,
    /// Our draft.
    Draft(&'a ForgeRelease),
    /// It is public; new assets may be added if it is ours and mutable.
    Published {
        /// The release.
        release: &'a ForgeRelease,
        /// Why no asset can be added, if so.
        closed: Option<&'static str>,
    },
    /// Several drafts, or a foreign one.
    Disputed(Blocker),
}

/// Judges the releases that a tag has.
pub(crate) fn release_state<'a>(
    releases: &'a Releases,
    marker: &str,
    tag: &str,
) -> ReleaseState<'a> {
    let ours = |release: &ForgeRelease| release.marker.as_deref() == Some(marker);
    if let Some(release) = &releases.published {
        let closed = if release.immutable {
            Some("it is immutable")
        } else if ours(release) {
            None
        } else {
            Some("somebody else published it (it has no mark of relpub for this project)")
        };
        return ReleaseState::Published { release, closed };
    }
    match releases.drafts.as_slice() {
        [] => ReleaseState::None,
        [draft] if ours(draft) => ReleaseState::Draft(draft),
        [draft] => ReleaseState::Disputed(
            Blocker::new(
                Code::Conflict,
                format!("draft {} for {tag}", draft.id),
                "was not made by relpub for this project",
            )
            .way_out("Delete the draft on the repository's releases page, or finish it by hand."),
        ),
        several => {
            let ids: Vec<String> = several.iter().map(|draft| draft.id.to_string()).collect();
            ReleaseState::Disputed(
                Blocker::new(
                    Code::Conflict,
                    format!("tag {tag}"),
                    format!("has {} drafts: {}", ids.len(), ids.join(", ")),
                )
                .way_out("Delete all but one of them, or all, on the repository's releases page."),
            )
        }
    }
}

/// Compares an edge with the assets of a release.
fn at_release(edge: &Edge, state: &ReleaseState<'_>, service: &str) -> Found {
    match state {
        ReleaseState::None => Found::fine(Presence::Absent),
        ReleaseState::Disputed(_) => Found::fine(Presence::Conflict),
        ReleaseState::Draft(draft) => compare_asset(edge, draft, Presence::Staged, service, None),
        ReleaseState::Published { release, closed } => {
            compare_asset(edge, release, Presence::Same, service, *closed)
        }
    }
}

fn compare_asset(
    edge: &Edge,
    release: &ForgeRelease,
    if_equal: Presence,
    service: &str,
    closed: Option<&str>,
) -> Found {
    let name = edge.name.as_str();
    let Some(held) = release.assets.iter().find(|held| held.name == name) else {
        return match closed {
            None => Found::fine(Presence::Absent),
            Some(why) => Found::blocked(
                Presence::Refused,
                Blocker::new(Code::Refused, name, format!("is missing from a published release of {service} to which nothing can be added"))
                    .detail(format!("release {}: {why}", release.id))
                    .way_out("Release a new version, or delete that release if it is a mistake."),
            ),
        };
    };
    match held.state {
        HeldState::Incomplete => return Found::fine(Presence::Partial),
        HeldState::Altered => return altered(edge, service),
        HeldState::Complete | HeldState::Yanked => {}
    }
    match held.sha256 {
        Some(digest) if digest == edge.sha256 => Found::fine(if_equal),
        Some(digest) => {
            let draft = if_equal == Presence::Staged;
            let place = if draft { "in the draft" } else { "published" };
            let way_out = if draft {
                "Delete the asset or the draft if its bytes are not wanted, then run again."
            } else {
                "A published asset is not replaced. Release a new version, or promote the commit those bytes came from."
            };
            let blocker = Blocker::new(
                Code::Conflict,
                name,
                format!("is already {place} on {service} with other bytes"),
            )
            .detail(format!(
                "there {} · ours {}",
                digest.short(),
                edge.sha256.short()
            ))
            .way_out(way_out);
            Found::blocked(Presence::Conflict, blocker)
        }
        None => {
            let blocker = Blocker::new(
                Code::Unknown,
                name,
                format!("is on {service}, which tells no digest of it"),
            )
            .way_out("Assets from before June 2025 have none. Delete it, or compare by hand.");
            Found::blocked(Presence::Unknown, blocker)
        }
    }
}
