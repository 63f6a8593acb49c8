//! What went wrong with a remote service, as a decision and in words.

use std::fmt;
use std::ops::{Deref, DerefMut};

use jiff::Timestamp;
use relpub_model::decision::{Decision, Failure};
use relpub_model::text::Untrusted;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use super::redact;
use super::request::Repeat;
use super::retry;

/// What is being done to what, where: the words every error and event is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deed {
    /// The service, such as `PyPI`.
    pub(crate) service: String,
    /// The deed, fit to follow "could not", such as `upload`.
    pub(crate) operation: String,
    /// What it is done to, such as a file name.
    pub(crate) thing: String,
}

impl Deed {
    /// Names a deed: `Deed::new("PyPI", "upload", "demo-1.0.tar.gz")`.
    pub(crate) fn new(
        service: impl Into<String>,
        operation: impl Into<String>,
        thing: impl Into<String>,
    ) -> Self {
        Self {
            service: service.into(),
            operation: operation.into(),
            thing: thing.into(),
        }
    }
}

/// A remote call that failed. The details are those of [`Trouble`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteError(Box<Trouble>);

/// The details of a [`RemoteError`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What the caller can do.
    pub decision: Decision,
    /// The service, such as `PyPI`.
    pub service: String,
    /// The deed, fit to follow "could not", such as `upload`.
    pub operation: String,
    /// What it was done to, such as a file name.
    pub thing: String,
    /// The status the server answered with, if it did.
    pub status: Option<u16>,
    /// What the server said, bounded and without secrets.
    pub said: Option<Untrusted>,
    /// What went wrong, in our words; empty where status and server say it all.
    pub why: String,
    /// What to do about it, where that is known.
    pub hint: Option<String>,
    /// How many times it was tried.
    pub attempts: u32,
    /// Whether the same request may be sent again.
    pub(crate) again: Again,
}

/// Whether a failed request may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// It may not, or there is no use.
    Never,
    /// It may, not before the given time if the server gave one.
    After(Option<Timestamp>),
}

impl RemoteError {
    /// Makes an error out of what is known without the server's words.
    pub(crate) fn new(deed: &Deed, decision: Decision, why: impl Into<String>) -> Self {
        Self(Box::new(Trouble {
            decision,
            service: deed.service.clone(),
            operation: deed.operation.clone(),
            thing: deed.thing.clone(),
            status: None,
            said: None,
            why: why.into(),
            hint: None,
            attempts: 1,
            again: Again::Never,
        }))
    }

    /// Makes the error of a request that the server answered with a refusal.
    ///
    /// `body` is the text of the answer, already free of secrets.
    pub(crate) fn answered(
        deed: &Deed,
        repeat: Repeat,
        now: Timestamp,
        (status, headers, body): (StatusCode, &HeaderMap, &str),
    ) -> Self {
        let (decision, again) = retry::judge(status, headers, repeat, now);
        let mut error = Self::new(deed, decision, String::new());
        error.status = Some(status.as_u16());
        error.said = redact::message(headers, body).map(Untrusted::new);
        error.again = again;
        error
    }

    /// Makes the error of a request that was not answered.
    ///
    /// `unsent` says that the connection was never made.
    pub(crate) fn unanswered(deed: &Deed, repeat: Repeat, unsent: bool, why: String) -> Self {
        let (decision, again) = match (unsent, repeat) {
            (true, _) | (false, Repeat::Always) => (Decision::Transient, Again::After(None)),
            (false, Repeat::IfUnsent) => (Decision::Ambiguous, Again::Never),
        };
        let mut error = Self::new(deed, decision, why);
        error.again = again;
        error
    }

    /// Makes the error of a run that was cancelled before the request.
    pub(crate) fn cancelled(deed: &Deed) -> Self {
        Self::new(deed, Decision::Cancelled, "the run was cancelled")
    }

    /// Returns the error under the names of another deed.
    pub(crate) fn named(mut self, deed: &Deed) -> Self {
        self.service.clone_from(&deed.service);
        self.operation.clone_from(&deed.operation);
        self.thing.clone_from(&deed.thing);
        self
    }

    /// Returns the error with another decision.
    pub(crate) fn with_decision(mut self, decision: Decision) -> Self {
        self.decision = decision;
        self
    }

    /// Returns the error with what to do about it.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns the error as a plain value, to be shown or stored.
    pub fn failure(&self) -> Failure {
        Failure {
            decision: self.decision.clone(),
            service: self.service.clone(),
            message: self.to_string(),
            said: self.said.clone(),
        }
    }
}

impl Deref for RemoteError {
    type Target = Trouble;

    fn deref(&self) -> &Trouble {
        &self.0
    }
}

impl DerefMut for RemoteError {
    fn deref_mut(&mut self) -> &mut Trouble {
        &mut self.0
    }
}

impl std::error::Error for RemoteError {}

/// One line: service, deed, thing, what the server said, and the way out.
impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: could not {}", self.service, self.operation)?;
        if !self.thing.is_empty() {
            write!(f, " {}", self.thing)?;
        }
        if !self.why.is_empty() {
            write!(f, ": {}", self.why)?;
        }
        if let Some(status) = self.status {
            write!(f, ": HTTP {status}")?;
        }
        if let Some(said) = &self.said {
            write!(f, ": {}", said.for_terminal())?;
        }
        if self.attempts > 1 {
            write!(f, " (tried {} times)", self.attempts)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}
