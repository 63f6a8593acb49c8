//! Keyless signing: a certificate from Fulcio, a timestamp, an entry in Rekor,
//! put together as a Sigstore bundle (v0.3).
//!
//! Keys, signatures and everything that is written or read are values of the
//! `sigstore-sign` crates; the requests go through relpub's own client. Those
//! crates' clients do not retry, drop a refusal's headers (`Retry-After`, and
//! the `Location` of an entry that exists) or even its status, and their signer
//! wants a new certificate for each signature.
//!
//! Nothing is verified here beyond what only the asking side can tell. **A bundle
//! must be verified before it leaves**, which is for `relpub-trust`.

mod fulcio;
mod rekor;
mod services;
mod tsa;
mod tuf;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::{SignedDuration, Timestamp};
use relpub_model::decision::Decision;
use relpub_model::digest::Sha256;
use relpub_model::world;
use serde_json::{Map, Value};
use sigstore_sign::bundle::BundleV03;
use sigstore_sign::types::{
    DsseEnvelope, DsseSignature, KeyId, PayloadBytes, Sha256Hash, SignatureBytes, pae,
};
use tokio::sync::Mutex;
use url::Url;

use self::fulcio::Credential;
use self::rekor::Entry;
use self::services::LogUrl;
pub use self::services::{SigningConfigError, SigningServices};
pub use self::tuf::{Origin, Targets, TrustMaterial, TufSource, trust_material};
use crate::http::{Deed, Http, RemoteError};
use crate::identity::{Identity, IdentityToken};
use crate::secret::Environment;

/// Whom an identity token for Sigstore is for.
const AUDIENCE: &str = "sigstore";
/// The type of a signed in-toto statement.
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// How many times a signature is made before the log is given up.
const TRIES: u32 = 3;
/// How long before its end an identity token is replaced.
const MARGIN: SignedDuration = SignedDuration::from_secs(30);
/// The claims that make an identity: while a run signs, they stay what they are.
const IDENTITY: [&str; 10] = [
    "iss",
    "sub",
    "email",
    "repository",
    "repository_id",
    "repository_owner_id",
    "job_workflow_ref",
    "ref",
    "sha",
    "environment",
];

/// Signs as the CI job that this is; cheap to clone, made once.
///
/// One key and one certificate serve many signatures, one after the other or at
/// the same time, and are replaced before they expire.
#[derive(Clone)]
pub struct Signing {
    inner: Arc<Inner>,
}

struct Inner {
    http: Http,
    services: SigningServices,
    identity: Identity,
    held: Mutex<Held>,
    /// How many times no credential was to be had.
    failures: AtomicUsize,
}

/// What is reused. Only one asks for it, the others wait.
#[derive(Default)]
struct Held {
    token: Option<Arc<IdentityToken>>,
    credential: Option<Arc<Credential>>,
    /// The claims of the first token.
    claims: Option<Map<String, Value>>,
    /// Why no credential was to be had the last time.
    failure: Option<RemoteError>,
}

/// Which log a statement goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// The one that the signing config prefers.
    Configured,
    /// Rekor v1, whose promise is a time of its own: PyPI's attestations have no
    /// place for another.
    Rekor1,
}

impl Signing {
    /// Prepares to sign; nothing is asked for yet.
    ///
    /// `identity` is where a world's tokens come from, if not from where the
    /// environment says.
    pub fn new(
        http: &Http,
        services: SigningServices,
        environment: &Environment,
        identity: Option<&world::Identity>,
    ) -> Self {
        let request_url = identity.map(|identity| identity.request_url.as_str());
        Self {
            inner: Arc::new(Inner {
                http: http.clone(),
                services,
                identity: Identity::new(http, environment, request_url),
                held: Mutex::default(),
                failures: AtomicUsize::new(0),
            }),
        }
    }

    /// Tells whether there is anybody to ask for an identity.
    pub fn is_available(&self) -> bool {
        self.inner.identity.is_available()
    }

    /// Returns all claims of the identity that signatures will be made with, as
    /// its token has them.
    ///
    /// They are to be checked before the first signature: that enters a public
    /// log. Should a later token of the run be for somebody else, it is refused.
    pub async fn claims(&self) -> Result<Map<String, Value>, RemoteError> {
        let mut held = self.inner.held.lock().await;
        let token = self.inner.token(&mut held).await?;
        Ok(token.all.clone())
    }

