//! Resolve: which artifacts exactly, of which commit.

use futures::stream::{self, StreamExt, TryStreamExt};
use relpub_inspect::manifest;
use relpub_model::config::{Config, Template, Vars};
use relpub_model::event::Event;
use relpub_model::manifest::Manifest;
use relpub_model::name::{Commit, SourcePath};
use relpub_model::observed::TagState;
use relpub_model::release::{Artifact, Assembly, Flags, Listed, Release};
use relpub_model::version::Tag;
use relpub_remote::{Forge, Source};

use crate::context::Context;
use crate::error::Error;
use crate::publishers::forge;
use crate::sources::{self, Origin};

/// What is to be promoted, as it was asked for.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The tag.
    pub tag: Tag,
    /// The commit, where it was given.
    pub commit: Option<Commit>,
    /// The source, where another than the configured one was given.
    pub from: Option<String>,
    /// The flags that decide what is promoted.
    pub flags: Flags,
}

/// The most bytes of a manifest.
const MANIFEST_LIMIT: u64 = 32 << 20;

/// The most bytes of a checksum file that stands beside one artifact.
const SIDECAR_LIMIT: u64 = 64 << 10;

/// How many objects are asked about at once.
const AT_ONCE: usize = 16;

/// Works out which artifacts make up a release: lists the source at the commit,
/// reads its manifests, and matches the completeness contract.
///
/// What is missing, unexpected or ambiguous is not an error here; the release
/// carries it along, so that a plan can show all reasons at once.
///
/// # Errors
/// When repository, commit or source cannot be told or read, and when a
/// manifest is malformed.
pub async fn resolve(
    cx: &Context,
    config: &Config,
    selection: &Selection,
) -> Result<Release, Error> {
    cx.unless_cancelled(work_out(cx, config, selection)).await
}

async fn work_out(cx: &Context, config: &Config, selection: &Selection) -> Result<Release, Error> {
    let forge = forge(cx, config);
    let repository = forge.repository().await?;
    let commit = commit(cx, config, &forge, selection).await?;
    if config.create_tag && !forge.commit_exists(&commit).await? {
        return Err(Error::Blocked(format!(
            "commit {commit} is not in {}, so no tag can be made at it; push it first",
            config.repository
        )));
    }
    let vars = Vars::new(config, &selection.tag).with_commit(&commit);
    let origins = sources::open(cx, config, selection.from.as_deref(), &vars)?;
    let listing = list(&origins).await?;
    let manifests = read_manifests(config, &vars, &origins, &listing).await?;
    let mut release = Release::assemble(Assembly {
        config,
        repository,
        tag: selection.tag.clone(),
        commit: commit.clone(),
        listing: &listing,
        manifests: &manifests,
        flags: selection.flags.clone(),
        today: cx.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date(),
        source: origins.iter().map(|origin| origin.uri.clone()).collect(),
    });
    pin(&origins, &mut release.artifacts).await?;
    let bytes = release.artifacts.iter().map(|artifact| artifact.size).sum();
    cx.tell(Event::Resolved {
        artifacts: release.artifacts.len(),
        bytes,
    });
    Ok(release)
}

/// Returns the full commit that the source's manifests name, where the source's
/// place does not depend on it; `None` where it does, or where they name none.
///
/// # Errors
/// When the source cannot be read, or two manifests name different commits.
pub async fn commit_of_manifest(
    cx: &Context,
    config: &Config,
    selection: &Selection,
) -> Result<Option<Commit>, Error> {
    if selection.from.is_none() && config.source.from.iter().any(Template::needs_commit) {
        return Ok(None);
    }
    let vars = Vars::new(config, &selection.tag);
    let origins = sources::open(cx, config, selection.from.as_deref(), &vars)?;
    let listing = list(&origins).await?;
    let manifests = read_manifests(config, &vars, &origins, &listing).await?;
    let mut commits: Vec<Commit> = manifests
        .into_iter()
        .filter_map(|manifest| manifest.commit)
        .collect();
    commits.dedup();
    match commits.as_slice() {
        [] => Ok(None),
        [commit] => Ok(Some(commit.clone())),
        [one, other, ..] => Err(Error::Rejected(format!(
            "the source's manifests name different commits: {} and {}",
            one.short(),
            other.short()
        ))),
    }
}

