//! Makes the client of each destination, with its credential and nobody else's.

use std::collections::BTreeMap;
use std::sync::Arc;

use relpub_model::Plan;
use relpub_model::config::{Config, Credential, Destination, DestinationKind};
use relpub_model::name::{Commit, DestinationName, FileName};
use relpub_model::promotion::Promotion;
use relpub_model::release::Release;
use relpub_model::version::Tag;
use relpub_remote::{Forge, GitHub, Publisher, PyPi};

use crate::context::Context;
use crate::error::Error;

/// What is wanted of each destination: its client, and the names.
pub(crate) type Wanted<'a> = BTreeMap<&'a DestinationName, Vec<FileName>>;

/// Returns the names that a release has at each destination.
pub(crate) fn wanted_by(release: &Release) -> Wanted<'_> {
    let places = release
        .artifacts
        .iter()
        .flat_map(|artifact| &artifact.places);
    collect(places.map(|place| (&place.destination, &place.name)))
}

/// Returns the names that a promotion has at each destination.
pub(crate) fn wanted_of(promotion: &Promotion) -> Wanted<'_> {
    collect(
        promotion
            .edges
            .iter()
            .map(|edge| (&edge.destination, &edge.name)),
    )
}

fn collect<'a>(places: impl Iterator<Item = (&'a DestinationName, &'a FileName)>) -> Wanted<'a> {
    let mut out = Wanted::new();
    for (destination, name) in places {
        out.entry(destination).or_default().push(name.clone());
    }
    out
}

/// The tag and the commit that a release is about.
#[derive(Clone, Copy)]
pub(crate) struct At<'a> {
    /// The tag.
    pub(crate) tag: &'a Tag,
    /// The full commit.
    pub(crate) commit: &'a Commit,
}

/// Returns the client of a destination.
pub(crate) fn publisher(
    cx: &Context,
    config: &Config,
    destination: &Destination,
    at: At<'_>,
) -> Result<Publisher, Error> {
    let urls = match &destination.kind {
        DestinationKind::GitHub { .. } => {
            let github = GitHub::new(forge(cx, config), at.tag.clone(), at.commit.clone());
            return Ok(Publisher::GitHub(github));
        }
        DestinationKind::Index { urls } => urls.clone(),
    };
    let known = || cx.endpoints.indexes.get(destination.name.as_str()).cloned();
    let Some(index) = urls.or_else(known) else {
        let name = &destination.name;
        return Err(Error::Usage(format!(
            "this world has no package index called `{name}`"
        )));
    };
    let identity = cx.endpoints.identity.as_ref();
    let pypi = PyPi::new(
        cx.http.clone(),
        destination,
        &index,
        &cx.environment,
        identity,
    );
    Ok(Publisher::PyPi(pypi))
}

/// Returns the clients of all destinations that something goes to, with what
/// they need to know of the files.
pub(crate) fn publishers(
    cx: &Context,
    plan: &Plan,
) -> Result<BTreeMap<DestinationName, Publisher>, Error> {
    let at = At {
        tag: &plan.promotion.tag,
        commit: &plan.promotion.commit,
    };
    let distributions = Arc::new(plan.distributions.clone());
    let mut out = BTreeMap::new();
    for name in wanted_of(&plan.promotion).into_keys() {
        let Some(destination) = plan.config.destinations.get(name) else {
            continue;
        };
        let publisher = publisher(cx, &plan.config, destination, at)?;
        out.insert(
            name.clone(),
            publisher.with_distributions(distributions.clone()),
        );
    }
    Ok(out)
}

/// Returns the client of the repository that tag and release live in.
///
/// Its credential is that of the GitHub destination, or the usual one.
pub(crate) fn forge(cx: &Context, config: &Config) -> Forge {
    let is_github = |d: &&Destination| matches!(d.kind, DestinationKind::GitHub { .. });
    let usual = Credential::Env("GITHUB_TOKEN".to_owned());
    let releases = config.destinations.values().find(is_github);
    let credential = releases.map_or(&usual, |destination| &destination.credential);
    Forge::new(
        cx.http.clone(),
        &cx.endpoints.github,
        config.repository.clone(),
        credential,
        &cx.environment,
    )
}
