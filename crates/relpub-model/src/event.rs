//! Events: everything a user interface may learn while relpub works.
//!
//! They are data. The library makes them; the command line, a log file or a
//! test reads them. Only the command line prints.

use jiff::Timestamp;
use serde::Serialize;

use crate::name::{DestinationName, SourcePath};
use crate::plan::{Action, Phase};
use crate::text::Untrusted;

/// Something that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Event {
    /// The source was listed and matched.
    Resolved {
        /// How many artifacts are expected and there.
        artifacts: usize,
        /// Their size in bytes, as stored.
        bytes: u64,
    },
    /// A destination was read.
    Observed {
        /// The destination.
        destination: DestinationName,
    },
    /// An artifact is fetched; reported several times as it comes.
    Fetching {
        /// Its path in the source.
        path: SourcePath,
        /// How many bytes are here.
        done: u64,
        /// How many there are.
        total: u64,
    },
    /// An artifact is here, hashed and inspected.
    Fetched {
        /// Its path in the source.
        path: SourcePath,
        /// Its size in bytes.
        bytes: u64,
    },
    /// A phase begins.
    Phase {
        /// Which.
        phase: Phase,
    },
    /// A step begins.
    Started {
        /// Which.
        action: Action,
    },
    /// An artifact is uploaded; reported several times as it goes.
    Sending {
        /// The destination.
        destination: DestinationName,
        /// The name there.
        name: String,
        /// How many bytes are gone.
        done: u64,
        /// How many there are.
        total: u64,
    },
    /// A step ended well.
    Finished {
        /// Which.
        action: Action,
        /// Whether it was found to be done already.
        already: bool,
    },
    /// A request is repeated.
    Retrying {
        /// The service.
        service: String,
        /// What is being done.
        operation: String,
        /// How many times it was tried.
        attempt: u32,
        /// When it is tried again.
        at: Timestamp,
        /// Why it failed.
        reason: Untrusted,
    },
    /// Something is awaited.
    Waiting {
        /// What, in words.
        what: String,
    },
}
