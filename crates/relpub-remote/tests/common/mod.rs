//! What the tests share: a world with a virtual clock, and a client for it.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use relpub_model::event::Event;
use relpub_model::world::Endpoints;
use relpub_remote::{Clock, Environment, Http, Settings};
use relpub_sandbox::{Options, World};
use serde_json::json;
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

    fn sleep<'a>(&'a self, duration: Duration) -> BoxFuture<'a, ()> {
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
        let mut file = serde_json::to_value(self.world.file()).unwrap();
        // These tests speak to no GitHub, whether the world has one or not.
        let nowhere = "http://127.0.0.1:9";
        file["github"] = json!({"api": nowhere, "uploads": nowhere, "web": nowhere});
        Endpoints::from_world(&file.to_string()).unwrap()
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

/// Writes a file and the folders it is in.
pub fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}
