//! Observe: what every destination holds, without writing anything.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use relpub_model::config::{Config, ConfirmBy, NotesBody};
use relpub_model::event::Event;
use relpub_model::name::{Commit, DestinationName, FileName};
use relpub_model::observed::{CredentialState, Held, HeldState, Holdings, Known, Observed};
use relpub_model::plan::{Presence, service_name};
use relpub_model::promotion::Promotion;
use relpub_model::release::Release;
use relpub_model::version::Tag;
use relpub_remote::{Confirmed, Probe, Publisher, RemoteError};

use crate::context::Context;
use crate::error::Error;
use crate::publishers::{At, Wanted, forge, publisher, wanted_by, wanted_of};

/// How long after an upload began an index may still be taking it in. An answer
/// that was generated before that moment says nothing about the upload.
const SETTLING: SignedDuration = SignedDuration::from_secs(10);

/// Reads what every destination holds of a release. Nothing is written; what
/// cannot be read is carried along as unknown.
///
/// # Errors
/// When a destination's client cannot be made.
pub async fn observe(cx: &Context, config: &Config, release: &Release) -> Result<Observed, Error> {
    let mut observed = look(cx, config, at_release(release), &wanted_by(release), false).await?;
    observed.credentials =
        credentials(cx, config, at_release(release), &wanted_by(release)).await?;
    if config.notes.body == NotesBody::GitHub && will_be_described(&observed) {
        observed.generated_notes =
            Some(generated_notes(cx, config, &release.tag, &release.commit).await);
    }
    Ok(observed)
}

/// Reads what every destination holds of a promotion, past caches, to say how
/// it stands; with [`ConfirmBy::Bytes`] the files are downloaded and hashed.
///
/// # Errors
/// When a destination's client cannot be made.
pub async fn observe_promotion(
    cx: &Context,
    config: &Config,
    promotion: &Promotion,
    by: ConfirmBy,
) -> Result<Observed, Error> {
    let mut observed = look(
        cx,
        config,
        at_promotion(promotion),
        &wanted_of(promotion),
        true,
    )
    .await?;
    if by == ConfirmBy::Bytes {
        download(cx, config, promotion, &mut observed).await?;
    }
    Ok(observed)
}

async fn look(
    cx: &Context,
    config: &Config,
    at: At<'_>,
    wanted: &Wanted<'_>,
    fresh: bool,
) -> Result<Observed, Error> {
    let mut clients = Vec::new();
    for (&name, names) in wanted {
        if let Some(destination) = config.destinations.get(name) {
            clients.push((name.clone(), publisher(cx, config, destination, at)?, names));
        }
    }
    let probes = clients.iter().map(|(name, publisher, names)| async move {
        let probed = probe(cx, name, publisher, names, fresh).await;
        cx.tell(Event::Observed {
            destination: name.clone(),
        });
        (
            name.clone(),
            probed.map_or_else(
                |error| Known::Unknown(error.failure()),
                |probe| Known::Seen(probe.holdings),
            ),
        )
    });
    let forge = forge(cx, config);
    let (tag, destinations) = futures::join!(forge.tag(&at.tag.name), join_all(probes));
    Ok(Observed {
        at: cx.clock.now(),
        tag: tag.map_or_else(|error| Known::Unknown(error.failure()), Known::Seen),
        destinations: destinations.into_iter().collect(),
        credentials: BTreeMap::new(),
        generated_notes: None,
    })
}

/// Probes a destination. A name whose upload had begun in an earlier run and
/// that seems absent is probed again, past caches, until the answer is younger
/// than what that upload could still have been doing.
async fn probe(
    cx: &Context,
    name: &DestinationName,
    publisher: &Publisher,
    names: &[FileName],
    fresh: bool,
) -> Result<Probe, RemoteError> {
    let begun = begun_at(cx, name);
    let mut probe = publisher.probe(names, fresh || !begun.is_empty()).await?;
    while let Some(settled) = not_settled(&begun, &probe) {
        let wait = settled
            .duration_since(cx.clock.now())
            .max(SignedDuration::from_secs(1));
        cx.tell(Event::Waiting {
            what: format!(
                "an upload to {} that an earlier run had begun",
                service_name(name)
            ),
        });
        cx.clock
            .sleep(Duration::try_from(wait).unwrap_or(Duration::from_secs(1)))
            .await;
        probe = publisher.probe(names, true).await?;
    }
    Ok(probe)
}

