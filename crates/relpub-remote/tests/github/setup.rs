//! A sandbox with a GitHub, some artifacts, and runs that promote them.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use relpub_model::config::{Audience, ConfirmBy, Credential};
use relpub_model::event::Event;
use relpub_model::findings::Bytes;
use relpub_model::notes::Notes;
use relpub_model::observed::{Holdings, Releases};
use relpub_model::plan::Presence;
use relpub_model::promotion::{Edge, Mutability};
use relpub_model::version::Tag;
use relpub_model::{Endpoints, Sha256};
use relpub_remote::{
    Blob, Blobs, Carried, Clock, Environment, Forge, GitHub, Http, Opening, Proof, Publisher,
    RemoteError, Session, Settings,
};
use relpub_sandbox::{Options, World};
use relpub_trust::Hasher;

pub(crate) const REPOSITORY: &str = "relpub/demo";
pub(crate) const COMMIT: &str = "0123456789012345678901234567890123456789";
pub(crate) const TAG: &str = "v1.2.3";
pub(crate) const MARKER: &str = "relpub 0123456789ab";

/// A world and the artifacts of a release.
pub(crate) struct Setup {
    pub(crate) world: World,
    blobs: Files,
    edges: Vec<Edge>,
}

/// One run of relpub: it knows nothing of the runs before.
pub(crate) struct Run<'a> {
    pub(crate) setup: &'a Setup,
    pub(crate) forge: Forge,
    pub(crate) publisher: Publisher,
    /// Everything that was told while it ran.
    pub(crate) events: Arc<Mutex<Vec<Event>>>,
}

impl Setup {
    pub(crate) async fn start() -> Self {
        let clock = relpub_sandbox::Clock::virtual_at("2026-11-24T12:00:00Z".parse().unwrap());
        let options = Options::temporary().with_clock(clock);
        let mut blobs = Files::new();
        let archive = vec![7; 300_000];
        blobs.add(b"a wheel");
        blobs.add(&archive);
        Self {
            world: World::start(options).await.unwrap(),
            blobs,
            edges: vec![
                edge("demo-1.2.3+cu128-py3-none-any.whl", b"a wheel"),
                edge("demo-1.2.3.tar.gz", &archive),
            ],
        }
    }

    /// Returns what belongs into the release.
    pub(crate) fn edges(&self) -> Vec<Edge> {
        self.edges.clone()
    }

    pub(crate) fn run(&self) -> Run<'_> {
        self.run_with(Some(self.world.github.token()))
    }

    /// Begins a run with a token.
    pub(crate) fn run_with(&self, token: Option<&str>) -> Run<'_> {
        self.run_at(&self.endpoints(), token)
    }

    /// Returns where the world's GitHub is.
    pub(crate) fn endpoints(&self) -> relpub_model::world::GitHub {
        let json = serde_json::to_string(self.world.file()).unwrap();
        Endpoints::from_world(&json).unwrap().github
    }

    /// Begins a run that takes GitHub for somewhere else.
    pub(crate) fn run_at(
        &self,
        endpoints: &relpub_model::world::GitHub,
        token: Option<&str>,
    ) -> Run<'_> {
        let events = Arc::<Mutex<Vec<Event>>>::default();
        let seen = Arc::clone(&events);
        let http = Http::new(Settings {
            clock: Arc::new(Follow(self.world.clock())),
            events: Arc::new(move |event| seen.lock().unwrap().push(event)),
            user_agent: "relpub-test".to_owned(),
            cancel: tokio_util::sync::CancellationToken::new(),
            proxy: false,
        });
        let variable = token.map(|token| ("TOKEN".to_owned(), token.to_owned()));
        let environment = Environment::from_vars(variable);
        let credential = Credential::Env("TOKEN".to_owned());
        let repository = REPOSITORY.parse().unwrap();
        let http = http.unwrap();
        let forge = Forge::new(http, endpoints, repository, &credential, &environment);
        let github = GitHub::new(forge.clone(), tag(), COMMIT.parse().unwrap());
        Run {
            setup: self,
            forge,
            publisher: Publisher::GitHub(github),
            events,
        }
    }
}

/// What somebody else does to the repository meanwhile.
impl Setup {
    pub(crate) async fn post(&self, path: &str, body: &serde_json::Value) {
        self.send(reqwest::Method::POST, path, body.to_string().into_bytes())
            .await;
    }

    pub(crate) async fn patch(&self, path: &str, body: &serde_json::Value) {
        self.send(reqwest::Method::PATCH, path, body.to_string().into_bytes())
            .await;
    }

