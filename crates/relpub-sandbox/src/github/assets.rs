//! The assets of a release over the API (REST reference, "Release assets").

use std::sync::atomic::Ordering;

use axum::Json;
use axum::body::Body;
use axum::extract::State as Of;
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;

use super::GitHub;
use super::call::{Answer, Call, read_json};
use super::failure::Failure;
use super::releases;
use super::show::whole_seconds;
use super::state::{Asset, AssetState, Release, State};
use super::{asset_name, storage};
use crate::disk::{Hashes, Received};

const ASSET: &str = "ReleaseAsset";

/// How many assets a release can have.
const MOST: usize = 1000;
/// The size in bytes from which on an asset is too large.
const TOO_LARGE: u64 = 2_147_483_648;

/// Lists the assets of a release, those whose upload has not ended too.
pub(super) async fn list(Of(github): Of<GitHub>, call: Call) -> Answer {
    let state = github.state();
    let show = github.show(&state, &call)?;
    let release = releases::find(&state, &call)?;
    let assets: Vec<_> = state.assets_of(release.id).collect();
    Ok(call.page(&assets, |asset| show.asset(release, asset)))
}

/// Shows an asset, or leads to its bytes when those are accepted.
pub(super) async fn get(Of(github): Of<GitHub>, call: Call, headers: HeaderMap) -> Answer {
    let state = github.state();
    let (asset, release) = find(&state, &call)?;
    let accepted = headers.get(header::ACCEPT).map(HeaderValue::as_bytes);
    if accepted.is_some_and(|it| it.starts_with(b"application/octet-stream")) {
        return storage::redirect(&github, asset);
    }
    let show = github.show(&state, &call)?;
    Ok(Json(show.asset(release, asset)).into_response())
}

/// Takes the bytes of a new asset.
///
/// The asset is there from the first byte on, as `starter`; it stays so when
/// the upload breaks off, and blocks its name until somebody deletes it.
pub(super) async fn upload(
    Of(github): Of<GitHub>,
    call: Call,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    call.needs_push()?;
    let size = announced_size(&headers)?;
    let asset = {
        let mut state = github.state();
        let release = releases::find(&state, &call)?.clone();
        begin(&github, &mut state, &call, &headers, &release, size)?
    };
    let disk = &github.inner.disk;
    let received = disk.receive(body.into_data_stream(), Hashes::Sha256).await;
    let received = received.map_err(|_| upstream_failure())?;
    if take_starter(&github) {
        return Err(upstream_failure());
    }
    finish(&github, &call, asset.id, received)
}

/// Checks an upload before its body is read, and claims its name.
fn begin(
    github: &GitHub,
    state: &mut State,
    call: &Call,
    headers: &HeaderMap,
    release: &Release,
    size: u64,
) -> Result<Asset, Failure> {
    if release.immutable {
        let message = "Cannot upload assets to an immutable release";
        return Err(Failure::refused(message));
    }
    let name = call.query("name").map(asset_name::renamed);
    let name = name.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Failure::field(ASSET, "missing_field", "name"))?;
    let content_type = headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let content_type =
        content_type.ok_or_else(|| Failure::field(ASSET, "missing_field", "content_type"))?;
    check_size(size)?;
    check_name(state, release.id, None, &name)?;
    check_room(state.assets_of(release.id).count())?;
    let now = whole_seconds(github.inner.clock.now());
    let asset = Asset {
        id: state.new_id()?,
        release: release.id,
        name,
        label: call.query("label").map(str::to_owned),
        content_type: content_type.to_owned(),
        state: AssetState::Starter,
        size: 0,
        sha256: None,
        downloads: 0,
        created: now,
        updated: now,
    };
    state.put_asset(asset.clone())?;
    Ok(asset)
}