fn begun_at(cx: &Context, destination: &DestinationName) -> BTreeMap<FileName, Timestamp> {
    let all = cx.journal.unfinished().into_iter();
    all.filter(|((to, _), _)| to == destination)
        .map(|((_, name), at)| (name, at))
        .collect()
}

/// Returns when the youngest unfinished upload that seems absent will be
/// settled, if the answer is older than that.
fn not_settled(begun: &BTreeMap<FileName, Timestamp>, probe: &Probe) -> Option<Timestamp> {
    let absent = |name: &&FileName| !holds(&probe.holdings, name);
    let last = begun.keys().filter(absent).map(|name| begun[name]).max()?;
    let settled = last.checked_add(SETTLING).unwrap_or(last);
    (probe.born < settled).then_some(settled)
}

fn holds(holdings: &Holdings, name: &FileName) -> bool {
    let named = |held: &Held| held.name == name.as_str();
    match holdings {
        Holdings::Index(projects) => projects
            .values()
            .any(|project| project.files.iter().any(named)),
        Holdings::Releases(releases) => releases
            .published
            .iter()
            .chain(&releases.drafts)
            .any(|release| release.assets.iter().any(named)),
    }
}

async fn credentials(
    cx: &Context,
    config: &Config,
    at: At<'_>,
    wanted: &Wanted<'_>,
) -> Result<BTreeMap<DestinationName, CredentialState>, Error> {
    let mut out = BTreeMap::new();
    for &name in wanted.keys() {
        if let Some(destination) = config.destinations.get(name) {
            let state = publisher(cx, config, destination, at)?.credential().await;
            out.insert(name.clone(), state);
        }
    }
    Ok(out)
}

/// Tells whether a release will be made, and so described.
fn will_be_described(observed: &Observed) -> bool {
    let undescribed = |known: &Known<Holdings>| matches!(known, Known::Seen(Holdings::Releases(releases)) if releases.published.is_none());
    observed.destinations.values().any(undescribed)
}

async fn generated_notes(
    cx: &Context,
    config: &Config,
    tag: &Tag,
    commit: &Commit,
) -> Known<String> {
    match forge(cx, config)
        .generated_notes(&tag.name, commit, None)
        .await
    {
        Ok(text) => Known::Seen(text),
        Err(error) => Known::Unknown(error.failure()),
    }
}

/// Downloads every file as its consumers would, and notes in the observation
/// what came with other bytes or not at all.
async fn download(
    cx: &Context,
    config: &Config,
    promotion: &Promotion,
    observed: &mut Observed,
) -> Result<(), Error> {
    for destination in config.destinations.values() {
        let edges: Vec<_> = promotion.edges_to(&destination.name).cloned().collect();
        let Some(Known::Seen(holdings)) = observed.destinations.get_mut(&destination.name) else {
            continue;
        };
        if edges.is_empty() {
            continue;
        }
        let publisher = publisher(cx, config, destination, at_promotion(promotion))?;
        match publisher
            .confirm(&edges, destination.audience, ConfirmBy::Bytes)
            .await
        {
            Ok(confirmed) => confirmed.iter().for_each(|found| correct(holdings, found)),
            Err(error) => {
                observed
                    .destinations
                    .insert(destination.name.clone(), Known::Unknown(error.failure()));
            }
        }
    }
    Ok(())
}

/// Corrects what a listing says by what a download brought.
fn correct(holdings: &mut Holdings, found: &Confirmed) {
    let lists: Vec<&mut Vec<Held>> = match holdings {
        Holdings::Index(projects) => projects
            .values_mut()
            .map(|project| &mut project.files)
            .collect(),
        Holdings::Releases(releases) => releases
            .published
            .iter_mut()
            .chain(&mut releases.drafts)
            .map(|release| &mut release.assets)
            .collect(),
    };
    for held in lists {
        match found.presence {
            Presence::Conflict => held
                .iter_mut()
                .filter(|held| held.name == found.name.as_str())
                .for_each(|held| held.state = HeldState::Altered),
            Presence::Absent => held.retain(|held| held.name != found.name.as_str()),
            _ => {}
        }
    }
}

fn at_release(release: &Release) -> At<'_> {
    At {
        tag: &release.tag,
        commit: &release.commit,
    }
}

fn at_promotion(promotion: &Promotion) -> At<'_> {
    At {
        tag: &promotion.tag,
        commit: &promotion.commit,
    }
}
