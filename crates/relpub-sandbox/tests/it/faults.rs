//! Every kind of fault, as a real client meets it.

use std::time::{Duration, Instant};

use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use relpub_sandbox::World;
use reqwest::{Client, StatusCode};
use serde_json::json;

use crate::{get, s3, world};

const CONTENT: &[u8] = &[0b0101_0101; 100_000];

/// Starts a world with an object of 100 kB that anybody can read.
async fn world_with_object() -> World {
    let world = world().await;
    world.bucket.put("open", "key", CONTENT, None).unwrap();
    world.bucket.public_read("open", true).unwrap();
    world
}

fn arm(world: &World, fault: &str) {
    world.faults().add(fault.parse().unwrap());
}

#[tokio::test]
async fn too_many_requests_says_when_to_come_again() {
    let world = world_with_object().await;
    arm(&world, "429@bucket/get-object:2");
    for _ in 0..2 {
        let response = get(&world, "/open/key").await.unwrap();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()["retry-after"], "1");
    }
    let response = get(&world, "/open/key").await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_server_error_reaches_nothing() {
    let world = world_with_object().await;
    arm(&world, "503@bucket/put-object");
    let error = s3(&world, "open").put(&Path::from("new"), "x".into()).await;
    assert!(error.unwrap_err().to_string().contains("503"));
    assert_eq!(world.bucket.keys("open"), ["key"]);
    let entry = world.log().pop().unwrap();
    assert_eq!((entry.status, entry.bytes_in), (Some(503), 1));
    assert_eq!(entry.fault.as_deref(), Some("503@bucket/put-object"));
}

#[tokio::test]
async fn a_reset_reaches_nothing_and_a_lost_answer_does() {
    let world = world_with_object().await;
    let store = s3(&world, "open");
    arm(&world, "reset@bucket/put-object");
    store.put(&Path::from("a"), "x".into()).await.unwrap_err();
    assert_eq!(world.bucket.keys("open"), ["key"]);

    arm(&world, "lost-answer@bucket/put-object");
    store.put(&Path::from("b"), "x".into()).await.unwrap_err();
    assert_eq!(world.bucket.keys("open"), ["b", "key"]);
    assert_eq!(world.log().pop().unwrap().status, None);
    assert_eq!(world.mutations(), 2);
}

#[tokio::test]
async fn a_slow_body_is_whole() {
    let world = world_with_object().await;
    arm(&world, "slow@bucket");
    let started = Instant::now();
    let body = get(&world, "/open/key")
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    assert!(started.elapsed() > Duration::from_millis(100));
    assert_eq!(body, CONTENT);
}

#[tokio::test]
async fn a_truncated_body_announces_all_and_sends_half() {
    let world = world_with_object().await;
    arm(&world, "truncated@bucket");
    let mut response = get(&world, "/open/key").await.unwrap();
    assert_eq!(response.content_length(), Some(100_000));
    let mut read = 0;
    let error = loop {
        match response.chunk().await {
            Ok(piece) => read += piece.expect("it must not end well").len(),
            Err(error) => break error,
        }
    };
    assert!(error.is_body() || error.is_decode(), "{error:?}");
    assert_eq!(read, 50_000);
}

#[tokio::test]
async fn a_flipped_bit_is_one_bit() {
    let world = world_with_object().await;
    arm(&world, "flipped@bucket");
    let body = get(&world, "/open/key")
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    assert_eq!(body.len(), CONTENT.len());
    let pairs = body.iter().zip(CONTENT);
    let flipped: u32 = pairs.map(|(one, other)| (one ^ other).count_ones()).sum();
    assert_eq!(flipped, 1);
}

#[tokio::test]
async fn faults_clock_and_log_are_steered_over_http() {
    let world = world_with_object().await;
    let client = Client::new();
    let control = |path: &str| format!("{}/_sandbox/{path}", world.control());
    let post = async |path: &str, body: serde_json::Value| {
        let sent = client.post(control(path)).json(&body).send().await.unwrap();
        (sent.status().as_u16(), sent.text().await.unwrap())
    };
    let (status, _) = post("faults", json!({"fault": "500@bucket", "after": 1})).await;
    assert_eq!(status, 204);
    let (status, message) = post("faults", json!({"fault": "500@nowhere"})).await;
    assert_eq!(status, 400);
    assert!(message.starts_with("`nowhere` is no service"), "{message}");
    assert_eq!(get(&world, "/open/key").await.unwrap().status(), 200);
    assert_eq!(get(&world, "/open/key").await.unwrap().status(), 500);

    let (_, time) = post("clock", json!({"advance_seconds": 3600})).await;
    assert_eq!(time, r#"{"now":"2026-01-01T01:00:00Z","virtual":true}"#);

    let log = client.get(control("log")).send().await.unwrap();
    let log: Vec<serde_json::Value> = log.json().await.unwrap();
    assert_eq!(log.len(), 2);
    assert_eq!(log[1]["endpoint"], "get-object");
    client.delete(control("log")).send().await.unwrap();
    assert!(world.log().is_empty());
}
