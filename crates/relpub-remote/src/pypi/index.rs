//! Reading the simple index, and the files behind it.

use relpub_model::config::{Audience, ConfirmBy};
use relpub_model::findings::Bytes;
use relpub_model::name::ProjectName;
use relpub_model::observed::HeldState;
use relpub_model::plan::Presence;
use relpub_model::promotion::Edge;
use relpub_trust::Hasher;
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, CACHE_CONTROL};
use url::Url;

use super::page::Page;
use super::{Inner, parse};
use crate::http::{Follow, RemoteError, Request};

/// The forms that are understood, the best first.
const FORMS: &str = "application/vnd.pypi.simple.v1+json, \
     application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

impl Inner {
    /// Reads a project's page; `fresh` goes past caches.
    pub(super) async fn page(
        &self,
        project: &ProjectName,
        audience: Audience,
        fresh: bool,
    ) -> Result<Page, RemoteError> {
        let deed = self.deed("read the index page of", project);
        let url = parse(&self.urls.index, &deed)?;
        let joined = url.join(&format!("{project}/"));
        let url = joined.expect("a normalised project name is a relative URL");
        let mut request = Request::get(url, deed)
            .header(ACCEPT, FORMS)
            .follow(Follow::Download)
            .allow(StatusCode::NOT_FOUND);
        if fresh {
            request = request.header(CACHE_CONTROL, "no-cache");
        }
        if audience == Audience::Private {
            request = self.login.read(request);
        }
        let answer = self.http.call(&request).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(Page::none(answer.born()));
        }
        let (url, born) = (&answer.url, answer.born());
        let page = match answer.media_type().as_str() {
            "application/vnd.pypi.simple.v1+json" => Page::from_json(&answer.body, url, born),
            "application/vnd.pypi.simple.v1+html" | "text/html" => {
                Page::from_html(answer.text()?, url, born)
            }
            other => Err(format!("the page is neither JSON nor HTML but `{other}`")),
        };
        page.map_err(|why| answer.protocol(why))
    }

    /// Compares a file with what a page says, and if that says no digest or the
    /// bytes are asked for, with what its link gives.
    pub(super) async fn presence(
        &self,
        edge: &Edge,
        page: Option<&Page>,
        audience: Audience,
        by: ConfirmBy,
    ) -> Result<Presence, RemoteError> {
        let name = edge.name.as_str();
        let held = page.and_then(|page| Some((page.file(name)?, page.links.get(name)?)));
        let Some((held, link)) = held else {
            return Ok(Presence::Absent);
        };
        if held.sha256.is_some_and(|digest| digest != edge.sha256) {
            return Ok(Presence::Conflict);
        }
        if held.sha256.is_none() || by == ConfirmBy::Bytes {
            let expected = Bytes {
                sha256: edge.sha256,
                size: edge.size,
            };
            match self.hash(edge, link, audience).await? {
                None => return Ok(Presence::Absent),
                Some(found) if found != expected => return Ok(Presence::Conflict),
                Some(_) => {}
            }
        }
        Ok(match held.state {
            HeldState::Yanked => Presence::Withdrawn,
            _ => Presence::Same,
        })
    }

    /// Downloads a file and hashes it, from the beginning after a failure;
    /// `None` if the link leads nowhere.
    async fn hash(
        &self,
        edge: &Edge,
        link: &Url,
        audience: Audience,
    ) -> Result<Option<Bytes>, RemoteError> {
        let deed = self.deed("download", &edge.name);
        let mut request = Request::get(link.clone(), deed.clone())
            .follow(Follow::Download)
            .allow(StatusCode::NOT_FOUND);
        let index = parse(&self.urls.index, &deed)?;
        if audience == Audience::Private && link.origin() == index.origin() {
            request = self.login.read(request);
        }
        let mut attempts = self.http.attempts(&deed)?;
        loop {
            match self.hash_once(&request, edge.size).await {
                Ok(found) => return Ok(found),
                Err(error) => attempts.after(error).await?,
            }
        }
    }

    /// Hashes a download; of one that is longer than `size`, what came so far.
    async fn hash_once(
        &self,
        request: &Request<'_>,
        size: u64,
    ) -> Result<Option<Bytes>, RemoteError> {
        let mut download = self.http.download_once(request).await?;
        if download.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let (mut hasher, mut read) = (Hasher::new(), 0);
        while read <= size
            && let Some(piece) = download.chunk().await?
        {
            read += piece.len() as u64;
            hasher.update(&piece);
        }
        Ok(Some(hasher.finish()))
    }
}
