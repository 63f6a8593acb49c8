//! Tokens: minted, scoped, spent and expired.

use jiff::SignedDuration;
use relpub_sandbox::{Publisher, World};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Upload, client, take, world};

/// Exchanges an identity token and returns the status and the answer.
pub(crate) async fn mint(world: &World, jwt: &str) -> (StatusCode, Value) {
    let url = format!("{}/_/oidc/mint-token", world.pypi.url());
    let body = json!({"token": jwt}).to_string();
    let answer = client().post(url).body(body).send().await.unwrap();
    let status = answer.status();
    (
        status,
        serde_json::from_str(&answer.text().await.unwrap()).unwrap(),
    )
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["code"].as_str().unwrap_or("none")
}

#[tokio::test]
async fn an_identity_token_is_exchanged_once_for_a_quarter_of_an_hour() {
    let world = world().await;
    world.pypi.clear_publishers().unwrap();
    let publisher = Publisher::any("relpub/demo").with_projects(&["Demo"]);
    world.pypi.add_publisher(publisher).unwrap();

    let jwt = world.identity.issue("pypi");
    let (status, answer) = mint(&world, &jwt).await;
    assert_eq!(status, StatusCode::OK);
    let now = world.clock().now().as_second();
    assert_eq!(
        (&answer["success"], &answer["expires"]),
        (&json!(true), &json!(now + 900))
    );
    assert_eq!(world.pypi.projects(), ["demo"]);
    let (status, again) = mint(&world, &jwt).await;
    assert_eq!(
        (status.as_u16(), code(&again)),
        (422, "invalid-reuse-token")
    );

    let token = answer["token"].as_str().unwrap();
    take(&world, Upload::wheel(token, "demo", "1.0")).await;
    let url = world.pypi.upload_url();
    let (_, refused) = Upload::wheel(token, "other", "1.0").send(&url).await;
    assert!(
        refused.starts_with("400 Non-user identities cannot create new projects."),
        "{refused}"
    );

    world
        .clock()
        .advance(SignedDuration::from_secs(900))
        .unwrap();
    let (_, refused) = Upload::wheel(token, "demo", "1.1").send(&url).await;
    let start = "403 Invalid or non-existent authentication information. See ";
    assert!(refused.starts_with(start), "{refused}");
}

#[tokio::test]
async fn only_the_registered_workflow_gets_a_token() {
    let world = world().await;
    let jwt = |claims: &[(&str, &str)]| {
        world.identity.reset_claims();
        world.identity.set_claims(claims.iter().copied());
        world.identity.issue("pypi")
    };
    // The world's own repository is trusted from the start.
    assert_eq!(mint(&world, &jwt(&[])).await.0, StatusCode::OK);
    world.pypi.clear_publishers().unwrap();
    let publisher = Publisher {
        workflow: Some("release.yml".to_owned()),
        environment: Some("release".to_owned()),
        ..Publisher::any("Relpub/Demo")
    };
    world.pypi.add_publisher(publisher).unwrap();
    assert_eq!(mint(&world, &jwt(&[])).await.0, StatusCode::OK);

    let other = "relpub/demo/.github/workflows/other.yml@refs/heads/main";
    let wrong = [
        (jwt(&[("repository", "relpub/other")]), "invalid-publisher"),
        (jwt(&[("environment", "")]), "invalid-publisher"),
        (jwt(&[("job_workflow_ref", other)]), "invalid-publisher"),
        (
            jwt(&[("event_name", "pull_request_target")]),
            "invalid-publisher",
        ),
        (world.identity.issue("testpypi"), "invalid-token"),
        ("nonsense".to_owned(), "invalid-payload"),
    ];
    for (jwt, expected) in wrong {
        let (status, answer) = mint(&world, &jwt).await;
        assert_eq!(
            (status.as_u16(), code(&answer)),
            (422, expected),
            "{answer}"
        );
    }
    world.identity.reset_claims();
    world.identity.issue_expired(true);
    let (_, answer) = mint(&world, &world.identity.issue("pypi")).await;
    assert_eq!(code(&answer), "invalid-token");
}

#[tokio::test]
async fn each_index_has_an_audience_of_its_own() {
    let world = world().await;
    for (pypi, name) in [(&world.pypi, "pypi"), (&world.testpypi, "testpypi")] {
        let url = format!("{}/_/oidc/audience", pypi.url());
        let answer = reqwest::get(url).await.unwrap().text().await.unwrap();
        assert_eq!(answer, format!("{{\"audience\":\"{name}\"}}"));
    }
}
