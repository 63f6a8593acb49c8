//! Plain HTTP to a sandbox on loopback.

use std::time::Duration;

use anyhow::{Context as _, Result};
use reqwest::StatusCode;
use reqwest::blocking::{Client, RequestBuilder, Response};
use serde::de::DeserializeOwned;

/// Sends requests to a sandbox and takes nothing but the expected answer.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client,
}

impl Http {
    /// Makes a client that no proxy of this machine comes between.
    pub(crate) fn new() -> Result<Self> {
        let client = Client::builder()
            .no_proxy()
            // GitHub's API answers nobody who does not say who they are.
            .user_agent("relpub-lab")
            .timeout(Duration::from_mins(5))
            .build()?;
        Ok(Self { client })
    }

    /// Returns a request to be sent with [`send`].
    pub(crate) fn post(&self, url: &str) -> RequestBuilder {
        self.client.post(url)
    }

    /// Returns a request to be sent with [`send`].
    pub(crate) fn patch(&self, url: &str) -> RequestBuilder {
        self.client.patch(url)
    }

    /// Returns a request to be sent as it is, whatever the answer.
    pub(crate) fn request_get(&self, url: &str) -> RequestBuilder {
        self.client.get(url)
    }

    /// Returns the answer in this media type.
    pub(crate) fn get_as(&self, url: &str, media_type: &str) -> Result<Response> {
        send(self.client.get(url).header("accept", media_type))
    }

    /// Empties what is at `url`.
    pub(crate) fn delete(&self, url: &str) -> Result<()> {
        send(self.client.delete(url)).map(|_| ())
    }

    /// Asks whether something is at `url`.
    pub(crate) fn head(&self, url: &str) -> Result<()> {
        send(self.client.head(url)).map(|_| ())
    }

    /// Returns the answer, whose body has not been read yet.
    pub(crate) fn get(&self, url: &str) -> Result<Response> {
        send(self.client.get(url))
    }

    /// Returns the answer to a request that carries a bearer token.
    pub(crate) fn get_with_bearer(&self, url: &str, token: &str) -> Result<Response> {
        send(self.client.get(url).bearer_auth(token))
    }

    /// Returns the JSON at `url`, or `None` where there is nothing.
    pub(crate) fn find<T: DeserializeOwned>(&self, url: &str) -> Result<Option<T>> {
        let response = self.client.get(url).send()?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(Some(successful(response)?.json()?))
    }
}

/// Sends a request; an answer that is no success is an error that quotes it.
pub(crate) fn send(request: RequestBuilder) -> Result<Response> {
    successful(request.send()?)
}

fn successful(response: Response) -> Result<Response> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let url = response.url().clone();
    let body = response.text().context("no body")?;
    anyhow::bail!("{url} answered {status}: {body}")
}
