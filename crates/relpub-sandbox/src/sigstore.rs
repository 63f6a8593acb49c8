//! A private Sigstore: Fulcio, a CT log's key, Rekor v1 and v2, a TSA.
//!
//! Certificates, promises, proofs and timestamps are real, under keys of the
//! world's own that its trusted root names. Each service has a port of its own.
//! What they do wrong on request is in [`Deviation`].

mod authorities;
mod certificate;
mod control;
mod der;
mod deviation;
mod dsse;
mod fulcio;
mod json;
mod judge;
mod keys;
mod log;
mod note;
mod rekor1;
mod rekor2;
mod sct;
mod tree;
mod trust;
mod tsa;

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::DefaultBodyLimit;
use jiff::Timestamp;

use self::authorities::{Authorities, Keys};
pub use self::deviation::Deviation;
pub(crate) use self::dsse::pae;
pub(crate) use self::judge::Evidence;
use self::log::Log;
use self::trust::Trust;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::identity::Identity;
use crate::service::Service;
use crate::world::Shared;
use crate::world_file::{SigstoreUrls, WorldFile};

/// The audience of identity tokens for Fulcio.
const AUDIENCE: &str = "sigstore";
/// The host that Rekor v1 is known by; it need not resolve.
const REKOR1_HOST: &str = "rekor1.sandbox.localhost";
/// The host that Rekor v2 is known by; it need not resolve.
const REKOR2_HOST: &str = "rekor2.sandbox.localhost";
/// The folder of the files that clients trust, in the folder of the world.
const TRUST: &str = "trust";
/// How large an entry may be: statements about many files are long.
const BODY_LIMIT: DefaultBodyLimit = DefaultBodyLimit::max(64 * 1024 * 1024);

/// Where the services of a Sigstore are, without slashes at the ends.
#[derive(Clone, Debug)]
pub(crate) struct Urls {
    pub(crate) fulcio: String,
    pub(crate) rekor1: String,
    pub(crate) rekor2: String,
    /// Up to the path of timestamps.
    pub(crate) tsa: String,
}

/// The Sigstore of a world.
#[derive(Clone)]
pub struct Sigstore {
    inner: Arc<Inner>,
}

struct Inner {
    urls: Urls,
    clock: Clock,
    identity: Identity,
    keys: Keys,
    rekor1: Mutex<Log>,
    rekor2: Mutex<Log>,
    certificates: Mutex<usize>,
    state: Mutex<State>,
    disk: Disk,
    trust: Disk,
}

/// What a test changes.
struct State {
    authorities: Authorities,
    deviations: BTreeSet<Deviation>,
}

/// The file with the number of certificates, without `.json`.
const CERTIFICATES: &str = "certificates";

impl Sigstore {
    /// Opens the Sigstore whose services are at `urls`, with what it held before.
    ///
    /// It begins without deviations and writes its trust files.
    pub(crate) fn open(shared: &Shared, mut urls: Urls, identity: &Identity) -> io::Result<Self> {
        urls.tsa.push_str("/api/v1/timestamp");
        let now = shared.clock.now();
        let disk = shared.disk.folder("sigstore")?;
        let keys = Keys::open(&disk.folder("keys")?)?;
        let authorities = Authorities::open(&disk, &keys, now)?;
        let inner = Inner {
            urls,
            clock: shared.clock.clone(),
            identity: identity.clone(),
            keys,
            rekor1: Mutex::new(Log::open(disk.folder("rekor1")?, now)?),
            rekor2: Mutex::new(Log::open(disk.folder("rekor2")?, now)?),
            certificates: Mutex::new(disk.read_json(CERTIFICATES)?.unwrap_or(0)),
            state: Mutex::new(State {
                authorities,
                deviations: BTreeSet::new(),
            }),
            disk,
            trust: shared.disk.folder(TRUST)?,
        };
        let sigstore = Self {
            inner: Arc::new(inner),
        };
        sigstore.write_trust()?;
        Ok(sigstore)
    }

    /// Returns how many entries both logs have together.
    pub fn entries(&self) -> usize {
        self.rekor1_entries() + self.rekor2_entries()
    }

