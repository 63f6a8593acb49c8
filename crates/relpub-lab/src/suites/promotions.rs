//! relpub against real servers: the same promotion, and only the world differs.
//!
//! What a server is not there for comes from a sandbox of this process.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::evidence;
use super::referees;
use super::release::{Credential, DEMO, Release, demo_with_a_spoiled_wheel};
use crate::bench::Bench;
use crate::checks;
use crate::lab::Part;
use crate::local::REPOSITORY;
use crate::process;
use crate::relpub::{self, Profile};
use crate::servers::{self, Cut, Guard, Server};

/// Runs the suite.
pub(super) fn run(bench: &mut Bench<'_>, binary: Option<&Path>) -> Result<()> {
    let binary = match binary {
        Some(path) => path.canonicalize()?,
        None => relpub::build(Profile::Debug)?,
    };
    if bench.wants(Part::Github) {
        checked_github(bench, &binary)?;
        emulated_github(bench, &binary)?;
    }
    if bench.wants(Part::Pypi) {
        for server in [Server::Devpi, Server::Pypiserver] {
            index(bench, &binary, server)?;
        }
    }
    if bench.wants(Part::Bucket) {
        for server in [Server::S3s, Server::Moto] {
            source(bench, &binary, server)?;
        }
    }
    if bench.wants(Part::Fault) {
        cut_uploads(bench, &binary)?;
        cut_downloads(bench, &binary)?;
    }
    if bench.wants(Part::Sigstore) {
        sandbox(bench, &binary)?;
        real_sigstore(bench, &binary)?;
    }
    Ok(())
}

/// Everything in the sandbox; the evidence is judged by others.
fn sandbox(bench: &mut Bench<'_>, binary: &Path) -> Result<()> {
    checks::part("relpub in the sandbox, judged by independent verifiers");
    let release = Release::prepare(bench, binary, "relpub-sandbox", Credential::Trusted)?;
    release.promotes(bench, "sandbox")?;
    let stack = release.local.stack();
    evidence::judge(bench, &release, &stack)?;
    evidence::judge_index(bench, &release, &stack)
}

/// Certificates, logs and times from the real Sigstore.
fn real_sigstore(bench: &mut Bench<'_>, binary: &Path) -> Result<()> {
    checks::part("relpub with the real Sigstore");
    let guard = Guard::start(bench.lab, Server::Sigstore)?;
    let stack = referees::stack(bench, &guard)?;
    // The sandbox's PyPI knows another issuer, so it is given a token.
    let mut release = Release::prepare(bench, binary, "relpub-sigstore", Credential::Token)?;
    release.join(&guard.facts);
    // A root of trust that did not issue what comes back.
    let own = release.local.data.join("trust/trusted_root.json");
    let sound = release.world.clone();
    release.world["sigstore"]["trusted-root"] = own.display().to_string().into();
    release.refuses(bench, "real Sigstore", "another root of trust", &[5])?;
    release.world = sound;
    release.promotes(bench, "real Sigstore")?;
    evidence::judge(bench, &release, &stack)
}

/// Another index in the place of PyPI.
fn index(bench: &mut Bench<'_>, binary: &Path, server: Server) -> Result<()> {
    let name = server.name();
    checks::part(&format!("relpub uploads to {name}"));
    let guard = Guard::start(bench.lab, server)?;
    let folder = format!("relpub-{name}");
    let mut release = Release::prepare(bench, binary, &folder, Credential::Password)?;
    let urls = guard.facts.world["indexes"][name].clone();
    release.world["indexes"]["pypi"] = urls;
    let password = guard.facts.variable("INDEX_PASSWORD")?;
    release.set("INDEX_PASSWORD", "wrong");
    release.refuses(bench, name, "another password", &[5])?;
    release.set("INDEX_PASSWORD", password);
    release.promotes(bench, name)?;
    release.downloads(bench, name)
}

/// An index to which every connection is cut in the middle of a file.
fn cut_uploads(bench: &mut Bench<'_>, binary: &Path) -> Result<()> {
    const NAME: &str = "devpi behind toxiproxy";
    checks::part("relpub uploads through connections that are cut");
    let (_proxy, guard) = (
        Guard::start(bench.lab, Server::Toxiproxy)?,
        Guard::start(bench.lab, Server::Devpi)?,
    );
    let folder = "relpub-cut-uploads";
    let mut release = Release::prepare(bench, binary, folder, Credential::Password)?;
    let upload = guard.facts.url("/indexes/devpi/upload")?;
    let (server, _) = upload
        .split_once("/lab/")
        .context("devpi has the user lab")?;
    let way = Cut::open(bench.lab, server)?;
    let urls = guard.facts.world["indexes"]["devpi"].to_string();
    let through = urls.replace(server, &way.url);
    release.world["indexes"]["pypi"] = serde_json::from_str(&through)?;
    let password = guard.facts.variable("INDEX_PASSWORD")?;
    release.set("INDEX_PASSWORD", password);
    way.after(2500, "upstream")?;
    release.refuses(bench, NAME, "an upload that is cut each time", &[5])?;
    way.mend()?;
    release.promotes(bench, NAME)?;
    release.downloads(bench, NAME)
}

