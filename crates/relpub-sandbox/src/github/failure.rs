//! What the API answers when it does not do what was asked.

use std::io;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

/// Where every error of this GitHub says that its documentation is.
const DOCUMENTATION: &str = "https://docs.github.com/rest";

/// An error in GitHub's shape: `message`, `errors`, `documentation_url`, `status`.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    message: String,
    errors: Vec<Value>,
}

impl Failure {
    /// Returns an error that is a message alone.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            errors: Vec::new(),
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
        (self.status, Json(body)).into_response()
    }
}