/// Puts the bytes of an upload in place, if the asset is still wanted.
fn finish(github: &GitHub, call: &Call, id: u64, received: Received) -> Answer {
    let mut state = github.state();
    let (asset, release) = state
        .asset(&call.repository, id)
        .ok_or_else(Failure::not_found)?;
    if release.immutable {
        let message = "Cannot upload assets to an immutable release";
        return Err(Failure::refused(message));
    }
    let asset = Asset {
        state: AssetState::Uploaded,
        size: received.size,
        sha256: Some(received.sha256.clone()),
        updated: whole_seconds(github.inner.clock.now()),
        ..asset.clone()
    };
    received.keep(&state.blob(id))?;
    state.put_asset(asset)?;
    let show = github.show(&state, call)?;
    let (asset, release) = find_id(&state, call, id)?;
    let shown = show.asset(release, asset);
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

#[derive(Deserialize)]
struct Changes {
    name: Option<String>,
    label: Option<String>,
}

/// Changes name or label of an asset.
pub(super) async fn update(Of(github): Of<GitHub>, call: Call, body: Bytes) -> Answer {
    call.needs_push()?;
    let changes: Changes = read_json(&body)?;
    let mut state = github.state();
    let (asset, release) = find(&state, &call)?;
    if release.immutable {
        let message = "Cannot update asset from an immutable release";
        return Err(Failure::refused(message));
    }
    let mut asset = asset.clone();
    if let Some(name) = changes.name.as_deref().map(asset_name::renamed) {
        check_name(&state, release.id, Some(asset.id), &name)?;
        asset.name = name;
    }
    asset.label = changes.label.or(asset.label);
    asset.updated = whole_seconds(github.inner.clock.now());
    let id = asset.id;
    state.put_asset(asset)?;
    let show = github.show(&state, &call)?;
    let (asset, release) = find_id(&state, &call, id)?;
    Ok(Json(show.asset(release, asset)).into_response())
}

/// Deletes an asset.
pub(super) async fn delete(Of(github): Of<GitHub>, call: Call) -> Answer {
    call.needs_push()?;
    let mut state = github.state();
    let (asset, release) = find(&state, &call)?;
    if release.immutable {
        let message = "Cannot delete asset from an immutable release";
        return Err(Failure::refused(message));
    }
    let id = asset.id;
    state.remove_asset(id)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Returns the asset that the call names, if the caller may see its release.
fn find<'a>(state: &'a State, call: &Call) -> Result<(&'a Asset, &'a Release), Failure> {
    find_id(state, call, call.id()?)
}

fn find_id<'a>(
    state: &'a State,
    call: &Call,
    id: u64,
) -> Result<(&'a Asset, &'a Release), Failure> {
    let found = state.asset(&call.repository, id);
    let seen = found.filter(|(_, release)| !release.draft || call.may_push());
    seen.ok_or_else(Failure::not_found)
}

/// Returns the length of the body, which must be announced.
fn announced_size(headers: &HeaderMap) -> Result<u64, Failure> {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(Failure::new(
            StatusCode::LENGTH_REQUIRED,
            "Bad Content-Length",
        ));
    }
    // A request with neither header has no body (RFC 9112 section 6.3).
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse().ok());
    Ok(length.unwrap_or(0))
}

fn check_size(size: u64) -> Result<(), Failure> {
    let message = match size {
        0 => "size is not included in the list",
        TOO_LARGE.. => "size must be less than 2147483648",
        _ => return Ok(()),
    };
    Err(Failure::custom_field(ASSET, "size", message))
}

/// Refuses one more asset in a release that has `count`.
fn check_room(count: usize) -> Result<(), Failure> {
    if count < MOST {
        return Ok(());
    }
    let message = format!("a release cannot have more than {MOST} assets");
    Err(Failure::custom(ASSET, &message))
}

/// Refuses a name that another asset of the release has, whatever its state.
fn check_name(state: &State, release: u64, own: Option<u64>, name: &str) -> Result<(), Failure> {
    let mut others = state.assets_of(release).filter(|it| Some(it.id) != own);
    if others.any(|asset| asset.name == name) {
        return Err(Failure::field(ASSET, "already_exists", "name"));
    }
    Ok(())
}

/// Returns whether this upload is one that a test wants to fail.
fn take_starter(github: &GitHub) -> bool {
    let left = &github.inner.starters;
    let less = |left: u32| left.checked_sub(1);
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
        .is_ok()
}

fn upstream_failure() -> Failure {
    Failure::new(StatusCode::BAD_GATEWAY, "Server Error")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_those_that_github_documents() {
        assert!(check_room(999).is_ok());
        assert!(check_room(1000).is_err());
        assert!(check_size(0).is_err());
        assert!(check_size(2_147_483_647).is_ok());
        assert!(check_size(2_147_483_648).is_err());
    }
}
