//! The screens of `verify` and `status`: what is there now, read afresh.

use anstyle::Style;
use relpub_model::config::Config;
use relpub_model::plan::{Presence, service_name};
use relpub_model::receipt::{Facts, Receipt};

use super::layout::{Cell, Labels, flow, paint, plain, table};
use super::released::{destinations, there};
use super::standing::Standing;

/// Returns what a reading-back found: one line per destination, and everything
/// that differs, is missing or could not be told.
pub(crate) fn verified(facts: &Facts, config: &Config, width: usize) -> String {
    let promotion = &facts.promotion;
    let unknown = facts
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
    let mut out = flow(&head, "   ", width) + "\n" + &destinations(facts, None, Some(config));
    let found = findings(facts);
    if !found.is_empty() {
        out.push('\n');
        out.push_str(&table(&found));
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
    facts.places.iter().any(|it| !fine(&it.presence))
        || (known && facts.pointers.iter().any(|it| !it.settled))
        || facts
            .tag
            .as_ref()
            .is_some_and(|at| *at != facts.promotion.commit)
        || (known && facts.tag.is_none())
}

/// Lists what is not as it should be.
fn findings(facts: &Facts) -> Vec<Vec<Cell>> {
    let mut out = Vec::new();
    let mut add = |place: &str, thing: &str, (word, style): (&str, Style)| {
        out.push(vec![
            Cell::new(place),
            Cell::new(thing),
            Cell::new(word).style(style),
        ]);
    };
    let open = facts
        .places
        .iter()
        .filter(|it| it.presence != Presence::Same);
    for place in open {
        let service = service_name(&place.destination);
        add(service, place.name.as_str(), word(place.presence));
    }
    let tag = &facts.promotion.tag.name;
    match &facts.tag {
        Some(at) if *at == facts.promotion.commit => {}
        Some(at) => {
            let text = format!(
                "at {}, promoted {}",
                at.short(),
                facts.promotion.commit.short()
            );
            add("tag", tag, (&text, paint::BAD));
        }
        None => add("tag", tag, ("not found", paint::BAD)),
    }
    for pointer in facts.pointers.iter().filter(|it| !it.settled) {
        let at = pointer.at.as_deref().unwrap_or("nothing");
        let text = format!("points at {at}");
        add(
            service_name(&pointer.destination),
            "latest",
            (&text, paint::BAD),
        );
    }
    out
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
pub(crate) fn status(receipt: &Receipt, facts: &Facts, config: &Config, width: usize) -> String {
    let promotion = &facts.promotion;
    let name = format!("{} {}", promotion.project, promotion.tag.version);
    let (style, word) = if facts.complete {
        (paint::GOOD, "released")
    } else {
        (paint::OPEN, "not finished")
    };
    let head = [
        format!("{} {}", paint::paint(style, word), plain(&name)),
        format!("tag {} at {}", promotion.tag, promotion.commit.short()),
        format!("promotion {}", facts.id.short()),
    ];
    let mut list = Labels::new();
    Standing::new(facts, Some(config)).describe(&mut list);
    let ended = receipt.history.ended.strftime("%Y-%m-%d %H:%M UTC");
    let done = receipt.history.done.last();
    let last_run = done.map_or_else(
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
    list.line("next", next(facts));
    format!("{}\n{}", flow(&head, "   ", width), list.render(width))
}

fn next(facts: &Facts) -> String {
    let tag = &facts.promotion.tag;
    if facts.complete {
        return format!("nothing; relpub verify {tag} downloads and compares");
    }
    let bad = |it: &Presence| {
        matches!(
            it,
            Presence::Conflict | Presence::Refused | Presence::Withdrawn
        )
    };
    if facts.places.iter().any(|it| bad(&it.presence)) {
        return format!("relpub plan {tag} says what stands against it");
    }
    format!("relpub promote {tag} puts what is not yet there, and nothing twice")
}
