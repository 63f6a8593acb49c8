//! Every signer against every verifier, on one Sigstore, and what must be refused.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::wheel;
use crate::bench::Bench;
use crate::checks;
use crate::digest::sha256_of;
use crate::http::Http;
use crate::process;
use crate::stack::{Case, IDENTITY, Judge, PROVENANCE, Rekor, STRANGER, Stack};

/// The files that are signed, and those that were not.
pub(super) struct Files {
    pub(super) signed: PathBuf,
    pub(super) tampered: PathBuf,
    /// A statement about it.
    statement: PathBuf,
    predicate: PathBuf,
    folder: PathBuf,
}

/// Tries everything that has to do with signing on a Sigstore.
pub(super) fn run(bench: &mut Bench<'_>, stack: &Stack) -> Result<()> {
    checks::part(&format!("sign and verify with the {}", stack.name));
    let files = files(bench, stack)?;
    for rekor in Rekor::BOTH {
        for by in [Signer::Cosign, Signer::Python] {
            let bundles = sign(bench, stack, &files, rekor, by)?;
            for judge in Judge::ALL {
                verify(bench, stack, &files, &bundles, judge)?;
            }
            log_entries(bench, stack, rekor, &bundles)?;
        }
    }
    pep740(bench, stack, &files)?;
    who_may_sign(bench, stack, &files)?;
    spoiled_bundles(bench, stack, &files)
}

fn files(bench: &Bench<'_>, stack: &Stack) -> Result<Files> {
    let name = stack.name.replace(' ', "-");
    let signed = wheel(bench, &name, "signed")?;
    let folder = bench.folder(&name)?;
    let tampered = bench.folder(&format!("{name}/tampered"))?;
    let tampered = tampered.join(signed.file_name().context("a wheel has a name")?);
    let mut bytes = fs::read(&signed)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&tampered, bytes)?;
    let predicate = folder.join("predicate.json");
    let provenance = json!({
        "buildDefinition": { "buildType": "https://example.org/build", "externalParameters": {} },
        "runDetails": { "builder": { "id": "https://example.org/builder" } },
    });
    fs::write(&predicate, provenance.to_string())?;
    // In words of cosign's own it would be a statement of in-toto 0.1, which
    // sigstore-python does not read.
    let statement = folder.join("statement.json");
    let content = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "wheel", "digest": { "sha256": sha256_of(&signed)? } }],
        "predicateType": PROVENANCE,
        "predicate": provenance,
    });
    fs::write(&statement, content.to_string())?;
    Ok(Files {
        signed,
        tampered,
        statement,
        predicate,
        folder,
    })
}

/// A program that signs.
#[derive(Clone, Copy)]
enum Signer {
    Cosign,
    Python,
}

impl Signer {
    fn name(self) -> &'static str {
        match self {
            Self::Cosign => "cosign",
            Self::Python => "sigstore-python",
        }
    }
}

/// What one signer made.
struct Bundles {
    /// How it came about, for messages.
    from: String,
    signature: PathBuf,
    statement: PathBuf,
}

fn sign(
    bench: &mut Bench<'_>,
    stack: &Stack,
    files: &Files,
    rekor: Rekor,
    by: Signer,
) -> Result<Bundles> {
    let from = format!("{} on {}", by.name(), rekor.name());
    let path = |kind: &str| {
        let name = format!("{from}-{kind}.json").replace(' ', "-");
        files.folder.join(name)
    };
    let (signature, statement) = (path("signature"), path("statement"));
    let token = || stack.token("sigstore", "");
    let (mut blob, mut attest) = match by {
        Signer::Cosign => {
            let blob = stack.cosign_new(bench, rekor, "sign-blob", &token()?)?;
            let mut attest = stack.cosign_new(bench, rekor, "attest-blob", &token()?)?;
            attest.arg("--statement").arg(&files.statement);
            (blob, attest)
        }
        Signer::Python => {
            let mut blob = stack.sigstore_python(bench, rekor)?;
            blob.args(["sign", "--identity-token", &token()?]);
            let mut attest = stack.sigstore_python(bench, rekor)?;
            attest.args(["attest", "--identity-token", &token()?]);
            attest.args(["--predicate-type", PROVENANCE, "--predicate"]);
            attest.arg(&files.predicate);
            (blob, attest)
        }
    };
    blob.arg("--bundle").arg(&signature).arg(&files.signed);
    attest.arg("--bundle").arg(&statement);
    if matches!(by, Signer::Python) {
        attest.arg(&files.signed);
    }
    let mut pair = bench.between(by.name(), stack.name);
    let log = rekor.name();
    pair.accepts(&format!("signs a file, {log}"), &mut blob)?;
    pair.accepts(&format!("attests provenance, {log}"), &mut attest)?;
    Ok(Bundles {
        from,
        signature,
        statement,
    })
}

