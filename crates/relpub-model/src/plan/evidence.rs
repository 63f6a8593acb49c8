//! Evidence in the plan: what each carrier holds, what is left to sign and to
//! attach, and what can no longer be added.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::presence::{ReleaseState, release_state};
use super::steps::{RELEASE, STORE};
use super::{Action, Phase, Step, service_name};
use crate::blocker::{Blocker, Code};
use crate::evidence::{Carried, Carrier, EvidenceKind, Piece};
use crate::name::{DestinationName, FileName};
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
}

impl EvidenceRow {
    /// Tells whether all its carriers have it, in public.
    pub fn is_valid(&self) -> bool {
        let valid = |row: &CarrierRow| row.state == EvidenceState::Valid;
        !self.carriers.is_empty() && self.carriers.iter().all(valid)
    }

    /// Tells whether nothing is left to do about it. A statement of an earlier
    /// configuration stays where it is public, if the present one is elsewhere.
    pub(crate) fn is_settled(&self) -> bool {
        let valid = |row: &CarrierRow| row.state == EvidenceState::Valid;
        let elsewhere = self.piece == Piece::Checksums || self.carriers.iter().any(valid);
        self.carriers.iter().all(|row| match row.state {
            EvidenceState::Valid | EvidenceState::Irreparable => true,
            EvidenceState::Superseded => elsewhere,
            _ => false,
        })
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
        // What can be changed by hand must not differ; what cannot is what it was.
        Some(Seen::Other) if *piece == Piece::Checksums && !draft && !closed => {
            other_checksums(service_name(destination))
        }
        Some(Seen::Other) => Found::fine(EvidenceState::Superseded),
        other => not_it(piece, service_name(destination), other, draft),
    }
}

fn other_checksums(service: &str) -> Found {
    let blocker = Blocker::new(
        Code::Evidence,
        Piece::Checksums.to_string(),
        format!("at {service} are not those of this promotion"),
    )
    .way_out("Delete the file from the release, then run again: it is written anew.");
    Found {
        state: EvidenceState::Rejected,
        why: Some(blocker),
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
                "If the configuration has changed, delete the draft, and relpub makes it anew. Else find out who put it there."
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
        (_, Carrier::Asset { .. }) if public => (Phase::Publish, STORE, 0),
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
        let mut seen = BTreeSet::new();
        let twins = assets.iter().filter(|name| !seen.insert(name.folded()));
        out.extend(twins.map(|name| {
            Blocker::new(
                Code::Ambiguous,
                name.as_str(),
                format!("would be the evidence of two artifacts at {service}"),
            )
            .way_out("Give one of the artifacts another name, so that its evidence has one too.")
        }));
        out.extend(too_long(promotion, service));
        let count = assets.len() + files.len();
        if count > MOST_ASSETS {
            out.push(Blocker::new(Code::Refused, service, format!("would have {count} files in one release, and takes {MOST_ASSETS}"))
                .detail(format!("{} artifacts, {} files of evidence", files.len(), assets.len()))
                .way_out("Pack artifacts together, or turn evidence off: `sign = \"none\"` or `sbom = \"none\"`."));
        }
    }
    out
}

/// The longest that relpub adds to a file's name.
const LONGEST_SUFFIX: &str = ".sbom.sigstore.json";

/// Finds names that would be too long with what is added to them.
fn too_long(promotion: &Promotion, service: &str) -> Vec<Blocker> {
    let kinds = &promotion.evidence.kinds;
    if !kinds.contains(&EvidenceKind::Signature) && !kinds.contains(&EvidenceKind::Sbom) {
        return Vec::new();
    }
    let is_long = |name: &&FileName| {
        format!("{name}{LONGEST_SUFFIX}")
            .parse::<FileName>()
            .is_err()
    };
    let names: BTreeSet<&FileName> = promotion.edges.iter().map(|edge| &edge.name).collect();
    let blocker = |name: &FileName| {
        Blocker::new(
            Code::Refused,
            name.as_str(),
            format!("has a name that is too long for the evidence beside it at {service}"),
        )
        .detail(format!("it takes {LONGEST_SUFFIX}"))
        .way_out("Give the artifact a shorter name.")
    };
    names.into_iter().filter(is_long).map(blocker).collect()
}
