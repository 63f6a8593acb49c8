//! Who asks, and the rules that every request to the API must keep.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::{SignedDuration, Timestamp};

use super::GitHub;
use super::failure::Failure;

/// The versions of the API that are answered; the first is the default.
const VERSIONS: [&str; 2] = ["2022-11-28", "2026-03-10"];
const VERSION: &str = "x-github-api-version";

/// How many requests a caller has in an hour.
const LIMIT: u32 = 5000;
const WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// What a caller may do, by its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Access {
    /// No token.
    Anonymous,
    /// The token of a user without any right here.
    Stranger,
    /// A job's token with `contents: read`.
    Read,
    /// A job's token with `contents: write`.
    Push,
}

/// The tokens that are known.
pub(super) struct Tokens {
    pub(super) push: String,
    pub(super) read: String,
    pub(super) stranger: String,
}

impl Tokens {
    fn access(&self, headers: &HeaderMap) -> Option<Access> {
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Some(Access::Anonymous);
        };
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        let scheme = scheme.to_ascii_lowercase();
        let token = token.trim();
        match token {
            _ if scheme != "bearer" && scheme != "token" => None,
            _ if token == self.push => Some(Access::Push),
            _ if token == self.read => Some(Access::Read),
            _ if token == self.stranger => Some(Access::Stranger),
            _ => None,
        }
    }
}

/// How many requests each caller has made in the hour that runs.
#[derive(Default)]
pub(super) struct Limits {
    counters: Mutex<Counters>,
}

#[derive(Default)]
struct Counters {
    used: BTreeMap<Access, u32>,
    reset: Timestamp,
    /// How many more requests are answered in this hour, if that is limited.
    left: Option<u32>,
}

/// What the headers of an answer say about the limit.
struct Standing {
    used: u32,
    reset: Timestamp,
    exceeded: bool,
}

impl Limits {
    /// Refuses every request after the next `requests` until the hour is over.
    pub(super) fn allow(&self, requests: u32, now: Timestamp) {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        counters.left = Some(requests);
        counters.used.clear();
        counters.reset = now + WINDOW;
    }

    fn count(&self, access: Access, now: Timestamp) -> Standing {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= counters.reset {
            *counters = Counters {
                reset: now + WINDOW,
                ..Counters::default()
            };
        }
        let exceeded = counters.left == Some(0);
        counters.left = counters.left.map(|left| left.saturating_sub(1));
        let used = counters.used.entry(access).or_default();
        // The sandbox counts but does not refuse unless a test wants it to.
        *used = (*used + 1) % LIMIT;
        Standing {
            used: if exceeded { LIMIT } else { *used },
            reset: counters.reset,
            exceeded,
        }
    }
}

/// Lets a request to the API through if it keeps the rules that all share.
///
/// It must have a `User-Agent`, a known version and no unknown token; the
/// handlers find the [`Access`] among the extensions.
pub(super) async fn admit(
    State(github): State<GitHub>,
    mut request: Request,
    next: Next,
) -> Response {
    let access = github.inner.tokens.access(request.headers());
    let now = github.inner.clock.now();
    let standing = github
        .inner
        .limits
        .count(access.unwrap_or(Access::Anonymous), now);
    let version = version(request.headers());
    let mut response = match (access, version) {
        _ if !request.headers().contains_key(header::USER_AGENT) => no_user_agent(),
        (None, _) => Failure::new(StatusCode::UNAUTHORIZED, "Bad credentials").into_response(),
        _ if standing.exceeded => rate_limited().into_response(),
        (_, None) => unsupported_version().into_response(),
        (Some(access), Some(_)) => {
            request.extensions_mut().insert(access);
            next.run(request).await
        }
    };
    let headers = response.headers_mut();
    describe_limit(headers, &standing);
    headers.insert(
        "x-github-media-type",
        HeaderValue::from_static("github.v3; format=json"),
    );
    if let Some(version) = version {
        headers.insert(
            "x-github-api-version-selected",
            HeaderValue::from_static(version),
        );
    }
    response
}

fn version(headers: &HeaderMap) -> Option<&'static str> {
    match headers.get(VERSION) {
        None => Some(VERSIONS[0]),
        Some(asked) => VERSIONS
            .into_iter()
            .find(|version| version.as_bytes() == asked.as_bytes()),
    }
}

fn no_user_agent() -> Response {
    let text = "Request forbidden by administrative rules. Please make sure your request has a \
                User-Agent header.\n";
    (StatusCode::FORBIDDEN, text).into_response()
}

fn unsupported_version() -> Failure {
    let message = format!(
        "The API version is not supported; the supported versions are {}",
        VERSIONS.join(", ")
    );
    Failure::new(StatusCode::BAD_REQUEST, message)
}

fn rate_limited() -> Failure {
    Failure::new(StatusCode::FORBIDDEN, "API rate limit exceeded")
}

fn describe_limit(headers: &mut HeaderMap, standing: &Standing) {
    let reset = standing.reset.as_second().cast_unsigned();
    headers.insert("x-ratelimit-limit", LIMIT.into());
    headers.insert("x-ratelimit-remaining", (LIMIT - standing.used).into());
    headers.insert("x-ratelimit-used", standing.used.into());
    headers.insert("x-ratelimit-reset", reset.into());
    headers.insert("x-ratelimit-resource", HeaderValue::from_static("core"));
}
