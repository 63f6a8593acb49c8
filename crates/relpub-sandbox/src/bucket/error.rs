//! Refusals in S3's words ("Error responses").

use std::io;

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};

use super::list::escape;
use crate::secrets::random_hex;

/// Why a request was refused.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        let message = message.into();
        Self {
            status,
            code,
            message,
        }
    }

    pub(super) fn no_such_bucket() -> Self {
        Self::new(404, "NoSuchBucket", "The bucket is not there.")
    }

    pub(super) fn no_such_key() -> Self {
        Self::new(404, "NoSuchKey", "The object is not there.")
    }

    pub(super) fn no_such_upload() -> Self {
        Self::new(404, "NoSuchUpload", "The multipart upload is not there.")
    }

    pub(super) fn access_denied() -> Self {
        Self::new(403, "AccessDenied", "The request must be signed.")
    }

    pub(super) fn precondition_failed() -> Self {
        let message = "The object does not meet the condition of the request.";
        Self::new(412, "PreconditionFailed", message)
    }

    pub(super) fn not_implemented(what: &str) -> Self {
        let message = format!("The sandbox does not know {what}.");
        Self::new(501, "NotImplemented", message)
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidRequest", message)
    }

    /// Returns the answer; one to `HEAD` has no body.
    pub(super) fn answer(&self, path: &str, head: bool) -> Response<Body> {
        let id = random_hex::<8>().to_uppercase();
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message><Resource>{}</Resource><RequestId>{id}</RequestId></Error>",
            self.code,
            escape(&self.message),
            escape(path),
        );
        let body = if head {
            Body::empty()
        } else {
            Body::from(text)
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/xml"),
        );
        if let Ok(id) = HeaderValue::from_str(&id) {
            headers.insert("x-amz-request-id", id);
        }
        response
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::new(500, "InternalError", error.to_string())
    }
}
