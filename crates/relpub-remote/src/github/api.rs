//! GitHub's REST API: octocrab's typed calls over our one HTTP client.
//!
//! octocrab takes any service for its transport. Ours hands each request to
//! [`Http`], so that retries, redirects, limits and errors are the same as
//! everywhere else; octocrab's own retries, which repeat a `POST` at once, never
//! come into play. Bytes of assets do not pass through octocrab: it would hold
//! them in memory and leave `+` in their names unescaped.

use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::{BodyExt as _, Full};
use jiff::SignedDuration;
use octocrab::repos::RepoHandler;
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use relpub_model::decision::Decision;
use relpub_model::name::Repository;
use relpub_model::observed::CredentialState;
use relpub_model::text::Untrusted;
use relpub_model::world;
use reqwest::header::{ACCEPT, HeaderName};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use url::Url;

use crate::http::{
    Again, Answer, Body, Deed, Download, Follow, Http, RemoteError, Repeat, Request,
};
use crate::secret::Secret;

/// The version of the API that is spoken: the one that is supported longest.
const VERSION: &str = "2022-11-28";
const VERSION_HEADER: HeaderName = HeaderName::from_static("x-github-api-version");
/// How long GitHub wants to be left alone after a secondary limit, in seconds.
const SECONDARY: i64 = 60;
/// How many assets are uploaded at once.
const UPLOADS: usize = 4;

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// One repository at GitHub, and how relpub is let in.
pub(super) struct Api {
    pub(super) http: Http,
    pub(super) endpoints: world::GitHub,
    pub(super) repository: Repository,
    pub(super) token: Option<Secret>,
    /// How the credential looks without asking GitHub.
    pub(super) login: CredentialState,
    /// GitHub asks that content is created one piece at a time.
    pub(super) creating: Semaphore,
    pub(super) uploading: Semaphore,
}

/// As whom a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum As {
    /// With the token, if there is one.
    Us,
    /// Without.
    Anyone,
}

impl Api {
    pub(super) fn new(
        http: Http,
        endpoints: world::GitHub,
        repository: Repository,
        token: Result<Secret, CredentialState>,
    ) -> Self {
        let (token, login) = match token {
            Ok(token) => (Some(token), CredentialState::Ready),
            Err(why_not) => (None, why_not),
        };
        Self {
            http,
            endpoints,
            repository,
            token,
            login,
            creating: Semaphore::new(1),
            uploading: Semaphore::new(UPLOADS),
        }
    }

    /// Begins a call that may be repeated at will; our HTTP does so.
    pub(super) fn read(&self, deed: &Deed, who: As) -> Call {
        self.call(deed, Repeat::Always, who)
    }

    /// Begins a call that is sent once. Whoever makes it looks at what became of
    /// it before it is sent again.
    pub(super) fn write(&self, deed: &Deed) -> Call {
        self.call(deed, Repeat::IfUnsent, As::Us)
    }

    fn call(&self, deed: &Deed, repeat: Repeat, who: As) -> Call {
        let transport = Transport {
            http: self.http.clone(),
            base: self.endpoints.api.clone(),
            token: self.token.clone().filter(|_| who == As::Us),
            deed: deed.clone(),
            repeat,
        };
        let octocrab = OctocrabBuilder::new_empty()
            .with_service(transport)
            .with_auth(AuthState::None)
            .build();
        Call {
            octocrab: octocrab.unwrap_or_else(|never| match never {}),
            repository: self.repository.clone(),
            deed: deed.clone(),
            repeat,
        }
    }

    /// Returns a request of our own to a path below the repository, with the
    /// headers that every request has.
    pub(super) fn request<'a>(
        &self,
        method: reqwest::Method,
        base: &str,
        path: &str,
        deed: &Deed,
        who: As,
    ) -> Result<Request<'a>, RemoteError> {
        let url = format!("{base}/repos/{}{path}", self.repository);
        let url = parse_url(&url, deed)?;
        let mut request = Request::new(method, url, deed.clone()).header(VERSION_HEADER, VERSION);
        if let Some(token) = self.token.clone().filter(|_| who == As::Us) {
            request = request.bearer(token);
        }
        Ok(request)
    }

    /// Repeats an attempt that looks before it acts, while its error allows it.
    pub(super) async fn retry<T, F, Fut>(&self, deed: &Deed, attempt: F) -> Result<T, RemoteError>
    where
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<T, RemoteError>> + Send,
        T: Send,
    {
        self.http.retry(deed, attempt).await.map_err(settled)
    }

    /// Waits for leave to create something.
    pub(super) async fn alone<'a>(
        &self,
        semaphore: &'a Semaphore,
        deed: &Deed,
    ) -> Result<tokio::sync::SemaphorePermit<'a>, RemoteError> {
        let permit = self
            .http
            .unless_cancelled(deed, semaphore.acquire())
            .await?;
        Ok(permit.expect("the semaphore is never closed"))
    }
}

