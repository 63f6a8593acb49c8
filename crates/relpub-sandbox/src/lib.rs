//! A private outside world on loopback, in which releases are rehearsed.
//!
//! A [`World`] holds a bucket, package indexes, a GitHub, the issuer of GitHub
//! Actions' identity tokens and a Sigstore, each an HTTP service on a port of
//! its own on 127.0.0.1. Its state lies in a folder and outlives the process; its clock
//! can be virtual; it can misbehave on request ([`Fault`], [`KillPoint`]), and
//! it remembers every request ([`Entry`]).
//!
//! **Architecture invariant:** the sandbox uses none of relpub's other crates.
//! It is the second opinion on every protocol, so it must not share relpub's
//! mistakes.

mod bucket;
mod clock;
mod control;
mod disk;
mod fault;
mod files;
mod github;
mod identity;
mod log;
mod meter;
mod pypi;
mod secrets;
mod service;
mod sigstore;
mod spoil;
mod traffic;
mod world;
mod world_file;

pub use bucket::Bucket;
pub use clock::{Clock, NotVirtual};
pub use fault::{Fault, FaultError, FaultKind, Faults};
pub use github::{AssetState, AssetView, AttestationView, GitHub, ReleaseView};
pub use identity::Identity;
pub use log::Entry;
pub use pypi::{IndexFile, ProjectStatus, Publisher, PublisherProjects, PyPi, Upload, Uploads};
pub use secrets::SECRET_MARKER;
pub use sigstore::{Deviation, Sigstore};
pub use traffic::KillPoint;
pub use world::{Names, Options, World};
pub use world_file::{
    Environment, GitHubUrls, IdentityUrls, IndexUrls, S3Urls, SigstoreUrls, WorldFile,
};
