//! GitHub: a repository's tags and notes, and the releases of one tag.
//!
//! A release is made in the open only once: a draft that nobody sees takes the
//! assets one by one, each compared by the digest that GitHub computes, and
//! becomes public as a whole. Every step looks before it acts, so that a second
//! run, or a second try after a lost answer, finds what the first one left.

mod api;
mod assets;
mod attestations;
mod beside;
mod confirm;
mod latest;
mod models;
mod notes;
mod opening;
mod refs;
mod releases;

use std::sync::Arc;

use relpub_model::config::Credential;
use relpub_model::decision::Decision;
use relpub_model::name::{Commit, FileName, Repository};
use relpub_model::observed::{CredentialState, Holdings, Releases};
use relpub_model::release::RepositoryId;
use relpub_model::version::Tag;
use relpub_model::world;
use tokio::sync::Mutex;

use crate::http::{Http, RemoteError};
use crate::publisher::Probe;
use crate::secret::{Environment, Secret};
use api::{Api, As, deed};
use assets::Listed;

/// A repository at GitHub, as it is needed before there is a release.
#[derive(Clone)]
pub struct Forge {
    api: Arc<Api>,
}

/// The releases of one tag of a repository.
#[derive(Clone)]
pub struct GitHub {
    forge: Forge,
    api: Arc<Api>,
    tag: Tag,
    commit: Commit,
    listed: Arc<Mutex<Option<Listed>>>,
}

/// What a repository says of itself.
struct About {
    id: u64,
    /// Whether we may push, and so see drafts; `None` where GitHub does not say.
    push: Option<bool>,
}

impl Forge {
    /// Returns a client for a repository. The token is the one that the
    /// credential names in the environment; without it, what is public can
    /// still be read.
    pub fn new(
        http: Http,
        endpoints: &world::GitHub,
        repository: Repository,
        credential: &Credential,
        environment: &Environment,
    ) -> Self {
        let token = log_in(credential, environment);
        Self {
            api: Arc::new(Api::new(http, endpoints.clone(), repository, token)),
        }
    }

    /// Returns the repository with the number that survives a rename.
    pub async fn repository(&self) -> Result<RepositoryId, RemoteError> {
        Ok(RepositoryId {
            name: self.api.repository.clone(),
            id: self.about().await?.id,
        })
    }

    async fn about(&self) -> Result<About, RemoteError> {
        let deed = deed("read the repository", &self.api.repository);
        let call = self.api.read(&deed, As::Us);
        let found = call.repo().get().await.map_err(|error| {
            let error = call.failed(error);
            match (&error.decision, error.status) {
                (Decision::NotFound, _) => {
                    error.with_hint("it does not exist, or this credential may not see it")
                }
                (Decision::Unauthenticated, _) => {
                    error.with_hint("the token is wrong, expired or revoked; replace it")
                }
                (_, Some(301)) => {
                    error.with_hint("it was renamed or moved; name it as it is called now")
                }
                _ => error,
            }
        })?;
        Ok(About {
            id: found.id.into_inner(),
            push: found.permissions.map(|rights| rights.push),
        })
    }
}

/// Returns the token, or how its absence looks.
fn log_in(credential: &Credential, environment: &Environment) -> Result<Secret, CredentialState> {
    let Credential::Env(name) = credential else {
        let why = "a GitHub release takes a token from a variable, such as `env:GITHUB_TOKEN`";
        return Err(CredentialState::Bad(why.to_owned()));
    };
    let Some(token) = environment.get(name) else {
        return Err(CredentialState::Absent(name.clone()));
    };
    if token.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(token.clone())
    } else {
        let why = format!("{name} holds white space or other characters that no token has");
        Err(CredentialState::Bad(why))
    }
}

impl GitHub {
    /// Returns a client for the releases of a tag, which is or will be at `commit`.
    pub fn new(forge: Forge, tag: Tag, commit: Commit) -> Self {
        Self {
            api: Arc::clone(&forge.api),
            forge,
            tag,
            commit,
            listed: Arc::default(),
        }
    }

    pub(crate) async fn credential(&self) -> CredentialState {
        if self.api.login != CredentialState::Ready {
            return self.api.login.clone();
        }
        let Err(error) = self.forge.about().await else {
            return CredentialState::Ready;
        };
        match error.decision {
            Decision::Unauthenticated | Decision::Forbidden | Decision::NotFound => {
                CredentialState::Bad(error.to_string())
            }
            _ => CredentialState::Unknown(error.failure()),
        }
    }

    /// Reads the releases of the repository. The list has every asset, so it does
    /// not matter which are wanted, and there is no cache to go past.
    pub(crate) async fn probe(&self, _: &[FileName], _: bool) -> Result<Probe, RemoteError> {
        let born = self.api.http.now();
        let (all, published, latest, about) = futures::try_join!(
            self.releases(),
            self.published(&self.tag.name, As::Us),
            self.latest(),
            self.forge.about(),
        )?;
        let mut drafts = Vec::new();
        for draft in all.iter().filter(|release| release.draft) {
            let released = published.as_ref().is_some_and(|it| it.id == draft.id);
            if draft.tag == self.tag.name && !released {
                let mut draft = draft.clone();
                self.complete(&mut draft, As::Us).await?;
                drafts.push(draft.observed());
            }
        }
        let holdings = Holdings::Releases(Releases {
            published: published.map(|release| release.observed()),
            drafts,
            drafts_visible: about.push == Some(true) || all.iter().any(|it| it.draft),
            latest,
            stable_tags: releases::stable_tags(&all),
        });
        Ok(Probe { holdings, born })
    }
}
