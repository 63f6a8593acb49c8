//! Which request goes where, and what it is called in log and faults.

use axum::Router;
use axum::middleware;
use axum::routing::{get, post};
use http::Method;

use super::failure::Failure;
use super::{GitHub, access, assets, attestations, git, releases, storage};
use crate::service::Service;

/// Returns API, uploads and web addresses as one service.
pub(super) fn service(github: &GitHub) -> Service {
    let api = Router::new()
        .nest("/repos/{owner}/{repo}", repository())
        .nest("/repositories/{repository}", repository())
        .nest("/orgs/{owner}/attestations", of_owner())
        .nest("/users/{owner}/attestations", of_owner())
        .fallback(not_found)
        .method_not_allowed_fallback(not_found)
        .layer(middleware::from_fn_with_state(
            github.clone(),
            access::admit,
        ));
    let web = Router::new()
        .route("/storage/{id}", get(storage::bytes))
        .route("/storage/bundles/{name}", get(storage::bundle))
        .route(
            "/{owner}/{repo}/releases/download/{*rest}",
            get(storage::browse),
        )
        .route(
            "/{owner}/{repo}/releases/latest/download/{name}",
            get(storage::browse_latest),
        );
    Service {
        name: "github",
        router: api.merge(web).with_state(github.clone()),
        endpoint,
        mutates,
    }
}

/// Returns the routes below the path of a repository.
fn repository() -> Router<GitHub> {
    Router::new()
        .route("/", get(git::repository))
        .route("/attestations", post(attestations::create))
        .route("/attestations/{digest}", get(attestations::list))
        .route("/immutable-releases", get(git::immutable_releases))
        .route("/commits/{*ref}", get(git::commit))
        .route("/compare/{*range}", get(git::compare))
        .route("/git/ref/{*ref}", get(git::reference))
        .route("/git/matching-refs/{*ref}", get(git::matching))
        .route("/git/refs", post(git::create_ref))
        .route(
            "/git/refs/{*ref}",
            get(git::reference)
                .patch(git::update_ref)
                .delete(git::delete_ref),
        )
        .route("/git/tags", post(git::create_tag))
        .route("/git/tags/{sha}", get(git::tag))
        .merge(of_releases())
}

fn of_releases() -> Router<GitHub> {
    Router::new()
        .route("/releases", get(releases::list).post(releases::create))
        .route("/releases/latest", get(releases::latest))
        .route("/releases/tags/{*tag}", get(releases::by_tag))
        .route("/releases/generate-notes", post(releases::generate_notes))
        .route(
            "/releases/{id}",
            get(releases::get)
                .patch(releases::update)
                .delete(releases::delete),
        )
        .route(
            "/releases/assets/{id}",
            get(assets::get)
                .patch(assets::update)
                .delete(assets::delete),
        )
        .route(
            "/releases/{id}/assets",
            get(assets::list).post(assets::upload),
        )
}

/// Returns the routes to the attestations of an owner.
fn of_owner() -> Router<GitHub> {
    Router::new()
        .route("/bulk-list", post(attestations::bulk_list))
        .route("/{digest}", get(attestations::list_of_owner))
}

async fn not_found() -> Failure {
    Failure::not_found()
}

