//! How much faster 200 signatures are than with a signer per signature.
//!
//! `cargo bench -p relpub-remote --bench signing` signs 200 digests against the
//! sandbox's Sigstore, at most 16 at a time, then the same 200 one by one with
//! `sigstore-sign`'s own signer and clients, and shows both times.

#![expect(clippy::unwrap_used, reason = "what fails here fails the benchmark")]
#![expect(clippy::print_stdout, reason = "a benchmark shows its figures")]
#![expect(
    clippy::disallowed_methods,
    reason = "it measures real time, and is a process of its own"
)]

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use relpub_model::digest::Sha256;
use relpub_remote::sigstore::{Signing, SigningServices};
use relpub_remote::{Environment, Http, Settings, SystemClock};
use relpub_sandbox::{Options, World};
use sigstore_sign::oidc::IdentityToken;
use sigstore_sign::trust_root::SigningConfig;
use sigstore_sign::types::{Artifact, ArtifactDigest, Sha256Hash};
use sigstore_sign::{SigningContext, SigningServices as TheirServices};
use tokio_util::sync::CancellationToken;

const SIGNATURES: usize = 200;
const AT_ONCE: usize = 16;
/// Where the other process finds the signing config.
const CONFIG: &str = "RELPUB_BENCH_SIGNING_CONFIG";

#[tokio::main]
async fn main() {
    // The other signer reads the environment, which only a new process can have.
    if let Ok(config) = env::var(CONFIG) {
        println!("{}", one_by_one(&config).await.as_micros());
        return;
    }
    let world = World::start(Options::temporary()).await.unwrap();
    let config = &world.file().sigstore.as_ref().unwrap().signing_config;
    let config = world.data().join(config);
    // Makes the issuer's key, which is nobody's signature.
    world.identity.issue("sigstore");

    let ours = together(&world, &fs::read(&config).unwrap()).await;
    let mut theirs = Command::new(env::current_exe().unwrap());
    theirs.envs(world.environment()).env(CONFIG, config);
    let theirs = tokio::task::spawn_blocking(move || theirs.output().unwrap());
    let theirs = String::from_utf8(theirs.await.unwrap().stdout).unwrap();
    let theirs = Duration::from_micros(theirs.trim().parse().unwrap());

    assert_eq!(world.sigstore.rekor2_entries(), 2 * SIGNATURES);
    println!("{SIGNATURES} signatures, relpub, {AT_ONCE} at once: {ours:.2?}");
    println!("{SIGNATURES} signatures, sigstore-sign, one by one: {theirs:.2?}");
    println!(
        "ratio: 1 to {:.1}",
        theirs.as_secs_f64() / ours.as_secs_f64()
    );
}

fn digests() -> impl Iterator<Item = Sha256> {
    (0..SIGNATURES).map(|n| Sha256::of(n.to_string().as_bytes()))
}

/// Signs with relpub, from no connection at all to the last bundle.
async fn together(world: &World, config: &[u8]) -> Duration {
    let start = Instant::now();
    let http = Http::new(Settings {
        clock: Arc::new(SystemClock),
        events: Arc::new(|_| {}),
        user_agent: "relpub-bench".to_owned(),
        cancel: CancellationToken::new(),
        proxy: false,
    });
    let services = SigningServices::from_json(config, world.clock().now()).unwrap();
    let environment = Environment::from_vars(world.environment());
    let signing = Signing::new(&http.unwrap(), services, &environment, None);
    let sign = |digest: Sha256| {
        let signing = signing.clone();
        async move { signing.sign_digest(&digest, "a file").await }
    };
    let bundles = stream::iter(digests()).map(sign).buffer_unordered(AT_ONCE);
    let bundles: Vec<_> = bundles.try_collect().await.unwrap();
    assert_eq!(bundles.len(), SIGNATURES);
    start.elapsed()
}

/// Signs with one token and one signer, as their documentation shows.
async fn one_by_one(config: &str) -> Duration {
    let start = Instant::now();
    let config = SigningConfig::from_json(&fs::read_to_string(config).unwrap()).unwrap();
    let services = TheirServices::from_signing_config(&config).unwrap();
    let token = IdentityToken::detect_ambient().await.unwrap();
    let signer = SigningContext::new(services).signer(token.unwrap());
    for digest in digests() {
        let digest = Sha256Hash::new(*digest.as_bytes());
        let digest = Artifact::Digest(ArtifactDigest::from(digest));
        signer.sign(digest).await.unwrap();
    }
    start.elapsed()
}
