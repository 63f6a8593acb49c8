//! The attestation store of a repository: bundles, found by the digests that
//! their statements are about.

use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::future::try_join_all;
use relpub_model::Sha256;
use relpub_model::decision::Decision;
use relpub_model::text::Untrusted;
use relpub_model::world::{self, is_loopback_http};
use reqwest::header::{ACCEPT, LINK};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

use super::Forge;
use super::api::{Api, As, deed, escape, look_again, once, parse_url};
use crate::http::{Answer, Body, Deed, RemoteError, Request};
use crate::publisher::Proof;

/// How many bundles are asked for at once: one with an SBOM has some MiB.
const PAGE: u8 = 10;
/// The most pages that are read: everybody with the right adds to the store.
const PAGES: u32 = 100;
/// The most bytes of a bundle, unpacked.
const BUNDLE: usize = 32 * 1024 * 1024;
/// Where GitHub keeps bundles, beside the configured hosts.
const COMPANIONS: [&str; 2] = [".blob.core.windows.net", ".githubusercontent.com"];

/// What is listed about a digest.
#[derive(Deserialize)]
struct List {
    attestations: Vec<Listed>,
}

/// An attestation, with its bundle or where that is.
#[derive(Deserialize)]
struct Listed {
    bundle: Option<Box<RawValue>>,
    bundle_url: Option<String>,
}

#[derive(Deserialize)]
struct Stored {
    id: u64,
}

impl Forge {
    /// Adds a bundle to the repository's attestation store, and says where people
    /// see it. `thing` is what the bundle is about, for messages.
    ///
    /// Nothing is looked for first; after a lost answer, this very bundle is.
    pub async fn attest(&self, bundle: &[u8], thing: &str) -> Result<Proof, RemoteError> {
        let deed = deed("store an attestation of", thing);
        let ours = Envelope::read(bundle).map_err(|why| {
            let why = format!("the bundle cannot be stored: {why}");
            RemoteError::new(&deed, Decision::Protocol, why)
        })?;
        let body: Bytes = [br#"{"bundle":"#, bundle, b"}"].concat().into();
        let _alone = self.api.alone(&self.api.creating, &deed).await?;
        let sent = AtomicBool::new(false);
        let attempt = || async {
            if sent.load(Ordering::Relaxed) && self.is_stored(&ours).await? {
                return Ok(None);
            }
            sent.store(true, Ordering::Relaxed);
            let stored = self.store(&body, &deed).await;
            stored.map(Some).map_err(look_again)
        };
        let id = self.api.retry(&deed, attempt).await?;
        let (web, repository) = (&self.api.endpoints.web, &self.api.repository);
        Ok(Proof {
            already: false,
            url: id.map(|id| format!("{web}/{repository}/attestations/{id}")),
        })
    }

    /// Returns all bundles that are stored about these bytes with this predicate
    /// type. They are candidates: who reads them judges them.
    pub async fn attestations(
        &self,
        sha256: &Sha256,
        predicate_type: &str,
    ) -> Result<Vec<Vec<u8>>, RemoteError> {
        let deed = deed("list the attestations of", sha256.short());
        let mut bundles = Vec::new();
        let mut after = None;
        for _ in 0..PAGES {
            let (list, next) = self.page(sha256, predicate_type, after, &deed).await?;
            let read = list.into_iter().map(|it| self.api.bundle(it, &deed));
            bundles.extend(try_join_all(read).await?);
            match next {
                None => return Ok(bundles),
                next => after = next,
            }
        }
        let why = format!("more than {} are stored", PAGES * u32::from(PAGE));
        Err(RemoteError::new(&deed, Decision::Protocol, why))
    }

    /// Returns a page of the list, and the cursor of the next.
    async fn page(
        &self,
        sha256: &Sha256,
        predicate_type: &str,
        after: Option<String>,
        deed: &Deed,
    ) -> Result<(Vec<Listed>, Option<String>), RemoteError> {
        let mut path = format!(
            "/attestations/sha256:{sha256}?per_page={PAGE}&predicate_type={}",
            escape(predicate_type)
        );
        if let Some(after) = after {
            path = format!("{path}&after={}", escape(&after));
        }
        let api = &self.api.endpoints.api;
        let request = self
            .api
            .request(Method::GET, api, &path, deed, As::Us)?
            .header(ACCEPT, "application/vnd.github+json")
            .repeat(crate::http::Repeat::Always)
            .allow(StatusCode::NOT_FOUND);
        let attempt = || once(&self.api.http, &request);
        let answer = self.api.retry(deed, attempt).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok((Vec::new(), None));
        }
        let list: List = answer.json()?;
        Ok((list.attestations, next_cursor(&answer)))
    }

