//! Independent clients against the real servers: that the judges can be trusted.

use std::fs;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::pypi::{self, Index};
use super::registries;
use super::signing;
use crate::bench::Bench;
use crate::checks;
use crate::http::Http;
use crate::lab::Part;
use crate::process;
use crate::servers::{Facts, Guard, Server};
use crate::stack::{Case, IDENTITY, Judge, Rekor, Stack};

/// Runs the suite.
pub(super) fn run(bench: &mut Bench<'_>) -> Result<()> {
    if bench.wants(Part::Github) {
        github(bench)?;
    }
    if bench.wants(Part::Sbom) {
        schema(bench)?;
    }
    if bench.wants(Part::Pypi) {
        index(bench, Server::Devpi, true)?;
        index(bench, Server::Pypiserver, false)?;
    }
    if bench.wants(Part::Bucket) {
        bucket(
            bench,
            Server::S3s,
            &["plain", "conditions", "checksums", "md5"],
        )?;
        let questions = ["plain", "conditions", "get-conditions", "rights"];
        bucket(bench, Server::Moto, &questions)?;
        cloud_storage(bench)?;
    }
    if bench.wants(Part::Crates) {
        registries::crates(bench)?;
    }
    if bench.wants(Part::Oci) {
        registries::images(bench)?;
    }
    if bench.wants(Part::Sigstore) {
        let guard = Guard::start(bench.lab, Server::Sigstore)?;
        let stack = stack(bench, &guard)?;
        first_entries(bench, &stack)?;
        signing::run(bench, &stack)?;
    }
    Ok(())
}

/// Returns the real Sigstore as clients see it.
pub(super) fn stack(bench: &Bench<'_>, guard: &Guard<'_>) -> Result<Stack> {
    let facts = Facts::read(bench.lab, Server::Sigstore)?;
    Ok(Stack {
        name: "real Sigstore",
        trust: bench.lab.path("run/sigstore"),
        environment: guard.facts.environment.clone(),
        facts,
    })
}

/// Entry 0 of both logs, of whose bundle cosign leaves out what is zero or empty.
fn first_entries(bench: &mut Bench<'_>, stack: &Stack) -> Result<()> {
    checks::part("entry 0 of a log");
    for rekor in Rekor::BOTH {
        let case = Case {
            bundle: &stack.trust.join(rekor.file("seed")),
            file: &stack.trust.join("seed.txt"),
            identity: IDENTITY,
            predicate: None,
        };
        for judge in Judge::ALL {
            let mut command = judge.verify(bench, stack, &case)?;
            let finished = process::run(&mut command)?;
            let mut pair = bench.between(judge.name(), "cosign's bundles");
            let what = format!("reads entry 0 of {}", rekor.name());
            // It wants the list of hashes, even if it is empty.
            if judge == Judge::Python {
                pair.lacks(&what, finished.success);
            } else {
                pair.same(&what, &finished.success, &true);
            }
        }
    }
    Ok(())
}

fn index(bench: &mut Bench<'_>, server: Server, takes_again: bool) -> Result<()> {
    let guard = Guard::start(bench.lab, server)?;
    let name = server.name();
    let index = Index {
        name,
        upload: guard.facts.url(&format!("/indexes/{name}/upload"))?,
        simple: guard.facts.url(&format!("/indexes/{name}/index"))?,
        user: guard.facts.variable("INDEX_USER")?,
        password: guard.facts.variable("INDEX_PASSWORD")?,
        takes_again,
        denies: if takes_again { "401" } else { "403" },
        taken: if takes_again { "409" } else { "already exists" },
    };
    pypi::run(bench, &index)
}

fn bucket(bench: &mut Bench<'_>, server: Server, questions: &[&str]) -> Result<()> {
    checks::part(&format!("clients of an object store: {}", server.name()));
    let guard = Guard::start(bench.lab, server)?;
    let mut script = bench.python("s3.py")?;
    script.envs(guard.facts.environment.iter().map(|(a, b)| (a, b)));
    script.args([guard.facts.url("/s3/endpoint")?, "builds"]);
    script.args(questions);
    bench.between("boto3", server.name()).lines(&mut script)
}

fn cloud_storage(bench: &mut Bench<'_>) -> Result<()> {
    checks::part("an object store like Cloud Storage");
    let guard = Guard::start(bench.lab, Server::Gcs)?;
    let mut script = bench.python("gcs.py")?;
    script.args([guard.facts.variable("STORAGE_EMULATOR_HOST")?, "builds"]);
    bench.between("HTTP", "fake-gcs-server").lines(&mut script)
}

fn github(bench: &mut Bench<'_>) -> Result<()> {
    checks::part("GitHub's emulator behind GitHub's schema");
    let guard = Guard::start(bench.lab, Server::Github)?;
    let releases = format!(
        "{}/repos/relpub/demo/releases",
        guard.facts.url("/github/api")?
    );
    let token = guard.facts.variable("GITHUB_TOKEN")?;
    let http = Http::new()?;
    let send = |request: reqwest::blocking::RequestBuilder| -> Result<(u16, Value)> {
        let answer = request.bearer_auth(token).send()?;
        let status = answer.status().as_u16();
        Ok((status, answer.json().unwrap_or(Value::Null)))
    };
    let mut pair = bench.between("OpenAPI proxy", "GitHub emulator");
    let draft = json!({ "tag_name": "v9", "draft": true });
    let (status, release) = send(http.post(&releases).json(&draft))?;
    pair.status("creates a draft", status, 201);
    let id = release["id"].as_u64().context("a release has an id")?;
    let publish = http.patch(&format!("{releases}/{id}"));
    let (status, _) = send(publish.json(&json!({ "draft": false })))?;
    pair.status("publishes it", status, 200);
    let (status, _) = send(http.post(&releases).json(&json!({ "tag_name": "v9" })))?;
    pair.status("a second release of the tag", status, 422);
    let (status, _) = send(http.post(&releases).json(&json!({ "name": "x" })))?;
    pair.status("a release without a tag", status, 422);
    Ok(())
}

fn schema(bench: &mut Bench<'_>) -> Result<()> {
    checks::part("the published schema of CycloneDX");
    let good = bench.work.join("good.cdx.json");
    let bad = bench.work.join("bad.cdx.json");
    let document = |kind: &str| {
        json!({
            "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
            "components": [{ "type": kind, "name": "demo" }],
        })
    };
    fs::write(&good, document("library").to_string())?;
    fs::write(&bad, document("bogus").to_string())?;
    let (mut takes, mut refuses) = (bench.python("bom.py")?, bench.python("bom.py")?);
    let mut pair = bench.between("hand-made document", "CycloneDX schema");
    pair.accepts("a component", takes.arg(good))?;
    pair.refuses("a component of no known type", "bogus", refuses.arg(bad))
}
