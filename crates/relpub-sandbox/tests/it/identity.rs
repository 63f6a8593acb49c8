//! Identity tokens, asked for as a job of GitHub Actions does.

use jiff::SignedDuration;
use relpub_sandbox::World;
use reqwest::{Client, StatusCode};
use serde_json::Value;

use crate::world;

async fn ask(world: &World, token: &str) -> reqwest::Response {
    let url = &world.environment()["ACTIONS_ID_TOKEN_REQUEST_URL"];
    Client::new()
        .get(format!("{url}&audience=index"))
        .header("authorization", format!("bearer {token}"))
        .send()
        .await
        .unwrap()
}

async fn token(world: &World) -> String {
    let request_token = world.environment()["ACTIONS_ID_TOKEN_REQUEST_TOKEN"].clone();
    let answer: Value = ask(world, &request_token).await.json().await.unwrap();
    assert_eq!(answer["count"], 1);
    answer["value"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_is_valid_for_its_audience_and_five_minutes() {
    let world = world().await;
    let token = token(&world).await;
    let claims = world.identity.verify(&token, "index").unwrap();
    assert_eq!(claims["repository"], "relpub/demo");
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        300
    );
    assert!(world.secrets_issued().contains(&token));

    let error = |audience| world.identity.verify(&token, audience).unwrap_err();
    assert_eq!(error("other"), "the token is not for the audience `other`");
    world
        .clock()
        .advance(SignedDuration::from_secs(329))
        .unwrap();
    world.identity.verify(&token, "index").unwrap();
    world.clock().advance(SignedDuration::from_secs(1)).unwrap();
    assert_eq!(error("index"), "the token has expired");
}

#[tokio::test]
async fn claims_can_be_altered_and_tokens_expired() {
    let world = world().await;
    world.identity.set_claims([("environment", "pypi")]);
    let claims = world
        .identity
        .verify(&token(&world).await, "index")
        .unwrap();
    assert_eq!(claims["sub"], "repo:relpub/demo:environment:pypi");

    world.identity.issue_expired(true);
    let error = world
        .identity
        .verify(&token(&world).await, "index")
        .unwrap_err();
    assert_eq!(error, "the token has expired");
}

#[tokio::test]
async fn a_token_that_was_touched_or_asked_for_wrongly_is_refused() {
    let world = world().await;
    let token = token(&world).await;
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let other = world.identity.issue("other");
    let claims = other.split('.').nth(1).unwrap();
    let forged = format!("{header}.{claims}.{signature}");
    let error = world.identity.verify(&forged, "other").unwrap_err();
    assert_eq!(error, "the signature of the token is wrong");

    let refused = ask(&world, "guess").await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_published_key_is_the_one_that_signs() {
    let world = world().await;
    let issuer = world.identity.issuer();
    let get = async |url: String| {
        reqwest::get(url)
            .await
            .unwrap()
            .json::<Value>()
            .await
            .unwrap()
    };
    let configuration = get(format!("{issuer}/.well-known/openid-configuration")).await;
    assert_eq!(configuration["issuer"], issuer);
    let keys = get(configuration["jwks_uri"].as_str().unwrap().to_owned()).await;
    let part = |name: &str| decode(keys["keys"][0][name].as_str().unwrap());

    let token = token(&world).await;
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let key = aws_lc_rs::signature::RsaPublicKeyComponents {
        n: part("n"),
        e: part("e"),
    };
    let algorithm = &aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
    key.verify(algorithm, signed.as_bytes(), &decode(signature))
        .unwrap();
}

fn decode(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(text)
        .unwrap()
}
