//! A standing sandbox: `relpub sandbox` as a process of its own.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::project::Project;
use crate::relpub;
use crate::world::{BUCKET, World};

/// How long a sandbox may take until it has copied its bucket.
const PATIENCE: Duration = Duration::from_mins(2);

/// A sandbox that runs; dropping it stops its process.
pub(crate) struct Sandbox {
    /// Its world.
    pub(crate) world: World,
    /// What a client of it needs in its environment.
    pub(crate) environment: Vec<(String, String)>,
    // Held: dropping it ends the process.
    _process: Process,
}

/// The process, which ends with this value.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // An error is a process that has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Sandbox {
    /// Starts a sandbox with its state in `data`, which does not exist yet.
    ///
    /// Its GitHub has the project's repository and commit, its bucket the files
    /// of the folder `bucket`, and its PyPI takes the project's large files. The
    /// log is empty when this returns.
    pub(crate) fn start(
        binary: &Path,
        project: Project,
        bucket: &Path,
        data: &Path,
    ) -> Result<Self> {
        fs::create_dir_all(data).with_context(|| format!("could not make {}", data.display()))?;
        let output = data.with_extension("log");
        let mut command = Command::new(binary);
        relpub::clean_environment(&mut command);
        command.arg("sandbox").arg("--data").arg(data);
        command.args(["--repository", project.repository()]);
        command.args(["--commit", project.commit()]);
        command.arg("--bucket");
        command.arg(format!("{BUCKET}={}", bucket.display()));
        relpub::write_to(&output, &mut command)?;
        let child = command.spawn().context("could not start relpub sandbox")?;
        let mut process = Process(child);
        let world = ready(&mut process, project, data, &output)?;
        world.raise_limit(project)?;
        world.clear_log()?;
        let environment = read_environment(&data.join("env"))?;
        Ok(Self {
            world,
            environment,
            _process: process,
        })
    }

    /// Returns a variable of the environment that its clients have.
    pub(crate) fn variable(&self, name: &str) -> Result<&str> {
        let mut variables = self.environment.iter();
        let found = variables.find(|(it, _)| it == name);
        let (_, value) = found.with_context(|| format!("the sandbox's env has no {name}"))?;
        Ok(value)
    }
}

/// Waits until the services answer and the bucket is complete.
fn ready(process: &mut Process, project: Project, data: &Path, output: &Path) -> Result<World> {
    let path = data.join("world.json");
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some(status) = process.0.try_wait()? {
            let said = fs::read_to_string(output).unwrap_or_default();
            bail!("relpub sandbox ended with {status}: {said}");
        }
        if let Ok(world) = World::read(&path)
            && world.has_build(project)
        {
            return Ok(world);
        }
        thread::sleep(Duration::from_millis(100));
    }
    bail!("relpub sandbox was not ready after {PATIENCE:?}")
}

/// Reads a file of `NAME='value'` lines, as sandboxes and the lab's servers write it.
pub(crate) fn read_environment(path: &Path) -> Result<Vec<(String, String)>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
    text.lines().map(read_variable).collect()
}

/// Reads `NAME='value'`, in which a quote is spelled `'\''`.
fn read_variable(line: &str) -> Result<(String, String)> {
    let variable = line.split_once('=').and_then(|(name, quoted)| {
        let value = quoted.strip_prefix('\'')?.strip_suffix('\'')?;
        Some((name.to_owned(), value.replace(r"'\''", "'")))
    });
    variable.with_context(|| format!("`{line}` is not NAME='value'"))
}

#[cfg(test)]
mod tests {
    use super::read_variable;

    #[test]
    fn a_quoted_value_is_read_as_a_shell_does() {
        let (name, value) = read_variable(r"TOKEN='a'\''b $c=d'").unwrap();
        assert_eq!((name.as_str(), value.as_str()), ("TOKEN", "a'b $c=d"));
        assert!(read_variable("TOKEN=bare").is_err());
    }
}
