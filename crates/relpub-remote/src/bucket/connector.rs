//! Lets the object store library speak over our client, and keeps what a server
//! answers as one of our errors.

use std::error::Error as StdError;
use std::fmt;

use async_trait::async_trait;
use http_body_util::BodyExt as _;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use relpub_model::decision::Decision;
use reqwest::Method;

use crate::http::{Deed, Http, RemoteError, Repeat};

/// Connects the library to our client.
#[derive(Clone)]
pub(super) struct Connector(pub(super) Http);

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Connector {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.exchange(request).await.map_err(carry)
    }
}

impl Connector {
    /// Sends a request once; every status but 2xx is an error.
    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, RemoteError> {
        // Who asks puts its own names in.
        let deed = Deed::new("", "", "");
        let (parts, _) = request.into_parts();
        if !matches!(parts.method, Method::GET | Method::HEAD) {
            let why = "a source is only read";
            return Err(RemoteError::new(&deed, Decision::Protocol, why));
        }
        let permit = self.0.permit(&deed).await?;
        let url = parts.uri.to_string();
        let sent = self.0.client().request(parts.method, url);
        let sent = sent.headers(parts.headers).send();
        let response = self.0.unless_cancelled(&deed, sent).await?;
        let response = response.map_err(|error| self.lost(&deed, error))?;
        if !response.status().is_success() {
            return Err(self.0.refused(&deed, Repeat::Always, response).await);
        }
        let (parts, body) = http::Response::from(response).into_parts();
        let http = self.clone();
        let body = body.map_err(move |error| {
            // The permit is given back when the body has been read.
            let _ = &permit;
            carry(http.lost(&deed, error))
        });
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::new(body)))
    }

    fn lost(&self, deed: &Deed, error: reqwest::Error) -> RemoteError {
        let unsent = error.is_connect();
        RemoteError::unanswered(deed, Repeat::Always, unsent, self.0.explain(error))
    }
}

/// One of our errors on its way through the library.
#[derive(Debug)]
struct Carried(RemoteError);

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Carried {}

fn carry(error: RemoteError) -> HttpError {
    // The kind that the library never repeats.
    HttpError::new(HttpErrorKind::Unknown, Carried(error))
}

/// Returns the error that the library was told, under the name of `deed`; what
/// it found wrong by itself is an answer that breaks the protocol.
pub(super) fn uncarry(deed: &Deed, http: &Http, error: &object_store::Error) -> RemoteError {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(Carried(error)) = error.downcast_ref() {
            return error.clone().named(deed);
        }
        cause = error.source();
    }
    RemoteError::new(deed, Decision::Protocol, http.scrub(&error.to_string()))
}
