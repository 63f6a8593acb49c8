//! Trusted publishing: an identity token is exchanged for an upload token.
//!
//! The exchange can be made once for every identity token, and it creates the
//! projects of a pending publisher.

use std::collections::BTreeMap;
use std::io;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::auth::{Scope, Sender, Trusted};
use super::{Inner, PyPi};
use crate::disk::Disk;

/// How long an upload token is valid, in seconds.
const LIFE: i64 = 900;

/// A workflow that may upload without a standing token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publisher {
    /// Its repository on GitHub, as `owner/name`.
    pub repository: String,
    /// The file name of its workflow, such as `release.yml`; `None` is any.
    #[serde(default)]
    pub workflow: Option<String>,
    /// The environment of its job; `None` is any, or none.
    #[serde(default)]
    pub environment: Option<String>,
    /// Where it may upload to.
    #[serde(default)]
    pub projects: PublisherProjects,
}

/// The projects of a trusted publisher.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PublisherProjects {
    /// Every project, as though there were a pending publisher for each name.
    #[default]
    Any,
    /// These; the ones that do not exist are created when a token is minted.
    Named(Vec<String>),
}

impl Publisher {
    /// Returns a publisher for any workflow of `repository` and any project.
    pub fn any(repository: &str) -> Self {
        Self {
            repository: repository.to_owned(),
            workflow: None,
            environment: None,
            projects: PublisherProjects::Any,
        }
    }

    /// Returns the publisher limited to `projects`.
    pub fn with_projects(mut self, projects: &[&str]) -> Self {
        let names = projects.iter().map(|&name| name.to_owned()).collect();
        self.projects = PublisherProjects::Named(names);
        self
    }

    /// Returns whether the job with these claims is this publisher.
    fn matches(&self, claims: &Map<String, Value>) -> bool {
        let claim = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        let environment = self.environment.as_deref().unwrap_or_default();
        let workflow = workflow_file(claim("job_workflow_ref"), claim("repository"));
        claim("repository").eq_ignore_ascii_case(&self.repository)
            && claim("event_name") != "pull_request_target"
            && (environment.is_empty() || claim("environment").eq_ignore_ascii_case(environment))
            && workflow.is_some_and(|file| self.workflow.as_deref().is_none_or(|it| it == file))
    }

    /// Returns what provenance says about the job with these claims.
    fn trusted(&self, claims: &Map<String, Value>) -> Trusted {
        let claim = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        let file = workflow_file(claim("job_workflow_ref"), claim("repository"));
        let workflow = self.workflow.as_deref().or(file).unwrap_or_default();
        Trusted {
            repository: self.repository.clone(),
            workflow: workflow.to_owned(),
            environment: self.environment.clone().unwrap_or_default(),
        }
    }
}

/// Returns the workflow's file out of `owner/name/.github/workflows/FILE@REF`.
fn workflow_file<'a>(reference: &'a str, repository: &str) -> Option<&'a str> {
    let start = reference.get(..repository.len())?;
    let file = reference[repository.len()..].strip_prefix("/.github/workflows/")?;
    let (file, _) = file.split_once('@')?;
    start.eq_ignore_ascii_case(repository).then_some(file)
}

/// Who may exchange tokens, and which tokens were exchanged.
pub(super) struct Exchange {
    /// Who may because the world is theirs, until it is told otherwise.
    default: Publisher,
    kept: Kept,
    disk: Disk,
}

#[derive(Default, Serialize, Deserialize)]
struct Kept {
    without_default: bool,
    publishers: Vec<Publisher>,
    /// The `jti` of exchanged tokens and the Unix time until which they count.
    used: BTreeMap<String, i64>,
}

impl Exchange {
    /// Reads what is kept under `disk`.
    pub(super) fn open(disk: &Disk, repository: &str) -> io::Result<Self> {
        Ok(Self {
            default: Publisher::any(repository),
            kept: disk.read_json("publishers")?.unwrap_or_default(),
            disk: disk.clone(),
        })
    }

    /// Registers a publisher.
    pub(super) fn add(&mut self, publisher: Publisher) -> io::Result<()> {
        self.kept.publishers.push(publisher);
        self.keep()
    }

