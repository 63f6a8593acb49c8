//! twine, uv and pip against an index.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::{PROJECT, VERSION, wheel};
use crate::bench::Bench;
use crate::checks;
use crate::digest::sha256_of;

/// An index and who may upload to it.
pub(super) struct Index<'a> {
    /// What it is called in the matrix.
    pub(super) name: &'a str,
    pub(super) upload: &'a str,
    pub(super) simple: &'a str,
    pub(super) user: &'a str,
    pub(super) password: &'a str,
    /// Whether the same file again is welcome.
    pub(super) takes_again: bool,
    /// What uploads with another password are refused with.
    pub(super) denies: &'a str,
    /// What other bytes under the name of a file are refused with.
    pub(super) taken: &'a str,
}

/// Uploads by twine, and downloads by pip and uv what is there then.
pub(super) fn run(bench: &mut Bench<'_>, index: &Index<'_>) -> Result<()> {
    checks::part(&format!("clients of an index: {}", index.name));
    let folder = index.name.replace(' ', "-");
    let one = wheel(bench, &format!("{folder}/one"), "one")?;
    let other = wheel(bench, &format!("{folder}/other"), "other")?;
    by_twine(bench, index, &one, &other)?;
    by_uv(bench, index, &one, &other)?;
    by_pip(bench, index, &folder, &one)?;
    install(bench, index, &folder)
}

/// twine, about to upload.
pub(super) fn twine(bench: &Bench<'_>, index: &Index<'_>, password: &str) -> Result<Command> {
    let mut command = bench.tool("twine")?;
    command.args(["upload", "--non-interactive", "--disable-progress-bar"]);
    command.args(["--verbose", "--repository-url", index.upload]);
    command.args(["--username", index.user, "--password", password]);
    Ok(command)
}

fn by_twine(bench: &mut Bench<'_>, index: &Index<'_>, one: &Path, other: &Path) -> Result<()> {
    let mut wrong = twine(bench, index, "wrong")?;
    let mut good = twine(bench, index, index.password)?;
    let mut again = twine(bench, index, index.password)?;
    let mut changed = twine(bench, index, index.password)?;
    let mut pair = bench.between("twine", index.name);
    pair.refuses("another password", index.denies, wrong.arg(one))?;
    pair.accepts("uploads a wheel", good.arg(one))?;
    if index.takes_again {
        pair.accepts("uploads the same wheel again", again.arg(one))?;
    } else {
        pair.refuses("the same wheel again", index.taken, again.arg(one))?;
    }
    pair.refuses(
        "other bytes under its name",
        index.taken,
        changed.arg(other),
    )
}

fn by_uv(bench: &mut Bench<'_>, index: &Index<'_>, one: &Path, other: &Path) -> Result<()> {
    let publish = |password: &str, checked: bool| -> Result<Command> {
        let mut command = uv(bench)?;
        command.args(["publish", "--publish-url", index.upload]);
        command.args(["--username", index.user, "--password", password]);
        command.args(["--trusted-publishing", "never"]);
        if checked {
            command.args(["--check-url", index.simple]);
        }
        Ok(command)
    };
    let mut wrong = publish("wrong", false)?;
    let mut again = publish(index.password, true)?;
    let mut changed = publish(index.password, true)?;
    let mut pair = bench.between("uv", index.name);
    pair.refuses("another password", index.denies, wrong.arg(one))?;
    pair.accepts("publishes what the index has already", again.arg(one))?;
    pair.refuses("other bytes under its name", "match", changed.arg(other))
}

fn by_pip(bench: &mut Bench<'_>, index: &Index<'_>, folder: &str, one: &Path) -> Result<()> {
    let wanted = sha256_of(one)?;
    let into = bench.folder(&format!("{folder}/pip"))?;
    let mut download = pip(bench, index, &into)?;
    download.arg(format!("{PROJECT}=={VERSION}"));
    let with = |digest: &str| -> Result<PathBuf> {
        let path = into.join(format!("{}.txt", &digest[..8]));
        fs::write(
            &path,
            format!("{PROJECT}=={VERSION} --hash=sha256:{digest}\n"),
        )?;
        Ok(path)
    };
    let mut pinned = pip(bench, index, &into)?;
    pinned.args(["--require-hashes", "-r"]).arg(with(&wanted)?);
    let mut wrong = pip(bench, index, &into)?;
    wrong
        .args(["--require-hashes", "-r"])
        .arg(with(&"0".repeat(64))?);
    let mut pair = bench.between("pip", index.name);
    pair.accepts("downloads it", &mut download)?;
    let found = one.file_name().map(|name| into.join(name));
    let found = found.and_then(|path| sha256_of(&path).ok());
    pair.same("has the bytes that were uploaded", &found, &Some(wanted));
    pair.accepts("downloads it by its digest", &mut pinned)?;
    pair.refuses("another digest", "do not match the hashes", &mut wrong)
}

/// pip, about to download into a folder.
pub(super) fn pip(bench: &Bench<'_>, index: &Index<'_>, into: &Path) -> Result<Command> {
    let mut command = bench.tool("pip")?;
    command.args(["download", "--no-deps", "--no-cache-dir"]);
    command.args(["--disable-pip-version-check", "--index-url", index.simple]);
    command.arg("--dest").arg(into);
    Ok(command)
}

fn install(bench: &mut Bench<'_>, index: &Index<'_>, folder: &str) -> Result<()> {
    let place = bench.work.join(folder).join("venv");
    let mut venv = uv(bench)?;
    venv.arg("venv").arg(&place);
    let mut install = uv(bench)?;
    install.args(["pip", "install", "--index-url", index.simple, "--python"]);
    install.arg(place.join("bin/python"));
    install.arg(format!("{PROJECT}=={VERSION}"));
    let mut check = Command::new(place.join("bin/python"));
    check.args([
        "-c",
        "import relpub_lab_demo as it; assert it.WORD == 'one'",
    ]);
    let mut pair = bench.between("uv", index.name);
    pair.accepts("makes an environment", &mut venv)?;
    pair.accepts("installs it", &mut install)?;
    pair.accepts("what it installed runs", &mut check)
}

fn uv(bench: &Bench<'_>) -> Result<Command> {
    let mut command = bench.tool("uv")?;
    command.arg("--no-cache");
    Ok(command)
}
