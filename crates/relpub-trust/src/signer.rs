//! Who is expected to sign, and whether an identity is that.
//!
//! The same rules judge two things: the claims of the identity token at hand,
//! before anything is signed with it, and the claims of a certificate, when a
//! signature is verified. Sigstore's own matcher compares whole identities; the
//! rules here have globs, so certificates are verified for any identity first
//! and matched here afterwards.

use relpub_model::evidence::{GITHUB_ACTIONS, SignerClaims, SignerRule};
use serde_json::{Map, Value};
use sigstore_verify::crypto::CertificateInfo;

use crate::glob::Glob;

/// Where the workflows and repositories of [`GITHUB_ACTIONS`] live.
const GITHUB: &str = "https://github.com/";

/// Who is expected to sign. There is no default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// At least one; one of them must match.
    rules: Vec<Rule>,
}

/// Accepts a signature by anybody at all, which proves next to nothing.
///
/// What is verified with this is no [`Verified`](crate::Verified) value, so it
/// cannot become part of a promotion. It is for showing what a bundle says.
#[derive(Clone, Copy, Debug)]
pub struct AnyoneUnsafe;

/// Rules for signers cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// There are none, and nobody is not anybody.
    #[error("no signer is expected; name at least one")]
    NoRule,
    /// A glob cannot be read.
    #[error("the glob `{glob}` of a signer cannot be read: {why}")]
    Glob {
        /// The glob.
        glob: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// An identity is not the expected one. A missing claim is shown as nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongSigner {
    /// Another issuer vouches for it.
    #[error("the identity is from the issuer `{found}`, not `{expected}`")]
    Issuer {
        /// The expected issuer.
        expected: String,
        /// The claimed one.
        found: String,
    },
    /// It belongs to another repository.
    #[error("the identity belongs to the repository `{found}`, not `{expected}`")]
    Repository {
        /// The URL of the expected repository.
        expected: String,
        /// The claimed one.
        found: String,
    },
    /// It belongs to another repository that has, or had, the same name.
    #[error("the identity belongs to repository number `{found}`, not {expected}")]
    RepositoryId {
        /// The expected number.
        expected: u64,
        /// The claimed one.
        found: String,
    },
    /// It belongs to another workflow.
    #[error("the identity belongs to the workflow `{found}`, not `{expected}`")]
    Workflow {
        /// The expected glob.
        expected: String,
        /// The claimed workflow, without a ref.
        found: String,
    },
    /// It was given for another branch or tag.
    #[error("the identity is for the ref `{found}`, not `{expected}`")]
    Ref {
        /// The expected glob.
        expected: String,
        /// The claimed ref.
        found: String,
    },
    /// It was given outside the deployment environment.
    #[error("the identity is for the environment `{found}`, not `{expected}`")]
    Environment {
        /// The expected environment.
        expected: String,
        /// The claimed one.
        found: String,
    },
}

/// An identity token does not say what a signer needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// A claim is not there or is no text.
    #[error("the identity token has no claim `{0}`; is this a job of GitHub Actions?")]
    Missing(&'static str),
    /// The identity is not the expected one.
    #[error(transparent)]
    WrongSigner(#[from] WrongSigner),
}

impl Signer {
    /// Expects one of these.
    pub fn one_of(rules: &[SignerRule]) -> Result<Self, SignerError> {
        if rules.is_empty() {
            return Err(SignerError::NoRule);
        }
        let rules = rules.iter().map(Rule::parse).collect::<Result<_, _>>()?;
        Ok(Self { rules })
    }

    /// Lets the claims pass if one of the rules matches them; else says what is
    /// wrong by the rule that came nearest.
    pub fn check(&self, claims: &SignerClaims) -> Result<(), WrongSigner> {
        let mut nearest = None;
        for rule in &self.rules {
            let Err(wrong) = rule.check(claims) else {
                return Ok(());
            };
            if nearest
                .as_ref()
                .is_none_or(|best| depth(best) < depth(&wrong))
            {
                nearest = Some(wrong);
            }
        }
        Err(nearest.expect("a signer has at least one rule"))
    }

    /// Lets an identity token pass, by its decoded claims, before anything is
    /// signed with it. Returns what the certificate will say.
    ///
    /// The token's own signature is for Fulcio to check; this keeps an identity
    /// that no consumer will accept out of the public log.
    pub fn check_token(&self, claims: &Map<String, Value>) -> Result<SignerClaims, TokenError> {
        let claims = token_claims(claims)?;
        self.check(&claims)?;
        Ok(claims)
    }
}

/// One rule with its globs compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    issuer: String,
    /// A URL.
    repository: String,
    repository_id: Option<u64>,
    workflow: Option<Glob>,
    git_ref: Option<Glob>,
    environment: Option<String>,
}

