//! The package index, asked over HTTP as tools ask it.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod attestations;
mod reading;
mod support;
mod trust;
mod uploading;
