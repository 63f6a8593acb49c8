//! Attestations that come with an upload (PEP 740), judged as the server does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pep440_rs::Version;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Inner;
use super::auth::{Sender, Trusted};
use super::form::{Content, Form};
use super::names::{WheelName, normalized};
use super::refusal::Refusal;
use crate::sigstore::{Evidence, pae};

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
/// Where the repositories of publishers are, whatever the world's GitHub.
const GITHUB: &str = "https://github.com";

/// An attestation object.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attestation {
    version: u8,
    verification_material: Material,
    envelope: Envelope,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Material {
    certificate: String,
    transparency_entries: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    statement: String,
    signature: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
    #[serde(default)]
    predicate: Value,
}

#[derive(Deserialize)]
struct Subject {
    name: Option<String>,
    digest: Digest,
}

#[derive(Deserialize)]
struct Digest {
    #[serde(default)]
    sha256: String,
}

/// Returns the provenance of an upload, if it has attestations and all are good.
pub(super) fn provenance(
    inner: &Inner,
    form: &Form,
    sender: &Sender,
    content: &Content,
) -> Result<Option<Value>, Refusal> {
    let Some(field) = form.one("attestations") else {
        return Ok(None);
    };
    let refusal = |why: String| {
        Refusal::bad(format!(
            "Invalid attestations supplied during upload: {why}"
        ))
    };
    let Some(publisher) = &sender.publisher else {
        let why = "Attestations are only supported when using Trusted Publishing";
        return Err(refusal(why.to_owned()));
    };
    let sha256 = &content.received()?.sha256;
    let judge = Judge {
        inner,
        publisher,
        filename: &content.filename,
        sha256,
    };
    let attestations = judge.all(field).map_err(refusal)?;
    Ok(Some(json!({
        "version": 1,
        "attestation_bundles": [{
            "publisher": publisher.shown(),
            "attestations": attestations,
        }],
    })))
}

/// What the attestations of a file are measured against.
struct Judge<'a> {
    inner: &'a Inner,
    publisher: &'a Trusted,
    filename: &'a str,
    sha256: &'a str,
}

