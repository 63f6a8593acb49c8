//! The screens of `verify` and `status`: what is there now, read afresh.

use anstyle::Style;
use relpub_model::Blocker;
use relpub_model::config::Config;
use relpub_model::evidence::{Carrier, Piece};
use relpub_model::plan::{EvidenceState, Presence, service_name};
use relpub_model::receipt::{Facts, Receipt};

use super::evidence;
use super::layout::{Cell, Labels, flow, paint, plain, table_rows, wrap};
use super::released::{destinations, there};
use super::standing::Standing;

/// Returns what a reading-back found: one line per destination, and everything
/// that differs, is missing or could not be told, with the reason where `against`
/// has one.
pub(crate) fn verified(
    facts: &Facts,
    against: &[Blocker],
    config: &Config,
    width: usize,
) -> String {
    let promotion = &facts.promotion;
    let mut carried = facts.evidence.iter().flat_map(|row| &row.carriers);
    let unknown = carried.any(|row| row.state == EvidenceState::Unknown)
        || facts
            .places
            .iter()
            .any(|it| it.presence == Presence::Unknown);
    let (style, word) = match (facts.complete, differs(facts), unknown) {
        (true, ..) => (paint::GOOD, "verified"),
        (_, false, true) => (paint::OPEN, "could not tell:"),
        _ => (paint::BAD, "differs:"),
    };
    let name = format!("{} {}", promotion.project, promotion.tag.version);
    let head = [
        format!("{} {}", paint::paint(style, word), plain(&name)),
        there(facts),
        "downloaded and compared".to_owned(),
    ];
    let mut out =
        flow(&head, "   ", width) + "\n" + &destinations(facts, None, Some(config), width);
    let mut list = Labels::new();
    list.line("evidence", evidence::summary(&facts.evidence));
    if !list.is_empty() {
        out.push('\n');
        out.push_str(&list.render(width));
    }
    let (found, why): (Vec<_>, Vec<_>) = findings(facts, against).into_iter().unzip();
    if !found.is_empty() {
        out.push('\n');
    }
    for (row, why) in table_rows(&found, 1, width).iter().zip(why) {
        out.push_str(row);
        let Some(Blocker {
            detail, way_out, ..
        }) = why
        else {
            continue;
        };
        let lines = [detail, way_out].into_iter().filter(|it| !it.is_empty());
        let lines = lines.flat_map(|text| wrap(text, width.saturating_sub(4)));
        out.extend(lines.map(|line| format!("    {line}\n")));
    }
    out
}

/// Tells whether anything is known to be other than promoted.
pub(crate) fn differs(facts: &Facts) -> bool {
    let fine = |presence: &Presence| matches!(presence, Presence::Same | Presence::Unknown);
    let known = facts
        .places
        .iter()
        .all(|it| it.presence != Presence::Unknown);
    let wrong = [
        EvidenceState::Absent,
        EvidenceState::Partial,
        EvidenceState::Staged,
        EvidenceState::Rejected,
    ];
    let mut carried = facts.evidence.iter().flat_map(|row| &row.carriers);
    facts.places.iter().any(|it| !fine(&it.presence))
        || carried.any(|row| wrong.contains(&row.state))
        || (known && facts.pointers.iter().any(|it| !it.settled))
        || facts
            .tag
            .as_ref()
            .is_some_and(|at| *at != facts.promotion.commit)
        || (known && facts.tag.is_none())
}

/// Something that is not as it should be, and why, where that is known.
type Finding<'a> = (Vec<Cell>, Option<&'a Blocker>);

fn finding(place: &str, thing: &str, (word, style): (&str, Style)) -> Vec<Cell> {
    let word = Cell::new(word).style(style);
    vec![Cell::new(place), Cell::new(thing), word]
}

