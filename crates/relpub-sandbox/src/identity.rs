//! The issuer of GitHub Actions' identity tokens (OpenID Connect).
//!
//! A job asks with its request token for an audience and gets a JWT, signed
//! with RS256, whose claims say which repository, workflow and ref it runs for
//! (GitHub's "OpenID Connect reference"). All claims but the times are strings.

mod claims;
mod key;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, Method, StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::claims::Claims;
use self::key::Key;
use crate::clock::Clock;
use crate::secrets::Secrets;
use crate::service::Service;
use crate::world::Shared;
use crate::world_file::{Environment, IdentityUrls, WorldFile};

/// How long a token is valid, in seconds.
const LIFE: i64 = 5 * 60;
/// How far a verifier's clock may be off, in seconds.
const LEEWAY: i64 = 30;

/// The issuer of a world.
#[derive(Clone)]
pub struct Identity {
    inner: Arc<Inner>,
}

struct Inner {
    /// Where the issuer is.
    url: String,
    /// Who it says it is.
    issuer: String,
    request_token: String,
    key: Key,
    clock: Clock,
    secrets: Secrets,
    job: Mutex<Job>,
}

/// The job that tokens are issued to.
struct Job {
    claims: Claims,
    expired: bool,
}

impl Identity {
    /// Opens the issuer at `url`, with the key it had before if there is one.
    pub(crate) fn open(shared: &Shared, url: String) -> io::Result<Self> {
        let inner = Inner {
            issuer: shared.names.issuer.clone().unwrap_or_else(|| url.clone()),
            url,
            request_token: shared.secrets.standing("identity-request", "")?,
            key: Key::open(&shared.disk.folder("identity")?)?,
            clock: shared.clock.clone(),
            secrets: shared.secrets.clone(),
            job: Mutex::new(Job {
                claims: Claims::new(&shared.names),
                expired: false,
            }),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Returns the `iss` of every token: the issuer's URL, or the name it was given.
    pub fn issuer(&self) -> &str {
        &self.inner.issuer
    }

    /// Changes claims of later tokens; an empty value leaves the claim out.
    ///
    /// What follows from a claim changes with it: `repository` and `ref` stand
    /// in `sub`, `workflow_ref` and `job_workflow_ref` too, unless those are
    /// set themselves.
    pub fn set_claims<'a>(&self, claims: impl IntoIterator<Item = (&'a str, &'a str)>) {
        self.job().claims.set(claims);
    }

    /// Undoes every [`Identity::set_claims`].
    pub fn reset_claims(&self) {
        self.job().claims.reset();
    }

    /// Issues tokens that are past their `exp` by almost an hour, or stops that.
    pub fn issue_expired(&self, expired: bool) {
        self.job().expired = expired;
    }

    /// Returns a token for `audience`, as the job would get it.
    pub fn issue(&self, audience: &str) -> String {
        let jti = self.inner.secrets.fresh("");
        let payload = {
            let job = self.job();
            let now = self.inner.clock.now().as_second();
            let issued = if job.expired { now - 3600 } else { now };
            let mut claims = job.claims.all();
            claims.insert("iss".to_owned(), json!(self.inner.issuer));
            claims.insert("aud".to_owned(), json!(audience));
            claims.insert("iat".to_owned(), json!(issued));
            claims.insert("nbf".to_owned(), json!(issued - 10));
            claims.insert("exp".to_owned(), json!(issued + LIFE));
            claims.insert("jti".to_owned(), json!(jti));
            claims
        };
        let token = self.inner.key.sign(&Value::Object(payload));
        self.inner.secrets.record(&token);
        token
    }

    /// Checks a token as a relying party would and returns its claims.
    ///
    /// The signature, `iss`, `exp` and `nbf` (with 30 s of leeway, by the
    /// world's clock) must be right and `aud` must be exactly `audience`; the
    /// error says which is not.
    pub fn verify(&self, jwt: &str, audience: &str) -> Result<Map<String, Value>, String> {
        let claims = self.inner.key.open_token(jwt)?;
        let time = |name: &str| claims.get(name).and_then(Value::as_i64);
        let now = self.inner.clock.now().as_second();
        if claims.get("iss").and_then(Value::as_str) != Some(self.issuer()) {
            return Err("the token is from another issuer".to_owned());
        }
        if time("exp").is_none_or(|exp| exp + LEEWAY <= now) {
            return Err("the token has expired".to_owned());
        }
        if time("nbf").is_some_and(|nbf| nbf - LEEWAY > now) {
            return Err("the token is not yet valid".to_owned());
        }
        match claims.get("aud") {
            Some(Value::String(aud)) if aud == audience => Ok(claims),
            _ => Err(format!("the token is not for the audience `{audience}`")),
        }
    }

    /// Returns the issuer as a service.
    pub(crate) fn service(&self) -> Service {
        let router = Router::new()
            .route("/token", get(token))
            .route("/.well-known/openid-configuration", get(configuration))
            .route("/.well-known/jwks", get(keys))
            .with_state(self.clone());
        Service {
            name: "identity",
            router,
            endpoint,
            mutates: |_, _| false,
        }
    }

    /// Tells clients where the issuer is and what a job asks it with.
    pub(crate) fn describe(&self, file: &mut WorldFile, environment: &mut Environment) {
        let request_url = format!("{}/token?api-version=2.0", self.inner.url);
        let mut set = |name: &str, value: &str| {
            environment.insert(name.to_owned(), value.to_owned());
        };
        set("ACTIONS_ID_TOKEN_REQUEST_URL", &request_url);
        set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", &self.inner.request_token);
        file.identity = Some(IdentityUrls {
            request_url,
            issuer: self.issuer().to_owned(),
        });
    }

    fn job(&self) -> std::sync::MutexGuard<'_, Job> {
        self.inner
            .job
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn endpoint(_: &Method, path: &str) -> &'static str {
    match path {
        "/token" => "token",
        "/.well-known/openid-configuration" => "configuration",
        "/.well-known/jwks" => "keys",
        _ => "unknown",
    }
}

#[derive(Deserialize)]
struct Request {
    audience: Option<String>,
}

async fn token(
    State(identity): State<Identity>,
    Query(request): Query<Request>,
    headers: HeaderMap,
) -> Response {
    let sent = headers.get(header::AUTHORIZATION);
    let sent = sent.and_then(|value| value.to_str().ok()?.split_once(' '));
    let right = sent.is_some_and(|(scheme, token)| {
        scheme.eq_ignore_ascii_case("bearer") && token == identity.inner.request_token
    });
    if !right {
        let message = json!({"message": "the request token is not valid"});
        return (StatusCode::UNAUTHORIZED, Json(message)).into_response();
    }
    let audience = request.audience.filter(|audience| !audience.is_empty());
    let audience = audience.unwrap_or_else(|| identity.job().claims.default_audience());
    Json(json!({"count": 1, "value": identity.issue(&audience)})).into_response()
}

async fn configuration(State(identity): State<Identity>) -> Json<Value> {
    let (issuer, url) = (identity.issuer(), &identity.inner.url);
    let names: Vec<_> = identity.job().claims.all().into_iter().collect();
    let names = names.into_iter().map(|(name, _)| name);
    let standard = ["aud", "exp", "iat", "iss", "jti", "nbf"].map(str::to_owned);
    Json(json!({
        "issuer": issuer,
        "jwks_uri": format!("{url}/.well-known/jwks"),
        "subject_types_supported": ["public", "pairwise"],
        "response_types_supported": ["id_token"],
        "claims_supported": names.chain(standard).collect::<Vec<_>>(),
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid"],
    }))
}

async fn keys(State(identity): State<Identity>) -> Json<Value> {
    Json(json!({"keys": [identity.inner.key.public()]}))
}
