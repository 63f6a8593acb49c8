//! The package index, asked over HTTP as tools ask it.

mod reading;
mod support;
mod trust;
mod uploading;
