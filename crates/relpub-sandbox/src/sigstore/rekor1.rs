//! Rekor v1: a log that answers with a promise, a proof and a checkpoint.

pub(super) mod entry;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::certificate::pem;
use super::deviation::Deviation;
use super::json::{canonical, unsorted};
use super::keys::{Key, sha256};
use super::log::{Added, Log};
use super::note::{Checkpoint, Signer, stranger};
use super::{REKOR1_HOST, Sigstore, tree};
use crate::service::Service;

/// The number of the tree, which names it in checkpoints and entries.
const TREE: u64 = 0x1122_3344_5566_7788;

/// How far ahead of the index in the tree the index of an entry is.
///
/// The public log has earlier trees too, so the two indexes differ there.
pub(super) const OFFSET: usize = 4096;

/// Returns the log as a service.
pub(super) fn service(sigstore: &Sigstore) -> Service {
    let router = Router::new()
        .route("/api/v1/log", get(about))
        .route("/api/v1/log/publicKey", get(public_key))
        .route("/api/v1/log/entries", post(create).get(by_index))
        .route("/api/v1/log/entries/{uuid}", get(by_uuid))
        .route("/api/v1/index/retrieve", post(search))
        .layer(super::BODY_LIMIT)
        .with_state(sigstore.clone());
    Service {
        name: "rekor1",
        router,
        endpoint,
        mutates: |method, path| endpoint(method, path) == "create",
    }
}

fn endpoint(method: &Method, path: &str) -> &'static str {
    match path {
        "/api/v1/log" => "log",
        "/api/v1/log/publicKey" => "public-key",
        "/api/v1/log/entries" if method == Method::POST => "create",
        "/api/v1/index/retrieve" => "search",
        _ if path.starts_with("/api/v1/log/entries") => "entry",
        _ => "unknown",
    }
}

