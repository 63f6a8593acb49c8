//! Independent clients against relpub's sandbox.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use relpub_sandbox::{Fault, FaultKind};
use serde_json::{Value, json};

use super::pypi::{self, Index};
use super::signing::{self, publish_attestation};
use super::{PROJECT, VERSION, wheel};
use crate::bench::Bench;
use crate::checks;
use crate::http::{self, Http};
use crate::lab::Part;
use crate::local::{COMMIT, Local, REPOSITORY};
use crate::process;
use crate::servers;
use crate::stack::Rekor;

const PYPI: &str = "sandbox PyPI";
const GITHUB: &str = "sandbox GitHub";

/// Runs the suite.
pub(super) fn run(bench: &mut Bench<'_>) -> Result<()> {
    let local = Local::start(bench, "sandbox")?;
    if bench.wants(Part::Github) {
        github(bench, &local)?;
    }
    if bench.wants(Part::Pypi) {
        index(bench, &local)?;
    }
    if bench.wants(Part::Bucket) {
        bucket(bench, &local)?;
    }
    if bench.wants(Part::Sigstore) {
        attested_upload(bench, &local)?;
        signing::run(bench, &local.stack())?;
    }
    Ok(())
}

fn index(bench: &mut Bench<'_>, local: &Local) -> Result<()> {
    let token = local.world.pypi.token();
    let (upload, simple) = (local.world.pypi.upload_url(), local.world.pypi.simple_url());
    let index = Index {
        name: PYPI,
        upload: &upload,
        simple: &simple,
        user: "__token__",
        password: &token,
        takes_again: true,
        denies: "403",
        taken: "400",
    };
    pypi::run(bench, &index)?;
    let into = bench.folder("flipped")?;
    let mut download = pypi::pip(bench, &index, &into)?;
    download.arg(format!("{PROJECT}=={VERSION}"));
    let fault = Fault::new(FaultKind::FlippedBit, "pypi")
        .at("file")
        .times(3);
    local.world.faults().add(fault);
    let mut pair = bench.between("pip", PYPI);
    let because = "do not match the hashes";
    pair.refuses("one bit changed on the way", because, &mut download)?;
    local.world.faults().clear();
    Ok(())
}

/// Uploads with attestations, as only a trusted publisher may.
fn attested_upload(bench: &mut Bench<'_>, local: &Local) -> Result<()> {
    checks::part("attestations with an upload to the sandbox");
    let stack = local.stack();
    let (upload, simple) = (
        local.world.testpypi.upload_url(),
        local.world.testpypi.simple_url(),
    );
    let standing = local.world.testpypi.token();
    let trusted = mint(&upload, &stack.token("testpypi", "")?)?;
    let index = Index {
        name: PYPI,
        upload: &upload,
        simple: &simple,
        user: "__token__",
        password: &trusted,
        takes_again: true,
        denies: "403",
        taken: "400",
    };
    let file = wheel(bench, "attested", "attested")?;
    let other = wheel(bench, "attested-other", "other")?;
    let mut pair_sign = stack.pep740(bench, "sign", Rekor::V1)?;
    pair_sign.arg(stack.token("sigstore", "")?).arg(&file);
    let mut by_token = pypi::twine(bench, &index, &standing)?;
    let mut foreign = pypi::twine(bench, &index, &trusted)?;
    let mut good = pypi::twine(bench, &index, &trusted)?;
    let mut pair = bench.between("pypi-attestations", PYPI);
    pair.accepts("attests a wheel", &mut pair_sign)?;
    // The attestation of one file beside another.
    fs::copy(publish_attestation(&file), publish_attestation(&other))?;
    let mut pair = bench.between("twine", PYPI);
    let attested = |file: &Path| {
        [
            "--attestations".into(),
            file.to_owned(),
            publish_attestation(file),
        ]
    };
    pair.refuses(
        "attestations with an API token",
        "400",
        by_token.args(attested(&file)),
    )?;
    pair.refuses(
        "another file's attestation",
        "400",
        foreign.args(attested(&other)),
    )?;
    pair.accepts(
        "uploads a wheel with its attestation",
        good.args(attested(&file)),
    )?;
    integrity(bench, local, &simple, &file)
}

/// Exchanges an identity token for an upload token.
fn mint(upload: &str, identity: &str) -> Result<String> {
    let url = upload.replace("/legacy/", "/_/oidc/mint-token");
    let http = Http::new()?;
    let request = http.post(&url).json(&json!({ "token": identity }));
    let answer: Value = http::send(request)?.json()?;
    let token = answer["token"].as_str().context("no token was minted")?;
    Ok(token.to_owned())
}