    /// Returns how many entries were added to Rekor v1.
    pub fn rekor1_entries(&self) -> usize {
        self.rekor1().added()
    }

    /// Returns how many entries were added to Rekor v2.
    pub fn rekor2_entries(&self) -> usize {
        self.rekor2().added()
    }

    /// Returns how many certificates Fulcio has issued.
    pub fn certificates_issued(&self) -> usize {
        *lock(&self.inner.certificates)
    }

    /// Does one more thing wrong, until [`Sigstore::mend`] or a restart.
    ///
    /// The trust files are written anew; clients must read them afterwards.
    pub fn spoil(&self, deviation: Deviation) -> io::Result<()> {
        self.deviate(|deviations| {
            deviations.insert(deviation);
        })
    }

    /// Does everything right again.
    pub fn mend(&self) -> io::Result<()> {
        self.deviate(BTreeSet::clear)
    }

    /// Returns the four services: Fulcio, Rekor v1, Rekor v2, the TSA.
    pub(crate) fn services(&self) -> [Service; 4] {
        [
            fulcio::service(self),
            rekor1::service(self),
            rekor2::service(self),
            tsa::service(self),
        ]
    }

    /// Tells clients where the services and the trust files are.
    pub(crate) fn describe(&self, file: &mut WorldFile) {
        let Urls {
            fulcio,
            rekor1,
            rekor2,
            tsa,
        } = self.inner.urls.clone();
        let path = |name: &str| format!("{TRUST}/{name}.json");
        file.sigstore = Some(SigstoreUrls {
            trusted_root: path(trust::TRUSTED_ROOT),
            signing_config: path(trust::SIGNING_CONFIG),
            signing_config_rekor1: path(trust::SIGNING_CONFIG_REKOR1),
            fulcio,
            rekor1,
            rekor2,
            tsa,
        });
    }

    fn deviate(&self, change: impl FnOnce(&mut BTreeSet<Deviation>)) -> io::Result<()> {
        let Inner { disk, keys, .. } = &*self.inner;
        let right = Authorities::open(disk, keys, self.now())?;
        {
            let mut state = lock(&self.inner.state);
            change(&mut state.deviations);
            // Only what deviates is made anew: the rest is known to clients.
            state.authorities = if state.deviations.iter().any(|it| it.is_of_an_authority()) {
                Authorities::make(keys, right.since, &state.deviations)
            } else {
                right
            };
        }
        self.write_trust()
    }

    fn write_trust(&self) -> io::Result<()> {
        let inner = &*self.inner;
        let state = lock(&inner.state);
        let trust = Trust {
            keys: &inner.keys,
            authorities: &state.authorities,
            urls: &inner.urls,
            issuer: inner.identity.issuer(),
            deviations: &state.deviations,
        };
        trust.write(&inner.trust)
    }

    fn count_certificate(&self) -> io::Result<()> {
        let mut certificates = lock(&self.inner.certificates);
        let more = *certificates + 1;
        self.inner.disk.write_json(CERTIFICATES, &more)?;
        *certificates = more;
        Ok(())
    }

    fn identity(&self) -> &Identity {
        &self.inner.identity
    }

    fn keys(&self) -> &Keys {
        &self.inner.keys
    }

    fn rekor1(&self) -> MutexGuard<'_, Log> {
        lock(&self.inner.rekor1)
    }

    fn rekor2(&self) -> MutexGuard<'_, Log> {
        lock(&self.inner.rekor2)
    }

    fn authorities(&self) -> Authorities {
        lock(&self.inner.state).authorities.clone()
    }

    fn deviations(&self) -> BTreeSet<Deviation> {
        lock(&self.inner.state).deviations.clone()
    }

    fn has(&self, deviation: Deviation) -> bool {
        lock(&self.inner.state).deviations.contains(&deviation)
    }

    /// Returns the time in whole seconds, which is all that certificates have.
    ///
    /// With one clock for all services no timestamp is before a certificate.
    fn now(&self) -> Timestamp {
        let now = self.inner.clock.now();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
