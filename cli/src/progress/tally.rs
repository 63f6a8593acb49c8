//! What is signed and attached, counted: one line for all of it.

use std::collections::BTreeMap;

use relpub::Event;
use relpub_model::evidence::{Carrier, Piece};
use relpub_model::plan::{Action, Phase, service_name};

use crate::render::human::counted;

/// What was signed and attached since the last line about it.
#[derive(Default)]
pub(super) struct Tally {
    signed: Vec<Piece>,
    /// By what carries them, and whether it did already.
    attached: BTreeMap<(String, bool), Vec<Piece>>,
}

impl Tally {
    /// Counts an event; `false` where it is about something else.
    pub(super) fn counts(&mut self, event: &Event, phase: Option<Phase>) -> bool {
        match event {
            Event::Finished {
                action: Action::Sign { piece },
                ..
            } => self.signed.push(piece.clone()),
            Event::Finished {
                action: Action::Attach { piece, carrier },
                already,
            } => {
                let place = place(carrier, phase);
                let pieces = self.attached.entry((place, *already)).or_default();
                pieces.push(piece.clone());
            }
            _ => return false,
        }
        true
    }

    /// Tells whether an event begins what comes after all that was counted:
    /// nothing becomes public before the evidence about it is attached.
    pub(super) fn ends_with(event: &Event) -> bool {
        matches!(
            event,
            Event::Phase { .. }
                | Event::Started {
                    action: Action::Upload { .. } | Action::Release { .. },
                }
        )
    }

    /// Takes out a line for what was signed, and one for each carrier.
    pub(super) fn lines(&mut self) -> Vec<String> {
        let mut out: Vec<String> = self.signed().into_iter().collect();
        for ((place, already), pieces) in std::mem::take(&mut self.attached) {
            let word = if already { "already there" } else { "done" };
            let what = counted(pieces.iter()).join(", ");
            out.push(format!("{word}: {what} {place}"));
        }
        out
    }

    /// Takes out the line for what was signed.
    pub(super) fn signed(&mut self) -> Option<String> {
        let signed = std::mem::take(&mut self.signed);
        let what = counted(signed.iter()).join(", ");
        (!what.is_empty()).then(|| format!("signed: {what}"))
    }
}

fn place(carrier: &Carrier, phase: Option<Phase>) -> String {
    match carrier.destination().map(service_name) {
        None => format!("to {carrier}"),
        Some(service) if phase == Some(Phase::Stage) => format!("into the draft at {service}"),
        Some(service) => format!("to {service}"),
    }
}

#[cfg(test)]
mod tests {
    use relpub_model::Sha256;
    use relpub_model::evidence::Subject;

    use super::*;

    fn signature(name: &str) -> Piece {
        Piece::Signature {
            of: Subject {
                name: name.to_owned(),
                sha256: Sha256::of(name.as_bytes()),
            },
        }
    }

    fn finished(action: Action) -> Event {
        Event::Finished {
            action,
            already: false,
        }
    }

    #[test]
    fn all_of_it_is_one_line_each() {
        let mut tally = Tally::default();
        let stage = Some(Phase::Stage);
        let pieces = [signature("a"), signature("b"), Piece::Promotion { part: 1 }];
        for piece in pieces.clone() {
            assert!(tally.counts(&finished(Action::Sign { piece }), stage));
        }
        for piece in pieces {
            let carrier = Carrier::Asset {
                destination: "github".parse().unwrap(),
                name: "x.sigstore.json".parse().unwrap(),
            };
            let action = Action::Attach { piece, carrier };
            assert!(tally.counts(&finished(action), stage));
        }
        let expected = [
            "signed: 2 signatures, promotion statement",
            "done: 2 signatures, promotion statement into the draft at GitHub",
        ];
        assert_eq!(tally.lines(), expected);
        assert_eq!(tally.lines(), Vec::<String>::new());
    }
}
