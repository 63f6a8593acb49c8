//! The test suites: who is tried against whom.

mod clients;
mod evidence;
mod promotions;
mod pypi;
mod referees;
mod registries;
mod release;
mod signing;

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::Result;
use clap::ValueEnum;

use crate::bench::Bench;
use crate::lab::{Lab, Part};
use crate::process;

/// A suite of tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Suite {
    /// Independent clients against relpub's sandbox.
    Clients,
    /// relpub against real servers, and independent verifiers on what it made.
    Relpub,
    /// Independent clients against the real servers: who judges the judges.
    Servers,
}

/// What `test` was asked for.
pub(crate) struct Wanted {
    /// The suites; none means all.
    pub(crate) suites: Vec<Suite>,
    /// The parts; none means all.
    pub(crate) only: Vec<Part>,
    /// The `relpub` to run, instead of a build made first.
    pub(crate) binary: Option<PathBuf>,
    /// Whether the matrix goes into the README.
    pub(crate) readme: bool,
}

/// `test`: runs the suites and prints the matrix.
pub(crate) fn run(lab: &Lab, wanted: &Wanted) -> Result<()> {
    let _lock = lab.lock()?;
    let mut bench = Bench::new(lab, &wanted.only)?;
    let begun = Instant::now();
    let all = Suite::value_variants().iter();
    let chosen = all.filter(|it| wanted.suites.is_empty() || wanted.suites.contains(it));
    for suite in chosen {
        let ran = match suite {
            Suite::Clients => clients::run(&mut bench),
            Suite::Relpub => promotions::run(&mut bench, wanted.binary.as_deref()),
            Suite::Servers => referees::run(&mut bench),
        };
        if let Err(error) = ran {
            bench.broke(&format!("{suite:?}").to_lowercase(), &error);
        }
    }
    println!("\ntook {:.0} s", begun.elapsed().as_secs_f64());
    let verdict = bench.finish();
    if wanted.readme && verdict.is_ok() {
        let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
        bench.write_into(readme.as_ref())?;
        println!("written to {readme}");
    }
    verdict
}

/// Writes a tiny wheel of `relpub-lab-demo` and returns its path.
///
/// Wheels of the same version with different words have different bytes.
fn wheel(bench: &Bench<'_>, folder: &str, word: &str) -> Result<PathBuf> {
    let folder = bench.folder(folder)?;
    let mut command: Command = bench.python("wheel.py")?;
    command.arg(folder).args([PROJECT, VERSION, word]);
    Ok(PathBuf::from(process::succeed(&mut command)?.trim()))
}

/// The project of the wheels that clients upload.
const PROJECT: &str = "relpub-lab-demo";
/// Their version.
const VERSION: &str = "1.0";
