//! Promotes prebuilt artifacts: from a bucket to PyPI and GitHub Releases.
//!
//! relpub never builds anything. It fetches what somebody else has built, proves
//! what it is, publishes it, and reads it back. Run again after any failure, it
//! finishes what is missing and touches nothing that is already right.
//!
//! # The straight line
//!
//! ```text
//! relpub.toml, "v1.2.3"
//!    │ parse
//! Config, Tag
//!    │ resolve    list the source at the commit, read its manifests, match the contract
//! Release         exactly which artifacts, each pinned
//!    │ observe    every destination, read-only
//! Observed        what each destination holds
//!    │ gather     fetch, hash and inspect what is not already everywhere
//! Findings        what is now known about each artifact
//!    │ examine    what evidence there is; describe what is still to be signed
//!    │ Promotion::new, Plan::new       pure
//! Plan            what is left to do, and every reason against it
//!    │ clear
//! Cleared         the only thing that can be executed
//!    ▼ execute    Sign · Stage ═══ Publish · Confirm ═══ Point
//! Receipt         what is so, and what this run did
//! ```
//!
//! # Architecture
//!
//! Rooms are divided by what they may touch, not by topic: `relpub-model` has
//! the nouns and decisions and touches nothing; `relpub-inspect` is the only
//! code that parses what strangers wrote; `relpub-trust` the only code that
//! decides which bytes may pass; `relpub-remote` the only code through which
//! bytes or secrets leave the machine. This crate has the disk and puts the
//! rooms together.
//!
//! **Architecture invariants.** A dry run is a plan that is not executed: no
//! function here has a flag for it. The world is the truth: nothing on disk
//! makes an effect done. The library reads no environment and prints nothing;
//! it is handed an [`Environment`] and speaks in [`Event`]s.

mod context;
mod error;
mod evidence;
mod execute;
mod fetch;
mod gather;
mod journal;
mod observe;
mod os;
mod publishers;
mod resolve;
mod sources;
mod state;
mod steps;
mod store;

pub use context::{Context, Settings};
pub use error::Error;
pub use evidence::{FileQuery, FileVerdict, examine, find_promotion, verify_file};
/// What a file is found to have.
pub mod file {
    pub use crate::evidence::{Finding, Told};
}
pub use execute::{Stopped, execute};
pub use gather::gather;
pub use observe::{observe, observe_promotion};
pub use relpub_inspect as inspect;
pub use relpub_model as model;
pub use relpub_model::event::Event;
pub use relpub_model::plan::{Blocked, Cleared, Plan};
pub use relpub_model::{
    Blocker, Code, Config, Endpoints, Exit, Findings, Observed, Promotion, PromotionId, Receipt,
    Release,
};
pub use relpub_remote::{Clock, Environment, SystemClock};
pub use resolve::{Selection, commit_of_manifest, resolve};
pub use state::{State, StateError};
