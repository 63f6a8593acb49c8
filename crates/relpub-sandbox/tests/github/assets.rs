//! Assets: uploads that end, uploads that do not, and downloads.

use relpub_sandbox::{AssetState, AssetView, World};
use reqwest::{Client, Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::{Api, REPOSITORY, error_of, world};

/// The SHA-256 of `abc` (FIPS 180-2, appendix B.1).
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn assets(world: &World) -> Vec<AssetView> {
    world.github.releases(REPOSITORY).remove(0).assets
}

#[tokio::test]
async fn an_asset_has_the_digest_of_its_bytes() {
    let world = world().await;
    let api = Api::push(&world);
    let id = api.draft("v1").await;
    let (status, asset) = api.upload(id, "demo-1.0+x~y (1).whl", b"abc").await;
    assert_eq!(status, StatusCode::CREATED, "{asset}");
    assert_eq!(asset["name"], "demo-1.0+x.y.1.whl");
    assert_eq!(asset["state"], "uploaded");
    assert_eq!(asset["size"], 3);
    assert_eq!(asset["digest"], format!("sha256:{ABC}"));
    assert_eq!(asset["content_type"], "application/octet-stream");
    let path = format!("/releases/assets/{}", asset["id"]);
    assert_eq!(api.get(&path).await.1, asset);
    let (_, release) = api.get(&format!("/releases/{id}")).await;
    assert_eq!(release["assets"], json!([asset]));
    let expected = AssetView {
        name: "demo-1.0+x.y.1.whl".to_owned(),
        sha256: Some(ABC.to_owned()),
        size: 3,
        state: AssetState::Uploaded,
    };
    assert_eq!(assets(&world), [expected]);
}

#[tokio::test]
async fn a_name_is_taken_until_its_asset_is_deleted() {
    let world = world().await;
    let api = Api::push(&world);
    let id = api.draft("v1").await;
    let (_, first) = api.upload(id, "a b", b"1").await;
    let taken = json!({"resource": "ReleaseAsset", "code": "already_exists", "field": "name"});
    assert_eq!(error_of(api.upload(id, "a.b", b"1").await), taken);
    let path = format!("/releases/assets/{}", first["id"]);
    assert_eq!(api.delete(&path).await.0, StatusCode::NO_CONTENT);
    assert_eq!(api.get(&path).await.0, StatusCode::NOT_FOUND);
    let (status, second) = api.upload(id, "a.b", b"2").await;
    assert_eq!(status, StatusCode::CREATED);
    assert!(second["id"].as_u64() > first["id"].as_u64());

    let path = format!("/releases/assets/{}", second["id"]);
    let change = json!({"name": "c", "label": "C"});
    let (status, renamed) = api.send(Method::PATCH, &path, &change).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&renamed["name"], &renamed["label"]),
        (&json!("c"), &json!("C"))
    );
}

