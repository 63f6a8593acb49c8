//! The files of a release: listed, compared, uploaded, downloaded.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use relpub_model::Sha256;
use relpub_model::decision::Decision;
use relpub_model::promotion::Edge;
use relpub_model::text::Untrusted;
use relpub_trust::Hasher;
use reqwest::Method;
use reqwest::header::ACCEPT;

use super::GitHub;
use super::api::{As, begin, deed, escape, if_there, look_again, once, once_more, parse_url};
use super::models::{Asset, Match, Release, Wanted, find};
use crate::blobs::Blobs;
use crate::http::{Again, Artifact, Body, Deed, Follow, RemoteError, Request};
use crate::publisher::Proof;

/// How many assets GitHub lists on a page, at most.
const PAGE: u8 = 100;
/// The most pages of assets: a release takes 1,000.
const PAGES: u32 = 11;
/// From how many on the list inside a release is not relied on to be whole.
const WHOLE: usize = 30;

/// The assets of the release that is worked on, as they were last listed.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) release: u64,
    pub(super) assets: Arc<Vec<Asset>>,
}

/// A file on its way into a release.
pub(super) struct Sending<'a> {
    pub(super) wanted: Wanted<'a>,
    pub(super) body: Body<'a>,
    /// Whether other bytes under its name give way.
    pub(super) replace: bool,
}

impl<'a> Sending<'a> {
    /// An artifact, which never replaces anything.
    pub(super) fn artifact(edge: &'a Edge, blobs: &'a dyn Blobs) -> Self {
        Self {
            wanted: Wanted::artifact(edge),
            body: Body::Artifact(Artifact {
                blobs,
                edge,
                form: None,
            }),
            replace: false,
        }
    }
}

impl GitHub {
    /// Lists the assets of a release.
    pub(super) async fn assets(&self, release: u64, who: As) -> Result<Vec<Asset>, RemoteError> {
        let deed = deed("list the assets of", &self.tag);
        let mut assets = Vec::new();
        for page in 1..=PAGES {
            let call = self.api.read(&deed, who);
            let repo = call.repo();
            let releases = repo.releases();
            let listed = releases.assets(release).per_page(PAGE).page(page);
            let listed = listed.send().await.map_err(|error| call.failed(error))?;
            assets.extend(listed.items.into_iter().map(Asset::from));
            if listed.next.is_none() {
                return Ok(assets);
            }
        }
        let why = "GitHub lists more assets than a release can have";
        Err(RemoteError::new(&deed, Decision::Protocol, why))
    }

    /// Lists the assets of a release anew unless all came with it.
    pub(super) async fn complete(&self, release: &mut Release, who: As) -> Result<(), RemoteError> {
        if release.assets.len() >= WHOLE {
            release.assets = self.assets(release.id, who).await?;
        }
        Ok(())
    }

    /// Puts a file into a release, once. What is there already is compared; the
    /// leftover of a failed upload makes room.
    pub(super) async fn put(&self, release: u64, file: &Sending<'_>) -> Result<Proof, RemoteError> {
        let deed = deed("upload", file.wanted.name);
        let _permit = self.api.alone(&self.api.uploading, &deed).await?;
        let sent = AtomicBool::new(false);
        let attempt = || async {
            let there = self.make_room(release, file, &deed).await?;
            let asset = if let Some(asset) = there {
                asset
            } else {
                sent.store(true, Ordering::Relaxed);
                let asset = self.send(release, file, &deed).await?;
                self.remember(release, &asset).await;
                asset
            };
            Ok(Proof {
                already: !sent.load(Ordering::Relaxed),
                url: Some(asset.url),
            })
        };
        self.api.retry(&deed, attempt).await
    }

    /// Uploads a file and looks at what became of it, whatever GitHub said.
    async fn send(
        &self,
        release: u64,
        file: &Sending<'_>,
        deed: &Deed,
    ) -> Result<Asset, RemoteError> {
        let error = match self.upload(release, file, deed).await {
            Ok(asset) => return self.accept(asset, &file.wanted, deed).await,
            Err(error) => error,
        };
        self.forget().await;
        let unsent = error.again != Again::Never;
        let ours = matches!(
            error.decision,
            Decision::SourceChanged | Decision::Cancelled
        );
        if unsent || ours {
            return Err(error);
        }
        match self.make_room(release, file, deed).await {
            Ok(Some(asset)) => Ok(asset),
            Err(other) if other.decision == Decision::Conflict => Err(other),
            // What was in the way is gone.
            Ok(None) if error.decision == Decision::Conflict => Err(once_more(error)),
            Ok(None) | Err(_) => Err(look_again(error)),
        }
    }

    async fn upload(
        &self,
        release: u64,
        file: &Sending<'_>,
        deed: &Deed,
    ) -> Result<Asset, RemoteError> {
        let name = escape(file.wanted.name.as_str());
        let path = format!("/releases/{release}/assets?name={name}");
        let uploads = &self.api.endpoints.uploads;
        let request = self
            .api
            .request(Method::POST, uploads, &path, deed, As::Us)?;
        let request = request.body(file.body.clone());
        let answer = once(&self.api.http, &request).await?;
        let asset: octocrab::models::repos::Asset = answer.json().map_err(|error| {
            // The bytes may well be there; the list tells.
            error.with_decision(Decision::Ambiguous)
        })?;
        Ok(Asset::from(asset))
    }

