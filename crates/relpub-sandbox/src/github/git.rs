//! Repository, commits, refs and tags over the API (REST reference, "Git database").

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State as Of;
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::GitHub;
use super::call::{Answer, Call, read_json};
use super::failure::Failure;
use super::repository::{Repository, TagObject, is_ref_name, tag_ref};
use super::show::{hash, whole_seconds};
use super::state::{Release, State};

const NO_REF: &str = "Reference does not exist";

/// Shows the repository and what the caller may do with it.
pub(super) async fn repository(Of(github): Of<GitHub>, call: Call) -> Answer {
    let state = github.state();
    let show = github.show(&state, &call)?;
    Ok(Json(show.repository(call.access())).into_response())
}

/// Tells whether new releases become immutable; it is not found when they do not.
pub(super) async fn immutable_releases(Of(github): Of<GitHub>, call: Call) -> Answer {
    call.needs_push()?;
    let state = github.state();
    if !find(&state, &call)?.immutable_releases {
        return Err(Failure::not_found());
    }
    Ok(Json(json!({"enabled": true, "enforced_by_owner": false})).into_response())
}

/// Shows the commit that a branch, a tag or a hash names.
pub(super) async fn commit(Of(github): Of<GitHub>, call: Call) -> Answer {
    let state = github.state();
    let show = github.show(&state, &call)?;
    let asked = call.text("ref");
    let sha = show.repository.resolve(asked);
    let sha = sha.ok_or_else(|| Failure::refused(format!("No commit found for SHA: {asked}")))?;
    let commit = &show.repository.commits[sha];
    Ok(Json(show.commit(sha, commit)).into_response())
}

/// Compares `base...head`: the commits that only one of them has.
pub(super) async fn compare(Of(github): Of<GitHub>, call: Call) -> Answer {
    let state = github.state();
    let show = github.show(&state, &call)?;
    let repository = show.repository;
    let range = call.text("range").split_once("...");
    let (base, head) = range.ok_or_else(Failure::not_found)?;
    let find = |text| repository.resolve(text).ok_or_else(Failure::not_found);
    let (base, head) = (find(base)?, find(head)?);
    let (old, new) = (repository.history(base), repository.history(head));
    let known: BTreeSet<_> = old.iter().copied().collect();
    let ahead: Vec<_> = new.iter().filter(|sha| !known.contains(*sha)).collect();
    let common = new.iter().rev().find(|sha| known.contains(*sha));
    let behind = old.len() - (new.len() - ahead.len());
    let status = match (ahead.len(), behind) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        _ => "diverged",
    };
    let commit = |sha: &str| show.commit(sha, &repository.commits[sha]);
    let (commits, links) = call.part(&ahead, |sha| commit(sha));
    let body = json!({
        "status": status,
        "ahead_by": ahead.len(),
        "behind_by": behind,
        "total_commits": ahead.len(),
        "base_commit": commit(base),
        "merge_base_commit": common.map(|sha| commit(sha)),
        "commits": commits,
        "files": [],
    });
    Ok((links, Json(body)).into_response())
}

/// Shows one ref by its name after `refs/`.
pub(super) async fn reference(Of(github): Of<GitHub>, call: Call) -> Answer {
    let state = github.state();
    let show = github.show(&state, &call)?;
    let name = format!("refs/{}", call.text("ref"));
    let sha = show.repository.refs.get(&name);
    let sha = sha.ok_or_else(Failure::not_found)?;
    Ok(Json(show.reference(&name, sha)).into_response())
}

/// Lists the refs whose names after `refs/` start with a text.
pub(super) async fn matching(Of(github): Of<GitHub>, call: Call) -> Answer {
    let state = github.state();
    let show = github.show(&state, &call)?;
    let prefix = format!("refs/{}", call.text("ref"));
    let all = show.repository.refs.iter();
    let found: Vec<_> = all.filter(|(name, _)| name.starts_with(&prefix)).collect();
    Ok(call.page(&found, |(name, sha)| show.reference(name, sha)))
}

/// Shows an annotated tag by its own hash.
pub(super) async fn tag(Of(github): Of<GitHub>, call: Call) -> Answer {
    let state = github.state();
    let show = github.show(&state, &call)?;
    let tag = show.tag(call.text("sha"));
    Ok(Json(tag.ok_or_else(Failure::not_found)?).into_response())
}

#[derive(Deserialize)]
struct NewTag {
    tag: String,
    message: String,
    object: String,
}

