//! The requests of the S3 protocol that the store understands.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures::StreamExt as _;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use percent_encoding::percent_decode_str;

use super::error::Refusal;
use super::list::{Listing, element};
use super::multipart;
use super::signature::{self, Caller, UNSIGNED, query_pairs};
use super::store::{Condition, Object};
use super::{Bucket, REGION};
use crate::disk::{Hashes, Received};
use crate::files;

/// The largest object that one request can put, in bytes.
const LARGEST: u64 = 5 * 1024 * 1024 * 1024;

/// The headers that are stored with an object and returned with it.
const KEPT: [HeaderName; 6] = [
    header::CACHE_CONTROL,
    header::CONTENT_DISPOSITION,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_TYPE,
    header::EXPIRES,
];

/// The query parameters that ask for something else than the object itself.
const UNKNOWN: [&str; 8] = [
    "acl",
    "attributes",
    "delete",
    "legal-hold",
    "retention",
    "tagging",
    "versionId",
    "versions",
];

/// A request with its address taken apart.
pub(super) struct Call {
    pub(super) parts: Parts,
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) query: Vec<(String, String)>,
}

impl Call {
    fn new(parts: Parts) -> Self {
        let path = parts.uri.path().trim_start_matches('/');
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        Self {
            bucket: decode(bucket),
            key: decode(key),
            query: query_pairs(parts.uri.query().unwrap_or_default()),
            parts,
        }
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Answers any request.
pub(super) async fn answer(State(store): State<Bucket>, request: Request<Body>) -> Response<Body> {
    let head = request.method() == Method::HEAD;
    let path = request.uri().path().to_owned();
    let (parts, body) = request.into_parts();
    match dispatch(&store, &Call::new(parts), body).await {
        Ok(response) => response,
        Err(refusal) => refusal.answer(&path, head),
    }
}

async fn dispatch(store: &Bucket, call: &Call, body: Body) -> Result<Response<Body>, Refusal> {
    let inner = &store.inner;
    let caller = signature::caller(&call.parts, &inner.credentials, &inner.clock)?;
    let reads = matches!(call.parts.method, Method::GET | Method::HEAD);
    let public = inner.store.is_public(&call.bucket);
    if caller == Caller::Anonymous && !(reads && public != Some(false)) {
        return Err(Refusal::access_denied());
    }
    if let Some(name) = UNKNOWN.into_iter().find(|it| call.parameter(it).is_some()) {
        return Err(Refusal::not_implemented(&format!("the parameter {name}")));
    }
    if call.bucket.is_empty() {
        return buckets(store, call, caller);
    }
    let is_creation = call.key.is_empty() && call.parts.method == Method::PUT;
    if public.is_none() && !is_creation {
        return Err(Refusal::no_such_bucket());
    }
    if call.key.is_empty() {
        return bucket(store, call);
    }
    object(store, call, body).await
}

fn buckets(store: &Bucket, call: &Call, caller: Caller) -> Result<Response<Body>, Refusal> {
    if caller == Caller::Anonymous || call.parts.method != Method::GET {
        return Err(Refusal::access_denied());
    }
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListAllMyBucketsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Buckets>",
    );
    for name in store.inner.store.buckets() {
        xml.push_str("<Bucket>");
        element(&mut xml, "Name", &name);
        element(&mut xml, "CreationDate", "2026-01-01T00:00:00.000Z");
        xml.push_str("</Bucket>");
    }
    xml.push_str("</Buckets></ListAllMyBucketsResult>");
    Ok(xml_answer(xml))
}

fn bucket(store: &Bucket, call: &Call) -> Result<Response<Body>, Refusal> {
    let objects = &store.inner.store;
    match call.parts.method {
        Method::HEAD => {
            let mut response = empty(StatusCode::OK);
            set(response.headers_mut(), "x-amz-bucket-region", REGION);
            Ok(response)
        }
        Method::GET if call.parameter("location").is_some() => Ok(xml_answer(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>".to_owned(),
        )),
        Method::GET => {
            let listing = Listing::new(&call.query)?;
            let found = objects.under(&call.bucket, &listing.prefix);
            Ok(xml_answer(listing.page(&call.bucket, &found)))
        }
        Method::PUT => {
            objects.create(&call.bucket)?;
            let mut response = empty(StatusCode::OK);
            let location = format!("/{}", call.bucket);
            set(response.headers_mut(), "location", &location);
            Ok(response)
        }
        _ => Err(Refusal::not_implemented("this request on a bucket")),
    }
}

async fn object(store: &Bucket, call: &Call, body: Body) -> Result<Response<Body>, Refusal> {
    if let Some(response) = multipart::answer(store, call)? {
        return Ok(response);
    }
    match call.parts.method {
        Method::GET | Method::HEAD => get(store, call).await,
        Method::PUT if call.parameter("uploadId").is_some() => {
            multipart::put(store, call, body).await
        }
        Method::POST if call.parameter("uploadId").is_some() => {
            multipart::complete(store, call, body).await
        }
        Method::PUT => put(store, call, body).await,
        Method::DELETE => {
            store.inner.store.delete(&call.bucket, &call.key)?;
            Ok(empty(StatusCode::NO_CONTENT))
        }
        _ => Err(Refusal::not_implemented("this request on an object")),
    }
}

async fn get(store: &Bucket, call: &Call) -> Result<Response<Body>, Refusal> {
    let headers = &call.parts.headers;
    let found = store.inner.store.find(&call.bucket, &call.key);
    let (object, path) = found.ok_or_else(Refusal::no_such_key)?;
    let etag = object.etag();
    if text(headers, "if-match").is_some_and(|tags| !lists_tag(tags, &etag)) {
        return Err(Refusal::precondition_failed());
    }
    if text(headers, "if-none-match").is_some_and(|tags| lists_tag(tags, &etag)) {
        let mut response = empty(StatusCode::NOT_MODIFIED);
        set(response.headers_mut(), "etag", &etag);
        return Ok(response);
    }
    let head = call.parts.method == Method::HEAD;
    let mut response = files::answer(&path, headers, head).await?;
    if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
        let range = response.headers_mut().remove(header::CONTENT_RANGE);
        let refusal = Refusal::new(416, "InvalidRange", "The object has no such range.");
        let mut response = refusal.answer(call.parts.uri.path(), head);
        response
            .headers_mut()
            .extend(range.map(|it| (header::CONTENT_RANGE, it)));
        return Ok(response);
    }
    let whole = response.status() == StatusCode::OK;
    let wants_checksum = text(headers, "x-amz-checksum-mode") == Some("ENABLED");
    describe(response.headers_mut(), &object, whole && wants_checksum);
    Ok(response)
}

