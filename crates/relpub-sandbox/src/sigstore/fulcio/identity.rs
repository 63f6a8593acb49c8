//! What a certificate says about its holder: the claims of the token.
//!
//! The extensions are those of Fulcio's "OID information" page, filled as for a
//! GitHub Actions job, or the subject alone for a person with an e-mail address.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::super::certificate::{FULCIO, SAN, extension};
use super::super::der;
use super::super::deviation::Deviation;

/// The host in the URIs of a GitHub Actions job.
const GITHUB: &str = "https://github.com";

/// The holder of a certificate.
pub(super) struct Subject {
    issuer: String,
    name: Name,
    challenge: String,
    /// The deprecated extensions by their last arc.
    old: Vec<(u8, String)>,
    /// The extensions by their last arc.
    new: Vec<(u8, String)>,
}

enum Name {
    Uri(String),
    Email(String),
}

impl Subject {
    /// Returns the holder that these claims are about, or which claim is missing.
    pub(super) fn of(claims: &Map<String, Value>) -> Result<Self, String> {
        let claims = Claims(claims);
        match claims.verified_email() {
            Some(email) => Self::person(&claims, email),
            None => Self::job(&claims),
        }
    }

    fn person(claims: &Claims<'_>, email: &str) -> Result<Self, String> {
        Ok(Self {
            issuer: claims.text("iss")?,
            name: Name::Email(email.to_owned()),
            challenge: email.to_owned(),
            old: Vec::new(),
            new: Vec::new(),
        })
    }

    fn job(claims: &Claims<'_>) -> Result<Self, String> {
        let text = |name| claims.text(name);
        let below = |path: String| format!("{GITHUB}/{path}");
        let (repository, sha) = (text("repository")?, text("sha")?);
        let (event, reference) = (text("event_name")?, text("ref")?);
        let run = format!(
            "{repository}/actions/runs/{}/attempts/{}",
            text("run_id")?,
            text("run_attempt")?
        );
        let signer = below(text("job_workflow_ref")?);
        let mut new = vec![
            (9, signer.clone()),
            (10, text("job_workflow_sha")?),
            (11, text("runner_environment")?),
            (12, below(repository.clone())),
            (13, sha.clone()),
            (14, reference.clone()),
            (15, text("repository_id")?),
            (16, below(text("repository_owner")?)),
            (17, text("repository_owner_id")?),
            (18, below(text("workflow_ref")?)),
            (19, text("workflow_sha")?),
            (20, event.clone()),
            (21, below(run)),
            (22, text("repository_visibility")?),
        ];
        new.extend(text("environment").ok().map(|name| (23, name)));
        let subject = text("sub")?;
        new.push((24, subject.clone()));
        Ok(Self {
            issuer: text("iss")?,
            name: Name::Uri(signer),
            challenge: subject,
            old: vec![
                (2, event),
                (3, sha),
                (4, text("workflow")?),
                (5, repository),
                (6, reference),
            ],
            new,
        })
    }

    /// Returns the text whose signature proves that a key is held.
    pub(super) fn challenge(&self) -> &str {
        &self.challenge
    }

    /// Returns the subject alternative name and Fulcio's own extensions.
    pub(super) fn extensions(&self, deviations: &BTreeSet<Deviation>) -> Vec<Vec<u8>> {
        let has = |deviation| deviations.contains(&deviation);
        let name = match &self.name {
            Name::Uri(uri) => der::element(0x86, uri.as_bytes()),
            Name::Email(email) => der::element(0x81, email.as_bytes()),
        };
        let critical = !has(Deviation::SanNotCritical);
        let mut extensions = vec![extension(SAN, critical, &der::sequence(&[name]))];
        let mut add = |arc: u8, value: &[u8]| {
            extensions.push(extension(&format!("{FULCIO}.{arc}"), false, value));
        };
        if !has(Deviation::NoOldIssuer) {
            add(1, self.issuer.as_bytes());
        }
        for (arc, value) in &self.old {
            add(*arc, value.as_bytes());
        }
        if !has(Deviation::NoIssuer) {
            add(8, &der::utf8(&self.issuer));
        }
        for (arc, value) in &self.new {
            add(*arc, &der::utf8(value));
        }
        extensions
    }
}

struct Claims<'a>(&'a Map<String, Value>);

impl Claims<'_> {
    fn text(&self, name: &str) -> Result<String, String> {
        let claim = self.0.get(name).and_then(Value::as_str);
        let missing = || format!("the identity token has no claim `{name}`");
        claim.map(str::to_owned).ok_or_else(missing)
    }

    fn verified_email(&self) -> Option<&str> {
        let verified = match self.0.get("email_verified")? {
            Value::Bool(verified) => *verified,
            other => other.as_str() == Some("true"),
        };
        let email = self.0.get("email").and_then(Value::as_str)?;
        verified.then_some(email)
    }
}
