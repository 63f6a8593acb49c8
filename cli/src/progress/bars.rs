//! Lines that are redrawn: one for what is fetched, one per destination.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use relpub::Event;
use relpub_model::name::DestinationName;
use relpub_model::plan::{Action, Pointer, service_name};

use super::lines::delay;

/// How often a line that waits is redrawn.
const TICK: Duration = Duration::from_millis(120);

/// The lines of a terminal.
#[derive(Default)]
pub(super) struct Bars {
    lines: MultiProgress,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bars: BTreeMap<String, Bar>,
    signing: Signing,
}

/// How many pieces of evidence were begun and signed.
#[derive(Default)]
struct Signing {
    begun: usize,
    done: usize,
}

/// One line, and the bytes it stands for: done and total, by file.
struct Bar {
    bar: ProgressBar,
    files: BTreeMap<String, (u64, u64)>,
}

impl Bars {
    pub(super) fn take(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Resolved { .. } | Event::Phase { .. } => {}
            Event::Observed { destination } => {
                self.bar(&mut state, service_name(destination)).say("read");
            }
            Event::Fetching { path, done, total } => {
                self.bar(&mut state, "source")
                    .transfer(path.as_str(), *done, *total);
            }
            Event::Fetched { path, bytes } => {
                self.bar(&mut state, "source")
                    .transfer(path.as_str(), *bytes, *bytes);
            }
            Event::Sending {
                destination,
                name,
                done,
                total,
            } => self
                .bar(&mut state, service_name(destination))
                .transfer(name, *done, *total),
            Event::Started {
                action: action @ Action::Sign { .. },
            } => {
                state.signing.begun += 1;
                self.signing(&mut state, &action.to_string());
            }
            Event::Finished {
                action: Action::Sign { .. },
                ..
            } => {
                state.signing.done += 1;
                self.signing(&mut state, "");
            }
            Event::Started { action } => {
                let name = destination(action).map_or("GitHub", service_name);
                self.bar(&mut state, name).say(&action.to_string());
            }
            Event::Finished { action, .. } => {
                let name = destination(action).map_or("GitHub", service_name);
                self.bar(&mut state, name).say("");
            }
            Event::Retrying { .. } | Event::Waiting { .. } => {
                if let Some(line) = delay(event) {
                    let _ = self.lines.println(format!("  {line}"));
                }
            }
        }
    }

    pub(super) fn finish(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for bar in std::mem::take(&mut state.bars).into_values() {
            bar.bar.finish_and_clear();
        }
        let _ = self.lines.clear();
    }

    /// Signing has a line of its own: it goes on beside the uploads.
    fn signing(&self, state: &mut State, what: &str) {
        let Signing { begun, done } = state.signing;
        let text = if begun == done {
            format!("{done} signed")
        } else {
            format!("{done} signed  {what}")
        };
        self.bar(state, "Sigstore").say(&text);
    }

    fn bar<'a>(&self, state: &'a mut State, name: &str) -> &'a mut Bar {
        state.bars.entry(name.to_owned()).or_insert_with(|| {
            let bar = ProgressBar::new(0)
                .with_style(style("  {prefix:<10} {spinner} {wide_msg}"))
                .with_prefix(name.to_owned());
            let bar = self.lines.add(bar);
            bar.enable_steady_tick(TICK);
            Bar {
                bar,
                files: BTreeMap::new(),
            }
        })
    }
}

impl Bar {
    fn say(&self, text: &str) {
        self.bar.set_message(text.to_owned());
    }

    fn transfer(&mut self, name: &str, done: u64, total: u64) {
        if self.files.is_empty() {
            self.bar.set_style(style(
                "  {prefix:<10} {bar:20} {decimal_bytes} of {decimal_total_bytes}, {eta} left  {wide_msg}",
            ));
        }
        self.files.insert(name.to_owned(), (done, total));
        let sum = |part: fn(&(u64, u64)) -> u64| self.files.values().map(part).sum();
        self.bar.set_length(sum(|it| it.1));
        self.bar.set_position(sum(|it| it.0));
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are written here")
}

fn destination(action: &Action) -> Option<&DestinationName> {
    match action {
        Action::Open { destination }
        | Action::Release { destination }
        | Action::Confirm { destination }
        | Action::Point {
            pointer: Pointer::Latest { destination, .. },
        } => Some(destination),
        Action::Stage { edge } | Action::Upload { edge } => Some(&edge.destination),
        Action::Attach { carrier, .. } => carrier.destination(),
        Action::Sign { .. } | Action::CreateTag => None,
    }
}
