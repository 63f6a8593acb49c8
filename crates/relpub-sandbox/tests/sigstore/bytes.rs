//! Deviations that the client accepts, seen on the bytes that other clients get.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use relpub_sandbox::{Deviation, World};
use reqwest::Response;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::services::{Key, certificate, post, rekor1_entry, rekor2_entry, sha256};
use crate::{client, read, world};

/// What the services answer and the trust files say at one moment.
struct Seen {
    fulcio_status: u16,
    /// The leaf first, as DER.
    chain: Vec<Vec<u8>>,
    rekor1_status: u16,
    rekor1_headers: HeaderMap,
    rekor1: Entry,
    rekor2_status: u16,
    rekor2_answer: Value,
    rekor2: Entry,
    timestamp: Vec<u8>,
    root: Value,
    addresses: [String; 2],
}

/// What is in the answers of both logs.
struct Entry {
    body: String,
    origin: String,
    /// The lines of signatures.
    signatures: Vec<String>,
}

impl Entry {
    fn new(body: &Value, checkpoint: &Value) -> Self {
        let body = STANDARD.decode(body.as_str().unwrap()).unwrap();
        let (text, signatures) = checkpoint.as_str().unwrap().split_once("\n\n").unwrap();
        Self {
            body: String::from_utf8(body).unwrap(),
            origin: text.lines().next().unwrap().to_owned(),
            signatures: signatures.lines().map(str::to_owned).collect(),
        }
    }
}

async fn see(world: &World) -> Seen {
    let urls = world.file().sigstore.clone().unwrap();
    let jwt = world.identity.issue("sigstore");
    let answer = certificate(world, &jwt, "repo:relpub/demo:environment:release").await;
    let fulcio_status = answer.status().as_u16();
    let chain = pem_chain(answer).await;

    let key = Key::new();
    let entries = format!("{}/api/v1/log/entries", urls.rekor1);
    let answer = post(&entries, &rekor1_entry(&key, b"message")).await;
    let (rekor1_status, rekor1_headers) = (answer.status().as_u16(), answer.headers().clone());
    let answer: Value = answer.json().await.unwrap();
    let (_, shown) = answer.as_object().unwrap().iter().next().unwrap();
    let checkpoint = &shown["verification"]["inclusionProof"]["checkpoint"];
    let rekor1 = Entry::new(&shown["body"], checkpoint);

    let entries = format!("{}/api/v2/log/entries", urls.rekor2);
    let answer = post(&entries, &rekor2_entry(&key, b"message")).await;
    let rekor2_status = answer.status().as_u16();
    let rekor2_answer: Value = answer.json().await.unwrap();
    let checkpoint = &rekor2_answer["inclusionProof"]["checkpoint"]["envelope"];
    let rekor2 = Entry::new(&rekor2_answer["canonicalizedBody"], checkpoint);

    let answer = client().post(&urls.tsa).body(timestamp_request()).send();
    Seen {
        fulcio_status,
        chain,
        rekor1_status,
        rekor1_headers,
        rekor1,
        rekor2_status,
        rekor2_answer,
        rekor2,
        timestamp: answer.await.unwrap().bytes().await.unwrap().to_vec(),
        root: serde_json::from_str(&read(world, &urls.trusted_root)).unwrap(),
        addresses: [urls.rekor1, urls.rekor2],
    }
}

async fn pem_chain(answer: Response) -> Vec<Vec<u8>> {
    let answer: Value = answer.json().await.unwrap();
    let chain = &answer["signedCertificateEmbeddedSct"]["chain"]["certificates"];
    let pems = chain.as_array().unwrap().iter();
    let body = |pem: &Value| {
        let pem = pem.as_str().unwrap().lines();
        let body: String = pem.filter(|line| !line.starts_with('-')).collect();
        STANDARD.decode(body).unwrap()
    };
    pems.map(body).collect()
}

/// Returns a request for a timestamp of SHA-256, with a nonce and a certificate.
fn timestamp_request() -> Vec<u8> {
    let digest = hex::encode(sha256(b"signature"));
    let imprint = format!("302f300b0609608648016503040201 0420{digest}");
    let request = format!("303b020101 {imprint} 02021234 0101ff");
    hex::decode(request.replace(' ', "")).unwrap()
}

/// The beginnings of extensions, in hexadecimal, up to where they are critical.
const SAN: &str = "0603551d11";
const EKU: &str = "0603551d25";
const AKI: &str = "0603551d23";
const SKI: &str = "0603551d0e";
const KEY_USAGE: &str = "0603551d0f";
const SCT_LIST: &str = "060a2b06010401d679020402";
const CRITICAL: &str = "0101ff";
const OLD_ISSUER: &str = "060a2b0601040183bf300101";
const ISSUER: &str = "060a2b0601040183bf300108";
const SIGNING_TIME: &str = "06092a864886f70d010905";
const ESS_CERT_ID: &str = "060b2a864886f70d010910022f";
const SHA256_WITH_NULL: &str = "06096086480165030402010500";
const ACCURACY: &str = "3003020101";
/// `SignedData` of version 1, up to its hash algorithms.
const VERSION_1: &str = "02010131";

impl Seen {
    fn at(der: &[u8], pattern: &str) -> Option<usize> {
        hex::encode(der).find(pattern)
    }

    fn leaf_has(&self, pattern: &str) -> bool {
        Self::at(&self.chain[0], pattern).is_some()
    }

    fn timestamp_has(&self, pattern: &str) -> bool {
        Self::at(&self.timestamp, pattern).is_some()
    }

