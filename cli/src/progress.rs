//! Progress: what happens, as lines that are redrawn on a terminal and as plain
//! lines elsewhere. It goes to standard error, and to a file if one is asked for.

mod bars;
mod lines;
mod tally;

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use relpub::{Clock, Event};
use serde::Serialize;

use self::bars::Bars;
use self::lines::Lines;
use crate::console::Console;
use crate::explain::Error;

/// Who is told of every event.
#[derive(Clone)]
pub(crate) struct Progress {
    shown: Arc<Shown>,
    file: Option<Arc<Mutex<File>>>,
}

enum Shown {
    Bars(Bars),
    Lines(Lines),
}

/// One line of the file of events.
#[derive(Serialize)]
struct Entry<'a> {
    at: Timestamp,
    #[serde(flatten)]
    event: &'a Event,
}

impl Progress {
    /// Opens the file of events, if one is asked for, and shows the rest as the
    /// console can.
    pub(crate) fn new(console: &Console, file: Option<&Path>) -> Result<Self, Error> {
        let open = |path: &Path| File::create(path).map_err(|error| Error::writing(path, error));
        let shown = if console.can_redraw() {
            Shown::Bars(Bars::default())
        } else {
            Shown::Lines(Lines::new(console.clone()))
        };
        Ok(Self {
            shown: Arc::new(shown),
            file: file
                .map(open)
                .transpose()?
                .map(|file| Arc::new(Mutex::new(file))),
        })
    }

    /// Returns what the library tells its events.
    pub(crate) fn listener(&self, clock: Arc<dyn Clock>) -> Arc<dyn Fn(Event) + Send + Sync> {
        let progress = self.clone();
        Arc::new(move |event| progress.take(&event, clock.now()))
    }

    /// Ends what is being shown, before a screen or a question.
    pub(crate) fn finish(&self) {
        match &*self.shown {
            Shown::Bars(bars) => bars.finish(),
            Shown::Lines(lines) => lines.finish(),
        }
    }

    fn take(&self, event: &Event, at: Timestamp) {
        if let Some(file) = &self.file {
            let mut line = serde_json::to_vec(&Entry { at, event }).unwrap_or_default();
            line.push(b'\n');
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            // A full disk must not stop a release that is under way.
            let _ = file.write_all(&line);
        }
        match &*self.shown {
            Shown::Bars(bars) => bars.take(event),
            Shown::Lines(lines) => lines.take(event),
        }
    }
}
