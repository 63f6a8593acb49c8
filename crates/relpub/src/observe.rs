//! Observe: what every destination holds, without writing anything.

use std::collections::BTreeMap;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use relpub_model::config::{Config, ConfirmBy, NotesBody};
use relpub_model::decision::{Decision, Failure};
use relpub_model::event::Event;
use relpub_model::name::{Commit, DestinationName, FileName};
use relpub_model::observed::{
    CredentialState, Held, HeldState, Holdings, Known, Observed, SignerState,
};
use relpub_model::plan::{Presence, repository, service_name};
use relpub_model::promotion::Promotion;
use relpub_model::release::Release;
use relpub_model::version::Tag;
use relpub_remote::{Confirmed, GitHub, Probe, Publisher};

use crate::context::Context;
use crate::error::Error;
use crate::evidence;
use crate::journal::Begun;
use crate::publishers::{At, Wanted, forge, publisher, wanted_by, wanted_of};

/// How long after an upload began an index may still be taking it in, and a
/// list of releases may lack a new draft. An answer that was generated before
/// that moment says nothing about it.
const SETTLING: SignedDuration = SignedDuration::from_secs(10);

/// How long an answer is waited for that is young enough. The caches before an
/// index keep its pages for ten minutes.
const PATIENCE: SignedDuration = SignedDuration::from_mins(15);

/// Reads what every destination holds of a release. Nothing is written; what
/// cannot be read is carried along as unknown.
///
/// # Errors
/// When a destination's client cannot be made, or the run is cancelled.
pub async fn observe(cx: &Context, config: &Config, release: &Release) -> Result<Observed, Error> {
    cx.unless_cancelled(observe_release(cx, config, release))
        .await
}

async fn observe_release(
    cx: &Context,
    config: &Config,
    release: &Release,
) -> Result<Observed, Error> {
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
/// When a destination's client cannot be made, or the run is cancelled.
pub async fn observe_promotion(
    cx: &Context,
    config: &Config,
    promotion: &Promotion,
    by: ConfirmBy,
) -> Result<Observed, Error> {
    let (at, wanted) = (at_promotion(promotion), wanted_of(promotion));
    cx.unless_cancelled(async {
        let mut observed = look(cx, config, at, &wanted, true).await?;
        if by == ConfirmBy::Bytes {
            download(cx, config, promotion, &mut observed).await?;
        }
        evidence::observe(cx, config, promotion, &mut observed).await?;
        Ok(observed)
    })
    .await
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
            probed.map_or_else(Known::Unknown, |probe| Known::Seen(probe.holdings)),
        )
    });
    let forge = forge(cx, config);
    let (tag, destinations) = futures::join!(forge.tag(&at.tag.name), join_all(probes));
    Ok(Observed {
        at: cx.clock.now(),
        tag: tag.map_or_else(|error| Known::Unknown(error.failure()), Known::Seen),
        destinations: destinations.into_iter().collect(),
        credentials: BTreeMap::new(),
        evidence: BTreeMap::new(),
        signer: SignerState::NotAsked,
        debts_named: Vec::new(),
        warnings: Vec::new(),
        generated_notes: None,
    })
}

/// Probes a destination. What an earlier run had begun there, and what seems
/// absent, is probed again, past caches, until the answer is younger than what
/// the server could still have been doing.
async fn probe(
    cx: &Context,
    name: &DestinationName,
    publisher: &Publisher,
    names: &[FileName],
    fresh: bool,
) -> Result<Probe, Failure> {
    let now = cx.clock.now();
    let begun: BTreeMap<Begun, Timestamp> = cx
        .journal
        .unfinished(name)
        .into_iter()
        // A clock that was put back must not make the past the future.
        .map(|(begun, at)| (begun, at.min(now)))
        .collect();
    let deadline = now.saturating_add(PATIENCE).unwrap_or(Timestamp::MAX);
    let mut fresh = fresh || !begun.is_empty();
    loop {
        let probe = publisher.probe(names, fresh).await;
        let probe = probe.map_err(|error| error.failure())?;
        let Some(settled) = not_settled(&begun, &probe) else {
            return Ok(probe);
        };
        let now = cx.clock.now();
        if now >= deadline {
            return Err(only_old_answers(name));
        }
        cx.tell(Event::Waiting {
            what: format!("what an earlier run had begun at {}", service_name(name)),
        });
        let wait = settled.duration_since(now).max(SETTLING);
        cx.clock.sleep(wait.unsigned_abs()).await;
        fresh = true;
    }
}

fn only_old_answers(name: &DestinationName) -> Failure {
    let service = service_name(name).to_owned();
    let what = "an answer that is younger than what an earlier run had begun".to_owned();
    let message = format!(
        "{service}: only answers from a cache came that are older than what an earlier run had begun there"
    );
    Failure {
        decision: Decision::NotYet { what },
        service,
        message,
        said: None,
    }
}

/// Returns when the youngest thing that was begun and seems absent will be
/// settled, if the answer is older than that.
fn not_settled(begun: &BTreeMap<Begun, Timestamp>, probe: &Probe) -> Option<Timestamp> {
    let absent = |begun: &&Begun| match begun {
        Begun::Upload(name) => !holds(&probe.holdings, name),
        Begun::Draft => matches!(
            &probe.holdings,
            Holdings::Releases(it) if it.published.is_none() && it.drafts.is_empty()
        ),
    };
    let last = begun.keys().filter(absent).map(|key| begun[key]).max()?;
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
    let mut clients = Vec::new();
    for &name in wanted.keys() {
        if let Some(destination) = config.destinations.get(name) {
            clients.push((name.clone(), publisher(cx, config, destination, at)?));
        }
    }
    if config.create_tag && !clients.iter().any(|(name, _)| *name == repository()) {
        // The tag is made with it even where no file goes to the repository.
        let github = GitHub::new(forge(cx, config), at.tag.clone(), at.commit.clone());
        clients.push((repository(), Publisher::GitHub(github)));
    }
    let states = clients.iter().map(|(name, publisher)| async move {
        let state = publisher.credential().await;
        (name.clone(), state)
    });
    Ok(join_all(states).await.into_iter().collect())
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