/// Names what is asked for.
fn endpoint(method: &Method, path: &str) -> &'static str {
    let path = path.trim_matches('/');
    // A repository can be named by its id too: `/repositories/1` for `/repos/o/r`.
    let parts = match path.strip_prefix("repositories/") {
        Some(rest) => ["repos", ""]
            .into_iter()
            .chain(rest.splitn(4, '/'))
            .collect(),
        None => path.splitn(6, '/').collect::<Vec<_>>(),
    };
    match parts[..] {
        ["repos", _, _] => "repository",
        ["repos", _, _, "attestations"] => "create-attestation",
        ["orgs" | "users", _, "attestations", "bulk-list"] => "bulk-attestations",
        ["repos", _, _, "attestations", _] | ["orgs" | "users", _, "attestations", _] => {
            "list-attestations"
        }
        ["repos", _, _, "commits", ..] => "commit",
        ["repos", _, _, "compare", ..] => "compare",
        ["repos", _, _, "immutable-releases"] => "immutable-releases",
        ["repos", _, _, "git", object, ..] => git_endpoint(method, object),
        ["repos", _, _, "releases"] if method == Method::POST => "create-release",
        ["repos", _, _, "releases"] => "list-releases",
        ["repos", _, _, "releases", "latest"] => "latest",
        ["repos", _, _, "releases", "generate-notes"] => "generate-notes",
        ["repos", _, _, "releases", "tags", _] => "release",
        ["repos", _, _, "releases", "assets", _] => match *method {
            Method::PATCH => "update-asset",
            Method::DELETE => "delete-asset",
            _ => "asset",
        },
        ["repos", _, _, "releases", _, "assets"] if method == Method::POST => "upload-asset",
        ["repos", _, _, "releases", _, "assets"] => "list-assets",
        ["repos", _, _, "releases", _] => match *method {
            Method::PATCH => "update-release",
            Method::DELETE => "delete-release",
            _ => "release",
        },
        ["storage", _] => "download",
        ["storage", "bundles", _] => "download-bundle",
        [_, _, "releases", "download" | "latest", ..] => "browser-download",
        _ => "unknown",
    }
}

fn git_endpoint(method: &Method, object: &str) -> &'static str {
    match (object, method) {
        ("tags", &Method::POST) => "create-tag",
        ("refs", &Method::POST) => "create-ref",
        ("refs", &Method::PATCH) => "update-ref",
        ("refs", &Method::DELETE) => "delete-ref",
        ("ref" | "refs" | "matching-refs" | "tags", _) => "tag",
        _ => "unknown",
    }
}

/// Tells whether a request changes what the GitHub holds.
fn mutates(method: &Method, path: &str) -> bool {
    let writes = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method);
    writes
        && !matches!(
            endpoint(method, path),
            "generate-notes" | "bulk-attestations" | "unknown"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_the_names_that_faults_use() {
        for (method, path, name, mutating) in [
            (Method::GET, "/repos/o/r", "repository", false),
            (Method::GET, "/repos/o/r/git/ref/tags/v1", "tag", false),
            (Method::POST, "/repos/o/r/git/refs", "create-ref", true),
            (
                Method::PATCH,
                "/repos/o/r/git/refs/tags/v1",
                "update-ref",
                true,
            ),
            (Method::GET, "/repos/o/r/releases", "list-releases", false),
            (
                Method::DELETE,
                "/repositories/7/releases/7",
                "delete-release",
                true,
            ),
            (
                Method::GET,
                "/repos/o/r/releases/tags/a/b",
                "release",
                false,
            ),
            (Method::GET, "/repos/o/r/releases/7", "release", false),
            (
                Method::PATCH,
                "/repos/o/r/releases/7",
                "update-release",
                true,
            ),
            (
                Method::POST,
                "/repos/o/r/releases/generate-notes",
                "generate-notes",
                false,
            ),
            (
                Method::POST,
                "/repos/o/r/releases/7/assets",
                "upload-asset",
                true,
            ),
            (
                Method::DELETE,
                "/repos/o/r/releases/assets/7",
                "delete-asset",
                true,
            ),
            (Method::GET, "/storage/7", "download", false),
            (
                Method::POST,
                "/repos/o/r/attestations",
                "create-attestation",
                true,
            ),
            (
                Method::GET,
                "/repos/o/r/attestations/sha256:00",
                "list-attestations",
                false,
            ),
            (
                Method::POST,
                "/orgs/o/attestations/bulk-list",
                "bulk-attestations",
                false,
            ),
            (Method::POST, "/repos/o/r/issues", "unknown", false),
        ] {
            assert_eq!(endpoint(&method, path), name, "{method} {path}");
            assert_eq!(mutates(&method, path), mutating, "{method} {path}");
        }
    }
}
