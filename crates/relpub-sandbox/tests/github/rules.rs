//! What every request must keep, who may write, and what is immutable.

use jiff::SignedDuration;
use relpub_sandbox::Fault;
use reqwest::{Client, Method, StatusCode};
use serde_json::json;

use crate::{Api, COMMIT, REPOSITORY, error_of, tags, world};

#[tokio::test]
async fn every_request_keeps_the_common_rules() {
    let world = world().await;
    let url = format!("{}/repos/{REPOSITORY}", world.github.url());
    let nameless = Client::new().get(&url).send().await.unwrap();
    assert_eq!(nameless.status(), StatusCode::FORBIDDEN);
    assert!(nameless.text().await.unwrap().contains("User-Agent"));

    let wrong = Api::with(&world, Some("ghs_wrong"));
    let (status, answer) = wrong.get("").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer["message"], "Bad credentials");
    assert_eq!(answer["status"], "401");
    assert!(answer["documentation_url"].is_string());

    let api = Api::push(&world);
    for (version, status, selected) in [
        (None, StatusCode::OK, Some("2022-11-28")),
        (Some("2026-03-10"), StatusCode::OK, Some("2026-03-10")),
        (Some("2020-01-01"), StatusCode::BAD_REQUEST, None),
    ] {
        let mut request = api.request(Method::GET, "");
        if let Some(version) = version {
            request = request.header("x-github-api-version", version);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status);
        let found = response.headers().get("x-github-api-version-selected");
        assert_eq!(found.map(|it| it.to_str().unwrap()), selected);
        assert_eq!(response.headers()["x-ratelimit-limit"], "5000");
    }
    assert_eq!(api.get("/nothing").await.0, StatusCode::NOT_FOUND);
    assert_eq!(api.get("/releases/x").await.0, StatusCode::NOT_FOUND);
    let broken = api.request(Method::POST, "/releases").body("{");
    let (status, answer) = crate::read(broken.send().await.unwrap()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(answer["message"], "Problems parsing JSON");
}

#[tokio::test]
async fn only_the_token_with_the_right_writes() {
    let world = world().await;
    let wanted = json!({"tag_name": "v1"});
    for (token, expected) in [
        (Some(world.github.read_token()), StatusCode::FORBIDDEN),
        (Some(world.github.stranger_token()), StatusCode::NOT_FOUND),
        (None, StatusCode::UNAUTHORIZED),
    ] {
        let api = Api::with(&world, token);
        let (status, answer) = api.send(Method::POST, "/releases", &wanted).await;
        assert_eq!(status, expected, "{answer}");
        let (status, _) = api
            .send(Method::POST, "/releases/generate-notes", &wanted)
            .await;
        assert_eq!(status, expected);
    }
    assert_eq!(tags(&world.github.releases(REPOSITORY)), [""; 0]);

    world.github.set_private(REPOSITORY, true).unwrap();
    for (token, expected) in [
        (Some(world.github.read_token()), StatusCode::OK),
        (Some(world.github.stranger_token()), StatusCode::NOT_FOUND),
        (None, StatusCode::NOT_FOUND),
    ] {
        assert_eq!(Api::with(&world, token).get("").await.0, expected);
    }
}

#[tokio::test]
async fn a_published_immutable_release_stays_as_it_is() {
    let world = world().await;
    let github = &world.github;
    let api = Api::push(&world);
    let path = "/immutable-releases";
    assert_eq!(api.get(path).await.0, StatusCode::NOT_FOUND);
    github.set_immutable(REPOSITORY, true).unwrap();
    assert_eq!(api.get(path).await.1["enabled"], true);

    let id = api.draft("v1").await;
    let (_, asset) = api.upload(id, "a", b"abc").await;
    let released = api.publish(id).await;
    assert_eq!(released["immutable"], true);
    assert_eq!(
        error_of(api.upload(id, "b", b"abc").await),
        "Cannot upload assets to an immutable release"
    );
    assert_eq!(
        error_of(
            api.delete(&format!("/releases/assets/{}", asset["id"]))
                .await
        ),
        "Cannot delete asset from an immutable release"
    );
    for wanted in [
        json!({"draft": true}),
        json!({"tag_name": "v2"}),
        json!({"target_commitish": COMMIT}),
    ] {
        error_of(api.patch(id, &wanted).await);
    }
    let text = json!({"name": "One", "body": "Notes", "prerelease": true});
    assert_eq!(api.patch(id, &text).await.0, StatusCode::OK);

    let tag = "/git/refs/tags/v1";
    let moved = json!({"sha": COMMIT, "force": true});
    let moved = error_of(api.send(Method::PATCH, tag, &moved).await);
    let deleted = error_of(api.delete(tag).await);
    for message in [moved, deleted] {
        let message = message.as_str().unwrap();
        assert!(
            message.starts_with("Repository rule violations found"),
            "{message}"
        );
    }

    api.delete(&format!("/releases/{id}")).await;
    assert!(github.tag(REPOSITORY, "v1").is_some());
    let burned = json!({"resource": "Release", "code": "custom", "field": "tag_name",
        "message": "tag_name was used by an immutable release"});
    for draft in [true, false] {
        let wanted = json!({"tag_name": "v1", "draft": draft});
        let answer = api.send(Method::POST, "/releases", &wanted).await;
        assert_eq!(error_of(answer), burned);
    }
    assert_eq!(api.delete(tag).await.0, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn older_releases_do_not_become_immutable() {
    let world = world().await;
    let api = Api::push(&world);
    let id = api.draft("v1").await;
    api.publish(id).await;
    world.github.set_immutable(REPOSITORY, true).unwrap();
    assert_eq!(api.upload(id, "a", b"abc").await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn a_spent_rate_limit_says_when_it_ends() {
    let world = world().await;
    let api = Api::push(&world);
    world.github.limit_requests(1);
    assert_eq!(api.get("").await.0, StatusCode::OK);
    let refused = api.request(Method::GET, "").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(refused.headers()["x-ratelimit-remaining"], "0");
    let reset = world.clock().now().as_second() + 3600;
    assert_eq!(refused.headers()["x-ratelimit-reset"], reset.to_string());
    world
        .clock()
        .advance(SignedDuration::from_hours(1))
        .unwrap();
    assert_eq!(api.get("").await.0, StatusCode::OK);
}

#[tokio::test]
async fn requests_are_logged_by_name_and_can_be_spoiled() {
    let world = world().await;
    let api = Api::push(&world);
    let fault = "lost-answer@github/create-release"
        .parse::<Fault>()
        .unwrap();
    world.faults().add(fault);
    let wanted = json!({"tag_name": "v1", "draft": true});
    let request = api.request(Method::POST, "/releases").json(&wanted);
    assert!(request.send().await.is_err());
    assert_eq!(tags(&world.github.releases(REPOSITORY)), ["(v1)"]);
    let id = world.github.releases(REPOSITORY)[0].id;
    api.upload(id, "a", b"abc").await;
    api.send(Method::POST, "/releases/generate-notes", &wanted)
        .await;
    let log: Vec<_> = world
        .log()
        .into_iter()
        .map(|entry| (entry.endpoint, entry.mutating))
        .collect();
    let expected = [
        ("create-release", true),
        ("upload-asset", true),
        ("generate-notes", false),
    ];
    assert_eq!(
        log,
        expected.map(|(name, mutating)| (name.to_owned(), mutating))
    );
    world.assert_no_secret(&format!("{:?}", world.log()));
}
