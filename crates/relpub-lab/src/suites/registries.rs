//! crane, regctl and cargo against registries.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use reqwest::header::WWW_AUTHENTICATE;

use crate::bench::Bench;
use crate::checks;
use crate::http::Http;
use crate::process;
use crate::servers::{Guard, Server};

/// Tries images: without the referrers API, with bearer tokens, with that API.
pub(super) fn images(bench: &mut Bench<'_>) -> Result<()> {
    for (server, name) in [
        (Server::Oci, "distribution"),
        (Server::OciAuth, "distribution with bearer tokens"),
        (Server::OciReferrers, "ferro-oci-server"),
    ] {
        checks::part(&format!("clients of a registry: {name}"));
        let guard = Guard::start(bench.lab, server)?;
        let registry = Registry::new(bench, name, &guard)?;
        match server {
            Server::OciAuth => registry.tokens(bench)?,
            _ => registry.referrers(bench, server == Server::OciReferrers)?,
        }
    }
    Ok(())
}

/// A registry, and a client's home of its own, as logins are kept there.
struct Registry {
    name: &'static str,
    address: String,
    home: PathBuf,
    layer: PathBuf,
}

impl Registry {
    fn new(bench: &Bench<'_>, name: &'static str, guard: &Guard<'_>) -> Result<Self> {
        let home = bench.folder(&name.replace(' ', "-"))?;
        let layer = home.join("layer.tar");
        fs::write(home.join("hello"), "hello\n")?;
        let mut tar = Command::new("tar");
        tar.arg("-C").arg(&home).arg("-cf").arg(&layer).arg("hello");
        process::succeed(&mut tar)?;
        Ok(Self {
            name,
            address: guard.facts.variable("REGISTRY")?.to_owned(),
            home,
            layer,
        })
    }

    fn image(&self) -> String {
        format!("{}/relpub/demo:1", self.address)
    }

    fn tool(&self, bench: &Bench<'_>, program: &str) -> Result<Command> {
        let mut command = bench.lab.tool(program, &self.home)?;
        command.current_dir(&self.home);
        Ok(command)
    }

    fn push(&self, bench: &Bench<'_>) -> Result<Command> {
        let mut crane = self.tool(bench, "crane")?;
        crane.args(["append", "--oci-empty-base", "-t", &self.image(), "-f"]);
        crane.arg(&self.layer);
        Ok(crane)
    }

    fn regctl(&self, bench: &Bench<'_>) -> Result<Command> {
        let mut regctl = self.tool(bench, "regctl")?;
        let host = format!("reg={},tls=disabled", self.address);
        regctl.args(["--host", &host, "artifact"]);
        Ok(regctl)
    }

    /// Attaches something to an image; where it is found depends on the registry.
    fn referrers(&self, bench: &mut Bench<'_>, api: bool) -> Result<()> {
        const KIND: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
        let image = self.image();
        let mut push = self.push(bench)?;
        bench
            .between("crane", self.name)
            .accepts("pushes an image", &mut push)?;
        let mut digest = self.tool(bench, "crane")?;
        let digest = process::succeed(digest.args(["digest", &image]))?;
        let url = format!(
            "http://{}/v2/relpub/demo/referrers/{}",
            self.address,
            digest.trim()
        );
        let answer = Http::new()?.request_get(&url).send()?;
        let (status, text) = (answer.status().as_u16(), answer.text()?);
        fs::write(self.home.join("bundle.json"), "{}")?;
        let mut attach = self.regctl(bench)?;
        attach.args(["put", "--artifact-type", KIND, "--subject", &image]);
        attach.args(["-m", "application/json", "-f", "bundle.json"]);
        let mut list = self.regctl(bench)?;
        list.args(["list", &image, "--format", "{{json .}}"]);
        let mut tags = self.tool(bench, "crane")?;
        tags.args(["ls", &format!("{}/relpub/demo", self.address)]);
        let mut pair = bench.between("HTTP", self.name);
        if api {
            pair.status("has the referrers API", status, 200);
        } else {
            pair.status("the referrers API", status, 404);
            let plain = text.trim() == "404 page not found";
            pair.same(
                "says so in plain text, not as the API's errors are",
                &plain,
                &true,
            );
        }
        let mut pair = bench.between("regctl", self.name);
        pair.accepts("attaches a bundle to an image", &mut attach)?;
        let found = process::succeed(&mut list)?.contains(KIND);
        pair.same("finds it there", &found, &true);
        let by_tag = process::succeed(&mut tags)?.contains("sha256-");
        let mut pair = bench.between("crane", self.name);
        if api {
            pair.same("sees no tag for it", &by_tag, &false);
        } else {
            pair.same("sees the tag sha256-… for it", &by_tag, &true);
        }
        Ok(())
    }

