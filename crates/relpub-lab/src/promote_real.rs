//! `promote-real`: the acceptance run with a real project's wheels.
//!
//! relpub and each sandbox are processes of their own. What was published is
//! judged from outside: by pip, by plain downloads, by the sandbox's log.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::checks::{self, Checks};
use crate::digest::sha256_of;
use crate::pip::{self, Index};
use crate::project::Project;
use crate::real_input;
use crate::relpub::{self, Profile, Promote, Run};
use crate::sandbox::Sandbox;
use crate::wheel;
use crate::world::{Asset, Request};

/// The most memory that relpub may use, in KiB.
const MEMORY: u64 = 64 * 1024;

/// Runs everything; an error is a check that failed, or a step that could not be made.
pub(crate) fn run(project: Project, input: &Path, binary: Option<PathBuf>) -> Result<()> {
    real_input::prepare(project, input)?;
    let binary = binary.map_or_else(|| relpub::build(Profile::Release), Ok)?;
    let scratch = tempfile::tempdir_in(input)?;
    let mut acceptance = Acceptance {
        project,
        binary: fs::canonicalize(binary).context("there is no such relpub")?,
        input: fs::canonicalize(input)?,
        scratch: fs::canonicalize(scratch.path())?,
        checks: Checks::default(),
    };
    acceptance.promote()?;
    acceptance.refuse_changed_byte()?;
    acceptance.refuse_taken_name()?;
    acceptance.checks.finish()
}

/// One acceptance run.
struct Acceptance {
    project: Project,
    binary: PathBuf,
    /// What `real-input` laid out.
    input: PathBuf,
    /// A folder on the same file system that goes at the end.
    scratch: PathBuf,
    checks: Checks,
}

impl Acceptance {
    /// Promotes, looks at the result, and promotes again, twice.
    fn promote(&mut self) -> Result<()> {
        let sandbox = self.sandbox("straight", &self.input.join("bucket"))?;
        let folder = self.working_folder("here")?;
        checks::part("promote into a standing sandbox");
        let run = self.relpub(&sandbox, &folder)?;
        self.expect_exit(&run, 0);
        self.expect_memory(&run);
        self.expect_pypi(&sandbox)?;
        self.expect_github(&sandbox)?;

        checks::part("promote again");
        self.promote_again(&sandbox, &folder)?;
        checks::part("promote again from a folder that knows nothing");
        let folder = self.working_folder("elsewhere")?;
        self.promote_again(&sandbox, &folder)
    }

    /// Expects that a finished promotion sends nothing and fetches nothing.
    fn promote_again(&mut self, sandbox: &Sandbox, folder: &Path) -> Result<()> {
        sandbox.world.clear_log()?;
        let run = self.relpub(sandbox, folder)?;
        self.expect_exit(&run, 0);
        self.expect_no_mutation(sandbox)?;
        let log = sandbox.world.log()?;
        let release = sandbox.world.release(self.project)?;
        let assets = release.map(|it| it.assets).unwrap_or_default();
        let evidence = assets.iter().filter(|asset| asset.is_evidence());
        let evidence: Vec<String> = evidence.flat_map(Asset::ends).collect();
        let fetched = log.iter().filter(|it| it.fetches_artifact(&evidence));
        let fetched: Vec<String> = fetched.map(Request::summary).collect();
        self.checks.none("no artifact was fetched", &fetched);
        Ok(())
    }

    /// Promotes a bucket in which one byte of a wheel is another.
    fn refuse_changed_byte(&mut self) -> Result<()> {
        checks::part("one byte of a source wheel changed");
        let bucket = self.spoiled_bucket()?;
        let sandbox = self.sandbox("spoiled", &bucket)?;
        let folder = self.working_folder("spoiled-here")?;
        let run = self.relpub(&sandbox, &folder)?;
        self.expect_exit(&run, 4);
        self.expect_no_mutation(&sandbox)?;
        self.expect_nothing_released(&sandbox)
    }

    /// Promotes when PyPI has another file under the name of a wheel.
    fn refuse_taken_name(&mut self) -> Result<()> {
        checks::part("another file under a wheel's name on PyPI");
        let sandbox = self.sandbox("taken", &self.input.join("bucket"))?;
        let taken = &self.project.wheels()[0];
        let bytes = wheel::other_bytes(taken)?;
        let version = self.project.version();
        let user = sandbox.variable("PYPI_TOKEN")?;
        sandbox.world.upload(taken, version, bytes, user)?;
        sandbox.world.clear_log()?;
        let folder = self.working_folder("taken-here")?;
        let run = self.relpub(&sandbox, &folder)?;
        self.expect_exit(&run, 3);
        self.expect_no_mutation(&sandbox)?;
        self.expect_nothing_released(&sandbox)
    }

    fn sandbox(&self, name: &str, bucket: &Path) -> Result<Sandbox> {
        let data = self.scratch.join(format!("{name}-world"));
        Sandbox::start(&self.binary, self.project, bucket, &data)
    }

