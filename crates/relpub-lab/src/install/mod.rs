//! `install`: every program of the lab in its pinned version, by package name.
//!
//! pip, npm, go and cargo ask whatever this machine has configured for them.
//! What is there already in the right version is skipped.

mod steps;

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use self::steps::{Step, steps_of};
use crate::digest;
use crate::lab::{Lab, Part, shipped, shipped_text};
use crate::process;

/// How long one step may take, on a slow machine.
const PATIENCE: Duration = Duration::from_mins(30);

/// Where crates are built, which is of no use afterwards.
const CRATES: &str = "stamp/crates";

/// Installs the given parts.
pub(crate) fn run(lab: &Lab, parts: &[Part]) -> Result<()> {
    let _lock = lab.lock()?;
    for folder in ["bin", "stamp", "home"] {
        fs::create_dir_all(lab.path(folder))?;
    }
    for part in Part::chosen(parts) {
        let begun = Instant::now();
        for step in steps_of(part) {
            once(lab, &step)?;
        }
        let took = begun.elapsed().as_secs_f64();
        println!("installed {} ({took:.0} s)", part.name());
    }
    let built = lab.path(CRATES);
    if built.exists() {
        fs::remove_dir_all(built)?;
    }
    Ok(())
}

/// Does a step, unless this very step has been done before.
fn once(lab: &Lab, step: &Step) -> Result<()> {
    let name = step.name();
    let key = digest::sha256(format!("{step:?}{}", inputs(step)?).as_bytes())?;
    let stamp = lab.path(&format!("stamp/{name}-{}", &key[..12]));
    if stamp.exists() {
        return Ok(());
    }
    let begun = Instant::now();
    let log = stamp.with_file_name(format!("{name}.log"));
    let site = Site {
        lab,
        log: File::create(&log)?,
    };
    if let Err(error) = site.perform(step) {
        let text = fs::read_to_string(&log).unwrap_or_default();
        let lines: Vec<_> = text.lines().rev().take(20).collect();
        for line in lines.iter().rev() {
            println!("  |     {line}");
        }
        return Err(error.context(format!("could not install {name}, see {}", log.display())));
    }
    File::create(&stamp)?;
    println!("  {name} ({:.0} s)", begun.elapsed().as_secs_f64());
    Ok(())
}

/// Returns the content of the files that a step is made from.
fn inputs(step: &Step) -> Result<String> {
    match step {
        Step::Trillian => ["go.mod", "go.sum", "main.go"]
            .map(|file| shipped_text(&format!("trillian/{file}")))
            .into_iter()
            .collect(),
        Step::Pip { .. } => shipped_text("python/constraints.txt"),
        _ => Ok(String::new()),
    }
}

/// One step at work.
struct Site<'a> {
    lab: &'a Lab,
    log: File,
}

