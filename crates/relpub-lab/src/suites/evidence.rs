//! Independent verifiers on the evidence that relpub left.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use relpub_model::production::PROMOTION_PREDICATE;
use serde_json::Value;

use super::release::{PROJECT, Release, WHEEL};
use super::signing::judged;
use crate::bench::Bench;
use crate::http::Http;
use crate::local::REPOSITORY;
use crate::stack::{Case, IDENTITY, Judge, Rekor, Stack};

/// The predicate type of a `CycloneDX` document.
const BOM: &str = "https://cyclonedx.org/bom";
/// Two files of the release: one that goes to PyPI too, and one that does not.
const FILES: [&str; 2] = [WHEEL, "relpub-demo-1.2.3-x86_64-unknown-linux-gnu"];

/// Judges what lies beside the files of the GitHub release.
pub(super) fn judge(bench: &mut Bench<'_>, release: &Release, stack: &Stack) -> Result<()> {
    let assets = release.assets()?;
    let promotion = release.fetch("promotion.sigstore.json", &assets)?;
    for name in FILES {
        let file = release.fetch(name, &assets)?;
        let tampered = tampered(&file)?;
        let signature = release.fetch(&format!("{name}.sigstore.json"), &assets)?;
        let bom = release.fetch(&format!("{name}.sbom.sigstore.json"), &assets)?;
        for (what, bundle, predicate) in [
            ("relpub's signature", &signature, None),
            ("relpub's SBOM statement", &bom, Some(BOM)),
            (
                "relpub's promotion statement",
                &promotion,
                Some(PROMOTION_PREDICATE),
            ),
        ] {
            let case = Case {
                bundle,
                file: &file,
                identity: IDENTITY,
                predicate,
            };
            for judge in Judge::ALL {
                judged(bench, stack, judge, &case, &tampered, what)?;
            }
        }
        schema(bench, &bom)?;
    }
    wheel(bench, &release.fetch(WHEEL, &assets)?)
}

fn wheel(bench: &mut Bench<'_>, file: &Path) -> Result<()> {
    let cut = file.with_file_name("tampered").join(WHEEL);
    let mut bytes = fs::read(file)?;
    bytes.truncate(bytes.len() - 30);
    fs::write(&cut, bytes)?;
    let mut good = bench.tool("check-wheel-contents")?;
    let mut changed = bench.tool("check-wheel-contents")?;
    let mut pair = bench.between("check-wheel-contents", "relpub's wheel");
    pair.accepts("is whole", good.arg(file))?;
    pair.refuses("an end that is missing", "", changed.arg(cut))
}

fn tampered(file: &Path) -> Result<PathBuf> {
    let folder = file.with_file_name("tampered");
    fs::create_dir_all(&folder)?;
    let path = folder.join(file.file_name().context("a file has a name")?);
    let mut bytes = fs::read(file)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes)?;
    Ok(path)
}

/// Holds the document in a statement to the published schema.
fn schema(bench: &mut Bench<'_>, bundle: &Path) -> Result<()> {
    let bundle_json: Value = serde_json::from_slice(&fs::read(bundle)?)?;
    let payload = bundle_json.pointer("/dsseEnvelope/payload");
    let payload = payload.and_then(Value::as_str);
    let payload = STANDARD.decode(payload.context("the bundle holds no statement")?)?;
    let statement: Value = serde_json::from_slice(&payload)?;
    let mut document = statement["predicate"].clone();
    let good = bundle.with_extension("cdx.json");
    fs::write(&good, document.to_string())?;
    document["components"] = serde_json::json!([{ "type": "bogus", "name": "x" }]);
    let bad = bundle.with_extension("bad.cdx.json");
    fs::write(&bad, document.to_string())?;
    let (mut takes, mut refuses) = (bench.python("bom.py")?, bench.python("bom.py")?);
    let mut pair = bench.between("CycloneDX schema", "relpub's SBOM");
    pair.accepts("is valid", takes.arg(good))?;
    pair.refuses("a component of no known type", "bogus", refuses.arg(bad))
}

/// Judges the publish attestations that the index hands out.
pub(super) fn judge_index(bench: &mut Bench<'_>, release: &Release, stack: &Stack) -> Result<()> {
    let http = Http::new()?;
    let url = format!("{}{PROJECT}/", release.local.world.pypi.simple_url());
    let media_type = "application/vnd.pypi.simple.v1+json";
    let index: Value = http.get_as(&url, media_type)?.json()?;
    let assets = release.assets()?;
    for file in index["files"].as_array().context("the index is empty")? {
        let name = file["filename"].as_str().context("a file has a name")?;
        let url = file["provenance"].as_str();
        let url = url.with_context(|| format!("{name} has no attestation"))?;
        let path = release.fetch(name, &assets)?;
        let changed = tampered(&path)?;
        let provenance = path.with_extension("provenance.json");
        fs::write(&provenance, http.get(url)?.bytes()?)?;
        let judge = |file: &Path, repository: &str| {
            let mut command = stack.pep740(bench, "publish", Rekor::V1)?;
            command.arg(file).args([repository, "release.yml"]);
            command.arg(&provenance);
            Ok::<_, anyhow::Error>(command)
        };
        let mut good = judge(&path, REPOSITORY)?;
        let mut stranger = judge(&path, "relpub/other")?;
        let mut tampered = judge(&changed, REPOSITORY)?;
        let mut pair = bench.between("pypi-attestations", "relpub's publish attestations");
        pair.accepts("verifies them from the integrity API", &mut good)?;
        pair.refuses(
            &format!("another repository, of {name}"),
            "verif",
            &mut stranger,
        )?;
        let because = "subject does not match";
        pair.refuses(&format!("another file, of {name}"), because, &mut tampered)?;
    }
    Ok(())
}
