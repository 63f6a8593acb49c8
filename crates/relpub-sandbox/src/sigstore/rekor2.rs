//! Rekor v2: a log of tiles that takes one kind of entry and gives no time.

mod request;
mod tiles;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

use super::authorities::Keys;
use super::deviation::Deviation;
use super::json::{canonical, unsorted};
use super::keys::sha256;
use super::log::{Added, Log};
use super::note::{Checkpoint, Signer, stranger};
use super::{REKOR2_HOST, Sigstore, tree};
use crate::service::Service;

/// Returns the log as a service.
pub(super) fn service(sigstore: &Sigstore) -> Service {
    let router = Router::new()
        .route("/api/v2/log/entries", post(create))
        .route("/api/v2/checkpoint", get(read_checkpoint))
        .route("/api/v2/tile/{*tile}", get(tile))
        .layer(super::BODY_LIMIT)
        .with_state(sigstore.clone());
    Service {
        name: "rekor2",
        router,
        endpoint,
        mutates: |method, path| endpoint(method, path) == "create",
    }
}

fn endpoint(_: &Method, path: &str) -> &'static str {
    match path {
        "/api/v2/log/entries" => "create",
        "/api/v2/checkpoint" => "checkpoint",
        _ if path.starts_with("/api/v2/tile/") => "tile",
        _ => "unknown",
    }
}

/// Returns what the log's key is known by: a note verifier's key hash.
pub(super) fn log_id(keys: &Keys) -> [u8; 32] {
    sha256(&[REKOR2_HOST.as_bytes(), b"\n\x01", keys.rekor2.raw()].concat())
}

/// Takes an entry: 201 with what a bundle holds, or 409 and its index.
async fn create(State(sigstore): State<Sigstore>, body: Bytes) -> Response {
    let entry = match request::entry(&body) {
        Ok(entry) => entry,
        Err(message) => return refusal(StatusCode::BAD_REQUEST, 3, &message),
    };
    let body = if sigstore.has(Deviation::Rekor2UnsortedBody) {
        unsorted(&entry)
    } else {
        canonical(&entry)
    };
    let mut log = sigstore.rekor2();
    match log.add(body.into_bytes(), sigstore.now()) {
        Ok(Added::At(index)) => {
            let status = if sigstore.has(Deviation::Rekor2Status200) {
                StatusCode::OK
            } else {
                StatusCode::CREATED
            };
            (status, Json(shown(&sigstore, &log, index))).into_response()
        }
        Ok(Added::Before(index)) => {
            let message = format!(
                "an equivalent entry already exists in the transparency log with index {index}"
            );
            let mut response = refusal(StatusCode::CONFLICT, 6, &message);
            let index = HeaderValue::from(index);
            response.headers_mut().insert("x-log-index", index);
            response
        }
        Err(error) => refusal(StatusCode::INTERNAL_SERVER_ERROR, 13, &error.to_string()),
    }
}

/// Returns an entry as a `TransparencyLogEntry`, proven in the tree as it is now.
fn shown(sigstore: &Sigstore, log: &Log, index: usize) -> Value {
    let leaves = log.leaves();
    // 64-bit integers are strings in protobuf's JSON.
    let number = |value: usize| {
        if sigstore.has(Deviation::Rekor2Numbers) {
            json!(value)
        } else {
            json!(value.to_string())
        }
    };
    let mut log_id = log_id(sigstore.keys());
    if sigstore.has(Deviation::Rekor2ForeignLogId) {
        log_id[31] ^= 1;
    }
    let in_proof = if sigstore.has(Deviation::Rekor2ProofIndexZero) {
        0
    } else {
        index
    };
    let hashes = tree::path(index, leaves);
    let mut shown = json!({
        "logIndex": number(index),
        "logId": {"keyId": STANDARD.encode(log_id)},
        "kindVersion": {"kind": "hashedrekord", "version": "0.0.2"},
        "integratedTime": number(0),
        "inclusionPromise": null,
        "inclusionProof": {
            "logIndex": number(in_proof),
            "rootHash": STANDARD.encode(tree::root(leaves)),
            "treeSize": number(leaves.len()),
            "hashes": hashes.iter().map(|hash| STANDARD.encode(hash)).collect::<Vec<_>>(),
            "checkpoint": {"envelope": checkpoint(sigstore, log)},
        },
        "canonicalizedBody": STANDARD.encode(&log.entries()[index].body),
    });
    if sigstore.has(Deviation::Rekor2NoTime)
        && let Some(shown) = shown.as_object_mut()
    {
        shown.remove("integratedTime");
    }
    shown
}

/// Returns the signed checkpoint of the tree as it is now.
fn checkpoint(sigstore: &Sigstore, log: &Log) -> String {
    let keys = sigstore.keys();
    let foreign = |deviation| {
        if sigstore.has(deviation) {
            "log.example.org"
        } else {
            REKOR2_HOST
        }
    };
    let checkpoint = Checkpoint {
        origin: foreign(Deviation::Rekor2ForeignOrigin),
        size: log.leaves().len(),
        root: tree::root(log.leaves()),
    };
    let text = checkpoint.text();
    let mut signature = keys.rekor2.sign(text.as_bytes());
    if sigstore.has(Deviation::Rekor2BadCheckpoint) {
        signature[0] ^= 1;
    }
    let name = foreign(Deviation::Rekor2ForeignName);
    let mut key_hash = log_id(keys);
    if sigstore.has(Deviation::Rekor2BadKeyHash) {
        key_hash[0] ^= 1;
    }
    if sigstore.has(Deviation::Rekor2SpkiKeyHash) {
        key_hash = sha256(keys.rekor2.spki());
    }
    let line = Signer { name, key_hash }.line(&signature);
    let second = sigstore
        .has(Deviation::Rekor2SecondSignature)
        .then(|| stranger(&text));
    format!("{text}\n{line}{}", second.unwrap_or_default())
}

async fn read_checkpoint(State(sigstore): State<Sigstore>) -> Response {
    let text = checkpoint(&sigstore, &sigstore.rekor2());
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

async fn tile(State(sigstore): State<Sigstore>, Path(path): Path<String>) -> Response {
    let log = sigstore.rekor2();
    match tiles::read(&log, &path) {
        Some(bytes) => {
            let kind = "application/octet-stream";
            ([(header::CONTENT_TYPE, kind)], bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Returns an error in the shape of a gRPC gateway.
fn refusal(status: StatusCode, code: u8, message: &str) -> Response {
    let body = json!({"code": code, "message": message, "details": []});
    (status, Json(body)).into_response()
}
