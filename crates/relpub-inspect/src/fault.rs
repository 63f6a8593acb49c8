//! Faults of an artifact, and the report that collects them.

use std::io;

use relpub_model::blocker::{Blocker, Code};
use relpub_model::text::Untrusted;

use crate::Subject;
use crate::gzip::GunzipError;

/// Why an artifact cannot be read further.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Its content forbids it.
    Content(Code, String),
    /// It could not be read.
    Read(io::Error),
}

impl Fault {
    pub(crate) fn content(code: Code, reason: impl Into<String>) -> Self {
        Self::Content(code, reason.into())
    }

    /// Makes the fault of hostile or malformed content.
    pub(crate) fn hostile(reason: impl Into<String>) -> Self {
        Self::content(Code::Unsafe, reason)
    }
}

impl From<io::Error> for Fault {
    /// Tells damaged content from a reader that failed: decoders use these three kinds.
    fn from(error: io::Error) -> Self {
        let error = match error.downcast::<GunzipError>() {
            Ok(known) => return Self::hostile(known.to_string()),
            Err(other) => other,
        };
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::hostile("is damaged: it ends too early"),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                Self::hostile(format!("is damaged: {error}"))
            }
            _ => Self::Read(error),
        }
    }
}

/// Everything that speaks against one artifact.
pub(crate) struct Report<'a> {
    subject: &'a Subject<'a>,
    pub(crate) blockers: Vec<Blocker>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(subject: &'a Subject<'a>) -> Self {
        Self {
            subject,
            blockers: Vec::new(),
        }
    }

    /// Adds a reason, with the usual way out of its kind.
    pub(crate) fn add(&mut self, code: Code, reason: impl Into<String>) {
        self.add_with(code, reason, usual_way_out(code));
    }

    /// Adds a reason and what a person can do about it.
    pub(crate) fn add_with(&mut self, code: Code, reason: impl Into<String>, way_out: &str) {
        let detail = format!("from {} in the source", self.subject.path);
        let blocker = Blocker::new(code, self.subject.name.as_str(), reason)
            .detail(detail)
            .way_out(way_out);
        self.blockers.push(blocker);
    }

    /// Adds up to `limit` reasons one by one, and then how many more there are.
    pub(crate) fn add_some(&mut self, code: Code, limit: usize, reasons: &[String]) {
        for reason in reasons.iter().take(limit) {
            self.add(code, reason);
        }
        if let Some(more @ 1..) = reasons.len().checked_sub(limit) {
            self.add(code, format!("has {more} more faults of this kind"));
        }
    }

    /// Adds the fault that ended the inspection.
    pub(crate) fn fault(&mut self, fault: Fault) {
        match fault {
            Fault::Content(code, reason) => self.add(code, reason),
            Fault::Read(error) => self.add(Code::Unknown, format!("could not be read: {error}")),
        }
    }
}

/// Returns what a person can usually do; nothing where only the configuration
/// can be wrong, which is the caller's to judge.
fn usual_way_out(code: Code) -> &'static str {
    match code {
        Code::Corrupt => "The file was changed after it was built. Build it again.",
        Code::Unsafe => {
            "Build it again with a current tool. If it came from elsewhere, do not trust it."
        }
        Code::Disagrees => "Build it again from the commit of this tag, and do not rename it.",
        Code::Refused => "Change the project's metadata and build it again.",
        _ => "",
    }
}

/// Returns a stranger's text in backticks, safe to show.
pub(crate) fn quoted(text: &str) -> String {
    format!("`{}`", Untrusted::new(text).for_terminal())
}
