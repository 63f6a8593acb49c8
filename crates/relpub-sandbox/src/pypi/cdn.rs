//! What stands between the index and its readers: caching headers, and an
//! optional cache that answers with what was true a while ago.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;

/// A page as the index makes it.
#[derive(Clone)]
pub(super) struct Page {
    status: StatusCode,
    media_type: &'static str,
    body: Bytes,
    serial: Option<u64>,
    /// How long it may be cached, in seconds.
    max_age: u32,
}

impl Page {
    pub(super) fn new(status: StatusCode, media_type: &'static str, body: String) -> Self {
        Self {
            status,
            media_type,
            body: body.into(),
            serial: None,
            max_age: 600,
        }
    }

    /// Adds the serial number of the latest change to what the page shows.
    pub(super) fn with_serial(mut self, serial: u64) -> Self {
        self.serial = Some(serial);
        self
    }

    /// Sets how long it may be cached, in seconds.
    pub(super) fn with_max_age(mut self, seconds: u32) -> Self {
        self.max_age = seconds;
        self
    }
}

/// The cache of an index.
#[derive(Default)]
pub(super) struct Cdn {
    inner: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    /// How old an answer may be.
    stale: SignedDuration,
    pages: HashMap<String, (Timestamp, Page)>,
}

impl Cdn {
    /// Lets answers be as old as `stale`.
    pub(super) fn set_stale(&self, stale: SignedDuration) {
        let mut cache = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        cache.stale = stale;
        cache.pages.clear();
    }

    /// Answers with the page kept as `key`, or with what `make` returns.
    ///
    /// A request that wants no cache gets a fresh page and leaves the old one
    /// to the others.
    pub(super) fn answer(
        &self,
        clock: &Clock,
        key: &str,
        headers: &HeaderMap,
        make: impl FnOnce() -> Page,
    ) -> Response<Body> {
        let now = clock.now();
        let mut cache = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.stale.is_zero() || wants_fresh(headers) {
            drop(cache);
            return response(&make(), headers, None);
        }
        if let Some((made, page)) = cache.pages.get(key) {
            let age = now.duration_since(*made);
            if age < cache.stale {
                return response(page, headers, Some(age.as_secs()));
            }
        }
        let page = make();
        cache.pages.insert(key.to_owned(), (now, page.clone()));
        response(&page, headers, Some(0))
    }
}

fn wants_fresh(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CACHE_CONTROL).iter();
    let mut words = values
        .filter_map(|it| it.to_str().ok())
        .flat_map(|it| it.split(','));
    words.any(|word| matches!(word.trim(), "no-cache" | "no-store" | "max-age=0"))
}

fn response(page: &Page, headers: &HeaderMap, age: Option<i64>) -> Response<Body> {
    let hash = digest::digest(&digest::SHA256, &page.body);
    let tag = format!("\"{}\"", hex::encode(&hash.as_ref()[..16]));
    let known = headers.get(header::IF_NONE_MATCH);
    let known = known
        .and_then(|it| it.to_str().ok())
        .is_some_and(|it| it.contains(&tag));
    let mut response = if known && page.status == StatusCode::OK {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = Response::new(Body::from(page.body.clone()));
        *response.status_mut() = page.status;
        response
    };
    let set = response.headers_mut();
    set.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(page.media_type),
    );
    set.insert(
        header::VARY,
        HeaderValue::from_static("Accept, Accept-Encoding"),
    );
    let mut add = |name: &'static str, value: String| {
        if let Ok(value) = value.parse() {
            set.insert(name, value);
        }
    };
    add("cache-control", format!("max-age={}, public", page.max_age));
    if page.status == StatusCode::OK {
        add("etag", tag);
    }
    if let Some(serial) = page.serial {
        add("x-pypi-last-serial", serial.to_string());
    }
    if let Some(age) = age {
        add("age", age.to_string());
    }
    response
}
