//! Generated release notes: the pull requests since the previous tag.
//!
//! A pull request is found as GitHub's squash merges name it, by `(#12)` at the
//! end of a commit's first line. A commit without one is not listed, as on
//! GitHub.

use std::fmt::Write as _;

use super::failure::Failure;
use super::repository::Repository;
use super::show::Show;
use super::state::State;

/// The login of the person who made every commit.
pub(super) const AUTHOR: &str = "octocat";

/// Returns the notes for `tag`, which need not exist, at the commit `sha`.
///
/// `previous` names the tag to start from; without it the nearest tag before
/// the commit is taken, one with a published release if there is any.
pub(super) fn generate(
    state: &State,
    show: &Show<'_>,
    tag: &str,
    sha: &str,
    previous: Option<&str>,
) -> Result<String, Failure> {
    let repository = show.repository;
    let previous = match previous {
        Some(name) => {
            let commit = repository
                .tag(name)
                .ok_or_else(|| Failure::custom("Release", "Invalid previous_tag parameter"))?;
            Some((name, commit))
        }
        None => find_previous(state, repository, tag, sha),
    };
    let known = previous.map_or_else(Vec::new, |(_, commit)| repository.history(commit));
    let history = repository.history(sha);
    let added = history.into_iter().filter(|sha| !known.contains(sha));
    let requests: Vec<_> = added
        .filter_map(|sha| pull_request(&repository.commits[sha].message))
        .collect();

    let mut body = String::new();
    if !requests.is_empty() {
        body.push_str("## What's Changed\n");
        for (title, number) in requests {
            let url = format!("{}/pull/{number}", show.web());
            // Writing to a text cannot fail.
            let _ = writeln!(body, "* {title} by @{AUTHOR} in {url}");
        }
        body.push_str("\n\n");
    }
    let range = match previous {
        Some((previous, _)) => format!("compare/{previous}...{tag}"),
        None => format!("commits/{tag}"),
    };
    let _ = write!(body, "**Full Changelog**: {}/{range}", show.web());
    Ok(body)
}

/// Returns the nearest tag before `sha`, and its commit.
fn find_previous<'a>(
    state: &State,
    repository: &'a Repository,
    tag: &str,
    sha: &str,
) -> Option<(&'a str, &'a str)> {
    let key = repository.key();
    let history = repository.history(sha);
    let before = history.iter().rev().filter(|&&commit| commit != sha);
    let tags: Vec<_> = before
        .flat_map(|&commit| repository.tags().filter(move |(_, it)| *it == commit))
        .filter(|(name, _)| *name != tag)
        .collect();
    let released = |(name, _): &&(&str, &str)| state.published(&key, name).is_some();
    tags.iter().find(released).or_else(|| tags.first()).copied()
}

/// Returns title and number of the pull request that a commit merged.
fn pull_request(message: &str) -> Option<(&str, u64)> {
    let subject = message.lines().next()?.trim_end();
    let (title, number) = subject.strip_suffix(')')?.rsplit_once(" (#")?;
    Some((title, number.parse().ok()?))
}
