//! The last screen of a promotion that ended well: the answer to "is it out?".

use std::collections::BTreeSet;

use relpub_model::Plan;
use relpub_model::config::Config;
use relpub_model::name::{DestinationName, FileName};
use relpub_model::plan::{Presence, service_name};
use relpub_model::receipt::{Facts, Receipt};

use super::layout::{Cell, Labels, flow, paint, plain, table};
use super::words;

/// What was public before the run: the places that held the same bytes already.
pub(crate) struct Before(BTreeSet<(DestinationName, FileName)>);

impl Before {
    /// Takes it from the plan that the run was made from.
    pub(crate) fn new(plan: &Plan) -> Self {
        let places = plan.rows.iter().flat_map(|row| {
            let same = row.presence.iter().filter(|(_, it)| **it == Presence::Same);
            same.map(|(name, _)| (name.clone(), row.name.clone()))
        });
        Self(places.collect())
    }
}

/// What a run leaves behind for those who come after it.
pub(crate) struct Left {
    /// Where the receipt was saved.
    pub(crate) receipt: String,
    /// The command that reads everything back.
    pub(crate) verify: String,
}

/// Returns the screen. A rehearsal leaves nothing behind, and its time is not
/// the real one.
pub(crate) fn released(
    receipt: &Receipt,
    before: &Before,
    config: &Config,
    left: Option<&Left>,
    width: usize,
) -> String {
    let facts = &receipt.facts;
    let promotion = &facts.promotion;
    let name = format!("{} {}", promotion.project, promotion.tag.version);
    let history = &receipt.history;
    let took = history.ended.duration_since(history.began);
    let mut head = vec![format!(
        "{} {}",
        paint::paint(paint::GOOD, "released"),
        plain(&name)
    )];
    head.extend(left.map(|_| words::duration(took)));
    head.push(format!("{}, digests equal", there(facts)));
    let mut out = flow(&head, "   ", width) + "\n";
    out.push_str(&destinations(facts, Some(before), Some(config)));
    let mut list = Labels::new();
    for waived in &promotion.waived {
        let text = format!("{} missing: \"{}\"", waived.missing, waived.because);
        list.line("waived", text);
    }
    if let Some(left) = left {
        list.line("verify", left.verify.as_str());
        list.line("receipt", left.receipt.as_str());
    }
    for follow_up in &config.follow_ups {
        list.line("by hand", follow_up.as_str());
    }
    if !list.is_empty() {
        out.push('\n');
        out.push_str(&list.render(width));
    }
    out
}

/// Says of how many places the same bytes were seen.
pub(crate) fn there(facts: &Facts) -> String {
    let same = facts
        .places
        .iter()
        .filter(|it| it.presence == Presence::Same);
    format!("{} of {} there", same.count(), facts.promotion.edges.len())
}

/// Returns one line per project at an index, and one per release.
///
/// `before` tells new files from those that were there already.
pub(crate) fn destinations(
    facts: &Facts,
    before: Option<&Before>,
    config: Option<&Config>,
) -> String {
    let rows: Vec<Vec<Cell>> = groups(facts, config)
        .into_iter()
        .map(|group| {
            let service = service_name(&group.destination);
            vec![
                Cell::new(format!("{service:<8}")).style(paint::STRONG),
                Cell::new(&group.what),
                Cell::new(group.files(facts, before)),
            ]
        })
        .collect();
    table(&rows)
}

/// What goes to one place under one heading: a project of an index, or a release.
struct Group {
    destination: DestinationName,
    what: String,
    index: bool,
    names: Vec<FileName>,
}

fn groups(facts: &Facts, config: Option<&Config>) -> Vec<Group> {
    let mut out: Vec<Group> = Vec::new();
    for place in &facts.places {
        let index = words::is_index(config, &place.destination);
        let project = words::project_of(&place.name).filter(|_| index);
        let what = project.map_or_else(
            || facts.promotion.tag.to_string(),
            |(name, version)| format!("{name} {version}"),
        );
        let same =
            |group: &&mut Group| group.destination == place.destination && group.what == what;
        match out.iter_mut().find(same) {
            Some(group) => group.names.push(place.name.clone()),
            None => out.push(Group {
                destination: place.destination.clone(),
                what,
                index,
                names: vec![place.name.clone()],
            }),
        }
    }
    out.sort_by_key(|group| !group.index);
    out
}

impl Group {
    /// Counts the files, and says where the pointer is that belongs to them.
    fn files(&self, facts: &Facts, before: Option<&Before>) -> String {
        let was_there = |name: &&FileName| before.is_some_and(|it| it.has(&self.destination, name));
        let (old, new): (Vec<_>, Vec<_>) = self.names.iter().partition(was_there);
        let mut parts = Vec::new();
        match (before, new.is_empty(), old.is_empty()) {
            (None, ..) => parts.push(self.seen(facts)),
            (_, true, _) => {
                parts.push(format!(
                    "{} already there",
                    words::count_files(self.index, old)
                ));
            }
            (_, false, true) => parts.push(format!("{} new", words::count_files(self.index, new))),
            (_, false, false) => {
                parts.push(format!("{} new", words::count_files(self.index, new)));
                parts.push(format!("{} already there", old.len()));
            }
        }
        parts.extend(self.pointer(facts));
        parts.join(", ")
    }

    /// Counts the files that are there, of all that should be.
    fn seen(&self, facts: &Facts) -> String {
        let is_there = |name: &&FileName| {
            facts.places.iter().any(|place| {
                place.destination == self.destination
                    && place.name == **name
                    && place.presence == Presence::Same
            })
        };
        let there = self.names.iter().filter(is_there).count();
        if there == self.names.len() {
            words::count_files(self.index, &self.names)
        } else {
            format!("{there} of {}", words::plural(self.names.len(), "file"))
        }
    }

    fn pointer(&self, facts: &Facts) -> Option<String> {
        let mut pointers = facts.pointers.iter();
        let pointer = pointers.find(|it| it.destination == self.destination)?;
        let at = pointer.at.as_ref()?;
        Some(if *at == facts.promotion.tag.name {
            "latest".to_owned()
        } else {
            format!("latest is {at}")
        })
    }
}

impl Before {
    fn has(&self, destination: &DestinationName, name: &FileName) -> bool {
        self.0.contains(&(destination.clone(), name.clone()))
    }
}
