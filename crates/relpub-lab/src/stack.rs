//! A Sigstore as its clients see it, and the clients: who signs, who verifies.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::bench::Bench;
use crate::http::Http;
use crate::servers::{Facts, ISSUER};

/// The identity that stands in every certificate of the lab, unless claims are changed.
pub(crate) const IDENTITY: &str =
    "https://github.com/relpub/demo/.github/workflows/release.yml@refs/heads/main";
/// Somebody who could be taken for it.
pub(crate) const STRANGER: &str =
    "https://github.com/relpub/other/.github/workflows/release.yml@refs/heads/main";
/// The predicate type of provenance.
pub(crate) const PROVENANCE: &str = "https://slsa.dev/provenance/v1";

/// A generation of Rekor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rekor {
    V1,
    V2,
}

impl Rekor {
    pub(crate) const BOTH: [Self; 2] = [Self::V1, Self::V2];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V1 => "Rekor v1",
            Self::V2 => "Rekor v2",
        }
    }

    /// Returns the name of a file that there is one of for each generation.
    pub(crate) fn file(self, name: &str) -> String {
        match self {
            Self::V1 => format!("{name}_rekor1.json"),
            Self::V2 => format!("{name}.json"),
        }
    }
}

/// A Sigstore: the sandbox's, or the real one.
pub(crate) struct Stack {
    /// What it is called in the matrix.
    pub(crate) name: &'static str,
    /// The folder with its trust files.
    pub(crate) trust: PathBuf,
    /// What a job of its issuer has in its environment.
    pub(crate) environment: Vec<(String, String)>,
    /// Its parts' URLs.
    pub(crate) facts: Facts,
}

impl Stack {
    /// Asks the runner for a token; `claims` are added to its query.
    pub(crate) fn token(&self, audience: &str, claims: &str) -> Result<String> {
        let url = self.variable("ACTIONS_ID_TOKEN_REQUEST_URL")?;
        let secret = self.variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN")?;
        let url = format!("{url}&audience={audience}{claims}");
        let answer: Value = Http::new()?.get_with_bearer(&url, secret)?.json()?;
        let token = answer["value"].as_str().context("there is no token")?;
        Ok(token.to_owned())
    }

    fn variable(&self, name: &str) -> Result<&str> {
        let mut variables = self.environment.iter();
        let found = variables.find(|(it, _)| it == name);
        let (_, value) = found.with_context(|| format!("there is no {name}"))?;
        Ok(value)
    }

    /// Returns the path of a file of the trust folder.
    pub(crate) fn trusted_root(&self) -> PathBuf {
        self.trust.join("trusted_root.json")
    }

    fn trust_config(&self, rekor: Rekor) -> PathBuf {
        self.trust.join(rekor.file("client_trust_config"))
    }

    /// cosign, about to sign or attest. The token is in the arguments.
    pub(crate) fn cosign_new(
        &self,
        bench: &Bench<'_>,
        rekor: Rekor,
        verb: &str,
        token: &str,
    ) -> Result<Command> {
        let mut command = bench.tool("cosign")?;
        command.args([verb, "--yes", "--identity-token", token]);
        command
            .arg("--signing-config")
            .arg(self.trust.join(rekor.file("signing_config")));
        command.arg("--trusted-root").arg(self.trusted_root());
        Ok(command)
    }

    /// sigstore-python with this Sigstore's trust config.
    pub(crate) fn sigstore_python(&self, bench: &Bench<'_>, rekor: Rekor) -> Result<Command> {
        let mut command = bench.tool("sigstore")?;
        command.arg("--trust-config").arg(self.trust_config(rekor));
        Ok(command)
    }

    /// pypi-attestations with this Sigstore's trust config.
    ///
    /// Its attestations hold no timestamp, so only the promise of Rekor v1 says
    /// when they were made.
    pub(crate) fn pep740(&self, bench: &Bench<'_>, verb: &str, rekor: Rekor) -> Result<Command> {
        let mut command = bench.python("pep740.py")?;
        command.arg(verb).arg(self.trust_config(rekor));
        Ok(command)
    }
}

/// A program that verifies bundles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judge {
    Cosign,
    Python,
    Js,
    Go,
}

