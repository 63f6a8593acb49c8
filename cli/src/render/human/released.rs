//! The last screen of a promotion that ended well: the answer to "is it out?".

use std::collections::BTreeSet;

use relpub_model::Plan;
use relpub_model::config::Config;
use relpub_model::name::{DestinationName, FileName};
use relpub_model::plan::{Presence, service_name};
use relpub_model::receipt::{Facts, PlaceFact, Receipt};

use super::evidence;
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
    let took = receipt.history.ended.duration_since(receipt.history.began);
    let name = format!("{} {}", promotion.project, promotion.tag.version);
    let mut head = vec![format!(
        "{} {}",
        paint::paint(paint::GOOD, "released"),
        plain(&name)
    )];
    head.extend(left.map(|_| words::duration(took)));
    head.push(format!("{}, digests equal", there(facts)));
    let mut out = flow(&head, "   ", width) + "\n";
    out.push_str(&destinations(facts, Some(before), Some(config), width));
    let mut list = Labels::new();
    evidence::describe(facts, &receipt.history, &mut list);
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
    width: usize,
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
    table(&rows, 1, width)
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

    /// Counts the files that were seen to be the same, where some were not.
    fn seen(&self, facts: &Facts) -> String {
        let ours =
            |it: &&PlaceFact| it.destination == self.destination && self.names.contains(&it.name);
        let count = |presence| {
            let places = facts.places.iter().filter(ours);
            places.filter(|it| it.presence == presence).count()
        };
        let all = self.names.len();
        if count(Presence::Same) == all {
            words::count_files(self.index, &self.names)
        } else if count(Presence::Unknown) == all {
            "could not be read".to_owned()
        } else {
            format!("{} of {all} the same", count(Presence::Same))
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

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use relpub_model::evidence::Piece;
    use relpub_model::observed::Seen;

    use super::super::samples::{FILES, Sample, WIDTH, held, seen};
    use super::*;

    fn screen(before: &Sample, left: Option<&Left>) -> String {
        let after = Sample::new().released();
        let before = Before::new(&before.plan());
        seen(&released(
            &after.receipt(),
            &before,
            &after.config,
            left,
            WIDTH,
        ))
    }

    fn left() -> Left {
        Left {
            receipt: ".relpub/v1.2.0/receipt.json".to_owned(),
            verify: "relpub verify v1.2.0".to_owned(),
        }
    }

    #[test]
    fn new_files_stand_beside_those_that_were_there() {
        let before = Sample::new().on_index(&[held(FILES[1])]);
        assert_snapshot!(screen(&before, Some(&left())), @r#"
        released slugs 1.2.0   4 min 12 s   7 of 7 there, digests equal

          PyPI     slugs 1.2.0   1 wheel, 1 sdist new, 1 already there
          GitHub   v1.2.0        4 files new, latest

          waived    bin/aarch64-apple-darwin/slugs missing: "runner outage, 1.2.1 follows"
          verify    relpub verify v1.2.0
          receipt   .relpub/v1.2.0/receipt.json
          by hand   Tell the mailing list.
        "#);
    }

    #[test]
    fn evidence_and_what_is_owed_of_it_are_named() {
        let after = Sample::new()
            .attested()
            .released()
            .seeing(|piece, _| match piece {
                Piece::Publish { of } if of.name == FILES[1] => Seen::Absent,
                _ => Seen::Valid,
            });
        let before = Before::new(&Sample::new().plan());
        let screen = released(
            &after.receipt(),
            &before,
            &after.config,
            Some(&left()),
            WIDTH,
        );
        assert_snapshot!(seen(&screen), @r#"
        released slugs 1.2.0   4 min 12 s   7 of 7 there, digests equal

          PyPI     slugs 1.2.0   2 wheels, 1 sdist new
          GitHub   v1.2.0        4 files new, latest

          evidence  4 signatures, 4 SBOMs, promotion statement, 2 of 3 publish attestations
          owed      publish attestation of slugs-1.2.0-py3-none-any.whl is missing at PyPI for good; nowhere
                    else
          signed    as ada/slugs release.yml@v1.2.0
          log       9 entries in log2026.example.org, number 7001 to 7009
                    2 entries in rekor.example.org, number 7010 to 7011
          waived    bin/aarch64-apple-darwin/slugs missing: "runner outage, 1.2.1 follows"
          verify    relpub verify v1.2.0
          receipt   .relpub/v1.2.0/receipt.json
          by hand   Tell the mailing list.
        "#);
    }

    #[test]
    fn a_second_run_uploads_nothing() {
        assert_snapshot!(screen(&Sample::new().released(), Some(&left())), @r#"
        released slugs 1.2.0   4 min 12 s   7 of 7 there, digests equal

          PyPI     slugs 1.2.0   2 wheels, 1 sdist already there
          GitHub   v1.2.0        4 files already there, latest

          waived    bin/aarch64-apple-darwin/slugs missing: "runner outage, 1.2.1 follows"
          verify    relpub verify v1.2.0
          receipt   .relpub/v1.2.0/receipt.json
          by hand   Tell the mailing list.
        "#);
    }

    #[test]
    fn a_rehearsal_leaves_nothing_behind() {
        assert_snapshot!(screen(&Sample::new(), None), @r#"
        released slugs 1.2.0   7 of 7 there, digests equal

          PyPI     slugs 1.2.0   2 wheels, 1 sdist new
          GitHub   v1.2.0        4 files new, latest

          waived    bin/aarch64-apple-darwin/slugs missing: "runner outage, 1.2.1 follows"
          by hand   Tell the mailing list.
        "#);
    }
}
