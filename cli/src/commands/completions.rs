//! `relpub completions`: a script for a shell.

use clap::CommandFactory as _;
use clap_complete::Shell;
use relpub_model::Exit;

use crate::args::Args;
use crate::console;

/// Prints the script.
pub(super) fn run(shell: Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "relpub", &mut script);
    console::raw(&String::from_utf8_lossy(&script));
    Exit::Done
}
