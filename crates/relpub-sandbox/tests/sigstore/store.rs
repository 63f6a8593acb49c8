//! GitHub's attestation store.

use relpub_sandbox::World;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::{Rekor, client, signer, statement, world};

/// Returns a request to `path` with this token, or none.
fn request(world: &World, method: Method, path: &str, token: Option<&str>) -> RequestBuilder {
    let url = format!("{}{path}", world.github.url());
    let request = client().request(method, url).header("user-agent", "test");
    match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}

async fn get(world: &World, path: &str) -> Response {
    let token = Some(world.github.token());
    request(world, Method::GET, path, token)
        .send()
        .await
        .unwrap()
}

async fn post(world: &World, path: &str, token: Option<&str>, body: &Value) -> Response {
    let request = request(world, Method::POST, path, token).json(body);
    request.send().await.unwrap()
}

fn digest(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    format!("sha256:{}", hex::encode(digest))
}

async fn bundle(world: &World, bytes: &[u8]) -> Value {
    let statement = statement(bytes);
    let signer = signer(world, Rekor::V2);
    let bundle = signer.sign_raw_statement(statement.as_bytes()).await;
    serde_json::from_str(&bundle.unwrap().to_json().unwrap()).unwrap()
}

const STORE: &str = "/repos/relpub/demo/attestations";

#[tokio::test]
async fn a_bundle_is_found_by_the_digest_of_its_subject() {
    let world = world().await;
    let (token, bundle) = (world.github.token(), bundle(&world, b"file").await);
    let created = post(&world, STORE, Some(token), &json!({"bundle": bundle})).await;
    assert_eq!(created.status(), StatusCode::CREATED);
    let created: Value = created.json().await.unwrap();
    assert_eq!(
        world.github.attestations("relpub/demo")[0].id,
        created["id"]
    );

    let path = format!("{STORE}/{}", digest(b"file").replace(':', "%3A"));
    let found: Value = get(&world, &path).await.json().await.unwrap();
    let [found] = &found["attestations"].as_array().unwrap()[..] else {
        panic!("{found}");
    };
    assert_eq!(found["bundle"], bundle);
    assert_eq!(found["repository_id"], 800_000_001);
    let owner = format!("/orgs/relpub/attestations/{}", digest(b"file"));
    assert_eq!(get(&world, &owner).await.status(), StatusCode::OK);

    // The newer API has the address alone, and a packed bundle there.
    let token = Some(token);
    let request = request(&world, Method::GET, &path, token);
    let request = request.header("x-github-api-version", "2026-03-10");
    let newer: Value = request.send().await.unwrap().json().await.unwrap();
    let newer = &newer["attestations"][0];
    assert!(newer.get("bundle").is_none());
    let url = newer["bundle_url"].as_str().unwrap();
    let packed = client().get(url).send().await.unwrap();
    assert_eq!(packed.headers()["content-type"], "application/x-snappy");
    let packed = packed.bytes().await.unwrap();
    let text = bundle.to_string();
    assert!(packed.ends_with(text.as_bytes()));
    let forged = client().get(url.replace("token=", "token=00")).send();
    assert_eq!(forged.await.unwrap().status(), StatusCode::FORBIDDEN);

    for wrong in [
        format!("{STORE}/{}", digest(b"other")),
        format!("{path}?predicate_type=provenance"),
    ] {
        let status = get(&world, &wrong).await.status();
        assert_eq!(status, StatusCode::NOT_FOUND, "{wrong}");
    }
    let right = format!("{path}?predicate_type=https://example.org/predicate/v1");
    assert_eq!(get(&world, &right).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn lists_are_turned_by_cursors_and_asked_for_in_bulk() {
    let world = world().await;
    let bundle = bundle(&world, b"file").await;
    for _ in 0..3 {
        let added = world.github.add_attestation("relpub/demo", &bundle);
        added.unwrap();
    }
    let mut next = format!("{STORE}/{}?per_page=2", digest(b"file"));
    let mut sizes = Vec::new();
    loop {
        let page = get(&world, &next).await;
        let link = page.headers().get("link").cloned();
        let page: Value = page.json().await.unwrap();
        sizes.push(page["attestations"].as_array().unwrap().len());
        let link = link.as_ref().map_or("", |it| it.to_str().unwrap());
        let Some(found) = link.split(", ").find(|it| it.ends_with("rel=\"next\"")) else {
            break;
        };
        let url = found.trim_start_matches('<').split('>').next().unwrap();
        next = url.replace(world.github.url(), "");
    }
    assert_eq!(sizes, [2, 1]);

    let token = Some(world.github.read_token());
    let (file, other) = (digest(b"file"), digest(b"other"));
    let body = json!({"subject_digests": [file, other]});
    let path = "/users/relpub/attestations/bulk-list";
    let found: Value = post(&world, path, token, &body).await.json().await.unwrap();
    let found = &found["attestations_subject_digests"];
    assert_eq!(found[&file].as_array().unwrap().len(), 3);
    assert_eq!(found[&other], json!([]));
    assert_eq!(world.mutations(), 3, "a certificate, a timestamp, an entry");
}

#[tokio::test]
async fn what_may_not_be_kept_is_refused() {
    let world = world().await;
    let bundle = bundle(&world, b"file").await;
    let body = json!({"bundle": bundle});
    let push = Some(world.github.token());
    let status = async |token, body: &Value| post(&world, STORE, token, body).await.status();
    let read = Some(world.github.read_token());
    assert_eq!(status(read, &body).await, StatusCode::FORBIDDEN);
    assert_eq!(status(None, &body).await, StatusCode::UNAUTHORIZED);
    world.github.deny_attestations(true);
    assert_eq!(status(push, &body).await, StatusCode::FORBIDDEN);
    world.github.deny_attestations(false);

    let mut without = body.clone();
    let envelope = without["bundle"].as_object_mut().unwrap();
    envelope.remove("dsseEnvelope");
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    assert_eq!(status(push, &without).await, refused);
    assert_eq!(status(push, &json!({"bundle": 1})).await, refused);
    assert_eq!(world.github.attestations("relpub/demo"), []);
    assert_eq!(status(push, &body).await, StatusCode::CREATED);
}