impl Judge<'_> {
    /// Returns the attestations of a form field, as they came.
    fn all(&self, field: &str) -> Result<Vec<Value>, String> {
        let malformed = |error: serde_json::Error| {
            format!("Error while decoding the included attestation: {error}")
        };
        let all: Vec<Value> = serde_json::from_str(field).map_err(malformed)?;
        if all.is_empty() {
            return Err("an empty list of attestations was supplied".to_owned());
        }
        let mut kinds: Vec<String> = Vec::new();
        for value in &all {
            let attestation = Attestation::deserialize(value).map_err(malformed)?;
            let kind = self.one(&attestation).map_err(|why| {
                format!(
                    "Could not verify the uploaded artifact using the included attestation: \
                     Verification failed: {why}"
                )
            })?;
            let known = [PROVENANCE, &self.inner.publish_predicate];
            if !known.contains(&kind.as_str()) {
                return Err(format!(
                    "Attestation with unsupported predicate type: {kind}"
                ));
            }
            if kinds.contains(&kind) {
                return Err(format!(
                    "Multiple attestations for the same file with the same predicate type: {kind}"
                ));
            }
            kinds.push(kind);
        }
        Ok(all)
    }

    /// Returns the predicate type of a good attestation.
    fn one(&self, attestation: &Attestation) -> Result<String, String> {
        if attestation.version != 1 {
            return Err("unsupported attestation version".to_owned());
        }
        let [entry] = &attestation.verification_material.transparency_entries[..] else {
            return Err("expected exactly one transparency log entry".to_owned());
        };
        let payload = decoded(&attestation.envelope.statement)?;
        let evidence = Evidence {
            certificate: &decoded(&attestation.verification_material.certificate)?,
            signed: &pae(PAYLOAD_TYPE, &payload),
            payload: &payload,
            signature: &decoded(&attestation.envelope.signature)?,
            entry,
        };
        let claims = self.inner.sigstore.judge(&evidence)?;
        let claim = |arc: u8| claims.get(&arc).map(String::as_str).unwrap_or_default();
        self.expect_publisher(claim)?;
        let statement: Statement = serde_json::from_slice(&payload)
            .map_err(|error| format!("invalid statement: {error}"))?;
        self.expect_subject(&statement)?;
        let empty = statement.predicate.is_null() || statement.predicate == json!({});
        if statement.predicate_type == self.inner.publish_predicate && !empty {
            return Err("the predicate of a publish attestation must be empty".to_owned());
        }
        Ok(statement.predicate_type)
    }

    /// Refuses a certificate that is not the publisher's.
    ///
    /// The workflow is the one that was started, not the one that was called.
    fn expect_publisher<'a>(&self, claim: impl Fn(u8) -> &'a str) -> Result<(), String> {
        let Trusted {
            repository,
            workflow,
            ..
        } = self.publisher;
        if claim(8) != self.inner.identity.issuer() {
            return Err("Certificate's issuer does not match the publisher's".to_owned());
        }
        let source = format!("{GITHUB}/{repository}");
        if claim(12) != source {
            return Err(format!(
                "Certificate's source repository `{}` does not match `{source}`",
                claim(12)
            ));
        }
        let config = format!("{source}/.github/workflows/{workflow}@");
        let right = [claim(13), claim(14)].map(|at| format!("{config}{at}"));
        if !right.iter().any(|right| right == claim(18)) {
            return Err(format!(
                "Certificate's Build Config URI `{}` does not match expected Trusted Publisher \
                 ({workflow} @ {})",
                claim(18),
                claim(14)
            ));
        }
        Ok(())
    }

    /// Refuses a statement that is not about the file.
    fn expect_subject(&self, statement: &Statement) -> Result<(), String> {
        if statement.kind != STATEMENT {
            return Err("invalid statement: its type is not that of version 1".to_owned());
        }
        let [subject] = &statement.subject[..] else {
            return Err("too many subjects in statement (must be exactly one)".to_owned());
        };
        let name = subject.name.as_deref().unwrap_or_default();
        if name.is_empty() {
            return Err("invalid subject: missing name".to_owned());
        }
        if parsed(name).is_none() || parsed(name) != parsed(self.filename) {
            return Err(format!(
                "subject does not match distribution name: {name} != {}",
                self.filename
            ));
        }
        if subject.digest.sha256 != self.sha256 {
            return Err("subject does not match distribution digest".to_owned());
        }
        Ok(())
    }
}

/// What the name of a distribution says, so that spellings can be compared.
#[derive(PartialEq)]
struct Parsed {
    name: String,
    version: Version,
    /// Build and tags of a wheel, each sorted.
    tags: Option<Vec<Vec<String>>>,
}

fn parsed(filename: &str) -> Option<Parsed> {
    let sorted = |tag: &str| {
        let mut set: Vec<_> = tag.split('.').map(str::to_ascii_lowercase).collect();
        set.sort();
        set
    };
    if let Some(stem) = filename.strip_suffix(".whl") {
        let name = WheelName::parse(filename).ok()?;
        let tags = stem.split('-').skip(2).map(sorted).collect();
        return Some(Parsed {
            name: normalized(&name.distribution),
            version: name.version.parse().ok()?,
            tags: Some(tags),
        });
    }
    let stem = filename
        .strip_suffix(".tar.gz")
        .or_else(|| filename.strip_suffix(".zip"))?;
    let (name, version) = stem.rsplit_once('-')?;
    Some(Parsed {
        name: normalized(name),
        version: version.parse().ok()?,
        tags: None,
    })
}

fn decoded(text: &str) -> Result<Vec<u8>, String> {
    let wrong = |_| "the attestation holds something that is not base64".to_owned();
    STANDARD.decode(text).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::parsed;

    #[test]
    fn names_are_compared_by_what_they_say() {
        let same = |a, b| parsed(a).is_some() && parsed(a) == parsed(b);
        assert!(same(
            "a_b-1.0-py2.py3-none-any.whl",
            "A.b-1.0.0-py3.py2-none-any.whl"
        ));
        assert!(same("a_b-1.0.tar.gz", "a-b-1.0.tar.gz"));
        assert!(!same("a-1.0-1-py3-none-any.whl", "a-1.0-py3-none-any.whl"));
        assert!(!same("a-1.0-py3-none-any.whl", "a-1.0.tar.gz"));
        assert!(!same("nonsense", "nonsense"));
    }
}