    /// Takes an uploaded asset if it is what was sent; otherwise removes it again.
    async fn accept(
        &self,
        asset: Asset,
        wanted: &Wanted<'_>,
        deed: &Deed,
    ) -> Result<Asset, RemoteError> {
        let mut assets = [asset];
        self.fill_digests(&mut assets, std::slice::from_ref(wanted), As::Us)
            .await?;
        let [asset] = assets;
        let renamed = asset.name != wanted.name.as_str();
        if !renamed && asset.compare(wanted) == Match::Same {
            return Ok(asset);
        }
        self.forget().await;
        self.delete(asset.id, deed).await?;
        let name = Untrusted::new(&asset.name).for_terminal();
        if renamed {
            let rule = "names of assets".to_owned();
            let why = format!("GitHub changed the name to {name}");
            let error = RemoteError::new(deed, Decision::Refused { rule }, why);
            return Err(
                error.with_hint("publish it under a name of letters, digits, `.`, `_` and `-`")
            );
        }
        let why = format!("GitHub received {}", digest_of(&asset));
        Err(look_again(RemoteError::new(deed, Decision::Transient, why)))
    }

    /// Returns the asset if it is there and the same; removes the leftover of a
    /// failed upload, and what is to be replaced. Other bytes are a conflict.
    async fn make_room(
        &self,
        release: u64,
        file: &Sending<'_>,
        deed: &Deed,
    ) -> Result<Option<Asset>, RemoteError> {
        let wanted = &file.wanted;
        let listed = self.listed(release).await?;
        let Some(asset) = find(&listed, wanted.name) else {
            return Ok(None);
        };
        let mut assets = [asset.clone()];
        self.fill_digests(&mut assets, std::slice::from_ref(wanted), As::Us)
            .await?;
        let [asset] = assets;
        match asset.compare(wanted) {
            Match::Same => Ok(Some(asset)),
            Match::Other if !file.replace => {
                let why = format!(
                    "release {release} has other bytes under this name: {}, ours are {}",
                    digest_of(&asset),
                    wanted.sha256.short()
                );
                Err(RemoteError::new(deed, Decision::Conflict, why))
            }
            Match::Leftover | Match::Other => {
                self.forget().await;
                self.delete(asset.id, deed).await?;
                Ok(None)
            }
        }
    }

    /// Removes an asset; one that is gone already is fine.
    async fn delete(&self, asset: u64, deed: &Deed) -> Result<(), RemoteError> {
        let call = self.api.read(deed, As::Us);
        let gone = call.repo().release_assets().delete(asset).await;
        let gone = gone.map_err(|error| call.failed(error));
        if_there(gone).map(drop)
    }

    /// Returns the assets as they were last listed in this run, or lists them.
    async fn listed(&self, release: u64) -> Result<Arc<Vec<Asset>>, RemoteError> {
        let mut listed = self.listed.lock().await;
        if let Some(known) = listed.as_ref().filter(|known| known.release == release) {
            return Ok(Arc::clone(&known.assets));
        }
        let assets = Arc::new(self.assets(release, As::Us).await?);
        *listed = Some(Listed {
            release,
            assets: Arc::clone(&assets),
        });
        Ok(assets)
    }

    /// Adds an asset that was just uploaded to the list.
    async fn remember(&self, release: u64, asset: &Asset) {
        let mut listed = self.listed.lock().await;
        if let Some(known) = listed.as_mut().filter(|known| known.release == release) {
            let assets = Arc::make_mut(&mut known.assets);
            assets.retain(|it| it.name != asset.name);
            assets.push(asset.clone());
        }
    }

    /// Makes the next look go to GitHub.
    pub(super) async fn forget(&self) {
        *self.listed.lock().await = None;
    }

    /// Downloads and hashes the assets that only a download can tell apart:
    /// those of the right size for which GitHub has no digest.
    pub(super) async fn fill_digests(
        &self,
        assets: &mut [Asset],
        wanted: &[Wanted<'_>],
        who: As,
    ) -> Result<(), RemoteError> {
        for asset in assets {
            if wanted.iter().any(|it| asset.is_undecided(it)) {
                asset.sha256 = self.download(asset, who).await?;
            }
        }
        Ok(())
    }

    /// Downloads an asset the way its readers do, and returns the digest; `None`
    /// when it is longer than it says.
    pub(super) async fn download(
        &self,
        asset: &Asset,
        who: As,
    ) -> Result<Option<Sha256>, RemoteError> {
        let deed = deed("download", Untrusted::new(&asset.name).for_terminal());
        let request = self.download_request(asset, &deed, who)?;
        let attempt = || async {
            let mut body = begin(&self.api.http, &request).await?;
            let (mut hasher, mut size) = (Hasher::new(), 0);
            while let Some(piece) = body.chunk().await? {
                size += piece.len() as u64;
                if size > asset.size {
                    return Ok(None);
                }
                hasher.update(&piece);
            }
            Ok(Some(hasher.finish().sha256))
        };
        self.api.retry(&deed, attempt).await
    }

    pub(super) fn download_request(
        &self,
        asset: &Asset,
        deed: &Deed,
        who: As,
    ) -> Result<Request<'static>, RemoteError> {
        let request = match who {
            // Without a credential it does not matter where the link leads.
            As::Anyone => Request::get(parse_url(&asset.url, deed)?, deed.clone()),
            As::Us => {
                let path = format!("/releases/assets/{}", asset.id);
                let api = &self.api.endpoints.api;
                let request = self.api.request(Method::GET, api, &path, deed, who)?;
                request
                    .header(ACCEPT, "application/octet-stream")
                    .repeat(crate::http::Repeat::Always)
            }
        };
        Ok(request.follow(Follow::Download))
    }
}

fn digest_of(asset: &Asset) -> String {
    asset.sha256.map_or_else(
        || format!("{} bytes without a digest", asset.size),
        |sha256| sha256.short(),
    )
}
