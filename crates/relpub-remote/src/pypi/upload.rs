//! Uploads by the legacy API: one file a request, `multipart/form-data`.

use relpub_model::config::ConfirmBy;
use relpub_model::decision::Decision;
use relpub_model::findings::Distribution;
use relpub_model::plan::Presence;
use relpub_model::promotion::Edge;
use reqwest::header::ACCEPT;

use super::form::{attestations_field, form};
use super::refusal::judge;
use super::{Inner, PyPi, parse};
use crate::blobs::Blobs;
use crate::http::{Again, Artifact, Body, Deed, RemoteError, Request};
use crate::publisher::Proof;

impl PyPi {
    /// Uploads a file unless it is there.
    ///
    /// After every failure that the server may have had a hand in, the simple
    /// index is asked past caches: the same bytes are a success, other bytes a
    /// conflict, and if there is nothing the upload is repeated where that can
    /// help. Repeating is safe: the same bytes under the same name are taken
    /// once.
    pub(super) async fn upload(
        &self,
        edge: &Edge,
        blobs: &dyn Blobs,
        attestations: &[Vec<u8>],
    ) -> Result<Proof, RemoteError> {
        let inner = &*self.inner;
        let deed = inner.deed("upload", &edge.name);
        let Some(distribution) = self.distributions.get(&edge.name) else {
            let why = "nothing is known of its metadata";
            return Err(RemoteError::new(&deed, Decision::Protocol, why));
        };
        let mut form = form(edge, distribution);
        if let Some(field) = attestations_field(attestations) {
            let field = field.map_err(|error| {
                let why = format!("an attestation is not JSON: {error}");
                RemoteError::new(&deed, Decision::Protocol, why)
            })?;
            form.fields.push(field);
        }
        let artifact = Artifact {
            blobs,
            edge,
            form: Some(&form),
        };
        let permits = inner.permits(distribution.name.project());
        let permit = inner
            .http
            .unless_cancelled(&deed, permits.acquire())
            .await?;
        let _permit = permit.expect("the semaphore is never closed");
        let already = inner.deliver(&deed, artifact, edge).await?;
        Ok(Proof {
            already,
            url: inner.page_for_people(distribution),
        })
    }
}

impl Inner {
    /// Uploads until the file is there; returns whether it already was, or may
    /// have been.
    async fn deliver(
        &self,
        deed: &Deed,
        artifact: Artifact<'_>,
        edge: &Edge,
    ) -> Result<bool, RemoteError> {
        let mut attempts = self.http.attempts(deed)?;
        let mut may_renew = true;
        loop {
            let mut error = match self.send(deed, artifact).await {
                Ok(()) => return Ok(false),
                Err(error) => error,
            };
            if may_have_arrived(&error) {
                match self.held(edge).await {
                    Ok(Presence::Same | Presence::Withdrawn) => return Ok(true),
                    Ok(Presence::Conflict) => return Err(error.with_decision(Decision::Conflict)),
                    // Nothing is there, or nobody can tell; then the first error
                    // says more than the second.
                    Ok(_) | Err(_) => {}
                }
                if error.decision == Decision::Ambiguous {
                    error.again = Again::After(None);
                }
            }
            if error.decision == Decision::Unauthenticated && may_renew {
                may_renew = false;
                if self.login.renew().await {
                    continue;
                }
            }
            attempts.after(error).await?;
        }
    }

    /// Sends the file once.
    async fn send(&self, deed: &Deed, artifact: Artifact<'_>) -> Result<(), RemoteError> {
        let url = parse(&self.urls.upload, deed)?;
        // PyPI puts the reason into the status line, which HTTP/2 has not; asked
        // so, it says it in JSON too.
        let request = Request::post(url, deed.clone())
            .header(
                ACCEPT,
                "application/json, text/plain;q=0.8, text/html;q=0.7",
            )
            .body(Body::Artifact(artifact));
        let request = self.login.write(request, deed).await?;
        self.http.once(&request).await.map(|_| ()).map_err(judge)
    }

    /// Looks past caches at what the index has under the name.
    async fn held(&self, edge: &Edge) -> Result<Presence, RemoteError> {
        let Some(project) = super::project_of(&edge.name) else {
            return Ok(Presence::Absent);
        };
        let audience = self.audience;
        let page = self.page(&project, audience, true).await?;
        self.presence(edge, Some(&page), audience, ConfirmBy::Digest)
            .await
    }

    /// Returns where people see a release: PyPI's project page, or else the
    /// project's page of the simple index.
    fn page_for_people(&self, distribution: &Distribution) -> Option<String> {
        let index = url::Url::parse(&self.urls.index).ok()?;
        let project = distribution.name.project();
        let is_pypi = matches!(self.service.as_str(), "PyPI" | "TestPyPI");
        let page = if is_pypi && index.scheme() == "https" {
            index.join(&format!(
                "/project/{project}/{}/",
                distribution.name.version()
            ))
        } else {
            index.join(&format!("{project}/"))
        };
        page.ok().map(String::from)
    }
}

/// Tells whether the server may have the file in spite of the error.
fn may_have_arrived(error: &RemoteError) -> bool {
    error.decision == Decision::Ambiguous || error.status.is_some()
}
