//! The rules of releases: what may be saved, and what publication does.

use jiff::Timestamp;
use serde::Deserialize;

use super::failure::Failure;
use super::repository::{Repository, is_ref_name, tag_ref};
use super::show::whole_seconds;
use super::state::{Release, State};

const RELEASE: &str = "Release";

/// What a request wants a release to be; what is left out stays as it is.
#[derive(Default, Deserialize)]
pub(super) struct Wanted {
    pub(super) tag_name: Option<String>,
    pub(super) target_commitish: Option<String>,
    pub(super) name: Option<String>,
    pub(super) body: Option<String>,
    pub(super) draft: Option<bool>,
    pub(super) prerelease: Option<bool>,
    pub(super) make_latest: Option<MakeLatest>,
    pub(super) generate_release_notes: Option<bool>,
    pub(super) discussion_category_name: Option<String>,
}

/// Whether a release becomes the repository's latest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum MakeLatest {
    True,
    False,
    /// The latest is found by version and date again.
    Legacy,
}

impl Wanted {
    /// Writes what is wanted into `release`, without asking whether it may be.
    pub(super) fn apply(&self, release: &mut Release) {
        let keep = |value: &Option<String>| value.clone().filter(|text| !text.is_empty());
        if let Some(tag) = keep(&self.tag_name) {
            release.tag = tag;
        }
        if let Some(target) = keep(&self.target_commitish) {
            release.target = target;
        }
        if let Some(name) = &self.name {
            release.name = Some(name.clone());
        }
        if let Some(body) = &self.body {
            release.body = Some(body.clone());
        }
        release.draft = self.draft.unwrap_or(release.draft);
        release.prerelease = self.prerelease.unwrap_or(release.prerelease);
    }
}

/// Saves `release` if the rules allow it, and publishes it if it is no draft.
///
/// `before` is what it was, if it was. Publication creates the tag when it is
/// missing and makes the release immutable where the repository says so.
pub(super) fn save(
    state: &mut State,
    before: Option<&Release>,
    mut release: Release,
    make_latest: Option<MakeLatest>,
    now: Timestamp,
) -> Result<Release, Failure> {
    let now = whole_seconds(now);
    let repository = state.repository(&release.repository);
    let mut repository = repository.ok_or_else(Failure::not_found)?.clone();
    let publishes = !release.draft && before.is_none_or(|before| before.draft);
    check_tag(state, &repository, before, &release)?;
    check_immutable(before, &release)?;
    if make_latest == Some(MakeLatest::True) && (release.draft || release.prerelease) {
        let message = "Latest release cannot be draft or prerelease.";
        return Err(Failure::custom(RELEASE, message));
    }
    let commit = match repository.tag(&release.tag) {
        Some(commit) => commit,
        None => repository
            .target(&release.target)
            .ok_or_else(|| Failure::field(RELEASE, "invalid", "target_commitish"))?,
    };
    let commit = commit.to_owned();
    release.created = repository.commits[&commit].date;
    release.updated = now;
    if !release.draft {
        let name = tag_ref(&release.tag);
        repository.refs.entry(name).or_insert(commit);
    }
    if publishes {
        release.published = Some(now);
        release.immutable = repository.immutable_releases;
    }
    point_latest(&mut repository, &release, publishes, make_latest);
    state.put_repository(repository)?;
    state.put_release(release.clone())?;
    Ok(release)
}

fn check_tag(
    state: &State,
    repository: &Repository,
    before: Option<&Release>,
    release: &Release,
) -> Result<(), Failure> {
    if !is_ref_name(&release.tag) {
        let message = "tag_name is not a valid tag";
        return Err(Failure::custom_field(RELEASE, "tag_name", message));
    }
    let keeps = before.is_some_and(|before| before.tag == release.tag && !before.draft);
    if !keeps && repository.burned.contains(&release.tag) {
        let message = "tag_name was used by an immutable release";
        return Err(Failure::custom_field(RELEASE, "tag_name", message));
    }
    let other = state.published(&release.repository, &release.tag);
    if !release.draft && other.is_some_and(|other| other.id != release.id) {
        return Err(Failure::field(RELEASE, "already_exists", "tag_name"));
    }
    Ok(())
}

/// Lets only title, notes and flags of an immutable release change.
fn check_immutable(before: Option<&Release>, release: &Release) -> Result<(), Failure> {
    let Some(before) = before.filter(|before| before.immutable) else {
        return Ok(());
    };
    if release.draft {
        let message = "Cannot convert an immutable release to a draft";
        return Err(Failure::custom(RELEASE, message));
    }
    if before.tag != release.tag || before.target != release.target {
        let message = "Cannot change the tag of an immutable release";
        return Err(Failure::custom_field(RELEASE, "tag_name", message));
    }
    Ok(())
}

fn point_latest(
    repository: &mut Repository,
    release: &Release,
    publishes: bool,
    make_latest: Option<MakeLatest>,
) {
    let is_latest = repository.latest == Some(release.id);
    if release.draft || release.prerelease {
        if is_latest {
            repository.latest = None;
        }
        return;
    }
    let default = publishes.then_some(MakeLatest::True);
    match make_latest.or(default) {
        Some(MakeLatest::True) => repository.latest = Some(release.id),
        Some(MakeLatest::Legacy) => repository.latest = None,
        Some(MakeLatest::False) if is_latest => repository.latest = None,
        Some(MakeLatest::False) | None => {}
    }
}

/// Returns the latest release: the one made it, else by version and date.
///
/// A release published with `make_latest` false can still be found by the
/// latter, as on GitHub.
pub(super) fn latest<'a>(state: &'a State, repository: &Repository) -> Option<&'a Release> {
    let releases = state.releases(&repository.key());
    let eligible = releases
        .into_iter()
        .filter(|it| !it.draft && !it.prerelease);
    eligible.max_by_key(|release| {
        let chosen = repository.latest == Some(release.id);
        (chosen, numbers(&release.tag), release.created, release.id)
    })
}

/// Returns the numbers of a version, from the first digit of its tag on.
///
/// What follows them, such as `-rc.1`, is a mark of a lower version.
fn numbers(tag: &str) -> (Vec<u64>, bool) {
    let version = tag.trim_start_matches(|c: char| !c.is_ascii_digit());
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let numbers = core.split('.').map_while(|part| part.parse().ok());
    (numbers.collect(), !version.contains('-'))
}

/// Deletes a release; the tag of an immutable one is burned, but stays.
pub(super) fn delete(state: &mut State, release: &Release) -> Result<(), Failure> {
    let repository = state.repository(&release.repository);
    let mut repository = repository.ok_or_else(Failure::not_found)?.clone();
    if release.immutable {
        repository.burned.insert(release.tag.clone());
    }
    if repository.latest == Some(release.id) {
        repository.latest = None;
    }
    state.put_repository(repository)?;
    Ok(state.remove_release(release.id)?)
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn versions_are_compared_by_number() {
        assert!(numbers("v1.10.0") > numbers("v1.9.3"));
        assert!(numbers("v2.0.0") > numbers("v2.0.0-rc.1"));
        assert!(numbers("pkg-0.2.0") < numbers("v0.10"));
        assert!(numbers("nightly") < numbers("v0"));
    }
}
