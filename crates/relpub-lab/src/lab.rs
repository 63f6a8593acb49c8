//! Where the lab is: its folder, its ports, the programs in it.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;

/// The port that the ports of all servers are counted from, unless `LAB_PORT` says another.
const BASE_PORT: u16 = 18_000;

/// What can be installed and started by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Part {
    /// GitHub's emulator, and a proxy that holds every call to GitHub's schema.
    Github,
    /// Package indexes, and clients of them.
    Pypi,
    /// Object stores, and a client of them.
    Bucket,
    /// The validator of `CycloneDX` documents.
    Sbom,
    /// A proxy that cuts connections.
    Fault,
    /// A registry of crates.
    Crates,
    /// Registries of images, and clients of them.
    Oci,
    /// Fulcio, the logs, a timestamp authority, an issuer; and who signs and verifies.
    Sigstore,
}

impl Part {
    /// Returns the parts that were asked for; none means all, the quickest first.
    pub(crate) fn chosen(given: &[Self]) -> Vec<Self> {
        let all = Self::value_variants().iter().copied();
        all.filter(|it| given.is_empty() || given.contains(it))
            .collect()
    }

    /// Returns its name as it is written on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Pypi => "pypi",
            Self::Bucket => "bucket",
            Self::Sbom => "sbom",
            Self::Fault => "fault",
            Self::Crates => "crates",
            Self::Oci => "oci",
            Self::Sigstore => "sigstore",
        }
    }
}

/// The lab of this checkout, or the one that `LAB` names.
pub(crate) struct Lab {
    root: PathBuf,
    base_port: u16,
}

impl Lab {
    /// Opens the lab's folder, which is made if it is not there.
    pub(crate) fn open() -> Result<Self> {
        let root = env::var_os("LAB").map_or_else(
            || {
                let target = env::var_os("CARGO_TARGET_DIR");
                PathBuf::from(target.unwrap_or_else(|| "target".into())).join("lab")
            },
            PathBuf::from,
        );
        fs::create_dir_all(&root).with_context(|| format!("could not make {}", root.display()))?;
        let base_port = match env::var("LAB_PORT") {
            Ok(text) => text.parse().context("LAB_PORT is no port")?,
            Err(_) => BASE_PORT,
        };
        Ok(Self {
            root: fs::canonicalize(root)?,
            base_port,
        })
    }

    /// Keeps other runs out of this lab for as long as the file is held.
    pub(crate) fn lock(&self) -> Result<File> {
        let path = self.root.join("lock");
        let file = File::create(&path)?;
        if file.try_lock().is_err() {
            println!("waiting for another run in {}", self.root.display());
            file.lock()
                .with_context(|| format!("could not lock {}", path.display()))?;
        }
        Ok(file)
    }

    /// Returns a path below the lab's folder.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Returns an empty folder below the lab's.
    pub(crate) fn fresh(&self, relative: &str) -> Result<PathBuf> {
        let folder = self.path(relative);
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("could not empty {}", folder.display()))?;
        }
        fs::create_dir_all(&folder)
            .with_context(|| format!("could not make {}", folder.display()))?;
        Ok(folder)
    }

    /// Returns a port of the lab, which is always the same.
    pub(crate) fn port(&self, offset: u16) -> u16 {
        self.base_port + offset
    }

    /// Returns the address of a port of the lab.
    pub(crate) fn address(&self, offset: u16) -> String {
        format!("127.0.0.1:{}", self.port(offset))
    }

    /// Returns the URL of a port of the lab, without a trailing slash.
    pub(crate) fn url(&self, offset: u16) -> String {
        format!("http://{}", self.address(offset))
    }

    /// Returns a program that `install` put into the lab.
    ///
    /// It gets a clean environment and `home` as its home, so that neither this
    /// machine's configuration nor its credentials have a part in what it does.
    pub(crate) fn tool(&self, program: &str, home: &Path) -> Result<Command> {
        let path = self.find(program)?;
        let mut command = Command::new(path);
        self.clean(&mut command, home)?;
        Ok(command)
    }

    /// Returns a script of `tools/python`, to be run by the lab's Python.
    pub(crate) fn python(&self, script: &str, home: &Path) -> Result<Command> {
        let mut command = self.tool("python", home)?;
        command.arg(shipped(&format!("python/{script}")));
        Ok(command)
    }

    /// Returns the lab's Node, to be given a program to run.
    pub(crate) fn node(&self, home: &Path) -> Result<Command> {
        let mut command = self.tool("node", home)?;
        command.arg("--no-warnings");
        Ok(command)
    }

    /// Returns the folders that programs are looked for in, for `PATH`.
    pub(crate) fn search_path(&self) -> Result<OsString> {
        let ours = self.folders().into_iter();
        let theirs = env::var_os("PATH").unwrap_or_default();
        let all: Vec<_> = ours.chain(env::split_paths(&theirs)).collect();
        Ok(env::join_paths(all)?)
    }

    fn folders(&self) -> [PathBuf; 4] {
        ["bin", "py/bin", "cargo/bin", "node/node_modules/.bin"].map(|it| self.path(it))
    }

    fn find(&self, program: &str) -> Result<PathBuf> {
        let places = self.folders().map(|folder| folder.join(program));
        match places.into_iter().find(|path| path.is_file()) {
            Some(path) => Ok(path),
            None => bail!(
                "{program} is not in {}: run `cargo run -p relpub-lab -- install` first",
                self.root.display()
            ),
        }
    }

    fn clean(&self, command: &mut Command, home: &Path) -> Result<()> {
        const KEPT: [&str; 3] = ["LANG", "TMPDIR", "SYSTEMROOT"];
        command.env_clear();
        command.envs(
            KEPT.into_iter()
                .filter_map(|name| Some((name, env::var_os(name)?))),
        );
        command.env("PATH", self.search_path()?).env("HOME", home);
        // Else Python's programs break their messages in the middle.
        command.env("COLUMNS", "500");
        // What pip and uv would read beside their environment.
        command
            .env("PIP_CONFIG_FILE", "/dev/null")
            .env("UV_NO_CONFIG", "1");
        Ok(())
    }
}

/// Returns the path of a file that is kept below `tools`.
pub(crate) fn shipped(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tools")
        .join(relative)
}

/// Reads a file that is kept below `tools`.
pub(crate) fn shipped_text(relative: &str) -> Result<String> {
    let path = shipped(relative);
    fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))
}
