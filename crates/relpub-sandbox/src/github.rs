//! A GitHub: repositories, tags and releases behind its REST API.
//!
//! API, uploads and web addresses share one port. What is written down here is
//! GitHub's REST reference where that is clear, and what GitHub was seen to do
//! where it is not: drafts that no tag finds, uploads that leave a `starter`
//! behind, names that are changed, tags that an immutable release burns.

mod access;
mod asset_name;
mod assets;
mod attestations;
mod call;
mod failure;
mod git;
mod notes;
mod publish;
mod releases;
mod repository;
mod routes;
mod show;
mod state;
mod storage;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::hmac;
use serde_json::Value;

use self::access::{Limits, Tokens};
use self::attestations::Attestation;
use self::call::Call;
use self::failure::Failure;
use self::repository::{Commit, Repository, TagObject, branch_ref, tag_ref};
use self::show::{Show, whole_seconds};
pub use self::state::AssetState;
use self::state::State;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::secrets::Secrets;
use crate::service::Service;
use crate::world::Shared;
use crate::world_file::{Environment, GitHubUrls, WorldFile};

/// The id of the repository of a world's job, as its identity tokens say.
const REPOSITORY_ID: u64 = 800_000_001;

/// The GitHub of a world.
#[derive(Clone)]
pub struct GitHub {
    inner: Arc<Inner>,
}

struct Inner {
    url: String,
    tokens: Tokens,
    storage_key: hmac::Key,
    clock: Clock,
    secrets: Secrets,
    disk: Disk,
    limits: Limits,
    /// How many of the next uploads fail and leave a `starter` behind.
    starters: AtomicU32,
    /// Whether the job lacks `attestations: write`.
    attestations_denied: AtomicBool,
    state: Mutex<State>,
}

/// A release as a test sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseView {
    /// Its id, which it keeps as long as it is there.
    pub id: u64,
    /// The name of its tag.
    pub tag: String,
    /// Its title.
    pub name: Option<String>,
    /// Its notes.
    pub body: Option<String>,
    /// Whether it is hidden from everybody who may not push.
    pub draft: bool,
    /// Whether it is marked as a prerelease.
    pub prerelease: bool,
    /// Whether it was made immutable when it was published.
    pub immutable: bool,
    /// Its assets, oldest first.
    pub assets: Vec<AssetView>,
}

/// An asset as a test sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetView {
    /// Its name, after GitHub has changed it.
    pub name: String,
    /// Its SHA-256 in hexadecimal; a starter has none.
    pub sha256: Option<String>,
    /// Its size in bytes.
    pub size: u64,
    /// Whether its upload has ended.
    pub state: AssetState,
}

/// An attestation as a test sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttestationView {
    /// Its id, which grows from one to the next.
    pub id: u64,
    /// The predicate type of its statement.
    pub predicate_type: String,
    /// The digests of its subjects, as `sha256:…`.
    pub subjects: Vec<String>,
    /// The Sigstore bundle.
    pub bundle: Value,
}

