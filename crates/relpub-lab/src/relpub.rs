//! relpub as a program: built for release, run, and watched while it runs.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::project::Project;
use crate::sandbox::Sandbox;
use crate::world::BUCKET;

/// How often the memory of a running process is looked at.
const GLANCE: Duration = Duration::from_millis(10);

/// How relpub is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As a user has it, where time and memory count.
    Release,
    /// Quickly.
    Debug,
}

/// Builds the binary and returns where it is.
pub(crate) fn build(profile: Profile) -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        executable: Option<PathBuf>,
    }
    println!("building relpub");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--locked", "-p", "relpub-cli"]);
    if profile == Profile::Release {
        command.arg("--release");
    }
    command.args(["--quiet", "--message-format", "json-render-diagnostics"]);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .context("could not run cargo")?;
    ensure!(output.status.success(), "relpub does not build");
    let text = String::from_utf8(output.stdout)?;
    let messages = text.lines().map(serde_json::from_str::<Message>);
    let mut executables = messages.filter_map(|message| message.ok()?.executable);
    executables.next_back().context("cargo built no executable")
}

/// One promotion to run.
pub(crate) struct Promote<'a> {
    /// The program.
    pub(crate) binary: &'a Path,
    /// What is promoted.
    pub(crate) project: Project,
    /// The world that it goes to, and whose bucket it comes from.
    pub(crate) sandbox: &'a Sandbox,
    /// The folder with `relpub.toml`, which relpub keeps its state in.
    pub(crate) folder: &'a Path,
}

/// How a run of relpub ended.
pub(crate) struct Run {
    pub(crate) status: ExitStatus,
    pub(crate) took: Duration,
    /// The most memory that it had in use, in KiB, where the system tells it.
    pub(crate) peak: Option<u64>,
    /// Everything that it printed.
    pub(crate) output: String,
}

impl Promote<'_> {
    /// Runs it to its end.
    pub(crate) fn run(&self) -> Result<Run> {
        let project = self.project;
        let mut command = Command::new(self.binary);
        clean_environment(&mut command);
        command.envs(self.sandbox.environment.iter().map(|(a, b)| (a, b)));
        command.arg("-C").arg(self.folder);
        command.arg("--cache").arg(self.folder.join("cache"));
        command.arg("promote").arg(project.tag());
        command.args(["--commit", project.commit(), "--yes", "--world"]);
        command.arg(&self.sandbox.world.path);
        command.args(["--from", &format!("s3://{BUCKET}/{}", project.prefix())]);
        watch(command, &self.folder.join("output"))
    }
}

/// Runs `command`, its output going to the file `output`.
fn watch(mut command: Command, output: &Path) -> Result<Run> {
    write_to(output, &mut command)?;
    let begun = Instant::now();
    let mut child = command.spawn().context("could not start relpub")?;
    let mut peak = None;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        // It never falls, so the last one seen is the highest.
        peak = peak_memory(child.id()).or(peak);
        thread::sleep(GLANCE);
    };
    Ok(Run {
        status,
        took: begun.elapsed(),
        peak,
        output: fs::read_to_string(output)?,
    })
}

/// Lets a command read nothing and write everything to one new file, in order.
pub(crate) fn write_to(output: &Path, command: &mut Command) -> Result<()> {
    let file =
        File::create(output).with_context(|| format!("could not write {}", output.display()))?;
    command
        .stdin(Stdio::null())
        .stderr(file.try_clone()?)
        .stdout(file);
    Ok(())
}

/// Returns `VmHWM` of a process in KiB: the most memory it has had in use.
///
/// It is `None` where there is no `/proc`, and for a process that has ended.
fn peak_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let value = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    value.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Lets a process have nothing of this environment that relpub might use.
///
/// Credentials, proxies and what a CI job says about itself stay outside.
pub(crate) fn clean_environment(command: &mut Command) {
    const KEPT: [&str; 5] = ["PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT"];
    command.env_clear();
    command.envs(
        KEPT.into_iter()
            .filter_map(|name| Some((name, env::var_os(name)?))),
    );
}