/// What is held against what.
pub(crate) struct Case<'a> {
    pub(crate) bundle: &'a Path,
    pub(crate) file: &'a Path,
    pub(crate) identity: &'a str,
    /// The predicate type, if the bundle holds a statement.
    pub(crate) predicate: Option<&'a str>,
}

impl Judge {
    pub(crate) const ALL: [Self; 4] = [Self::Cosign, Self::Python, Self::Js, Self::Go];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cosign => "cosign",
            Self::Python => "sigstore-python",
            Self::Js => "sigstore-js",
            Self::Go => "sigstore-go",
        }
    }

    /// Returns what it says about a file that was not signed.
    ///
    /// sigstore-js does not look at the subject of a statement, which is `None`.
    pub(crate) fn says_of_tampering(self, statement: bool) -> Option<&'static str> {
        match (self, statement) {
            (Self::Cosign, false) => Some("invalid signature"),
            (Self::Cosign | Self::Go, true) => Some("digest"),
            (Self::Python, false) => Some("digest mismatch"),
            (Self::Python, true) => Some("no subject for digest"),
            (Self::Js, false) => Some("signature verification failed"),
            (Self::Js, true) => None,
            (Self::Go, false) => Some("signature"),
        }
    }

    /// Returns what it says about somebody else's signature.
    pub(crate) fn says_of_strangers(self) -> &'static str {
        match self {
            Self::Cosign | Self::Go => "no matching CertificateIdentity found",
            Self::Python => "SANs do not match",
            Self::Js => "certificate identity error",
        }
    }

    /// Returns the command that judges; exit code 0 is a pass.
    pub(crate) fn verify(
        self,
        bench: &Bench<'_>,
        stack: &Stack,
        case: &Case<'_>,
    ) -> Result<Command> {
        match self {
            Self::Cosign => cosign(bench, stack, case),
            Self::Python => python(bench, stack, case),
            Self::Js => js(bench, stack, case),
            Self::Go => go(bench, stack, case),
        }
    }
}

fn cosign(bench: &Bench<'_>, stack: &Stack, case: &Case<'_>) -> Result<Command> {
    let mut command = bench.tool("cosign")?;
    match case.predicate {
        None => command.arg("verify-blob"),
        Some(predicate) => command.args(["verify-blob-attestation", "--type", predicate]),
    };
    command.arg("--trusted-root").arg(stack.trusted_root());
    command.args(["--use-signed-timestamps", "--certificate-oidc-issuer"]);
    command.args([ISSUER, "--certificate-identity", case.identity]);
    command.arg("--bundle").arg(case.bundle).arg(case.file);
    Ok(command)
}

fn python(bench: &Bench<'_>, stack: &Stack, case: &Case<'_>) -> Result<Command> {
    let mut command = stack.sigstore_python(bench, Rekor::V2)?;
    command.args(["verify", "identity", "--cert-identity", case.identity]);
    command.args(["--cert-oidc-issuer", ISSUER, "--bundle"]);
    command.arg(case.bundle).arg(case.file);
    Ok(command)
}

fn js(bench: &Bench<'_>, stack: &Stack, case: &Case<'_>) -> Result<Command> {
    let script = bench.lab.path("node/verify.mjs");
    fs::copy(crate::lab::shipped("node/verify.mjs"), &script)?;
    let mut command = bench.lab.node(&bench.home())?;
    command
        .arg(script)
        .arg(stack.trusted_root())
        .arg(case.bundle);
    match case.predicate {
        None => command.arg(case.file),
        Some(_) => command.arg("-"),
    };
    command.args([case.identity, ISSUER]);
    command.current_dir(&bench.work);
    Ok(command)
}

fn go(bench: &Bench<'_>, stack: &Stack, case: &Case<'_>) -> Result<Command> {
    let mut command = bench.tool("sigstore-go-verification")?;
    command
        .arg("-trustedrootJSONpath")
        .arg(stack.trusted_root());
    command.arg("-artifact").arg(case.file);
    command.args(["-expectedSAN", case.identity]);
    command.args(["-expectedIssuer", ISSUER]).arg(case.bundle);
    Ok(command)
}
