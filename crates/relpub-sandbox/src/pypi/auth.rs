//! Upload tokens: who sent a request, and to which projects it may upload.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::names::normalized;
use super::refusal::Refusal;
use crate::disk::Disk;

/// What a token allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Scope {
    /// All that the world's user may do.
    User,
    /// Uploads of that user to one project.
    Project(String),
    /// Uploads of a trusted publisher to projects that exist.
    Publisher(Vec<String>),
    /// Uploads of a trusted publisher to any project, also new ones.
    AnyPublisher,
}

impl Scope {
    /// Returns whether it covers the project.
    pub(super) fn covers(&self, project: &str) -> bool {
        let project = normalized(project);
        match self {
            Self::User | Self::AnyPublisher => true,
            Self::Project(name) => normalized(name) == project,
            Self::Publisher(names) => names.iter().any(|name| normalized(name) == project),
        }
    }

    /// Returns whether it belongs to a trusted publisher instead of a user.
    pub(super) fn is_publisher(&self) -> bool {
        matches!(self, Self::Publisher(_) | Self::AnyPublisher)
    }

    /// Returns whether it may create projects.
    pub(super) fn may_create(&self) -> bool {
        matches!(self, Self::User | Self::AnyPublisher)
    }
}

/// The workflow that a trusted publisher's token was given to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Trusted {
    /// Its repository in the spelling of the publisher.
    pub(super) repository: String,
    /// The file name of its workflow.
    pub(super) workflow: String,
    /// The environment in the publisher; empty is any.
    pub(super) environment: String,
}

impl Trusted {
    /// Returns the publisher as provenance shows it.
    pub(super) fn shown(&self) -> Value {
        json!({
            "kind": "GitHub",
            "repository": self.repository,
            "workflow": self.workflow,
            "environment": self.environment,
            "claims": null,
        })
    }
}

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sender {
    pub(super) scope: Scope,
    /// Which trusted publisher it is, if it is one.
    pub(super) publisher: Option<Trusted>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Token {
    secret: String,
    scope: Scope,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    publisher: Option<Trusted>,
    /// Since when it is worthless.
    expires: Option<Timestamp>,
}

/// All tokens of an index.
pub(super) struct Tokens {
    issued: Vec<Token>,
    disk: Disk,
}

impl Tokens {
    /// Reads the tokens kept under `disk`.
    pub(super) fn open(disk: &Disk) -> io::Result<Self> {
        Ok(Self {
            issued: disk.read_json("tokens")?.unwrap_or_default(),
            disk: disk.clone(),
        })
    }

    /// Adds a token unless it is there, and keeps it.
    pub(super) fn add(
        &mut self,
        secret: &str,
        Sender { scope, publisher }: Sender,
        expires: Option<Timestamp>,
    ) -> io::Result<()> {
        if self.issued.iter().any(|token| token.secret == secret) {
            return Ok(());
        }
        self.issued.push(Token {
            secret: secret.to_owned(),
            scope,
            publisher,
            expires,
        });
        self.disk.write_private_json("tokens", &self.issued)
    }

    /// Makes a token worthless, and keeps that.
    pub(super) fn revoke(&mut self, secret: &str) -> io::Result<()> {
        self.issued.retain(|token| token.secret != secret);
        self.disk.write_private_json("tokens", &self.issued)
    }

    /// Returns the sender of a request with these headers.
    pub(super) fn identify(
        &self,
        headers: &HeaderMap,
        now: Timestamp,
        url: &str,
    ) -> Result<Sender, Refusal> {
        let sent = presented(headers);
        let known = sent.and_then(|sent| {
            let mut issued = self.issued.iter();
            issued.find(|token| token.secret == sent)
        });
        let valid = known.filter(|token| token.expires.is_none_or(|expires| now < expires));
        let sender = valid.map(|token| Sender {
            scope: token.scope.clone(),
            publisher: token.publisher.clone(),
        });
        sender.ok_or_else(|| {
            Refusal::forbidden(format!(
                "Invalid or non-existent authentication information. See \
                 {url}/help/#invalid-auth for more information."
            ))
        })
    }
}

/// Returns the token in the `Authorization` header, in any form that counts.
fn presented(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, value) = value.split_once(' ')?;
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" | "token" => Some(value.trim().to_owned()),
        "basic" => {
            let pair = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
            let token = pair.strip_prefix("__token__:")?;
            // People paste tokens with a line's end.
            Some(token.trim().to_owned())
        }
        _ => None,
    }
}
