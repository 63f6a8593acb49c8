//! Gather: fetches, hashes and inspects what is not already everywhere.

use std::collections::BTreeSet;
use std::io;

use futures::stream::{self, StreamExt};
use relpub_inspect::{Expected, Inspection, Limits, Subject};
use relpub_model::blocker::{Blocker, Code};
use relpub_model::config::{Config, DestinationKind, Kind, VersionRule};
use relpub_model::event::Event;
use relpub_model::findings::{Bytes, Finding, Findings};
use relpub_model::name::{FileName, SourcePath};
use relpub_model::observed::Observed;
use relpub_model::plan::{Plan, Presence};
use relpub_model::promotion::Promotion;
use relpub_model::release::{Artifact, Release};

use crate::context::Context;
use crate::error::Error;
use crate::fetch::{blocking, declared_bytes, fetch};
use crate::sources::{self, Origin};
use crate::state::StateError;

/// How many artifacts are fetched at once.
const AT_ONCE: usize = 8;

/// Fetches, hashes and inspects every artifact that some destination does not
/// hold yet, or that nobody declared a digest for. What speaks against an
/// artifact is in its finding, not in an error.
///
/// # Errors
/// When the source cannot be opened, or the cache cannot be written.
pub async fn gather(
    cx: &Context,
    config: &Config,
    release: &Release,
    observed: &Observed,
) -> Result<Findings, Error> {
    cx.unless_cancelled(look_at_bytes(cx, config, release, observed))
        .await
}

async fn look_at_bytes(
    cx: &Context,
    config: &Config,
    release: &Release,
    observed: &Observed,
) -> Result<Findings, Error> {
    let mut findings = declared(release);
    let wanted = unsettled(config, release, observed, &findings);
    let origins = sources::of_release(cx, config, release)?;
    let jobs = release
        .artifacts
        .iter()
        .filter(|artifact| wanted.contains(&artifact.path))
        .map(|artifact| async {
            let finding =
                fetch_and_inspect(cx, config, release, &origins[artifact.origin], artifact).await;
            (artifact.path.clone(), finding)
        });
    let futures: Vec<_> = jobs.collect();
    let fetched: Vec<_> = stream::iter(futures)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    for (path, finding) in fetched {
        findings.artifacts.insert(path, finding?);
    }
    Ok(findings)
}

/// Returns what is known before anything is fetched: the declared digests.
fn declared(release: &Release) -> Findings {
    let finding = |artifact: &Artifact| Finding {
        bytes: declared_bytes(artifact),
        ..Finding::default()
    };
    Findings {
        artifacts: release
            .artifacts
            .iter()
            .map(|a| (a.path.clone(), finding(a)))
            .collect(),
    }
}

/// Returns the artifacts that have to be looked at: those without a known
/// digest, and those that some destination does not hold. An artifact that goes
/// nowhere is only looked at when there is anything else to do.
fn unsettled(
    config: &Config,
    release: &Release,
    observed: &Observed,
    findings: &Findings,
) -> BTreeSet<SourcePath> {
    let promotion = Promotion::new(config, release, findings);
    let plan = Plan::new(config, release, &promotion, findings, observed);
    let settled = |path: &SourcePath| {
        let mut rows = plan.rows.iter().filter(|row| row.path == *path).peekable();
        rows.peek().is_some()
            && rows.all(|row| {
                row.presence
                    .values()
                    .all(|presence| *presence == Presence::Same)
            })
    };
    let unknown = |artifact: &&Artifact| {
        findings
            .artifacts
            .get(&artifact.path)
            .is_none_or(|finding| finding.bytes.is_none())
    };
    let (nowhere, somewhere): (Vec<&Artifact>, Vec<&Artifact>) =
        release.artifacts.iter().partition(|a| a.places.is_empty());
    let mut out: BTreeSet<SourcePath> = somewhere
        .into_iter()
        .filter(|a| unknown(a) || !settled(&a.path))
        .map(|a| a.path.clone())
        .collect();
    if !out.is_empty() {
        out.extend(nowhere.into_iter().map(|artifact| artifact.path.clone()));
    }
    out
}

