//! Downloads: the signed storage behind assets, and the addresses for browsers.

use aws_lc_rs::hmac;
use axum::extract::{Path, Query, State as Of};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;

use super::GitHub;
use super::attestations;
use super::call::Answer;
use super::failure::Failure;
use super::publish;
use super::repository;
use super::state::{Asset, AssetState};
use crate::files;

/// How long an address of the storage works, in seconds.
const LIFE: i64 = 300;

/// Answers with an address at which the bytes are, for whoever knows it.
pub(super) fn redirect(github: &GitHub, asset: &Asset) -> Answer {
    if asset.state != AssetState::Uploaded {
        return Err(Failure::not_found());
    }
    let expires = github.inner.clock.now().as_second() + LIFE;
    let token = hex::encode(sign(github, asset.id, expires));
    github.inner.secrets.record(&token);
    let (url, id) = (github.url(), asset.id);
    let location = format!("{url}/storage/{id}?expires={expires}&token={token}");
    Ok((StatusCode::FOUND, [(header::LOCATION, location)]).into_response())
}

#[derive(Deserialize)]
pub(super) struct Signature {
    expires: i64,
    token: String,
}

/// Answers the bytes of an asset, whole or a range, to whoever has the address.
pub(super) async fn bytes(
    Of(github): Of<GitHub>,
    method: Method,
    Path(id): Path<u64>,
    Query(signature): Query<Signature>,
    headers: HeaderMap,
) -> Answer {
    if !is_valid(&github, &signed_text(id, signature.expires), &signature) {
        return Ok(expired());
    }
    let (asset, path) = {
        let mut state = github.state();
        let asset = state.any_asset(id).ok_or_else(Failure::not_found)?;
        let downloads = asset.downloads + u64::from(method == Method::GET);
        let asset = Asset {
            downloads,
            ..asset.clone()
        };
        state.put_asset(asset.clone())?;
        (asset, state.blob(id))
    };
    // The asset may have been deleted since.
    let answer = files::answer(&path, &headers, method == Method::HEAD).await;
    let mut response = answer.map_err(|_| Failure::not_found())?;
    describe(response.headers_mut(), &asset);
    Ok(response)
}

/// Returns an address at which a bundle is, for whoever knows it.
pub(super) fn bundle_url(github: &GitHub, id: u64) -> String {
    let expires = github.inner.clock.now().as_second() + LIFE;
    let token = hmac::sign(
        &github.inner.storage_key,
        bundle_text(id, expires).as_bytes(),
    );
    let token = hex::encode(token);
    github.inner.secrets.record(&token);
    let url = github.url();
    format!("{url}/storage/bundles/{id}.json.sn?expires={expires}&token={token}")
}

/// Answers a bundle to whoever has the address.
pub(super) async fn bundle(
    Of(github): Of<GitHub>,
    Path(name): Path<String>,
    Query(signature): Query<Signature>,
) -> Answer {
    let id = name.strip_suffix(".json.sn").and_then(|id| id.parse().ok());
    let id: u64 = id.ok_or_else(Failure::not_found)?;
    if !is_valid(&github, &bundle_text(id, signature.expires), &signature) {
        return Ok(expired());
    }
    let state = github.state();
    let attestation = state.attestation(id).ok_or_else(Failure::not_found)?;
    Ok(attestations::packed(attestation))
}

fn bundle_text(id: u64, expires: i64) -> String {
    format!("bundle {id} until {expires}")
}

fn is_valid(github: &GitHub, text: &str, signature: &Signature) -> bool {
    let token = hex::decode(&signature.token).unwrap_or_default();
    hmac::verify(&github.inner.storage_key, text.as_bytes(), &token).is_ok()
        && github.inner.clock.now().as_second() < signature.expires
}

fn expired() -> Response {
    let message = "the address has expired or was changed\n";
    (StatusCode::FORBIDDEN, message).into_response()
}

fn describe(headers: &mut HeaderMap, asset: &Asset) {
    let mut set = |name, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, &asset.content_type);
    let disposition = format!("attachment; filename={}", asset.name);
    set(header::CONTENT_DISPOSITION, &disposition);
    if let Some(sha256) = &asset.sha256 {
        set(header::ETAG, &format!("\"{sha256}\""));
    }
}

fn sign(github: &GitHub, id: u64, expires: i64) -> hmac::Tag {
    let text = signed_text(id, expires);
    hmac::sign(&github.inner.storage_key, text.as_bytes())
}

fn signed_text(id: u64, expires: i64) -> String {
    format!("asset {id} until {expires}")
}

/// Leads from the address for browsers to the storage.
///
/// Only what anybody may read is there: no draft and no private repository.
pub(super) async fn browse(
    Of(github): Of<GitHub>,
    Path((owner, repo, rest)): Path<(String, String, String)>,
) -> Answer {
    // A tag may contain slashes, the name of an asset may not.
    let (tag, name) = rest.rsplit_once('/').ok_or_else(Failure::not_found)?;
    let key = repository::key(&format!("{owner}/{repo}"));
    let state = github.state();
    let public = state.repository(&key).is_some_and(|it| !it.private);
    let release = state.published(&key, tag).filter(|_| public);
    let release = release.ok_or_else(Failure::not_found)?;
    let asset = state.assets_of(release.id).find(|asset| asset.name == name);
    redirect(&github, asset.ok_or_else(Failure::not_found)?)
}

/// Leads from the address of the latest release's asset to that of a tag.
pub(super) async fn browse_latest(
    Of(github): Of<GitHub>,
    Path((owner, repo, name)): Path<(String, String, String)>,
) -> Result<Response, Failure> {
    let key = repository::key(&format!("{owner}/{repo}"));
    let state = github.state();
    let repository = state.repository(&key).filter(|it| !it.private);
    let repository = repository.ok_or_else(Failure::not_found)?;
    let release = publish::latest(&state, repository).ok_or_else(Failure::not_found)?;
    let (url, tag) = (github.url(), &release.tag);
    let location = format!("{url}/{owner}/{repo}/releases/download/{tag}/{name}");
    Ok((StatusCode::FOUND, [(header::LOCATION, location)]).into_response())
}
