//! What a request carries: words of our own, or an artifact opened anew for
//! every attempt.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::Stream;
use relpub_model::decision::Decision;
use relpub_model::event::Event;
use relpub_model::promotion::Edge;
use relpub_trust::Hasher;
use reqwest::multipart;
use tokio_util::io::ReaderStream;

use super::client::Events;
use super::error::{Deed, RemoteError};
use crate::blobs::{Blob, Blobs};

/// How much of an artifact is in memory per upload, in bytes.
const BUFFER: usize = 128 * 1024;
/// How many bytes go between two reports.
const REPORT: u64 = 1024 * 1024;

/// What a request carries.
#[derive(Clone)]
pub(crate) enum Body<'a> {
    /// Nothing.
    None,
    /// Text that relpub made, with its content type.
    Own(Bytes, &'static str),
    /// An artifact.
    Artifact(Artifact<'a>),
}

/// An artifact to be sent: raw, or as the file of a form.
#[derive(Clone, Copy)]
pub(crate) struct Artifact<'a> {
    /// Where its bytes are.
    pub(crate) blobs: &'a dyn Blobs,
    /// What it is and where it goes.
    pub(crate) edge: &'a Edge,
    /// The form around it; `None` sends the bytes as they are.
    pub(crate) form: Option<&'a Form>,
}

/// A `multipart/form-data` form around a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    /// Names and values of the text fields, in order.
    pub(crate) fields: Vec<(String, String)>,
    /// The name of the file's field.
    pub(crate) file_field: &'static str,
}

impl Body<'_> {
    /// Returns a body of JSON.
    pub(crate) fn json(value: &impl serde::Serialize) -> Self {
        let json = serde_json::to_vec(value).expect("what relpub sends has string keys");
        Self::Own(json.into(), "application/json")
    }

    /// Returns the size of an artifact in bytes; `None` for what is small.
    pub(super) fn artifact_size(&self) -> Option<u64> {
        match self {
            Self::None | Self::Own(..) => None,
            Self::Artifact(artifact) => Some(artifact.edge.size),
        }
    }

    /// Puts the body into a request, opening an artifact anew.
    pub(super) async fn put_into(
        &self,
        request: reqwest::RequestBuilder,
        deed: &Deed,
        events: &Events,
    ) -> Result<reqwest::RequestBuilder, RemoteError> {
        match self {
            Self::None => Ok(request),
            Self::Own(bytes, kind) => Ok(request.header("content-type", *kind).body(bytes.clone())),
            Self::Artifact(artifact) => artifact.put_into(request, deed, events).await,
        }
    }
}

impl Artifact<'_> {
    async fn put_into(
        &self,
        request: reqwest::RequestBuilder,
        deed: &Deed,
        events: &Events,
    ) -> Result<reqwest::RequestBuilder, RemoteError> {
        let blob = self.open(deed).await?;
        let body = reqwest::Body::wrap_stream(Sending::new(blob, self.edge, events));
        let Some(form) = self.form else {
            return Ok(request
                .header("content-type", "application/octet-stream")
                .header("content-length", self.edge.size)
                .body(body));
        };
        let part = multipart::Part::stream_with_length(body, self.edge.size)
            .file_name(self.edge.name.to_string())
            .mime_str("application/octet-stream")
            .expect("it is a content type");
        let mut parts = multipart::Form::new().percent_encode_noop();
        for (name, value) in &form.fields {
            parts = parts.text(name.clone(), value.clone());
        }
        Ok(request.multipart(parts.part(form.file_field, part)))
    }

    /// Opens the bytes and lets only those of the edge pass.
    async fn open(&self, deed: &Deed) -> Result<Blob, RemoteError> {
        let opened = self.blobs.open(&self.edge.sha256).await;
        let blob = opened.map_err(|error| {
            let why = format!("the stored bytes cannot be read: {error}");
            RemoteError::new(deed, Decision::Transient, why)
        })?;
        let found = blob.verified.get();
        if found.sha256 == self.edge.sha256 && found.size == self.edge.size {
            return Ok(blob);
        }
        let why = "the stored bytes are not those of the promotion";
        Err(RemoteError::new(deed, Decision::SourceChanged, why))
    }
}

/// An artifact as it goes out: reported, and hashed once more. The last piece is
/// held back until the digest has proved right, so that a file that changed
/// underneath is never complete at the other end.
struct Sending {
    reader: Pin<Box<ReaderStream<tokio::fs::File>>>,
    hasher: Option<Hasher>,
    held: Option<Bytes>,
    edge: Edge,
    events: Events,
    done: u64,
    reported: u64,
}

impl Sending {
    fn new(blob: Blob, edge: &Edge, events: &Events) -> Self {
        Self {
            reader: Box::pin(ReaderStream::with_capacity(blob.reader, BUFFER)),
            hasher: Some(Hasher::new()),
            held: None,
            edge: edge.clone(),
            events: Arc::clone(events),
            done: 0,
            reported: 0,
        }
    }

    fn pass(&mut self, piece: Bytes) -> Bytes {
        self.done += piece.len() as u64;
        if self.done - self.reported >= REPORT || self.done == self.edge.size {
            self.reported = self.done;
            (self.events)(Event::Sending {
                destination: self.edge.destination.clone(),
                name: self.edge.name.to_string(),
                done: self.done,
                total: self.edge.size,
            });
        }
        piece
    }

    /// Returns the held piece once everything that was read is right.
    fn finish(&mut self) -> Option<io::Result<Bytes>> {
        let found = self.hasher.take()?.finish();
        if found.sha256 != self.edge.sha256 || found.size != self.edge.size {
            return Some(Err(io::Error::other(
                "the stored bytes changed while they were sent",
            )));
        }
        let last = self.held.take()?;
        Some(Ok(self.pass(last)))
    }
}

impl Stream for Sending {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if self.hasher.is_none() {
                return Poll::Ready(None);
            }
            let piece = match ready!(self.reader.as_mut().poll_next(cx)) {
                None => return Poll::Ready(self.finish()),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(piece)) => piece,
            };
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&piece);
            }
            if let Some(held) = self.held.replace(piece) {
                return Poll::Ready(Some(Ok(self.pass(held))));
            }
        }
    }
}
