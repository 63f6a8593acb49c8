//! Bodies that tell the log how many bytes went through them.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http::Request;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use crate::traffic::Traffic;

/// The body of a request on its way into a service.
///
/// What the service does not read goes to the [`Rest`] when the body is dropped.
pub(crate) struct Arriving {
    body: Option<Incoming>,
    touched: bool,
    traffic: Traffic,
    seq: u64,
    rest: Arc<Mutex<Option<Unread>>>,
}

struct Unread {
    body: Incoming,
    touched: bool,
}

/// What a service has left of a request's body.
pub(crate) struct Rest {
    unread: Arc<Mutex<Option<Unread>>>,
    traffic: Traffic,
    seq: u64,
}

impl Arriving {
    /// Puts the meter into a request, and returns the way to what is left over.
    pub(crate) fn split(
        request: Request<Incoming>,
        traffic: Traffic,
        seq: u64,
    ) -> (Request<Self>, Rest) {
        let rest = Rest {
            unread: Arc::default(),
            traffic: traffic.clone(),
            seq,
        };
        let request = request.map(|body| Self {
            body: Some(body),
            touched: false,
            traffic,
            seq,
            rest: Arc::clone(&rest.unread),
        });
        (request, rest)
    }
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.touched = true;
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        let bytes = data_length(frame.as_ref());
        self.traffic
            .update(self.seq, |entry| entry.bytes_in += bytes);
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map(HttpBody::size_hint)
            .unwrap_or_default()
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        let touched = self.touched;
        let unread = self.body.take().map(|body| Unread { body, touched });
        *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = unread;
    }
}

impl Rest {
    /// Reads what is left to its end.
    ///
    /// A client that `waits` for leave to send (`Expect: 100-continue`) is not
    /// given it: reading is what gives it.
    pub(crate) async fn drain(self, waits: bool) {
        let unread = {
            let mut rest = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
            rest.take()
        };
        let Some(Unread { mut body, touched }) = unread else {
            return;
        };
        if waits && !touched {
            return;
        }
        loop {
            let frame = body.frame().await;
            let bytes = data_length(frame.as_ref());
            self.traffic
                .update(self.seq, |entry| entry.bytes_in += bytes);
            if !matches!(frame, Some(Ok(_))) {
                return;
            }
        }
    }
}

/// The body of an answer on its way out.
pub(crate) struct Leaving {
    body: Body,
    traffic: Traffic,
    seq: u64,
}

impl Leaving {
    /// Returns `body` with a meter for the log entry `seq`.
    pub(crate) fn new(body: Body, traffic: Traffic, seq: u64) -> Self {
        Self { body, traffic, seq }
    }
}

impl HttpBody for Leaving {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let bytes = data_length(frame.as_ref());
        self.traffic
            .update(self.seq, |entry| entry.bytes_out += bytes);
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn data_length<E>(frame: Option<&Result<Frame<Bytes>, E>>) -> u64 {
    match frame {
        Some(Ok(frame)) => frame.data_ref().map_or(0, |data| data.len() as u64),
        _ => 0,
    }
}
