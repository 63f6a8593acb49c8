//! How the index says no: a status, a reason phrase and a body.

use std::io;

use axum::body::Body;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use hyper::ext::ReasonPhrase;
use serde_json::json;

use super::negotiate;

/// A request that is refused, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// The detail, which also becomes the reason phrase.
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// Returns a refusal with status 400.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// Returns a refusal with status 403.
    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// Returns the answer in the form that the request's `Accept` prefers.
    pub(super) fn answer(&self, headers: &HeaderMap) -> Response<Body> {
        const OFFERS: [&str; 2] = ["text/html", "application/json"];
        let (kind, body) = match negotiate::preferred(headers, &OFFERS) {
            Some(0) => ("text/html; charset=UTF-8", self.html()),
            Some(_) => ("application/json", self.json()),
            None => ("text/plain; charset=UTF-8", self.text()),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let kind = HeaderValue::from_static(kind);
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        let one_line = self.message.replace(['\r', '\n', '\0'], " ");
        if let Ok(reason) = ReasonPhrase::try_from(one_line.into_bytes()) {
            response.extensions_mut().insert(reason);
        }
        response
    }

    fn code(&self) -> String {
        format!("{} {}", self.status.as_u16(), self.message)
    }

    fn json(&self) -> String {
        let message = format!("{}\n\n\n{}\n\n", self.explanation(), self.message);
        let title = self.status.canonical_reason().unwrap_or_default();
        json!({"message": message, "code": self.code(), "title": title}).to_string()
    }

    fn html(&self) -> String {
        let (code, detail) = (escaped(&self.code()), escaped(&self.message));
        let explanation = self.explanation();
        format!(
            "<html>\n <head>\n  <title>{code}</title>\n </head>\n <body>\n  <h1>{code}</h1>\n  \
             {explanation}<br/><br/>\n{detail}\n\n\n </body>\n</html>"
        )
    }

    fn text(&self) -> String {
        let explanation = self.explanation();
        format!("{}\n\n{explanation}\n\n\n{}\n\n", self.code(), self.message)
    }

    /// Returns what the server's framework says about every such status.
    fn explanation(&self) -> &'static str {
        match self.status.as_u16() {
            400 => {
                "The server could not comply with the request since it is either malformed or \
                 otherwise incorrect."
            }
            403 => "Access was denied to this resource.",
            404 => "The resource could not be found.",
            409 => "There was a conflict when trying to complete your request.",
            410 => "This resource is no longer available. No forwarding address is given.",
            413 => "The body of your request was too large for this server.",
            _ => "The server has either erred or is incapable of performing the request.",
        }
    }
}

impl From<io::Error> for Refusal {
    /// The sandbox itself failed, for example because its disk is full.
    fn from(error: io::Error) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

/// Returns `text` as it stands in HTML.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#x27;"),
            other => html.push(other),
        }
    }
    html
}
