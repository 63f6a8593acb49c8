//! Attestation objects for PyPI (PEP 740), good and spoiled.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use relpub_model::evidence::EvidenceKind;
use serde_json::{Value, json};

use crate::log::Log;
use crate::recipe::{Recipe, subject};

/// A spoiled attestation.
pub(crate) struct Spoil {
    pub(crate) name: &'static str,
    pub(crate) rejection: &'static str,
    log: Log,
    recipe: fn(&mut Recipe),
    json: fn(&mut Value),
}

impl Spoil {
    pub(crate) fn make(&self) -> String {
        let mut recipe = Recipe::good(EvidenceKind::Publish, self.log);
        (self.recipe)(&mut recipe);
        let mut attestation = from_bundle(&recipe.make());
        (self.json)(&mut attestation);
        attestation.to_string()
    }
}

/// Puts a bundle as an attestation, field by field.
pub(crate) fn from_bundle(bundle: &Value) -> Value {
    let material = &bundle["verificationMaterial"];
    let envelope = &bundle["dsseEnvelope"];
    json!({
        "version": 1,
        "verification_material": {
            "certificate": material["certificate"]["rawBytes"],
            "transparency_entries": material["tlogEntries"],
        },
        "envelope": {
            "statement": envelope["payload"],
            "signature": envelope["signatures"][0]["sig"],
        },
    })
}

pub(crate) fn all() -> Vec<Spoil> {
    vec![
        edit("attestation-unreadable", "malformed", |a| {
            a["envelope"] = Value::Null;
        }),
        edit("attestation-of-version-2", "unsupported-version", |a| {
            a["version"] = 2.into();
        }),
        edit("attestation-in-lines", "malformed", |a| {
            let text = a["envelope"]["statement"].as_str().unwrap().to_owned();
            a["envelope"]["statement"] = format!("{}\n{}", &text[..64], &text[64..]).into();
        }),
        edit("attestation-changed", "signature", |a| {
            let text = STANDARD
                .decode(a["envelope"]["statement"].as_str().unwrap())
                .unwrap();
            let text = String::from_utf8(text).unwrap().replace("null", "{}");
            a["envelope"]["statement"] = STANDARD.encode(text).into();
        }),
        made("attestation-about-another-name", "wrong-name", |r| {
            r.statement["subject"][0]["name"] = "relpub_demo-1.2.4.tar.gz".into();
        }),
        made("attestation-about-two-files", "subject-count", |r| {
            let more = subject("another.whl", b"another");
            r.statement["subject"].as_array_mut().unwrap().push(more);
        }),
        made("attestation-saying-more", "unexpected-predicate", |r| {
            r.statement["predicate"] = json!({ "approved": true });
        }),
        made("attestation-of-provenance", "predicate-type", |r| {
            r.statement["predicateType"] = "https://slsa.dev/provenance/v1".into();
        }),
        Spoil {
            log: Log::V2,
            ..made("attestation-without-a-time", "no-time", |_| ())
        },
    ]
}

fn edit(name: &'static str, rejection: &'static str, json: fn(&mut Value)) -> Spoil {
    Spoil {
        json,
        ..made(name, rejection, |_| ())
    }
}

fn made(name: &'static str, rejection: &'static str, recipe: fn(&mut Recipe)) -> Spoil {
    Spoil {
        name,
        rejection,
        log: Log::V1,
        recipe,
        json: |_| (),
    }
}
