//! Releases: listed, opened as a draft, published, pointed to.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use octocrab::repos::releases::MakeLatest;
use relpub_model::decision::Decision;
use relpub_model::observed::TagState;
use relpub_model::plan::Pointer;
use relpub_model::promotion::Edge;

use super::GitHub;
use super::api::{As, deed, escape_path, if_there, look_again, once_more};
use super::assets::Sending;
use super::latest::{self, Move};
use super::models::{Difference, Release, Wanted};
use super::notes::{same_text, with_marker};
use super::opening::{self, Obstacle, Way};
use crate::blobs::Blobs;
use crate::http::{Deed, RemoteError};
use crate::publisher::{Carried, Opening, Proof, Session};

/// How many releases are listed on a page: each may have a thousand assets and
/// long notes.
const PAGE: u8 = 30;
/// The most pages of releases: GitHub stops at 10,000 releases.
const PAGES: u32 = 10_000 / PAGE as u32 + 2;
/// How often the list must lack a draft, after an answer that was lost, before
/// another one is made: the list lags behind.
const LOOKS: u32 = 2;

/// Returns the tags of published releases that are no prereleases.
pub(super) fn stable_tags(releases: &[Release]) -> Vec<String> {
    releases
        .iter()
        .filter(|release| !release.draft && !release.prerelease)
        .map(|release| release.tag.clone())
        .collect()
}

impl GitHub {
    /// Lists all releases, with the drafts that we may see. Only those of our tag
    /// come with notes and assets.
    pub(super) async fn releases(&self) -> Result<Vec<Release>, RemoteError> {
        let deed = deed("list the releases of", &self.api.repository);
        let mut releases = Vec::new();
        for page in 1..=PAGES {
            let call = self.api.read(&deed, As::Us);
            let repo = call.repo();
            let listed = repo.releases();
            let listed = listed.list().per_page(PAGE).page(page).send().await;
            let listed = listed.map_err(|error| call.failed(error))?;
            let read = listed.items.into_iter().map(Release::from);
            releases.extend(read.map(|release| {
                if release.tag == self.tag.name {
                    release
                } else {
                    release.without_contents()
                }
            }));
            if listed.next.is_none() {
                return Ok(releases);
            }
        }
        let why = "GitHub lists more than 10,000 releases";
        Err(RemoteError::new(&deed, Decision::Protocol, why))
    }

    /// Returns the published release of a tag with all its assets.
    pub(super) async fn published(
        &self,
        tag: &str,
        who: As,
    ) -> Result<Option<Release>, RemoteError> {
        let deed = deed("read the release", tag);
        let call = self.api.read(&deed, who);
        let found = call.repo().releases().get_by_tag(&escape_path(tag)).await;
        let found = if_there(found.map_err(|error| call.failed(error)))?;
        let Some(mut release) = found.map(Release::from) else {
            return Ok(None);
        };
        self.complete(&mut release, who).await?;
        Ok(Some(release))
    }

    /// Returns the tag that GitHub calls the latest release.
    pub(super) async fn latest(&self) -> Result<Option<String>, RemoteError> {
        let deed = deed("read", "the latest release");
        let call = self.api.read(&deed, As::Us);
        let found = call.repo().releases().get_latest().await;
        let found = if_there(found.map_err(|error| call.failed(error)))?;
        Ok(found.map(|release| release.tag_name))
    }

    /// Returns a release with all its assets, published or not.
    async fn release(&self, id: u64, deed: &Deed) -> Result<Release, RemoteError> {
        let call = self.api.read(deed, As::Us);
        let found = call.repo().releases().get(id).await;
        let mut release = Release::from(found.map_err(|error| call.failed(error))?);
        self.complete(&mut release, As::Us).await?;
        Ok(release)
    }

    /// Adopts our draft or makes exactly one; a published release that is ours
    /// is opened to take what it lacks.
    pub(crate) async fn open(&self, what: &Opening<'_>) -> Result<Session, RemoteError> {
        let deed = deed("open a draft for", what.tag);
        let _alone = self.api.alone(&self.api.creating, &deed).await?;
        self.forget().await;
        let looks = AtomicU32::new(LOOKS);
        let attempt = || self.find_or_create(what, &deed, &looks);
        let release = self.api.retry(&deed, attempt).await?;
        if release.draft {
            self.update_text(&release, what, &deed).await?;
        }
        Ok(Session::Release {
            id: release.id,
            draft: release.draft,
        })
    }

    async fn find_or_create(
        &self,
        what: &Opening<'_>,
        deed: &Deed,
        looks: &AtomicU32,
    ) -> Result<Release, RemoteError> {
        let releases = self.releases().await?;
        match opening::decide(&releases, &what.tag.name, what.marker) {
            Err(obstacle) => Err(stopped(&obstacle, deed)),
            Ok(Way::Adopt(release) | Way::Published(release)) => Ok(release),
            Ok(Way::Create) if looks.fetch_add(1, Ordering::Relaxed) + 1 < LOOKS => {
                let why = "GitHub did not say whether it made one, and lists none yet";
                Err(look_again(RemoteError::new(deed, Decision::Ambiguous, why)))
            }
            Ok(Way::Create) => self.create(what, deed).await.map_err(|error| {
                if error.decision == Decision::Ambiguous {
                    looks.store(0, Ordering::Relaxed);
                }
                look_again(error)
            }),
        }
    }

