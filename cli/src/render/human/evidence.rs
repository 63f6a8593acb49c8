//! Evidence in words: what is required of it, what is there, what is owed.

use std::collections::{BTreeMap, BTreeSet};

use anstyle::Style;
use relpub_model::Plan;
use relpub_model::evidence::{Carrier, Piece, SignerClaims};
use relpub_model::plan::{
    Action, CarrierRow, EvidenceRow, EvidenceState, Phase, Row, service_name,
};
use relpub_model::receipt::{Facts, History};

use super::layout::{Cell, Labels, paint};
use super::words::plural;

/// What stands where no evidence is required.
const NONE: &str = "none";

/// Returns the cell of an artifact: the kinds of evidence about it, or that all
/// of it is there.
pub(super) fn cell(plan: &Plan, row: &Row) -> Cell {
    let about: Vec<&EvidenceRow> = plan
        .evidence
        .iter()
        .filter(|it| !it.carriers.is_empty() && is_about(&it.piece, row))
        .collect();
    let states = || about.iter().flat_map(|it| &it.carriers).map(|it| it.state);
    if about.is_empty() {
        return Cell::new(NONE).style(paint::DIM);
    }
    if states().any(|state| state == EvidenceState::Rejected) {
        return Cell::new("rejected").style(paint::BAD);
    }
    if states().all(|state| state == EvidenceState::Valid) {
        return Cell::new("all there").style(paint::DIM);
    }
    let words: BTreeSet<(u8, String)> = about.iter().map(|it| word(&it.piece, row)).collect();
    let words: Vec<String> = words.into_iter().map(|(_, word)| word).collect();
    Cell::new(words.join(", "))
}

/// Tells whether a piece is about an artifact. The receipt statement is about
/// the release as it was seen, and has a line of its own.
fn is_about(piece: &Piece, row: &Row) -> bool {
    match piece {
        Piece::Signature { of } | Piece::Sbom { of } => Some(of.sha256) == row.sha256,
        Piece::Publish { of } => of.name == row.name.as_str() && Some(of.sha256) == row.sha256,
        Piece::Promotion { .. } => true,
        Piece::Checksums | Piece::Receipt { .. } => false,
    }
}

/// Returns the word for a piece in the row of an artifact, after its place.
fn word(piece: &Piece, row: &Row) -> (u8, String) {
    match piece {
        Piece::Signature { .. } => (0, "signature".to_owned()),
        Piece::Sbom { .. } => {
            let count = row.components.map(|count| format!(" {count}"));
            (1, format!("sbom{}", count.unwrap_or_default()))
        }
        Piece::Publish { .. } => (3, "publish".to_owned()),
        Piece::Checksums | Piece::Promotion { .. } | Piece::Receipt { .. } => {
            (2, "promotion".to_owned())
        }
    }
}

/// Adds what is signed, by whom, and that the log is public for ever.
pub(crate) fn sign(plan: &Plan, list: &mut Labels) {
    let now = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Sign { piece } => Some(piece),
        _ => None,
    });
    let mut what = counted(now);
    let uploads = publish_attestations(plan);
    if uploads > 0 {
        what.push(format!(
            "{} (while uploading)",
            plural(uploads, "publish attestation")
        ));
    }
    if what.is_empty() {
        return;
    }
    let signer = plan.signer.as_ref().map(|it| format!(" as {}", signer(it)));
    let log = if plan.promotion.flags.world {
        "log of the world"
    } else {
        "public log"
    };
    let (what, signer) = (what.join(", "), signer.unwrap_or_default());
    list.line("sign", format!("{what}{signer}, {log}"));
}

/// Counts the publish attestations that are signed with the uploads of a plan.
fn publish_attestations(plan: &Plan) -> usize {
    let names: BTreeSet<&str> = plan
        .steps_in(Phase::Publish)
        .filter_map(|step| match &step.action {
            Action::Upload { edge }
                if plan.promotion.evidence.indexes.contains(&edge.destination) =>
            {
                Some(edge.name.as_str())
            }
            _ => None,
        })
        .collect();
    names.len()
}

