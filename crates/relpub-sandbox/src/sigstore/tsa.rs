//! A time stamping authority (RFC 3161).

use std::collections::BTreeSet;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::{Method, StatusCode, header};
use jiff::{SignedDuration, Timestamp};

use super::Sigstore;
use super::authorities::Authorities;
use super::certificate::{Certificate, algorithm, new_serial, pem};
use super::der;
use super::deviation::Deviation;
use super::keys::{Key, sha256};
use crate::service::Service;

const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
const TST_INFO: &str = "1.2.840.113549.1.9.16.1.4";
const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";
const SIGNING_TIME: &str = "1.2.840.113549.1.9.5";
const SIGNING_CERTIFICATE_V2: &str = "1.2.840.113549.1.9.16.2.47";
const SHA256: &str = "2.16.840.1.101.3.4.2.1";
const SHA384: &str = "2.16.840.1.101.3.4.2.2";
const SHA512: &str = "2.16.840.1.101.3.4.2.3";
/// The policy of a request that names none.
const POLICY: &str = "1.3.6.1.4.1.57264.2";

/// Returns the authority as a service.
pub(super) fn service(sigstore: &Sigstore) -> Service {
    let router = Router::new()
        .route("/api/v1/timestamp", post(timestamp))
        .route("/api/v1/timestamp/certchain", get(chain))
        .with_state(sigstore.clone());
    Service {
        name: "tsa",
        router,
        endpoint,
        // A timestamp uses up a serial number.
        mutates: |method, path| endpoint(method, path) == "timestamp",
    }
}

fn endpoint(_: &Method, path: &str) -> &'static str {
    match path {
        "/api/v1/timestamp" => "timestamp",
        "/api/v1/timestamp/certchain" => "chain",
        _ => "unknown",
    }
}

async fn timestamp(State(sigstore): State<Sigstore>, body: Bytes) -> Response {
    let Some(request) = Request::read(&body) else {
        let message = r#"{"code":400,"message":"Error generating timestamp response"}"#;
        let kind = [(header::CONTENT_TYPE, "application/json")];
        return (StatusCode::BAD_REQUEST, kind, message).into_response();
    };
    let stamp = Stamp {
        request: &request,
        key: &sigstore.keys().tsa,
        authorities: &sigstore.authorities(),
        now: sigstore.now(),
        deviations: &sigstore.deviations(),
    };
    let kind = [(header::CONTENT_TYPE, "application/timestamp-reply")];
    (kind, stamp.response()).into_response()
}

async fn chain(State(sigstore): State<Sigstore>) -> Response {
    let authorities = sigstore.authorities();
    let chain = [&authorities.tsa, &authorities.tsa_root];
    let chain = chain.map(|der| pem("CERTIFICATE", der)).concat();
    let kind = [(header::CONTENT_TYPE, "application/pem-certificate-chain")];
    (kind, chain).into_response()
}

/// What a `TimeStampReq` asks for; elements are kept as they came.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    imprint: Vec<u8>,
    policy: Option<Vec<u8>>,
    nonce: Option<Vec<u8>>,
    wants_certificate: bool,
}

impl Request {
    fn read(bytes: &[u8]) -> Option<Self> {
        let parts = der::only(bytes)?.parts(der::SEQUENCE)?;
        let [version, imprint, optional @ ..] = &parts[..] else {
            return None;
        };
        (version.tagged(der::INTEGER)? == [1]).then_some(())?;
        let [algorithm, hash] = imprint.parts(der::SEQUENCE)?[..] else {
            return None;
        };
        let algorithm = algorithm.parts(der::SEQUENCE)?;
        let length = [(SHA256, 32), (SHA384, 48), (SHA512, 64)]
            .into_iter()
            .find(|(oid, _)| {
                algorithm
                    .first()
                    .is_some_and(|it| it.whole == der::oid(oid))
            })?
            .1;
        (hash.tagged(der::OCTET_STRING)?.len() == length).then_some(())?;
        let find = |tag| optional.iter().find(|element| element.tag == tag);
        Some(Self {
            imprint: imprint.whole.to_vec(),
            policy: find(der::OID).map(|it| it.whole.to_vec()),
            nonce: find(der::INTEGER).map(|it| it.whole.to_vec()),
            wants_certificate: find(der::BOOLEAN).is_some_and(|it| it.content != [0]),
        })
    }
}

/// A timestamp to be made.
struct Stamp<'a> {
    request: &'a Request,
    key: &'a Key,
    authorities: &'a Authorities,
    now: Timestamp,
    deviations: &'a BTreeSet<Deviation>,
}

