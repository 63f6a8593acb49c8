//! The receipt: what was promoted, as it was seen at the end.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::digest::Sha256;
use crate::evidence::{Carrier, LogEntry, Piece};
use crate::name::{Commit, DestinationName, FileName};
use crate::observed::{Holdings, Known, Observed, TagState};
use crate::plan::{
    Action, EvidenceRow, EvidenceState, Plan, Presence, judge, judge_evidence, left_to_do,
};
use crate::promotion::{Edge, PointerRule, Promotion, PromotionId};

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
    /// What each carrier holds of the evidence that is required, but for the
    /// receipt statement, which is made of these facts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceRow>,
    /// Where the pointers are that this promotion moves or leaves alone.
    pub pointers: Vec<PointerFact>,
    /// Whether every place holds the same bytes in public, all evidence is there
    /// that can be, and every pointer is where it belongs.
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
    /// What it signed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signed: Vec<Signed>,
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

/// Something that a run signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Signed {
    /// The piece of evidence.
    #[serde(flatten)]
    pub piece: Piece,
    /// The identity that signed it.
    pub signer: String,
    /// The digest of the bundle.
    pub bundle: Sha256,
    /// Where logs hold the signature.
    pub log: Vec<LogEntry>,
}

/// Where people find something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The destination.
    pub destination: DestinationName,
    /// The URL.
    pub url: String,
}

impl Facts {
    /// Puts together what is so: a pure function of the promotion and of what
    /// was finally observed.
    pub fn new(config: &Config, promotion: &Promotion, observed: &Observed) -> Self {
        let tag = match &observed.tag {
            Known::Seen(TagState::At(commit)) => Some(commit.clone()),
            _ => None,
        };
        let judged = config
            .destinations
            .values()
            .flat_map(|destination| judge(destination, promotion, observed));
        let places: Vec<PlaceFact> = judged
            .map(|(edge, found)| place(edge, found.presence))
            .collect();
        let pointers: Vec<PointerFact> = promotion
            .pointers
            .iter()
            .map(|rule| pointer(rule, config, promotion, observed))
            .collect();
        let evidence = without_receipts(judge_evidence(promotion, observed).rows);
        let complete = tag.as_ref() == Some(&promotion.commit)
            && places.len() == promotion.edges.len()
            && places.iter().all(|place| place.presence == Presence::Same)
            && evidence.iter().all(EvidenceRow::is_settled)
            && pointers.iter().all(|pointer| pointer.settled);
        Self {
            id: promotion.id(),
            promotion: promotion.clone(),
            tag,
            places,
            evidence,
            pointers,
            complete,
        }
    }

    /// Returns what is missing for good: the piece, and what does not carry it.
    pub fn debts(&self) -> impl Iterator<Item = (&Piece, &Carrier)> {
        self.evidence.iter().flat_map(|row| {
            let owed = row
                .carriers
                .iter()
                .filter(|it| it.state == EvidenceState::Irreparable);
            owed.map(move |it| (&row.piece, &it.carrier))
        })
    }
}

fn without_receipts(rows: Vec<EvidenceRow>) -> Vec<EvidenceRow> {
    let is_receipt = |row: &EvidenceRow| matches!(row.piece, Piece::Receipt { .. });
    rows.into_iter().filter(|row| !is_receipt(row)).collect()
}

impl Facts {
    /// Puts together what a run knows that could not read back: what was there
    /// when the plan was made, and the steps that ended well since.
    pub fn after<'a>(plan: &Plan, done: impl IntoIterator<Item = &'a Action>) -> Self {
        let before = |edge: &Edge| {
            let row = plan
                .rows
                .iter()
                .find(|row| row.name == edge.name && row.presence.contains_key(&edge.destination));
            row.and_then(|row| row.presence.get(&edge.destination))
                .copied()
                .unwrap_or(Presence::Unknown)
        };
        let mut places: Vec<PlaceFact> = plan
            .promotion
            .edges
            .iter()
            .map(|edge| place(edge, before(edge)))
            .collect();
        let tag_is_made = plan
            .steps
            .iter()
            .any(|step| step.action == Action::CreateTag);
        let mut tag = (!tag_is_made).then(|| plan.promotion.commit.clone());
        let mut evidence = without_receipts(plan.evidence.clone());
        for action in done {
            match action {
                Action::Attach { piece, carrier } => attached(&mut evidence, piece, carrier),
                Action::Stage { edge } => mark(&mut places, Presence::Staged, |p| p.is(edge)),
                Action::Upload { edge } => mark(&mut places, Presence::Same, |p| p.is(edge)),
                Action::Release { destination } => mark(&mut places, Presence::Same, |p| {
                    p.destination == *destination
                }),
                Action::CreateTag => tag = Some(plan.promotion.commit.clone()),
                Action::Sign { .. }
                | Action::Open { .. }
                | Action::Confirm { .. }
                | Action::Point { .. } => {}
            }
        }
        Self {
            id: plan.id,
            promotion: plan.promotion.clone(),
            tag,
            places,
            evidence,
            pointers: Vec::new(),
            complete: false,
        }
    }
}

impl PlaceFact {
    /// Tells whether both are about the same name at the same destination.
    pub fn is_at(&self, other: &Self) -> bool {
        self.destination == other.destination && self.name == other.name
    }

    fn is(&self, edge: &Edge) -> bool {
        self.destination == edge.destination && self.name == edge.name
    }
}

/// Notes that a carrier took a piece; whether in public, only a look can tell.
fn attached(evidence: &mut [EvidenceRow], piece: &Piece, carrier: &Carrier) {
    let rows = evidence.iter_mut().filter(|row| row.piece == *piece);
    rows.flat_map(|row| &mut row.carriers)
        .filter(|row| row.carrier == *carrier)
        .for_each(|row| row.state = EvidenceState::Staged);
}

fn mark(places: &mut [PlaceFact], presence: Presence, which: impl Fn(&PlaceFact) -> bool) {
    places
        .iter_mut()
        .filter(|place| which(place))
        .for_each(|place| place.presence = presence);
}

fn place(edge: &Edge, presence: Presence) -> PlaceFact {
    PlaceFact {
        destination: edge.destination.clone(),
        name: edge.name.clone(),
        sha256: edge.sha256,
        size: edge.size,
        presence,
    }
}

fn pointer(
    rule: &PointerRule,
    config: &Config,
    promotion: &Promotion,
    observed: &Observed,
) -> PointerFact {
    let PointerRule::Latest { destination } = rule;
    let at = match observed.destinations.get(destination) {
        Some(Known::Seen(Holdings::Releases(releases))) => releases.latest.clone(),
        _ => None,
    };
    let settled = at.is_some() && left_to_do(rule, config, promotion, observed).is_none();
    PointerFact {
        destination: destination.clone(),
        at,
        settled,
    }
}
