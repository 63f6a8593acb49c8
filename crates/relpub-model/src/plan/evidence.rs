//! Evidence in the plan: what each carrier holds, what is left to sign and to
//! attach, and what can no longer be added.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::presence::{ReleaseState, release_state};
use super::steps::{RELEASE, STORE};
use super::{Action, Phase, Step, service_name};
use crate::blocker::{Blocker, Code};
use crate::evidence::{Carried, Carrier, Piece};
use crate::name::DestinationName;
use crate::observed::{Holdings, Known, Observed, Seen};
use crate::promotion::Promotion;

/// A piece of evidence, and what each of its carriers holds of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct EvidenceRow {
    /// The piece.
    #[serde(flatten)]
    pub piece: Piece,
    /// Its carriers; none where nothing in this promotion can carry it.
    pub carriers: Vec<CarrierRow>,
}

/// What a carrier holds of a piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CarrierRow {
    /// The carrier.
    #[serde(flatten)]
    pub carrier: Carrier,
    /// What it holds.
    pub state: EvidenceState,
}

/// What a carrier holds of a piece of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceState {
    /// Nothing; it is still to come.
    Absent,
    /// An upload that began and did not end.
    Partial,
    /// It, not public yet.
    Staged,
    /// It, in public.
    Valid,
    /// A statement about another promotion of this tag, which is replaced in a
    /// draft and left alone in public.
    Superseded,
    /// Something that is not it.
    Rejected,
    /// Nothing, and nothing can be added any more.
    Irreparable,
    /// Not known.
    Unknown,
}

impl EvidenceState {
    /// Tells whether it is still to be put there.
    fn is_to_come(self) -> bool {
        matches!(self, Self::Absent | Self::Partial)
    }

    /// Tells whether the piece itself is there.
    fn is_there(self) -> bool {
        matches!(self, Self::Staged | Self::Valid)
    }

    /// Tells whether nothing is left to do about it.
    pub(crate) fn is_settled(self) -> bool {
        matches!(self, Self::Valid | Self::Superseded | Self::Irreparable)
    }
}

/// What a carrier holds, with the reason where that blocks.
struct Found {
    state: EvidenceState,
    why: Option<Blocker>,
}

impl Found {
    fn fine(state: EvidenceState) -> Self {
        Self { state, why: None }
    }
}

/// What was found of all required evidence, and what speaks against it.
pub(crate) struct Judged {
    pub(crate) rows: Vec<EvidenceRow>,
    pub(crate) blockers: Vec<Blocker>,
}

/// Compares the required evidence with what was seen of it.
pub(crate) fn judge(promotion: &Promotion, observed: &Observed) -> Judged {
    let mut blockers = Vec::new();
    let mut rows = Vec::new();
    for Carried { piece, carriers } in promotion.pieces() {
        let mut row = EvidenceRow {
            piece,
            carriers: Vec::new(),
        };
        for carrier in carriers {
            let found = at_carrier(&row.piece, &carrier, promotion, observed);
            blockers.extend(found.why);
            row.carriers.push(CarrierRow {
                carrier,
                state: found.state,
            });
        }
        rows.push(row);
    }
    Judged { rows, blockers }
}

/// Returns what was seen that is not the evidence it should be, or could not be
/// read, each with the reason.
pub fn against(promotion: &Promotion, observed: &Observed) -> Vec<Blocker> {
    judge(promotion, observed).blockers
}

fn at_carrier(
    piece: &Piece,
    carrier: &Carrier,
    promotion: &Promotion,
    observed: &Observed,
) -> Found {
    let held = observed
        .evidence
        .get(piece)
        .and_then(|all| all.get(carrier));
    match carrier {
        Carrier::Store => at_store(piece, held),
        Carrier::Index { destination } => at_index(piece, destination, held, observed),
        Carrier::Asset { destination, .. } => {
            at_release(piece, destination, held, promotion, observed)
        }
    }
}

/// What others keep in the store is theirs: only what verifies counts.
fn at_store(piece: &Piece, held: Option<&Seen>) -> Found {
    match held {
        Some(Seen::Valid) => Found::fine(EvidenceState::Valid),
        Some(Seen::Unknown(failure)) => Found {
            state: EvidenceState::Unknown,
            why: Some(super::credentials::unreadable(
                &format!("the {piece} in GitHub's attestation store"),
                failure,
            )),
        },
        Some(_) | None => Found::fine(EvidenceState::Absent),
    }
}