/// Adds the headers of an object to an answer.
fn describe(headers: &mut HeaderMap, object: &Object, checksum: bool) {
    for (name, value) in &object.headers {
        set(headers, name, value);
    }
    if !headers.contains_key(header::CONTENT_TYPE) {
        set(headers, "content-type", "binary/octet-stream");
    }
    set(headers, "etag", &object.etag());
    let modified =
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&object.modified);
    if let Ok(modified) = modified {
        set(headers, "last-modified", &modified);
    }
    if checksum {
        set(headers, "x-amz-checksum-sha256", &base64_of(&object.sha256));
        set(headers, "x-amz-checksum-type", "FULL_OBJECT");
    }
}

async fn put(store: &Bucket, call: &Call, body: Body) -> Result<Response<Body>, Refusal> {
    let objects = &store.inner.store;
    let condition = condition(&call.parts.headers)?;
    objects.check(&call.bucket, &call.key, &condition)?;
    let headers = kept_headers(&call.parts.headers);
    let received = receive(store, &call.parts.headers, body).await?;
    let object = objects.put(&call.bucket, &call.key, received, headers, &condition)?;
    Ok(stored(&object))
}

/// Returns the answer to a request that has stored something.
pub(super) fn stored(object: &Arc<Object>) -> Response<Body> {
    let mut response = empty(StatusCode::OK);
    let headers = response.headers_mut();
    set(headers, "etag", &object.etag());
    set(headers, "x-amz-checksum-sha256", &base64_of(&object.sha256));
    response
}

