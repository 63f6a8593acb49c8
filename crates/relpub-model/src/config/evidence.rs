//! What evidence a promotion leaves, and who is expected to sign it.

use std::collections::BTreeSet;

use super::errors::Faults;
use super::parse::{accept, one};
use super::reader::{At, Section};
use super::text::{Scope, TextError, Vars};
use super::{Template, keys, url};
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

    /// Returns the same for a tag that is not known: what depends on it may be
    /// anything in its place, and can be compared once it is known.
    pub fn any_tag(&self, repository: &Repository, repository_id: Option<u64>) -> Vec<SignerRule> {
        let open = |text: &Template| Ok(without_variables(text.as_str()));
        let rules = self.rules(repository, repository_id, open);
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

/// Puts `*` in the place of each variable.
fn without_variables(template: &str) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        out.push('*');
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    out + rest
}

/// Reads `[evidence]`.
pub(super) fn read(top: &Section<'_>, faults: &mut Faults<'_>) -> EvidenceRule {
    let mut rule = EvidenceRule::default();
    let Some(section) = one(top, "evidence", &keys::EVIDENCE, faults) else {
        return rule;
    };
    let word = |key| section.text(key).map(|text| text.value);
    if word("sign") == Some("none") {
        rule.sign = Sign::None;
    }
    if word("sbom") == Some("none") {
        rule.sbom = SbomFormat::None;
        rule.attest.remove(&Attest::Sbom);
    }
    if section.has("attest") {
        rule.attest = attest(&section, rule.sbom, faults);
    }
    rule.checksums = checksums(&section, faults);
    if let Some(folder) = word("sigstore").filter(|word| *word != "public") {
        rule.sigstore = SigstoreRule::Folder(folder.to_owned());
    }
    rule.signers = signers(&section, faults);
    rule
}

fn attest(section: &Section<'_>, sbom: SbomFormat, faults: &mut Faults<'_>) -> BTreeSet<Attest> {
    let mut out = BTreeSet::new();
    for At { value, at } in section.texts("attest") {
        match value {
            "promotion" => out.insert(Attest::Promotion),
            "receipt" => out.insert(Attest::Receipt),
            _ if sbom == SbomFormat::None => {
                let message = "`attest` names `sbom`, and `sbom = \"none\"` makes none";
                faults.add_hint(at, message, "take one of them away");
                continue;
            }
            _ => out.insert(Attest::Sbom),
        };
    }
    out
}

/// A name is checked with a letter in the place of each variable, whose values
/// are names of their own, but for the repository's.
fn checksums(section: &Section<'_>, faults: &mut Faults<'_>) -> Option<Template> {
    let name = section.text("checksums")?;
    let template = accept(Template::parse(name.value, Scope::Release), &name, faults)?;
    if name.value.contains("{repository") {
        let message = "`checksums` is a file's name, and `{repository}` has a slash";
        faults.add_hint(name.at, message, "say `{project}`");
        return None;
    }
    let mut plain = String::new();
    let mut inside = false;
    for c in name.value.chars() {
        match c {
            '{' => inside = true,
            '}' => {
                inside = false;
                plain.push('x');
            }
            c if !inside => plain.push(c),
            _ => {}
        }
    }
    if let Err(error) = plain.parse::<crate::name::FileName>() {
        faults.add(name.at, error.to_string());
        return None;
    }
    Some(template)
}

fn signers(section: &Section<'_>, faults: &mut Faults<'_>) -> Vec<SignerTemplate> {
    let tables = section.tables("signer");
    let alone = tables.len() == 1;
    let sections: Vec<Section<'_>> = (1..)
        .zip(tables)
        .map(|(number, table)| {
            let place = if alone {
                "[evidence.signer]".to_owned()
            } else {
                format!("[[evidence.signer]] number {number}")
            };
            Section::open(&keys::SIGNER, place, table.value, table.at, faults)
        })
        .collect();
    sections.iter().map(|it| signer(it, faults)).collect()
}

fn signer(section: &Section<'_>, faults: &mut Faults<'_>) -> SignerTemplate {
    let mut template = |key| {
        let text = section.text(key)?;
        accept(Template::parse(text.value, Scope::Release), &text, faults)
    };
    let (workflow, git_ref) = (template("workflow"), template("ref"));
    for key in ["workflow", "ref"] {
        let text = section.text(key);
        if let Some((text, why)) = text.and_then(|text| Some((text.clone(), bad_glob(text.value)?)))
        {
            faults.add(text.at, format!("`{key}` is no glob: {why}"));
        }
    }
    if let Some(At { value, at }) = section.text("ref")
        && !value.starts_with("refs/")
        && !value.starts_with(['*', '{'])
    {
        faults.add_hint(
            at,
            format!("`ref = \"{value}\"` is no full ref"),
            format!("say `refs/tags/{value}` or `refs/heads/{value}`"),
        );
    }
    let repository = section.text("repository").and_then(|At { value, at }| {
        let parsed = value.parse();
        parsed
            .map_err(|error: crate::name::NameError| faults.add(at, error.to_string()))
            .ok()
    });
    let issuer = section.text("issuer");
    if let Some(issuer) = &issuer
        && url::check("issuer", issuer, faults)
        && !issuer.value.starts_with("https://")
    {
        let message = "`issuer` takes a URL that begins with `https://`";
        faults.add(issuer.at.clone(), message);
    }
    let text = |it: Option<At<&str>>| it.map(|it| it.value.to_owned());
    SignerTemplate {
        workflow,
        git_ref,
        environment: text(section.text("environment")),
        repository,
        issuer: text(issuer),
    }
}

