//! Releases over the API (REST reference, "Releases").

use axum::Json;
use axum::extract::State as Of;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::GitHub;
use super::call::{Answer, Call, read_json};
use super::failure::Failure;
use super::publish::{self, Wanted};
use super::show::Show;
use super::state::{Release, State};

/// Lists releases, newest first; drafts are for callers who may push.
pub(super) async fn list(Of(github): Of<GitHub>, call: Call) -> Answer {
    let state = github.state();
    let show = github.show(&state, &call)?;
    let mut releases = state.releases(&call.repository);
    releases.retain(|release| call.may_push() || !release.draft);
    Ok(call.page(&releases, |release| show.release(&state, release)))
}

/// Shows one release; a draft is not there for callers who may not push.
pub(super) async fn get(Of(github): Of<GitHub>, call: Call) -> Answer {
    let state = github.state();
    let release = find(&state, &call)?;
    answer(&github, &state, &call, StatusCode::OK, release)
}

/// Shows the published release with a tag; drafts are never found by it.
pub(super) async fn by_tag(Of(github): Of<GitHub>, call: Call) -> Answer {
    let state = github.state();
    let release = state.published(&call.repository, call.text("tag"));
    let release = release.ok_or_else(Failure::not_found)?;
    answer(&github, &state, &call, StatusCode::OK, release)
}

/// Shows the latest release.
pub(super) async fn latest(Of(github): Of<GitHub>, call: Call) -> Answer {
    let state = github.state();
    let repository = state.repository(&call.repository);
    let release = repository.and_then(|repository| publish::latest(&state, repository));
    let release = release.ok_or_else(Failure::not_found)?;
    answer(&github, &state, &call, StatusCode::OK, release)
}

/// Creates a release, published unless it is to be a draft.
pub(super) async fn create(Of(github): Of<GitHub>, call: Call, body: Bytes) -> Answer {
    call.needs_push()?;
    let wanted: Wanted = read_json(&body)?;
    if wanted.tag_name.as_deref().unwrap_or_default().is_empty() {
        return Err(Failure::refused(
            "Invalid request.\n\n\"tag_name\" wasn't supplied.",
        ));
    }
    check_discussion(&wanted)?;
    let mut state = github.state();
    let mut release = blank(&github, &mut state, &call)?;
    wanted.apply(&mut release);
    if wanted.generate_release_notes == Some(true) {
        add_notes(&github, &state, &call, &mut release)?;
    }
    let now = github.inner.clock.now();
    let release = publish::save(&mut state, None, release, wanted.make_latest, now)?;
    answer(&github, &state, &call, StatusCode::CREATED, &release)
}

/// Changes a release; `draft: false` publishes it.
pub(super) async fn update(Of(github): Of<GitHub>, call: Call, body: Bytes) -> Answer {
    call.needs_push()?;
    let wanted: Wanted = read_json(&body)?;
    check_discussion(&wanted)?;
    let mut state = github.state();
    let before = find(&state, &call)?.clone();
    let mut release = before.clone();
    wanted.apply(&mut release);
    let now = github.inner.clock.now();
    let release = publish::save(&mut state, Some(&before), release, wanted.make_latest, now)?;
    answer(&github, &state, &call, StatusCode::OK, &release)
}

/// Deletes a release with its assets; its tag stays.
pub(super) async fn delete(Of(github): Of<GitHub>, call: Call) -> Answer {
    call.needs_push()?;
    let mut state = github.state();
    let release = find(&state, &call)?.clone();
    publish::delete(&mut state, &release)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
struct NotesWanted {
    tag_name: String,
    target_commitish: Option<String>,
    previous_tag_name: Option<String>,
}

/// Generates notes and saves nothing.
pub(super) async fn generate_notes(Of(github): Of<GitHub>, call: Call, body: Bytes) -> Answer {
    call.needs_push()?;
    let wanted: NotesWanted = read_json(&body)?;
    let state = github.state();
    let show = github.show(&state, &call)?;
    let target = wanted.target_commitish.as_deref();
    let previous = wanted.previous_tag_name.as_deref();
    let body = notes(&state, &show, &wanted.tag_name, target, previous)?;
    Ok(Json(json!({"name": wanted.tag_name, "body": body})).into_response())
}

/// Returns the release that the call names, if the caller may see it.
pub(super) fn find<'a>(state: &'a State, call: &Call) -> Result<&'a Release, Failure> {
    let release = state.release(&call.repository, call.id()?);
    let seen = release.filter(|release| !release.draft || call.may_push());
    seen.ok_or_else(Failure::not_found)
}

/// Returns a release of which only the id is settled.
fn blank(github: &GitHub, state: &mut State, call: &Call) -> Result<Release, Failure> {
    let repository = state.repository(&call.repository);
    let repository = repository.ok_or_else(Failure::not_found)?;
    let target = repository.default_branch.clone();
    let now = github.inner.clock.now();
    Ok(Release {
        id: state.new_id()?,
        repository: call.repository.clone(),
        tag: String::new(),
        target,
        name: None,
        body: None,
        draft: false,
        prerelease: false,
        immutable: false,
        created: now,
        published: None,
        updated: now,
    })
}

/// Puts generated notes after the body, and names the release if it has no name.
fn add_notes(
    github: &GitHub,
    state: &State,
    call: &Call,
    release: &mut Release,
) -> Result<(), Failure> {
    let show = github.show(state, call)?;
    let generated = notes(state, &show, &release.tag, Some(&release.target), None)?;
    release.name.get_or_insert_with(|| release.tag.clone());
    release.body = Some(match release.body.take() {
        Some(body) if !body.is_empty() => format!("{body}\n\n{generated}"),
        _ => generated,
    });
    Ok(())
}

fn notes(
    state: &State,
    show: &Show<'_>,
    tag: &str,
    target: Option<&str>,
    previous: Option<&str>,
) -> Result<String, Failure> {
    let repository = show.repository;
    let target = target.unwrap_or(&repository.default_branch);
    let commit = repository
        .tag(tag)
        .or_else(|| repository.target(target))
        .ok_or_else(|| Failure::custom("Release", "Invalid target_commitish parameter"))?;
    super::notes::generate(state, show, tag, commit, previous)
}

/// Refuses every discussion category, because there are none.
fn check_discussion(wanted: &Wanted) -> Result<(), Failure> {
    match wanted.discussion_category_name {
        Some(_) => Err(Failure::not_found()),
        None => Ok(()),
    }
}

fn answer(
    github: &GitHub,
    state: &State,
    call: &Call,
    status: StatusCode,
    release: &Release,
) -> Answer {
    let show = github.show(state, call)?;
    let shown: Response = Json(show.release(state, release)).into_response();
    Ok((status, shown).into_response())
}