    async fn is_stored(&self, ours: &Envelope) -> Result<bool, RemoteError> {
        let stored = self.attestations(&ours.sha256, &ours.predicate_type);
        let stored = stored.await.map_err(look_again)?;
        let same = |bundle: &Vec<u8>| Envelope::read(bundle).is_ok_and(|it| it == *ours);
        Ok(stored.iter().any(same))
    }

    /// Sends a bundle once; returns its number.
    async fn store(&self, body: &Bytes, deed: &Deed) -> Result<u64, RemoteError> {
        let api = &self.api.endpoints.api;
        let request = self
            .api
            .request(Method::POST, api, "/attestations", deed, As::Us)?
            .header(ACCEPT, "application/vnd.github+json")
            .body(Body::Own(body.clone(), "application/json"));
        let answer = once(&self.api.http, &request).await.map_err(refused)?;
        let stored: Stored = answer
            .json()
            .map_err(|error| error.with_decision(Decision::Ambiguous))?;
        Ok(stored.id)
    }
}

/// Says which right is missing, or what the store does not take.
fn refused(error: RemoteError) -> RemoteError {
    match (&error.decision, error.status) {
        (Decision::Forbidden, _) => {
            error.with_hint("the token lacks the right `attestations: write`")
        }
        (Decision::NotFound, _) => {
            error.with_hint("does the token have the right `attestations: write`?")
        }
        (Decision::Refused { .. }, Some(422)) => {
            let rule = "which bundles the attestation store takes".to_owned();
            error.with_decision(Decision::Refused { rule })
        }
        _ => error,
    }
}

/// Returns the cursor in the link to the next page. The rest of the link is not
/// needed, and so cannot lead elsewhere.
fn next_cursor(answer: &Answer) -> Option<String> {
    let links = answer.header(LINK.as_str())?;
    let next = links
        .split(',')
        .find(|link| link.contains("rel=\"next\""))?;
    let (_, url) = next.split_once('<')?;
    let url: Url = url.split_once('>')?.0.parse().ok()?;
    let (_, after) = url.query_pairs().find(|(name, _)| name == "after")?;
    Some(after.into_owned())
}

/// What tells one bundle from another: the envelope, whose signature is made
/// with a key of its own; and what the statement in it is about.
#[derive(PartialEq)]
struct Envelope {
    content: Dsse,
    sha256: Sha256,
    predicate_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    dsse_envelope: Dsse,
}

#[derive(PartialEq, Deserialize)]
struct Dsse {
    payload: String,
    signatures: Vec<Signature>,
}

#[derive(PartialEq, Deserialize)]
struct Signature {
    sig: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    subject: Vec<Subject>,
    predicate_type: String,
}

#[derive(Deserialize)]
struct Subject {
    digest: Digest,
}

#[derive(Deserialize)]
struct Digest {
    sha256: Sha256,
}

impl Envelope {
    /// Reads a bundle; the error says why it is none for the store.
    fn read(bundle: &[u8]) -> Result<Self, String> {
        let Bundle { dsse_envelope } =
            serde_json::from_slice(bundle).map_err(|error| error.to_string())?;
        let payload = STANDARD
            .decode(&dsse_envelope.payload)
            .map_err(|error| format!("the payload is not base64: {error}"))?;
        let statement: Statement = serde_json::from_slice(&payload)
            .map_err(|error| format!("the payload is not a statement: {error}"))?;
        let first = statement.subject.into_iter().next();
        Ok(Self {
            content: dsse_envelope,
            sha256: first.ok_or("the statement has no subject")?.digest.sha256,
            predicate_type: statement.predicate_type,
        })
    }
}