/// Judges what the integrity API hands out.
fn integrity(bench: &mut Bench<'_>, local: &Local, simple: &str, file: &Path) -> Result<()> {
    let stack = local.stack();
    let http = Http::new()?;
    let url = format!("{simple}{PROJECT}/");
    let json_index = "application/vnd.pypi.simple.v1+json";
    let index: Value = http.get_as(&url, json_index)?.json()?;
    let url = index["files"][0]["provenance"].as_str();
    let url = url.context("the index names no provenance")?;
    let provenance = bench.work.join("provenance.json");
    let body = http.get(url)?.bytes()?;
    fs::write(&provenance, body)?;
    let tampered = wheel(bench, "attested-tampered", "tampered")?;
    let judge = |file: &Path, repository: &str, workflow: &str| {
        let mut command = stack.pep740(bench, "publish", Rekor::V1)?;
        command
            .arg(file)
            .args([repository, workflow])
            .arg(&provenance);
        Ok::<_, anyhow::Error>(command)
    };
    let mut good = judge(file, REPOSITORY, "release.yml")?;
    let mut other = judge(file, "relpub/other", "release.yml")?;
    let mut workflow = judge(file, REPOSITORY, "other.yml")?;
    let mut changed = judge(&tampered, REPOSITORY, "release.yml")?;
    let mut pair = bench.between("pypi-attestations", PYPI);
    pair.accepts("verifies what the integrity API hands out", &mut good)?;
    pair.refuses("as another repository's", "verif", &mut other)?;
    pair.refuses("as another workflow's", "verif", &mut workflow)?;
    pair.refuses("of another file", "subject does not match", &mut changed)
}

fn bucket(bench: &mut Bench<'_>, local: &Local) -> Result<()> {
    checks::part("clients of the sandbox's bucket");
    local
        .world
        .bucket
        .put("builds", "lab/seed", b"seed", None)?;
    let ask = |questions: &[&str]| -> Result<Command> {
        let mut script = bench.python("s3.py")?;
        script.envs(local.facts.environment.iter().map(|(a, b)| (a, b)));
        script.args([local.world.bucket.url(), "builds"]);
        script.args(questions);
        Ok(script)
    };
    let mut script = ask(&["plain", "conditions", "checksums", "get-conditions"])?;
    let mut md5 = ask(&["md5"])?;
    let mut pair = bench.between("boto3", "sandbox bucket");
    pair.lines(&mut script)?;
    let checks = process::run(&mut md5)?.output.contains("ok ");
    pair.lacks("looks at Content-MD5", checks);
    Ok(())
}

/// Calls of the sandbox's GitHub, each held to GitHub's published description.
fn github(bench: &mut Bench<'_>, local: &Local) -> Result<()> {
    checks::part("GitHub's schema holds the sandbox's GitHub");
    local.world.github.set_branch(REPOSITORY, "main", COMMIT)?;
    let prism = servers::prism(bench.lab, local.world.github.url(), true)?;
    let api = format!("{}/repos/{REPOSITORY}", prism.url);
    let http = Http::new()?;
    let token = local.world.github.token().to_owned();
    let send = |request: reqwest::blocking::RequestBuilder| -> Result<(u16, Value)> {
        let request = request.bearer_auth(&token);
        let answer = request
            .header("accept", "application/vnd.github+json")
            .send()?;
        let status = answer.status().as_u16();
        Ok((status, answer.json().unwrap_or(Value::Null)))
    };
    let releases = format!("{api}/releases");
    let draft = json!({ "tag_name": "v9", "target_commitish": "main", "draft": true, "name": "9" });
    let mut pair = bench.between("OpenAPI proxy", GITHUB);
    let (status, release) = send(http.post(&releases).json(&draft))?;
    pair.status("creates a draft", status, 201);
    let id = release["id"].as_u64().context("a release has an id")?;
    let (status, _) = send(
        http.patch(&format!("{releases}/{id}"))
            .json(&json!({ "body": "x" })),
    )?;
    pair.status("edits it", status, 200);
    for (what, path, wanted) in [
        ("lists releases", "/releases?per_page=10", 200),
        (
            "lists a draft's assets",
            &format!("/releases/{id}/assets"),
            200,
        ),
        ("shows a branch's ref", "/git/ref/heads%2Fmain", 200),
        ("a tag without a release", "/releases/tags/none", 404),
        ("a ref that is not there", "/git/ref/tags%2Fnone", 404),
    ] {
        pair.status(
            what,
            send(http.request_get(&format!("{api}{path}")))?.0,
            wanted,
        );
    }
    let (status, _) = send(http.request_get(&api))?;
    pair.lacks("shows all of a repository that GitHub does", status == 200);
    let publish = json!({ "draft": false, "make_latest": "false" });
    let (status, _) = send(http.patch(&format!("{releases}/{id}")).json(&publish))?;
    pair.status("publishes it", status, 200);
    let (status, _) = send(http.request_get(&format!("{releases}/tags/v9")))?;
    pair.status("shows it by its tag", status, 200);
    let (status, _) = send(http.post(&releases).json(&json!({ "tag_name": "v9" })))?;
    pair.status("a second release of the tag", status, 422);
    let (status, _) = send(http.post(&releases).json(&json!({ "name": "x" })))?;
    pair.status("a release without a tag", status, 422);
    Ok(())
}
