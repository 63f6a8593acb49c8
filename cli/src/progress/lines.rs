//! Plain lines: one when something begins to matter and one when it ends.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use relpub::Event;
use relpub_model::notes::size;
use relpub_model::plan::{Action, Phase, service_name};

use super::tally::Tally;
use crate::console::{self, Console};
use crate::render::github;
use crate::render::human::plural;

/// The size in bytes from which on it is said that a transfer begins.
const LARGE: u64 = 50_000_000;

/// Writes plain lines; groups them where GitHub Actions shows them.
pub(super) struct Lines {
    console: Console,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The transfers and readings that were announced.
    begun: BTreeSet<String>,
    tally: Tally,
    phase: Option<Phase>,
    group: bool,
}

impl Lines {
    pub(super) fn new(console: Console) -> Self {
        Self {
            console,
            state: Mutex::default(),
        }
    }

    pub(super) fn take(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if Tally::ends_with(event) {
            self.note(state.tally.lines());
        } else if let Event::Started {
            action: Action::Attach { .. },
        } = event
        {
            self.note(state.tally.signed());
        }
        let phase = state.phase;
        if let Event::Phase { phase } = event {
            state.phase = Some(*phase);
            Self::end_group(&mut state);
            self.begin(&mut state, name(*phase));
        } else if !state.tally.counts(event, phase) {
            self.note(line(event, &mut state.begun));
        }
    }

    /// What was counted until a run stopped is still worth a line.
    pub(super) fn finish(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.note(state.tally.lines());
        Self::end_group(&mut state);
    }

    fn note(&self, lines: impl IntoIterator<Item = String>) {
        for line in lines {
            self.console.note(&format!("  {line}\n"));
        }
    }

    fn begin(&self, state: &mut State, title: &str) {
        if self.console.actions().is_some() {
            console::command(&github::group(title));
            state.group = true;
        } else {
            self.console.note(&format!("{title}\n"));
        }
    }

    fn end_group(state: &mut State) {
        if std::mem::take(&mut state.group) {
            console::command(github::END_GROUP);
        }
    }
}

/// Returns the name of a phase, as the plan spells it.
pub(super) fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Stage => "stage",
        Phase::Publish => "publish",
        Phase::Confirm => "confirm",
        Phase::Point => "point",
        Phase::Record => "record",
    }
}

/// Returns what an event says, or `None` where it is not worth a line.
///
/// `begun` remembers what was announced: a destination is said to be read the
/// first time only, and a small file is not worth a line before it is public.
fn line(event: &Event, begun: &mut BTreeSet<String>) -> Option<String> {
    let mut announce = |what: String, bytes: u64| {
        (bytes >= LARGE && begun.insert(what.clone())).then(|| format!("{what}, {}", size(bytes)))
    };
    match event {
        Event::Resolved { artifacts, bytes } => Some(format!(
            "source: {}, {}",
            plural(*artifacts, "artifact"),
            size(*bytes)
        )),
        Event::Observed { destination } => {
            let line = format!("read {}", service_name(destination));
            begun.insert(line.clone()).then_some(line)
        }
        Event::Fetching { path, total, .. } => announce(format!("fetching {path}"), *total),
        Event::Fetched { path, bytes } => {
            (*bytes >= LARGE).then(|| format!("fetched {path}, {}", size(*bytes)))
        }
        Event::Sending {
            destination,
            name,
            total,
            ..
        } => announce(
            format!("sending {name} to {}", service_name(destination)),
            *total,
        ),
        Event::Finished { action, already } => {
            let word = if *already { "already there" } else { "done" };
            Some(format!("{word}: {action}"))
        }
        Event::Started {
            action: Action::Sign { .. },
        } => {
            let line = "signing".to_owned();
            begun.insert(line.clone()).then_some(line)
        }
        Event::Retrying { .. } | Event::Waiting { .. } => delay(event),
        Event::Phase { .. } | Event::Started { .. } => None,
    }
}

/// Returns why something takes longer.
pub(super) fn delay(event: &Event) -> Option<String> {
    match event {
        Event::Retrying {
            service,
            operation,
            attempt,
            at,
            reason,
        } => Some(format!(
            "{service}: could not {operation} (try {attempt}), again at {}: {}",
            at.strftime("%H:%M:%S UTC"),
            reason.for_terminal()
        )),
        Event::Waiting { what } => Some(format!("waiting for {what}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_written_when_something_begins_to_matter() {
        let mut begun = BTreeSet::new();
        let mut said = |event: &Event| line(event, &mut begun);
        let read = Event::Observed {
            destination: "pypi".parse().unwrap(),
        };
        let fetching = |done, total| Event::Fetching {
            path: "a.whl".parse().unwrap(),
            done,
            total,
        };
        assert_eq!(said(&read).as_deref(), Some("read PyPI"));
        assert_eq!(said(&read), None, "it is read again afterwards");
        assert_eq!(
            said(&fetching(0, 1_000)),
            None,
            "a small file is soon there"
        );
        let large = said(&fetching(0, LARGE));
        assert_eq!(large.as_deref(), Some("fetching a.whl, 50.0 MB"));
        assert_eq!(said(&fetching(LARGE / 2, LARGE)), None);
    }
}