/// Creates an annotated tag, to which no ref points yet.
pub(super) async fn create_tag(Of(github): Of<GitHub>, call: Call, body: Bytes) -> Answer {
    call.needs_push()?;
    let wanted: NewTag = read_json(&body)?;
    let mut state = github.state();
    let mut repository = find(&state, &call)?.clone();
    if !repository.has_object(&wanted.object) {
        return Err(Failure::refused("Object does not exist"));
    }
    let sha = add_tag_object(
        &mut repository,
        TagObject {
            tag: wanted.tag,
            message: wanted.message,
            object: wanted.object,
            date: whole_seconds(github.inner.clock.now()),
        },
    );
    state.put_repository(repository)?;
    let show = github.show(&state, &call)?;
    Ok((StatusCode::CREATED, Json(show.tag(&sha))).into_response())
}

/// Adds an annotated tag and returns its hash.
pub(super) fn add_tag_object(repository: &mut Repository, tag: TagObject) -> String {
    let text = format!("{} {} {} {}", tag.tag, tag.object, tag.date, tag.message);
    let sha = hash(&text);
    repository.tags.insert(sha.clone(), tag);
    sha
}

#[derive(Deserialize)]
struct NewRef {
    r#ref: String,
    sha: String,
}

/// Creates a ref.
pub(super) async fn create_ref(Of(github): Of<GitHub>, call: Call, body: Bytes) -> Answer {
    call.needs_push()?;
    let wanted: NewRef = read_json(&body)?;
    let mut state = github.state();
    let mut repository = find(&state, &call)?.clone();
    let name = wanted.r#ref;
    let rest = name.strip_prefix("refs/").filter(|it| it.contains('/'));
    if !rest.is_some_and(is_ref_name) {
        let message = format!("{name} is not a valid ref name.");
        return Err(Failure::refused(message));
    }
    if repository.refs.contains_key(&name) {
        return Err(Failure::refused("Reference already exists"));
    }
    check_object(&repository, &name, &wanted.sha)?;
    repository.refs.insert(name.clone(), wanted.sha.clone());
    state.put_repository(repository)?;
    let show = github.show(&state, &call)?;
    let shown = show.reference(&name, &wanted.sha);
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

#[derive(Deserialize)]
struct MovedRef {
    sha: String,
    #[serde(default)]
    force: bool,
}

/// Moves a ref: without `force` only to a descendant.
pub(super) async fn update_ref(Of(github): Of<GitHub>, call: Call, body: Bytes) -> Answer {
    call.needs_push()?;
    let wanted: MovedRef = read_json(&body)?;
    let mut state = github.state();
    let mut repository = find(&state, &call)?.clone();
    let name = format!("refs/{}", call.text("ref"));
    let before = repository.refs.get(&name);
    let before = before.ok_or_else(|| Failure::refused(NO_REF))?;
    check_object(&repository, &name, &wanted.sha)?;
    check_unprotected(&state, &call, &name, "update")?;
    let follows = || {
        let (old, new) = (repository.peel(before)?, repository.peel(&wanted.sha)?);
        Some(repository.history(new).contains(&old))
    };
    if !wanted.force && follows() != Some(true) {
        return Err(Failure::refused("Update is not a fast forward"));
    }
    repository.refs.insert(name.clone(), wanted.sha.clone());
    state.put_repository(repository)?;
    let show = github.show(&state, &call)?;
    Ok(Json(show.reference(&name, &wanted.sha)).into_response())
}

/// Deletes a ref.
pub(super) async fn delete_ref(Of(github): Of<GitHub>, call: Call) -> Answer {
    call.needs_push()?;
    let mut state = github.state();
    let mut repository = find(&state, &call)?.clone();
    let name = format!("refs/{}", call.text("ref"));
    if !repository.refs.contains_key(&name) {
        return Err(Failure::refused(NO_REF));
    }
    check_unprotected(&state, &call, &name, "delete")?;
    repository.refs.remove(&name);
    state.put_repository(repository)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn find<'a>(state: &'a State, call: &Call) -> Result<&'a Repository, Failure> {
    let repository = state.repository(&call.repository);
    repository.ok_or_else(Failure::not_found)
}

/// Refuses to let `name` point to what is not there; a branch needs a commit.
fn check_object(repository: &Repository, name: &str, sha: &str) -> Result<(), Failure> {
    if !repository.has_object(sha) {
        return Err(Failure::refused("Object does not exist"));
    }
    if name.starts_with("refs/heads/") && repository.kind(sha) != "commit" {
        return Err(Failure::refused("Reference update failed"));
    }
    Ok(())
}

/// Refuses to touch the tag of an immutable release.
fn check_unprotected(state: &State, call: &Call, name: &str, deed: &str) -> Result<(), Failure> {
    let releases = state.releases(&call.repository);
    let holds = |release: &&Release| release.immutable && tag_ref(&release.tag) == name;
    if releases.iter().any(holds) {
        let message = format!(
            "Repository rule violations found\n\nCannot {deed} this tag: it \
                               belongs to an immutable release.\n\n"
        );
        return Err(Failure::refused(message));
    }
    Ok(())
}