/// Returns an identity as people name it: repository, workflow and ref.
fn signer(claims: &SignerClaims) -> String {
    short_identity(&claims.identity)
}

/// Shortens the identity of a workflow; other identities stay as they are.
fn short_identity(identity: &str) -> String {
    let Some(rest) = identity.strip_prefix("https://github.com/") else {
        return identity.to_owned();
    };
    rest.replacen("/.github/workflows/", " ", 1)
        .replacen("@refs/tags/", "@", 1)
        .replacen("@refs/heads/", "@", 1)
}

/// Counts the files of evidence that a phase puts into a release.
pub(super) fn assets(plan: &Plan, phase: Phase) -> impl Iterator<Item = &Carrier> {
    plan.steps_in(phase).filter_map(|step| match &step.action {
        Action::Attach {
            carrier: carrier @ Carrier::Asset { .. },
            ..
        } => Some(carrier),
        _ => None,
    })
}

/// Says what a phase puts into the attestation store.
pub(super) fn stored(plan: &Plan, phase: Phase) -> Option<String> {
    let stored = plan.steps_in(phase).filter_map(|step| match &step.action {
        Action::Attach {
            piece,
            carrier: Carrier::Store,
        } => Some(piece),
        _ => None,
    });
    let what = counted(stored);
    (!what.is_empty()).then(|| format!("{} to {}", what.join(", "), Carrier::Store))
}

/// Adds what is required and nothing in this promotion carries.
pub(super) fn not_carried(rows: &[EvidenceRow], list: &mut Labels) {
    let pieces = rows.iter().filter(|row| row.carriers.is_empty());
    let what = counted(pieces.map(|row| &row.piece));
    if !what.is_empty() {
        let text = format!(
            "{}: without a GitHub release nothing carries them",
            what.join(", ")
        );
        list.line("not carried", text);
    }
}

/// Counts pieces by kind, in the order in which they are named.
pub(crate) fn counted<'a>(pieces: impl Iterator<Item = &'a Piece>) -> Vec<String> {
    let mut counts: [usize; 6] = [0; 6];
    for piece in pieces {
        counts[place(piece)] += 1;
    }
    let some = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    some.map(|(place, count)| noun(place, *count)).collect()
}

fn place(piece: &Piece) -> usize {
    match piece {
        Piece::Checksums => 0,
        Piece::Signature { .. } => 1,
        Piece::Sbom { .. } => 2,
        Piece::Promotion { .. } => 3,
        Piece::Publish { .. } => 4,
        Piece::Receipt { .. } => 5,
    }
}

fn noun(place: usize, count: usize) -> String {
    const NOUNS: [&str; 6] = [
        "checksum file",
        "signature",
        "SBOM",
        "promotion statement",
        "publish attestation",
        "receipt statement",
    ];
    let single = place == 0 || place == 3 || place == 5;
    if single && count == 1 {
        NOUNS[place].to_owned()
    } else {
        plural(count, NOUNS[place])
    }
}

/// Says how much of the evidence is there in public, by kind; empty where none
/// is required.
pub(crate) fn summary(rows: &[EvidenceRow]) -> String {
    let mut all: [usize; 6] = [0; 6];
    let mut there: [usize; 6] = [0; 6];
    for row in rows.iter().filter(|row| !row.carriers.is_empty()) {
        all[place(&row.piece)] += 1;
        let is_public = |it: &CarrierRow| it.state == EvidenceState::Valid;
        there[place(&row.piece)] += usize::from(row.carriers.iter().any(is_public));
    }
    let mut parts = Vec::new();
    for place in (0..6).filter(|place| all[*place] > 0) {
        parts.push(if all[place] == there[place] {
            noun(place, all[place])
        } else {
            format!("{} of {}", there[place], noun_of(place, all[place]))
        });
    }
    parts.join(", ")
}

/// Like [`noun`], with the number even where there is one.
fn noun_of(place: usize, count: usize) -> String {
    let noun = noun(place, count);
    if count == 1 && !noun.starts_with('1') {
        format!("1 {noun}")
    } else {
        noun
    }
}

