//! What comes back: an answer that was read whole, or a download that streams.

use bytes::{Bytes, BytesMut};
use jiff::{SignedDuration, Timestamp};
use relpub_model::decision::Decision;
use reqwest::StatusCode;
use reqwest::header::{AGE, CONTENT_TYPE, HeaderMap};
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

use super::client::Http;
use super::error::{Deed, RemoteError};
use super::request::Repeat;

/// An answer that was read whole.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Where the answer came from, after redirects.
    pub(crate) url: Url,
    pub(crate) body: Bytes,
    /// When it arrived.
    pub(crate) at: Timestamp,
    pub(crate) deed: Deed,
}

impl Answer {
    /// Reads the body as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, RemoteError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let why = format!("the answer is not the expected JSON: {error}");
            self.protocol(why)
        })
    }

    /// Reads the body as text.
    pub(crate) fn text(&self) -> Result<&str, RemoteError> {
        let utf8 = std::str::from_utf8(&self.body);
        utf8.map_err(|_| self.protocol("the answer is not UTF-8"))
    }

    /// Returns a header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the media type, lower case, without parameters.
    pub(crate) fn media_type(&self) -> String {
        let kind = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default();
        kind.trim().to_ascii_lowercase()
    }

    /// Returns when the answer was generated: a cache tells its `Age`.
    pub(crate) fn born(&self) -> Timestamp {
        let age = self
            .header(AGE.as_str())
            .and_then(|age| age.trim().parse().ok());
        let age = SignedDuration::from_secs(age.unwrap_or(0_u32).into());
        self.at.checked_sub(age).unwrap_or(self.at)
    }

    /// Makes the error of an answer that breaks the protocol.
    pub(crate) fn protocol(&self, why: impl Into<String>) -> RemoteError {
        let mut error = RemoteError::new(&self.deed, Decision::Protocol, why);
        error.status = Some(self.status.as_u16());
        error
    }
}

/// An answer whose body is still to be read, piece by piece.
pub(crate) struct Download {
    pub(crate) status: StatusCode,
    pub(super) response: reqwest::Response,
    pub(super) deed: Deed,
    pub(super) http: Http,
    /// Held until the body was read.
    pub(super) _permit: OwnedSemaphorePermit,
}

impl Download {
    /// Returns the next piece; `None` at the end. An error may be tried again.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, RemoteError> {
        let read = self.response.chunk();
        let read = self.http.unless_cancelled(&self.deed, read).await?;
        read.map_err(|error| {
            let why = self.http.explain(error);
            RemoteError::unanswered(&self.deed, Repeat::Always, false, why)
        })
    }
}

/// Reads a body of at most `limit` bytes.
///
/// With `cut` the rest is left unread; otherwise a longer body is an error.
pub(super) async fn read(
    response: &mut reqwest::Response,
    limit: usize,
    cut: bool,
) -> Result<Bytes, Unread> {
    let mut body = BytesMut::new();
    while let Some(piece) = response.chunk().await.map_err(Unread::Lost)? {
        if body.len() + piece.len() > limit {
            if cut {
                body.extend_from_slice(&piece[..limit - body.len()]);
                break;
            }
            return Err(Unread::TooLong);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

/// Why a body could not be read.
pub(super) enum Unread {
    Lost(reqwest::Error),
    TooLong,
}