    async fn create(&self, what: &Opening<'_>, deed: &Deed) -> Result<Release, RemoteError> {
        let call = self.api.write(deed);
        let made = call
            .repo()
            .releases()
            .create(&what.tag.name)
            .target_commitish(what.commit.as_str())
            .name(&what.notes.title)
            .body(&with_marker(&what.notes.body, what.marker))
            .draft(true)
            .prerelease(what.prerelease)
            .send()
            .await;
        made.map(Release::from).map_err(|error| {
            let error = call.failed(error);
            match error.decision {
                Decision::NotFound => {
                    error.with_hint("does the token have the right to write contents?")
                }
                _ => error,
            }
        })
    }

    /// Makes a draft's text what it should be: ours until it is published.
    async fn update_text(
        &self,
        draft: &Release,
        what: &Opening<'_>,
        deed: &Deed,
    ) -> Result<(), RemoteError> {
        let body = with_marker(&what.notes.body, what.marker);
        let same = draft.title == what.notes.title
            && same_text(&draft.body, &body)
            && draft.prerelease == what.prerelease
            && draft.target == what.commit.as_str();
        if same {
            return Ok(());
        }
        let call = self.api.read(deed, As::Us);
        let updated = call
            .repo()
            .releases()
            .update(draft.id)
            .target_commitish(what.commit.as_str())
            .name(&what.notes.title)
            .body(&body)
            .prerelease(what.prerelease)
            .send()
            .await;
        updated.map(drop).map_err(|error| call.failed(error))
    }

    /// Puts an asset into the draft.
    pub(crate) async fn stage(
        &self,
        session: &Session,
        edge: &Edge,
        blobs: &dyn Blobs,
    ) -> Result<Proof, RemoteError> {
        let deed = deed("upload", &edge.name);
        let (release, _) = opened(session, &deed)?;
        self.put(release, &Sending::artifact(edge, blobs)).await
    }

    /// Makes the draft public, or adds assets to the release that is.
    ///
    /// `edges` are all that belong into a draft, beside the files that they are
    /// carried with; of a published release, those that it lacks.
    pub(crate) async fn publish(
        &self,
        session: &Session,
        edges: &[Edge],
        blobs: &dyn Blobs,
        carried: &Carried,
    ) -> Result<Proof, RemoteError> {
        let deed = deed("publish the release", &self.tag);
        let (id, draft) = opened(session, &deed)?;
        if draft {
            let mut wanted = Wanted::artifacts(edges);
            let beside = carried.files.iter();
            wanted.extend(beside.map(|(name, bytes)| Wanted::file(name, bytes)));
            return self.publish_draft(id, &wanted, &deed).await;
        }
        let mut all = Proof {
            already: true,
            url: None,
        };
        for edge in edges {
            let file = Sending::artifact(edge, blobs);
            all.already &= self.put(id, &file).await?.already;
        }
        Ok(all)
    }

