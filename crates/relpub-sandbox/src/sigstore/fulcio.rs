//! Fulcio: certificates for those who hold an identity token and a key.

mod identity;
mod request;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use self::identity::Subject;
use self::request::Request;
use super::authorities::ORGANIZATION;
use super::certificate::{
    CODE_SIGNING, Profile, authority_key, name, new_serial, pem, sign, signs_data, subject_key,
    used_for,
};
use super::deviation::Deviation;
use super::sct::sct_list;
use super::{AUDIENCE, Sigstore, control};
use crate::service::Service;

/// How long a certificate is valid.
const LIFE: SignedDuration = SignedDuration::from_mins(10);

/// Returns Fulcio as a service.
pub(super) fn service(sigstore: &Sigstore) -> Service {
    let router = Router::new()
        .route("/api/v2/signingCert", post(signing_cert))
        .route("/api/v2/trustBundle", get(trust_bundle))
        .route("/api/v2/configuration", get(configuration))
        // The services have no common address; this one speaks for all.
        .route(
            "/_sandbox/deviations",
            get(control::show)
                .post(control::spoil)
                .delete(control::mend),
        )
        .with_state(sigstore.clone());
    Service {
        name: "fulcio",
        router,
        endpoint,
        mutates: |method, path| endpoint(method, path) == "signing-cert",
    }
}

fn endpoint(_: &Method, path: &str) -> &'static str {
    match path {
        "/api/v2/signingCert" => "signing-cert",
        "/api/v2/trustBundle" => "trust-bundle",
        "/api/v2/configuration" => "configuration",
        _ if path.starts_with("/_sandbox/") => "control",
        _ => "unknown",
    }
}

/// Answers a token and a proof of a key with a chain, the new leaf first.
async fn signing_cert(
    State(sigstore): State<Sigstore>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let leaf = match certify(&sigstore, &headers, &body) {
        Ok(leaf) => leaf,
        Err(refusal) => return refusal.into_response(),
    };
    let authorities = sigstore.authorities();
    let mut chain = vec![&leaf, &authorities.fulcio, &authorities.fulcio_root];
    if sigstore.has(Deviation::RootFirst) {
        chain.reverse();
    }
    if sigstore.has(Deviation::LeafOnly) {
        chain.truncate(1);
    }
    let chain: Vec<_> = chain
        .into_iter()
        .map(|der| pem("CERTIFICATE", der))
        .collect();
    let status = if sigstore.has(Deviation::FulcioStatus201) {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let chain = json!({"chain": {"certificates": chain}});
    let answer = json!({"signedCertificateEmbeddedSct": chain});
    (status, Json(answer)).into_response()
}

/// Returns a new certificate, or why there is none.
fn certify(sigstore: &Sigstore, headers: &HeaderMap, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let request = Request::read(headers, body)?;
    let claims = sigstore
        .identity()
        .verify(request.token(), AUDIENCE)
        .map_err(|_| Refusal::invalid("There was an error processing the identity token"))?;
    let subject = Subject::of(&claims).map_err(Refusal::invalid)?;
    let spki = request.proven_key(subject.challenge())?;
    let leaf = issue(sigstore, &subject, &spki);
    sigstore.count_certificate().map_err(|error| Refusal {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        code: 13,
        message: error.to_string(),
    })?;
    Ok(leaf)
}

fn issue(sigstore: &Sigstore, subject: &Subject, spki: &[u8]) -> Vec<u8> {
    let deviations = sigstore.deviations();
    let has = |deviation| deviations.contains(&deviation);
    let keys = sigstore.keys();
    let now = sigstore.now();
    let (issuer, nobody) = (
        name(ORGANIZATION, "relpub-sandbox-intermediate"),
        name_of_nobody(),
    );
    let not_before = beginning(now, has(Deviation::NotYetValid), has(Deviation::Expired));
    let profile = Profile {
        issuer: &issuer,
        subject: &nobody,
        spki,
        not_before,
        not_after: not_before + LIFE,
        serial: &new_serial(),
    };

    let mut extensions = vec![signs_data()];
    if !has(Deviation::NoEku) {
        extensions.push(used_for(CODE_SIGNING, has(Deviation::EkuCritical)));
    }
    if !has(Deviation::NoSki) {
        extensions.push(subject_key(spki));
    }
    if !has(Deviation::NoAki) {
        extensions.push(authority_key(keys.fulcio.spki()));
    }
    extensions.extend(subject.extensions(&deviations));

    let with = |more: Option<Vec<u8>>| {
        let all: Vec<_> = extensions.iter().cloned().chain(more).collect();
        profile.tbs(&all)
    };
    let sct = sct_list(&keys.ct, keys.fulcio.spki(), with, now, &deviations);
    if !has(Deviation::NoSct) {
        let at = if has(Deviation::SctFirst) {
            0
        } else {
            extensions.len()
        };
        extensions.insert(at, sct);
    }
    sign(profile.tbs(&extensions), &keys.fulcio)
}

/// Returns since when a certificate is valid.
fn beginning(now: Timestamp, ahead: bool, expired: bool) -> Timestamp {
    if ahead {
        now + SignedDuration::from_secs(5)
    } else if expired {
        now - SignedDuration::from_hours(1)
    } else {
        now
    }
}

/// Returns the empty `Name`: who a leaf is for stands in an extension.
fn name_of_nobody() -> Vec<u8> {
    super::der::sequence(&[])
}

async fn trust_bundle(State(sigstore): State<Sigstore>) -> Json<Value> {
    let authorities = sigstore.authorities();
    let chain = [&authorities.fulcio, &authorities.fulcio_root];
    let chain = chain.map(|der| pem("CERTIFICATE", der));
    Json(json!({"chains": [{"certificates": chain}]}))
}

async fn configuration(State(sigstore): State<Sigstore>) -> Json<Value> {
    Json(json!({"issuers": [{
        "issuerUrl": sigstore.identity().issuer(),
        "audience": AUDIENCE,
        "challengeClaim": "sub",
        "spiffeTrustDomain": "",
        "issuerType": "ci-provider",
        "subjectDomain": "",
        "skipEmailVerification": false,
    }]}))
}

/// Why there is no certificate.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    status: StatusCode,
    /// The number of the gRPC status.
    code: u8,
    message: String,
}

impl Refusal {
    /// Returns the refusal of a request that can never be granted.
    fn invalid(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: 3,
            message: message.into(),
        }
    }

    fn into_response(self) -> Response {
        let body = json!({"code": self.code, "message": self.message, "details": []});
        (self.status, Json(body)).into_response()
    }
}