/// The commit is the given one, else where the tag is, else (if the tag is ours
/// to make) the CI's.
async fn commit(
    cx: &Context,
    config: &Config,
    forge: &Forge,
    selection: &Selection,
) -> Result<Commit, Error> {
    if let Some(commit) = &selection.commit {
        return Ok(commit.clone());
    }
    if let TagState::At(commit) = forge.tag(&selection.tag.name).await? {
        return Ok(commit);
    }
    let tag = &selection.tag.name;
    if !config.create_tag {
        return Err(Error::Blocked(format!(
            "tag {tag} does not exist in {}; push it, or let relpub make it with `create-tag = true` and `--commit`",
            config.repository
        )));
    }
    let sha = cx
        .environment
        .plain("GITHUB_SHA")
        .or_else(|| cx.environment.plain("CI_COMMIT_SHA"));
    match sha.map(str::parse) {
        Some(Ok(commit)) => Ok(commit),
        _ => Err(Error::Usage(format!(
            "tag {tag} does not exist yet, so the commit must be given: --commit SHA"
        ))),
    }
}

async fn list(origins: &[Origin]) -> Result<Vec<Listed>, Error> {
    let mut out = Vec::new();
    for (origin, place) in origins.iter().enumerate() {
        let found = place.source.list().await?;
        out.extend(found.into_iter().map(|found| Listed {
            path: found.path,
            origin,
            size: found.size,
            pin: found.pin,
        }));
    }
    Ok(out)
}

/// Reads the configured manifests, and the `.sha256` files that stand beside
/// other files.
async fn read_manifests(
    config: &Config,
    vars: &Vars<'_>,
    origins: &[Origin],
    listing: &[Listed],
) -> Result<Vec<Manifest>, Error> {
    let mut jobs = Vec::new();
    for template in &config.source.manifest {
        let path = template
            .render(vars)
            .map_err(|error| Error::Usage(error.to_string()))?;
        let found: Vec<&Listed> = listing
            .iter()
            .filter(|listed| listed.path.as_str() == path)
            .collect();
        if found.is_empty() {
            let places: Vec<&str> = origins.iter().map(|origin| origin.uri.as_str()).collect();
            return Err(Error::Blocked(format!(
                "the manifest {path} is not in {}; has the build finished?",
                places.join(", ")
            )));
        }
        jobs.extend(found.into_iter().map(|listed| (listed, false)));
    }
    jobs.extend(sidecars(listing).map(|listed| (listed, true)));
    let read = |(listed, sidecar): (&Listed, bool)| {
        let (path, source) = (listed.path.clone(), &origins[listed.origin].source);
        let (pin, size) = (listed.pin.clone(), listed.size);
        async move { read_manifest(source, &path, &pin, size, sidecar).await }
    };
    let futures: Vec<_> = jobs.into_iter().map(read).collect();
    stream::iter(futures).buffered(AT_ONCE).try_collect().await
}

/// Returns the `FILE.sha256` that stand beside a `FILE`.
fn sidecars(listing: &[Listed]) -> impl Iterator<Item = &Listed> {
    let beside = |listed: &&Listed| {
        let file = listed.path.as_str().strip_suffix(".sha256");
        file.is_some_and(|file| listing.iter().any(|other| other.path.as_str() == file))
    };
    listing.iter().filter(beside)
}

async fn read_manifest(
    source: &Source,
    path: &SourcePath,
    pin: &relpub_model::release::Pin,
    size: u64,
    sidecar: bool,
) -> Result<Manifest, Error> {
    let limit = if sidecar {
        SIDECAR_LIMIT
    } else {
        MANIFEST_LIMIT
    };
    if size > limit {
        return Err(Error::Rejected(format!(
            "{path} has {size} bytes, more than a manifest may have ({limit})"
        )));
    }
    let bytes = source.read_small(path, pin, limit).await?;
    let parsed = if sidecar {
        manifest::parse_sidecar(path, &bytes)
    } else {
        manifest::parse(path, &bytes)
    };
    parsed.map_err(|error| Error::Rejected(error.to_string()))
}

/// Asks of every artifact how it is stored, and pins it.
async fn pin(origins: &[Origin], artifacts: &mut [Artifact]) -> Result<(), Error> {
    let futures: Vec<_> = artifacts
        .iter_mut()
        .map(|artifact| ask(&origins[artifact.origin].source, artifact))
        .collect();
    stream::iter(futures)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

async fn ask(source: &Source, artifact: &mut Artifact) -> Result<(), Error> {
    let head = source.head(&artifact.path, &artifact.pin).await?;
    artifact.pin = head.pin;
    artifact.size = head.size;
    artifact.gzip = head.gzip;
    Ok(())
}