/// A source from which every connection is cut in the middle of a file.
fn cut_downloads(bench: &mut Bench<'_>, binary: &Path) -> Result<()> {
    const NAME: &str = "s3s behind toxiproxy";
    checks::part("relpub downloads through connections that are cut");
    let (_proxy, guard) = (
        Guard::start(bench.lab, Server::Toxiproxy)?,
        Guard::start(bench.lab, Server::S3s)?,
    );
    let url = guard.facts.url("/s3/endpoint")?.to_owned();
    fill(bench, &guard, "demo", &Path::new(DEMO).join("bucket"))?;
    let folder = "relpub-cut-downloads";
    let mut release = Release::prepare(bench, binary, folder, Credential::Trusted)?;
    release.join(&guard.facts);
    let way = Cut::open(bench.lab, &url)?;
    release.world["s3"]["endpoint"] = way.url.clone().into();
    // Each connection ends within the larger files, and the next goes on from there.
    way.after(3000, "downstream")?;
    release.promotes(bench, NAME)
}

/// Another object store as the source.
fn source(bench: &mut Bench<'_>, binary: &Path, server: Server) -> Result<()> {
    let name = server.name();
    checks::part(&format!("relpub promotes from {name}"));
    let guard = Guard::start(bench.lab, server)?;
    let folder = format!("relpub-{name}");
    let spoiled = demo_with_a_spoiled_wheel(&bench.folder(&format!("{folder}-spoiled"))?)?;
    fill(bench, &guard, "demo", &Path::new(DEMO).join("bucket"))?;
    fill(bench, &guard, "spoiled", &spoiled)?;
    let mut release = Release::prepare(bench, binary, &folder, Credential::Trusted)?;
    release.join(&guard.facts);
    release.take_from("spoiled");
    release.refuses(bench, name, "one bit of a wheel changed", &[4])?;
    release.take_from("demo");
    release.promotes(bench, name)
}

/// Puts a folder into the bucket of a server, by boto3.
fn fill(bench: &Bench<'_>, guard: &Guard<'_>, prefix: &str, from: &Path) -> Result<()> {
    let mut script = bench.python("s3_fill.py")?;
    script.envs(guard.facts.environment.iter().map(|(a, b)| (a, b)));
    script.args([guard.facts.url("/s3/endpoint")?, "builds", prefix]);
    process::succeed(script.arg(from))?;
    Ok(())
}

/// The sandbox's GitHub, with every call and answer held to GitHub's schema.
fn checked_github(bench: &mut Bench<'_>, binary: &Path) -> Result<()> {
    const NAME: &str = "OpenAPI proxy before the sandbox's GitHub";
    checks::part("relpub's calls held to GitHub's schema");
    let folder = "relpub-github";
    let mut release = Release::prepare(bench, binary, folder, Credential::Trusted)?;
    let prism = servers::prism(bench.lab, release.local.world.github.url(), false)?;
    release.world["github"]["api"] = json!(prism.url);
    release.promotes(bench, NAME)?;
    let violations = prism.violations()?;
    // The sandbox's repository has the keys that somebody reads, not all.
    let repository = format!("/repos/{REPOSITORY} 200: response.body");
    let (partial, wrong): (Vec<_>, Vec<_>) = violations
        .into_iter()
        .partition(|it| it.starts_with(&repository));
    let mut pair = bench.between("OpenAPI proxy", "relpub");
    pair.same("no call breaks GitHub's schema", &wrong, &Vec::new());
    let mut pair = bench.between("OpenAPI proxy", "sandbox GitHub");
    pair.lacks(
        "shows all of a repository that GitHub does",
        partial.is_empty(),
    );
    Ok(())
}

/// The emulator, whose users lack a key that GitHub's schema requires.
fn emulated_github(bench: &mut Bench<'_>, binary: &Path) -> Result<()> {
    checks::part("relpub with GitHub's emulator");
    let guard = Guard::start(bench.lab, Server::Github)?;
    let folder = "relpub-emulated";
    let mut release = Release::prepare(bench, binary, folder, Credential::Token)?;
    release.join(&guard.facts);
    release.world["github"]["api"] = release.world["github"]["web"].clone();
    let what = "an answer that GitHub's schema does not allow";
    release.refuses(bench, "GitHub emulator", what, &[6])
}
