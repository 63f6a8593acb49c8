//! Describes what artifacts contain, from their bytes, before that is signed.

use std::io::{self, BufReader, Write};

use futures::stream::{self, StreamExt};
use relpub_inspect::{Limits, sbom};
use relpub_model::Sha256;
use relpub_model::config::Config;
use relpub_model::findings::{Finding, Findings, Sbom};
use relpub_model::release::{Artifact, Release};

use crate::context::Context;
use crate::error::Error;
use crate::fetch::blocking;
use crate::gather::{Looking, fetch_and_inspect};
use crate::sources::{self, Origin};
use crate::state::StateError;
use crate::store::Store;

/// How many artifacts are described at once: it is work for the processor.
const AT_ONCE: usize = 2;

/// Describes the artifacts with these digests, and puts the documents into the
/// store. What cannot be described has a blocker in its finding.
pub(super) async fn describe(
    cx: &Context,
    config: &Config,
    release: &Release,
    wanted: &[Sha256],
    findings: &mut Findings,
) -> Result<(), Error> {
    let mut artifacts: Vec<&Artifact> = Vec::new();
    for sha256 in wanted {
        let has = |artifact: &&Artifact| {
            let finding = findings.artifacts.get(&artifact.path);
            finding
                .and_then(|it| it.bytes)
                .is_some_and(|bytes| bytes.sha256 == *sha256)
        };
        artifacts.extend(release.artifacts.iter().find(has));
    }
    if artifacts.is_empty() {
        return Ok(());
    }
    let origins = sources::of_release(cx, config, release)?;
    let jobs: Vec<_> = artifacts
        .into_iter()
        .map(|artifact| {
            let finding = findings
                .artifacts
                .get(&artifact.path)
                .cloned()
                .unwrap_or_default();
            let origin = &origins[artifact.origin];
            async move {
                let described = one(cx, config, release, origin, artifact, finding).await;
                (artifact.path.clone(), described)
            }
        })
        .collect();
    let mut running = stream::iter(jobs).buffer_unordered(AT_ONCE);
    let mut described = Vec::new();
    while let Some(ended) = running.next().await {
        described.push(ended);
    }
    drop(running);
    for (path, finding) in described {
        findings.artifacts.insert(path, finding?);
    }
    Ok(())
}

/// Describes one artifact; one that was not fetched, because every destination
/// has it already, is fetched now.
async fn one(
    cx: &Context,
    config: &Config,
    release: &Release,
    origin: &Origin,
    artifact: &Artifact,
    mut finding: Finding,
) -> Result<Finding, Error> {
    if !finding.fetched {
        finding = fetch_and_inspect(cx, config, release, origin, artifact).await?;
    }
    let (Some(bytes), Some(facts)) = (finding.bytes, finding.facts.clone()) else {
        return Ok(finding);
    };
    let looking = Looking::at(config, release, artifact, bytes);
    let store = Store::new(cx.store.folder().to_owned());
    let work = move || -> io::Result<_> {
        let (file, _) = store.open_verified(&bytes.sha256)?;
        let mut reader = BufReader::new(file);
        let described = sbom::of(&looking.subject(), &facts, &mut reader, &Limits::default());
        match described {
            Ok(described) => keep(&store, &described).map(Ok),
            Err(blocker) => Ok(Err(blocker)),
        }
    };
    let cache = |error| StateError::new("cannot use the cache", cx.store.folder(), error);
    match blocking(work).await.map_err(cache)? {
        Ok(sbom) => finding.sbom = Some(sbom),
        Err(blocker) => finding.blockers.push(blocker),
    }
    Ok(finding)
}

fn keep(store: &Store, described: &sbom::Sbom) -> io::Result<Sbom> {
    let sha256 = Sha256::of(&described.json);
    let mut file = store.temporary()?;
    file.write_all(&described.json)?;
    store.keep(file, &sha256)?;
    Ok(Sbom {
        sha256,
        components: described.components,
        empty_because: described.empty_because.clone(),
    })
}
