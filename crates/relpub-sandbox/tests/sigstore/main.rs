//! The sandbox's Sigstore, judged by a Sigstore client that is not ours.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod bytes;
mod deviations;
mod services;
mod signing;
mod store;

use std::fs;

use jiff::Timestamp;
use relpub_sandbox::{Clock, Options, World};
use reqwest::Client;
use sigstore_sign::oidc::IdentityToken;
use sigstore_sign::trust_root::{SigningConfig, TrustedRoot};
use sigstore_sign::types::Bundle;
use sigstore_sign::{Signer, SigningContext, SigningServices};
use sigstore_verify::{VerificationPolicy, VerificationResult, verify};

/// The workflow that certificates are for, unless the claims are changed.
const SIGNER: &str = "https://github.com/relpub/demo/.github/workflows/release.yml@refs/heads/main";

/// Starts a temporary world whose time stands at the start of 2026.
async fn world() -> World {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let options = Options::temporary().with_clock(Clock::virtual_at(start));
    World::start(options).await.unwrap()
}

/// A version of Rekor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rekor {
    V1,
    V2,
}

/// Reads a file that the world file names.
fn read(world: &World, path: &str) -> String {
    fs::read_to_string(world.data().join(path)).unwrap()
}

fn trusted_root(world: &World) -> TrustedRoot {
    let urls = world.file().sigstore.as_ref().unwrap();
    TrustedRoot::from_json(&read(world, &urls.trusted_root)).unwrap()
}

thread_local! {
    /// Making one takes longer than a signature.
    static CLIENT: Client = Client::new();
}

fn client() -> Client {
    CLIENT.with(Client::clone)
}

/// Returns a signer that goes to this version of Rekor, with a fresh token.
fn signer(world: &World, rekor: Rekor) -> Signer {
    let urls = world.file().sigstore.as_ref().unwrap();
    let config = match rekor {
        Rekor::V1 => &urls.signing_config_rekor1,
        Rekor::V2 => &urls.signing_config,
    };
    let config = SigningConfig::from_json(&read(world, config)).unwrap();
    let services = SigningServices::from_signing_config(&config).unwrap();
    let token = IdentityToken::from_jwt(&world.identity.issue("sigstore")).unwrap();
    SigningContext::new(services)
        .with_http_client(client())
        .signer(token)
}

/// Returns a statement about a file with these bytes.
fn statement(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    serde_json::json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "file", "digest": {"sha256": hex::encode(digest)}}],
        "predicateType": "https://example.org/predicate/v1",
        "predicate": {},
    })
    .to_string()
}

/// Verifies a bundle with the trust files as they are now.
fn judge(
    world: &World,
    bytes: &[u8],
    bundle: &Bundle,
) -> Result<VerificationResult, sigstore_verify::Error> {
    let policy = VerificationPolicy::new(SIGNER, world.identity.issuer());
    verify(bytes, bundle, &policy, &trusted_root(world))
}