impl Stamp<'_> {
    fn has(&self, deviation: Deviation) -> bool {
        self.deviations.contains(&deviation)
    }

    /// Returns the `TimeStampResp`.
    fn response(&self) -> Vec<u8> {
        let granted = der::sequence(&[der::number(0)]);
        let token = der::sequence(&[der::oid(SIGNED_DATA), der::context(0, &self.signed_data())]);
        der::sequence(&[granted, token])
    }

    /// Returns the `SignedData` (RFC 5652 section 5.1).
    fn signed_data(&self) -> Vec<u8> {
        let version = if self.has(Deviation::SignedDataV1) {
            1
        } else {
            3
        };
        let info = self.info();
        let content = der::sequence(&[der::oid(TST_INFO), der::context(0, &der::octets(&info))]);
        let mut parts = vec![der::number(version), der::set(&[self.hash()]), content];
        if self.request.wants_certificate && !self.has(Deviation::NoTsaCertificate) {
            let mut certificates = self.authorities.tsa.clone();
            if self.has(Deviation::TsaRootInside) {
                certificates.extend(&self.authorities.tsa_root);
            }
            parts.push(der::context(0, &certificates));
        }
        parts.push(der::set(&[self.signer_info(&info)]));
        der::sequence(&parts)
    }

    /// Returns the `TSTInfo` (RFC 3161 section 2.4.2).
    fn info(&self) -> Vec<u8> {
        let ahead = if self.has(Deviation::TimeAhead) {
            3600
        } else {
            0
        };
        let time = self.now + SignedDuration::from_secs(ahead);
        let policy = self.request.policy.clone();
        let mut parts = vec![
            der::number(1),
            policy.unwrap_or_else(|| der::oid(POLICY)),
            self.request.imprint.clone(),
            der::integer(&new_serial()),
            der::generalized_time(time),
        ];
        if !self.has(Deviation::NoAccuracy) {
            parts.push(der::sequence(&[der::number(1)]));
        }
        if !self.has(Deviation::NoNonce) {
            parts.extend(self.request.nonce.clone());
        }
        der::sequence(&parts)
    }

    /// Returns the `SignerInfo`, whose signature is over its attributes.
    fn signer_info(&self, info: &[u8]) -> Vec<u8> {
        let attributes = self.attributes(info).concat();
        // Signed as a set, sent with the tag of the field.
        let signature = self.key.sign(&der::element(der::SET, &attributes));
        let certificate = Certificate::read(&self.authorities.tsa);
        let certificate = certificate.expect("the sandbox made it");
        let serial = der::element(der::INTEGER, certificate.serial);
        der::sequence(&[
            der::number(1),
            der::sequence(&[certificate.issuer.to_vec(), serial]),
            self.hash(),
            der::context(0, &attributes),
            algorithm(),
            der::octets(&signature),
        ])
    }

    fn attributes(&self, info: &[u8]) -> Vec<Vec<u8>> {
        let attribute = |oid, value| der::sequence(&[der::oid(oid), der::set(&[value])]);
        let mut attributes = vec![
            attribute(CONTENT_TYPE, der::oid(TST_INFO)),
            attribute(MESSAGE_DIGEST, der::octets(&sha256(info))),
        ];
        if !self.has(Deviation::NoSigningTime) {
            attributes.push(attribute(SIGNING_TIME, der::utc_time(self.now)));
        }
        if !self.has(Deviation::NoEssCertId) {
            attributes.push(attribute(SIGNING_CERTIFICATE_V2, self.ess_cert_id()));
        }
        attributes.sort();
        if self.has(Deviation::UnsortedAttributes) {
            attributes.reverse();
        }
        attributes
    }

    /// Returns the `SigningCertificateV2` (RFC 5816) of the authority.
    fn ess_cert_id(&self) -> Vec<u8> {
        let leaf = Certificate::read(&self.authorities.tsa).expect("the sandbox made it");
        let hashed = if self.has(Deviation::ForeignEssCertId) {
            &self.authorities.fulcio
        } else {
            &self.authorities.tsa
        };
        let directory_name = der::context(4, leaf.issuer);
        let issuer = der::sequence(&[
            der::sequence(&[directory_name]),
            der::element(der::INTEGER, leaf.serial),
        ]);
        let id = der::sequence(&[der::octets(&sha256(hashed)), issuer]);
        der::sequence(&[der::sequence(&[id])])
    }

    /// Returns the `AlgorithmIdentifier` of SHA-256.
    fn hash(&self) -> Vec<u8> {
        let mut parts = vec![der::oid(SHA256)];
        if self.has(Deviation::HashWithNull) {
            parts.push(der::null());
        }
        der::sequence(&parts)
    }
}
