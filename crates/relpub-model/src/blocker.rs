//! Reasons why a promotion cannot go on, and the exit codes they lead to.

use serde::{Deserialize, Serialize};

/// One reason why nothing is published.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Blocker {
    /// What kind of reason it is.
    pub code: Code,
    /// The thing it is about: a file, a tag, a destination.
    pub thing: String,
    /// What is wrong with it, as the end of a sentence that begins with the thing.
    pub reason: String,
    /// The two sides, or where it was seen; may be empty.
    pub detail: String,
    /// What a person can do about it.
    pub way_out: String,
}

impl Blocker {
    /// Makes a blocker without detail or way out.
    pub fn new(code: Code, thing: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            code,
            thing: thing.into(),
            reason: reason.into(),
            detail: String::new(),
            way_out: String::new(),
        }
    }

    /// Adds the two sides, or where it was seen.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Adds what a person can do about it.
    pub fn way_out(mut self, way_out: impl Into<String>) -> Self {
        self.way_out = way_out.into();
        self
    }
}

/// What kind of reason a [`Blocker`] is, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The bytes do not have the digest or size that was declared for them.
    Corrupt,
    /// The content is not what the name says.
    NotWhatItSays,
    /// The content is hostile or malformed.
    Unsafe,
    /// A version or name inside differs from the one outside.
    Disagrees,
    /// The source changed while it was read.
    SourceChanged,
    /// Evidence does not verify.
    Evidence,
    /// The destination holds other bytes under the name.
    Conflict,
    /// The tag or the manifest names another commit.
    Commit,
    /// The destination would not take it, or not any more.
    Refused,
    /// It was yanked or deleted at the destination.
    Withdrawn,
    /// Expected and not there.
    Missing,
    /// There and not expected.
    Unexpected,
    /// Several candidates where one was expected.
    Ambiguous,
    /// A credential is absent, malformed, expired or refused.
    Credential,
    /// The world is not as it was when the plan was reviewed.
    Moved,
    /// It could not be read, so nothing can be said.
    Unknown,
}

impl Code {
    /// Returns the words that begin the reason on a screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Corrupt => "corrupt",
            Self::NotWhatItSays => "not what it says",
            Self::Unsafe => "unsafe",
            Self::Disagrees => "disagrees",
            Self::SourceChanged => "changed",
            Self::Evidence => "evidence",
            Self::Conflict => "conflict",
            Self::Commit => "wrong commit",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Missing => "missing",
            Self::Unexpected => "unexpected",
            Self::Ambiguous => "ambiguous",
            Self::Credential => "credential",
            Self::Moved => "moved",
            Self::Unknown => "unknown",
        }
    }

    /// Returns the exit code that this reason alone leads to.
    pub fn exit(self) -> Exit {
        match self {
            Self::Corrupt
            | Self::NotWhatItSays
            | Self::Unsafe
            | Self::Disagrees
            | Self::SourceChanged
            | Self::Evidence => Exit::Rejected,
            Self::Unknown => Exit::Unknown,
            _ => Exit::Blocked,
        }
    }
}

/// Returns the exit code of several reasons: rejected goes before blocked, and
/// blocked before unknown.
pub fn exit_of<'a>(blockers: impl IntoIterator<Item = &'a Blocker>) -> Exit {
    let rank = |exit: &Exit| match exit {
        Exit::Rejected => 3,
        Exit::Blocked => 2,
        Exit::Unknown => 1,
        _ => 0,
    };
    blockers
        .into_iter()
        .map(|b| b.code.exit())
        .max_by_key(rank)
        .unwrap_or(Exit::Done)
}

/// How a run of relpub ended, as its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// A bug in relpub.
    Bug = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// Blocked; nothing was changed.
    Blocked = 3,
    /// A content, evidence or policy check failed; nothing public was changed.
    Rejected = 4,
    /// Stopped part-way; safe to run again.
    Stopped = 5,
    /// Could not tell; nothing was changed.
    Unknown = 6,
    /// Done, with named debts.
    Debts = 7,
}

impl Exit {
    /// Returns the number.
    pub fn code(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_goes_before_a_block_and_a_block_before_an_unknown() {
        let of = |codes: &[Code]| {
            let blockers: Vec<_> = codes
                .iter()
                .map(|&code| Blocker::new(code, "x", "y"))
                .collect();
            exit_of(&blockers)
        };
        assert_eq!(
            of(&[Code::Unknown, Code::Missing, Code::Corrupt]),
            Exit::Rejected
        );
        assert_eq!(of(&[Code::Unknown, Code::Missing]), Exit::Blocked);
        assert_eq!(of(&[Code::Unknown]), Exit::Unknown);
        assert_eq!(of(&[]), Exit::Done);
    }
}