    async fn publish_draft(
        &self,
        id: u64,
        wanted: &[Wanted<'_>],
        deed: &Deed,
    ) -> Result<Proof, RemoteError> {
        let _alone = self.api.alone(&self.api.creating, deed).await?;
        let sent = AtomicBool::new(false);
        let attempt = || async {
            let mut release = self.release(id, deed).await?;
            self.fill_digests(&mut release.assets, wanted, As::Us)
                .await?;
            self.check_set(&release, wanted, deed)?;
            self.check_tag(deed).await?;
            if release.draft {
                sent.store(true, Ordering::Relaxed);
                release = self.make_public(&release, deed).await?;
            }
            Ok(release)
        };
        let release = self.api.retry(deed, attempt).await?;
        let sent = sent.load(Ordering::Relaxed);
        if sent {
            // Nobody can keep a tag from moving in between; it can be seen.
            self.check_tag(deed).await?;
        }
        Ok(Proof {
            already: !sent,
            url: Some(release.url),
        })
    }

    /// Checks that a release is the one of this tag and has exactly our assets;
    /// what was added after its publication is not ours to judge.
    fn check_set(
        &self,
        release: &Release,
        wanted: &[Wanted<'_>],
        deed: &Deed,
    ) -> Result<(), RemoteError> {
        let conflict = |why: String| Err(RemoteError::new(deed, Decision::Conflict, why));
        let id = release.id;
        if release.tag != self.tag.name {
            return conflict(format!("release {id} was moved to another tag"));
        }
        let difference = Difference::between(&release.assets, wanted);
        if !difference.other.is_empty() {
            let names = shown(&difference.other);
            return conflict(format!("release {id} has other bytes as {names}"));
        }
        if release.draft && !difference.foreign.is_empty() {
            let names = shown(&difference.foreign);
            return conflict(format!(
                "draft {id} also has {names}, not of this promotion"
            ));
        }
        if difference.missing.is_empty() {
            return Ok(());
        }
        let why = format!("release {id} lacks {}", shown(&difference.missing));
        Err(RemoteError::new(deed, Decision::NotFound, why))
    }

    async fn check_tag(&self, deed: &Deed) -> Result<(), RemoteError> {
        let (decision, why) = match self.forge.tag(&self.tag.name).await? {
            TagState::At(commit) if commit == self.commit => return Ok(()),
            TagState::At(commit) => {
                let (is, should) = (commit.short(), self.commit.short());
                (
                    Decision::Conflict,
                    format!("the tag is at {is}, not at {should}"),
                )
            }
            TagState::Absent => (Decision::NotFound, "the tag does not exist".to_owned()),
        };
        Err(RemoteError::new(deed, decision, why))
    }

    async fn make_public(&self, draft: &Release, deed: &Deed) -> Result<Release, RemoteError> {
        let call = self.api.write(deed);
        let repo = call.repo();
        let releases = repo.releases();
        let mut update = releases.update(draft.id).tag_name(&draft.tag).draft(false);
        if !draft.prerelease {
            // GitHub refuses the field for a prerelease.
            update = update.make_latest(MakeLatest::False);
        }
        let updated = update.send().await;
        let release = updated.map_err(|error| look_again(call.failed(error)))?;
        if release.draft {
            let why = "GitHub answered, and left it a draft";
            return Err(RemoteError::new(deed, Decision::Protocol, why));
        }
        Ok(release.into())
    }

    /// Moves "latest" forward to a published release, and reads it back.
    pub(crate) async fn point(&self, _: &Session, pointer: &Pointer) -> Result<Proof, RemoteError> {
        let Pointer::Latest { to, .. } = pointer;
        let deed = deed("make the latest release", to);
        let _alone = self.api.alone(&self.api.creating, &deed).await?;
        let sent = AtomicBool::new(false);
        let attempt = || async {
            if self.may_point(to, &deed).await? {
                sent.store(true, Ordering::Relaxed);
                self.make_latest(to, &deed).await?;
                if self.may_point(to, &deed).await? {
                    return Err(not_yet(to, &deed));
                }
            }
            Ok(Proof {
                already: !sent.load(Ordering::Relaxed),
                url: Some(format!(
                    "{}/{}/releases/latest",
                    self.api.endpoints.web, self.api.repository
                )),
            })
        };
        self.api.retry(&deed, attempt).await
    }

    /// Tells whether "latest" has to move; an error is that it must not.
    async fn may_point(&self, to: &str, deed: &Deed) -> Result<bool, RemoteError> {
        let (latest, releases) = futures::try_join!(self.latest(), self.releases())?;
        match latest::decide(latest.as_deref(), &stable_tags(&releases), to, &self.tag) {
            Move::Stay => Ok(false),
            Move::Forward => Ok(true),
            Move::Overtaken(tag) => {
                let why = format!("{tag} was published meanwhile and is newer");
                Err(RemoteError::new(deed, Decision::Conflict, why))
            }
        }
    }

    async fn make_latest(&self, tag: &str, deed: &Deed) -> Result<(), RemoteError> {
        let Some(release) = self.published(tag, As::Us).await? else {
            let why = "no release of this tag is published";
            return Err(RemoteError::new(deed, Decision::NotFound, why));
        };
        let call = self.api.write(deed);
        let repo = call.repo();
        let releases = repo.releases();
        let update = releases.update(release.id).make_latest(MakeLatest::True);
        let updated = update.send().await;
        updated
            .map(drop)
            .map_err(|error| look_again(call.failed(error)))
    }
}

/// Returns the release that was opened, and whether it is a draft.
pub(super) fn opened(session: &Session, deed: &Deed) -> Result<(u64, bool), RemoteError> {
    match *session {
        Session::Release { id, draft } => Ok((id, draft)),
        Session::None => {
            let why = "no release was opened";
            Err(RemoteError::new(deed, Decision::Protocol, why))
        }
    }
}

fn stopped(obstacle: &Obstacle, deed: &Deed) -> RemoteError {
    let decision = match obstacle {
        Obstacle::Immutable(_) => Decision::Refused {
            rule: "immutable release".to_owned(),
        },
        _ => Decision::Conflict,
    };
    RemoteError::new(deed, decision, obstacle.to_string())
}

fn not_yet(to: &str, deed: &Deed) -> RemoteError {
    let what = format!("{to} as the latest release");
    let why = "GitHub does not show it yet";
    once_more(RemoteError::new(deed, Decision::NotYet { what }, why))
}

/// Returns names for a line of text, at most three of them.
fn shown(names: &[String]) -> String {
    let safe = |name: &String| relpub_model::Untrusted::new(name).for_terminal();
    let first: Vec<_> = names.iter().take(3).map(safe).collect();
    match names.len().saturating_sub(first.len()) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
