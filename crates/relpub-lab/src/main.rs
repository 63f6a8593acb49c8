//! The commands for developing relpub that are never shipped.
//!
//! They use what a hermetic test may not: real projects' files from PyPI, pip,
//! and relpub as a program of its own beside a sandbox that is another one.
#![expect(clippy::print_stdout, reason = "a command line program prints")]

mod bench;
mod checks;
mod digest;
mod http;
mod install;
mod interrupt;
mod lab;
mod local;
mod pip;
mod process;
mod project;
mod promote_real;
mod real_input;
mod relpub;
mod sandbox;
mod servers;
mod stack;
mod suites;
mod wheel;
mod world;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::lab::{Lab, Part};
use crate::project::Project;
use crate::suites::{Suite, Wanted};
use crate::world::World;

/// Commands for developing relpub.
#[derive(Parser)]
#[command(name = "relpub-lab", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install the lab's programs, each in its pinned version.
    Install {
        /// The parts [default: all]
        parts: Vec<Part>,
    },
    /// Start the lab's servers and leave them running.
    Up {
        /// The parts [default: all]
        parts: Vec<Part>,
    },
    /// Stop every server of the lab.
    Down,
    /// Try clients, servers and relpub against each other, and print who proved what.
    Test {
        /// The suites [default: all]
        suites: Vec<Suite>,
        /// Leave out what does not belong to these parts
        #[arg(long, value_name = "PART", value_delimiter = ',')]
        only: Vec<Part>,
        /// The `relpub` to run, instead of a debug build made first
        #[arg(long, value_name = "PATH")]
        bin: Option<PathBuf>,
        /// Write the matrix into the lab's README, if nothing failed
        #[arg(long)]
        readme: bool,
    },
    /// Download a real project's wheels and lay them out as a build job's bucket.
    RealInput {
        #[command(flatten)]
        input: Input,
    },
    /// Promote that bucket into sandboxes with a release build, and check it all.
    PromoteReal {
        #[command(flatten)]
        input: Input,
        /// The `relpub` to run, instead of a release build made first.
        #[arg(long, value_name = "PATH")]
        bin: Option<PathBuf>,
    },
    /// Let the PyPI of a running sandbox take files as large as the project's.
    RaiseLimit {
        /// The project.
        project: Project,
        /// The world file that the sandbox wrote.
        #[arg(long, value_name = "FILE")]
        world: PathBuf,
    },
}

/// Which input, and where it lies.
#[derive(clap::Args)]
struct Input {
    /// The project.
    project: Project,
    /// Where the bucket is laid out [default: target/real-input/PROJECT]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Input {
    fn folder(&self) -> PathBuf {
        let standard = || PathBuf::from("target/real-input").join(self.project.name());
        self.out.clone().unwrap_or_else(standard)
    }
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Install { parts } => {
            interrupt::watch(Lab::open()?, false)?;
            install::run(&Lab::open()?, &parts)
        }
        Command::Up { parts } => {
            interrupt::watch(Lab::open()?, true)?;
            servers::up(&Lab::open()?, &parts)
        }
        Command::Test {
            suites,
            only,
            bin,
            readme,
        } => {
            interrupt::watch(Lab::open()?, true)?;
            let wanted = Wanted {
                suites,
                only,
                binary: bin,
                readme,
            };
            suites::run(&Lab::open()?, &wanted)
        }
        Command::Down => servers::down(&Lab::open()?),
        Command::RealInput { input } => real_input::run(input.project, &input.folder()),
        Command::PromoteReal { input, bin } => {
            promote_real::run(input.project, &input.folder(), bin)
        }
        Command::RaiseLimit { project, world } => World::read(&world)?.raise_limit(project),
    }
}
