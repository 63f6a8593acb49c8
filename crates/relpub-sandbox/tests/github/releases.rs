//! The life of a release: hidden as a draft, public, deleted.

use jiff::SignedDuration;
use relpub_sandbox::{AssetState, Options, World};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::{Api, COMMIT, REPOSITORY, error_of, tags, world};

#[tokio::test]
async fn a_draft_is_hidden_until_it_is_published() {
    let world = world().await;
    let (push, anyone) = (Api::push(&world), Api::with(&world, None));
    let draft = push
        .create(&json!({"tag_name": "v1.2.3", "draft": true, "body": "notes"}))
        .await;
    let id = draft["id"].as_u64().unwrap();
    let page = draft["html_url"].as_str().unwrap();
    assert!(page.contains("/releases/tag/untagged-"), "{page}");
    assert_eq!(draft["published_at"], json!(null));
    assert_eq!(draft["target_commitish"], "main");

    for (api, expected) in [(&push, StatusCode::OK), (&anyone, StatusCode::NOT_FOUND)] {
        assert_eq!(api.get(&format!("/releases/{id}")).await.0, expected);
        let by_tag = api.get("/releases/tags/v1.2.3").await.0;
        assert_eq!(by_tag, StatusCode::NOT_FOUND);
    }
    assert_eq!(push.get("/releases").await.1[0]["id"], id);
    assert_eq!(anyone.get("/releases").await.1, json!([]));
    assert_eq!(world.github.tag(REPOSITORY, "v1.2.3"), None);

    let released = push.publish(id).await;
    assert_eq!(released["id"], id);
    assert_eq!(released["immutable"], false);
    assert_eq!(released["published_at"], "2026-01-01T00:00:00Z");
    let page = released["html_url"].as_str().unwrap();
    assert!(page.ends_with("/relpub/demo/releases/tag/v1.2.3"), "{page}");
    assert_eq!(anyone.get("/releases/tags/v1.2.3").await.1, released);
    let tag = world.github.tag(REPOSITORY, "v1.2.3");
    assert_eq!(tag.as_deref(), Some(COMMIT));
}

#[tokio::test]
async fn only_published_releases_own_their_tag() {
    let world = world().await;
    let api = Api::push(&world);
    let first = api.draft("v1").await;
    let second = api.draft("v1").await;
    assert_ne!(first, second);
    api.publish(first).await;
    let taken = json!({"resource": "Release", "code": "already_exists", "field": "tag_name"});
    assert_eq!(
        error_of(api.patch(second, &json!({"draft": false})).await),
        taken
    );
    let wanted = json!({"tag_name": "v1"});
    assert_eq!(
        error_of(api.send(Method::POST, "/releases", &wanted).await),
        taken
    );
    api.draft("v1").await;
    assert_eq!(
        tags(&world.github.releases(REPOSITORY)),
        ["(v1)", "(v1)", "v1"]
    );
}

#[tokio::test]
async fn an_existing_tag_wins_over_the_target() {
    let world = world().await;
    let api = Api::push(&world);
    let other = "b".repeat(40);
    world
        .github
        .add_commit(REPOSITORY, &other, &[COMMIT], "next")
        .unwrap();
    world
        .github
        .add_tag(REPOSITORY, "v1", COMMIT, true)
        .unwrap();
    let wanted = json!({"tag_name": "v1", "target_commitish": "main"});
    api.create(&wanted).await;
    let tag = world.github.tag(REPOSITORY, "v1");
    assert_eq!(tag.as_deref(), Some(COMMIT));

    let wanted = json!({"tag_name": "v2", "target_commitish": "no-branch", "draft": true});
    assert_eq!(
        error_of(api.send(Method::POST, "/releases", &wanted).await)["field"],
        "target_commitish"
    );
    let wanted = json!({"tag_name": "v2", "target_commitish": other});
    api.create(&wanted).await;
    assert_eq!(world.github.tag(REPOSITORY, "v2"), Some(other));
}

#[tokio::test]
async fn a_deleted_release_leaves_its_tag() {
    let world = world().await;
    let api = Api::push(&world);
    let id = api.draft("v1").await;
    api.upload(id, "a.txt", b"a").await;
    api.publish(id).await;
    let path = format!("/releases/{id}");
    assert_eq!(api.delete(&path).await.0, StatusCode::NO_CONTENT);
    assert_eq!(api.get(&path).await.0, StatusCode::NOT_FOUND);
    assert_eq!(api.delete(&path).await.0, StatusCode::NOT_FOUND);
    assert!(world.github.tag(REPOSITORY, "v1").is_some());
    let again = api.create(&json!({"tag_name": "v1"})).await;
    assert!(again["id"].as_u64().unwrap() > id);
    assert_eq!(again["assets"], json!([]));
}

#[tokio::test]
async fn the_latest_is_the_one_made_it_or_the_highest() {
    let world = world().await;
    let api = Api::push(&world);
    let latest = || world.github.latest(REPOSITORY);
    assert_eq!(api.get("/releases/latest").await.0, StatusCode::NOT_FOUND);
    api.create(&json!({"tag_name": "v1.10.0", "make_latest": "false"}))
        .await;
    api.create(&json!({"tag_name": "v1.9.0", "make_latest": "false"}))
        .await;
    assert_eq!(latest().as_deref(), Some("v1.10.0"));

    let old = api.create(&json!({"tag_name": "v1.8.0"})).await;
    assert_eq!(latest().as_deref(), Some("v1.8.0"));
    api.create(&json!({"tag_name": "v2.0.0-rc.1", "prerelease": true}))
        .await;
    api.draft("v3.0.0").await;
    assert_eq!(api.get("/releases/latest").await.1["tag_name"], "v1.8.0");

    let id = old["id"].as_u64().unwrap();
    api.patch(id, &json!({"make_latest": "legacy"})).await;
    assert_eq!(latest().as_deref(), Some("v1.10.0"));
    api.patch(id, &json!({"make_latest": "true"})).await;
    assert_eq!(latest().as_deref(), Some("v1.8.0"));
    api.patch(id, &json!({"prerelease": true})).await;
    assert_eq!(latest().as_deref(), Some("v1.10.0"));

    let refused = json!({"resource": "Release", "code": "custom",
        "message": "Latest release cannot be draft or prerelease."});
    for state in ["draft", "prerelease"] {
        let wanted = json!({"tag_name": "v4", "make_latest": "true", state: true});
        let answer = api.send(Method::POST, "/releases", &wanted).await;
        assert_eq!(error_of(answer), refused);
    }
}

