//! Trusted publishing: an identity token is exchanged for an upload token.
//!
//! 1. The index says which audience the identity token must be for.
//! 2. The CI gives such a token, which counts once.
//! 3. The index gives an upload token for it, which lives for 15 minutes.
//!
//! Step 3 can make a project, so it is done at the first upload, not before.

use jiff::{SignedDuration, Timestamp};
use relpub_model::decision::Decision;
use relpub_model::world::{Identity as Issuer, Index};
use reqwest::header::ACCEPT;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;
use url::Url;

use super::parse;
use crate::http::{Again, Body, Deed, Http, RemoteError, Request};
use crate::identity::{Identity, IdentityToken};
use crate::secret::{Environment, Secret};

/// How long before its end a token is replaced: the largest upload should still
/// be authorised when its last byte is there.
const RESERVE: SignedDuration = SignedDuration::from_mins(5);
/// How long a token lives if the index does not say.
const LIFE: SignedDuration = SignedDuration::from_mins(15);

/// The exchange of identity tokens for upload tokens at one index.
pub(super) struct Trusted {
    http: Http,
    service: String,
    upload: String,
    identity: Identity,
    minted: Mutex<Option<Minted>>,
}

struct Minted {
    token: Secret,
    expires: Timestamp,
}

#[derive(Deserialize)]
struct Audience {
    audience: String,
}

#[derive(Deserialize)]
struct Answer {
    token: String,
    /// When the token expires, in seconds since the epoch.
    expires: Option<i64>,
}

impl Trusted {
    pub(super) fn new(
        http: &Http,
        service: &str,
        urls: &Index,
        environment: &Environment,
        issuer: Option<&Issuer>,
    ) -> Self {
        let request_url = issuer.map(|issuer| issuer.request_url.as_str());
        Self {
            http: http.clone(),
            service: service.to_owned(),
            upload: urls.upload.clone(),
            identity: Identity::new(http, environment, request_url),
            minted: Mutex::new(None),
        }
    }

    /// Tells whether there is anybody to ask for an identity token.
    pub(super) fn is_available(&self) -> bool {
        self.identity.is_available()
    }

    /// Does steps 1 and 2, which spend nothing.
    pub(super) async fn try_identity(&self) -> Result<(), RemoteError> {
        self.identity().await.map(|_| ())
    }

    /// Returns an upload token that lives long enough for an upload.
    pub(super) async fn token(&self) -> Result<Secret, RemoteError> {
        let mut minted = self.minted.lock().await;
        let soon = self.http.now().saturating_add(RESERVE);
        let soon = soon.unwrap_or(Timestamp::MAX);
        if let Some(minted) = &*minted
            && minted.expires > soon
        {
            return Ok(minted.token.clone());
        }
        let new = self.mint().await?;
        self.http.remember(&new.token);
        let token = new.token.clone();
        *minted = Some(new);
        Ok(token)
    }

    /// Forgets the minted token.
    pub(super) async fn forget(&self) {
        *self.minted.lock().await = None;
    }

    async fn identity(&self) -> Result<IdentityToken, RemoteError> {
        let deed = Deed::new(
            &self.service,
            "ask for the audience of",
            "trusted publishing",
        );
        let url = self.url("_/oidc/audience", &deed)?;
        let request = Request::get(url, deed).header(ACCEPT, "application/json");
        let answer = self.http.call(&request).await;
        let answer = answer.map_err(|error| match error.status {
            Some(403 | 404) => error
                .with_decision(Decision::Forbidden)
                .with_hint("this index does not offer trusted publishing; configure a token"),
            _ => error,
        })?;
        let Audience { audience } = answer.json()?;
        self.identity.token(&audience).await
    }

    /// Does all three steps; each attempt takes a new identity token, because the
    /// index may have taken the last one before its answer was lost.
    async fn mint(&self) -> Result<Minted, RemoteError> {
        let deed = Deed::new(&self.service, "mint", "an upload token");
        let mut attempts = self.http.attempts(&deed)?;
        loop {
            let identity = self.identity().await?;
            let error = match self.exchange(&deed, &identity).await {
                Ok(minted) => return Ok(minted),
                Err(error) => error,
            };
            attempts.after(judge(error, &identity)).await?;
        }
    }

    async fn exchange(&self, deed: &Deed, identity: &IdentityToken) -> Result<Minted, RemoteError> {
        let url = self.url("_/oidc/mint-token", deed)?;
        let token = json!({"token": identity.secret.expose()});
        let request = Request::post(url, deed.clone())
            .header(ACCEPT, "application/json")
            .body(Body::json(&token));
        let answer: Answer = self.http.once(&request).await?.json()?;
        let expires = answer
            .expires
            .and_then(|at| Timestamp::from_second(at).ok());
        let usual = self.http.now().saturating_add(LIFE);
        Ok(Minted {
            token: Secret::new(answer.token),
            expires: expires.unwrap_or_else(|| usual.unwrap_or(Timestamp::MAX)),
        })
    }

    /// Returns a URL at the origin that files are uploaded to, as PyPI's own
    /// clients do.
    fn url(&self, path: &str, deed: &Deed) -> Result<Url, RemoteError> {
        let upload = parse(&self.upload, deed)?;
        let joined = upload.join(&format!("/{path}"));
        Ok(joined.expect("an absolute path is a relative URL"))
    }
}

/// Decides what a refused exchange means, by the code of the index's answer.
fn judge(mut error: RemoteError, identity: &IdentityToken) -> RemoteError {
    if error.decision == Decision::Ambiguous {
        // A token nobody knows of is harmless, and expires.
        error.again = Again::After(None);
        return error;
    }
    let said = error.said.as_ref().map(|said| said.raw().to_lowercase());
    let said = said.unwrap_or_default();
    let has = |words: &str| said.contains(words);
    if has("no corresponding publisher") || has("invalid-publisher") {
        error.decision = Decision::Forbidden;
        let who = identity.claims.describe();
        return error.with_hint(format!(
            "register this job as a trusted publisher of the project ({who})"
        ));
    }
    if has("already been used") || has("reuse") {
        error.decision = Decision::Unauthenticated;
        error.again = Again::After(None);
        return error;
    }
    if has("not enabled") || has("not-enabled") {
        error.decision = Decision::Forbidden;
        return error;
    }
    if error.status == Some(422) {
        error.decision = Decision::Unauthenticated;
    }
    error
}
