//! Bundles that are spoiled in one thing each, and how they are refused.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use relpub_model::evidence::EvidenceKind;
use serde_json::{Value, json};

use crate::log::{INDEX, Log};
use crate::pki::{San, Sct, at, spoil_last};
use crate::recipe::{ARTIFACT_NAME, Recipe, other_certificate, subject};

/// A spoiled bundle.
pub(crate) struct Spoil {
    pub(crate) name: &'static str,
    pub(crate) sort: EvidenceKind,
    pub(crate) rejection: &'static str,
    log: Log,
    what: What,
}

enum What {
    /// The text, after everything was made well.
    Text(fn(String) -> String),
    /// The JSON, after everything was made well.
    Json(fn(&mut Value)),
    /// What it is made from; everything else follows from that.
    Recipe(fn(&mut Recipe)),
}

impl Spoil {
    pub(crate) fn make(&self) -> String {
        let mut recipe = Recipe::good(self.sort, self.log);
        if let What::Recipe(change) = self.what {
            change(&mut recipe);
        }
        let mut bundle = recipe.make();
        if let What::Json(change) = self.what {
            change(&mut bundle);
        }
        match self.what {
            What::Text(change) => change(bundle.to_string()),
            _ => bundle.to_string(),
        }
    }
}

pub(crate) fn all() -> Vec<Spoil> {
    [
        structure(),
        entries(),
        proofs(),
        bodies(),
        times(),
        certificates(),
        contents(),
        signers(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn text(name: &'static str, rejection: &'static str, change: fn(String) -> String) -> Spoil {
    spoil(name, rejection, What::Text(change))
}

fn edit(name: &'static str, rejection: &'static str, change: fn(&mut Value)) -> Spoil {
    spoil(name, rejection, What::Json(change))
}

fn made(name: &'static str, rejection: &'static str, change: fn(&mut Recipe)) -> Spoil {
    spoil(name, rejection, What::Recipe(change))
}

/// The same for a statement instead of a signature.
fn edited(name: &'static str, rejection: &'static str, change: fn(&mut Value)) -> Spoil {
    Spoil {
        sort: EvidenceKind::Promotion,
        ..edit(name, rejection, change)
    }
}

/// The same for a statement instead of a signature.
fn said(name: &'static str, rejection: &'static str, change: fn(&mut Recipe)) -> Spoil {
    Spoil {
        sort: EvidenceKind::Promotion,
        ..made(name, rejection, change)
    }
}

/// The same in Rekor v2 instead of v1.
fn v2(spoil: Spoil) -> Spoil {
    Spoil {
        log: Log::V2,
        ..spoil
    }
}

fn spoil(name: &'static str, rejection: &'static str, what: What) -> Spoil {
    Spoil {
        name,
        sort: EvidenceKind::Signature,
        rejection,
        log: Log::V1,
        what,
    }
}

fn structure() -> Vec<Spoil> {
    vec![
        text("empty-file", "malformed", |_| String::new()),
        text("cut-off", "malformed", |text| {
            text[..text.len() / 2].to_owned()
        }),
        text("another-json", "unsupported-version", |_| "[]".to_owned()),
        edit("format-0.1", "unsupported-version", |b| {
            b["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1".into();
        }),
        edit("format-0.4", "unsupported-version", |b| {
            b["mediaType"] = "application/vnd.dev.sigstore.bundle.v0.4+json".into();
        }),
        edit("format-missing", "unsupported-version", |b| {
            remove(b, "mediaType");
        }),
        edit("content-missing", "ambiguous", |b| {
            remove(b, "messageSignature");
        }),
        edited("content-twofold", "ambiguous", |b| {
            b["messageSignature"] =
                Recipe::good(EvidenceKind::Signature, Log::V1).make()["messageSignature"].take();
        }),
        edited("signatures-two", "signature-count", |b| {
            let signatures = b["dsseEnvelope"]["signatures"].as_array_mut().unwrap();
            signatures.push(signatures[0].clone());
        }),
        edited("signatures-none", "signature-count", |b| {
            b["dsseEnvelope"]["signatures"] = json!([]);
        }),
        edit("certificate-chain", "certificate-chain", |b| {
            let leaf = b["verificationMaterial"]["certificate"].take();
            b["verificationMaterial"]["x509CertificateChain"] = json!({ "certificates": [leaf] });
            remove(&mut b["verificationMaterial"], "certificate");
        }),
        edit("certificate-missing", "no-certificate", |b| {
            remove(&mut b["verificationMaterial"], "certificate");
        }),
        edit("key-instead-of-certificate", "no-certificate", |b| {
            remove(&mut b["verificationMaterial"], "certificate");
            b["verificationMaterial"]["publicKey"] = json!({ "hint": "mine" });
        }),
        edit("signature-not-base64", "malformed", |b| {
            b["messageSignature"]["signature"] = "not base64!".into();
        }),
    ]
}

fn entries() -> Vec<Spoil> {
    vec![
        edit("entries-none", "no-log-entry", |b| {
            b["verificationMaterial"]["tlogEntries"] = json!([]);
        }),
        edit("entries-missing", "no-log-entry", |b| {
            remove(&mut b["verificationMaterial"], "tlogEntries");
        }),
        edit("entry-twice", "duplicate-log-entry", |b| {
            let entries = b["verificationMaterial"]["tlogEntries"]
                .as_array_mut()
                .unwrap();
            entries.push(entries[0].clone());
        }),
        edit("entry-kind-unknown", "log-entry-kind", |b| {
            entry(b)["kindVersion"]["kind"] = "rpm".into();
        }),
        edit("entry-kind-of-a-statement", "log-entry-kind", |b| {
            entry(b)["kindVersion"]["kind"] = "dsse".into();
        }),
        edit("entry-index-negative", "malformed", |b| {
            entry(b)["logIndex"] = "-1".into();
        }),
        edit("entry-log-unknown", "unknown-log", |b| {
            flip(&mut entry(b)["logId"]["keyId"], 0);
        }),
        made("log-of-a-stranger", "unknown-log", |r| {
            r.log = Log::Stranger;
        }),
        made("log-closed", "log-not-in-force", |r| r.log = Log::Closed),
        edit("promise-spoiled", "inclusion-promise", |b| {
            flip_last(&mut entry(b)["inclusionPromise"]["signedEntryTimestamp"]);
        }),
        edit("promise-time-changed", "inclusion-promise", |b| {
            let time = at(crate::recipe::SIGNED).as_second() + 1;
            entry(b)["integratedTime"] = time.to_string().into();
        }),
        edit("promise-index-changed", "inclusion-promise", |b| {
            entry(b)["logIndex"] = "4098".into();
        }),
        edit("promise-index-of-the-shard", "inclusion-promise", |b| {
            entry(b)["logIndex"] = INDEX.to_string().into();
        }),
    ]
}

fn proofs() -> Vec<Spoil> {
    vec![
        edit("proof-missing", "no-inclusion-proof", |b| {
            remove(entry(b), "inclusionProof");
        }),
        edit("proof-hash-spoiled", "inclusion-proof", |b| {
            flip(&mut proof(b)["hashes"][0], 0);
        }),
        edit("proof-hash-left-out", "inclusion-proof", |b| {
            proof(b)["hashes"].as_array_mut().unwrap().pop();
        }),
        edit("proof-hash-added", "inclusion-proof", |b| {
            let hashes = proof(b)["hashes"].as_array_mut().unwrap();
            hashes.push(hashes[0].clone());
        }),
        edit("proof-index-changed", "inclusion-proof", |b| {
            proof(b)["logIndex"] = "0".into();
        }),
        edit("proof-index-outside", "inclusion-proof", |b| {
            proof(b)["logIndex"] = "3".into();
        }),
        edit("proof-size-changed", "inclusion-proof", |b| {
            proof(b)["treeSize"] = "2".into();
        }),
        // Two hashes lead from the second of three leaves to the same root as
        // from the second of four.
        edit("proof-size-of-another-tree", "inclusion-proof", |b| {
            proof(b)["treeSize"] = "4".into();
        }),
        edit("proof-root-spoiled", "inclusion-proof", |b| {
            flip(&mut proof(b)["rootHash"], 0);
        }),
        v2(edit("proof-index-changed-rekor2", "inclusion-proof", |b| {
            entry(b)["logIndex"] = "0".into();
        })),
        edit("checkpoint-missing", "no-checkpoint", |b| {
            remove(proof(b), "checkpoint");
        }),
        edit("checkpoint-unreadable", "checkpoint", |b| {
            proof(b)["checkpoint"]["envelope"] = "rekor.corpus.localhost\n3\n".into();
        }),
        edit("checkpoint-of-a-larger-tree", "checkpoint", |b| {
            note(b, |note| note.replace("\n3\n", "\n4\n"));
        }),
        edit("checkpoint-by-another-log", "checkpoint", |b| {
            let root: [u8; 32] = decode(&proof(b)["rootHash"]).try_into().unwrap();
            proof(b)["checkpoint"]["envelope"] = Log::V1.checkpoint(Log::V2, &root).into();
        }),
        v2(edit("checkpoint-size-changed-rekor2", "checkpoint", |b| {
            note(b, |note| note.replace("\n3\n", "\n4\n"));
        })),
    ]
}

fn bodies() -> Vec<Spoil> {
    vec![
        edit("entry-body-changed", "inclusion-promise", |b| {
            flip(&mut entry(b)["canonicalizedBody"], 20);
        }),
        v2(edit("entry-body-changed-rekor2", "inclusion-proof", |b| {
            let body = &mut entry(b)["canonicalizedBody"];
            let spaced = [&decode(body), &b" "[..]].concat();
            *body = STANDARD.encode(spaced).into();
        })),
        made("entry-of-another-digest", "log-entry-mismatch", |r| {
            r.body = Some(|mut body| {
                body["spec"]["data"]["hash"]["value"] = "0".repeat(64).into();
                body
            });
        }),
        made("entry-of-another-certificate", "log-entry-mismatch", |r| {
            r.body = Some(|mut body| {
                body["spec"]["signature"]["publicKey"]["content"] = other_certificate().into();
                body
            });
        }),
        made("entry-of-another-signature", "log-entry-mismatch", |r| {
            r.body = Some(|mut body| {
                flip_last(&mut body["spec"]["signature"]["content"]);
                body
            });
        }),
        said("entry-of-another-statement", "log-entry-mismatch", |r| {
            r.body = Some(|mut body| {
                body["spec"]["payloadHash"]["value"] = "0".repeat(64).into();
                body
            });
        }),
        v2(said(
            "entry-of-another-statement-rekor2",
            "log-entry-mismatch",
            |r| {
                r.body = Some(|mut body| {
                    flip(&mut body["spec"]["hashedRekordV002"]["data"]["digest"], 0);
                    body
                });
            },
        )),
        made("entry-unreadable", "log-entry-malformed", |r| {
            r.body = Some(|_| json!({ "spec": {} }));
        }),
    ]
}

fn times() -> Vec<Spoil> {
    vec![
        edit("time-missing", "no-time", |b| {
            remove(entry(b), "inclusionPromise");
            remove(&mut b["verificationMaterial"], "timestampVerificationData");
        }),
        v2(made("time-missing-rekor2", "no-time", |r| r.stamp = None)),
        v2(edit("timestamp-spoiled", "timestamp", |b| {
            flip_last(&mut stamp(b)["signedTimestamp"]);
        })),
        v2(edit("timestamp-unreadable", "timestamp", |b| {
            stamp(b)["signedTimestamp"] = STANDARD.encode("later").into();
        })),
        v2(made("timestamp-by-a-stranger", "timestamp", |r| {
            r.stamp = Some(("stranger", r.integrated, None));
        })),
        v2(made(
            "timestamp-by-a-closed-authority",
            "timestamp-authority",
            |r| {
                r.stamp = Some(("closed tsa", r.integrated, None));
            },
        )),
        v2(made(
            "timestamp-of-another-signature",
            "timestamp-mismatch",
            |r| {
                r.stamp = Some(("tsa", r.integrated, Some(b"another signature")));
            },
        )),
        v2(made("timestamp-from-the-future", "in-future", |r| {
            r.stamp = Some(("tsa", at("2026-02-05T00:00:00Z"), None));
        })),
        made("log-time-from-the-future", "in-future", |r| {
            r.integrated = at("2026-02-05T00:00:00Z");
        }),
        v2(made(
            "timestamp-after-the-certificate",
            "certificate-expired",
            |r| {
                r.stamp = Some(("tsa", at("2026-02-03T10:10:01Z"), None));
            },
        )),
        v2(made(
            "timestamp-before-the-certificate",
            "certificate-not-yet-valid",
            |r| {
                r.stamp = Some(("tsa", at("2026-02-03T09:59:59Z"), None));
            },
        )),
        made(
            "log-time-after-the-certificate",
            "certificate-expired",
            |r| {
                r.integrated = at("2026-02-03T11:00:00Z");
            },
        ),
    ]
}

fn certificates() -> Vec<Spoil> {
    vec![
        edit("certificate-unreadable", "certificate-malformed", |b| {
            b["verificationMaterial"]["certificate"]["rawBytes"] = STANDARD.encode("me").into();
        }),
        edit("certificate-spoiled", "chain", |b| {
            flip_last(&mut b["verificationMaterial"]["certificate"]["rawBytes"]);
        }),
        made("certificate-by-a-stranger", "chain", |r| {
            r.leaf.authority = "stranger's fulcio";
        }),
        made("certificate-by-a-retired-authority", "chain", |r| {
            r.leaf.authority = "retired fulcio";
        }),
        made("certificate-not-for-signing", "chain", |r| {
            r.leaf.code_signing = false;
        }),
        made("certificate-before-any-authority", "no-authority", |r| {
            let then = at("2025-06-01T10:01:00Z");
            (r.leaf.from, r.leaf.until) = (at("2025-06-01T10:00:00Z"), at("2025-06-01T10:10:00Z"));
            r.integrated = then;
            r.stamp = None;
        }),
        made("sct-missing", "sct", |r| r.leaf.sct = Sct::Missing),
        made("sct-spoiled", "sct", |r| r.leaf.sct = Sct::Spoiled),
        made("sct-by-a-stranger", "sct", |r| r.leaf.sct = Sct::ByStranger),
        made("sct-of-another-certificate", "sct", |r| {
            r.leaf.sct = Sct::ForOther;
        }),
        made("sct-before-the-log", "sct", |r| {
            r.leaf.sct = Sct::At(at("2024-12-31T23:59:59Z"));
        }),
    ]
}

fn contents() -> Vec<Spoil> {
    vec![
        made("signature-over-other-bytes", "signature", |r| {
            r.signs = Some(b"other bytes");
        }),
        made("signature-by-another-key", "signature", |r| r.key = "other"),
        edited("statement-changed", "signature", |b| {
            statement(b, |text| text.replace("\"schema\":1", "\"schema\":2"));
        }),
        said("statement-signed-without-its-type", "signature", |r| {
            r.signs = Some(b"{}");
        }),
        made("digest-of-another-file", "digest-mismatch", |r| {
            r.artifact = b"other".to_vec();
        }),
        edit("digest-changed", "digest-mismatch", |b| {
            flip(&mut b["messageSignature"]["messageDigest"]["digest"], 0);
        }),
        edit("digest-by-another-algorithm", "unsupported", |b| {
            b["messageSignature"]["messageDigest"]["algorithm"] = "SHA2_512".into();
        }),
        said("statement-about-another-file", "digest-mismatch", |r| {
            r.statement["subject"] = json!([subject(ARTIFACT_NAME, b"other")]);
        }),
        said("statement-about-a-cut-off-digest", "statement", |r| {
            r.statement["subject"] = json!([{ "name": "x", "digest": { "sha256": "d41d8cd9" } }]);
        }),
        Spoil {
            sort: EvidenceKind::Sbom,
            ..said("statement-about-another-name", "wrong-name", |r| {
                r.statement["subject"][0]["name"] = "relpub_demo-1.2.4.tar.gz".into();
            })
        },
        said("statement-of-another-type", "predicate-type", |r| {
            r.statement["predicateType"] = "https://slsa.dev/provenance/v1".into();
        }),
        said("statement-about-nothing", "statement", |r| {
            r.statement["subject"] = json!([]);
        }),
        said("statement-v0.1", "statement", |r| {
            r.statement["_type"] = "https://in-toto.io/Statement/v0.1".into();
        }),
        said("statement-unreadable", "statement", |r| {
            r.statement = json!("promoted");
        }),
        said("payload-of-another-type", "payload-type", |r| {
            r.payload_type = "application/vnd.in-toto.promotion+json".into();
        }),
        said("signature-instead-of-a-statement", "wrong-content", |r| {
            r.sort = EvidenceKind::Signature;
        }),
        made("statement-instead-of-a-signature", "wrong-content", |r| {
            r.sort = EvidenceKind::Promotion;
        }),
    ]
}

fn signers() -> Vec<Spoil> {
    vec![
        made("signer-of-another-issuer", "wrong-issuer", |r| {
            claim(r, 8, "https://gitlab.com");
        }),
        made("signer-is-a-person", "wrong-issuer", |r| {
            r.leaf.san = San::Email("me@example.com".to_owned());
            r.leaf.claims = vec![(8, "https://accounts.google.com".to_owned())];
        }),
        made("signer-of-another-repository", "wrong-repository", |r| {
            claim(r, 12, "https://github.com/evil/demo");
        }),
        made("signer-of-no-repository", "wrong-repository", |r| {
            r.leaf.claims.retain(|(number, _)| *number != 12);
        }),
        made(
            "signer-of-a-repository-of-the-same-name",
            "wrong-repository-id",
            |r| {
                claim(r, 15, "800000002");
            },
        ),
        made("signer-of-another-workflow", "wrong-workflow", |r| {
            r.leaf.san = San::Uri(
                "https://github.com/relpub/demo/.github/workflows/test.yml@refs/tags/v1.2.3".into(),
            );
        }),
        made("signer-of-another-ref", "wrong-ref", |r| {
            claim(r, 14, "refs/heads/main");
        }),
        made("signer-of-another-environment", "wrong-environment", |r| {
            claim(r, 23, "staging");
        }),
        made("signer-of-no-environment", "wrong-environment", |r| {
            r.leaf.claims.retain(|(number, _)| *number != 23);
        }),
    ]
}

fn entry(bundle: &mut Value) -> &mut Value {
    &mut bundle["verificationMaterial"]["tlogEntries"][0]
}

fn proof(bundle: &mut Value) -> &mut Value {
    &mut entry(bundle)["inclusionProof"]
}

fn stamp(bundle: &mut Value) -> &mut Value {
    &mut bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"][0]
}

fn note(bundle: &mut Value, change: fn(&str) -> String) {
    let envelope = &mut proof(bundle)["checkpoint"]["envelope"];
    *envelope = change(envelope.as_str().unwrap()).into();
}

fn statement(bundle: &mut Value, change: fn(&str) -> String) {
    let payload = &mut bundle["dsseEnvelope"]["payload"];
    let text = String::from_utf8(decode(payload)).unwrap();
    *payload = STANDARD.encode(change(&text)).into();
}

fn claim(recipe: &mut Recipe, number: u32, value: &str) {
    let mut claims = recipe.leaf.claims.iter_mut();
    *claims.find(|(n, _)| *n == number).unwrap() = (number, value.to_owned());
}

fn remove(object: &mut Value, key: &str) {
    object.as_object_mut().unwrap().remove(key).unwrap();
}

fn decode(base64: &Value) -> Vec<u8> {
    STANDARD.decode(base64.as_str().unwrap()).unwrap()
}

fn flip(base64: &mut Value, at: usize) {
    let mut bytes = decode(base64);
    bytes[at] ^= 1;
    *base64 = STANDARD.encode(bytes).into();
}

fn flip_last(base64: &mut Value) {
    let mut bytes = decode(base64);
    spoil_last(&mut bytes);
    *base64 = STANDARD.encode(bytes).into();
}
