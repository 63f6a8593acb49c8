//! Errors of remote services as decisions: what the caller can do about them.

use jiff::Timestamp;

use crate::text::Untrusted;

/// What a failed remote call means for the caller.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// The server does not know who we are.
    Unauthenticated,
    /// The server knows who we are and does not let us.
    Forbidden,
    /// It is not there.
    NotFound,
    /// Something else is already there.
    Conflict,
    /// A rule of the server speaks against it, for good.
    Refused {
        /// The rule, as a short phrase.
        rule: String,
    },
    /// Too many requests; more are taken from then on, if the server said when.
    RateLimited {
        /// When to try again.
        until: Option<Timestamp>,
    },
    /// It is accepted and not visible yet.
    NotYet {
        /// What is awaited.
        what: String,
    },
    /// The source is not what it was when it was listed.
    SourceChanged,
    /// It existed once and never will again.
    Gone,
    /// The request may or may not have been carried out.
    Ambiguous,
    /// It may work later; retries are used up.
    Transient,
    /// The server does not speak the protocol as specified.
    Protocol,
    /// The run was cancelled.
    Cancelled,
}

/// A failed remote call as a plain value: what it means, and words for a person.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Failure {
    /// What the caller can do.
    pub decision: Decision,
    /// The service, such as `PyPI`.
    pub service: String,
    /// Service, deed, thing and what the server said, fit to follow "error: ".
    pub message: String,
    /// What the server said, bounded.
    pub said: Option<Untrusted>,
}
