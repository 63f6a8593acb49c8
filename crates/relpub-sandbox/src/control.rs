//! The control service: log, clock and faults of a world over HTTP.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::fault::Fault;
use crate::log::Entry;
use crate::secrets::SECRET_MARKER;
use crate::service::Service;
use crate::traffic::Traffic;
use crate::world::Shared;

/// Returns the control service; it is neither logged nor spoiled itself.
pub(crate) fn service(shared: &Shared, traffic: &Traffic) -> Service {
    let control = Control {
        clock: shared.clock.clone(),
        traffic: traffic.clone(),
    };
    let router = Router::new()
        .route("/_sandbox/log", get(log).delete(clear_log))
        .route("/_sandbox/clock", get(clock).post(advance))
        .route(
            "/_sandbox/faults",
            get(faults).post(add_faults).delete(clear_faults),
        )
        .route("/_sandbox/secrets-marker", get(|| async { SECRET_MARKER }))
        .with_state(control);
    Service {
        name: "control",
        router,
        endpoint: |_, _| "control",
        mutates: |_, _| false,
    }
}

#[derive(Clone)]
struct Control {
    clock: Clock,
    traffic: Traffic,
}

async fn log(State(control): State<Control>) -> Json<Vec<Entry>> {
    Json(control.traffic.entries())
}

async fn clear_log(State(control): State<Control>) -> StatusCode {
    control.traffic.clear_log();
    StatusCode::NO_CONTENT
}

#[derive(Serialize)]
struct Time {
    now: Timestamp,
    r#virtual: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: i64,
}

async fn clock(State(control): State<Control>) -> Json<Time> {
    Json(Time {
        now: control.clock.now(),
        r#virtual: control.clock.is_virtual(),
    })
}

async fn advance(State(control): State<Control>, Json(by): Json<Advance>) -> Response {
    let by = SignedDuration::from_secs(by.advance_seconds);
    match control.clock.advance(by) {
        Ok(now) => Json(Time {
            now,
            r#virtual: true,
        })
        .into_response(),
        Err(error) => (StatusCode::CONFLICT, error.to_string()).into_response(),
    }
}

/// A fault as it is sent: its text, and how many matching requests come first.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    fault: String,
    #[serde(default)]
    after: u32,
}

async fn faults(State(control): State<Control>) -> Json<Vec<Order>> {
    let armed = control.traffic.faults().armed().into_iter();
    let orders = armed.map(|fault| Order {
        fault: fault.to_string(),
        after: fault.after,
    });
    Json(orders.collect())
}

async fn add_faults(State(control): State<Control>, Json(order): Json<Order>) -> Response {
    match order.fault.parse::<Fault>() {
        Ok(fault) => {
            control.traffic.faults().add(fault.after(order.after));
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

async fn clear_faults(State(control): State<Control>) -> StatusCode {
    control.traffic.faults().clear();
    StatusCode::NO_CONTENT
}
