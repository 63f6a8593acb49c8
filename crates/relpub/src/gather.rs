//! Gather: fetches, hashes and inspects what is not already everywhere.

use std::collections::BTreeSet;
use std::io::{self, Seek, Write};

use futures::stream::{self, StreamExt};
use relpub_inspect::gzip::gunzip;
use relpub_inspect::{Expected, Inspection, Limits, Subject};
use relpub_model::blocker::{Blocker, Code};
use relpub_model::config::{Config, DestinationKind, Kind, VersionRule};
use relpub_model::decision::Decision;
use relpub_model::event::Event;
use relpub_model::findings::{Bytes, Finding, Findings};
use relpub_model::name::{FileName, SourcePath};
use relpub_model::observed::Observed;
use relpub_model::plan::{Plan, Presence};
use relpub_model::promotion::Promotion;
use relpub_model::release::{Artifact, Declared, Release};
use relpub_remote::RemoteError;
use relpub_trust::Hasher;
use tempfile::NamedTempFile;

use crate::context::Context;
use crate::error::Error;
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
    let fetches = release
        .artifacts
        .iter()
        .filter(|artifact| wanted.contains(&artifact.path))
        .map(|artifact| async {
            let finding =
                fetch_and_inspect(cx, config, release, &origins[artifact.origin], artifact).await;
            (artifact.path.clone(), finding)
        });
    let futures: Vec<_> = fetches.collect();
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

/// Returns the identity that was declared for the promoted bytes. Of an artifact
/// that is stored compressed the declaration is about the stored bytes, which
/// are not the promoted ones.
fn declared_bytes(artifact: &Artifact) -> Option<Bytes> {
    let declared = artifact.declared.first().filter(|_| !artifact.gzip)?;
    Some(Bytes {
        sha256: declared.sha256,
        size: declared.size.unwrap_or(artifact.size),
    })
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

async fn fetch_and_inspect(
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
        blockers: inspection.blockers,
    })
}

/// Brings the promoted bytes into the store, or says why they are not taken.
async fn fetch(
    cx: &Context,
    origin: &Origin,
    artifact: &Artifact,
) -> Result<Result<Bytes, Blocker>, Error> {
    if let Some(bytes) = declared_bytes(artifact)
        && in_store(cx, bytes).await
    {
        return Ok(Ok(bytes));
    }
    let cache =
        |error: io::Error| StateError::new("cannot write to the cache", cx.store.folder(), error);
    let mut file = cx.store.temporary().map_err(cache)?;
    let stored = match download(cx, origin, artifact, &mut file).await {
        Ok(stored) => stored,
        Err(error) => return Ok(Err(unfetched(artifact, &error))),
    };
    if let Some(blocker) = artifact
        .declared
        .iter()
        .find_map(|declared| contradiction(artifact, declared, stored))
    {
        return Ok(Err(blocker));
    }
    let (file, bytes) = if artifact.gzip {
        match decode(cx, artifact, file).await? {
            Ok(decoded) => decoded,
            Err(blocker) => return Ok(Err(blocker)),
        }
    } else {
        (file, stored)
    };
    cx.store.keep(file, &bytes.sha256).map_err(cache)?;
    Ok(Ok(bytes))
}

/// Tells whether an earlier run left these very bytes.
async fn in_store(cx: &Context, bytes: Bytes) -> bool {
    use relpub_remote::Blobs;
    cx.store
        .open(&bytes.sha256)
        .await
        .is_ok_and(|blob| *blob.verified.get() == bytes)
}

/// Downloads the stored bytes into a file, and hashes them on the way.
async fn download(
    cx: &Context,
    origin: &Origin,
    artifact: &Artifact,
    file: &mut NamedTempFile,
) -> Result<Bytes, RemoteError> {
    let mut hasher = Hasher::new();
    let mut done = 0;
    let path = &artifact.path;
    let mut sink = |piece: &[u8]| {
        hasher.update(piece);
        file.write_all(piece)?;
        done += piece.len() as u64;
        cx.tell(Event::Fetching {
            path: path.clone(),
            done,
            total: artifact.size,
        });
        Ok(())
    };
    origin
        .source
        .download(&cx.http, path, &artifact.pin, artifact.size, &mut sink)
        .await?;
    Ok(hasher.finish())
}

