//! The process environment: the only place that reads it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use relpub::Environment;

/// What the process was started with.
#[derive(Clone)]
pub(crate) struct Env {
    /// The variables that credentials are taken from.
    pub(crate) variables: Environment,
    /// The files that a step of GitHub Actions reports to.
    pub(crate) actions: Option<Actions>,
    /// The width that the terminal's owner asks for.
    pub(crate) columns: Option<usize>,
    /// What a child process is let have.
    pub(crate) child: BTreeMap<&'static str, OsString>,
    /// Where programs keep what they can fetch again.
    pub(crate) cache: Option<PathBuf>,
}

/// Where a step of GitHub Actions reports to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Actions {
    /// The file that the step's summary is appended to.
    pub(crate) summary: Option<PathBuf>,
    /// The file that the step's outputs are appended to.
    pub(crate) outputs: Option<PathBuf>,
}

/// The variables that a child process is let have.
const FOR_CHILDREN: [&str; 5] = ["PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT"];

impl Env {
    /// Reads the environment of this process.
    pub(crate) fn read() -> Self {
        let text = |(name, value): (OsString, OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let variables = Environment::from_vars(std::env::vars_os().filter_map(text));
        let actions = (variables.plain("GITHUB_ACTIONS") == Some("true")).then(|| Actions {
            summary: path("GITHUB_STEP_SUMMARY"),
            outputs: path("GITHUB_OUTPUT"),
        });
        let columns = std::env::var("COLUMNS")
            .ok()
            .and_then(|text| text.parse().ok());
        let child = FOR_CHILDREN
            .into_iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?)))
            .collect();
        let folders = directories::ProjectDirs::from("", "", "relpub");
        Self {
            variables,
            actions,
            columns,
            child,
            cache: folders.map(|folders| folders.cache_dir().to_owned()),
        }
    }
}

fn path(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}
