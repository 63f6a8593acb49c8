//! What the index shows, and how fresh it is.

use jiff::SignedDuration;
use relpub_sandbox::{Options, World};
use reqwest::{Response, StatusCode};
use serde_json::json;

use crate::support::{Upload, client, json, sha256, take, wheel, world};

async fn get(url: &str, headers: &[(&'static str, &str)]) -> Response {
    let mut request = client().get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

fn header(answer: &Response, name: &str) -> String {
    let value = answer.headers().get(name);
    value.map_or(String::new(), |it| it.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_simple_index_lists_what_was_uploaded() {
    let world = world().await;
    let token = world.pypi.token();
    let upload = Upload::wheel(&token, "demo", "1.0");
    take(&world, Upload::wheel(&token, "demo", "1.10")).await;
    take(&world, upload.clone()).await;
    world.pypi.yank(&upload.filename, "broken").unwrap();
    let page = json(&format!("{}demo/", world.pypi.simple_url())).await;
    assert_eq!(
        page["meta"],
        json!({"api-version": "1.4", "_last-serial": 3})
    );
    assert_eq!(page["versions"], json!(["1.0", "1.10"]));
    assert_eq!(page["project-status"], json!({"status": "active"}));
    let file = &page["files"][0];
    let url = file["url"].as_str().unwrap();
    let metadata = get(&format!("{url}.metadata"), &[])
        .await
        .bytes()
        .await
        .unwrap();
    assert!(metadata.starts_with(b"Metadata-Version: 2.4\nName: demo\n"));
    let expected = json!({
        "filename": upload.filename,
        "url": url,
        "hashes": {"sha256": sha256(&upload.bytes)},
        "requires-python": ">=3.8",
        "size": upload.bytes.len(),
        "upload-time": "2026-11-24T08:00:00.000000Z",
        "yanked": "broken",
        "core-metadata": {"sha256": sha256(&metadata)},
        "data-dist-info-metadata": {"sha256": sha256(&metadata)},
        "provenance": null,
    });
    assert_eq!(*file, expected);
    let part = get(url, &[("range", "bytes=2-5")]).await;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.bytes().await.unwrap(), upload.bytes[2..6]);
}

#[tokio::test]
async fn the_simple_index_is_also_a_page() {
    let world = world().await;
    let upload = Upload::wheel(&world.pypi.token(), "demo.app", "1.0");
    world.pypi.yank("none", "").unwrap_err();
    take(
        &world,
        upload
            .clone()
            .named("demo_app-1.0-py3-none-any.whl")
            .bytes(wheel("demo-app", "1.0", &[])),
    )
    .await;
    world
        .pypi
        .yank("demo_app-1.0-py3-none-any.whl", "")
        .unwrap();
    let url = world.pypi.simple_url();
    let answer = get(&format!("{url}demo-app/"), &[]).await;
    assert_eq!(header(&answer, "content-type"), "text/html");
    let page = answer.text().await.unwrap();
    for part in [
        "<meta name=\"pypi:repository-version\" content=\"1.4\">",
        "/demo_app-1.0-py3-none-any.whl#sha256=",
        " data-requires-python=\"&gt;=3.8\" data-dist-info-metadata=\"sha256=",
        " data-yanked=\"\">demo_app-1.0-py3-none-any.whl</a>",
        "<!--SERIAL 2-->",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    for name in ["Demo.App/", "demo-app"] {
        let moved = get(&format!("{url}{name}"), &[]).await;
        assert_eq!(moved.status(), StatusCode::MOVED_PERMANENTLY);
        assert_eq!(header(&moved, "location"), "/simple/demo-app/");
    }
    assert_eq!(
        get(&format!("{url}other/"), &[]).await.status(),
        StatusCode::NOT_FOUND
    );
    world.pypi.quarantine("demo-app").unwrap();
    let page = json(&format!("{url}demo-app/")).await;
    assert_eq!(page["project-status"], json!({"status": "quarantined"}));
    assert_eq!(page["files"], json!([]));
}

#[tokio::test]
async fn the_json_api_shows_a_release() {
    let world = world().await;
    let token = world.pypi.token();
    let upload = Upload::wheel(&token, "demo", "1.0")
        .with("summary", "A demo")
        .with("project_urls", "Home, https://example.com");
    take(&world, upload.clone()).await;
    take(&world, Upload::wheel(&token, "demo", "2.0rc1")).await;
    let document = json(&format!("{}/pypi/Demo/json", world.pypi.url())).await;
    assert_eq!(document["info"]["version"], "1.0");
    assert_eq!(document["info"]["summary"], "A demo");
    assert_eq!(
        document["info"]["project_urls"],
        json!({"Home": "https://example.com"})
    );
    assert_eq!(
        document["urls"][0]["digests"]["sha256"],
        sha256(&upload.bytes)
    );
    assert_eq!(document["releases"].as_object().unwrap().len(), 2);
    let document = json(&format!("{}/pypi/demo/2.0-rc1/json", world.pypi.url())).await;
    assert_eq!(document["info"]["version"], "2.0rc1");
    assert_eq!(document["urls"][0]["packagetype"], "bdist_wheel");
    let absent = get(&format!("{}/pypi/demo/3.0/json", world.pypi.url()), &[]).await;
    assert_eq!(absent.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_page_can_be_stale_for_those_who_do_not_ask_for_a_fresh_one() {
    let world = world().await;
    world.pypi.set_stale(60);
    let url = format!("{}demo/", world.pypi.simple_url());
    assert_eq!(get(&url, &[]).await.status(), StatusCode::NOT_FOUND);
    take(&world, Upload::wheel(&world.pypi.token(), "demo", "1.0")).await;
    world
        .clock()
        .advance(SignedDuration::from_secs(59))
        .unwrap();
    let old = get(&url, &[]).await;
    assert_eq!(
        (old.status(), header(&old, "age").as_str()),
        (StatusCode::NOT_FOUND, "59")
    );
    let fresh = get(&url, &[("cache-control", "no-cache")]).await;
    assert_eq!(fresh.status(), StatusCode::OK);
    assert_eq!(header(&fresh, "cache-control"), "max-age=600, public");
    assert_eq!(header(&fresh, "x-pypi-last-serial"), "1");
    let tag = header(&fresh, "etag");
    world.clock().advance(SignedDuration::from_secs(1)).unwrap();
    let same = get(&url, &[("if-none-match", &tag)]).await;
    assert_eq!(same.status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn everything_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(Options::new(folder.path())).await.unwrap();
    let token = world.pypi.token();
    let upload = Upload::wheel(&token, "demo", "1.0");
    take(&world, upload.clone()).await;
    take(&world, Upload::sdist(&token, "demo", "1.0")).await;
    world.pypi.delete_file("demo-1.0.tar.gz").unwrap();
    world.pypi.set_limit("other", 5).unwrap();
    world.pypi.clear_publishers().unwrap();
    let uploads = world.pypi.uploads();
    assert_eq!(uploads.len(), 2);
    world.stop().await;

    let world = World::start(Options::new(folder.path())).await.unwrap();
    assert_eq!(world.pypi.token(), token);
    assert_eq!(world.pypi.uploads(), uploads);
    assert_eq!(world.pypi.files("demo").len(), 1);
    take(&world, upload).await;
    let url = world.pypi.upload_url();
    let (_, burned) = Upload::sdist(&token, "demo", "1.0").send(&url).await;
    assert!(
        burned.starts_with("400 This filename was previously used"),
        "{burned}"
    );
    let (_, large) = Upload::sdist(&token, "other", "1.0").send(&url).await;
    assert!(large.starts_with("400 File too large."), "{large}");
    let page = json(&format!("{}demo/", world.pypi.simple_url())).await;
    let file = page["files"][0]["url"].as_str().unwrap();
    assert_eq!(get(file, &[]).await.status(), StatusCode::OK);
}
