//! The files that clients trust and find this Sigstore by.

use std::collections::BTreeSet;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::authorities::{Authorities, Keys, ORGANIZATION};
use super::deviation::Deviation;
use super::keys::sha256;
use super::{REKOR1_HOST, REKOR2_HOST, Urls, rekor2};
use crate::disk::Disk;

/// The name of the trusted root, without `.json`.
pub(super) const TRUSTED_ROOT: &str = "trusted_root";
/// The name of the signing config that leads to Rekor v2.
pub(super) const SIGNING_CONFIG: &str = "signing_config";
/// The name of the signing config that leads to Rekor v1.
pub(super) const SIGNING_CONFIG_REKOR1: &str = "signing_config_rekor1";
/// The names of trusted root and signing config in one, for sigstore-python.
const CLIENT_CONFIG: &str = "client_trust_config";
const CLIENT_CONFIG_REKOR1: &str = "client_trust_config_rekor1";

/// Everything that stands in the files.
pub(super) struct Trust<'a> {
    pub(super) keys: &'a Keys,
    pub(super) authorities: &'a Authorities,
    pub(super) urls: &'a Urls,
    pub(super) issuer: &'a str,
    pub(super) deviations: &'a BTreeSet<Deviation>,
}

impl Trust<'_> {
    /// Writes all files into `disk`.
    pub(super) fn write(&self, disk: &Disk) -> io::Result<()> {
        let root = self.trusted_root();
        disk.write_json(TRUSTED_ROOT, &root)?;
        let rekor1 = (
            &self.urls.rekor1,
            1,
            SIGNING_CONFIG_REKOR1,
            CLIENT_CONFIG_REKOR1,
        );
        let rekor2 = (&self.urls.rekor2, 2, SIGNING_CONFIG, CLIENT_CONFIG);
        for (url, version, name, client_name) in [rekor1, rekor2] {
            let config = self.signing_config(url, version);
            disk.write_json(name, &config)?;
            let client = json!({
                "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
                "trustedRoot": root,
                "signingConfig": config,
            });
            disk.write_json(client_name, &client)?;
        }
        Ok(())
    }

    fn has(&self, deviation: Deviation) -> bool {
        self.deviations.contains(&deviation)
    }

    fn trusted_root(&self) -> Value {
        let Authorities {
            fulcio,
            fulcio_root,
            tsa,
            tsa_root,
            ..
        } = self.authorities;
        let version = if self.has(Deviation::TrustedRootV02) {
            "application/vnd.dev.sigstore.trustedroot.v0.2+json"
        } else {
            "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
        };
        json!({
            "mediaType": version,
            "tlogs": [self.rekor1(), self.rekor2()],
            "certificateAuthorities": [self.authority("fulcio", &self.urls.fulcio, [fulcio, fulcio_root])],
            "ctlogs": [self.log(
                "http://ctlog.sandbox.localhost",
                "PKIX_ECDSA_P256_SHA_256",
                self.keys.ct.spki(),
                &sha256(self.keys.ct.spki()),
            )],
            "timestampAuthorities": [self.authority("tsa", &self.urls.tsa, [tsa, tsa_root])],
        })
    }

    fn rekor1(&self) -> Value {
        let key = self.keys.rekor1.spki();
        let url = if self.has(Deviation::Rekor1ByAddress) {
            self.urls.rekor1.clone()
        } else {
            format!("http://{REKOR1_HOST}")
        };
        self.log(&url, "PKIX_ECDSA_P256_SHA_256", key, &sha256(key))
    }

    fn rekor2(&self) -> Value {
        let key = self.keys.rekor2.spki();
        let url = if self.has(Deviation::Rekor2ByAddress) {
            self.urls.rekor2.clone()
        } else {
            format!("http://{REKOR2_HOST}")
        };
        let id = if self.has(Deviation::Rekor2SpkiLogId) {
            sha256(key)
        } else {
            rekor2::log_id(self.keys)
        };
        self.log(&url, "PKIX_ED25519", key, &id)
    }

    fn log(&self, url: &str, details: &str, spki: &[u8], id: &[u8]) -> Value {
        json!({
            "baseUrl": url,
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": STANDARD.encode(spki),
                "keyDetails": details,
                "validFor": self.valid(),
            },
            "logId": {"keyId": STANDARD.encode(id)},
        })
    }

    fn authority(&self, name: &str, url: &str, chain: [&Vec<u8>; 2]) -> Value {
        let mut chain = chain.to_vec();
        if self.has(Deviation::TrustedRootRootsFirst) {
            chain.reverse();
        }
        if self.has(Deviation::TrustedRootWithoutRoots) {
            chain.truncate(1);
        }
        let chain = chain
            .iter()
            .map(|der| json!({"rawBytes": STANDARD.encode(der)}));
        json!({
            "subject": {"organization": ORGANIZATION, "commonName": name},
            "uri": url,
            "certChain": {"certificates": chain.collect::<Vec<_>>()},
            "validFor": self.valid(),
        })
    }

    fn signing_config(&self, rekor: &str, version: u8) -> Value {
        let service = |url: &str, version: u8| {
            json!([{
                "url": url,
                "majorApiVersion": version,
                "validFor": self.valid(),
                "operator": "sandbox",
            }])
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": service(&self.urls.fulcio, 1),
            "oidcUrls": service(self.issuer, 1),
            "rekorTlogUrls": service(rekor, version),
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaUrls": service(&self.urls.tsa, 1),
            "tsaConfig": {"selector": "ANY"},
        })
    }

    fn valid(&self) -> Value {
        json!({"start": self.authorities.since})
    }
}