/// Returns each piece that is missing somewhere for good, and where it is.
pub(crate) fn debts(facts: &Facts) -> Vec<String> {
    let one = |(piece, carrier): (&Piece, &Carrier)| {
        let rows = facts.evidence.iter().filter(|row| row.piece == *piece);
        let elsewhere: Vec<String> = rows
            .flat_map(|row| &row.carriers)
            .filter(|it| it.state == EvidenceState::Valid)
            .map(|it| it.carrier.to_string())
            .collect();
        let there = if elsewhere.is_empty() {
            "nowhere else".to_owned()
        } else {
            format!("it is at {}", elsewhere.join(", "))
        };
        format!("{piece} is missing at {carrier} for good; {there}")
    };
    facts.debts().map(one).collect()
}

/// Adds the evidence of a receipt: how much, who signed, where logs hold it,
/// what is owed.
pub(crate) fn describe(facts: &Facts, history: &History, list: &mut Labels) {
    list.line("evidence", summary(&facts.evidence));
    not_carried(&facts.evidence, list);
    list.entry("owed", paint::OPEN, debts(facts));
    let signers: BTreeSet<String> = history
        .signed
        .iter()
        .map(|it| short_identity(&it.signer))
        .collect();
    for signer in signers {
        list.line("signed", format!("as {signer}"));
    }
    list.entry("log", Style::new(), log(history));
}

/// Says how many entries a run made in each log, which stay for ever.
pub(super) fn log(history: &History) -> Vec<String> {
    let mut logs: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    for entry in history.signed.iter().flat_map(|it| &it.log) {
        let name = entry.url.split_once("://");
        let name = name.map_or(entry.url.as_str(), |(_, rest)| rest);
        logs.entry(name).or_default().insert(entry.index);
    }
    let one = |(name, entries): (&str, BTreeSet<u64>)| {
        let count = entries.len();
        let noun = if count == 1 { "entry" } else { "entries" };
        let (first, last) = (entries.first()?, entries.last()?);
        let span = if first == last {
            first.to_string()
        } else {
            format!("{first} to {last}")
        };
        Some(format!("{count} {noun} in {name}, number {span}"))
    };
    logs.into_iter().filter_map(one).collect()
}

/// Counts the pieces that a carrier holds in some state, as `(where, count)`.
pub(super) fn held(facts: &Facts, states: &[EvidenceState]) -> Vec<(String, usize)> {
    let mut out: Vec<(String, usize)> = Vec::new();
    let rows = facts.evidence.iter().flat_map(|row| &row.carriers);
    for row in rows.filter(|row| states.contains(&row.state)) {
        let place = row
            .carrier
            .destination()
            .map_or_else(|| row.carrier.to_string(), |it| service_name(it).to_owned());
        match out.iter_mut().find(|(name, _)| *name == place) {
            Some((_, count)) => *count += 1,
            None => out.push((place, 1)),
        }
    }
    out
}

/// Returns the word for what consumers find of a piece of evidence; `None`
/// where it is as it should be.
pub(super) fn state(state: EvidenceState) -> Option<(&'static str, Style)> {
    Some(match state {
        EvidenceState::Valid => return None,
        EvidenceState::Absent => ("missing", paint::BAD),
        EvidenceState::Partial => ("incomplete", paint::BAD),
        EvidenceState::Staged => ("not public", paint::BAD),
        EvidenceState::Superseded => ("of an earlier configuration", paint::DIM),
        EvidenceState::Rejected => ("does not verify", paint::BAD),
        EvidenceState::Irreparable => ("missing for good", paint::OPEN),
        EvidenceState::Unknown => ("could not be read", paint::OPEN),
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples::{WIDTH, seen};
    use super::*;

    #[test]
    fn what_nothing_carries_is_said() {
        let row = |part| EvidenceRow {
            piece: Piece::Promotion { part },
            carriers: Vec::new(),
        };
        let mut list = Labels::new();
        not_carried(&[row(1), row(2)], &mut list);
        insta::assert_snapshot!(seen(&list.render(WIDTH)), @"
        not       2 promotion statements: without a GitHub release nothing carries them
        carried
        ");
    }
}
