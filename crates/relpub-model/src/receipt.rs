//! The receipt: what was promoted, as it was seen at the end.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::name::{Commit, DestinationName, FileName};
use crate::plan::Presence;
use crate::promotion::{Promotion, PromotionId};

/// What was promoted. The facts are a pure function of the promotion and of
/// what was finally observed; the history tells what one run did.
///
/// Format 1: the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The version of this format.
    pub format: u32,
    /// What is so.
    pub facts: Facts,
    /// What the last run did.
    pub history: History,
}

/// What is so, whoever did it and whenever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Facts {
    /// The promotion's id.
    pub id: PromotionId,
    /// What was to become true.
    pub promotion: Promotion,
    /// Where the tag is; `None` while it is absent.
    pub tag: Option<Commit>,
    /// What each place holds.
    pub places: Vec<PlaceFact>,
    /// Where the pointers are that this promotion moves or leaves alone.
    pub pointers: Vec<PointerFact>,
    /// Whether every place holds the same bytes in public, and every pointer is
    /// where it belongs.
    pub complete: bool,
}

/// What one place holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlaceFact {
    /// The destination.
    pub destination: DestinationName,
    /// The name there.
    pub name: FileName,
    /// The digest of the promoted bytes.
    pub sha256: Sha256,
    /// Their number.
    pub size: u64,
    /// What the destination holds.
    pub presence: Presence,
}

/// Where a pointer is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PointerFact {
    /// The destination.
    pub destination: DestinationName,
    /// What it names.
    pub at: Option<String>,
    /// Whether it names the highest published version of its line.
    pub settled: bool,
}

/// What one run did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct History {
    /// The version of relpub.
    pub relpub: String,
    /// When the run began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// What it did, in the order it was done.
    pub done: Vec<Done>,
    /// Where people find things.
    pub links: Vec<Link>,
}

/// One thing that a run did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Done {
    /// When it ended.
    pub at: Timestamp,
    /// What it was, in words.
    pub what: String,
}

/// Where people find something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The destination.
    pub destination: DestinationName,
    /// The URL.
    pub url: String,
}