#[tokio::test]
async fn an_upload_that_fails_leaves_a_starter_in_the_way() {
    let world = world().await;
    let api = Api::push(&world);
    let id = api.draft("v1").await;
    world.github.starter_next(1);
    assert_eq!(api.upload(id, "a", b"abc").await.0, StatusCode::BAD_GATEWAY);
    let (_, list) = api.get(&format!("/releases/{id}/assets")).await;
    assert_eq!(list[0]["state"], "starter");
    assert_eq!(
        (&list[0]["size"], &list[0]["digest"]),
        (&json!(0), &json!(null))
    );

    assert_eq!(
        error_of(api.upload(id, "a", b"abc").await)["code"],
        "already_exists"
    );
    api.delete(&format!("/releases/assets/{}", list[0]["id"]))
        .await;
    assert_eq!(api.upload(id, "a", b"abc").await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_a_starter_too() {
    let world = world().await;
    let api = Api::push(&world);
    let id = api.draft("v1").await;
    let address = world.github.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /repos/{REPOSITORY}/releases/{id}/assets?name=a HTTP/1.1\r\nhost: {address}\r\n\
         user-agent: test\r\nauthorization: Bearer {}\r\ncontent-type: text/plain\r\n\
         content-length: 1000\r\n\r\nabc",
        world.github.token()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    while assets(&world).is_empty() {
        tokio::task::yield_now().await;
    }
    drop(stream);
    assert_eq!(assets(&world)[0].state, AssetState::Starter);
    assert_eq!(
        error_of(api.upload(id, "a", b"abc").await)["code"],
        "already_exists"
    );
    let path = format!("/releases/{id}/assets");
    assert_eq!(api.get(&path).await.1.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_github_does_not_take_is_refused() {
    let world = world().await;
    let api = Api::push(&world);
    let id = api.draft("v1").await;
    let message = |error: serde_json::Value| error["message"].as_str().unwrap().to_owned();
    let empty = error_of(api.upload(id, "a", b"").await);
    assert_eq!(message(empty), "size is not included in the list");
    let nameless = error_of(api.upload(id, "", b"abc").await);
    assert_eq!(nameless["field"], "name");
    assert_eq!(api.upload(9, "a", b"abc").await.0, StatusCode::NOT_FOUND);

    let body = reqwest::Body::wrap_stream(futures::stream::iter([Ok::<_, String>("abc")]));
    let chunked = api
        .request(Method::POST, &format!("/releases/{id}/assets?name=a"))
        .header("content-type", "text/plain")
        .body(body);
    let response = chunked.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::LENGTH_REQUIRED);

    assert_eq!(announce(&world, id, 2_147_483_648).await, 422);
    assert_eq!(assets(&world), []);
}

/// Announces an upload, sends none of it, and returns the status of the answer.
async fn announce(world: &World, release: u64, size: u64) -> u16 {
    let address = world.github.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /repos/{REPOSITORY}/releases/{release}/assets?name=a HTTP/1.1\r\n\
         host: {address}\r\nuser-agent: test\r\nauthorization: Bearer {}\r\n\
         content-type: text/plain\r\ncontent-length: {size}\r\n\
         expect: 100-continue\r\n\r\n",
        world.github.token()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    let line = std::str::from_utf8(&answer).unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn bytes_come_from_a_storage_that_needs_no_token() {
    let world = world().await;
    let api = Api::push(&world);
    let id = api.draft("v1").await;
    let (_, asset) = api.upload(id, "a.txt", b"abcdef").await;
    let path = format!("/releases/assets/{}", asset["id"]);
    let accept = "application/octet-stream";
    let request = |api: &Api| api.request(Method::GET, &path).header("accept", accept);
    let anyone = Api::with(&world, None);
    let hidden = request(&anyone).send().await.unwrap();
    assert_eq!(hidden.status(), StatusCode::NOT_FOUND);

    let response = request(&api).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let client = Client::new();
    let part = client.get(&location).header("range", "bytes=2-3");
    let part = part.send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.headers()["content-range"], "bytes 2-3/6");
    assert_eq!(part.text().await.unwrap(), "cd");
    let changed = location.replace("expires=1", "expires=2");
    let changed = client.get(changed).send().await.unwrap();
    assert_eq!(changed.status(), StatusCode::FORBIDDEN);
    let minute = jiff::SignedDuration::from_mins(6);
    world.clock().advance(minute).unwrap();
    let expired = client.get(&location).send().await.unwrap();
    assert_eq!(expired.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn browsers_find_what_is_published() {
    let world = world().await;
    let api = Api::push(&world);
    let id = api.draft("pkg/v1").await;
    let (_, draft) = api.upload(id, "a.txt", b"abc").await;
    let client = Client::new();
    let fetch = async |url: &str| {
        let response = client.get(url).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    };
    let hidden = draft["browser_download_url"].as_str().unwrap();
    assert!(hidden.contains("/releases/download/untagged-"), "{hidden}");
    assert_eq!(fetch(hidden).await.0, StatusCode::NOT_FOUND);

    api.publish(id).await;
    let (_, asset) = api.get(&format!("/releases/assets/{}", draft["id"])).await;
    let url = asset["browser_download_url"].as_str().unwrap();
    let expected = format!("{}/relpub/demo/releases/download/pkg/v1/a.txt", api.url);
    assert_eq!(url, expected);
    let latest = format!("{}/relpub/demo/releases/latest/download/a.txt", api.url);
    for url in [url, &latest] {
        assert_eq!(fetch(url).await, (StatusCode::OK, "abc".to_owned()));
    }
    world.github.set_private(REPOSITORY, true).unwrap();
    assert_eq!(fetch(url).await.0, StatusCode::NOT_FOUND);
    let (_, asset) = api.get(&format!("/releases/assets/{}", draft["id"])).await;
    assert_eq!(asset["download_count"], 2);
}