pub(crate) async fn fetch_and_inspect(
    cx: &Context,
    config: &Config,
    release: &Release,
    origin: &Origin,
    artifact: &Artifact,
) -> Result<Finding, Error> {
    let bytes = match fetch(cx, origin, artifact).await? {
        Ok(bytes) => bytes,
        Err(blocker) => {
            return Ok(Finding {
                bytes: declared_bytes(artifact),
                blockers: vec![blocker],
                ..Finding::default()
            });
        }
    };
    let inspection = inspect(cx, config, release, artifact, bytes).await?;
    cx.tell(Event::Fetched {
        path: artifact.path.clone(),
        bytes: bytes.size,
    });
    Ok(Finding {
        bytes: Some(bytes),
        fetched: true,
        facts: inspection.facts,
        sbom: None,
        blockers: inspection.blockers,
    })
}

/// Asks the room that reads what strangers wrote what the bytes are.
async fn inspect(
    cx: &Context,
    config: &Config,
    release: &Release,
    artifact: &Artifact,
    bytes: Bytes,
) -> Result<Inspection, Error> {
    let cache =
        |error: io::Error| StateError::new("cannot read from the cache", cx.store.folder(), error);
    let store = crate::store::Store::new(cx.store.folder().to_owned());
    let looking = Looking::at(config, release, artifact, bytes);
    if looking.version.is_none()
        && artifact.version == VersionRule::Same
        && matches!(artifact.kind, Kind::Wheel | Kind::Sdist)
    {
        return Ok(Inspection {
            facts: None,
            blockers: vec![no_python_version(release, artifact)],
        });
    }
    let work = move || -> io::Result<_> {
        let (file, _) = store.open_verified(&bytes.sha256)?;
        let mut reader = io::BufReader::new(file);
        Ok(relpub_inspect::inspect(
            &looking.subject(),
            &mut reader,
            &Limits::default(),
        ))
    };
    Ok(blocking(work).await.map_err(cache)?)
}

/// What an artifact is looked at with: what is expected of it.
pub(crate) struct Looking {
    artifact: Artifact,
    name: FileName,
    version: Option<pep440_rs::Version>,
    size: u64,
    for_index: bool,
}

impl Looking {
    pub(crate) fn at(
        config: &Config,
        release: &Release,
        artifact: &Artifact,
        bytes: Bytes,
    ) -> Self {
        let is_index = |name| {
            matches!(
                config.destinations.get(name).map(|d| &d.kind),
                Some(DestinationKind::Index { .. })
            )
        };
        let mut places = artifact.places.iter();
        Self {
            name: name_of(artifact),
            version: match artifact.version {
                VersionRule::Any => None,
                VersionRule::Same => release.tag.version.pep440().ok(),
            },
            size: bytes.size,
            for_index: places.any(|place| is_index(&place.destination)),
            artifact: artifact.clone(),
        }
    }

    pub(crate) fn subject(&self) -> Subject<'_> {
        Subject {
            path: &self.artifact.path,
            name: &self.name,
            kind: self.artifact.kind,
            target: self.artifact.target.as_deref(),
            version: self.version.as_ref().map_or(Expected::Any, Expected::Tag),
            size: self.size,
            for_index: self.for_index,
        }
    }
}

/// Returns the name that an artifact is judged by: the published one, or, where
/// it is only verified, the one in the source with what no name may have replaced.
fn name_of(artifact: &Artifact) -> FileName {
    if let Some(place) = artifact.places.first() {
        return place.name.clone();
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._+~-".contains(c);
    let own = artifact.path.last_segment();
    let safe: String = own
        .chars()
        .map(|c| if allowed(c) { c } else { '_' })
        .collect();
    let named = |text: &str| text.parse::<FileName>().ok();
    named(&safe)
        .or_else(|| named(&format!("_{safe}")))
        .unwrap_or_else(nameless)
}

fn nameless() -> FileName {
    "file".parse().expect("letters are a file name")
}

fn no_python_version(release: &Release, artifact: &Artifact) -> Blocker {
    let version = &release.tag.version;
    Blocker::new(
        Code::Disagrees,
        artifact.path.as_str(),
        format!("cannot have the tag's version: {version} has no form in PEP 440"),
    )
    .way_out(
        "Spell the tag so that Python can read it, or say `version = \"any\"` for this artifact.",
    )
}