impl Site<'_> {
    fn perform(&self, step: &Step) -> Result<()> {
        match *step {
            Step::Go { name, package, .. } => {
                self.go(name, &format!("{package}@{}", step.version()))
            }
            Step::GoOnLoopback {
                name,
                module,
                program,
                file,
                listener,
                ..
            } => {
                let module = format!("{module}@{}", step.version());
                self.go_on_loopback(name, &module, program, (file, listener))
            }
            Step::Trillian => self.go_build(&shipped("trillian"), "trillian", "."),
            Step::Pip { packages, .. } => self.pip(packages),
            Step::Node { version } => self.node(version),
            Step::Npm { folder, packages } => self.npm(folder, packages),
            Step::Crate {
                name,
                version,
                features,
            } => self.cargo(name, version, features),
        }
    }

    fn go(&self, name: &str, package: &str) -> Result<()> {
        let folder = self.lab.fresh("stamp/gobin")?;
        let mut command = go();
        command.args(["install", "-ldflags", "-s -w", package]);
        self.run(command.env("GOBIN", &folder))?;
        let mut built = fs::read_dir(&folder)?;
        let built = built.next().context("go installed nothing")??;
        fs::rename(built.path(), self.lab.path(&format!("bin/{name}")))?;
        Ok(())
    }

    /// Builds a program whose metrics would be open to the whole network.
    ///
    /// No option of it moves them, so the one line that names their address is
    /// another one here.
    fn go_on_loopback(
        &self,
        name: &str,
        module: &str,
        program: &str,
        (file, listener): (&str, &str),
    ) -> Result<()> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Module {
            dir: PathBuf,
        }
        let mut command = go();
        command.args(["mod", "download", "-json", module]);
        let module: Module = serde_json::from_str(&process::succeed(&mut command)?)?;
        let source = self.lab.fresh("stamp/source")?;
        copy_tree(&module.dir, &source)?;
        let path = source.join(file);
        let text = fs::read_to_string(&path)?;
        ensure!(
            text.matches(listener).count() == 1,
            "{name} has no such line any more: {listener}"
        );
        fs::write(&path, text.replace(listener, r#"Addr: "127.0.0.1:0","#))?;
        self.go_build(&source, name, program)?;
        fs::remove_dir_all(source)?;
        Ok(())
    }

    fn go_build(&self, folder: &Path, name: &str, program: &str) -> Result<()> {
        let mut command = go();
        command
            .arg("-C")
            .arg(folder)
            .args(["build", "-ldflags", "-s -w", "-o"]);
        command
            .arg(self.lab.path(&format!("bin/{name}")))
            .arg(program);
        self.run(&mut command)
    }

    fn pip(&self, packages: &[&str]) -> Result<()> {
        let folder = self.lab.path("py");
        if !folder.join("bin/pip").is_file() {
            self.run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        }
        let mut command = Command::new(folder.join("bin/pip"));
        command.args(["install", "--quiet", "--disable-pip-version-check"]);
        command
            .arg("--constraint")
            .arg(shipped("python/constraints.txt"));
        self.run(command.args(packages))
    }

    fn npm(&self, folder: &str, packages: &[&str]) -> Result<()> {
        let folder = self.lab.path(folder);
        fs::create_dir_all(&folder)?;
        let manifest = folder.join("package.json");
        if !manifest.exists() {
            fs::write(manifest, r#"{"private":true,"type":"module"}"#)?;
        }
        let mut command = Command::new("npm");
        // Without install scripts: one of them tells its maker that it was installed.
        command.args([
            "install",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--save-exact",
        ]);
        self.run(command.args(packages).current_dir(folder))
    }

    fn node(&self, version: &str) -> Result<()> {
        let machine = match env::consts::ARCH {
            "x86_64" => "x64",
            "aarch64" => "arm64",
            other => bail!("there is no node package for {other}"),
        };
        let package = format!("node-linux-{machine}");
        self.npm("node", &[&format!("{package}@{version}")])?;
        let programs = self.lab.path("node/node_modules/.bin");
        fs::create_dir_all(&programs)?;
        let link = programs.join("node");
        if link.symlink_metadata().is_ok() {
            fs::remove_file(&link)?;
        }
        std::os::unix::fs::symlink(format!("../{package}/bin/node"), link)?;
        Ok(())
    }

    fn cargo(&self, name: &str, version: &str, features: &str) -> Result<()> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        // Quickly built, as these are asked little; what they share is built once.
        command.env("CARGO_TARGET_DIR", self.lab.path(CRATES));
        command.env("CARGO_PROFILE_DEV_DEBUG", "false");
        command.args(["install", "--quiet", "--locked", "--debug", "--root"]);
        command.arg(self.lab.path("cargo"));
        command.args(["--version", version, name, "--features", features]);
        // Neither the settings of this checkout nor its lock file are for it.
        self.run(command.current_dir(self.lab.path("stamp")))
    }

    fn run(&self, command: &mut Command) -> Result<()> {
        let status = process::run_into(command, &self.log, PATIENCE)?;
        let program = Path::new(command.get_program()).file_name();
        let program = program.unwrap_or(OsStr::new("the program")).display();
        ensure!(status.success(), "{program} ended with {status}");
        Ok(())
    }
}

fn go() -> Command {
    let mut command = Command::new("go");
    command.env("CGO_ENABLED", "0");
    command.env("GOFLAGS", "-trimpath -buildvcs=false");
    command
}

/// Copies a folder; what is read-only becomes writable.
fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &to)?;
        } else {
            fs::write(&to, fs::read(entry.path())?)?;
        }
    }
    Ok(())
}
