//! HTTP: one client, one retry layer, bounded answers, errors as decisions.

mod answer;
mod body;
mod client;
mod error;
mod redact;
mod redirect;
mod request;
mod retry;

pub use client::{Http, Settings};
pub use error::{RemoteError, Trouble};

pub(crate) use answer::{Answer, Download};
pub(crate) use body::{Artifact, Body, Form};
pub(crate) use error::{Again, Deed};
pub(crate) use redirect::is_allowed;
pub(crate) use request::{Follow, Repeat, Request};