    /// Removes all publishers.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.kept.without_default = true;
        self.kept.publishers.clear();
        self.keep()
    }

    /// Returns the publishers that the claims match.
    fn matching(&self, claims: &Map<String, Value>) -> Vec<Publisher> {
        let default = (!self.kept.without_default).then_some(&self.default);
        let all = self.kept.publishers.iter().chain(default);
        all.filter(|it| it.matches(claims)).cloned().collect()
    }

    fn is_used(&self, jti: &str) -> bool {
        self.kept.used.contains_key(jti)
    }

    fn spend(&mut self, jti: &str, expires: i64, now: i64) -> io::Result<()> {
        // Past its end the signature check refuses it anyway.
        self.kept.used.retain(|_, expires| *expires + 3600 > now);
        self.kept.used.insert(jti.to_owned(), expires);
        self.keep()
    }

    fn keep(&self) -> io::Result<()> {
        self.disk.write_json("publishers", &self.kept)
    }
}

/// Answers which audience an identity token must have.
pub(super) async fn audience(State(pypi): State<PyPi>) -> Json<Value> {
    Json(json!({"audience": pypi.inner.name}))
}

/// Exchanges an identity token for an upload token.
pub(super) async fn mint(State(pypi): State<PyPi>, body: Bytes) -> Response {
    match exchange(&pypi.inner, &body) {
        Ok((token, expires)) => {
            Json(json!({"success": true, "token": token, "expires": expires})).into_response()
        }
        Err(Failure { code, description }) => {
            let errors = json!([{"code": code, "description": description}]);
            let body = json!({"message": "Token request failed", "errors": errors});
            (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
        }
    }
}

/// Why a token is not exchanged.
struct Failure {
    code: &'static str,
    description: String,
}

impl Failure {
    fn new(code: &'static str, description: impl Into<String>) -> Self {
        Self {
            code,
            description: description.into(),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new("sandbox", error.to_string())
    }
}

fn exchange(inner: &Inner, body: &[u8]) -> Result<(String, i64), Failure> {
    let claims = verified(inner, body)?;
    let now = inner.clock.now();
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let jti = text("jti");
    let mut state = inner.lock();
    if jti.is_empty() || state.exchange.is_used(jti) {
        let description = "invalid token: already used";
        return Err(Failure::new("invalid-reuse-token", description));
    }
    let publishers = state.exchange.matching(&claims);
    if publishers.is_empty() {
        return Err(Failure::new(
            "invalid-publisher",
            "valid token, but no corresponding publisher (Publisher with matching claims was not \
             found)",
        ));
    }
    let expires = claims.get("exp").and_then(Value::as_i64).unwrap_or(0);
    state.exchange.spend(jti, expires, now.as_second())?;
    let publisher = publishers.first().map(|it| it.trusted(&claims));
    let mut projects = Some(Vec::new());
    for publisher in publishers {
        match (publisher.projects, &mut projects) {
            (PublisherProjects::Named(more), Some(names)) => names.extend(more),
            _ => projects = None,
        }
    }
    let scope = match projects {
        None => Scope::AnyPublisher,
        Some(names) => {
            for name in &names {
                if state.index.project(name).is_none() {
                    state.index.change(name, |_, _| ())?;
                }
            }
            Scope::Publisher(names)
        }
    };
    let token = inner.secrets.fresh("pypi-");
    let end = now + SignedDuration::from_secs(LIFE);
    let sender = Sender { scope, publisher };
    state.tokens.add(&token, sender, Some(end))?;
    Ok((token, end.as_second()))
}

/// Returns the claims of the token in a request, if it may be trusted.
fn verified(inner: &Inner, body: &[u8]) -> Result<Map<String, Value>, Failure> {
    #[derive(Deserialize)]
    struct Request {
        token: String,
    }
    let invalid = |description: &str| Failure::new("invalid-payload", description);
    let request: Request = serde_json::from_slice(body)
        .map_err(|error| invalid(&format!("body is not an object with a token: {error}")))?;
    let claims = unverified(&request.token).ok_or_else(|| invalid("malformed JWT"))?;
    if claims.get("iss").and_then(Value::as_str) != Some(inner.identity.issuer()) {
        return Err(invalid("unknown trusted publishing issuer"));
    }
    inner
        .identity
        .verify(&request.token, inner.name)
        .map_err(|why| {
            Failure::new(
                "invalid-token",
                format!("malformed or invalid token: {why}"),
            )
        })
}

/// Returns the claims of a JWT without looking at its signature.
fn unverified(jwt: &str) -> Option<Map<String, Value>> {
    let mut parts = jwt.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice(&payload).ok()
}
