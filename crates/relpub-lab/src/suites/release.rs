//! The demo release, and relpub about to promote it in a world of parts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::bench::Bench;
use crate::digest::sha256_of;
use crate::http::Http;
use crate::local::{COMMIT, Local, REPOSITORY};
use crate::relpub;
use crate::servers::{Facts, merge};

/// The test data: a configuration and a bucket.
pub(super) const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/demo");
/// Its tag.
const TAG: &str = "v1.2.3";
/// Its project on PyPI.
pub(super) const PROJECT: &str = "relpub-demo";
/// A wheel of it.
pub(super) const WHEEL: &str = "relpub_demo-1.2.3-py3-none-any.whl";

/// What relpub uploads to the index with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Credential {
    /// A token that it gets for its identity.
    Trusted,
    /// A token of PyPI that it is given.
    Token,
    /// A name and a password, for an index that knows no tokens.
    Password,
}

impl Credential {
    /// Returns how the configuration says so; nothing where it is usual.
    fn spelled(self) -> &'static str {
        match self {
            Self::Trusted => "",
            Self::Token => r#"pypi = { credential = "env:PYPI_TOKEN" }"#,
            Self::Password => {
                r#"pypi = { credential = { username = "lab", password = "env:INDEX_PASSWORD" } }"#
            }
        }
    }
}

/// relpub, the demo release and a world.
pub(super) struct Release {
    /// What the world has from the sandbox.
    pub(super) local: Local,
    /// The world file, before it is written.
    pub(super) world: Value,
    /// Where the artifacts are.
    source: String,
    environment: BTreeMap<String, String>,
    binary: PathBuf,
    folder: PathBuf,
}

impl Release {
    /// Starts a sandbox with the release in its bucket, and writes the configuration.
    pub(super) fn prepare(
        bench: &Bench<'_>,
        binary: &Path,
        name: &str,
        credential: Credential,
    ) -> Result<Self> {
        let local = Local::start(bench, &format!("{name}-world"))?;
        let world = &local.world;
        world.github.add_tag(REPOSITORY, TAG, COMMIT, false)?;
        let bucket = Path::new(DEMO).join("bucket");
        world.bucket.seed_dir("builds", "demo", &bucket)?;
        let folder = bench.folder(name)?;
        let mut config = fs::read_to_string(Path::new(DEMO).join("relpub.toml"))?;
        writeln!(config, "\n[destinations]\n{}", credential.spelled())?;
        fs::write(folder.join("relpub.toml"), config)?;
        Ok(Self {
            world: with_whole_paths(&local),
            source: "s3://builds/demo".to_owned(),
            environment: local.facts.environment.iter().cloned().collect(),
            binary: binary.to_owned(),
            folder,
            local,
        })
    }

    /// Puts a real server into the world, and its variables into the environment.
    pub(super) fn join(&mut self, facts: &Facts) {
        merge(&mut self.world, &facts.world);
        self.environment.extend(facts.environment.iter().cloned());
    }

    /// Takes the artifacts from this folder of the bucket.
    pub(super) fn take_from(&mut self, folder: &str) {
        self.source = format!("s3://builds/{folder}");
    }

    /// Sets a variable of relpub's environment.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    /// Promotes, expects it to go well, and to find nothing to do the next time.
    pub(super) fn promotes(&self, bench: &mut Bench<'_>, server: &str) -> Result<()> {
        let mut promote = self.command("promote", "here")?;
        let mut pair = bench.between("relpub", server);
        pair.accepts("promotes a release", &mut promote)?;
        self.local.world.clear_log();
        let mut again = self.command("promote", "elsewhere")?;
        pair.accepts("has nothing to do a second time", &mut again)?;
        let log = self.local.world.log();
        let sent = log.iter().filter(|entry| entry.mutating);
        let sent: Vec<_> = sent
            .map(|it| format!("{} {}", it.method, it.path))
            .collect();
        pair.same("and changes nothing then", &sent, &Vec::new());
        let mut verify = self.command("verify", "here")?;
        pair.accepts("reads the release back", &mut verify)
    }

    /// Promotes and expects one of these exit codes, and nothing to become public.
    pub(super) fn refuses(
        &self,
        bench: &mut Bench<'_>,
        server: &str,
        what: &str,
        codes: &[i32],
    ) -> Result<()> {
        let mut promote = self.command("promote", "refused")?;
        let mut pair = bench.between("relpub", server);
        pair.exits(what, codes, &mut promote)?;
        let releases = self.local.world.github.releases(REPOSITORY);
        let public = releases.iter().filter(|it| !it.draft).count();
        pair.same("and nothing is released then", &public, &0);
        Ok(())
    }

