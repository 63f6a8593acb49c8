//! Where a promotion stands: what is public, what is hidden, what is not there
//! yet, counted from what the destinations hold.

use relpub_model::config::Config;
use relpub_model::name::{DestinationName, FileName};
use relpub_model::plan::{EvidenceState, Presence, service_name};
use relpub_model::receipt::{Facts, PlaceFact};

use super::evidence;
use super::layout::{Labels, paint};
use super::words::{self, plural};

/// What stands between two destinations.
const APART: &str = " · ";

/// Where a promotion stands, in words; empty where there is nothing to say.
pub(crate) struct Standing {
    public: String,
    hidden: String,
    not_yet: String,
    wrong: String,
    unknown: String,
}

impl Standing {
    /// Counts what the facts say of each place.
    pub(crate) fn new(facts: &Facts, config: Option<&Config>) -> Self {
        let counts = Counts { facts, config };
        let at = |presences: &[Presence], hidden| {
            counts.list(hidden, |place| presences.contains(&place.presence))
        };
        let held = |states: &[EvidenceState]| counts.evidence(states);
        let mut public = at(&[Presence::Same], false);
        public.extend(held(&[EvidenceState::Valid, EvidenceState::Superseded]));
        let mut hidden = at(&[Presence::Staged], true);
        hidden.extend(held(&[EvidenceState::Staged]));
        let mut not_yet = at(&[Presence::Absent, Presence::Partial], false);
        not_yet.extend(held(&[EvidenceState::Absent, EvidenceState::Partial]));
        not_yet.extend(counts.releases());
        not_yet.extend(counts.tag());
        not_yet.extend(counts.pointers());
        let wrong = [Presence::Conflict, Presence::Refused, Presence::Withdrawn];
        Self {
            public: or_nothing(&public),
            hidden: hidden.join(APART),
            not_yet: not_yet.join(APART),
            wrong: joined(at(&wrong, false), held(&[EvidenceState::Rejected])),
            unknown: joined(
                at(&[Presence::Unknown], false),
                held(&[EvidenceState::Unknown]),
            ),
        }
    }

    /// Adds one entry for each of them that there is something to say about.
    pub(crate) fn describe(&self, list: &mut Labels) {
        list.line("public", self.public.as_str());
        list.line("hidden", self.hidden.as_str());
        list.line("not yet", self.not_yet.as_str());
        if !self.wrong.is_empty() {
            list.entry("differs", paint::BAD, [self.wrong.as_str()]);
        }
        list.line("unknown", self.unknown.as_str());
    }
}

fn joined(mut files: Vec<String>, evidence: Vec<String>) -> String {
    files.extend(evidence);
    files.join(APART)
}

fn or_nothing(words: &[String]) -> String {
    if words.is_empty() {
        "nothing".to_owned()
    } else {
        words.join(APART)
    }
}

struct Counts<'a> {
    facts: &'a Facts,
    config: Option<&'a Config>,
}

impl Counts<'_> {
    /// Counts the places that fit, by destination.
    fn list(&self, hidden: bool, fits: impl Fn(&PlaceFact) -> bool) -> Vec<String> {
        let mut out = Vec::new();
        for destination in self.destinations() {
            let names: Vec<&FileName> = self
                .facts
                .places
                .iter()
                .filter(|place| place.destination == *destination && fits(place))
                .map(|place| &place.name)
                .collect();
            if names.is_empty() {
                continue;
            }
            let index = words::is_index(self.config, destination);
            let count = words::count_files(index, names);
            let service = service_name(destination);
            out.push(if hidden {
                format!("{count} in the draft on {service}")
            } else {
                format!("{count} on {service}")
            });
        }
        out
    }

    /// Counts the pieces of evidence that are in some state, by carrier.
    fn evidence(&self, states: &[EvidenceState]) -> Vec<String> {
        let one = |(place, count)| format!("{} of evidence at {place}", plural(count, "piece"));
        let held = evidence::held(self.facts, states);
        held.into_iter().map(one).collect()
    }

    fn destinations(&self) -> Vec<&DestinationName> {
        let mut out: Vec<&DestinationName> = Vec::new();
        for place in &self.facts.places {
            if !out.contains(&&place.destination) {
                out.push(&place.destination);
            }
        }
        out.sort_by_key(|name| !words::is_index(self.config, name));
        out
    }

    /// Names the releases of which nothing is public.
    fn releases(&self) -> Vec<String> {
        let hidden = |name: &&&DestinationName| {
            let mut places = self
                .facts
                .places
                .iter()
                .filter(|place| place.destination == ***name);
            places.all(|place| place.presence != Presence::Same)
        };
        let destinations = self.destinations();
        let releases = destinations
            .iter()
            .filter(|name| !words::is_index(self.config, name))
            .filter(hidden);
        let tag = &self.facts.promotion.tag;
        releases
            .map(|name| format!("{} release {tag}", service_name(name)))
            .collect()
    }

    fn tag(&self) -> Option<String> {
        let there = self.facts.tag.as_ref() == Some(&self.facts.promotion.commit);
        (!there).then(|| format!("tag {}", self.facts.promotion.tag))
    }

    fn pointers(&self) -> Vec<String> {
        let open = self
            .facts
            .pointers
            .iter()
            .filter(|pointer| !pointer.settled);
        open.map(|pointer| format!("{} latest", service_name(&pointer.destination)))
            .collect()
    }
}
