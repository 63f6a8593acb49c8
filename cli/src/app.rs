//! What every command stands on: where it was started, how it is let in, and
//! what it writes to.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use relpub::{Config, Context, Endpoints, Environment, Event, Settings, SystemClock};
use relpub_model::production;
use tokio_util::sync::CancellationToken;

use crate::args::{CONFIG, Common};
use crate::console::Console;
use crate::env::Env;
use crate::explain::Error;
use crate::progress::Progress;
use crate::render::{github, human};

/// What a command is given besides its own arguments.
pub(crate) struct App {
    common: Common,
    pub(crate) env: Env,
    pub(crate) console: Console,
    pub(crate) cancel: CancellationToken,
}

impl App {
    /// Puts together what the command line and the environment say.
    pub(crate) fn new(common: Common, env: Env, cancel: CancellationToken) -> Self {
        Self {
            console: Console::new(&common, &env),
            common,
            env,
            cancel,
        }
    }

    /// Returns the folder that relpub is started in.
    pub(crate) fn root(&self) -> PathBuf {
        let folder = self.common.directory.clone();
        folder.unwrap_or_else(|| PathBuf::from("."))
    }

    /// Returns a path of the command line, which is relative to the folder that
    /// relpub is started in.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        match &self.common.directory {
            Some(folder) => folder.join(path),
            None => path.to_owned(),
        }
    }

    /// Reads a file of the command line.
    pub(crate) fn read(&self, path: &Path) -> Result<String, Error> {
        let path = self.path(path);
        fs::read_to_string(&path).map_err(|error| Error::reading(&path, error))
    }

    /// Reads the configuration.
    pub(crate) fn config(&self) -> Result<Config, Error> {
        let path = self.path(&self.common.config);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::Usage(format!(
                    "there is no {}; -C names the folder it is in, --config another file",
                    path.display()
                )));
            }
            Err(error) => return Err(Error::reading(&path, error)),
        };
        Ok(Config::parse(&path.display().to_string(), &text)?)
    }

    /// Reads the configuration, if there is one.
    pub(crate) fn config_if_any(&self) -> Result<Option<Config>, Error> {
        if self.path(&self.common.config).exists() {
            self.config().map(Some)
        } else {
            Ok(None)
        }
    }

    /// Returns where the outside is: production, or the world of a file.
    pub(crate) fn endpoints(&self, world: Option<&Path>) -> Result<Endpoints, Error> {
        let Some(path) = world else {
            return Ok(production::endpoints());
        };
        let json = self.read(path)?;
        let path = self.path(path);
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let read = Endpoints::from_world(&json).map_err(|error| Error::World(path, error));
        Ok(read?.relative_to(&folder))
    }

    /// Returns where downloads are kept, if the command line says so.
    pub(crate) fn given_cache(&self) -> Option<PathBuf> {
        self.common.cache.as_ref().map(|path| self.path(path))
    }

    /// Returns where downloads are kept.
    pub(crate) fn cache(&self) -> PathBuf {
        let usual = || self.env.cache.clone();
        self.given_cache()
            .or_else(usual)
            .unwrap_or_else(|| self.path(Path::new(".relpub/cache")))
    }

    /// Returns a command that means the same project where this one was typed.
    pub(crate) fn command(&self, verb: &str, rest: &[String]) -> String {
        let mut words = vec!["relpub".to_owned()];
        if let Some(folder) = &self.common.directory {
            words.extend(["-C".to_owned(), folder.display().to_string()]);
        }
        if self.common.config != Path::new(CONFIG) {
            words.extend([
                "--config".to_owned(),
                self.common.config.display().to_string(),
            ]);
        }
        words.push(verb.to_owned());
        words.extend_from_slice(rest);
        let words: Vec<String> = words.iter().map(|word| human::quoted(word)).collect();
        words.join(" ")
    }

    /// Opens what shows progress.
    pub(crate) fn progress(&self) -> Result<Progress, Error> {
        let file = self.common.events.as_ref().map(|path| self.path(path));
        Progress::new(&self.console, file.as_deref())
    }

    /// Makes the context of a command that works on a tag, in real time.
    pub(crate) fn context(
        &self,
        tag: &str,
        endpoints: Endpoints,
        progress: &Progress,
    ) -> Result<Context, Error> {
        let clock = Arc::new(SystemClock);
        let settings = Settings {
            root: self.root(),
            cache: self.cache(),
            endpoints,
            environment: self.environment(),
            source: None,
            events: progress.listener(clock.clone()),
            clock,
            cancel: self.cancel.clone(),
            tag: tag.to_owned(),
        };
        Ok(Context::new(settings)?)
    }

    /// Appends to the step's summary and outputs, where this is a step of GitHub
    /// Actions.
    pub(crate) fn report(&self, summary: &str, outputs: &[(&str, &str)]) -> Result<(), Error> {
        let Some(actions) = self.console.actions() else {
            return Ok(());
        };
        let append = |path: &Option<PathBuf>, text: &str| match path {
            Some(path) => github::append(path, text).map_err(|error| Error::writing(path, error)),
            None => Ok(()),
        };
        append(&actions.summary, summary)?;
        append(&actions.outputs, &github::outputs(outputs))
    }

    /// Returns the variables that credentials are taken from.
    pub(crate) fn environment(&self) -> Environment {
        self.env.variables.clone()
    }
}

/// Returns a path as a person would write it.
pub(crate) fn shown(path: &Path) -> String {
    let path = path.strip_prefix(".").unwrap_or(path);
    path.display().to_string()
}

/// Listens to nothing.
pub(crate) fn deaf() -> Arc<dyn Fn(Event) + Send + Sync> {
    Arc::new(|_| {})
}
