//! Errors that end a run before there is a plan.

use relpub_model::Exit;
use relpub_model::decision::Decision;
use relpub_remote::RemoteError;

use crate::state::StateError;

/// Why a run ended before there was a plan to show.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line or the configuration asks for something that cannot be.
    #[error("{0}")]
    Usage(String),
    /// A service or the source did not do what was asked.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// Something that must be there before anything can be said is not there.
    #[error("{0}")]
    Blocked(String),
    /// A manifest, a checksum file or an artifact cannot be read.
    #[error("{0}")]
    Rejected(String),
    /// What was to be found out could not be.
    #[error("{0}")]
    Unknown(String),
    /// The run was cancelled before anything was written.
    #[error("cancelled, nothing was changed")]
    Cancelled,
    /// The state folder or the cache cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
}

impl Error {
    /// Returns the exit code that the error leads to.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Blocked(_) => Exit::Blocked,
            Self::Rejected(_) => Exit::Rejected,
            Self::State(_) | Self::Unknown(_) | Self::Cancelled => Exit::Unknown,
            Self::Remote(error) => match &error.decision {
                Decision::SourceChanged => Exit::Rejected,
                Decision::Transient
                | Decision::Ambiguous
                | Decision::RateLimited { .. }
                | Decision::NotYet { .. }
                | Decision::Protocol
                | Decision::Cancelled => Exit::Unknown,
                _ => Exit::Blocked,
            },
        }
    }
}
