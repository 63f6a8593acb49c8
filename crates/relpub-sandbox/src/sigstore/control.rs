//! What another process can have this Sigstore do wrong.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{Deviation, Sigstore};

/// A list of deviations, as it is sent and shown.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    deviations: Vec<Deviation>,
}

/// Answers with what is done wrong.
pub(super) async fn show(State(sigstore): State<Sigstore>) -> Json<Order> {
    let deviations = sigstore.deviations().into_iter().collect();
    Json(Order { deviations })
}

/// Does more things wrong.
pub(super) async fn spoil(State(sigstore): State<Sigstore>, Json(order): Json<Order>) -> Response {
    let mut deviations = order.deviations.into_iter();
    done(deviations.try_for_each(|it| sigstore.spoil(it)))
}

/// Does everything right again.
pub(super) async fn mend(State(sigstore): State<Sigstore>) -> Response {
    done(sigstore.mend())
}

fn done(result: std::io::Result<()>) -> Response {
    match result {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