    /// Signs bytes by their digest; returns a bundle with a message signature.
    ///
    /// `thing` names what is signed, for errors.
    pub async fn sign_digest(&self, sha256: &Sha256, thing: &str) -> Result<Vec<u8>, RemoteError> {
        let content = Content {
            digest: Sha256Hash::new(*sha256.as_bytes()),
            payload: None,
        };
        self.inner.sign(&content, thing, Log::Configured).await
    }

    /// Signs an in-toto statement, taken as it is; returns a bundle with a DSSE
    /// envelope.
    ///
    /// `thing` names what is signed, for errors.
    pub async fn sign_statement(
        &self,
        payload: &[u8],
        thing: &str,
        log: Log,
    ) -> Result<Vec<u8>, RemoteError> {
        let content = Content {
            digest: Sha256Hash::new(*Sha256::of(&pae(PAYLOAD_TYPE, payload)).as_bytes()),
            payload: Some(payload),
        };
        self.inner.sign(&content, thing, log).await
    }
}

/// What is signed: a digest, which is of a statement's encoding if there is one.
struct Content<'a> {
    digest: Sha256Hash,
    payload: Option<&'a [u8]>,
}

impl Inner {
    /// Signs, anew with another key when the log holds the signature already and
    /// does not give it out, or when the certificate expired meanwhile.
    async fn sign(
        &self,
        content: &Content<'_>,
        thing: &str,
        log: Log,
    ) -> Result<Vec<u8>, RemoteError> {
        let log = self.log(log, thing)?;
        let mut spent = None;
        for _ in 0..TRIES {
            let credential = self.credential(spent.as_ref(), thing).await?;
            let signed = self.sign_with(&credential, content, thing, &log).await?;
            if let Some(bundle) = signed.filter(|_| credential.is_alive(self.http.now())) {
                return Ok(bundle);
            }
            spent = Some(credential);
        }
        let deed = Deed::new("Rekor", "log the signature of", thing);
        let why = format!(
            "{TRIES} signatures came to nothing: the log had each already, or the certificate expired before it answered"
        );
        Err(RemoteError::new(&deed, Decision::Conflict, why))
    }

    fn log(&self, log: Log, thing: &str) -> Result<LogUrl, RemoteError> {
        match (log, &self.services.rekor1) {
            (Log::Configured, _) => Ok(self.services.log.clone()),
            (Log::Rekor1, Some(url)) => Ok(LogUrl::V1(url.clone())),
            (Log::Rekor1, None) => {
                let deed = Deed::new("Rekor", "log the signature of", thing);
                let why = "the signing config names no Rekor v1 log that can be used now";
                Err(RemoteError::new(&deed, Decision::Protocol, why))
            }
        }
    }

    /// Makes one signature: the timestamp first, because what is in the log stays
    /// there. `None` says that the log had the entry already.
    async fn sign_with(
        &self,
        credential: &Credential,
        content: &Content<'_>,
        thing: &str,
        log: &LogUrl,
    ) -> Result<Option<Vec<u8>>, RemoteError> {
        let http = &self.http;
        let deed = Deed::new("this machine", "sign", thing);
        let signature = credential.key.sign_digest(&content.digest);
        let signature = signature.map_err(|why| protocol(&deed, &why))?;
        let envelope = content.payload.map(|it| envelope(it, &signature));
        let timestamp = match &self.services.tsa {
            None => None,
            Some(tsa) => Some(tsa::timestamp(http, tsa, &signature, thing).await?),
        };
        let entry = Entry {
            digest: content.digest,
            signature: &signature,
            certificate: &credential.certificate,
            envelope: envelope.as_ref(),
        };
        let logged = match log {
            LogUrl::V1(url) => Some(entry.add_to_v1(http, url, thing).await?),
            LogUrl::V2(url) => entry.add_to_v2(http, url, thing).await?,
        };
        let Some(logged) = logged else {
            return Ok(None);
        };
        let certificate = credential.certificate.clone();
        let bundle = match envelope {
            None => {
                let digest = content.digest;
                BundleV03::with_certificate_and_signature(certificate, signature, digest)
            }
            Some(envelope) => BundleV03::with_certificate_and_dsse(certificate, envelope),
        };
        let bundle = bundle.with_tlog_entry(logged);
        let bundle = match timestamp {
            None => bundle,
            Some(timestamp) => bundle.with_rfc3161_timestamp(timestamp),
        };
        let json = bundle.into_bundle().to_json();
        let json = json.map_err(|why| protocol(&deed, &why))?;
        Ok(Some(json.into_bytes()))
    }