/// Streams a body to disk and checks it against what its headers promise.
pub(super) async fn receive(
    store: &Bucket,
    headers: &HeaderMap,
    body: Body,
) -> Result<Received, Refusal> {
    let payload = text(headers, "x-amz-content-sha256").unwrap_or(UNSIGNED);
    let coding = text(headers, "content-encoding").unwrap_or_default();
    if payload.starts_with("STREAMING-") || coding.contains("aws-chunked") {
        return Err(Refusal::not_implemented("bodies in aws-chunked coding"));
    }
    let length: u64 = text(headers, "content-length")
        .and_then(|length| length.parse().ok())
        .ok_or_else(|| Refusal::new(411, "MissingContentLength", "The length is missing."))?;
    if length > LARGEST {
        let message = "One request can put 5 GiB; use a multipart upload.";
        return Err(Refusal::new(400, "EntityTooLarge", message));
    }
    let mut writing = store.inner.store.begin(Hashes::Sha256)?;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| incomplete())?;
        writing.write(&piece)?;
    }
    if writing.size() != length {
        return Err(incomplete());
    }
    let received = writing.finish()?;
    if payload != UNSIGNED && !payload.eq_ignore_ascii_case(&received.sha256) {
        let message = "The body is not the one whose hash was signed.";
        return Err(Refusal::new(400, "XAmzContentSHA256Mismatch", message));
    }
    let checksum = text(headers, "x-amz-checksum-sha256");
    if checksum.is_some_and(|checksum| checksum != base64_of(&received.sha256)) {
        let message = "The body does not have the checksum that was sent.";
        return Err(Refusal::new(400, "BadDigest", message));
    }
    Ok(received)
}

fn incomplete() -> Refusal {
    Refusal::new(400, "IncompleteBody", "The body ended early.")
}

/// Reads a whole small body and checks it against the hash that was signed.
pub(super) async fn receive_text(headers: &HeaderMap, body: Body) -> Result<String, Refusal> {
    const LIMIT: usize = 4 * 1024 * 1024;
    let bytes = axum::body::to_bytes(body, LIMIT)
        .await
        .map_err(|_| incomplete())?;
    let payload = text(headers, "x-amz-content-sha256").unwrap_or(UNSIGNED);
    if payload != UNSIGNED && payload != hex::encode(digest(&SHA256, &bytes)) {
        let message = "The body is not the one whose hash was signed.";
        return Err(Refusal::new(400, "XAmzContentSHA256Mismatch", message));
    }
    String::from_utf8(bytes.into()).map_err(|_| Refusal::invalid("The body is not text."))
}

/// Returns the condition of a write.
pub(super) fn condition(headers: &HeaderMap) -> Result<Condition, Refusal> {
    match (text(headers, "if-none-match"), text(headers, "if-match")) {
        (None, None) => Ok(Condition::None),
        (Some("*"), None) => Ok(Condition::Absent),
        (None, Some(tag)) => Ok(Condition::Tag(tag.to_owned())),
        _ => Err(Refusal::not_implemented("this condition of a write")),
    }
}

/// Returns the headers that are stored with an object.
pub(super) fn kept_headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    headers
        .iter()
        .filter(|(name, _)| KEPT.contains(name) || name.as_str().starts_with("x-amz-meta-"))
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect()
}

/// Returns whether an `If-Match` or `If-None-Match` header names this tag.
fn lists_tag(tags: &str, etag: &str) -> bool {
    let bare = etag.trim_matches('"');
    let mut tags = tags.split(',').map(str::trim);
    tags.any(|tag| tag == "*" || tag.trim_start_matches("W/").trim_matches('"') == bare)
}

pub(super) fn xml_answer(xml: String) -> Response<Body> {
    let mut response = Response::new(Body::from(xml));
    set(response.headers_mut(), "content-type", "application/xml");
    response
}

pub(super) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Sets a header, unless the value cannot be one.
fn set(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn base64_of(hexadecimal: &str) -> String {
    BASE64.encode(hex::decode(hexadecimal).unwrap_or_default())
}
