//! What the tests share: a world with a virtual clock, and a client for it.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test uses a part of it, and fails where it cannot be set up"
)]

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use relpub_model::digest::Sha256;
use relpub_model::event::Event;
use relpub_model::findings::Bytes;
use relpub_model::world::Endpoints;
use relpub_remote::{Blob, Blobs, Clock, Environment, Http, Settings};
use relpub_sandbox::{Options, World};
use relpub_trust::Hasher;
use tokio_util::sync::CancellationToken;

/// A world, and a client whose waits take no time.
pub struct Bench {
    pub world: World,
    pub http: Http,
    pub events: Arc<Mutex<Vec<Event>>>,
    pub cancel: CancellationToken,
}

/// The virtual clock of the world, which a wait advances.
struct WorldClock(relpub_sandbox::Clock);

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        let duration = SignedDuration::try_from(duration).unwrap();
        self.0.advance(duration).unwrap();
        Box::pin(tokio::task::yield_now())
    }
}

impl Bench {
    pub async fn start() -> Self {
        let start: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let clock = relpub_sandbox::Clock::virtual_at(start);
        let options = Options::temporary().with_clock(clock.clone());
        let world = World::start(options).await.unwrap();
        let events: Arc<Mutex<Vec<Event>>> = Arc::default();
        let cancel = CancellationToken::new();
        let sink = Arc::clone(&events);
        let http = Http::new(Settings {
            clock: Arc::new(WorldClock(clock)),
            events: Arc::new(move |event| sink.lock().unwrap().push(event)),
            user_agent: "relpub-test".to_owned(),
            cancel: cancel.clone(),
            proxy: false,
        });
        Self {
            world,
            http: http.unwrap(),
            events,
            cancel,
        }
    }

    pub fn endpoints(&self) -> Endpoints {
        let json = serde_json::to_string(self.world.file()).unwrap();
        Endpoints::from_world(&json).unwrap()
    }

    pub fn environment(&self) -> Environment {
        Environment::from_vars(self.world.environment())
    }

    /// Returns how often something was tried again.
    pub fn retries(&self) -> usize {
        let events = self.events.lock().unwrap();
        let is_retry = |event: &&Event| matches!(event, Event::Retrying { .. });
        events.iter().filter(is_retry).count()
    }

    /// Returns the requests to a service's endpoint, as method and range.
    pub fn requests(&self, service: &str, endpoint: &str) -> Vec<relpub_sandbox::Entry> {
        let log = self.world.log().into_iter();
        log.filter(|it| it.service == service && it.endpoint == endpoint)
            .collect()
    }
}

/// Files on disk as verified blobs.
#[derive(Default)]
pub struct Files(BTreeMap<Sha256, PathBuf>);

impl Files {
    /// Adds a file and returns what it is.
    pub fn add(&mut self, path: &Path) -> Bytes {
        let bytes = std::fs::read(path).unwrap();
        let sha256 = Sha256::of(&bytes);
        self.0.insert(sha256, path.to_owned());
        let size = bytes.len() as u64;
        Bytes { sha256, size }
    }
}

impl Blobs for Files {
    fn open<'a>(&'a self, digest: &'a Sha256) -> BoxFuture<'a, io::Result<Blob>> {
        Box::pin(async {
            let path = self.0.get(digest).ok_or(io::ErrorKind::NotFound)?;
            let mut hasher = Hasher::new();
            let bytes = std::fs::read(path)?;
            hasher.update(&bytes);
            let size = bytes.len() as u64;
            let expected = Bytes {
                sha256: *digest,
                size,
            };
            let verified = hasher.verify(expected).map_err(io::Error::other)?;
            let reader = tokio::fs::File::open(path).await?;
            Ok(Blob { verified, reader })
        })
    }
}

/// Writes a file and the folders it is in.
pub fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}
