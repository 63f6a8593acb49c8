//! Programs that are run to their end: with a time limit, and never left behind.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::interrupt;

/// How long a client may take: far longer than any does here.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// What a program did.
pub(crate) struct Finished {
    /// Whether it ended with exit code 0.
    pub(crate) success: bool,
    /// The exit code; `None` for one that was killed.
    pub(crate) code: Option<i32>,
    /// Everything that it printed, in order.
    pub(crate) output: String,
}

impl Finished {
    /// Returns the last line that speaks of an error, or else just the last, shortened.
    pub(crate) fn last_line(&self) -> String {
        let lines = || self.output.lines().rev().map(str::trim);
        let speaks = |line: &&str| line.contains("rror: ") || line.starts_with("ERROR");
        let line = lines().find(speaks);
        let line = line.or_else(|| lines().find(|line| !line.is_empty()));
        line.unwrap_or("no output").chars().take(300).collect()
    }
}

/// Runs a program to its end and returns what it printed.
pub(crate) fn run(command: &mut Command) -> Result<Finished> {
    let mut file = tempfile::tempfile()?;
    let status = run_into(command, &file, PATIENCE)?;
    file.rewind()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Finished {
        success: status.success(),
        code: status.code(),
        output: String::from_utf8_lossy(&bytes).into_owned(),
    })
}

/// Runs a program that must succeed, and returns what it printed.
pub(crate) fn succeed(command: &mut Command) -> Result<String> {
    let finished = run(command)?;
    if !finished.success {
        let program = command.get_program().display();
        bail!("{program} failed: {}", finished.output.trim());
    }
    Ok(finished.output)
}

/// Runs a program to its end, its output going to `file`.
///
/// It is a process group of its own, which is ended as a whole after `patience`.
pub(crate) fn run_into(
    command: &mut Command,
    file: &File,
    patience: Duration,
) -> Result<ExitStatus> {
    command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file.try_clone()?)
        .process_group(0);
    let program = command.get_program().display().to_string();
    let child = command.spawn();
    let mut group = Group(child.with_context(|| format!("could not run {program}"))?);
    interrupt::began(group.id());
    let begun = Instant::now();
    while begun.elapsed() < patience {
        if let Some(status) = group.0.try_wait()? {
            return Ok(status);
        }
        thread::sleep(Duration::from_millis(5));
    }
    bail!("{program} took longer than {patience:?}")
}

/// A child and everything that it started; dropping it ends what still runs.
struct Group(Child);

impl Group {
    fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        interrupt::ended(self.id());
        // A child that was waited for may have been succeeded by another process.
        if matches!(self.0.try_wait(), Ok(None)) {
            end_group(self.id());
            let _ = self.0.wait();
        }
    }
}

/// Ends a process group that this program made.
pub(crate) fn end_group(id: u32) {
    if let Some(id) = pid(id) {
        // An error is a group that has ended already.
        let _ = kill_process_group(id, Signal::KILL);
    }
}

/// Returns a process id as the system calls take it.
pub(crate) fn pid(id: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(id).ok()?)
}