impl Api {
    /// Returns a listed bundle: that of the answer, or else the one at its
    /// address, which is asked without a credential.
    async fn bundle(&self, listed: Listed, deed: &Deed) -> Result<Vec<u8>, RemoteError> {
        let protocol = |why: String| RemoteError::new(deed, Decision::Protocol, why);
        if let Some(bundle) = listed.bundle {
            return Ok(bundle.get().as_bytes().to_vec());
        }
        let url = listed.bundle_url;
        let url = url.ok_or_else(|| protocol("one has no bundle".to_owned()))?;
        let url = parse_url(&url, deed)?;
        if !is_companion(&url, &self.endpoints) {
            let host = Untrusted::new(url.host_str().unwrap_or_default()).for_terminal();
            return Err(protocol(format!("a bundle is said to be at {host}")));
        }
        let mut request = Request::get(url, deed.clone());
        request.limit = BUNDLE;
        let attempt = || once(&self.http, &request);
        let answer = self.retry(deed, attempt).await?;
        unpack(&answer).map_err(protocol)
    }
}

/// Tells whether GitHub may send us to a URL: it is on a configured host or on
/// one where GitHub keeps such things; with a GitHub on this machine, on this
/// machine.
fn is_companion(url: &Url, endpoints: &world::GitHub) -> bool {
    let ours = [&endpoints.api, &endpoints.web, &endpoints.uploads];
    if ours.iter().any(|ours| is_loopback_http(ours)) {
        return is_loopback_http(url.as_str());
    }
    let host = url.host_str().unwrap_or_default();
    let is_host = |ours: &&String| {
        let ours: Option<Url> = ours.parse().ok();
        ours.is_some_and(|ours| ours.host_str() == Some(host))
    };
    let listed = COMPANIONS.iter().any(|end| host.ends_with(end));
    url.scheme() == "https" && (listed || ours.iter().any(is_host))
}

/// Returns a bundle as JSON: it comes so, or as a raw Snappy block.
fn unpack(answer: &Answer) -> Result<Vec<u8>, String> {
    let packed =
        answer.media_type() == "application/x-snappy" || answer.url.path().ends_with(".sn");
    if !packed {
        return Ok(answer.body.to_vec());
    }
    unsnap(&answer.body)
}

/// Unpacks a raw Snappy block, whose length is known before.
fn unsnap(block: &[u8]) -> Result<Vec<u8>, String> {
    let damaged = |error: snap::Error| format!("a packed bundle is damaged: {error}");
    let length = snap::raw::decompress_len(block).map_err(damaged)?;
    if length > BUNDLE {
        return Err(format!("a packed bundle has {length} bytes"));
    }
    let unpacked = snap::raw::Decoder::new().decompress_vec(block);
    unpacked.map_err(damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_fetched_from_the_companions_of_github_only() {
        let at = |api: &str| world::GitHub {
            api: api.to_owned(),
            uploads: api.to_owned(),
            web: api.to_owned(),
        };
        let goes = |url: &str, api: &str| is_companion(&url.parse().unwrap(), &at(api));
        let github = "https://github.example/api";
        assert!(goes("https://github.example/bundle?sig=1", github));
        assert!(goes("https://x.blob.core.windows.net/1.json.sn", github));
        for other in [
            "http://github.example/bundle",
            "https://other.example/bundle",
            "https://blob.core.windows.net.example/",
            "https://169.254.169.254/latest",
            "http://127.0.0.1:1/bundle",
        ] {
            assert!(!goes(other, github), "{other}");
        }
        let world = "http://127.0.0.1:1";
        assert!(goes("http://127.0.0.1:2/bundle", world));
        assert!(!goes("https://github.example/bundle", world));
    }

    #[test]
    fn a_block_is_measured_before_it_is_unpacked() {
        // Its bytes as one literal, after their number.
        assert_eq!(unsnap(b"\x03\x08abc").unwrap(), b"abc");
        // 4 GiB less one are announced.
        assert_eq!(
            unsnap(b"\xff\xff\xff\xff\x0f\x08abc").unwrap_err(),
            "a packed bundle has 4294967295 bytes"
        );
        assert!(unsnap(b"\x03\x08ab").is_err());
        assert!(unsnap(b"").is_err());
    }
}