impl Rule {
    fn parse(rule: &SignerRule) -> Result<Self, SignerError> {
        Ok(Self {
            issuer: rule.issuer.clone(),
            repository: if rule.repository.starts_with("https://") {
                rule.repository.clone()
            } else {
                format!("{GITHUB}{}", rule.repository)
            },
            repository_id: rule.repository_id,
            workflow: glob(rule.workflow.as_deref())?,
            git_ref: glob(rule.git_ref.as_deref())?,
            environment: rule.environment.clone(),
        })
    }

    /// Compares claim by claim, from the widest to the narrowest.
    fn check(&self, claims: &SignerClaims) -> Result<(), WrongSigner> {
        if claims.issuer != self.issuer {
            return Err(WrongSigner::Issuer {
                expected: self.issuer.clone(),
                found: claims.issuer.clone(),
            });
        }
        self.check_repository(claims)?;
        self.check_workflow(claims)?;
        if let Some(expected) = &self.git_ref {
            let found = claims.git_ref.as_deref().unwrap_or_default();
            if !expected.matches(found) {
                return Err(WrongSigner::Ref {
                    expected: expected.to_string(),
                    found: found.to_owned(),
                });
            }
        }
        if self.environment.is_some() && self.environment != claims.environment {
            return Err(WrongSigner::Environment {
                expected: self.environment.clone().unwrap_or_default(),
                found: claims.environment.clone().unwrap_or_default(),
            });
        }
        Ok(())
    }

    fn check_repository(&self, claims: &SignerClaims) -> Result<(), WrongSigner> {
        let found = claims.repository.as_deref().unwrap_or_default();
        if !same_repository(&self.repository, found) {
            return Err(WrongSigner::Repository {
                expected: self.repository.clone(),
                found: found.to_owned(),
            });
        }
        match self.repository_id {
            Some(expected) if claims.repository_id != Some(expected) => {
                Err(WrongSigner::RepositoryId {
                    expected,
                    found: claims
                        .repository_id
                        .map(|id| id.to_string())
                        .unwrap_or_default(),
                })
            }
            _ => Ok(()),
        }
    }

    /// A workflow of the repository is known by its path; one of another
    /// repository is called from there, and is known by name and path.
    fn check_workflow(&self, claims: &SignerClaims) -> Result<(), WrongSigner> {
        let found = claims.workflow.as_deref().unwrap_or_default();
        let own = self.path_in_repository(found);
        let matches = match &self.workflow {
            None => own.is_some(),
            Some(glob) => own.is_some_and(|path| glob.matches(path)) || glob.matches(found),
        };
        if matches {
            return Ok(());
        }
        let any = || format!("any of {}", self.repository);
        Err(WrongSigner::Workflow {
            expected: self.workflow.as_ref().map_or_else(any, Glob::to_string),
            found: found.to_owned(),
        })
    }

    fn path_in_repository<'a>(&self, workflow: &'a str) -> Option<&'a str> {
        let (_, repository) = host_and_path(&self.repository)?;
        let (head, path) = workflow.split_at_checked(repository.len())?;
        let path = path.strip_prefix('/')?.trim_start_matches('/');
        let same = if self.repository.starts_with(GITHUB) {
            head.eq_ignore_ascii_case(repository)
        } else {
            head == repository
        };
        same.then_some(path)
    }
}

fn glob(text: Option<&str>) -> Result<Option<Glob>, SignerError> {
    let parse = |text: &str| {
        Glob::parse(text).map_err(|why| SignerError::Glob {
            glob: text.to_owned(),
            why,
        })
    };
    text.map(parse).transpose()
}

