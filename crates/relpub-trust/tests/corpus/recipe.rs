//! How a bundle is made, so that it can be spoiled at one place.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use relpub_model::Sha256;
use relpub_model::evidence::{EvidenceKind, GITHUB_ACTIONS};
use serde_json::{Value, json};

use crate::keys::Key;
use crate::log::Log;
use crate::pki::{Leaf, San, Sct, at, timestamp};

pub(crate) const ARTIFACT: &[u8] = b"what was promoted\n";
pub(crate) const ARTIFACT_NAME: &str = "relpub_demo-1.2.3.tar.gz";
pub(crate) const SIGNED: &str = "2026-02-03T10:01:00Z";

const CERTIFIED: &str = "2026-02-03T10:00:00Z";
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const IDENTITY: &str =
    "https://github.com/relpub/demo/.github/workflows/release.yml@refs/tags/v1.2.3";

/// Everything that decides what a bundle says.
pub(crate) struct Recipe {
    pub(crate) sort: EvidenceKind,
    pub(crate) artifact: Vec<u8>,
    pub(crate) statement: Value,
    pub(crate) payload_type: String,
    pub(crate) leaf: Leaf,
    /// The key that signs; the certificate is for `signer`.
    pub(crate) key: &'static str,
    /// What is signed instead of what should be.
    pub(crate) signs: Option<&'static [u8]>,
    pub(crate) log: Log,
    pub(crate) integrated: Timestamp,
    /// What the log takes in instead of an entry about this.
    pub(crate) body: Option<fn(Value) -> Value>,
    /// The timestamp, its authority, and what it is for instead of the signature.
    pub(crate) stamp: Option<(&'static str, Timestamp, Option<&'static [u8]>)>,
}

impl Recipe {
    pub(crate) fn good(sort: EvidenceKind, log: Log) -> Self {
        let predicate = match sort {
            EvidenceKind::Publish => Value::Null,
            EvidenceKind::Sbom => json!({ "bomFormat": "CycloneDX", "specVersion": "1.6" }),
            _ => json!({ "schema": 1 }),
        };
        Self {
            sort,
            artifact: ARTIFACT.to_vec(),
            statement: json!({
                "_type": "https://in-toto.io/Statement/v1",
                "subject": [subject(ARTIFACT_NAME, ARTIFACT)],
                "predicateType": sort.predicate_type(),
                "predicate": predicate,
            }),
            payload_type: PAYLOAD_TYPE.to_owned(),
            leaf: leaf(),
            key: "signer",
            signs: None,
            log,
            integrated: at(SIGNED),
            body: None,
            stamp: Some(("tsa", at(SIGNED), None)),
        }
    }

    /// Makes the bundle.
    pub(crate) fn make(&self) -> Value {
        let certificate = self.leaf.issue(&Key::named("signer"));
        let signature = Key::named(self.key).sign(self.signs.unwrap_or(&self.signed_bytes()));
        let entry = self.log_entry(&certificate, &signature);
        let mut bundle = json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": { "rawBytes": STANDARD.encode(&certificate) },
                "tlogEntries": [entry],
            },
        });
        if let Some((authority, time, instead)) = self.stamp {
            let token = timestamp(authority, instead.unwrap_or(&signature), time);
            let token = json!({ "signedTimestamp": STANDARD.encode(token) });
            bundle["verificationMaterial"]["timestampVerificationData"] =
                json!({ "rfc3161Timestamps": [token] });
        }
        let signature = STANDARD.encode(&signature);
        if self.sort == EvidenceKind::Signature {
            let digest = STANDARD.encode(Sha256::of(&self.artifact).as_bytes());
            bundle["messageSignature"] = json!({
                "messageDigest": { "algorithm": "SHA2_256", "digest": digest },
                "signature": signature,
            });
        } else {
            bundle["dsseEnvelope"] = json!({
                "payload": STANDARD.encode(self.payload()),
                "payloadType": self.payload_type,
                "signatures": [{ "sig": signature }],
            });
        }
        bundle
    }

    fn payload(&self) -> Vec<u8> {
        self.statement.to_string().into_bytes()
    }

    fn signed_bytes(&self) -> Vec<u8> {
        if self.sort == EvidenceKind::Signature {
            return self.artifact.clone();
        }
        let payload = self.payload();
        let (kind, length) = (&self.payload_type, payload.len());
        let head = format!("DSSEv1 {} {kind} {length} ", kind.len());
        [head.as_bytes(), &payload].concat()
    }

    fn log_entry(&self, certificate: &[u8], signature: &[u8]) -> Value {
        let pem = STANDARD.encode(pem(certificate));
        let (digest, signature) = (Sha256::of(&self.signed_bytes()), STANDARD.encode(signature));
        let (kind, version, spec) = match (self.log, self.sort) {
            (Log::V2, _) => (
                "hashedrekord",
                "0.0.2",
                json!({ "hashedRekordV002": {
                "data": { "algorithm": "SHA2_256", "digest": STANDARD.encode(digest.as_bytes()) },
                "signature": { "content": signature, "verifier": {
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "x509Certificate": { "rawBytes": STANDARD.encode(certificate) },
                } },
            } }),
            ),
            (_, EvidenceKind::Signature) => (
                "hashedrekord",
                "0.0.1",
                json!({
                    "data": { "hash": { "algorithm": "sha256", "value": digest } },
                    "signature": { "content": signature, "publicKey": { "content": pem } },
                }),
            ),
            _ => (
                "dsse",
                "0.0.1",
                json!({
                    "envelopeHash": { "algorithm": "sha256", "value": Sha256::of(b"as it was sent") },
                    "payloadHash": { "algorithm": "sha256", "value": Sha256::of(&self.payload()) },
                    "signatures": [{ "signature": signature, "verifier": pem }],
                }),
            ),
        };
        let body = json!({ "apiVersion": version, "kind": kind, "spec": spec });
        let body = self.body.map_or(body.clone(), |change| change(body));
        self.log.take(
            (kind, version),
            body.to_string().as_bytes(),
            self.integrated,
        )
    }
}

pub(crate) fn subject(name: &str, bytes: &[u8]) -> Value {
    json!({ "name": name, "digest": { "sha256": Sha256::of(bytes) } })
}

/// Returns another certificate for another key, as a log entry holds it.
pub(crate) fn other_certificate() -> String {
    STANDARD.encode(pem(&leaf().issue(&Key::named("other"))))
}

fn leaf() -> Leaf {
    let claims = [
        (8, GITHUB_ACTIONS),
        (9, IDENTITY),
        (11, "github-hosted"),
        (12, "https://github.com/relpub/demo"),
        (13, "5f2c0e6d9b3a41c78e1d2f60a9b47c3d8e5f1a20"),
        (14, "refs/tags/v1.2.3"),
        (15, "800000001"),
        (18, IDENTITY),
        (
            21,
            "https://github.com/relpub/demo/actions/runs/7/attempts/1",
        ),
        (23, "release"),
    ];
    Leaf {
        san: San::Uri(IDENTITY.to_owned()),
        claims: claims
            .map(|(number, value)| (number, value.to_owned()))
            .to_vec(),
        from: at(CERTIFIED),
        until: at("2026-02-03T10:10:00Z"),
        authority: "fulcio",
        code_signing: true,
        sct: Sct::Good,
    }
}

fn pem(der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let lines: Vec<_> = base64
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    let body = lines.join("\n");
    format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
}