/// Names a deed at GitHub.
pub(super) fn deed(operation: &str, thing: impl std::fmt::Display) -> Deed {
    Deed::new("GitHub", operation, thing.to_string())
}

/// Lets an attempt be made again whose outcome is not known, or which failed
/// for the moment; the next attempt begins by looking.
pub(super) fn look_again(error: RemoteError) -> RemoteError {
    match error.decision {
        Decision::Ambiguous | Decision::Transient => once_more(error),
        _ => error,
    }
}

/// Lets an attempt be made again.
pub(super) fn once_more(mut error: RemoteError) -> RemoteError {
    if error.again == Again::Never {
        error.again = Again::After(None);
    }
    error
}

/// Ends the retries: whoever gets this error is past them.
pub(super) fn settled(mut error: RemoteError) -> RemoteError {
    error.again = Again::Never;
    error
}

/// Makes of `NotFound` a `None`.
pub(super) fn if_there<T>(result: Result<T, RemoteError>) -> Result<Option<T>, RemoteError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.decision == Decision::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Escapes a text for a segment of a path or a value in a query.
pub(super) fn escape(text: &str) -> String {
    utf8_percent_encode(text, &RESERVED).to_string()
}

/// Escapes a tag for a path; slashes in it separate segments.
pub(super) fn escape_path(text: &str) -> String {
    text.split('/').map(escape).collect::<Vec<_>>().join("/")
}

/// Parses a URL that was put together here or came from GitHub.
pub(super) fn parse_url(url: &str, deed: &Deed) -> Result<Url, RemoteError> {
    url.parse().map_err(|_| {
        let shown = Untrusted::new(url).for_terminal();
        RemoteError::new(deed, Decision::Protocol, format!("`{shown}` is no URL"))
    })
}

/// One typed call, about to be made.
pub(super) struct Call {
    octocrab: Octocrab,
    repository: Repository,
    deed: Deed,
    repeat: Repeat,
}

impl Call {
    /// Returns octocrab's calls for the repository.
    pub(super) fn repo(&self) -> RepoHandler<'_> {
        let (owner, name) = (self.repository.owner(), self.repository.name());
        self.octocrab.repos(owner, name)
    }

    /// Reads something of which one field matters, and octocrab's model demands
    /// a dozen.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> octocrab::Result<T> {
        let route = format!("/repos/{}{path}", self.repository);
        self.octocrab.get(route, None::<&()>).await
    }

    /// Turns octocrab's error into ours, which it usually carries inside.
    pub(super) fn failed(&self, error: octocrab::Error) -> RemoteError {
        let error = match error {
            octocrab::Error::Service { source, .. } => match source.downcast::<RemoteError>() {
                Ok(ours) => return *ours,
                Err(other) => other.to_string(),
            },
            other => other.to_string(),
        };
        let why = format!("the answer is not as GitHub documents it: {error}");
        // It was done, or not, whatever the answer looks like.
        let decision = match self.repeat {
            Repeat::Always => Decision::Protocol,
            Repeat::IfUnsent => Decision::Ambiguous,
        };
        RemoteError::new(&self.deed, decision, why)
    }
}

/// Carries octocrab's requests over our HTTP.
#[derive(Clone)]
struct Transport {
    http: Http,
    base: String,
    token: Option<Secret>,
    deed: Deed,
    repeat: Repeat,
}

impl tower_service::Service<http::Request<OctoBody>> for Transport {
    type Response = http::Response<Full<Bytes>>;
    type Error = RemoteError;
    type Future = BoxFuture<'static, Result<Self::Response, RemoteError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), RemoteError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<OctoBody>) -> Self::Future {
        let transport = self.clone();
        Box::pin(async move { transport.carry(request).await })
    }
}