/// GitHub's names differ by more than case; other hosts may be stricter.
fn same_repository(expected: &str, found: &str) -> bool {
    expected == found || expected.starts_with(GITHUB) && expected.eq_ignore_ascii_case(found)
}

/// How many claims matched before this one did not.
fn depth(wrong: &WrongSigner) -> u8 {
    match wrong {
        WrongSigner::Issuer { .. } => 0,
        WrongSigner::Repository { .. } => 1,
        WrongSigner::RepositoryId { .. } => 2,
        WrongSigner::Workflow { .. } => 3,
        WrongSigner::Ref { .. } => 4,
        WrongSigner::Environment { .. } => 5,
    }
}

/// Reads what a certificate claims, from Fulcio's extensions 8 to 23 and the
/// subject's alternative name.
pub(crate) fn certificate_claims(certificate: &CertificateInfo) -> SignerClaims {
    let ci = &certificate.ci_claims;
    let identity = certificate.identity.as_ref().map_or("", |san| san.as_str());
    let id = ci.source_repository_identifier.as_deref();
    SignerClaims {
        issuer: certificate.issuer.clone().unwrap_or_default(),
        identity: identity.to_owned(),
        repository: ci.source_repository_uri.clone(),
        repository_id: id.and_then(|id| id.parse().ok()),
        workflow: host_and_path(identity).map(|(_, path)| without_ref(path).to_owned()),
        git_ref: ci.source_repository_ref.clone(),
        environment: ci.deployment_environment.clone(),
        commit: ci.source_repository_digest.clone(),
        run: ci.run_invocation_uri.clone(),
    }
}

/// Reads what a token of GitHub Actions claims, and puts it as Fulcio will.
fn token_claims(claims: &Map<String, Value>) -> Result<SignerClaims, TokenError> {
    let optional = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    let required = |name: &'static str| optional(name).ok_or(TokenError::Missing(name));
    let issuer = required("iss")?;
    let called = required("job_workflow_ref")?;
    let repository = required("repository")?;
    let run = optional("run_id").zip(optional("run_attempt"));
    Ok(SignerClaims {
        issuer,
        identity: format!("{GITHUB}{called}"),
        repository: Some(format!("{GITHUB}{repository}")),
        repository_id: optional("repository_id").and_then(|id| id.parse().ok()),
        workflow: Some(without_ref(&called).to_owned()),
        git_ref: optional("ref"),
        environment: optional("environment"),
        commit: optional("sha"),
        run: run.map(|(id, attempt)| {
            format!("{GITHUB}{repository}/actions/runs/{id}/attempts/{attempt}")
        }),
    })
}

fn host_and_path(url: &str) -> Option<(&str, &str)> {
    url.strip_prefix("https://")?.split_once('/')
}

/// A ref may contain an `@` itself; a full ref begins with `refs/`.
fn without_ref(workflow: &str) -> &str {
    let named = workflow.split_once("@refs/");
    let at = named.or_else(|| workflow.rsplit_once('@'));
    at.map_or(workflow, |(path, _)| path)
}

