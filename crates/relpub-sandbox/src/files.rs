//! Answers with the content of a file: whole, or the range that was asked for.

use std::io::{self, SeekFrom};
use std::path::Path;

use axum::body::Body;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

/// How much of a file is in memory at a time, in bytes.
const BUFFER: usize = 128 * 1024;

/// Which bytes of a file a request wants (RFC 9110 section 14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of them.
    Whole,
    /// Those from `first` to `last`, both included.
    Range {
        /// The offset of the first byte.
        first: u64,
        /// The offset of the last byte.
        last: u64,
    },
    /// A range that the file does not have.
    Unsatisfiable,
}

impl Wanted {
    /// Reads the `Range` header for a file of `size` bytes.
    ///
    /// What is malformed, and a list of several ranges, is answered whole, as
    /// the RFC allows.
    pub(crate) fn of(headers: &HeaderMap, size: u64) -> Self {
        let range = headers.get(header::RANGE).and_then(|it| it.to_str().ok());
        let Some((first, last)) = range
            .and_then(|text| text.strip_prefix("bytes="))
            .and_then(|text| text.split_once('-'))
        else {
            return Self::Whole;
        };
        match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
            (Ok(first), Ok(last)) if first <= last => Self::clip(first, last, size),
            (Ok(first), Err(_)) if last.trim().is_empty() => Self::clip(first, u64::MAX, size),
            (Err(_), Ok(0)) if first.trim().is_empty() => Self::Unsatisfiable,
            (Err(_), Ok(tail)) if first.trim().is_empty() => {
                Self::clip(size.saturating_sub(tail), u64::MAX, size)
            }
            _ => Self::Whole,
        }
    }

    fn clip(first: u64, last: u64, size: u64) -> Self {
        if first >= size {
            return Self::Unsatisfiable;
        }
        let last = last.min(size - 1);
        Self::Range { first, last }
    }
}

/// Returns the file at `path`, or the range of it that `asked` wants.
///
/// The answer is 200, 206 or 416 with its length and range headers; the caller
/// adds the others. With `head` it has the same headers and no body.
pub(crate) async fn answer(
    path: &Path,
    asked: &HeaderMap,
    head: bool,
) -> io::Result<Response<Body>> {
    let mut file = tokio::fs::File::open(path).await?;
    let size = file.metadata().await?.len();
    let (status, first, length) = match Wanted::of(asked, size) {
        Wanted::Whole => (StatusCode::OK, 0, size),
        Wanted::Range { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Wanted::Unsatisfiable => return Ok(unsatisfiable(size)),
    };
    let body = if head {
        Body::empty()
    } else {
        file.seek(SeekFrom::Start(first)).await?;
        Body::from_stream(ReaderStream::with_capacity(file.take(length), BUFFER))
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, length.into());
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{size}", first + length - 1);
        headers.insert(header::CONTENT_RANGE, ascii(&range));
    }
    Ok(response)
}

fn unsatisfiable(size: u64) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
    let range = ascii(&format!("bytes */{size}"));
    response.headers_mut().insert(header::CONTENT_RANGE, range);
    response
}

fn ascii(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("digits and punctuation are a header value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, text.parse().unwrap());
            Wanted::of(&headers, 10)
        };
        let range = |first, last| Wanted::Range { first, last };
        assert_eq!(of("bytes=0-0"), range(0, 0));
        assert_eq!(of("bytes=3-"), range(3, 9));
        assert_eq!(of("bytes=3-99"), range(3, 9));
        assert_eq!(of("bytes=-4"), range(6, 9));
        assert_eq!(of("bytes=-40"), range(0, 9));
        assert_eq!(of("bytes=10-"), Wanted::Unsatisfiable);
        assert_eq!(of("bytes=-0"), Wanted::Unsatisfiable);
        assert_eq!(of("bytes=5-2"), Wanted::Whole);
        assert_eq!(of("bytes=0-1,4-5"), Wanted::Whole);
        assert_eq!(of("lines=0-1"), Wanted::Whole);
    }
}