    pub(crate) async fn upload(&self, release: u64, name: &str, content: &[u8]) {
        let name: String = form_urlencoded(name);
        let path = format!("/releases/{release}/assets?name={name}");
        self.send(reqwest::Method::POST, &path, content.to_vec())
            .await;
    }

    async fn send(&self, method: reqwest::Method, path: &str, body: Vec<u8>) {
        let github = &self.world.github;
        let answer = reqwest::Client::new()
            .request(method, format!("{}/repos/{REPOSITORY}{path}", github.url()))
            .bearer_auth(github.token())
            .header("user-agent", "somebody")
            .header("content-type", "application/octet-stream")
            .body(body)
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }

    /// Returns how many requests to an endpoint there were.
    pub(crate) fn counted(&self, endpoint: &str) -> usize {
        let log = self.world.log();
        log.iter()
            .filter(|entry| entry.endpoint == endpoint)
            .count()
    }
}

fn form_urlencoded(text: &str) -> String {
    text.replace('+', "%2B")
}

impl Run<'_> {
    pub(crate) async fn open(&self) -> Result<Session, RemoteError> {
        let notes = Notes {
            title: "Demo 1.2.3".to_owned(),
            body: format!("What is new\n\n<!-- {MARKER} -->\n"),
        };
        let opening = Opening {
            tag: &tag(),
            commit: &COMMIT.parse().unwrap(),
            notes: &notes,
            prerelease: false,
            marker: MARKER,
            edges: &self.setup.edges(),
        };
        self.publisher.open(&opening).await
    }

    pub(crate) async fn stage(&self, session: &Session, edge: &Edge) -> Result<Proof, RemoteError> {
        self.publisher.stage(session, edge, &self.setup.blobs).await
    }

    pub(crate) async fn publish(
        &self,
        session: &Session,
        edges: &[Edge],
    ) -> Result<Proof, RemoteError> {
        self.publisher
            .publish(session, edges, &self.setup.blobs)
            .await
    }

    pub(crate) async fn publish_with(
        &self,
        session: &Session,
        edges: &[Edge],
        carried: &Carried,
    ) -> Result<Proof, RemoteError> {
        self.publisher
            .publish_with(session, edges, &self.setup.blobs, carried)
            .await
    }

    pub(crate) async fn confirm(
        &self,
        audience: Audience,
        by: ConfirmBy,
    ) -> Result<Vec<Presence>, RemoteError> {
        let confirmed = self
            .publisher
            .confirm(&self.setup.edges(), audience, by)
            .await?;
        Ok(confirmed.into_iter().map(|it| it.presence).collect())
    }

    pub(crate) async fn releases(&self) -> Releases {
        match self.publisher.probe(&[], false).await.unwrap().holdings {
            Holdings::Releases(releases) => releases,
            Holdings::Index(_) => panic!("GitHub holds releases"),
        }
    }
}

pub(crate) fn tag() -> Tag {
    Tag {
        name: TAG.to_owned(),
        version: "1.2.3".parse().unwrap(),
    }
}

pub(crate) fn edge(name: &str, content: &[u8]) -> Edge {
    Edge {
        destination: "github".parse().unwrap(),
        name: name.parse().unwrap(),
        sha256: Sha256::of(content),
        size: content.len() as u64,
        mutability: Mutability::Immutable,
    }
}

/// relpub's clock as the world's: waiting moves it on.
struct Follow(relpub_sandbox::Clock);

impl Clock for Follow {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        let by = SignedDuration::try_from(duration).unwrap();
        self.0.advance(by).unwrap();
        Box::pin(std::future::ready(()))
    }
}

/// Artifacts in files of a temporary folder.
struct Files {
    folder: tempfile::TempDir,
    files: BTreeMap<Sha256, PathBuf>,
}

impl Files {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            files: BTreeMap::new(),
        }
    }

    fn add(&mut self, content: &[u8]) {
        let sha256 = Sha256::of(content);
        let path = self.folder.path().join(sha256.to_string());
        std::fs::write(&path, content).unwrap();
        self.files.insert(sha256, path);
    }
}

impl Blobs for Files {
    fn open<'a>(&'a self, digest: &'a Sha256) -> BoxFuture<'a, io::Result<Blob>> {
        Box::pin(async move {
            let path = self.files.get(digest).ok_or(io::ErrorKind::NotFound)?;
            let content = tokio::fs::read(path).await?;
            let mut hasher = Hasher::new();
            hasher.update(&content);
            let expected = Bytes {
                sha256: *digest,
                size: content.len() as u64,
            };
            Ok(Blob {
                verified: hasher.verify(expected).map_err(io::Error::other)?,
                reader: tokio::fs::File::open(path).await?,
            })
        })
    }
}