/// The rule that any workflow of a repository satisfies.
///
/// This is what a configuration without `signer` means.
pub fn any_workflow_of(repository: &str, repository_id: Option<u64>) -> SignerRule {
    SignerRule {
        issuer: GITHUB_ACTIONS.to_owned(),
        repository: repository.to_owned(),
        repository_id,
        workflow: None,
        git_ref: None,
        environment: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule() -> SignerRule {
        SignerRule {
            workflow: Some(".github/workflows/release.yml".to_owned()),
            git_ref: Some("refs/tags/v*".to_owned()),
            environment: Some("release".to_owned()),
            ..any_workflow_of("demo/relpub-demo", Some(4242))
        }
    }

    fn token(change: impl FnOnce(&mut Value)) -> Map<String, Value> {
        let mut claims = json!({
            "iss": GITHUB_ACTIONS,
            "repository": "demo/relpub-demo",
            "repository_id": "4242",
            "job_workflow_ref": "demo/relpub-demo/.github/workflows/release.yml@refs/tags/v1.2.3",
            "ref": "refs/tags/v1.2.3",
            "environment": "release",
            "sha": "2f5c1b9a7d3e8f60412ab9cd0e7f53816a4d92bc",
        });
        change(&mut claims);
        claims.as_object().unwrap().clone()
    }

    fn refusal(rules: &[SignerRule], change: impl FnOnce(&mut Value)) -> String {
        let signer = Signer::one_of(rules).unwrap();
        match signer.check_token(&token(change)) {
            Ok(_) => "accepted".to_owned(),
            Err(why) => why.to_string(),
        }
    }

    #[test]
    fn every_claim_of_a_token_is_compared() {
        let rules = [rule()];
        assert_eq!(refusal(&rules, |_| ()), "accepted");
        let cases = [
            (
                "iss",
                json!("https://gitlab.com"),
                "the identity is from the issuer `https://gitlab.com`, not `https://token.actions.githubusercontent.com`",
            ),
            (
                "repository",
                json!("evil/relpub-demo"),
                "the identity belongs to the repository `https://github.com/evil/relpub-demo`, not `https://github.com/demo/relpub-demo`",
            ),
            (
                "repository_id",
                json!("4243"),
                "the identity belongs to repository number `4243`, not 4242",
            ),
            (
                "job_workflow_ref",
                json!("demo/relpub-demo/.github/workflows/test.yml@refs/tags/v1.2.3"),
                "the identity belongs to the workflow `demo/relpub-demo/.github/workflows/test.yml`, not `.github/workflows/release.yml`",
            ),
            (
                "ref",
                json!("refs/heads/main"),
                "the identity is for the ref `refs/heads/main`, not `refs/tags/v*`",
            ),
            (
                "environment",
                Value::Null,
                "the identity is for the environment ``, not `release`",
            ),
            (
                "job_workflow_ref",
                Value::Null,
                "the identity token has no claim `job_workflow_ref`; is this a job of GitHub Actions?",
            ),
        ];
        for (claim, value, expected) in cases {
            assert_eq!(refusal(&rules, |claims| claims[claim] = value), expected);
        }
    }

    #[test]
    fn one_of_several_rules_is_enough_and_the_nearest_explains() {
        let other = SignerRule {
            environment: None,
            git_ref: Some("refs/heads/main".to_owned()),
            ..rule()
        };
        let stranger = any_workflow_of("demo/other", None);
        let rules = [stranger, rule(), other];
        assert_eq!(
            refusal(&rules, |c| c["ref"] = json!("refs/heads/main")),
            "accepted"
        );
        assert_eq!(
            refusal(&rules, |c| c["environment"] = json!("staging")),
            "the identity is for the environment `staging`, not `release`"
        );
    }

    #[test]
    fn a_called_workflow_of_another_repository_must_be_named() {
        let shared = "demo/ci/.github/workflows/release.yml";
        let call = |claims: &mut Value| {
            claims["job_workflow_ref"] = json!(format!("{shared}@refs/heads/main"));
        };
        let any = any_workflow_of("demo/relpub-demo", None);
        assert_eq!(
            refusal(&[any], call),
            "the identity belongs to the workflow `demo/ci/.github/workflows/release.yml`, not `any of https://github.com/demo/relpub-demo`"
        );
        let named = SignerRule {
            workflow: Some(shared.to_owned()),
            ..rule()
        };
        assert_eq!(refusal(&[named], call), "accepted");
        let prefix = any_workflow_of("demo/relpub-dem", None);
        assert!(
            refusal(&[prefix], |c| c["repository"] = json!("demo/relpub-dem")).contains("workflow")
        );
    }

    #[test]
    fn nobody_is_not_anybody() {
        assert_eq!(Signer::one_of(&[]), Err(SignerError::NoRule));
        let rules = [SignerRule {
            git_ref: Some("refs/[".to_owned()),
            ..rule()
        }];
        assert_eq!(
            Signer::one_of(&rules).unwrap_err().to_string(),
            "the glob `refs/[` of a signer cannot be read: a `[` is not closed"
        );
    }
}
