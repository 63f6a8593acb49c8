//! Identity tokens: what a CI job proves itself with, without a secret of its own.
//!
//! GitHub Actions hands them out on request; GitLab puts them into variables.
//! A token is decoded here to see whether it is worth sending, never verified:
//! that is for who receives it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use relpub_model::decision::Decision;
use reqwest::header::ACCEPT;
use serde::Deserialize;
use url::Url;

use crate::http::{Deed, Http, RemoteError, Request};
use crate::secret::{Environment, Secret};

/// Where identity tokens come from on this machine.
#[derive(Clone)]
pub(crate) struct Identity {
    http: Http,
    way: Option<Way>,
}

#[derive(Clone)]
enum Way {
    /// GitHub Actions: a token is asked for at a URL, with a request token.
    Request { url: String, token: Secret },
    /// GitLab: the job declares tokens, which stand in variables.
    Variables(Environment),
}

/// An identity token and what it says.
pub(crate) struct IdentityToken {
    pub(crate) secret: Secret,
    pub(crate) claims: Claims,
    /// Everything that it says.
    pub(crate) all: serde_json::Map<String, serde_json::Value>,
}

/// The claims that matter before a token is sent.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Claims {
    /// Whom the token is for: one name or several.
    #[serde(default)]
    aud: serde_json::Value,
    /// When it expires, in seconds since the epoch.
    exp: Option<i64>,
    /// The repository of the job.
    repository: Option<String>,
    /// The workflow file and the ref it was taken from.
    job_workflow_ref: Option<String>,
    /// The environment that the job runs in.
    environment: Option<String>,
}

#[derive(Deserialize)]
struct Issued {
    value: String,
}

/// What is looked for, in words.
pub const LOOKED_FOR: &str = "no identity token can be had here: neither GitHub Actions' \
     ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN (`permissions: id-token: \
     write`) nor GitLab's `id_tokens` are set";

impl Identity {
    /// Looks for a provider; a world's `request_url` goes before the CI's.
    pub(crate) fn new(http: &Http, environment: &Environment, request_url: Option<&str>) -> Self {
        let get = |name: &str| environment.get(name);
        let ci = get("ACTIONS_ID_TOKEN_REQUEST_URL").map(Secret::expose);
        let url = request_url.or(ci);
        let token = get("ACTIONS_ID_TOKEN_REQUEST_TOKEN");
        let way = match (url, token) {
            (Some(url), Some(token)) => Some(Way::Request {
                url: url.to_owned(),
                token: token.clone(),
            }),
            _ if environment.has("GITLAB_CI") => Some(Way::Variables(environment.clone())),
            _ => None,
        };
        Self {
            http: http.clone(),
            way,
        }
    }

    /// Tells whether there is anybody to ask.
    pub(crate) fn is_available(&self) -> bool {
        self.way.is_some()
    }

    /// Gets a token for an audience. An expired one, or one for somebody else, is
    /// [`Decision::Unauthenticated`].
    pub(crate) async fn token(&self, audience: &str) -> Result<IdentityToken, RemoteError> {
        let secret = match &self.way {
            Some(Way::Request { url, token }) => self.request(url, token, audience).await?,
            Some(Way::Variables(environment)) => variable(environment, audience)?,
            None => {
                let deed = deed("identity provider", audience);
                return Err(RemoteError::new(
                    &deed,
                    Decision::Unauthenticated,
                    LOOKED_FOR,
                ));
            }
        };
        self.http.remember(&secret);
        let deed = deed("identity provider", audience);
        let wrong = |why: String| RemoteError::new(&deed, Decision::Unauthenticated, why);
        let all = decode(secret.expose()).map_err(|why| wrong(why.to_owned()))?;
        let claims = Claims::of(&all).map_err(|why| wrong(why.to_owned()))?;
        claims.check(audience, self.http.now()).map_err(wrong)?;
        Ok(IdentityToken {
            secret,
            claims,
            all,
        })
    }

    async fn request(
        &self,
        url: &str,
        token: &Secret,
        audience: &str,
    ) -> Result<Secret, RemoteError> {
        let deed = deed("GitHub Actions", audience);
        let parsed = Url::parse(url);
        let mut url = parsed.map_err(|_| {
            let why = "ACTIONS_ID_TOKEN_REQUEST_URL is no URL";
            RemoteError::new(&deed, Decision::Protocol, why)
        })?;
        url.query_pairs_mut().append_pair("audience", audience);
        let request = Request::get(url, deed)
            .header(ACCEPT, "application/json")
            .bearer(token.clone());
        let issued: Issued = self.http.call(&request).await?.json()?;
        Ok(Secret::new(issued.value))
    }
}