/// An index takes an attestation only together with the file.
fn at_index(
    piece: &Piece,
    destination: &DestinationName,
    held: Option<&Seen>,
    observed: &Observed,
) -> Found {
    let Some(Known::Seen(Holdings::Index(projects))) = observed.destinations.get(destination)
    else {
        // That the index cannot be read is said once, not for each piece.
        return Found::fine(EvidenceState::Unknown);
    };
    let name = piece.subject().map(|of| of.name.as_str());
    let mut files = projects.values().flat_map(|project| &project.files);
    if !files.any(|held| Some(held.name.as_str()) == name) {
        return Found::fine(EvidenceState::Absent);
    }
    match held {
        Some(Seen::Valid) => Found::fine(EvidenceState::Valid),
        Some(Seen::Absent | Seen::Incomplete) => Found::fine(EvidenceState::Irreparable),
        other => not_it(piece, service_name(destination), other, false),
    }
}

fn at_release(
    piece: &Piece,
    destination: &DestinationName,
    held: Option<&Seen>,
    promotion: &Promotion,
    observed: &Observed,
) -> Found {
    let Some(Known::Seen(Holdings::Releases(releases))) = observed.destinations.get(destination)
    else {
        // That the destination cannot be read is said once, not for each piece.
        return Found::fine(EvidenceState::Unknown);
    };
    let state = release_state(releases, &promotion.marker(), &promotion.tag.name);
    let (draft, closed) = match state {
        ReleaseState::None | ReleaseState::Disputed(_) => {
            return Found::fine(EvidenceState::Absent);
        }
        ReleaseState::Draft(_) => (true, false),
        ReleaseState::Published { closed, .. } => (false, closed.is_some()),
    };
    match held {
        Some(Seen::Valid) if draft => Found::fine(EvidenceState::Staged),
        Some(Seen::Valid) => Found::fine(EvidenceState::Valid),
        Some(Seen::Absent | Seen::Incomplete) if closed => Found::fine(EvidenceState::Irreparable),
        Some(Seen::Absent) => Found::fine(EvidenceState::Absent),
        Some(Seen::Incomplete) => Found::fine(EvidenceState::Partial),
        Some(Seen::Other) => Found::fine(EvidenceState::Superseded),
        other => not_it(piece, service_name(destination), other, draft),
    }
}

/// Says that there is something else, or that it could not be read.
fn not_it(piece: &Piece, service: &str, held: Option<&Seen>, draft: bool) -> Found {
    match held {
        Some(Seen::Unknown(failure)) => Found {
            state: EvidenceState::Unknown,
            why: Some(super::credentials::unreadable(
                &format!("the {piece} at {service}"),
                failure,
            )),
        },
        Some(Seen::Rejected(why)) => {
            let way_out = if draft {
                "Find out who put it there. Delete it from the draft, then run again."
            } else {
                "Treat the release as tampered with until it is clear who put it there."
            };
            let blocker = Blocker::new(
                Code::Evidence,
                piece.to_string(),
                format!("does not verify at {service}"),
            )
            .detail(why.clone())
            .way_out(way_out);
            Found {
                state: EvidenceState::Rejected,
                why: Some(blocker),
            }
        }
        _ => Found::fine(EvidenceState::Unknown),
    }
}

/// Returns what is left to sign and to attach.
pub(crate) fn steps(rows: &[EvidenceRow], promotion: &Promotion, observed: &Observed) -> Vec<Step> {
    let mut out = Vec::new();
    for row in rows {
        let before = out.len();
        for CarrierRow { carrier, state } in &row.carriers {
            let public = carrier
                .destination()
                .is_some_and(|release| is_published(release, promotion, observed));
            let replaced = *state == EvidenceState::Superseded && !public;
            if state.is_to_come() || replaced {
                out.extend(attach(&row.piece, carrier, public));
            }
        }
        let is_there = row.carriers.iter().any(|row| row.state.is_there());
        let signed_now = matches!(
            row.piece,
            Piece::Signature { .. } | Piece::Sbom { .. } | Piece::Promotion { .. }
        );
        if out.len() > before && signed_now && !is_there {
            out.push(Step {
                phase: Phase::Stage,
                rank: RELEASE,
                wave: 1,
                action: Action::Sign {
                    piece: row.piece.clone(),
                },
            });
        }
    }
    out
}

