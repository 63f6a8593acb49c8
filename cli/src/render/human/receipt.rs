//! The receipt as text: what was seen where at the end, and what the run did.

use relpub_model::notes::size;
use relpub_model::plan::service_name;
use relpub_model::receipt::{Facts, Receipt};

use super::layout::{Cell, Labels, flow, paint, plain, table};
use super::words;

/// Returns the receipt as text.
pub(crate) fn receipt(receipt: &Receipt, width: usize) -> String {
    let facts = &receipt.facts;
    let promotion = &facts.promotion;
    let (style, word) = if facts.complete {
        (paint::GOOD, "complete")
    } else {
        (paint::OPEN, "not finished")
    };
    let name = format!("{} {}", promotion.project, promotion.tag.version);
    let head = [
        paint::paint(paint::STRONG, &plain(&name)),
        paint::paint(style, word),
        format!("promotion {}", facts.id.short()),
    ];
    let mut out = flow(&head, "   ", width) + "\n";
    out.push_str(&about(facts).render(width));
    out.push('\n');
    out.push_str(&table(&places(facts)));
    out.push('\n');
    out.push_str(&history(receipt).render(width));
    out
}

fn about(facts: &Facts) -> Labels {
    let promotion = &facts.promotion;
    let mut list = Labels::new();
    list.line(
        "from",
        format!("{} at {}", promotion.repository.name, promotion.commit),
    );
    let tag = facts.tag.as_ref().map_or_else(
        || format!("{}, which was not found", promotion.tag),
        |at| format!("{} at {}", promotion.tag, at.short()),
    );
    list.line("tag", tag);
    for pointer in &facts.pointers {
        let service = service_name(&pointer.destination);
        let at = pointer.at.as_deref().unwrap_or("nothing");
        list.line("pointer", format!("{service} latest → {at}"));
    }
    for waived in &promotion.waived {
        list.line(
            "waived",
            format!("{} missing: \"{}\"", waived.missing, waived.because),
        );
    }
    if promotion.flags.world {
        list.line("world", "a private one, not production");
    }
    list
}

fn places(facts: &Facts) -> Vec<Vec<Cell>> {
    let heading = |text: &str| Cell::new(text).style(paint::DIM);
    let mut rows = vec![vec![
        heading("place"),
        heading("file"),
        heading("size").right(),
        heading("sha256"),
        heading("seen"),
    ]];
    for place in &facts.places {
        let (word, style) = words::presence(place.presence);
        let word = if word == "new" { "absent" } else { word };
        rows.push(vec![
            Cell::new(service_name(&place.destination)),
            Cell::new(place.name.as_str()),
            Cell::new(size(place.size)).right(),
            Cell::new(place.sha256.short()),
            Cell::new(word).style(style),
        ]);
    }
    rows
}

fn history(receipt: &Receipt) -> Labels {
    let history = &receipt.history;
    let took = words::duration(history.ended.duration_since(history.began));
    let began = history.began.strftime("%Y-%m-%d %H:%M:%S UTC");
    let mut list = Labels::new();
    list.line("run", format!("{began}, {took}, relpub {}", history.relpub));
    let done = history.done.iter();
    let done = done.map(|done| format!("{} {}", done.at.strftime("%H:%M:%S"), done.what));
    let done: Vec<String> = done.collect();
    if done.is_empty() {
        list.line("done", "nothing, everything was there already");
    } else {
        list.entry("done", anstyle::Style::new(), done);
    }
    for link in &history.links {
        list.line(
            "see",
            format!("{} {}", service_name(&link.destination), link.url),
        );
    }
    list
}