/// Takes an entry: 201 with what a bundle holds, or 409 and where it is.
async fn create(State(sigstore): State<Sigstore>, body: Bytes) -> Response {
    let entry = serde_json::from_slice(&body).map_err(|error| error.to_string());
    let entry = match entry.and_then(|entry| entry::canonical(&entry)) {
        Ok(entry) => entry,
        Err(why) => {
            let message = format!("error processing entry: {why}");
            return refusal(StatusCode::BAD_REQUEST, &message);
        }
    };
    let body = if sigstore.has(Deviation::Rekor1UnsortedBody) {
        unsorted(&entry)
    } else {
        canonical(&entry)
    };
    let mut log = sigstore.rekor1();
    match log.add(body.into_bytes(), sigstore.now()) {
        Ok(Added::At(index)) => created(&sigstore, &log, index),
        Ok(Added::Before(index)) => {
            let uuid = uuid(&log.leaves()[index]);
            let message = format!(
                "an equivalent entry already exists in the transparency log with UUID {uuid}"
            );
            let mut response = refusal(StatusCode::CONFLICT, &message);
            set(&mut response, header::LOCATION, &place(&uuid));
            response
        }
        Err(error) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn created(sigstore: &Sigstore, log: &Log, index: usize) -> Response {
    let uuid = uuid(&log.leaves()[index]);
    let mut response = Json(shown(sigstore, log, index)).into_response();
    if !sigstore.has(Deviation::Rekor1Status200) {
        *response.status_mut() = StatusCode::CREATED;
    }
    if sigstore.has(Deviation::Rekor1QuotedEtag) {
        set(&mut response, header::ETAG, &format!("\"{uuid}\""));
    } else if !sigstore.has(Deviation::Rekor1NoEtag) {
        // Without quotes: clients look the entry up under this very value.
        set(&mut response, header::ETAG, &uuid);
    }
    if !sigstore.has(Deviation::Rekor1NoLocation) {
        set(&mut response, header::LOCATION, &place(&uuid));
    }
    if sigstore.has(Deviation::Rekor1PlainText) {
        set(&mut response, header::CONTENT_TYPE, "text/plain");
    }
    response
}

fn set(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn place(uuid: &str) -> String {
    format!("/api/v1/log/entries/{uuid}")
}

/// Returns the name of an entry: its tree and the hash of its leaf.
fn uuid(leaf: &tree::Hash) -> String {
    format!("{TREE:016x}{}", hex::encode(leaf))
}

/// Returns an entry with its promise and a proof in the tree as it is now.
fn shown(sigstore: &Sigstore, log: &Log, index: usize) -> Value {
    let key = &sigstore.keys().rekor1;
    let (leaves, entry) = (log.leaves(), &log.entries()[index]);
    let mut root = hex::encode(tree::root(leaves));
    if sigstore.has(Deviation::Rekor1BadRootHash) {
        root = hex::encode(sha256(root.as_bytes()));
    }
    let hashes = tree::path(index, leaves);
    let promised = json!({
        "body": STANDARD.encode(&entry.body),
        "integratedTime": entry.time.as_second(),
        "logID": hex::encode(sha256(key.spki())),
        "logIndex": index + OFFSET,
    });
    let promise = promise(sigstore, key, promised.clone(), index);
    let mut shown = promised;
    shown["verification"] = json!({
        "signedEntryTimestamp": STANDARD.encode(promise),
        "inclusionProof": {
            "checkpoint": checkpoint(sigstore, log),
            "hashes": hashes.iter().map(hex::encode).collect::<Vec<_>>(),
            "logIndex": index,
            "rootHash": root,
            "treeSize": leaves.len(),
        },
    });
    json!({ uuid(&leaves[index]): shown })
}

/// Returns the signed entry timestamp.
fn promise(sigstore: &Sigstore, key: &Key, mut promised: Value, index: usize) -> Vec<u8> {
    if sigstore.has(Deviation::SetOverShardIndex) {
        promised["logIndex"] = json!(index);
    }
    let text = if sigstore.has(Deviation::SetOverSpacedJson) {
        canonical(&promised).replace(",\"", ", \"")
    } else {
        canonical(&promised)
    };
    if sigstore.has(Deviation::BadSet) {
        return Key::foreign().sign(text.as_bytes());
    }
    key.sign(text.as_bytes())
}

/// Returns the signed checkpoint of the tree as it is now.
fn checkpoint(sigstore: &Sigstore, log: &Log) -> String {
    let key = &sigstore.keys().rekor1;
    let foreign = "rekor.example.org";
    let host = if sigstore.has(Deviation::Rekor1ForeignOrigin) {
        foreign
    } else {
        REKOR1_HOST
    };
    let origin = if sigstore.has(Deviation::Rekor1NoTreeId) {
        host.to_owned()
    } else {
        // Clients tell the two versions of Rekor apart by this number.
        format!("{host} - {TREE}")
    };
    let checkpoint = Checkpoint {
        origin: &origin,
        size: log.leaves().len(),
        root: tree::root(log.leaves()),
    };
    let text = checkpoint.text();
    let signature = if sigstore.has(Deviation::Rekor1BadCheckpoint) {
        Key::foreign().sign(text.as_bytes())
    } else {
        key.sign(text.as_bytes())
    };
    let mut key_hash = sha256(key.spki());
    if sigstore.has(Deviation::Rekor1BadKeyHash) {
        key_hash[0] ^= 1;
    }
    let name = if sigstore.has(Deviation::Rekor1ForeignName) {
        foreign
    } else {
        REKOR1_HOST
    };
    let line = Signer { name, key_hash }.line(&signature);
    let second = sigstore
        .has(Deviation::Rekor1SecondSignature)
        .then(|| stranger(&text));
    format!("{text}\n{line}{}", second.unwrap_or_default())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ByIndex {
    log_index: usize,
}

async fn by_index(State(sigstore): State<Sigstore>, Query(query): Query<ByIndex>) -> Response {
    let log = sigstore.rekor1();
    match query.log_index.checked_sub(OFFSET) {
        Some(index) if log.entry(index).is_some() => {
            Json(shown(&sigstore, &log, index)).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn by_uuid(State(sigstore): State<Sigstore>, Path(uuid): Path<String>) -> Response {
    let log = sigstore.rekor1();
    // The number of the tree may be left out.
    let leaf = match uuid.len() {
        80 => uuid.strip_prefix(&format!("{TREE:016x}")),
        _ => Some(uuid.as_str()),
    };
    let mut hash = tree::Hash::default();
    let found = leaf
        .and_then(|leaf| hex::decode_to_slice(leaf, &mut hash).ok())
        .and_then(|()| log.find(&hash));
    match found {
        Some(index) => Json(shown(&sigstore, &log, index)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[derive(Deserialize)]
struct Search {
    hash: String,
}

/// Answers with the names of entries about a hash.
async fn search(State(sigstore): State<Sigstore>, body: Bytes) -> Response {
    let Ok(Search { hash }) = serde_json::from_slice(&body) else {
        return refusal(StatusCode::BAD_REQUEST, "the body has no `hash`");
    };
    let hash = hash.strip_prefix("sha256:").unwrap_or(&hash).to_owned();
    let log = sigstore.rekor1();
    let entries = log.entries().iter().zip(log.leaves());
    let found = entries.filter(|(entry, _)| {
        let entry = serde_json::from_slice(&entry.body).unwrap_or_default();
        entry::is_about(&entry, &hash)
    });
    let found: Vec<_> = found.map(|(_, leaf)| uuid(leaf)).collect();
    Json(found).into_response()
}

async fn about(State(sigstore): State<Sigstore>) -> Json<Value> {
    let log = sigstore.rekor1();
    Json(json!({
        "inactiveShards": [],
        "rootHash": hex::encode(tree::root(log.leaves())),
        "signedTreeHead": checkpoint(&sigstore, &log),
        "treeID": TREE.to_string(),
        "treeSize": log.leaves().len(),
    }))
}

async fn public_key(State(sigstore): State<Sigstore>) -> Response {
    let pem = pem("PUBLIC KEY", sigstore.keys().rekor1.spki());
    ([(header::CONTENT_TYPE, "application/x-pem-file")], pem).into_response()
}

fn refusal(status: StatusCode, message: &str) -> Response {
    let body = json!({"code": status.as_u16(), "message": message});
    (status, Json(body)).into_response()
}
