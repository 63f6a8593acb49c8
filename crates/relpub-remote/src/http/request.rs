//! A request: where it goes, what it carries, and whether it may be repeated.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use url::Url;

use super::body::Body;
use super::error::Deed;
use crate::secret::Secret;

/// Whether a request may be sent again after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Always: it changes nothing, or the same thing twice is the same as once.
    Always,
    /// Only when it surely had no effect: the connection was never made, or the
    /// server turned it away unread (429). Anything else is ambiguous.
    IfUnsent,
}

/// Which redirects are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follow {
    /// Only 307 and 308 within the origin; the body is opened again.
    SameOrigin,
    /// Any, at most five, without credentials.
    Download,
}

/// How a request says who sends it.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    Bearer(Secret),
    Basic { username: String, password: Secret },
}

/// A request that can be sent any number of times.
pub(crate) struct Request<'a> {
    pub(crate) deed: Deed,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) credential: Option<Credential>,
    pub(crate) body: Body<'a>,
    pub(crate) repeat: Repeat,
    pub(crate) follow: Follow,
    /// Statuses that are answers, not errors, beside 2xx.
    pub(crate) allowed: Vec<StatusCode>,
    /// The most bytes that an answer may have.
    pub(crate) limit: usize,
}

/// The most bytes of an answer, unless the request says otherwise.
const LIMIT: usize = 32 * 1024 * 1024;

impl<'a> Request<'a> {
    /// A request without headers, body and credential, repeated only if unsent.
    pub(crate) fn new(method: Method, url: Url, deed: Deed) -> Self {
        Self {
            deed,
            method,
            url,
            headers: HeaderMap::new(),
            credential: None,
            body: Body::None,
            repeat: Repeat::IfUnsent,
            follow: Follow::SameOrigin,
            allowed: Vec::new(),
            limit: LIMIT,
        }
    }

    /// A `GET`, which may always be repeated.
    pub(crate) fn get(url: Url, deed: Deed) -> Self {
        Self::new(Method::GET, url, deed).repeat(Repeat::Always)
    }

    /// A `POST`, repeated only if it was not sent.
    pub(crate) fn post(url: Url, deed: Deed) -> Self {
        Self::new(Method::POST, url, deed)
    }

    /// Adds a header that holds no secret.
    pub(crate) fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    /// Sends a token as `Authorization: Bearer`.
    pub(crate) fn bearer(mut self, token: Secret) -> Self {
        self.credential = Some(Credential::Bearer(token));
        self
    }

    /// Sends a name and a password as `Authorization: Basic`.
    pub(crate) fn basic(mut self, username: impl Into<String>, password: Secret) -> Self {
        let username = username.into();
        self.credential = Some(Credential::Basic { username, password });
        self
    }

    /// Gives the request a body.
    pub(crate) fn body(mut self, body: Body<'a>) -> Self {
        self.body = body;
        self
    }

    /// Says whether the request may be repeated.
    pub(crate) fn repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    /// Says which redirects are followed.
    pub(crate) fn follow(mut self, follow: Follow) -> Self {
        self.follow = follow;
        self
    }

    /// Takes a status for an answer that would be an error otherwise.
    pub(crate) fn allow(mut self, status: StatusCode) -> Self {
        self.allowed.push(status);
        self
    }

    /// Tells whether the run may be cancelled while the request is in flight.
    pub(super) fn may_be_dropped(&self) -> bool {
        self.repeat == Repeat::Always && !matches!(self.body, Body::Artifact(_))
    }
}