impl GitHub {
    /// Opens the GitHub at `url`, with what it held before.
    ///
    /// The repository and the commit of the world's job are there.
    pub(crate) fn open(shared: &Shared, url: String) -> io::Result<Self> {
        let secrets = shared.secrets.clone();
        let key = secrets.standing("github-storage", "")?;
        let disk = shared.disk.folder("github")?;
        let inner = Inner {
            url,
            tokens: Tokens {
                push: secrets.standing("github-push", "ghs_")?,
                read: secrets.standing("github-read", "ghs_")?,
                stranger: secrets.standing("github-stranger", "ghp_")?,
            },
            storage_key: hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()),
            clock: shared.clock.clone(),
            secrets,
            disk: disk.clone(),
            limits: Limits::default(),
            starters: AtomicU32::new(0),
            attestations_denied: AtomicBool::new(false),
            state: Mutex::new(State::open(disk)?),
        };
        let github = Self {
            inner: Arc::new(inner),
        };
        let names = &shared.names;
        github.add_repository(&names.repository, REPOSITORY_ID)?;
        github.push(&names.repository, &names.commit)?;
        Ok(github)
    }

    /// Returns the URL of API, uploads and web, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// Returns the token of a job with `contents: write`.
    pub fn token(&self) -> &str {
        &self.inner.tokens.push
    }

    /// Returns the token of a job with `contents: read`; its writes get 403.
    pub fn read_token(&self) -> &str {
        &self.inner.tokens.read
    }

    /// Returns the token of a user without rights; its writes get 404.
    pub fn stranger_token(&self) -> &str {
        &self.inner.tokens.stranger
    }

    /// Adds an empty public repository (`owner/name`), unless it is there.
    pub fn add_repository(&self, name: &str, id: u64) -> io::Result<()> {
        let mut state = self.state();
        if state.repository(&repository::key(name)).is_some() {
            return Ok(());
        }
        state.put_repository(Repository::new(name, id))
    }

    /// Renames a repository to `owner/name`; the API redirects from its old name.
    pub fn rename_repository(&self, old: &str, new: &str) -> io::Result<()> {
        self.state().rename(&repository::key(old), new)
    }

    /// Hides a repository from everybody without a token of its own, or shows it.
    pub fn set_private(&self, repository: &str, private: bool) -> io::Result<()> {
        self.change(repository, |it| it.private = private)
    }

    /// Makes releases immutable from their publication on, or stops that.
    pub fn set_immutable(&self, repository: &str, immutable: bool) -> io::Result<()> {
        self.change(repository, |it| it.immutable_releases = immutable)
    }

    /// Lets nobody create tags, as a ruleset can, or stops that.
    pub fn restrict_tags(&self, repository: &str, restricted: bool) -> io::Result<()> {
        self.change(repository, |it| it.tags_restricted = restricted)
    }

    /// Adds a commit, unless it is there.
    ///
    /// The default branch, `main`, moves to it if it follows the branch's head.
    /// A subject that ends in `(#12)` is a merged pull request to the generated
    /// notes.
    pub fn add_commit(
        &self,
        repository: &str,
        sha: &str,
        parents: &[&str],
        message: &str,
    ) -> io::Result<()> {
        let commit = Commit {
            message: message.to_owned(),
            parents: parents.iter().map(|&it| it.to_owned()).collect(),
            date: whole_seconds(self.inner.clock.now()),
        };
        self.change(repository, |it| {
            if !it.commits.contains_key(sha) {
                it.commit(sha, commit);
            }
        })
    }

    /// Lets a branch point to a commit.
    pub fn set_branch(&self, repository: &str, branch: &str, commit: &str) -> io::Result<()> {
        self.change(repository, |it| {
            it.refs.insert(branch_ref(branch), commit.to_owned());
        })
    }

    /// Lets a tag point to a commit, by an object of its own if it is `annotated`.
    pub fn add_tag(
        &self,
        repository: &str,
        name: &str,
        commit: &str,
        annotated: bool,
    ) -> io::Result<()> {
        let tag = TagObject {
            tag: name.to_owned(),
            message: name.to_owned(),
            object: commit.to_owned(),
            date: whole_seconds(self.inner.clock.now()),
        };
        self.change(repository, |it| {
            let sha = if annotated {
                git::add_tag_object(it, tag)
            } else {
                commit.to_owned()
            };
            it.refs.insert(tag_ref(name), sha);
        })
    }

    /// Fails the next `n` uploads with 502 after their last byte.
    ///
    /// Each leaves an asset in the state `starter`, which blocks its name.
    pub fn starter_next(&self, n: u32) {
        self.inner.starters.store(n, Ordering::SeqCst);
    }

    /// Takes `attestations: write` from the job, or gives it back.
    pub fn deny_attestations(&self, denied: bool) {
        self.inner
            .attestations_denied
            .store(denied, Ordering::SeqCst);
    }

    /// Returns the attestations of a repository, oldest first.
    pub fn attestations(&self, repository: &str) -> Vec<AttestationView> {
        let state = self.state();
        let repository = state.repository(&repository::key(repository));
        let Some(id) = repository.map(|it| it.id) else {
            return Vec::new();
        };
        let own = state.attestations().filter(|it| it.repository == id);
        own.map(AttestationView::of).collect()
    }

    /// Puts a bundle into the store and returns its id.
    ///
    /// An error is also a bundle that the API would refuse.
    pub fn add_attestation(&self, repository: &str, bundle: &Value) -> io::Result<u64> {
        let mut state = self.state();
        let found = state.repository(&repository::key(repository));
        let found = found.ok_or_else(|| no_repository(repository))?.id;
        let id = state.new_id()?;
        let attestation = Attestation::of(id, found, bundle.clone());
        state.put_attestation(attestation.map_err(io::Error::other)?)?;
        Ok(id)
    }

    /// Removes an attestation; that it is not there is no error.
    pub fn remove_attestation(&self, id: u64) -> io::Result<()> {
        self.state().remove_attestation(id)
    }

    /// Answers `requests` more requests, then refuses all until an hour is over.
    ///
    /// The refusal is the 403 of the primary rate limit.
    pub fn limit_requests(&self, requests: u32) {
        self.inner.limits.allow(requests, self.inner.clock.now());
    }

    /// Refuses the next `writes` by the secondary rate limit, 403.
    ///
    /// Each is told to retry after `seconds`.
    pub fn slow_down_next(&self, writes: u32, seconds: u32) {
        self.inner.limits.slow_down(writes, seconds);
    }

    /// Returns the releases of a repository as they are listed, newest first.
    pub fn releases(&self, repository: &str) -> Vec<ReleaseView> {
        let state = self.state();
        let releases = state.releases(&repository::key(repository));
        let view = |release: &state::Release| ReleaseView {
            id: release.id,
            tag: release.tag.clone(),
            name: release.name.clone(),
            body: release.body.clone(),
            draft: release.draft,
            prerelease: release.prerelease,
            immutable: release.immutable,
            assets: state.assets_of(release.id).map(AssetView::of).collect(),
        };
        releases.into_iter().map(view).collect()
    }

    /// Returns the commit that a tag points to, through annotated tags.
    pub fn tag(&self, repository: &str, name: &str) -> Option<String> {
        let state = self.state();
        let repository = state.repository(&repository::key(repository))?;
        repository.tag(name).map(str::to_owned)
    }

    /// Returns the tag of the latest release.
    pub fn latest(&self, repository: &str) -> Option<String> {
        let state = self.state();
        let repository = state.repository(&repository::key(repository))?;
        publish::latest(&state, repository).map(|release| release.tag.clone())
    }

    /// Returns this GitHub as a service.
    pub(crate) fn service(&self) -> Service {
        routes::service(self)
    }

    /// Tells clients where this GitHub is and which token a job has.
    pub(crate) fn describe(&self, file: &mut WorldFile, environment: &mut Environment) {
        let mut set = |name: &str, value: &str| {
            environment.insert(name.to_owned(), value.to_owned());
        };
        set("GITHUB_TOKEN", self.token());
        set("GITHUB_API_URL", self.url());
        set("GITHUB_SERVER_URL", self.url());
        set("GITHUB_REPOSITORY_ID", &REPOSITORY_ID.to_string());
        file.github = Some(GitHubUrls {
            api: self.url().to_owned(),
            uploads: self.url().to_owned(),
            web: self.url().to_owned(),
        });
    }

    /// Puts the commit of the world's job on top of the default branch.
    fn push(&self, repository: &str, sha: &str) -> io::Result<()> {
        let head = self
            .state()
            .repository(&repository::key(repository))
            .and_then(|it| it.branch(&it.default_branch).map(str::to_owned));
        let parents: Vec<_> = head.iter().map(String::as_str).collect();
        self.add_commit(repository, sha, &parents, "Release")
    }

    fn change(&self, repository: &str, change: impl FnOnce(&mut Repository)) -> io::Result<()> {
        let mut state = self.state();
        let found = state.repository(&repository::key(repository));
        let mut changed = found.cloned().ok_or_else(|| no_repository(repository))?;
        change(&mut changed);
        state.put_repository(changed)
    }

    fn attestations_denied(&self) -> bool {
        self.inner.attestations_denied.load(Ordering::SeqCst)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn show<'a>(&'a self, state: &'a State, call: &Call) -> Result<Show<'a>, Failure> {
        let repository = state.repository(&call.repository);
        Ok(Show {
            url: self.url(),
            repository: repository.ok_or_else(Failure::not_found)?,
        })
    }
}

fn no_repository(name: &str) -> io::Error {
    let message = format!("the sandbox's GitHub has no repository `{name}`");
    io::Error::new(io::ErrorKind::NotFound, message)
}

impl AttestationView {
    fn of(attestation: &Attestation) -> Self {
        let Attestation {
            id,
            predicate_type,
            subjects,
            bundle,
            ..
        } = attestation.clone();
        Self {
            id,
            predicate_type,
            subjects,
            bundle,
        }
    }
}

impl AssetView {
    fn of(asset: &state::Asset) -> Self {
        Self {
            name: asset.name.clone(),
            sha256: asset.sha256.clone(),
            size: asset.size,
            state: asset.state,
        }
    }
}
