//! Repository, commits, refs and tags.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::{Api, COMMIT, REPOSITORY, error_of, world};

#[tokio::test]
async fn a_repository_says_what_its_caller_may_do() {
    let world = world().await;
    let (_, seen) = Api::push(&world).get("").await;
    assert_eq!(seen["id"], 800_000_001);
    assert_eq!(seen["default_branch"], "main");
    assert_eq!(seen["private"], false);
    assert_eq!(seen["permissions"]["push"], true);
    let read = Api::with(&world, Some(world.github.read_token()));
    assert_eq!(read.get("").await.1["permissions"]["push"], false);
    let anyone = Api::with(&world, None);
    assert_eq!(anyone.get("").await.1.get("permissions"), None);
}

#[tokio::test]
async fn tags_are_read_through_their_objects() {
    let world = world().await;
    let github = &world.github;
    github.add_tag(REPOSITORY, "v1", COMMIT, false).unwrap();
    github.add_tag(REPOSITORY, "v1.0", COMMIT, true).unwrap();
    let api = Api::push(&world);
    let (_, light) = api.get("/git/ref/tags/v1").await;
    assert_eq!(light["ref"], "refs/tags/v1");
    assert_eq!(light["object"]["type"], "commit");
    assert_eq!(light["object"]["sha"], COMMIT);
    let (_, heavy) = api.get("/git/ref/tags/v1.0").await;
    assert_eq!(heavy["object"]["type"], "tag");
    let sha = heavy["object"]["sha"].as_str().unwrap();
    let (_, object) = api.get(&format!("/git/tags/{sha}")).await;
    assert_eq!(object["tag"], "v1.0");
    assert_eq!(object["object"]["type"], "commit");
    assert_eq!(object["object"]["sha"], COMMIT);
    assert_eq!(github.tag(REPOSITORY, "v1.0").as_deref(), Some(COMMIT));

    assert_eq!(api.get("/git/ref/tags/v").await.0, StatusCode::NOT_FOUND);
    let (_, matching) = api.get("/git/matching-refs/tags/v1").await;
    let names: Vec<_> = matching
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["ref"])
        .collect();
    assert_eq!(names, ["refs/tags/v1", "refs/tags/v1.0"]);
    assert_eq!(api.get("/git/matching-refs/tags/x").await.1, json!([]));
}

#[tokio::test]
async fn refs_are_created_moved_and_deleted() {
    let world = world().await;
    let next = "b".repeat(40);
    let github = &world.github;
    github
        .add_commit(REPOSITORY, &next, &[COMMIT], "next")
        .unwrap();
    let api = Api::push(&world);
    let create = async |name: &str, sha: &str| {
        let wanted = json!({"ref": name, "sha": sha});
        api.send(Method::POST, "/git/refs", &wanted).await
    };
    let (status, created) = create("refs/tags/pkg/v1", &next).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(created["object"]["sha"], next);
    for (name, sha, message) in [
        ("refs/tags/pkg/v1", COMMIT, "Reference already exists"),
        ("refs/tags/v2", &"c".repeat(40), "Object does not exist"),
        ("v2", COMMIT, "v2 is not a valid ref name."),
        (
            "refs/tags/a b",
            COMMIT,
            "refs/tags/a b is not a valid ref name.",
        ),
    ] {
        assert_eq!(error_of(create(name, sha).await), message);
    }
    let path = "/git/refs/tags/pkg/v1";
    let back = json!({"sha": COMMIT});
    assert_eq!(
        error_of(api.send(Method::PATCH, path, &back).await),
        "Update is not a fast forward"
    );
    let back = json!({"sha": COMMIT, "force": true});
    assert_eq!(api.send(Method::PATCH, path, &back).await.0, StatusCode::OK);
    assert_eq!(github.tag(REPOSITORY, "pkg/v1").as_deref(), Some(COMMIT));
    assert_eq!(api.delete(path).await.0, StatusCode::NO_CONTENT);
    assert_eq!(error_of(api.delete(path).await), "Reference does not exist");
}

#[tokio::test]
async fn a_tag_object_is_created_apart_from_its_ref() {
    let world = world().await;
    let api = Api::push(&world);
    let wanted = json!({"tag": "v1", "message": "One", "object": COMMIT, "type": "commit"});
    let (status, tag) = api.send(Method::POST, "/git/tags", &wanted).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(world.github.tag(REPOSITORY, "v1"), None);
    let wanted = json!({"ref": "refs/tags/v1", "sha": tag["sha"]});
    let (_, reference) = api.send(Method::POST, "/git/refs", &wanted).await;
    assert_eq!(reference["object"]["type"], "tag");
    assert_eq!(world.github.tag(REPOSITORY, "v1").as_deref(), Some(COMMIT));
}

#[tokio::test]
async fn commits_are_found_by_every_name_and_compared() {
    let world = world().await;
    let github = &world.github;
    let (left, right) = ("b".repeat(40), "c".repeat(40));
    github.add_tag(REPOSITORY, "v1", COMMIT, true).unwrap();
    github
        .add_commit(REPOSITORY, &left, &[COMMIT], "left")
        .unwrap();
    github
        .add_commit(REPOSITORY, &right, &[COMMIT], "right")
        .unwrap();
    let api = Api::push(&world);
    for (name, sha) in [
        ("main", left.as_str()),
        ("v1", COMMIT),
        ("tags/v1", COMMIT),
        ("bbbbbbb", &left),
    ] {
        assert_eq!(api.get(&format!("/commits/{name}")).await.1["sha"], sha);
    }
    assert_eq!(
        error_of(api.get("/commits/none").await),
        "No commit found for SHA: none"
    );
    for (range, status, ahead, behind) in [
        ("v1...main".to_owned(), "ahead", 1, 0),
        ("main...v1".to_owned(), "behind", 0, 1),
        ("v1...v1".to_owned(), "identical", 0, 0),
        (format!("{left}...{right}"), "diverged", 1, 1),
    ] {
        let (_, compared) = api.get(&format!("/compare/{range}")).await;
        assert_eq!(compared["status"], status, "{range}");
        assert_eq!(compared["ahead_by"], ahead, "{range}");
        assert_eq!(compared["behind_by"], behind, "{range}");
        assert_eq!(compared["merge_base_commit"]["sha"], COMMIT, "{range}");
    }
}
