//! Where output goes: the screen or the document to standard output, all else to
//! standard error.

use std::io::{self, IsTerminal as _, Write};

use anstream::{AutoStream, ColorChoice};
use serde::Serialize;

use crate::args::{Color, Common, Format};
use crate::env::{Actions, Env};
use crate::render::github;

/// The width of a screen where there is no terminal.
const WIDTH: usize = 120;

/// The narrowest screen that anything is laid out for.
const NARROWEST: usize = 40;

/// What a command writes to.
#[derive(Clone)]
pub(crate) struct Console {
    format: Format,
    color: ColorChoice,
    width: usize,
    actions: Option<Actions>,
}

impl Console {
    /// Works out what the output is, from the command line and the environment.
    pub(crate) fn new(common: &Common, env: &Env) -> Self {
        let terminal = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let on_terminal = io::stdout().is_terminal();
        let width = if on_terminal {
            env.columns.or_else(terminal).unwrap_or(WIDTH)
        } else {
            env.columns.unwrap_or(WIDTH)
        };
        Self {
            format: common.format,
            color: match common.color {
                Color::Auto => ColorChoice::Auto,
                Color::Always => ColorChoice::Always,
                Color::Never => ColorChoice::Never,
            },
            width: width.max(NARROWEST),
            actions: env.actions.clone(),
        }
    }

    /// Returns how many characters a line of a screen may have.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Tells whether the result is one JSON document instead of a screen.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Returns where a step of GitHub Actions reports to, if this is one.
    pub(crate) fn actions(&self) -> Option<&Actions> {
        self.actions.as_ref()
    }

    /// Tells whether a person is there to watch and to be asked.
    pub(crate) fn is_interactive(&self) -> bool {
        self.actions.is_none() && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Tells whether lines of progress can be redrawn.
    pub(crate) fn can_redraw(&self) -> bool {
        self.actions.is_none() && io::stderr().is_terminal()
    }

    /// Writes a screen to standard output, unless a document is asked for.
    pub(crate) fn screen(&self, text: &str) {
        if !self.is_json() {
            self.write(AutoStream::new(io::stdout(), self.color), text);
        }
    }

    /// Writes the document to standard output, if one is asked for.
    pub(crate) fn document(&self, value: &impl Serialize) {
        if self.is_json() {
            json(value);
        }
    }

    /// Writes a screen to standard error.
    pub(crate) fn note(&self, text: &str) {
        self.write(AutoStream::new(io::stderr(), self.color), text);
    }

    fn write(&self, mut stream: impl Write, text: &str) {
        let text = if self.actions.is_some() {
            github::without_commands(text)
        } else {
            text.to_owned()
        };
        let _ = stream.write_all(text.as_bytes());
        let _ = stream.flush();
    }
}

/// Writes JSON to standard output.
pub(crate) fn json(value: &impl Serialize) {
    let text = serde_json::to_string_pretty(value).expect("its keys are texts");
    raw(&format!("{text}\n"));
}

/// Writes text to standard output as it is.
pub(crate) fn raw(text: &str) {
    let mut stdout = io::stdout().lock();
    // Whoever closed the pipe has read enough.
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
}

/// Writes a command to GitHub Actions, which reads them on standard error too.
pub(crate) fn command(command: &str) {
    let _ = writeln!(io::stderr(), "{command}");
}