impl Transport {
    async fn carry(
        &self,
        request: http::Request<OctoBody>,
    ) -> Result<http::Response<Full<Bytes>>, RemoteError> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|error| {
            let why = format!("the request cannot be written: {error}");
            RemoteError::new(&self.deed, Decision::Protocol, why)
        })?;
        let request = self.request(parts.method, &parts.uri, body.to_bytes())?;
        let answer = if self.repeat == Repeat::Always {
            let attempt = || async { once(&self.http, &request).await };
            self.http
                .retry(&self.deed, attempt)
                .await
                .map_err(settled)?
        } else {
            once(&self.http, &request).await?
        };
        let mut response = http::Response::new(Full::new(answer.body));
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }

    fn request(
        &self,
        method: http::Method,
        uri: &http::Uri,
        body: Bytes,
    ) -> Result<Request<'static>, RemoteError> {
        // octocrab's paths are relative; an absolute one would be from an answer.
        let path = uri.path_and_query().filter(|_| uri.authority().is_none());
        let path = path.ok_or_else(|| {
            let why = "a request would go past the configured API";
            RemoteError::new(&self.deed, Decision::Protocol, why)
        })?;
        let url = parse_url(&format!("{}{path}", self.base), &self.deed)?;
        let mut request = Request::new(method, url, self.deed.clone())
            .header(ACCEPT, "application/vnd.github+json")
            .header(VERSION_HEADER, VERSION)
            .repeat(self.repeat);
        if !body.is_empty() {
            request = request.body(Body::Own(body, "application/json"));
        }
        if let Some(token) = self.token.clone() {
            request = request.bearer(token);
        }
        Ok(request)
    }
}

/// Sends a request once and reads GitHub's refusals.
pub(super) async fn once(http: &Http, request: &Request<'_>) -> Result<Answer, RemoteError> {
    let sent = http.once(request).await;
    sent.map_err(|error| refused(error, http, request))
}

/// Sends a request once, reads GitHub's refusals, and hands over the body while
/// it comes.
pub(super) async fn begin(http: &Http, request: &Request<'_>) -> Result<Download, RemoteError> {
    let begun = http.download_once(request).await;
    begun.map_err(|error| refused(error, http, request))
}

fn refused(error: RemoteError, http: &Http, request: &Request<'_>) -> RemoteError {
    let error = understand(error, http.now());
    match request.credential {
        Some(_) => error,
        None => impatient(error, http.now(), request.follow),
    }
}

/// Ends the retries of a stranger who would have to wait long: the limit is that
/// of an address, which others may share, and a credential would have a better.
fn impatient(mut error: RemoteError, now: jiff::Timestamp, follow: Follow) -> RemoteError {
    let Decision::RateLimited { until: Some(until) } = error.decision else {
        return error;
    };
    if until.duration_since(now) <= SignedDuration::from_secs(SECONDARY) {
        return error;
    }
    error.again = Again::Never;
    match follow {
        Follow::SameOrigin => error.with_hint("with a token GitHub answers more requests"),
        Follow::Download => error,
    }
}

/// Gives a refusal its meaning where GitHub says it in words only.
fn understand(mut error: RemoteError, now: jiff::Timestamp) -> RemoteError {
    let said = error.said.as_ref().map(Untrusted::raw).unwrap_or_default();
    let has = |text: &str| said.contains(text);
    let rule = |rule: &str| Decision::Refused {
        rule: rule.to_owned(),
    };
    match error.status {
        Some(403 | 429) if has("secondary rate limit") => {
            let at_least = now
                .saturating_add(SignedDuration::from_secs(SECONDARY))
                .ok();
            let asked = match error.again {
                Again::After(until) => until,
                Again::Never => None,
            };
            let until = asked.max(at_least);
            error.decision = Decision::RateLimited { until };
            error.again = Again::After(until);
        }
        Some(422) if has("immutable release") && has("tag_name") => {
            error.decision = rule("the tag belonged to an immutable release that was deleted");
        }
        Some(422) if has("immutable release") => error.decision = rule("immutable release"),
        Some(422) if has("already_exists") || has("already exists") => {
            error.decision = Decision::Conflict;
        }
        Some(422) if has("size must be less than") => error.decision = rule("size of an asset"),
        _ => {}
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_down_to_the_unreserved() {
        assert_eq!(escape("a-1.0+cu128~x_y.whl"), "a-1.0%2Bcu128~x_y.whl");
        assert_eq!(escape_path("release/1.0#2"), "release/1.0%232");
    }
}
