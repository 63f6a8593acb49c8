//! The trusted root of the private instance.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::keys::Key;
use crate::log::Log;
use crate::pki::Authority;

/// Since when the logs and timestamps are in force. The authority for
/// certificates follows later, so that there is a time without it.
const OPENED: &str = "2025-01-01T00:00:00Z";
const CA_OPENED: &str = "2026-01-01T00:00:00Z";
const CLOSED: &str = "2025-12-31T23:59:59Z";

pub(crate) fn trusted_root() -> Value {
    json!({
        "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "tlogs": [log(Log::V1), log(Log::V2), closed(log(Log::Closed))],
        "certificateAuthorities": [
            authority("fulcio", &Authority::fulcio("fulcio"), &json!({ "start": CA_OPENED })),
            authority(
                "retired fulcio",
                &Authority::fulcio("retired fulcio"),
                &json!({ "start": CA_OPENED, "end": "2026-01-31T00:00:00Z" }),
            ),
        ],
        "ctlogs": [{
            "baseUrl": "https://ct.corpus.localhost",
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": STANDARD.encode(Key::named("ct").spki()),
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "validFor": { "start": OPENED },
            },
            "logId": { "keyId": STANDARD.encode(Key::named("ct").id()) },
        }],
        "timestampAuthorities": [
            authority("tsa", &Authority::timestamps("tsa"), &json!({ "start": OPENED })),
            authority(
                "closed tsa",
                &Authority::timestamps("closed tsa"),
                &json!({ "start": OPENED, "end": CLOSED }),
            ),
        ],
    })
}

fn log(log: Log) -> Value {
    let details = match log {
        Log::V2 => "PKIX_ED25519",
        _ => "PKIX_ECDSA_P256_SHA_256",
    };
    json!({
        "baseUrl": format!("https://{}", log.host()),
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": STANDARD.encode(log.spki()),
            "keyDetails": details,
            "validFor": { "start": OPENED },
        },
        "logId": { "keyId": STANDARD.encode(log.id()) },
    })
}

fn closed(mut log: Value) -> Value {
    log["publicKey"]["validFor"]["end"] = CLOSED.into();
    log
}

fn authority(name: &str, authority: &Authority, window: &Value) -> Value {
    let certificates = [&authority.below, &authority.root];
    json!({
        "subject": { "commonName": name },
        "uri": "https://corpus.localhost",
        "certChain": {
            "certificates": certificates.map(|der| json!({ "rawBytes": STANDARD.encode(der) })),
        },
        "validFor": window,
    })
}