    /// relpub, about to do something with the release from a working folder.
    fn command(&self, verb: &str, place: &str) -> Result<Command> {
        let folder = self.folder.join(place);
        fs::create_dir_all(&folder)?;
        fs::copy(self.folder.join("relpub.toml"), folder.join("relpub.toml"))?;
        let world = self.folder.join("world.json");
        fs::write(&world, self.world.to_string())?;
        let mut command = Command::new(&self.binary);
        relpub::clean_environment(&mut command);
        command.envs(&self.environment);
        command.arg("-C").arg(&folder);
        command.arg("--cache").arg(folder.join("cache"));
        command.args([verb, TAG, "--world"]).arg(world);
        if verb == "promote" {
            command.args(["--commit", COMMIT, "--from", &self.source, "--yes"]);
        }
        Ok(command)
    }

    /// Downloads what is on the index now by pip, and compares.
    pub(super) fn downloads(&self, bench: &mut Bench<'_>, server: &str) -> Result<()> {
        let into = self.folder.join("pip");
        fs::create_dir_all(&into)?;
        let mut pip = bench.tool("pip")?;
        pip.args(["download", "--no-deps", "--no-cache-dir", "--dest"]);
        pip.arg(&into)
            .args(["--disable-pip-version-check", "--index-url"]);
        let index = self.world.pointer("/indexes/pypi/index");
        pip.arg(index.and_then(Value::as_str).unwrap_or_default());
        pip.arg(format!("{PROJECT}=={}", &TAG[1..]));
        let mut pair = bench.between("pip", server);
        pair.accepts("downloads what relpub uploaded", &mut pip)?;
        let mut found = Vec::new();
        for entry in fs::read_dir(&into)? {
            found.push(sha256_of(&entry?.path())?);
        }
        let wheels = Path::new(DEMO).join("bucket/wheels");
        let mut wanted = Vec::new();
        for entry in fs::read_dir(wheels)? {
            wanted.push(sha256_of(&entry?.path())?);
        }
        let same = found.len() == 1 && wanted.contains(&found[0]);
        pair.same("has its bytes", &same, &true);
        Ok(())
    }

    /// Returns where relpub's release is on the sandbox's GitHub, file by file.
    pub(super) fn assets(&self) -> Result<BTreeMap<String, String>> {
        #[derive(Deserialize)]
        struct Published {
            assets: Vec<Asset>,
        }
        #[derive(Deserialize)]
        struct Asset {
            name: String,
            browser_download_url: String,
        }
        let api = self.local.facts.url("/github/api")?;
        let url = format!("{api}/repos/{REPOSITORY}/releases/tags/{TAG}");
        let published: Option<Published> = Http::new()?.find(&url)?;
        let published = published.context("there is no release")?;
        let assets = published.assets.into_iter();
        Ok(assets
            .map(|it| (it.name, it.browser_download_url))
            .collect())
    }

    /// Downloads an asset into the working folder.
    pub(super) fn fetch(&self, name: &str, assets: &BTreeMap<String, String>) -> Result<PathBuf> {
        let url = assets.get(name);
        let url = url.with_context(|| format!("the release has no {name}"))?;
        let folder = self.folder.join("assets");
        fs::create_dir_all(&folder)?;
        let path = folder.join(name);
        fs::write(&path, Http::new()?.get(url)?.bytes()?)?;
        Ok(path)
    }
}

/// Returns a sandbox's world file, to be written anywhere.
fn with_whole_paths(local: &Local) -> Value {
    let mut world = local.facts.world.clone();
    for key in ["trusted-root", "signing-config", "signing-config-rekor1"] {
        if let Some(value) = world["sigstore"].get_mut(key)
            && let Some(relative) = value.as_str()
        {
            *value = local.data.join(relative).display().to_string().into();
        }
    }
    world
}

/// Copies the demo's bucket, one bit of a wheel in it changed.
pub(super) fn demo_with_a_spoiled_wheel(folder: &Path) -> Result<PathBuf> {
    copy(&Path::new(DEMO).join("bucket"), folder)?;
    let wheel = folder.join("wheels").join(WHEEL);
    let mut bytes = fs::read(&wheel)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(wheel, bytes)?;
    Ok(folder.to_owned())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