fn verify(
    bench: &mut Bench<'_>,
    stack: &Stack,
    files: &Files,
    bundles: &Bundles,
    judge: Judge,
) -> Result<()> {
    for (bundle, predicate) in [
        (&bundles.signature, None),
        (&bundles.statement, Some(PROVENANCE)),
    ] {
        // sigstore-python's program verifies statements too, as its `verify` does.
        let kind = if predicate.is_some() {
            "statement"
        } else {
            "signature"
        };
        let what = format!("the {kind} by {}", bundles.from);
        let case = Case {
            bundle,
            file: &files.signed,
            identity: IDENTITY,
            predicate,
        };
        judged(bench, stack, judge, &case, &files.tampered, &what)?;
    }
    Ok(())
}

/// Expects a verifier to accept a case, and to refuse another file and another identity.
pub(super) fn judged(
    bench: &mut Bench<'_>,
    stack: &Stack,
    judge: Judge,
    case: &Case<'_>,
    tampered: &Path,
    what: &str,
) -> Result<()> {
    let mut good = judge.verify(bench, stack, case)?;
    let other = Case {
        file: tampered,
        ..*case
    };
    let mut changed = judge.verify(bench, stack, &other)?;
    let stranger = Case {
        identity: STRANGER,
        ..*case
    };
    let mut stranger = judge.verify(bench, stack, &stranger)?;
    let mut pair = bench.between(judge.name(), stack.name);
    pair.accepts(&format!("verifies {what}"), &mut good)?;
    if let Some(because) = judge.says_of_tampering(case.predicate.is_some()) {
        pair.refuses(&format!("another file, of {what}"), because, &mut changed)?;
    }
    let because = judge.says_of_strangers();
    pair.refuses(
        &format!("another identity, of {what}"),
        because,
        &mut stranger,
    )
}

/// A statement is logged in two ways, and an entry that is there already is answered in two.
fn log_entries(
    bench: &mut Bench<'_>,
    stack: &Stack,
    rekor: Rekor,
    bundles: &Bundles,
) -> Result<()> {
    let wanted = match rekor {
        Rekor::V1 => ["hashedrekord 0.0.1", "dsse 0.0.1"],
        // A statement too: the digest is that of what DSSE signs.
        Rekor::V2 => ["hashedrekord 0.0.2", "hashedrekord 0.0.2"],
    };
    let entries = [entry(&bundles.signature)?, entry(&bundles.statement)?];
    let kind = |entry: &Value| {
        let text = |name: &str| {
            entry["kindVersion"][name]
                .as_str()
                .unwrap_or("?")
                .to_owned()
        };
        format!("{} {}", text("kind"), text("version"))
    };
    let body = STANDARD.decode(entries[0]["canonicalizedBody"].as_str().unwrap_or_default())?;
    let body: Value = serde_json::from_slice(&body)?;
    let (url, again) = match rekor {
        Rekor::V1 => (stack.facts.url("/sigstore/rekor1")?, body),
        Rekor::V2 => {
            let spec = &body["spec"]["hashedRekordV002"];
            let request = json!({ "hashedRekordRequestV002": {
                "digest": spec["data"]["digest"],
                "signature": spec["signature"],
            }});
            (stack.facts.url("/sigstore/rekor2")?, request)
        }
    };
    let version = if rekor == Rekor::V1 { "v1" } else { "v2" };
    let url = format!("{url}/api/{version}/log/entries");
    let answer = Http::new()?.post(&url).json(&again).send()?;
    let (status, location) = (
        answer.status().as_u16(),
        answer.headers().contains_key("location"),
    );
    let log = rekor.name();
    let mut pair = bench.between("HTTP", stack.name);
    let found = entries.each_ref().map(kind);
    let found = found.each_ref().map(String::as_str);
    pair.same(
        &format!(
            "{log} logs a signature as {}, a statement as {}",
            wanted[0], wanted[1]
        ),
        &found,
        &wanted,
    );
    pair.status(&format!("{log}, an entry that it has"), status, 409);
    match rekor {
        Rekor::V1 => pair.same(
            "Rekor v1 says with 409 where the entry is",
            &location,
            &true,
        ),
        Rekor::V2 => pair.same("Rekor v2 says with 409 no location", &location, &false),
    }
    Ok(())
}

fn entry(bundle: &Path) -> Result<Value> {
    let bundle: Value = serde_json::from_slice(&fs::read(bundle)?)?;
    let entry = bundle.pointer("/verificationMaterial/tlogEntries/0");
    entry.cloned().context("the bundle has no log entry")
}

/// Attestations for PyPI, which need Rekor v1.
fn pep740(bench: &mut Bench<'_>, stack: &Stack, files: &Files) -> Result<()> {
    let mut sign = stack.pep740(bench, "sign", Rekor::V1)?;
    sign.arg(stack.token("sigstore", "")?).arg(&files.signed);
    let mut second = stack.pep740(bench, "sign", Rekor::V2)?;
    second
        .arg(stack.token("sigstore", "")?)
        .arg(&files.tampered);
    let verify = |file: &Path, identity: &str, of: &Path| {
        let mut command = stack.pep740(bench, "verify", Rekor::V1)?;
        command.arg(file).arg(identity).arg(publish_attestation(of));
        Ok::<_, anyhow::Error>(command)
    };
    let mut good = verify(&files.signed, IDENTITY, &files.signed)?;
    let mut changed = verify(&files.tampered, IDENTITY, &files.signed)?;
    let mut stranger = verify(&files.signed, STRANGER, &files.signed)?;
    // It is made, but there is no place in it for a timestamp.
    let mut timeless = verify(&files.tampered, IDENTITY, &files.tampered)?;
    process::succeed(&mut second)?;
    let mut pair = bench.between("pypi-attestations", stack.name);
    pair.accepts("makes an attestation (PEP 740), Rekor v1", &mut sign)?;
    pair.accepts("verifies it", &mut good)?;
    pair.refuses("another file", "subject does not match", &mut changed)?;
    pair.refuses("another identity", "match", &mut stranger)?;
    pair.refuses(
        "an attestation from Rekor v2, which has no time",
        "signed timestamp",
        &mut timeless,
    )
}

