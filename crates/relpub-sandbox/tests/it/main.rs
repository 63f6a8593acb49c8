//! The world as its clients see it: over HTTP, with clients that are not ours.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod bucket;
mod faults;
mod identity;
mod kills;
mod standing;

use std::sync::Arc;

use jiff::Timestamp;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use relpub_sandbox::{Clock, Options, World};
use reqwest::{Client, Response};

/// Starts a temporary world whose time stands at the start of 2026.
async fn world() -> World {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let options = Options::temporary().with_clock(Clock::virtual_at(start));
    World::start(options).await.unwrap()
}

/// Returns an independent S3 client for `bucket`, with the world's credentials.
fn s3(world: &World, bucket: &str) -> Arc<AmazonS3> {
    let environment = world.environment();
    Arc::new(builder(
        world,
        bucket,
        &environment["AWS_SECRET_ACCESS_KEY"],
    ))
}

fn builder(world: &World, bucket: &str, secret: &str) -> AmazonS3 {
    let environment = world.environment();
    let retry = object_store::RetryConfig {
        max_retries: 0,
        ..Default::default()
    };
    AmazonS3Builder::new()
        .with_endpoint(&environment["AWS_ENDPOINT_URL"])
        .with_region(&environment["AWS_REGION"])
        .with_access_key_id(&environment["AWS_ACCESS_KEY_ID"])
        .with_secret_access_key(secret)
        .with_bucket_name(bucket)
        .with_allow_http(true)
        .with_retry(retry)
        .build()
        .unwrap()
}

/// Gets `path` of the bucket service, anonymously.
async fn get(world: &World, path: &str) -> reqwest::Result<Response> {
    let url = format!("{}{path}", world.bucket.url());
    client().get(url).send().await
}

/// Returns a client that hands on bodies as they come.
///
/// Another crate in the build may have taught it to unpack them.
fn client() -> Client {
    let client = Client::builder().no_gzip().no_deflate();
    client.build().unwrap()
}
