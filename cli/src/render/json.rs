//! The document that `--format json` writes: one object, whatever happened.

use relpub::FileVerdict;
use relpub::file::Finding;
use relpub_model::Exit;
use relpub_model::Plan;
use relpub_model::Sha256;
use relpub_model::decision::Failure;
use relpub_model::evidence::{EvidenceKind, SignerClaims};
use relpub_model::plan::Action;
use relpub_model::promotion::Promotion;
use relpub_model::receipt::{Facts, Receipt};
use serde::Serialize;

/// What a command found or did. Keys that do not apply are left out.
///
/// Format 1: the first.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Document<'a> {
    format: u32,
    /// What happened, in a word.
    outcome: &'a str,
    /// The exit code.
    exit: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'a Plan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<&'a Receipt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    facts: Option<&'a Facts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'a Action>,
    /// Whether the destinations were read back after a stop.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<bool>,
    #[serde(skip_serializing_if = "<[Problem]>::is_empty")]
    errors: &'a [Problem],
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<File<'a>>,
}

/// What was found out about one file.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct File<'a> {
    name: &'a str,
    sha256: Sha256,
    size: u64,
    evidence: Vec<Found<'a>>,
    unread: &'a [Failure],
}

/// A bundle that was looked at.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Found<'a> {
    kind: EvidenceKind,
    place: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    signer: Option<&'a SignerClaims>,
    #[serde(skip_serializing_if = "Option::is_none")]
    promotion: Option<&'a Promotion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected: Option<&'a str>,
}

/// One error, with its place in a file where it has one.
#[derive(Serialize)]
pub(crate) struct Problem {
    /// What is wrong.
    pub(crate) message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    /// The line, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<usize>,
    /// The column, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<usize>,
}

impl<'a> Document<'a> {
    /// Returns a document that says how a command ended.
    pub(crate) fn new(outcome: &'a str, exit: Exit) -> Self {
        Self {
            format: 1,
            outcome,
            exit: exit.code(),
            plan: None,
            receipt: None,
            facts: None,
            failure: None,
            action: None,
            seen: None,
            errors: &[],
            file: None,
        }
    }

    /// Adds what was found out about a file.
    pub(crate) fn file(mut self, name: &'a str, verdict: &'a FileVerdict) -> Self {
        let found = |it: &'a Finding| Found {
            kind: it.kind,
            place: &it.place,
            signer: it.told.as_ref().ok().map(|told| &told.signer),
            promotion: it
                .told
                .as_ref()
                .ok()
                .and_then(|told| told.promotion.as_deref()),
            rejected: it.told.as_ref().err().map(String::as_str),
        };
        self.file = Some(File {
            name,
            sha256: verdict.bytes.sha256,
            size: verdict.bytes.size,
            evidence: verdict.findings.iter().map(found).collect(),
            unread: &verdict.unread,
        });
        self
    }

    /// Adds the plan.
    pub(crate) fn plan(mut self, plan: &'a Plan) -> Self {
        self.plan = Some(plan);
        self
    }

    /// Adds the receipt.
    pub(crate) fn receipt(mut self, receipt: &'a Receipt) -> Self {
        self.receipt = Some(receipt);
        self
    }

    /// Adds what was seen just now.
    pub(crate) fn facts(mut self, facts: &'a Facts) -> Self {
        self.facts = Some(facts);
        self
    }

    /// Adds why and where it stopped.
    pub(crate) fn stopped(
        mut self,
        failure: &'a Failure,
        action: Option<&'a Action>,
        seen: bool,
    ) -> Self {
        self.failure = Some(failure);
        self.action = action;
        self.seen = Some(seen);
        self
    }

    /// Adds errors.
    pub(crate) fn errors(mut self, errors: &'a [Problem]) -> Self {
        self.errors = errors;
        self
    }
}

impl Problem {
    /// Returns an error without a place.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            file: None,
            line: None,
            column: None,
        }
    }
}

/// Returns the word for how a run ended that published nothing.
pub(crate) fn outcome(exit: Exit) -> &'static str {
    match exit {
        Exit::Done | Exit::Debts => "done",
        Exit::Bug | Exit::Usage => "error",
        Exit::Blocked => "blocked",
        Exit::Rejected => "rejected",
        Exit::Stopped => "stopped",
        Exit::Unknown => "unknown",
    }
}
