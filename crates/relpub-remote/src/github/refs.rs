//! Tags and commits of the repository.

use std::sync::atomic::{AtomicBool, Ordering};

use octocrab::models::repos::Object;
use octocrab::params::repos::Reference;
use relpub_model::decision::Decision;
use relpub_model::name::Commit;
use relpub_model::observed::TagState;
use serde::Deserialize;

use super::Forge;
use super::api::{As, escape_path, if_there, look_again, once_more};
use crate::http::{Deed, RemoteError};
use crate::publisher::Proof;

/// How many tags may point at one another; git itself sets no limit.
const PEELS: usize = 8;

impl Forge {
    /// Returns where a tag is: the commit behind it, through any annotated tags.
    pub async fn tag(&self, name: &str) -> Result<TagState, RemoteError> {
        let deed = self.api.deed("read the tag", name);
        let call = self.api.read(&deed, As::Us);
        let reference = Reference::Tag(escape_path(name));
        let found = call.repo().get_ref(&reference).await;
        let Some(found) = if_there(found.map_err(|error| call.failed(error)))? else {
            return Ok(TagState::Absent);
        };
        let mut object = Pointee::from(found.object);
        for _ in 0..PEELS {
            match object.kind.as_str() {
                "commit" => return Ok(TagState::At(parse_commit(&object.sha, &deed)?)),
                "tag" => object = self.peel(&object.sha, &deed).await?,
                kind => {
                    let why = format!("it points at a {kind}, not at a commit");
                    return Err(RemoteError::new(&deed, Decision::Protocol, why));
                }
            }
        }
        let why = format!("more than {PEELS} tags point at one another");
        Err(RemoteError::new(&deed, Decision::Protocol, why))
    }

    /// Returns what an annotated tag points at.
    async fn peel(&self, sha: &str, deed: &Deed) -> Result<Pointee, RemoteError> {
        let call = self.api.read(deed, As::Us);
        let tag = call.repo().get_tag(sha).await;
        let object = tag.map_err(|error| call.failed(error))?.object;
        let object = object.ok_or_else(|| {
            RemoteError::new(
                deed,
                Decision::Protocol,
                "an annotated tag points at nothing",
            )
        })?;
        Ok(Pointee {
            kind: object.r#type,
            sha: object.sha,
        })
    }

    /// Tells whether the repository has a commit.
    pub async fn commit_exists(&self, commit: &Commit) -> Result<bool, RemoteError> {
        let deed = self.api.deed("read the commit", commit.short());
        let call = self.api.read(&deed, As::Us);
        let found = call.get::<FoundCommit>(&format!("/commits/{commit}")).await;
        match if_there(found.map_err(|error| call.failed(error))) {
            Ok(found) => Ok(found.is_some_and(|found| found.sha == commit.as_str())),
            // A commit that does not exist is 422 at some of GitHub's routes.
            Err(error) if error.status == Some(422) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes a tag at a commit, exactly once.
    ///
    /// A tag that is there already, at the same commit, is as good; one at
    /// another commit is a conflict.
    pub async fn create_tag(&self, name: &str, commit: &Commit) -> Result<Proof, RemoteError> {
        let deed = self.api.deed("create the tag", name);
        let _alone = self.api.alone(&self.api.creating, &deed).await?;
        let sent = AtomicBool::new(false);
        let attempt = || async {
            match self.tag(name).await? {
                TagState::At(found) if found == *commit => {}
                TagState::At(found) => {
                    let why = format!("it is at {}, not at {}", found.short(), commit.short());
                    return Err(RemoteError::new(&deed, Decision::Conflict, why));
                }
                TagState::Absent => {
                    sent.store(true, Ordering::Relaxed);
                    self.send_tag(name, commit, &deed).await?;
                }
            }
            Ok(Proof {
                already: !sent.load(Ordering::Relaxed),
                url: None,
            })
        };
        self.api.retry(&deed, attempt).await
    }

    async fn send_tag(&self, name: &str, commit: &Commit, deed: &Deed) -> Result<(), RemoteError> {
        let call = self.api.write(deed);
        let reference = Reference::Tag(name.to_owned());
        let made = call.repo().create_ref(&reference, commit.as_str()).await;
        made.map(drop).map_err(|error| {
            let error = call.failed(error);
            match error.decision {
                // Somebody was faster; the next look tells at which commit.
                Decision::Conflict => once_more(error),
                _ => look_again(error),
            }
        })
    }
}

#[derive(Deserialize)]
struct FoundCommit {
    sha: String,
}

/// What a reference or an annotated tag points at.
struct Pointee {
    kind: String,
    sha: String,
}

impl From<Object> for Pointee {
    fn from(object: Object) -> Self {
        let (kind, sha) = match object {
            Object::Commit { sha, .. } => ("commit", sha),
            Object::Tag { sha, .. } => ("tag", sha),
            Object::Tree { sha, .. } => ("tree", sha),
            Object::Blob { sha, .. } => ("blob", sha),
            _ => ("thing of another kind", String::new()),
        };
        Self {
            kind: kind.to_owned(),
            sha,
        }
    }
}

fn parse_commit(sha: &str, deed: &Deed) -> Result<Commit, RemoteError> {
    sha.parse()
        .map_err(|error| RemoteError::new(deed, Decision::Protocol, format!("{error}")))
}