#[tokio::test]
async fn long_lists_come_in_pages() {
    let world = world().await;
    let api = Api::push(&world);
    for number in 0..105 {
        api.draft(&format!("v{number}")).await;
    }
    let request = api.request(Method::GET, "/releases?per_page=1000");
    let response = request.send().await.unwrap();
    let links = response.headers()["link"].to_str().unwrap().to_owned();
    let url = format!("{}/repos/relpub/demo/releases?per_page=1000", api.url);
    let expected = format!("<{url}&page=2>; rel=\"next\", <{url}&page=2>; rel=\"last\"");
    assert_eq!(links, expected);
    let page: serde_json::Value = response.json().await.unwrap();
    assert_eq!(page.as_array().unwrap().len(), 100);
    assert_eq!(page[0]["tag_name"], "v104");

    let (_, page) = api.get("/releases?per_page=100&page=2").await;
    assert_eq!(page.as_array().unwrap().len(), 5);
    assert_eq!(page[4]["tag_name"], "v0");
    let (_, page) = api.get("/releases?page=9").await;
    assert_eq!(page, json!([]));
}

#[tokio::test]
async fn notes_list_the_pull_requests_since_the_tag_before() {
    let world = world().await;
    let api = Api::push(&world);
    let github = &world.github;
    let sha = |digit: &str| digit.repeat(40);
    github.add_tag(REPOSITORY, "v1.0.0", COMMIT, false).unwrap();
    let mut parent = COMMIT.to_owned();
    for (digit, message) in [
        ("a", "Add a thing (#7)\n\nText"),
        ("b", "Say why"),
        ("c", "Mend it (#8)"),
    ] {
        github
            .add_commit(REPOSITORY, &sha(digit), &[&parent], message)
            .unwrap();
        parent = sha(digit);
    }
    let path = "/releases/generate-notes";
    let (status, notes) = api
        .send(Method::POST, path, &json!({"tag_name": "v1.1.0"}))
        .await;
    assert_eq!(status, StatusCode::OK, "{notes}");
    let web = format!("{}/relpub/demo", github.url());
    let expected = format!(
        "## What's Changed\n\
         * Add a thing by @octocat in {web}/pull/7\n\
         * Mend it by @octocat in {web}/pull/8\n\n\n\
         **Full Changelog**: {web}/compare/v1.0.0...v1.1.0"
    );
    assert_eq!(notes, json!({"name": "v1.1.0", "body": expected}));
    assert_eq!(tags(&github.releases(REPOSITORY)), [""; 0]);

    let (_, notes) = api
        .send(Method::POST, path, &json!({"tag_name": "v1.0.0"}))
        .await;
    let expected = format!("**Full Changelog**: {web}/commits/v1.0.0");
    assert_eq!(notes["body"], expected);

    let wanted = json!({"tag_name": "v1.1.0", "body": "Hello", "generate_release_notes": true});
    let release = api.create(&wanted).await;
    let body = release["body"].as_str().unwrap();
    assert!(body.starts_with("Hello\n\n## What's Changed\n"), "{body}");
    assert_eq!(release["name"], "v1.1.0");
}

#[tokio::test]
async fn a_world_started_again_has_the_same_releases() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(Options::new(folder.path())).await.unwrap();
    let api = Api::push(&world);
    let id = api.draft("v1").await;
    api.upload(id, "a.txt", b"content").await;
    world.github.starter_next(1);
    api.upload(id, "b.txt", b"content").await;
    let gone = api.draft("v2").await;
    api.delete(&format!("/releases/{gone}")).await;
    let before = world.github.releases(REPOSITORY);
    let token = world.github.token().to_owned();
    world.stop().await;

    let world = World::start(Options::new(folder.path())).await.unwrap();
    assert_eq!(world.github.releases(REPOSITORY), before);
    assert_eq!(before[0].assets[1].state, AssetState::Starter);
    assert_eq!(world.github.token(), token);
    let api = Api::push(&world);
    assert!(api.draft("v2").await > gone);
    api.publish(id).await;
    let url = format!("{}/relpub/demo/releases/download/v1/a.txt", api.url);
    let client = reqwest::Client::new();
    let text = client.get(url).send().await.unwrap().text().await.unwrap();
    assert_eq!(text, "content");
}

#[tokio::test]
async fn releases_are_listed_by_the_date_of_their_commit() {
    let world = world().await;
    let api = Api::push(&world);
    let newer = "b".repeat(40);
    world
        .clock()
        .advance(SignedDuration::from_secs(60))
        .unwrap();
    world
        .github
        .add_commit(REPOSITORY, &newer, &[COMMIT], "next")
        .unwrap();
    let new = api.create(&json!({"tag_name": "v2"})).await;
    api.create(&json!({"tag_name": "v1", "target_commitish": COMMIT}))
        .await;
    assert_eq!(new["created_at"], "2026-01-01T00:01:00Z");
    assert_eq!(tags(&world.github.releases(REPOSITORY)), ["v2", "v1"]);
}
