//! What evidence a promotion leaves, and who is expected to sign it.

use std::collections::BTreeSet;

use super::Template;
use super::text::{TextError, Vars};
use crate::evidence::{GITHUB_ACTIONS, SignerRule};
use crate::name::Repository;

/// What evidence a promotion leaves.
#[derive(Clone, Debug)]
pub struct EvidenceRule {
    /// The statements that are signed.
    pub attest: BTreeSet<Attest>,
    /// Whether every file is signed.
    pub sign: Sign,
    /// How the contents of every artifact are described.
    pub sbom: SbomFormat,
    /// The name of an asset with the digests of all artifacts.
    pub checksums: Option<Template>,
    /// Who signs; one of them must be the identity at hand. Empty means any
    /// workflow of the repository on GitHub Actions.
    pub signers: Vec<SignerTemplate>,
    /// Whose certificates and logs are used.
    pub sigstore: SigstoreRule,
}

/// A statement that is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attest {
    /// That the bytes may go to the destinations.
    Promotion,
    /// What the bytes contain.
    Sbom,
    /// That the bytes were seen at the destinations.
    Receipt,
}

/// Whether every file is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// No file is.
    None,
    /// By a Sigstore bundle beside the file.
    Bundle,
}

/// How the contents of an artifact are described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SbomFormat {
    /// Not at all.
    None,
    /// By a CycloneDX 1.6 document.
    CycloneDx16,
}

/// Whose certificates and logs are used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SigstoreRule {
    /// The public good instance.
    Public,
    /// A private instance: the folder with its trusted root and signing config.
    Folder(String),
}

/// A signer that is expected. What is `None` is not compared, except the
/// repository and the issuer, which are then the project's and GitHub Actions.
#[derive(Clone, Debug, Default)]
pub struct SignerTemplate {
    /// A glob for the workflow's path.
    pub workflow: Option<Template>,
    /// A glob for the full ref.
    pub git_ref: Option<Template>,
    /// The deployment environment.
    pub environment: Option<String>,
    /// The repository that runs.
    pub repository: Option<Repository>,
    /// The issuer of the identity.
    pub issuer: Option<String>,
}

impl Default for EvidenceRule {
    fn default() -> Self {
        Self {
            attest: BTreeSet::from([Attest::Promotion, Attest::Sbom]),
            sign: Sign::Bundle,
            sbom: SbomFormat::CycloneDx16,
            checksums: None,
            signers: Vec::new(),
            sigstore: SigstoreRule::Public,
        }
    }
}

impl EvidenceRule {
    /// Returns the rule that leaves none.
    pub fn none() -> Self {
        Self {
            attest: BTreeSet::new(),
            sign: Sign::None,
            sbom: SbomFormat::None,
            ..Self::default()
        }
    }

    /// Returns who is expected to sign, for the project's repository by name and
    /// number.
    ///
    /// # Errors
    /// When a template asks for a value that is not known.
    pub fn signer_rules(
        &self,
        vars: &Vars<'_>,
        repository: &Repository,
        repository_id: u64,
    ) -> Result<Vec<SignerRule>, TextError> {
        self.rules(repository, Some(repository_id), |text| text.render(vars))
    }

    /// Returns the same for a tag that is not known. What depends on it is not
    /// compared; it can be, once it is known.
    pub fn any_tag(&self, repository: &Repository, repository_id: Option<u64>) -> Vec<SignerRule> {
        let fixed = |text: &Template| Ok(text.as_str().to_owned());
        let mut rule = self.clone();
        for signer in &mut rule.signers {
            signer.workflow.take_if(|text| text.as_str().contains('{'));
            signer.git_ref.take_if(|text| text.as_str().contains('{'));
        }
        let rules = rule.rules(repository, repository_id, fixed);
        rules.unwrap_or_default()
    }

    fn rules(
        &self,
        repository: &Repository,
        repository_id: Option<u64>,
        text: impl Fn(&Template) -> Result<String, TextError>,
    ) -> Result<Vec<SignerRule>, TextError> {
        let any = [SignerTemplate::default()];
        let templates = if self.signers.is_empty() {
            &any[..]
        } else {
            &self.signers
        };
        let text = |template: &Option<Template>| template.as_ref().map(&text).transpose();
        let rule = |template: &SignerTemplate| {
            let other = template.repository.as_ref().filter(|it| *it != repository);
            let issuer = template.issuer.as_deref().unwrap_or(GITHUB_ACTIONS);
            Ok(SignerRule {
                issuer: issuer.to_owned(),
                repository: other.unwrap_or(repository).to_string(),
                repository_id: repository_id.filter(|_| other.is_none()),
                workflow: text(&template.workflow)?,
                git_ref: text(&template.git_ref)?,
                environment: template.environment.clone(),
            })
        };
        templates.iter().map(rule).collect()
    }
}