    /// Returns a certificate of an authority in the trusted root.
    fn authority(&self, kind: &str, index: usize) -> Vec<u8> {
        let certificate = &self.root[kind][0]["certChain"]["certificates"][index]["rawBytes"];
        STANDARD.decode(certificate.as_str().unwrap()).unwrap()
    }

    /// Returns whether the deviation can be seen; `None` if others look for it.
    fn shows(&self, deviation: Deviation) -> Option<bool> {
        use Deviation as D;
        let critical = |extension: &str| self.leaf_has(&format!("{extension}{CRITICAL}"));
        let header = |name| self.rekor1_headers.get(name).map(|it| it.to_str().unwrap());
        let name_of = |line: &str| line.split(' ').nth(1).unwrap().to_owned();
        let base = |log: usize| self.root["tlogs"][log]["baseUrl"] == self.addresses[log].as_str();
        let unsorted = |body: &str| body.starts_with("{\"spec\"");
        let tsa = self.authority("timestampAuthorities", 0);
        let has_leaf_twice = self.timestamp_has(&hex::encode(sha256(&tsa)));
        Some(match deviation {
            D::SanNotCritical => !critical(SAN),
            D::EkuCritical => critical(EKU),
            D::NoAki => !self.leaf_has(AKI),
            D::NoOldIssuer => !self.leaf_has(OLD_ISSUER),
            D::NoSki => !self.leaf_has(SKI),
            D::NoIssuer => !self.leaf_has(ISSUER),
            D::IntermediateWithoutEku => {
                Self::at(&self.authority("certificateAuthorities", 0), EKU).is_none()
            }
            D::SctFirst => Self::at(&self.chain[0], SCT_LIST) < Self::at(&self.chain[0], KEY_USAGE),
            D::LeafOnly => self.chain.len() == 1,
            D::FulcioStatus201 => self.fulcio_status == 201,
            D::Rekor1Status200 => self.rekor1_status == 200,
            D::Rekor1NoEtag => header("etag").is_none(),
            D::Rekor1QuotedEtag => header("etag").is_some_and(|it| it.starts_with('"')),
            D::Rekor1PlainText => header("content-type") == Some("text/plain"),
            D::Rekor1NoLocation => header("location").is_none(),
            D::Rekor1NoTreeId => !self.rekor1.origin.contains(" - "),
            D::Rekor1SecondSignature => self.rekor1.signatures.len() == 2,
            D::Rekor1ForeignName => name_of(&self.rekor1.signatures[0]) == "rekor.example.org",
            D::Rekor1ForeignOrigin => self.rekor1.origin.starts_with("rekor.example.org"),
            D::Rekor1UnsortedBody => unsorted(&self.rekor1.body),
            D::Rekor1ByAddress => base(0),
            D::Rekor2Status200 => self.rekor2_status == 200,
            D::Rekor2UnsortedBody => unsorted(&self.rekor2.body),
            D::Rekor2ForeignOrigin => self.rekor2.origin == "log.example.org",
            D::Rekor2ForeignName => name_of(&self.rekor2.signatures[0]) == "log.example.org",
            D::Rekor2ByAddress => base(1),
            D::Rekor2ForeignLogId => self.rekor2_answer["logId"] != self.root["tlogs"][1]["logId"],
            D::Rekor2Numbers => self.rekor2_answer["logIndex"].is_number(),
            D::Rekor2ProofIndexZero => self.rekor2_answer["inclusionProof"]["logIndex"] == "0",
            D::Rekor2SecondSignature => self.rekor2.signatures.len() == 2,
            D::Rekor2NoTime => self.rekor2_answer.get("integratedTime").is_none(),
            D::TsaEkuNotCritical => Self::at(&tsa, &format!("{EKU}{CRITICAL}")).is_none(),
            D::TsaRootInside => {
                let root = self.authority("timestampAuthorities", 1);
                self.timestamp_has(&hex::encode(root))
            }
            D::NoEssCertId => !self.timestamp_has(ESS_CERT_ID),
            D::ForeignEssCertId => self.timestamp_has(ESS_CERT_ID) && !has_leaf_twice,
            D::NoTsaCertificate => !self.timestamp_has(&hex::encode(&tsa)),
            D::NoSigningTime => !self.timestamp_has(SIGNING_TIME),
            D::NoAccuracy => !self.timestamp_has(ACCURACY),
            D::HashWithNull => self.timestamp_has(SHA256_WITH_NULL),
            D::SignedDataV1 => self.timestamp_has(VERSION_1),
            D::TrustedRootV02 => {
                let kind = self.root["mediaType"].as_str().unwrap();
                kind == "application/vnd.dev.sigstore.trustedroot.v0.2+json"
            }
            _ => return None,
        })
    }
}

#[tokio::test]
async fn what_the_client_accepts_is_in_the_bytes() {
    let world = world().await;
    let right = see(&world).await;
    assert_eq!(right.chain.len(), 3);
    for &deviation in Deviation::ALL {
        let (_, fate) = crate::deviations::known(deviation);
        let before = right.shows(deviation);
        let accepted = fate == crate::deviations::Fate::Accepted;
        assert_eq!(before.is_some(), accepted, "{deviation}");
        if !accepted {
            continue;
        }
        let fulcio = &world.file().sigstore.as_ref().unwrap().fulcio;
        let control = format!("{fulcio}/_sandbox/deviations");
        let order = json!({"deviations": [deviation]});
        assert_eq!(post(&control, &order).await.status(), 204);
        let wrong = see(&world).await;
        assert_eq!(
            (before, wrong.shows(deviation)),
            (Some(false), Some(true)),
            "{deviation}"
        );
        let mended = client().delete(&control).send().await.unwrap();
        assert_eq!(mended.status(), 204);
    }
}
