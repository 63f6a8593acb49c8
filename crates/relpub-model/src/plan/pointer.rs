//! Pointers: where they belong, and whether they are there.

use std::cmp::Ordering;

use super::Pointer;
use crate::config::Config;
use crate::observed::{Holdings, Known, Observed, Releases};
use crate::promotion::{PointerRule, Promotion};
use crate::version::Version;

/// Returns how a pointer has yet to move, or `None` when it is where it belongs
/// or already ahead.
pub(crate) fn left_to_do(
    rule: &PointerRule,
    config: &Config,
    promotion: &Promotion,
    observed: &Observed,
) -> Option<Pointer> {
    let PointerRule::Latest { destination } = rule;
    let Some(Known::Seen(Holdings::Releases(releases))) = observed.destinations.get(destination)
    else {
        return None;
    };
    let to = highest(config, promotion, releases);
    let from = releases.latest.clone();
    let there = from
        .as_deref()
        .is_some_and(|latest| latest == to || is_ahead(config, latest, &to));
    (!there).then(|| Pointer::Latest {
        destination: destination.clone(),
        from,
        to,
    })
}

/// Returns the tag of the highest stable version once this one is published.
fn highest(config: &Config, promotion: &Promotion, releases: &Releases) -> String {
    let mut best = (promotion.tag.name.clone(), promotion.tag.version.clone());
    for tag in &releases.stable_tags {
        if let Some(version) = version_of(config, tag)
            && version.compare(&best.1) == Some(Ordering::Greater)
        {
            best = (tag.clone(), version);
        }
    }
    best.0
}

fn is_ahead(config: &Config, latest: &str, target: &str) -> bool {
    let versions = (version_of(config, latest), version_of(config, target));
    matches!(versions, (Some(latest), Some(target)) if latest.compare(&target).is_some_and(Ordering::is_ge))
}

fn version_of(config: &Config, tag: &str) -> Option<Version> {
    let version = config.tag.read(tag).ok().map(|tag| tag.version);
    version.filter(|version| !version.channel().is_prerelease())
}
