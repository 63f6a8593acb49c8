//! Processes in the background: started with a record, stopped by that record.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use reqwest::blocking::Client;
use rustix::process::{Signal, kill_process};

use crate::lab::{Lab, shipped};
use crate::process;

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long a server may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(5);
const GLANCE: Duration = Duration::from_millis(50);

/// The folder of a server that is being started.
pub(crate) struct Host<'a> {
    pub(super) lab: &'a Lab,
    /// Where its processes run, which is also how they are recognised.
    pub(super) folder: PathBuf,
    started: Vec<(String, Child)>,
    client: Client,
}

impl<'a> Host<'a> {
    pub(crate) fn new(lab: &'a Lab, folder: PathBuf) -> Self {
        let client = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(5))
            // The issuer's certificate is the lab's own; it is only asked whether it answers.
            .tls_danger_accept_invalid_certs(true)
            .build();
        Self {
            lab,
            folder,
            started: Vec::new(),
            client: client.expect("these options are always accepted"),
        }
    }

    /// Returns a path in the folder.
    pub(super) fn path(&self, relative: &str) -> PathBuf {
        self.folder.join(relative)
    }

    /// Returns an installed program, to be run in the folder.
    pub(super) fn tool(&self, program: &str) -> Result<Command> {
        let mut command = self.lab.tool(program, &self.folder)?;
        command.current_dir(&self.folder);
        Ok(command)
    }

    /// Returns a script of `tools/node`, to be run beside the packages that it imports.
    pub(super) fn script(&self, name: &str) -> Result<Command> {
        let path = self.lab.path(&format!("node/{name}"));
        fs::copy(shipped(&format!("node/{name}")), &path)?;
        let mut command = self.lab.node(&self.folder)?;
        command.arg(path);
        Ok(command)
    }

    /// Starts a process in the background and records it under `name`.
    pub(super) fn spawn(&mut self, name: &str, command: &mut Command) -> Result<()> {
        let log = File::create(self.path(&format!("{name}.log")))?;
        command
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stderr(log.try_clone()?)
            .stdout(log)
            .process_group(0);
        let child = command.spawn();
        let child = child.with_context(|| format!("could not start {name}"))?;
        fs::write(self.path(&format!("{name}.pid")), child.id().to_string())?;
        self.started.push((name.to_owned(), child));
        Ok(())
    }

    /// Waits until `url` answers, whatever it answers.
    pub(super) fn wait_for(&mut self, name: &str, url: &str) -> Result<()> {
        let client = self.client.clone();
        self.wait_until(name, || client.get(url).send().is_ok())
    }

    /// Waits until `url` answers with success.
    pub(super) fn wait_for_success(&mut self, name: &str, url: &str) -> Result<()> {
        let client = self.client.clone();
        self.wait_until(name, || {
            let answer = client.get(url).send();
            answer.is_ok_and(|it| it.status().is_success())
        })
    }

    /// Waits until `ready`, or until the process ends.
    pub(super) fn wait_until(&mut self, name: &str, mut ready: impl FnMut() -> bool) -> Result<()> {
        let log = self.path(&format!("{name}.log"));
        let mut started = self.started.iter_mut();
        let found = started.find(|(it, _)| it == name);
        let (_, child) = found.with_context(|| format!("{name} was not started"))?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if ready() {
                return Ok(());
            }
            if let Some(status) = child.try_wait()? {
                let said = fs::read_to_string(&log).unwrap_or_default();
                let lines: Vec<_> = said.lines().rev().take(5).collect();
                let said = lines.into_iter().rev().collect::<Vec<_>>().join("\n");
                bail!("{name} ended with {status}: {said}");
            }
            thread::sleep(GLANCE);
        }
        bail!(
            "{name} did not answer in {PATIENCE:?}, see {}",
            log.display()
        )
    }
}

/// Tells whether a process is recorded in the folder and all recorded ones run.
pub(super) fn all_run(folder: &Path) -> Result<bool> {
    let records = records(folder)?;
    Ok(!records.is_empty() && records.iter().all(|it| it.runs(folder)))
}

/// Stops the processes that are recorded in the folder.
pub(super) fn stop(folder: &Path) -> Result<()> {
    let records = records(folder)?;
    for record in records.iter().filter(|it| it.runs(folder)) {
        record.send(Signal::TERM);
    }
    let begun = Instant::now();
    for record in &records {
        while record.runs(folder) && begun.elapsed() < GRACE {
            thread::sleep(GLANCE);
        }
        if record.runs(folder) {
            record.send(Signal::KILL);
        }
        fs::remove_file(&record.path)?;
    }
    Ok(())
}

/// A recorded process.
struct Record {
    path: PathBuf,
    id: u32,
}

impl Record {
    /// Tells whether it still runs: the system may have given its id to another.
    ///
    /// A process of the lab works in its server's folder; one that has ended
    /// works nowhere.
    fn runs(&self, folder: &Path) -> bool {
        let works_in = fs::read_link(format!("/proc/{}/cwd", self.id));
        works_in.is_ok_and(|it| it == folder)
    }

    fn send(&self, signal: Signal) {
        if let Some(id) = process::pid(self.id) {
            // An error is a process that has just ended.
            let _ = kill_process(id, signal);
        }
    }
}

fn records(folder: &Path) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "pid") {
            let text = fs::read_to_string(&path)?;
            let id = text.trim().parse();
            let id = id.with_context(|| format!("{} holds no process id", path.display()))?;
            records.push(Record { path, id });
        }
    }
    Ok(records)
}