/// Returns where an attestation lies beside its file.
pub(super) fn publish_attestation(file: &Path) -> PathBuf {
    PathBuf::from(format!("{}.publish.attestation", file.display()))
}

/// One claim of a token decides who signs, and whether.
fn who_may_sign(bench: &mut Bench<'_>, stack: &Stack, files: &Files) -> Result<()> {
    let other = stack.token("somebody-else", "")?;
    let mut audience = stack.cosign_new(bench, Rekor::V2, "sign-blob", &other)?;
    audience.args(["--bundle", "never.json"]).arg(&files.signed);
    let token = stack.token("sigstore", "")?;
    let mut spoiled = stack.cosign_new(bench, Rekor::V2, "sign-blob", &spoil_claims(&token)?)?;
    spoiled.args(["--bundle", "never.json"]).arg(&files.signed);
    let mut ambient = stack.sigstore_python(bench, Rekor::V2)?;
    ambient.envs(stack.environment.iter().map(|(a, b)| (a, b)));
    ambient
        .args(["sign", "--bundle"])
        .arg(files.folder.join("ambient.json"));
    ambient.arg(&files.signed);
    let mut pair = bench.between("cosign", stack.name);
    pair.refuses("a token for another audience", "error", &mut audience)?;
    pair.refuses("a token with one claim changed", "error", &mut spoiled)?;
    let mut pair = bench.between("sigstore-python", stack.name);
    pair.accepts("finds the runner's token endpoint by itself", &mut ambient)
}

/// Changes the repository in a token, whose signature then is another's.
fn spoil_claims(token: &str) -> Result<String> {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let parts: Vec<&str> = token.split('.').collect();
    let [head, claims, signature] = parts[..] else {
        anyhow::bail!("a token has three parts");
    };
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims)?)?;
    claims["repository"] = "relpub/other".into();
    let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
    Ok(format!("{head}.{claims}.{signature}"))
}

/// One bit of a bundle decides whether it is believed.
///
/// The entry is spoiled in a bundle of Rekor v1: of v2 some verifiers make the
/// entry themselves, from the bundle, and do not read what the log says of it.
fn spoiled_bundles(bench: &mut Bench<'_>, stack: &Stack, files: &Files) -> Result<()> {
    const FIRST: &str = "sigstore-python-on-Rekor-v1-signature.json";
    const SECOND: &str = "sigstore-python-on-Rekor-v2-signature.json";
    for (what, bundle, pointer) in [
        ("signature", SECOND, "/messageSignature/signature"),
        (
            "certificate",
            SECOND,
            "/verificationMaterial/certificate/rawBytes",
        ),
        (
            "log entry",
            FIRST,
            "/verificationMaterial/tlogEntries/0/canonicalizedBody",
        ),
        (
            "inclusion proof",
            SECOND,
            "/verificationMaterial/tlogEntries/0/inclusionProof/hashes/0",
        ),
        (
            "timestamp",
            SECOND,
            "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp",
        ),
    ] {
        let path = spoil(files, what, bundle, pointer)?;
        let case = Case {
            bundle: &path,
            file: &files.signed,
            identity: IDENTITY,
            predicate: None,
        };
        for judge in Judge::ALL {
            let mut command = judge.verify(bench, stack, &case)?;
            let mut pair = bench.between(judge.name(), stack.name);
            pair.refuses(&format!("one bit of the {what} changed"), "", &mut command)?;
        }
    }
    Ok(())
}

/// Writes a bundle with one bit changed near the end of one value.
///
/// There everything that is signed has its signature; in the middle of a
/// timestamp there can be what some verifiers have no need to read.
fn spoil(files: &Files, what: &str, bundle: &str, pointer: &str) -> Result<PathBuf> {
    let bundle = fs::read(files.folder.join(bundle))?;
    let mut bundle: Value = serde_json::from_slice(&bundle)?;
    let value = bundle.pointer_mut(pointer);
    let value = value.with_context(|| format!("the bundle has no {what}"))?;
    let mut bytes = STANDARD.decode(value.as_str().unwrap_or_default())?;
    let place = bytes.len() - 20;
    bytes[place] ^= 1;
    *value = STANDARD.encode(bytes).into();
    let name = format!("spoiled-{what}.json").replace(' ', "-");
    let path = files.folder.join(name);
    fs::write(&path, bundle.to_string())?;
    Ok(path)
}