fn unfetched(artifact: &Artifact, error: &RemoteError) -> Blocker {
    let path = artifact.path.as_str();
    match error.decision {
        Decision::SourceChanged => Blocker::new(
            Code::SourceChanged,
            path,
            "changed in the source while it was read",
        )
        .detail(error.to_string())
        .way_out("Nothing may be rebuilt in place. Find out who wrote it, then start over."),
        Decision::NotFound | Decision::Gone => Blocker::new(
            Code::Missing,
            path,
            "went away from the source after it was listed",
        )
        .detail(error.to_string())
        .way_out("Find out who removed it, then start over."),
        _ => Blocker::new(Code::Unknown, path, "could not be fetched")
            .detail(error.to_string())
            .way_out("Run again."),
    }
}

/// Says how stored bytes differ from what was declared for them.
fn contradiction(artifact: &Artifact, declared: &Declared, found: Bytes) -> Option<Blocker> {
    let size_differs = declared.size.is_some_and(|size| size != found.size);
    if declared.sha256 == found.sha256 && !size_differs {
        return None;
    }
    let size = declared
        .size
        .map_or(String::new(), |size| format!(" ({size} bytes)"));
    let blocker = Blocker::new(Code::Corrupt, artifact.path.as_str(), format!("is not what {} says", declared.by))
        .detail(format!("there {}{size} · in the source {} ({} bytes)", declared.sha256.short(), found.sha256.short(), found.size))
        .way_out("The file or the manifest was changed after the build. Find out which, and do not release until you know.");
    Some(blocker)
}

/// Decodes what is stored compressed, and hashes what is promoted.
async fn decode(
    cx: &Context,
    artifact: &Artifact,
    mut stored: NamedTempFile,
) -> Result<Result<(NamedTempFile, Bytes), Blocker>, Error> {
    let cache =
        |error: io::Error| StateError::new("cannot write to the cache", cx.store.folder(), error);
    let mut decoded = cx.store.temporary().map_err(cache)?;
    let size = artifact.size;
    let work = move || -> io::Result<_> {
        stored.rewind()?;
        let mut out = HashingWriter {
            file: &mut decoded,
            hasher: Hasher::new(),
        };
        let result = gunzip(
            io::BufReader::new(&mut stored),
            size,
            &mut out,
            &Limits::default(),
        );
        let bytes = out.hasher.finish();
        Ok((result, decoded, bytes))
    };
    let (result, decoded, bytes) = blocking(work).await.map_err(cache)?;
    Ok(match result {
        Ok(_) => Ok((decoded, bytes)),
        Err(error) => Err(Blocker::new(
            Code::Unsafe,
            artifact.path.as_str(),
            "is stored as gzip and cannot be decoded",
        )
        .detail(error.to_string())
        .way_out("Upload it again, without a content encoding.")),
    })
}

/// Writes to a file, and hashes what it writes.
struct HashingWriter<'a> {
    file: &'a mut NamedTempFile,
    hasher: Hasher,
}

impl Write for HashingWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
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
    let is_index = |name| {
        matches!(
            config.destinations.get(name).map(|d| &d.kind),
            Some(DestinationKind::Index { .. })
        )
    };
    let for_index = artifact
        .places
        .iter()
        .any(|place| is_index(&place.destination));
    let name = artifact
        .places
        .first()
        .map(|place| Ok(place.name.clone()))
        .unwrap_or_else(|| artifact.path.last_segment().parse::<FileName>());
    let Ok(name) = name else {
        return Ok(Inspection {
            facts: None,
            blockers: Vec::new(),
        });
    };
    let version = match artifact.version {
        VersionRule::Any => None,
        VersionRule::Same => release.tag.version.pep440().ok(),
    };
    if version.is_none()
        && artifact.version == VersionRule::Same
        && matches!(artifact.kind, Kind::Wheel | Kind::Sdist)
    {
        return Ok(Inspection {
            facts: None,
            blockers: vec![no_python_version(release, artifact)],
        });
    }
    let artifact = artifact.clone();
    let work = move || -> io::Result<_> {
        let (file, _) = store.open_verified(&bytes.sha256)?;
        let subject = Subject {
            path: &artifact.path,
            name: &name,
            kind: artifact.kind,
            target: artifact.target.as_deref(),
            version: version.as_ref().map_or(Expected::Any, Expected::Tag),
            size: bytes.size,
            for_index,
        };
        Ok(relpub_inspect::inspect(
            &subject,
            &mut io::BufReader::new(file),
            &Limits::default(),
        ))
    };
    Ok(blocking(work).await.map_err(cache)?)
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

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}