/// Lists what is not as it should be.
fn findings<'a>(facts: &Facts, against: &'a [Blocker]) -> Vec<Finding<'a>> {
    let mut out: Vec<Finding<'a>> = Vec::new();
    let open = facts
        .places
        .iter()
        .filter(|it| it.presence != Presence::Same);
    out.extend(open.map(|place| {
        let service = service_name(&place.destination);
        let row = finding(service, place.name.as_str(), word(place.presence));
        (row, None)
    }));
    for row in &facts.evidence {
        for held in &row.carriers {
            if let Some(word) = evidence::state(held.state) {
                let cells = finding(&place(&held.carrier), &row.piece.to_string(), word);
                out.push((cells, reason(against, &row.piece, &held.carrier)));
            }
        }
    }
    let tag = &facts.promotion.tag.name;
    match &facts.tag {
        Some(at) if *at == facts.promotion.commit => {}
        Some(at) => {
            let promoted = facts.promotion.commit.short();
            let text = format!("at {}, promoted {promoted}", at.short());
            out.push((finding("tag", tag, (&text, paint::BAD)), None));
        }
        None => out.push((finding("tag", tag, ("not found", paint::BAD)), None)),
    }
    for pointer in facts.pointers.iter().filter(|it| !it.settled) {
        let at = pointer.at.as_deref().unwrap_or("nothing");
        let text = format!("points at {at}");
        let service = service_name(&pointer.destination);
        out.push((finding(service, "latest", (&text, paint::BAD)), None));
    }
    out
}

/// Returns what speaks against a piece of evidence at one carrier: a blocker
/// names the piece, and ends by naming the carrier.
fn reason<'a>(against: &'a [Blocker], piece: &Piece, carrier: &Carrier) -> Option<&'a Blocker> {
    let piece = piece.to_string();
    let place = match carrier {
        Carrier::Store => format!(" in {carrier}"),
        _ => format!(" at {}", place(carrier)),
    };
    against.iter().find(|it| {
        let rejected = it.thing == piece && it.reason.ends_with(&place);
        rejected || it.thing == format!("the {piece}{place}")
    })
}

/// Returns the name of what carries evidence, as short as that of a file's place.
fn place(carrier: &Carrier) -> String {
    let name = carrier.destination().map(service_name);
    name.map_or_else(|| carrier.to_string(), str::to_owned)
}

/// Returns the word for what consumers find of a file.
fn word(presence: Presence) -> (&'static str, Style) {
    match presence {
        Presence::Absent | Presence::Refused => ("missing", paint::BAD),
        Presence::Staged => ("not public", paint::BAD),
        Presence::Partial => ("incomplete", paint::BAD),
        Presence::Conflict => ("other bytes", paint::BAD),
        Presence::Withdrawn => ("withdrawn", paint::BAD),
        Presence::Unknown => ("could not be read", paint::OPEN),
        Presence::Same => ("same", paint::DIM),
    }
}

/// Returns where a release stands and what would happen next.
///
/// `command` spells a command for the same tag, given its verb.
pub(crate) fn status(
    receipt: &Receipt,
    facts: &Facts,
    config: &Config,
    command: impl Fn(&str) -> String,
    width: usize,
) -> String {
    let promotion = &facts.promotion;
    let name = format!("{} {}", promotion.project, promotion.tag.version);
    let (style, word) = if facts.complete {
        (paint::GOOD, "released")
    } else {
        (paint::OPEN, "not finished:")
    };
    let head = [
        format!("{} {}", paint::paint(style, word), plain(&name)),
        format!("tag {} at {}", promotion.tag, promotion.commit.short()),
        format!("promotion {}", facts.id.short()),
    ];
    let mut list = Labels::new();
    Standing::new(facts, Some(config)).describe(&mut list);
    let ended = receipt.history.ended.strftime("%Y-%m-%d %H:%M UTC");
    let step = receipt.history.done.last();
    let last_run = step.map_or_else(
        || format!("{ended}, with nothing to do"),
        |done| format!("{ended}, after {}", done.what),
    );
    list.line("last run", last_run);
    if config.digest != promotion.config {
        list.line(
            "note",
            "the configuration was changed since; a new run makes another promotion",
        );
    }
    list.line("next", next(facts, command));
    format!("{}\n{}", flow(&head, "   ", width), list.render(width))
}

