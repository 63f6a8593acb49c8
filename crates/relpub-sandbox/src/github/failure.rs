//! What the API answers when it does not do what was asked.

use std::io;

use axum::Json;
use axum::response::{AppendHeaders, IntoResponse, Response};
use http::{Method, StatusCode, header};
use serde_json::{Value, json};

/// Where every error of this GitHub says that its documentation is.
const DOCUMENTATION: &str = "https://docs.github.com/rest";

/// An error in GitHub's shape: `message`, `errors`, `documentation_url`, `status`.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    message: String,
    errors: Vec<Value>,
    /// Where the thing is instead, for a redirect.
    location: Option<String>,
}

impl Failure {
    /// Returns an error that is a message alone.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            errors: Vec::new(),
            location: None,
        }
    }

    /// Returns the redirect to where something has moved for good.
    ///
    /// Clients must repeat a write there as it was, hence 307.
    pub(super) fn moved(method: &Method, location: String) -> Self {
        let (status, message) = match *method {
            Method::GET | Method::HEAD => (StatusCode::MOVED_PERMANENTLY, "Moved Permanently"),
            _ => (StatusCode::TEMPORARY_REDIRECT, "Temporary Redirect"),
        };
        Self {
            location: Some(location),
            ..Self::new(status, message)
        }
    }

    /// Returns the error for what is not there, or not for this caller to see.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    /// Returns a 422 that is a message alone.
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    /// Returns a 422 about one field of a resource.
    pub(super) fn field(resource: &str, code: &str, field: &str) -> Self {
        Self::validation(json!({"resource": resource, "code": code, "field": field}))
    }

    /// Returns a 422 about one field of a resource, with an explanation.
    pub(super) fn custom_field(resource: &str, field: &str, message: &str) -> Self {
        Self::validation(
            json!({"resource": resource, "code": "custom", "field": field, "message": message}),
        )
    }

    /// Returns a 422 about a resource as a whole.
    pub(super) fn custom(resource: &str, message: &str) -> Self {
        Self::validation(json!({"resource": resource, "code": "custom", "message": message}))
    }

    /// Returns this error with one more about a resource as a whole.
    pub(super) fn and_custom(mut self, resource: &str, message: &str) -> Self {
        self.errors
            .push(json!({"resource": resource, "code": "custom", "message": message}));
        self
    }

    fn validation(error: Value) -> Self {
        Self {
            errors: vec![error],
            ..Self::refused("Validation Failed")
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let message = format!("the sandbox could not keep its state: {error}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut body = json!({
            "message": self.message,
            "documentation_url": DOCUMENTATION,
            "status": self.status.as_str(),
        });
        if !self.errors.is_empty() {
            body["errors"] = self.errors.into();
        }
        if let Some(location) = &self.location {
            body["url"] = json!(location);
        }
        let location = self.location.map(|url| (header::LOCATION, url));
        (self.status, AppendHeaders(location), Json(body)).into_response()
    }
}