    /// Makes a folder to run relpub in, with nothing but the configuration.
    fn working_folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.scratch.join(name);
        fs::create_dir(&folder)?;
        fs::copy(self.input.join("relpub.toml"), folder.join("relpub.toml"))?;
        Ok(folder)
    }

    /// Makes a bucket of links to the input, but for one wheel that is spoiled.
    fn spoiled_bucket(&self) -> Result<PathBuf> {
        let bucket = self.scratch.join("spoiled-bucket");
        let from = self.input.join("bucket").join(self.project.prefix());
        let to = bucket.join(self.project.prefix());
        fs::create_dir_all(to.join("wheels"))?;
        fs::hard_link(from.join("manifest.json"), to.join("manifest.json"))?;
        for (number, wheel) in self.project.wheels().iter().enumerate() {
            let (from, to) = (from.join("wheels"), to.join("wheels"));
            let (from, to) = (from.join(wheel.file), to.join(wheel.file));
            if number == 0 {
                let mut bytes = fs::read(&from)?;
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                fs::write(&to, bytes)?;
            } else {
                fs::hard_link(&from, &to)?;
            }
        }
        Ok(bucket)
    }

    /// Runs relpub and prints what it printed, set in.
    fn relpub(&self, sandbox: &Sandbox, folder: &Path) -> Result<Run> {
        let promote = Promote {
            binary: &self.binary,
            project: self.project,
            sandbox,
            folder,
        };
        let run = promote.run()?;
        for line in run.output.lines() {
            println!("  |     {line}");
        }
        Ok(run)
    }

    fn expect_exit(&mut self, run: &Run, code: i32) {
        let what = format!("exit code {code} after {:.1} s", run.took.as_secs_f64());
        let found = run.status.code();
        self.checks.equal(what, &found, &Some(code));
    }

    fn expect_memory(&mut self, run: &Run) {
        let Some(peak) = run.peak else {
            println!("  --    peak memory: not known on this system");
            return;
        };
        #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
        let shown = peak as f64 / 1024.0;
        let what = format!("peak memory (VmHWM) {shown:.1} MiB, which is under 64 MiB");
        self.checks.equal(what, &(peak < MEMORY), &true);
    }

    /// Expects every wheel to be what pip downloads.
    fn expect_pypi(&mut self, sandbox: &Sandbox) -> Result<()> {
        let index = Index::At(sandbox.world.simple_index()?);
        let mut projects = BTreeSet::new();
        for wheel in self.project.wheels() {
            let folder = tempfile::tempdir_in(&self.scratch)?;
            let what = format!("PyPI: pip downloads {}", wheel.file);
            match pip::download(wheel, self.project.version(), index, folder.path()) {
                Ok(path) => {
                    self.checks
                        .equal(what, &sha256_of(&path)?.as_str(), &wheel.sha256);
                    projects.insert(wheel.project);
                }
                Err(error) => self.checks.fail(what, error),
            }
        }
        let wanted: BTreeSet<_> = self.project.wheels().iter().map(|it| it.project).collect();
        let what = format!("PyPI: {} in one run", count(wanted.len(), "project"));
        self.checks.equal(what, &projects, &wanted);
        Ok(())
    }

    /// Expects a published release with exactly the wheels.
    fn expect_github(&mut self, sandbox: &Sandbox) -> Result<()> {
        let Some(release) = sandbox.world.release(self.project)? else {
            self.checks
                .fail("GitHub: the release is public", "there is none");
            return Ok(());
        };
        self.checks
            .equal("GitHub: the release is public", &release.draft, &false);
        let found: BTreeSet<_> = release.assets.iter().map(|it| it.name.clone()).collect();
        let mut wanted = BTreeSet::from(["promotion.sigstore.json".to_owned()]);
        for wheel in self.project.wheels() {
            let file = wheel.file;
            wanted.extend(
                ["", ".sigstore.json", ".sbom.sigstore.json"].map(|it| format!("{file}{it}")),
            );
        }
        self.checks.equal(
            "GitHub: its files are the wheels and their evidence",
            &found,
            &wanted,
        );
        for asset in &release.assets {
            let mut wheels = self.project.wheels().iter();
            if let Some(wheel) = wheels.find(|wheel| wheel.file == asset.name) {
                let what = format!("GitHub: a browser downloads {}", asset.name);
                let digest = sandbox.world.asset_sha256(asset)?;
                self.checks.equal(what, &digest.as_str(), &wheel.sha256);
            }
        }
        Ok(())
    }

    fn expect_no_mutation(&mut self, sandbox: &Sandbox) -> Result<()> {
        let log = sandbox.world.log()?;
        let sent = log.iter().filter(|request| request.mutating);
        let sent: Vec<String> = sent.map(Request::summary).collect();
        let what = format!("not one mutating request among {}", log.len());
        self.checks.none(what, &sent);
        Ok(())
    }

    fn expect_nothing_released(&mut self, sandbox: &Sandbox) -> Result<()> {
        let released = sandbox.world.release(self.project)?.is_some();
        self.checks
            .equal("GitHub: nothing is released", &released, &false);
        Ok(())
    }
}

fn count(number: usize, of: &str) -> String {
    match number {
        1 => format!("1 {of}"),
        _ => format!("{number} {of}s"),
    }
}
