//! How an index lets us in.

use relpub_model::config::{Credential, Destination, DestinationKind};
use relpub_model::decision::Decision;
use relpub_model::observed::CredentialState;
use relpub_model::world::{Identity, Index};

use super::trusted::Trusted;
use crate::http::{Deed, Http, RemoteError, Request};
use crate::identity::LOOKED_FOR;
use crate::secret::{Environment, Secret};

/// How an index lets us in; one way, never another instead.
pub(super) enum Login {
    /// By an identity token that is exchanged for an upload token.
    Trusted(Box<Trusted>),
    /// By name and password; a token is the password of `__token__`.
    Password {
        username: String,
        password: Option<Secret>,
        /// The variable that the password is in.
        variable: String,
        /// Whether it must look like a token of PyPI's.
        is_pypi: bool,
    },
    /// Not at all.
    Anonymous,
    /// In a way that indexes do not have.
    Unsupported,
}

impl Login {
    pub(super) fn new(
        http: &Http,
        service: &str,
        destination: &Destination,
        urls: &Index,
        environment: &Environment,
        identity: Option<&Identity>,
    ) -> Self {
        match &destination.credential {
            Credential::Trusted => {
                let trusted = Trusted::new(http, service, urls, environment, identity);
                Self::Trusted(Box::new(trusted))
            }
            Credential::Env(variable) => Self::Password {
                username: "__token__".to_owned(),
                password: environment.secret(variable),
                variable: variable.clone(),
                is_pypi: matches!(destination.kind, DestinationKind::Index { urls: None }),
            },
            Credential::Basic {
                username,
                password_env,
            } => Self::Password {
                username: username.clone(),
                password: environment.secret(password_env),
                variable: password_env.clone(),
                is_pypi: false,
            },
            Credential::Anonymous => Self::Anonymous,
            Credential::Ambient => Self::Unsupported,
        }
    }

    /// Tells whether the credential is there and looks right. Nothing is minted:
    /// that could make a project, and an identity token counts only once.
    pub(super) async fn state(&self) -> CredentialState {
        match self {
            Self::Anonymous => CredentialState::NotNeeded,
            Self::Unsupported => {
                CredentialState::Bad("an index has no ambient credential".to_owned())
            }
            Self::Password {
                password: None,
                variable,
                ..
            } => CredentialState::Absent(format!("the variable {variable} is not set")),
            Self::Password {
                password: Some(password),
                variable,
                is_pypi,
                ..
            } => match check(password, *is_pypi) {
                Ok(()) => CredentialState::Ready,
                Err(why) => CredentialState::Bad(format!("what {variable} holds {why}")),
            },
            Self::Trusted(trusted) if !trusted.is_available() => {
                CredentialState::Absent(LOOKED_FOR.to_owned())
            }
            Self::Trusted(trusted) => match trusted.try_identity().await {
                Ok(()) => CredentialState::Ready,
                Err(error) => state_of(&error),
            },
        }
    }

    /// Adds what an upload is allowed by.
    pub(super) async fn write<'a>(
        &self,
        request: Request<'a>,
        deed: &Deed,
    ) -> Result<Request<'a>, RemoteError> {
        let no = |why: String| RemoteError::new(deed, Decision::Unauthenticated, why);
        match self {
            Self::Anonymous => Ok(request),
            Self::Unsupported => Err(no("an index has no ambient credential".to_owned())),
            Self::Trusted(trusted) => Ok(request.basic("__token__", trusted.token().await?)),
            Self::Password {
                username,
                password,
                variable,
                is_pypi,
            } => {
                let Some(password) = password else {
                    return Err(no(format!("the variable {variable} is not set")));
                };
                let checked = check(password, *is_pypi);
                checked.map_err(|why| no(format!("what {variable} holds {why}")))?;
                Ok(request.basic(username, password.clone()))
            }
        }
    }

    /// Adds what a private index is read with: a configured password. A token
    /// that was minted for uploads reads nothing.
    pub(super) fn read<'a>(&self, request: Request<'a>) -> Request<'a> {
        match self {
            Self::Password {
                username,
                password: Some(password),
                ..
            } => request.basic(username, password.clone()),
            _ => request,
        }
    }

    /// Forgets a minted token that the server does not take; returns whether
    /// another one can be had.
    pub(super) async fn renew(&self) -> bool {
        match self {
            Self::Trusted(trusted) => {
                // Another upload may have been refused, and forgotten it, before.
                trusted.forget().await;
                true
            }
            _ => false,
        }
    }
}

fn state_of(error: &RemoteError) -> CredentialState {
    match error.decision {
        Decision::Unauthenticated | Decision::Forbidden | Decision::Refused { .. } => {
            CredentialState::Bad(error.to_string())
        }
        _ => CredentialState::Unknown(error.failure()),
    }
}

/// Says what is wrong with a password, without repeating it.
///
/// PyPI's tokens are `pypi-` and a macaroon in URL-safe base64.
fn check(password: &Secret, is_pypi: bool) -> Result<(), &'static str> {
    let text = password.expose();
    if text.chars().any(|c| c.is_control() || !c.is_ascii()) {
        return Err("has a line break or another character that no token has");
    }
    if !is_pypi {
        return Ok(());
    }
    let Some(macaroon) = text.strip_prefix("pypi-") else {
        return Err("is no token of the index: those begin with `pypi-`");
    };
    let macaroon = macaroon.trim_end_matches('=');
    if macaroon.is_empty() || !macaroon.bytes().all(is_base64url) {
        return Err("is no token of the index: it is cut off or has other characters in it");
    }
    Ok(())
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}
