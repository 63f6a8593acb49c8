//! Answers whose bodies are slow, cut short or altered.

use std::io;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt as _};
use http::{Response, header};
use http_body::Body as _;

use crate::fault::FaultKind;
use crate::traffic::Closed;

/// The pause before each of the first pieces of a slow body.
const PAUSE: Duration = Duration::from_millis(3);
/// How many pieces of a slow body are paused for; a large one ends at full speed.
const PAUSED_PIECES: usize = 64;
/// The largest piece of a slow body, in bytes.
const PIECE: usize = 1024;

/// Returns `response` with its body spoiled as `kind` says.
///
/// An empty body cannot be cut short: then the whole answer is lost.
pub(crate) fn spoil(response: Response<Body>, kind: FaultKind) -> Result<Response<Body>, Closed> {
    let (mut parts, body) = response.into_parts();
    let announced = parts.headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse().ok());
    let length: Option<u64> = body.size_hint().exact().or(announced);
    if let Some(length) = length {
        // A stream has no known length; the header keeps it announced.
        parts.headers.insert(header::CONTENT_LENGTH, length.into());
    }
    let body = match (kind, length) {
        (FaultKind::TruncatedBody, Some(0)) => return Err(Closed),
        (_, Some(0)) => body,
        (FaultKind::SlowBody, _) => Body::from_stream(slow(body, length)),
        (FaultKind::TruncatedBody, _) => Body::from_stream(truncated(body, length)),
        (FaultKind::FlippedBit, _) => Body::from_stream(flipped(body, length)),
        _ => body,
    };
    Ok(Response::from_parts(parts, body))
}

fn slow(body: Body, length: Option<u64>) -> impl Stream<Item = Result<Bytes, axum::Error>> {
    let sixteenth = usize::try_from(length.unwrap_or(0) / 16).unwrap_or(PIECE);
    let size = sixteenth.clamp(1, PIECE);
    body.into_data_stream()
        .flat_map(move |piece| stream::iter(split(piece, size)))
        .enumerate()
        .then(|(index, piece)| async move {
            if index < PAUSED_PIECES {
                tokio::time::sleep(PAUSE).await;
            }
            piece
        })
}

fn split(piece: Result<Bytes, axum::Error>, size: usize) -> Vec<Result<Bytes, axum::Error>> {
    let Ok(mut bytes) = piece else {
        return vec![piece];
    };
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        pieces.push(Ok(bytes.split_to(size.min(bytes.len()))));
    }
    pieces
}

/// Ends with an error, which makes hyper close the connection, after half the body.
fn truncated(body: Body, length: Option<u64>) -> impl Stream<Item = io::Result<Bytes>> {
    let half = length.map(|length| usize::try_from(length / 2).unwrap_or(usize::MAX));
    let start = Some((body.into_data_stream(), half));
    stream::unfold(start, |state| async move {
        let (mut body, half) = state?;
        if half != Some(0)
            && let Some(Ok(mut bytes)) = body.next().await
        {
            let left = half.unwrap_or(bytes.len() / 2);
            bytes.truncate(left);
            let left = left - bytes.len();
            return Some((Ok(bytes), Some((body, Some(left)))));
        }
        // Without a pause hyper would not send what it has before it closes.
        tokio::time::sleep(PAUSE).await;
        Some((
            Err(io::Error::other("the sandbox was asked to stop here")),
            None,
        ))
    })
}

/// Flips the lowest bit of the byte in the middle.
fn flipped(body: Body, length: Option<u64>) -> impl Stream<Item = Result<Bytes, axum::Error>> {
    let mut ahead = length.unwrap_or(0) / 2;
    let mut done = false;
    body.into_data_stream().map(move |piece| {
        let bytes = piece?;
        let here = usize::try_from(ahead).ok().filter(|at| *at < bytes.len());
        ahead = ahead.saturating_sub(bytes.len() as u64);
        match here {
            Some(at) if !done => {
                done = true;
                let mut altered = bytes.to_vec();
                altered[at] ^= 1;
                Ok(Bytes::from(altered))
            }
            _ => Ok(bytes),
        }
    })
}
