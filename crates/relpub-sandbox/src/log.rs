//! The request log: what every client asked of every service.

use std::collections::{BTreeMap, VecDeque};

use http::{HeaderMap, Method, Uri, header};
use jiff::Timestamp;
use serde::Serialize;

/// How many requests are remembered; a standing world forgets the oldest.
const CAPACITY: usize = 100_000;

/// The request headers that are logged; no other header ever is.
const HEADERS: [&str; 14] = [
    "accept",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "if-match",
    "if-none-match",
    "link",
    "range",
    "transfer-encoding",
    "user-agent",
    "x-amz-checksum-mode",
    "x-amz-content-sha256",
    "x-github-api-version",
];

/// The query parameters whose values are secrets or prove one.
const SECRET_PARAMETERS: [&str; 3] = ["x-amz-signature", "x-amz-security-token", "token"];

/// One request and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Its number, counted over all services from zero.
    pub seq: u64,
    /// When it arrived, by the world's clock.
    pub time: Timestamp,
    /// The service that it was sent to, such as `pypi`.
    pub service: String,
    /// The service's name for what was asked, such as `upload`.
    pub endpoint: String,
    /// The HTTP method.
    pub method: String,
    /// The path as it was sent.
    pub path: String,
    /// The query as it was sent, values of secrets left out.
    pub query: Option<String>,
    /// The status of the answer; `None` where there was no answer (yet).
    pub status: Option<u16>,
    /// Whether the service would change its state for such a request.
    pub mutating: bool,
    /// The headers worth knowing. `authorization` names its scheme only.
    pub headers: BTreeMap<String, String>,
    /// The `Range` header.
    pub range: Option<String>,
    /// Bytes of the request's body that arrived.
    pub bytes_in: u64,
    /// Bytes of the answer's body that were handed on.
    pub bytes_out: u64,
    /// The fault that was applied, in the words of [`Fault`](crate::Fault), or
    /// the kill point that stopped it.
    pub fault: Option<String>,
}

impl Entry {
    /// Returns the entry of a request that has just arrived.
    pub(crate) fn new(
        seq: u64,
        time: Timestamp,
        service: &str,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Self {
        Self {
            seq,
            time,
            service: service.to_owned(),
            endpoint: String::new(),
            method: method.to_string(),
            path: uri.path().to_owned(),
            query: uri.query().map(redacted_query),
            status: None,
            mutating: false,
            headers: headers_of_interest(headers),
            range: text(headers, header::RANGE.as_str()),
            bytes_in: 0,
            bytes_out: 0,
            fault: None,
        }
    }
}

/// The last requests, oldest first.
#[derive(Default)]
pub(crate) struct Log {
    entries: VecDeque<Entry>,
    next: u64,
}

impl Log {
    /// Returns the number of the next entry.
    pub(crate) fn next(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// Adds an entry and forgets the oldest if there are too many.
    pub(crate) fn push(&mut self, entry: Entry) {
        if self.entries.len() == CAPACITY {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// Changes the entry `seq`, unless it was forgotten meanwhile.
    pub(crate) fn update(&mut self, seq: u64, change: impl FnOnce(&mut Entry)) {
        let found = self.entries.binary_search_by_key(&seq, |entry| entry.seq);
        if let Ok(index) = found {
            change(&mut self.entries[index]);
        }
    }

    /// Returns the entry `seq`, unless it was forgotten meanwhile.
    pub(crate) fn get(&self, seq: u64) -> Option<Entry> {
        let found = self.entries.binary_search_by_key(&seq, |entry| entry.seq);
        found.ok().map(|index| self.entries[index].clone())
    }

    /// Returns all entries, oldest first.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.entries.iter().cloned().collect()
    }

    /// Forgets all entries.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

fn headers_of_interest(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut kept = BTreeMap::new();
    for name in HEADERS {
        if let Some(value) = text(headers, name) {
            kept.insert(name.to_owned(), value);
        }
    }
    if let Some(value) = text(headers, header::AUTHORIZATION.as_str()) {
        kept.insert("authorization".to_owned(), scheme(&value).to_owned());
    }
    kept
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Returns the scheme of an `Authorization` header: never a part of its secret.
fn scheme(value: &str) -> &'static str {
    const SCHEMES: [&str; 4] = ["Basic", "Bearer", "token", "AWS4-HMAC-SHA256"];
    let sent = value.split(' ').next().unwrap_or_default();
    SCHEMES
        .into_iter()
        .find(|scheme| scheme.eq_ignore_ascii_case(sent))
        .unwrap_or("of another scheme")
}

fn redacted_query(query: &str) -> String {
    let redact = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if SECRET_PARAMETERS.contains(&name.to_ascii_lowercase().as_str()) => {
            format!("{name}=redacted")
        }
        _ => pair.to_owned(),
    };
    query.split('&').map(redact).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_logged() {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, "Bearer abc".parse().unwrap());
        headers.insert(header::COOKIE, "abc".parse().unwrap());
        let uri = Uri::from_static("/a?X-Amz-Signature=abc&list-type=2");
        let entry = Entry::new(
            0,
            Timestamp::UNIX_EPOCH,
            "bucket",
            &Method::GET,
            &uri,
            &headers,
        );
        assert!(!serde_json::to_string(&entry).unwrap().contains("abc"));
        assert_eq!(entry.headers["authorization"], "Bearer");
        assert_eq!(
            entry.query.as_deref(),
            Some("X-Amz-Signature=redacted&list-type=2")
        );
    }
}