    /// Returns a key and its certificate: those at hand unless they are `spent`,
    /// about to expire or none.
    ///
    /// Whoever waited while another asked in vain is not to ask again: a service
    /// that is down is tried once for all signatures under way.
    async fn credential(
        &self,
        spent: Option<&Arc<Credential>>,
        thing: &str,
    ) -> Result<Arc<Credential>, RemoteError> {
        let failures = self.failures.load(Ordering::Relaxed);
        let mut held = self.held.lock().await;
        if let Some(failure) = &held.failure
            && failures != self.failures.load(Ordering::Relaxed)
        {
            let mut failure = failure.clone();
            if failure.service == fulcio::NAME {
                thing.clone_into(&mut failure.thing);
            }
            return Err(failure);
        }
        let now = self.http.now();
        let is_usable = |it: &&Arc<Credential>| {
            it.is_fresh(now) && !spent.is_some_and(|spent| Arc::ptr_eq(spent, it))
        };
        if let Some(credential) = held.credential.as_ref().filter(is_usable) {
            return Ok(Arc::clone(credential));
        }
        held.credential = None;
        let made = self.make_credential(&mut held, thing).await;
        match &made {
            Ok(credential) => held.credential = Some(Arc::clone(credential)),
            Err(failure) => {
                held.failure = Some(failure.clone());
                self.failures.fetch_add(1, Ordering::Relaxed);
            }
        }
        made
    }

    async fn make_credential(
        &self,
        held: &mut Held,
        thing: &str,
    ) -> Result<Arc<Credential>, RemoteError> {
        let token = self.token(held).await?;
        let fulcio = &self.services.fulcio;
        let made = Credential::request(&self.http, fulcio, &token, thing).await?;
        Ok(Arc::new(made))
    }

    /// Returns the identity token at hand, or a new one if that is about to
    /// expire.
    async fn token(&self, held: &mut Held) -> Result<Arc<IdentityToken>, RemoteError> {
        let now = self.http.now();
        let is_fresh = |it: &&Arc<IdentityToken>| {
            let expires = it.claims.expires().unwrap_or(Timestamp::MIN);
            expires.duration_since(now) > MARGIN
        };
        if let Some(token) = held.token.as_ref().filter(is_fresh) {
            return Ok(Arc::clone(token));
        }
        let token = Arc::new(self.identity.token(AUDIENCE).await?);
        let first = held.claims.get_or_insert_with(|| token.all.clone());
        if let Some(claim) = IDENTITY
            .iter()
            .find(|it| first.get(**it) != token.all.get(**it))
        {
            let deed = Deed::new(
                "identity provider",
                "get an identity token for",
                "`sigstore`",
            );
            let why = format!("the claim `{claim}` is not what it was when the run began");
            return Err(RemoteError::new(&deed, Decision::Unauthenticated, why));
        }
        // A certificate is only as good as the token it was issued for.
        held.credential = None;
        held.token = Some(Arc::clone(&token));
        Ok(token)
    }
}

fn envelope(payload: &[u8], signature: &SignatureBytes) -> DsseEnvelope {
    DsseEnvelope::new(
        PAYLOAD_TYPE.to_owned(),
        PayloadBytes::new(payload.to_vec()),
        DsseSignature::new(signature.clone(), KeyId::default()),
    )
}

/// Returns the URL of a path below a base URL, which may have a path itself.
fn url_under(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let prefix = base.path().trim_end_matches('/');
    url.set_path(&format!("{prefix}/{path}"));
    url
}

/// Makes the error of something that should work and does not.
fn protocol(deed: &Deed, why: &dyn fmt::Display) -> RemoteError {
    RemoteError::new(deed, Decision::Protocol, why.to_string())
}
