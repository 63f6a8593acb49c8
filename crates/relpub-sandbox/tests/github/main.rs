//! The sandbox's GitHub as its clients see it, over HTTP.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod assets;
mod git;
mod releases;
mod rules;

use jiff::Timestamp;
use relpub_sandbox::{Clock, Options, ReleaseView, World};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, redirect};
use serde_json::{Value, json};

/// The repository of every test, which is that of the world's job.
const REPOSITORY: &str = "relpub/demo";

/// The commit that the default branch points to.
const COMMIT: &str = "0123456789012345678901234567890123456789";

/// Starts a temporary world whose time stands at the start of 2026.
async fn world() -> World {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let options = Options::temporary().with_clock(Clock::virtual_at(start));
    World::start(options).await.unwrap()
}

/// A client that follows no redirects and has a token, or none.
struct Api {
    client: Client,
    url: String,
    token: Option<String>,
}

impl Api {
    /// Returns the client of a job that may push.
    fn push(world: &World) -> Self {
        Self::with(world, Some(world.github.token()))
    }

    fn with(world: &World, token: Option<&str>) -> Self {
        let client = Client::builder()
            .user_agent("test")
            .redirect(redirect::Policy::none());
        Self {
            client: client.build().unwrap(),
            url: world.github.url().to_owned(),
            token: token.map(str::to_owned),
        }
    }

    /// Returns a request to `path` below the repository.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/repos/{REPOSITORY}{path}", self.url);
        let request = self.client.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        read(self.request(Method::GET, path).send().await.unwrap()).await
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        read(self.request(method, path).json(body).send().await.unwrap()).await
    }

    async fn delete(&self, path: &str) -> (StatusCode, Value) {
        read(self.request(Method::DELETE, path).send().await.unwrap()).await
    }

    /// Creates a release and returns it, which must work.
    async fn create(&self, wanted: &Value) -> Value {
        let (status, release) = self.send(Method::POST, "/releases", wanted).await;
        assert_eq!(status, StatusCode::CREATED, "{release}");
        release
    }

    /// Creates a draft for `tag` and returns its id.
    async fn draft(&self, tag: &str) -> u64 {
        let release = self.create(&json!({"tag_name": tag, "draft": true})).await;
        release["id"].as_u64().unwrap()
    }

    async fn patch(&self, id: u64, wanted: &Value) -> (StatusCode, Value) {
        self.send(Method::PATCH, &format!("/releases/{id}"), wanted)
            .await
    }

    /// Publishes a release, which must work.
    async fn publish(&self, id: u64) -> Value {
        let (status, release) = self.patch(id, &json!({"draft": false})).await;
        assert_eq!(status, StatusCode::OK, "{release}");
        release
    }

    async fn upload(&self, release: u64, name: &str, bytes: &'static [u8]) -> (StatusCode, Value) {
        let request = self
            .request(Method::POST, &format!("/releases/{release}/assets"))
            .query(&[("name", name)])
            .header("content-type", "application/octet-stream")
            .body(bytes);
        read(request.send().await.unwrap()).await
    }
}

/// Returns status and JSON of an answer; no body is `null`.
async fn read(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let text = response.text().await.unwrap();
    let value = match text.as_str() {
        "" => Value::Null,
        text => serde_json::from_str(text).unwrap(),
    };
    (status, value)
}

/// Returns the only error of a 422 answer.
#[track_caller]
fn error_of((status, answer): (StatusCode, Value)) -> Value {
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    match &answer["errors"] {
        Value::Array(errors) if errors.len() == 1 => errors[0].clone(),
        Value::Null => answer["message"].clone(),
        errors => panic!("{errors}"),
    }
}

/// Returns the tags of the listed releases, drafts in parentheses.
fn tags(releases: &[ReleaseView]) -> Vec<String> {
    let tag = |release: &ReleaseView| {
        if release.draft {
            format!("({})", release.tag)
        } else {
            release.tag.clone()
        }
    };
    releases.iter().map(tag).collect()
}