    /// Asks for tokens with the right and the wrong credentials.
    fn tokens(&self, bench: &mut Bench<'_>) -> Result<()> {
        let http = Http::new()?;
        let root = http
            .request_get(&format!("http://{}/v2/", self.address))
            .send()?;
        let challenge = root.headers().get(WWW_AUTHENTICATE);
        let challenge = challenge
            .and_then(|it| it.to_str().ok())
            .unwrap_or_default();
        let bearer = challenge.starts_with("Bearer realm=");
        let token = format!("http://{}/token?service=lab", self.address);
        let wrong = http
            .request_get(&token)
            .basic_auth("octocat", Some("wrong"));
        let wrong = wrong.send()?.status().as_u16();
        let mut anonymous = self.push(bench)?;
        let mut login = self.tool(bench, "crane")?;
        login.args([
            "auth",
            "login",
            &self.address,
            "-u",
            "octocat",
            "-p",
            "ghp_lab",
        ]);
        let mut push = self.push(bench)?;
        let mut pull = bench.lab.tool("crane", &bench.home())?;
        pull.args(["manifest", &self.image()]);
        let mut pair = bench.between("HTTP", self.name);
        pair.status("asks for a token", root.status().as_u16(), 401);
        pair.same("says where to get it", &bearer, &true);
        pair.status("another password", wrong, 403);
        let mut pair = bench.between("crane", self.name);
        pair.refuses("a push by nobody", "unauthorized", &mut anonymous)?;
        pair.accepts("logs in", &mut login)?;
        pair.accepts("pushes an image", &mut push)?;
        pair.accepts("reads it without a login", &mut pull)
    }
}

/// Publishes a crate and builds something that uses it.
pub(super) fn crates(bench: &mut Bench<'_>) -> Result<()> {
    const NAME: &str = "ferro-cargo-registry-server";
    checks::part("cargo and a registry of crates");
    let guard = Guard::start(bench.lab, Server::Crates)?;
    let url = guard.facts.variable("CRATES")?;
    let folder = bench.folder("crates")?;
    package(
        &folder.join("lib"),
        "relpub-lab-crate",
        "",
        "lib.rs",
        "pub const WORD: &str = \"hello\";\n",
    )?;
    let needs = "[dependencies]\nrelpub-lab-crate = { version = \"0.1\", registry = \"lab\" }\n";
    let main = "fn main() { assert_eq!(relpub_lab_crate::WORD, \"hello\"); }\n";
    package(&folder.join("app"), "app", needs, "main.rs", main)?;
    let cargo = |verb: &[&str], place: &str| {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(program);
        command.args(verb).current_dir(folder.join(place));
        command
            .env("CARGO_HOME", folder.join("home"))
            .env("CARGO_TARGET_DIR", folder.join("target"))
            .env("CARGO_REGISTRIES_LAB_INDEX", format!("sparse+{url}/"))
            .env("CARGO_REGISTRIES_LAB_TOKEN", "any")
            .env("CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS", "cargo:token");
        command
    };
    let publish = ["publish", "--registry", "lab", "--allow-dirty"];
    let mut pair = bench.between("cargo", NAME);
    pair.accepts("publishes a crate", &mut cargo(&publish, "lib"))?;
    pair.refuses(
        "the same version again",
        "already exists",
        &mut cargo(&publish, "lib"),
    )?;
    pair.accepts("builds and runs what needs it", &mut cargo(&["run"], "app"))?;
    let yank = [
        "yank",
        "--registry",
        "lab",
        "--version",
        "0.1.0",
        "relpub-lab-crate",
    ];
    pair.accepts("yanks it", &mut cargo(&yank, "lib"))?;
    let index = Http::new()?
        .get(&format!("{url}/re/lp/relpub-lab-crate"))?
        .text()?;
    let yanked = index.contains("\"yanked\":true");
    pair.same("sees it yanked in the index", &yanked, &true);
    Ok(())
}

fn package(folder: &Path, name: &str, more: &str, file: &str, source: &str) -> Result<()> {
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
         description = \"A test\"\nlicense = \"MIT\"\n{more}[workspace]\n"
    );
    let sources = folder.join("src");
    fs::create_dir_all(&sources).context("could not make a package")?;
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::write(sources.join(file), source)?;
    Ok(())
}
