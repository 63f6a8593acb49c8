//! Small files of our own in a release: bundles, checksums.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use relpub_model::Sha256;
use relpub_model::name::FileName;
use relpub_model::text::Untrusted;

use super::GitHub;
use super::api::{As, deed, once};
use super::assets::Sending;
use super::models::{Asset, Wanted, find};
use super::releases::opened;
use crate::http::{Body, RemoteError};
use crate::publisher::{Proof, Session};

/// How many small files are downloaded at once.
const DOWNLOADS: usize = 8;

impl GitHub {
    /// Puts a file of our own into what was opened: a draft, or a published
    /// release that takes it.
    ///
    /// The same bytes are left alone. Other bytes under the name give way if
    /// `replace` says so, and are a conflict otherwise.
    pub async fn attach(
        &self,
        session: &Session,
        name: &FileName,
        media_type: &'static str,
        bytes: &[u8],
        replace: bool,
    ) -> Result<Proof, RemoteError> {
        let deed = deed("upload", name);
        let (release, _) = opened(session, &deed)?;
        let file = Sending {
            wanted: Wanted {
                name,
                sha256: Sha256::of(bytes),
                size: bytes.len() as u64,
            },
            body: Body::Own(Bytes::copy_from_slice(bytes), media_type),
            replace,
        };
        self.put(release, &file).await
    }

    /// Reads small files of a release or draft, by one look at its list.
    ///
    /// What is not there, not complete or longer than `limit` bytes is left out.
    /// Of a `public` release they are read as anyone does: GitHub counts what its
    /// API is asked for, and not what its web pages are.
    pub async fn read_assets(
        &self,
        release: u64,
        names: &[FileName],
        limit: usize,
        public: bool,
    ) -> Result<BTreeMap<FileName, Vec<u8>>, RemoteError> {
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let assets = self.assets(release, As::Us).await?;
        let small = |asset: &&Asset| asset.complete && asset.size <= limit as u64;
        let wanted = names
            .iter()
            .filter_map(|name| Some((name, find(&assets, name).filter(small)?)));
        let reads = wanted.map(|(name, asset)| async move {
            let bytes = self.read(asset, limit, public).await?;
            Ok::<_, RemoteError>((name.clone(), bytes))
        });
        // Collected first: a stream over a lazy iterator of futures is not `Send`.
        let reads: Vec<_> = reads.collect();
        stream::iter(reads)
            .buffer_unordered(DOWNLOADS)
            .try_collect()
            .await
    }

    async fn read(
        &self,
        asset: &Asset,
        limit: usize,
        public: bool,
    ) -> Result<Vec<u8>, RemoteError> {
        if self.api.token.is_none() {
            return self.read_as(As::Anyone, asset, limit).await;
        }
        if public && let Ok(bytes) = self.read_as(As::Anyone, asset, limit).await {
            return Ok(bytes);
        }
        self.read_as(As::Us, asset, limit).await
    }

    async fn read_as(&self, who: As, asset: &Asset, limit: usize) -> Result<Vec<u8>, RemoteError> {
        let deed = deed("download", Untrusted::new(&asset.name).for_terminal());
        let mut request = self.download_request(asset, &deed, who)?;
        request.limit = limit;
        let attempt = || once(&self.api.http, &request);
        let answer = self.api.retry(&deed, attempt).await?;
        Ok(answer.body.into())
    }
}