fn next(facts: &Facts, command: impl Fn(&str) -> String) -> String {
    if facts.complete {
        return format!("nothing; {} downloads and compares", command("verify"));
    }
    let bad = |it: &Presence| {
        matches!(
            it,
            Presence::Conflict | Presence::Refused | Presence::Withdrawn
        )
    };
    if facts.places.iter().any(|it| bad(&it.presence)) {
        return format!("{} says what stands against it", command("plan"));
    }
    let promote = command("promote");
    format!("{promote} puts what is not yet there, and nothing twice")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use relpub_model::observed::Seen;
    use relpub_model::plan::against;

    use super::super::samples::{FILES, Sample, WIDTH, held, other, seen};
    use super::*;

    fn verify(sample: &Sample) -> String {
        let (facts, against) = (
            sample.facts(),
            against(&sample.promotion(), &sample.observed),
        );
        seen(&verified(&facts, &against, &sample.config, WIDTH))
    }

    fn stands(sample: &Sample) -> String {
        let facts = sample.facts();
        let command = |verb: &str| format!("relpub {verb} v1.2.0");
        seen(&status(
            &sample.receipt(),
            &facts,
            &sample.config,
            command,
            WIDTH,
        ))
    }

    #[test]
    fn everything_is_as_promoted() {
        let sample = Sample::new().released();
        assert!(!differs(&sample.facts()));
        assert_snapshot!(verify(&sample), @"
        verified slugs 1.2.0   7 of 7 there   downloaded and compared

          PyPI     slugs 1.2.0   2 wheels, 1 sdist
          GitHub   v1.2.0        4 files, latest
        ");
    }

    #[test]
    fn all_that_differs_is_listed() {
        let assets = [other(FILES[0]), held(FILES[1]), held(FILES[3])];
        let sample = Sample::new().released().published(&assets, "v1.1.0");
        assert!(differs(&sample.facts()));
        assert_snapshot!(verify(&sample), @"
        differs: slugs 1.2.0   5 of 7 there   downloaded and compared

          PyPI     slugs 1.2.0   2 wheels, 1 sdist
          GitHub   v1.2.0        2 of 4 the same, latest is v1.1.0

          GitHub   slugs-1.2.0-cp310-abi3-win_amd64.whl   other bytes
          GitHub   slugs-1.2.0.tar.gz                     missing
          GitHub   latest                                 points at v1.1.0
        ");
    }

    #[test]
    fn evidence_that_is_not_as_it_should_be_is_named() {
        let sample = Sample::new()
            .attested()
            .released()
            .seeing(|piece, carrier| match (piece, carrier) {
                (Piece::Signature { of }, _) if of.name == FILES[0] => {
                    Seen::Rejected("the certificate is of another workflow".to_owned())
                }
                (Piece::Sbom { of }, Carrier::Store) if of.name == FILES[1] => Seen::Absent,
                _ => Seen::Valid,
            });
        assert!(differs(&sample.facts()));
        assert_snapshot!(verify(&sample), @r#"
        differs: slugs 1.2.0   7 of 7 there   downloaded and compared

          PyPI     slugs 1.2.0   2 wheels, 1 sdist
          GitHub   v1.2.0        4 files, latest

          evidence  3 of 4 signatures, 4 SBOMs, promotion statement, 3 publish attestations

          GitHub                       signature of slugs-1.2.0-cp310-abi3-win_amd64.whl   does not verify
            the certificate is of another workflow
            Treat the release as tampered with until it is clear who put it there.
          GitHub's attestation store   SBOM of slugs-1.2.0-py3-none-any.whl                missing
        "#);
    }

    #[test]
    fn what_could_not_be_read_is_no_difference() {
        let sample = Sample::new().released().unreadable("pypi");
        assert!(!differs(&sample.facts()));
        assert_snapshot!(verify(&sample), @"
        could not tell: slugs 1.2.0   4 of 7 there   downloaded and compared

          PyPI     slugs 1.2.0   could not be read
          GitHub   v1.2.0        4 files, latest

          PyPI   slugs-1.2.0-cp310-abi3-win_amd64.whl   could not be read
          PyPI   slugs-1.2.0-py3-none-any.whl           could not be read
          PyPI   slugs-1.2.0.tar.gz                     could not be read
        ");
    }

    #[test]
    fn where_it_stopped_and_what_would_happen_next() {
        let sample = Sample::new()
            .on_index(&[held(FILES[0])])
            .in_draft(&[held(FILES[0]), held(FILES[3])]);
        assert_snapshot!(stands(&sample), @"
        not finished: slugs 1.2.0   tag v1.2.0 at 6e4ddaf1   promotion 0e37a225b813

          public    1 wheel on PyPI
          hidden    2 files in the draft on GitHub
          not yet   1 wheel, 1 sdist on PyPI · 2 files on GitHub · GitHub release v1.2.0 · GitHub latest
          last run  2026-11-20 12:04 UTC, after slugs-1.2.0-cp310-abi3-win_amd64.whl to PyPI
          next      relpub promote v1.2.0 puts what is not yet there, and nothing twice
        ");
    }

    #[test]
    fn evidence_is_counted_by_what_carries_it() {
        let sample = Sample::new()
            .attested()
            .on_index(&[held(FILES[0])])
            .in_draft(&FILES.map(held))
            .seeing(|piece, carrier| match (piece, carrier) {
                (Piece::Publish { of }, _) if of.name == FILES[0] => Seen::Valid,
                (Piece::Publish { .. }, _) | (_, Carrier::Store) => Seen::Absent,
                _ => Seen::Valid,
            });
        assert_snapshot!(stands(&sample), @"
        not finished: slugs 1.2.0   tag v1.2.0 at 6e4ddaf1   promotion aefbeb6a3b25

          public    1 wheel on PyPI · 1 piece of evidence at PyPI
          hidden    4 files in the draft on GitHub · 9 pieces of evidence at GitHub
          not yet   1 wheel, 1 sdist on PyPI · 5 pieces of evidence at GitHub's attestation store · 2 pieces
                    of evidence at PyPI · GitHub release v1.2.0 · GitHub latest
          last run  2026-11-20 12:04 UTC, after slugs-1.2.0-cp310-abi3-win_amd64.whl to PyPI
          next      relpub promote v1.2.0 puts what is not yet there, and nothing twice
        ");
    }

    #[test]
    fn a_finished_release_has_no_next_step() {
        assert_snapshot!(stands(&Sample::new().released()), @"
        released slugs 1.2.0   tag v1.2.0 at 6e4ddaf1   promotion 0e37a225b813

          public    2 wheels, 1 sdist on PyPI · 4 files on GitHub
          last run  2026-11-20 12:04 UTC, after slugs-1.2.0.tar.gz to PyPI
          next      nothing; relpub verify v1.2.0 downloads and compares
        ");
    }

    #[test]
    fn another_configuration_is_mentioned() {
        let mut sample = Sample::new();
        let facts = sample.facts();
        sample.config.digest = relpub_model::Sha256::of(b"another");
        let command = |verb: &str| format!("relpub {verb} v1.2.0");
        let screen = status(&sample.receipt(), &facts, &sample.config, command, WIDTH);
        assert!(screen.contains("the configuration was changed since"));
    }

    #[test]
    fn a_conflict_is_not_run_over() {
        let sample = Sample::new().on_index(&[other(FILES[0])]);
        assert_snapshot!(stands(&sample), @"
        not finished: slugs 1.2.0   tag v1.2.0 at 6e4ddaf1   promotion 0e37a225b813

          public    nothing
          not yet   1 wheel, 1 sdist on PyPI · 4 files on GitHub · GitHub release v1.2.0 · GitHub latest
          differs   1 wheel on PyPI
          last run  2026-11-20 12:04 UTC, with nothing to do
          next      relpub plan v1.2.0 says what stands against it
        ");
    }
}