/// Says what is wrong with a glob, if anything.
fn bad_glob(glob: &str) -> Option<&'static str> {
    if glob.is_empty() {
        return Some("it is empty");
    }
    let opened = glob.rsplit_once('[').map(|(_, rest)| rest);
    opened
        .is_some_and(|rest| !rest.chars().skip(1).any(|c| c == ']'))
        .then_some("a `[` is not closed")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{HEAD, check, parsed};
    use super::*;

    #[test]
    fn evidence_is_read_as_it_is_written() {
        let config = parsed(&format!(
            r#"{HEAD}artifacts = [{{ files = "x.whl", to = ["pypi", "github"] }}]
        [destinations]
        pypi = {{ attestations = false }}
        [evidence]
        attest = ["promotion", "receipt"]
        sign = "none"
        sbom = "none"
        checksums = "slugs-{{version}}-SHA256SUMS"
        sigstore = "private/sigstore"
        signer = [
          {{ workflow = ".github/workflows/release.yml", ref = "refs/tags/v{{version}}", environment = "release" }},
          {{ repository = "ada/builds", issuer = "https://ci.example" }},
        ]
        "#
        ));
        let rule = &config.evidence;
        assert_eq!(rule.attest, [Attest::Promotion, Attest::Receipt].into());
        assert_eq!((rule.sign, rule.sbom), (Sign::None, SbomFormat::None));
        assert_eq!(
            rule.sigstore,
            SigstoreRule::Folder("private/sigstore".to_owned())
        );
        assert!(!config.destinations[&"pypi".parse().unwrap()].attestations);
        let tag = config.tag.read("v1.2.0").unwrap();
        let rules = rule.signer_rules(&Vars::new(&config, &tag), &config.repository, 7);
        let rules = rules.unwrap();
        assert_eq!(rules[0].git_ref.as_deref(), Some("refs/tags/v1.2.0"));
        assert_eq!(
            (rules[0].repository.as_str(), rules[0].repository_id),
            ("ada/slugs", Some(7))
        );
        // A number is known of the project's own repository only.
        assert_eq!(
            (rules[1].repository.as_str(), rules[1].repository_id),
            ("ada/builds", None)
        );
        let any = &rule.any_tag(&config.repository, None)[0];
        assert_eq!(any.git_ref.as_deref(), Some("refs/tags/v*"));
    }

    #[test]
    fn without_a_word_everything_is_signed_by_any_workflow_of_the_repository() {
        let config = parsed(&format!("{HEAD}artifacts = [{{ files = \"x\", to = [] }}]"));
        assert_eq!(
            config.evidence.attest,
            [Attest::Promotion, Attest::Sbom].into()
        );
        assert_eq!(config.evidence.sign, Sign::Bundle);
        let tag = config.tag.read("v1.2.0").unwrap();
        let vars = Vars::new(&config, &tag);
        let rules = config
            .evidence
            .signer_rules(&vars, &config.repository, 7)
            .unwrap();
        assert_eq!(rules.len(), 1);
        assert_eq!(
            (rules[0].workflow.as_deref(), rules[0].repository_id),
            (None, Some(7))
        );
    }

    #[test]
    fn mistakes_in_evidence_are_told_apart() {
        let evidence = |text: &str| {
            format!("{HEAD}artifacts = [{{ files = \"x\", to = [] }}]\n[evidence]\n{text}")
        };
        check(
            &evidence(
                "attest = [\"promotion\", \"verification-summary\", \"sboms\"]\nsign = \"bundle+legacy\"\nsbom = \"cyclonedx-1.7\"\ncarry = true\nsigner = \"me\"",
            ),
            "5:24 `attest = \"verification-summary\"` is not supported by this version\n\
         5:48 `attest = \"sboms\"` is not known; did you mean `sbom`?\n\
         6:8 `sign = \"bundle+legacy\"` is not supported by this version\n\
         7:8 `sbom = \"cyclonedx-1.7\"` is not supported by this version\n\
         8:1 `carry` is not supported by this version\n\
         9:10 `signer` takes a table [signer] or a list of such tables",
        );
        check(
            &evidence(
                "sbom = \"none\"\nattest = \"sbom\"\nchecksums = \"a/b\"\nsigner = { workflow = \"{nothing}\", ref = \"v1\", repository = \"ada\", issuer = \"ci.example\" }",
            ),
            "6:10 `attest` names `sbom`, and `sbom = \"none\"` makes none; take one of them away\n\
         7:13 `a/b` is no file name that can be published: only letters, digits and . _ + ~ - are allowed\n\
         8:24 unknown variable `{nothing}`\n\
         8:42 `ref = \"v1\"` is no full ref; say `refs/tags/v1` or `refs/heads/v1`\n\
         8:61 `ada` is no repository: it is written `owner/name`\n\
         8:77 `issuer` takes a URL that begins with `https://`",
        );
        check(
            &format!(
                "{HEAD}artifacts = [{{ files = \"x\", to = \"github\" }}]\ndestinations.github.attestations = true"
            ),
            "4:21 `attestations` is for package indexes",
        );
    }
}