fn is_published(destination: &DestinationName, promotion: &Promotion, observed: &Observed) -> bool {
    let Some(Known::Seen(Holdings::Releases(releases))) = observed.destinations.get(destination)
    else {
        return false;
    };
    let state = release_state(releases, &promotion.marker(), &promotion.tag.name);
    matches!(state, ReleaseState::Published { .. })
}

/// Returns the step that puts a piece where it is carried; an index takes it
/// with the file, which is a step of its own.
fn attach(piece: &Piece, carrier: &Carrier, public: bool) -> Option<Step> {
    let (phase, rank, wave) = match (piece, carrier) {
        (_, Carrier::Index { .. }) => return None,
        (Piece::Receipt { .. }, _) => (Phase::Record, STORE, 0),
        (_, Carrier::Store) => (Phase::Publish, STORE, 0),
        (_, Carrier::Asset { .. }) if public => (Phase::Publish, RELEASE, 0),
        (_, Carrier::Asset { .. }) => (Phase::Stage, RELEASE, 2),
    };
    let action = Action::Attach {
        piece: piece.clone(),
        carrier: carrier.clone(),
    };
    Some(Step {
        phase,
        rank,
        wave,
        action,
    })
}

/// Says what can no longer be added, or is of another promotion.
pub(crate) fn warnings(
    rows: &[EvidenceRow],
    promotion: &Promotion,
    observed: &Observed,
) -> Vec<String> {
    let mut out = Vec::new();
    for (piece, row) in rows
        .iter()
        .flat_map(|row| row.carriers.iter().map(move |c| (&row.piece, c)))
    {
        let place = row.carrier.to_string();
        match row.state {
            EvidenceState::Irreparable => out.push(format!(
                "the {piece} is missing from {place}, and can no longer be added there"
            )),
            EvidenceState::Superseded
                if row
                    .carrier
                    .destination()
                    .is_some_and(|it| is_published(it, promotion, observed)) =>
            {
                out.push(format!(
                    "the {piece} at {place} is of an earlier configuration; it stays"
                ));
            }
            _ => {}
        }
    }
    out
}

/// Returns the names of all assets that are evidence.
pub(super) fn asset_names(promotion: &Promotion) -> BTreeSet<String> {
    let carriers = promotion
        .pieces()
        .into_iter()
        .flat_map(|carried| carried.carriers);
    let name = |carrier| match carrier {
        Carrier::Asset { name, .. } => Some(name.to_string()),
        Carrier::Store | Carrier::Index { .. } => None,
    };
    carriers.filter_map(name).collect()
}

/// The most assets that a release takes.
const MOST_ASSETS: usize = 1000;

/// Finds evidence that would have an artifact's name, and releases that would
/// have more assets than they may.
pub(crate) fn misfits(rows: &[EvidenceRow], promotion: &Promotion) -> Vec<Blocker> {
    let mut out = Vec::new();
    for release in &promotion.evidence.releases {
        let assets =
            rows.iter()
                .flat_map(|row| &row.carriers)
                .filter_map(|row| match &row.carrier {
                    Carrier::Asset { destination, name } if destination == release => Some(name),
                    _ => None,
                });
        let assets: Vec<_> = assets.collect();
        let files: Vec<_> = promotion
            .edges_to(release)
            .map(|edge| edge.name.folded())
            .collect();
        let service = service_name(release);
        for name in assets.iter().filter(|name| files.contains(&name.folded())) {
            let reason = format!(
                "is an artifact for {service}, and relpub gives that name to its own evidence"
            );
            out.push(
                Blocker::new(Code::Ambiguous, name.as_str(), reason).way_out(
                    "Give the artifact another name there, or leave it out: relpub makes its own.",
                ),
            );
        }
        let count = assets.len() + files.len();
        if count > MOST_ASSETS {
            out.push(Blocker::new(Code::Refused, service, format!("would have {count} files in one release, and takes {MOST_ASSETS}"))
                .detail(format!("{} artifacts, {} files of evidence", files.len(), assets.len()))
                .way_out("Pack artifacts together, or turn evidence off: `sign = \"none\"` or `sbom = \"none\"`."));
        }
    }
    out
}
