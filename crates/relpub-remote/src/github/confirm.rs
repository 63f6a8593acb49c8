//! Reads a release back by the way its readers take.

use relpub_model::config::{Audience, ConfirmBy};
use relpub_model::plan::Presence;
use relpub_model::promotion::Edge;

use super::GitHub;
use super::api::As;
use super::models::{Asset, Wanted, find, presence};
use crate::http::RemoteError;
use crate::publisher::Confirmed;

impl GitHub {
    /// Looks once at what a reader of the published release finds.
    pub(crate) async fn confirm(
        &self,
        edges: &[Edge],
        audience: Audience,
        by: ConfirmBy,
    ) -> Result<Vec<Confirmed>, RemoteError> {
        let who = match audience {
            Audience::Public => As::Anyone,
            Audience::Private => As::Us,
        };
        let mut assets = match self.published(&self.tag.name, who).await? {
            Some(release) => release.assets,
            None => Vec::new(),
        };
        self.fill_digests(&mut assets, &Wanted::artifacts(edges), who)
            .await?;
        let mut confirmed = Vec::with_capacity(edges.len());
        for edge in edges {
            let mut presence = presence(&assets, &Wanted::artifact(edge));
            if presence == Presence::Same && by == ConfirmBy::Bytes {
                presence = self.read_back(&assets, edge, who).await?;
            }
            confirmed.push(Confirmed {
                name: edge.name.clone(),
                presence,
            });
        }
        Ok(confirmed)
    }

    async fn read_back(
        &self,
        assets: &[Asset],
        edge: &Edge,
        who: As,
    ) -> Result<Presence, RemoteError> {
        let Some(asset) = find(assets, &edge.name) else {
            return Ok(Presence::Absent);
        };
        let same = self.download(asset, who).await? == Some(edge.sha256);
        Ok(if same {
            Presence::Same
        } else {
            Presence::Conflict
        })
    }
}
