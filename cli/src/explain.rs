//! Explains errors: what a person reads, what a program reads, and the exit code.

use std::path::{Path, PathBuf};

use relpub_model::Exit;
use relpub_model::config::ConfigErrors;
use relpub_model::world::WorldError;

use crate::console::{self, Console};
use crate::render::github;
use crate::render::human::{paint, plain};
use crate::render::json::{Document, Problem, outcome};

/// Why a command ended without a result of its own.
#[derive(Debug)]
pub(crate) enum Error {
    /// The command line asks for something that cannot be.
    Usage(String),
    /// The configuration is wrong.
    Config(ConfigErrors),
    /// The world file is wrong.
    World(PathBuf, WorldError),
    /// The library ended before there was a plan.
    Library(relpub::Error),
    /// Nothing was changed, for a reason that a person decided.
    Declined,
    /// It cannot be told, for want of something on this machine.
    CouldNotTell(String),
    /// A file on this machine cannot be read or written.
    File(&'static str, PathBuf, std::io::Error),
    /// The private world could not be set up.
    Sandbox(std::io::Error),
}

impl From<relpub::Error> for Error {
    fn from(error: relpub::Error) -> Self {
        Self::Library(error)
    }
}

impl From<relpub::StateError> for Error {
    fn from(error: relpub::StateError) -> Self {
        Self::Library(error.into())
    }
}

impl From<ConfigErrors> for Error {
    fn from(errors: ConfigErrors) -> Self {
        Self::Config(errors)
    }
}

impl Error {
    /// Makes the error of a file that cannot be read.
    pub(crate) fn reading(path: &Path, error: std::io::Error) -> Self {
        Self::File("read", path.to_owned(), error)
    }

    /// Makes the error of a file that cannot be written.
    pub(crate) fn writing(path: &Path, error: std::io::Error) -> Self {
        Self::File("write", path.to_owned(), error)
    }

    /// Returns the exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::Config(_) | Self::World(..) | Self::File(..) => Exit::Usage,
            Self::Library(error) => error.exit(),
            Self::Declined => Exit::Blocked,
            Self::CouldNotTell(_) | Self::Sandbox(_) => Exit::Unknown,
        }
    }

    /// Tells the user, as the output is asked for.
    pub(crate) fn tell(&self, console: &Console) {
        if console.actions().is_some() {
            self.annotations()
                .iter()
                .for_each(|line| console::command(line));
        }
        console.note(&self.screen());
        let errors = self.problems();
        let document = Document::new(outcome(self.exit()), self.exit());
        console.document(&document.errors(&errors));
    }

    /// Returns what a person reads.
    pub(crate) fn screen(&self) -> String {
        let error = |text: &str| format!("{}: {text}\n", paint::paint(paint::BAD, "error"));
        if let Self::Config(errors) = self {
            let screens = errors.entries().iter();
            return screens.map(|one| error(&errors.screen(one))).collect();
        }
        let text = plain(&self.message());
        match (self, self.exit()) {
            (Self::Declined | Self::Library(relpub::Error::Cancelled), _) => format!("{text}\n"),
            (_, Exit::Usage | Exit::Bug) => error(&text),
            (_, Exit::Unknown) => verdict("could not tell", &text),
            (_, Exit::Rejected) => verdict("rejected", &text),
            _ => verdict("blocked", &text),
        }
    }

    /// Returns the error in one line.
    fn message(&self) -> String {
        match self {
            Self::Usage(text) | Self::CouldNotTell(text) => text.clone(),
            Self::Config(errors) => errors.to_string(),
            Self::World(path, error) => format!("{}: {error}", path.display()),
            Self::Library(error) => error.to_string(),
            Self::Declined => "declined, nothing was changed".to_owned(),
            Self::File(deed, path, error) => format!("cannot {deed} {}: {error}", path.display()),
            Self::Sandbox(error) => format!("the sandbox cannot be set up: {error}"),
        }
    }

    fn annotations(&self) -> Vec<String> {
        match self {
            Self::Config(errors) => github::annotations(errors),
            other => vec![github::annotation(&plain(&other.message()))],
        }
    }

    fn problems(&self) -> Vec<Problem> {
        let Self::Config(errors) = self else {
            return vec![Problem::new(self.message())];
        };
        let one = |error: &relpub_model::config::ConfigError| Problem {
            message: error.message.clone(),
            hint: error.hint.clone(),
            file: Some(errors.file().to_owned()),
            line: Some(error.line),
            column: Some(error.column),
        };
        errors.entries().iter().map(one).collect()
    }
}

/// Returns an outcome of a run that changed nothing.
fn verdict(word: &str, text: &str) -> String {
    let word = paint::paint(paint::BAD, word);
    format!("{word}: {text}\n\n  nothing was changed\n")
}

#[cfg(test)]
mod tests {
    use relpub_model::Config;

    use super::*;

    fn screen(error: &Error) -> String {
        anstream::adapter::strip_str(&error.screen()).to_string()
    }

    #[test]
    fn an_error_of_the_configuration_points_into_the_file() {
        let text = "repository = \"a/b\"\nsource = \"file:x\"\n\n[[artifacts]]\nfiles = \"a\"\ntoo = [\"pypi\"]\n";
        let error = Error::Config(Config::parse("relpub.toml", text).unwrap_err());
        assert_eq!(error.exit(), Exit::Usage);
        let screen = screen(&error);
        let expected = "error: unknown key `too` in [[artifacts]] number 1\n ┌ relpub.toml:6\n6│ too = [\"pypi\"]\n └ did you mean `to`?\n";
        assert!(screen.contains(expected), "{screen}");
    }

    #[test]
    fn what_could_not_be_told_is_no_error() {
        let error = Error::CouldNotTell("there is no receipt".to_owned());
        assert_eq!(error.exit(), Exit::Unknown);
        assert_eq!(
            screen(&error),
            "could not tell: there is no receipt\n\n  nothing was changed\n"
        );
    }
}
