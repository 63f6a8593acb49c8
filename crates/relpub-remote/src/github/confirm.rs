//! Reads a release back by the way its readers take.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use relpub_model::config::{Audience, ConfirmBy};
use relpub_model::decision::Decision;
use relpub_model::plan::Presence;
use relpub_model::promotion::Edge;
use relpub_model::text::Untrusted;
use reqwest::StatusCode;
use reqwest::header::RANGE;

use super::GitHub;
use super::api::{As, begin, deed, if_there};
use super::models::{Asset, Wanted, find, presence};
use crate::http::RemoteError;
use crate::publisher::Confirmed;

/// How many assets are looked at together.
const LOOKS: usize = 8;

impl GitHub {
    /// Looks once at what a reader of the published release finds.
    ///
    /// What GitHub has is read with the credential, because the API answers
    /// strangers 60 times an hour only. That the public can read it is shown by
    /// asking for the beginning of each asset where browsers do, and by whole
    /// downloads there for [`ConfirmBy::Bytes`].
    pub(crate) async fn confirm(
        &self,
        edges: &[Edge],
        audience: Audience,
        by: ConfirmBy,
    ) -> Result<Vec<Confirmed>, RemoteError> {
        let release = self.published(&self.tag.name, As::Us).await?;
        let assets = release.map(|release| release.assets).unwrap_or_default();
        let reader = match audience {
            Audience::Public => As::Anyone,
            Audience::Private => As::Us,
        };
        let looks = edges
            .iter()
            .map(|edge| self.look(&assets, edge, reader, by));
        // Collected first: a stream over a lazy iterator of futures is not `Send`.
        let looks: Vec<_> = looks.collect();
        stream::iter(looks).buffered(LOOKS).try_collect().await
    }

    async fn look(
        &self,
        assets: &[Asset],
        edge: &Edge,
        reader: As,
        by: ConfirmBy,
    ) -> Result<Confirmed, RemoteError> {
        let wanted = Wanted::artifact(edge);
        let presence = match find(assets, &edge.name) {
            Some(asset) if asset.is_undecided(&wanted) => {
                self.read_back(asset, &wanted, reader).await?
            }
            Some(asset) if presence(assets, &wanted) == Presence::Same => match (by, reader) {
                (ConfirmBy::Bytes, _) => self.read_back(asset, &wanted, reader).await?,
                (_, As::Anyone) => self.is_public(asset).await?,
                (_, As::Us) => Presence::Same,
            },
            _ => presence(assets, &wanted),
        };
        Ok(Confirmed {
            name: edge.name.clone(),
            presence,
        })
    }

    /// Downloads an asset; absent is what the reader may not see.
    async fn read_back(
        &self,
        asset: &Asset,
        wanted: &Wanted<'_>,
        reader: As,
    ) -> Result<Presence, RemoteError> {
        let found = if_there(self.download(asset, reader).await)?;
        Ok(match found {
            None => Presence::Absent,
            Some(Some(sha256)) if sha256 == wanted.sha256 => Presence::Same,
            Some(_) => Presence::Conflict,
        })
    }

    /// Asks for one byte of an asset, as anybody: it is the same, absent, or not
    /// known where GitHub is too busy for strangers.
    async fn is_public(&self, asset: &Asset) -> Result<Presence, RemoteError> {
        let deed = deed("read", Untrusted::new(&asset.name).for_terminal());
        let request = self
            .download_request(asset, &deed, As::Anyone)?
            .header(RANGE, "bytes=0-0")
            .allow(StatusCode::NOT_FOUND);
        let attempt = || async {
            let begun = begin(&self.api.http, &request).await?;
            Ok(begun.status)
        };
        match self.api.retry(&deed, attempt).await {
            Ok(StatusCode::NOT_FOUND) => Ok(Presence::Absent),
            Ok(_) => Ok(Presence::Same),
            Err(error) if matches!(error.decision, Decision::RateLimited { .. }) => {
                Ok(Presence::Unknown)
            }
            Err(error) => Err(error),
        }
    }
}