impl Claims {
    /// Picks the claims that matter out of all.
    fn of(all: &serde_json::Map<String, serde_json::Value>) -> Result<Self, &'static str> {
        let all = serde_json::Value::Object(all.clone());
        serde_json::from_value(all).map_err(|_| MALFORMED)
    }

    /// Returns when the token expires.
    pub(crate) fn expires(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.exp?).ok()
    }

    /// Says what is wrong with a token for this audience at this time, if anything.
    fn check(&self, audience: &str, now: Timestamp) -> Result<(), String> {
        match self.expires() {
            Some(exp) if exp <= now => return Err(format!("the identity token expired at {exp}")),
            None => return Err("the identity token does not say when it expires".to_owned()),
            Some(_) => {}
        }
        let is_for_us = match &self.aud {
            serde_json::Value::String(aud) => aud == audience,
            serde_json::Value::Array(all) => all.len() == 1 && all[0] == audience,
            _ => false,
        };
        if is_for_us {
            Ok(())
        } else {
            Err(format!(
                "the identity token is not for the audience `{audience}`"
            ))
        }
    }

    /// Returns who the job says it is, for a person who sets up a publisher.
    pub(crate) fn describe(&self) -> String {
        let named = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!("{name} {value}"))
        };
        let parts = [
            named("repository", &self.repository),
            named("workflow", &self.job_workflow_ref),
            named("environment", &self.environment),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        relpub_model::Untrusted::new(parts.join(", ")).for_terminal()
    }
}

fn deed(service: &str, audience: &str) -> Deed {
    Deed::new(
        service,
        "get an identity token for",
        format!("`{audience}`"),
    )
}

/// Reads GitLab's variable for an audience: the name in upper case, what is no
/// letter or digit as `_`, then `_ID_TOKEN`.
fn variable(environment: &Environment, audience: &str) -> Result<Secret, RemoteError> {
    let upper = audience.to_ascii_uppercase();
    let mut name: String = upper
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.replace_range(..1, "_");
    }
    name.push_str("_ID_TOKEN");
    environment.secret(&name).ok_or_else(|| {
        let why = format!("the variable {name} is not set; declare it under the job's `id_tokens`");
        RemoteError::new(&deed("GitLab", audience), Decision::Unauthenticated, why)
    })
}

const MALFORMED: &str = "the identity token is no JSON web token";

/// Reads the claims of a JSON web token (RFC 7519) without verifying them.
fn decode(token: &str) -> Result<serde_json::Map<String, serde_json::Value>, &'static str> {
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(MALFORMED);
    };
    let json = URL_SAFE_NO_PAD.decode(payload).map_err(|_| MALFORMED)?;
    serde_json::from_slice(&json).map_err(|_| MALFORMED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_token_that_will_be_refused_is_known_before_it_is_sent() {
        let now = Timestamp::from_second(1000).unwrap();
        let check = |claims: &str| {
            let all = decode(&token(claims)).unwrap();
            Claims::of(&all).unwrap().check("pypi", now)
        };
        assert_eq!(check(r#"{"aud":"pypi","exp":1001}"#), Ok(()));
        assert_eq!(check(r#"{"aud":["pypi"],"exp":1001}"#), Ok(()));
        assert_eq!(
            check(r#"{"aud":"pypi","exp":1000}"#).unwrap_err(),
            "the identity token expired at 1970-01-01T00:16:40Z"
        );
        assert!(check(r#"{"aud":["pypi","x"],"exp":1001}"#).is_err());
        assert!(check(r#"{"aud":"pypi"}"#).is_err());
        assert!(decode("abc").is_err());
    }

    #[test]
    fn gitlab_names_a_variable_after_the_audience() {
        let vars = [("TESTPYPI_ID_TOKEN", "a.b.c"), ("_PYPI_X_ID_TOKEN", "d")];
        let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let environment = Environment::from_vars(vars);
        let found = |audience| variable(&environment, audience);
        assert_eq!(found("testpypi").unwrap().expose(), "a.b.c");
        assert_eq!(found("1pypi-x").unwrap().expose(), "d");
        assert!(
            found("pypi")
                .unwrap_err()
                .to_string()
                .contains("PYPI_ID_TOKEN is not set")
        );
    }
}
