//! How to verify the release: commands for this very release, for the tools that
//! people have, as far as this promotion leaves what they look for.

use std::collections::BTreeSet;

use crate::evidence::{CYCLONEDX, EvidenceKind, GITHUB_ACTIONS, SignerRule};
use crate::name::FileName;
use crate::production::PROMOTION_PREDICATE;
use crate::promotion::Promotion;

/// Who is expected to have signed, and whose certificates they have.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signers<'a> {
    /// The rules; one of them matches.
    pub rules: &'a [SignerRule],
    /// Whether the certificates are those of a private instance, which tools
    /// know only by a trusted root that they are given.
    pub private: bool,
}

/// A file of the release, and who signed it.
struct Example<'a> {
    promotion: &'a Promotion,
    signers: Signers<'a>,
    file: &'a FileName,
}

/// Returns the commands, each with its sentence: empty where nothing can be
/// verified.
pub(super) fn commands(promotion: &Promotion, signers: Signers<'_>) -> Vec<String> {
    let has = |kind| promotion.evidence.kinds.contains(&kind);
    let release = promotion.evidence.releases.first();
    let file = release.and_then(|release| promotion.edges_to(release).next());
    let mut out = Vec::new();
    if let Some(edge) = file.filter(|_| !signers.rules.is_empty()) {
        let file = &edge.name;
        let example = Example {
            promotion,
            signers,
            file,
        };
        if has(EvidenceKind::Signature) && has_room(file) {
            out.push(example.download());
            out.push(example.cosign());
            out.extend(example.sigstore());
        }
        if has(EvidenceKind::Promotion) {
            out.extend(example.gh(PROMOTION_PREDICATE));
        }
        if has(EvidenceKind::Sbom) {
            out.extend(example.gh(CYCLONEDX));
        }
        if !out.is_empty() {
            out.extend(example.relpub());
        }
    }
    if has(EvidenceKind::Publish) && !signers.private {
        out.extend(pypi(promotion));
    }
    out
}

/// Tells whether there is a bundle beside a file: its name may be too long.
fn has_room(file: &FileName) -> bool {
    format!("{file}.sigstore.json").parse::<FileName>().is_ok()
}

fn pypi(promotion: &Promotion) -> Option<String> {
    // The tool knows no other index.
    let is_pypi = |name: &&crate::name::DestinationName| name.as_str() == "pypi";
    let index = promotion.evidence.indexes.iter().find(is_pypi)?;
    let file = &promotion.edges_to(index).next()?.name;
    let repository = &promotion.repository.name;
    Some(format!(
        "pypi-attestations verify pypi --repository https://github.com/{repository} pypi:{file}"
    ))
}

impl Example<'_> {
    fn repository(&self) -> &str {
        self.promotion.repository.name.as_str()
    }

    fn download(&self) -> String {
        let tag = quoted(&self.promotion.tag.name);
        let (repository, file) = (self.repository(), self.file);
        format!("gh release download {tag} --repo {repository} --pattern '{file}*'")
    }

    fn cosign(&self) -> String {
        let root = self.root("--trusted-root");
        let identity = quoted(&identity(self.signers.rules));
        let file = self.file;
        let issuer = issuer(self.signers.rules);
        format!(
            "cosign verify-blob --bundle {file}.sigstore.json{root} \\\n  \
             --certificate-identity-regexp {identity} \\\n  {issuer} {file}"
        )
    }

    /// The command for GitHub takes a repository instead of a whole identity,
    /// which has the ref in it.
    fn sigstore(&self) -> Option<String> {
        let rule = only(self.signers.rules).filter(|_| !self.signers.private)?;
        let file = self.file;
        let exact = rule.git_ref.as_ref().filter(|text| !is_glob(text));
        let git_ref = exact.map(|text| format!(" --ref {}", quoted(text)));
        Some(format!(
            "sigstore verify github --bundle {file}.sigstore.json --repository {}{} {file}",
            rule.repository,
            git_ref.unwrap_or_default()
        ))
    }

    fn gh(&self, predicate: &str) -> Option<String> {
        let rule = only(self.signers.rules)?;
        let elsewhere = rule.workflow.as_deref().and_then(other_repository);
        let elsewhere = elsewhere.map(|name| format!(" --signer-repo {name}"));
        Some(format!(
            "gh attestation verify {} --repo {}{}{} \\\n  --predicate-type {predicate}",
            self.file,
            self.repository(),
            elsewhere.unwrap_or_default(),
            self.root("--custom-trusted-root"),
        ))
    }

    /// Without the configuration a file is judged by the public instance, as
    /// signed by a workflow of the repository.
    fn relpub(&self) -> Vec<String> {
        let file = format!(
            "relpub verify {} --repository {}",
            self.file,
            self.repository()
        );
        let tag = format!("relpub verify {}", quoted(&self.promotion.tag.name));
        let all = format!("{tag}   # every file, from a clone of the repository");
        if self.signers.private {
            vec![all]
        } else {
            vec![file, all]
        }
    }

    fn root(&self, option: &str) -> String {
        if self.signers.private {
            format!(" {option} trusted_root.json")
        } else {
            String::new()
        }
    }
}

/// Returns the rule for the tools that take one signer, of GitHub Actions.
fn only(rules: &[SignerRule]) -> Option<&SignerRule> {
    match rules {
        [rule] if rule.issuer == GITHUB_ACTIONS && !rule.repository.contains(':') => Some(rule),
        _ => None,
    }
}

/// Returns the repository of a workflow that is called from another one.
fn other_repository(workflow: &str) -> Option<&str> {
    let (repository, _) = workflow.split_once("/.github/")?;
    (repository.split('/').count() == 2 && !is_glob(repository)).then_some(repository)
}

fn issuer(rules: &[SignerRule]) -> String {
    let issuers: BTreeSet<&str> = rules.iter().map(|rule| rule.issuer.as_str()).collect();
    let all: Vec<&str> = issuers.into_iter().collect();
    if let [one] = all[..] {
        return format!("--certificate-oidc-issuer {}", quoted(one));
    }
    let any: Vec<String> = all.into_iter().map(escaped).collect();
    let any = quoted(&format!("^(?:{})$", any.join("|")));
    format!("--certificate-oidc-issuer-regexp {any}")
}

/// Returns an anchored regular expression for the identities that the rules
/// let pass.
fn identity(rules: &[SignerRule]) -> String {
    let each: BTreeSet<String> = rules.iter().map(one_identity).collect();
    let each: Vec<String> = each.into_iter().collect();
    match &each[..] {
        [one] => format!("^{one}"),
        all => format!("^(?:{})", all.join("|")),
    }
}

/// An identity is the workflow's URL, `@` and the ref that the workflow itself
/// was read from: that of the run, unless it lives in another repository.
fn one_identity(rule: &SignerRule) -> String {
    let (host, repository) = match rule.repository.strip_prefix("https://") {
        Some(url) => url.split_once('/').unwrap_or((url, "")),
        None => ("github.com", rule.repository.as_str()),
    };
    let host = format!("https://{}/", escaped(host));
    let own = format!("{host}{}/", escaped(repository));
    let git_ref = rule.git_ref.as_deref();
    match rule.workflow.as_deref() {
        None => match git_ref {
            None => own,
            Some(git_ref) => format!("{own}.+@{}$", expression(git_ref)),
        },
        Some(path) if path.starts_with('.') => match git_ref {
            None => format!("{own}{}@", expression(path)),
            Some(git_ref) => format!("{own}{}@{}$", expression(path), expression(git_ref)),
        },
        Some(path) => {
            let repository = escaped(repository);
            format!("{host}(?:{repository}/)?{}@", expression(path))
        }
    }
}

fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Returns a glob as a regular expression: `*`, `?` and classes stay within a
/// segment, `**` does not.
fn expression(glob: &str) -> String {
    let mut out = String::new();
    let mut rest = glob.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '*' if rest.next_if_eq(&'*').is_some() => out.push_str(".*"),
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '[' => class(&mut rest, &mut out),
            other => push_escaped(&mut out, other),
        }
    }
    out
}

/// Writes a class after its `[`, whose first character may be a `]`.
fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    out.push('[');
    if rest.next_if_eq(&'!').is_some() {
        out.push_str("^/");
    }
    let mut first = true;
    for c in rest.by_ref() {
        match c {
            ']' if !first => break,
            '\\' | ']' | '^' | '[' => out.extend(['\\', c]),
            _ => out.push(c),
        }
        first = false;
    }
    out.push(']');
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    text.chars().for_each(|c| push_escaped(&mut out, c));
    out
}

fn push_escaped(out: &mut String, c: char) {
    if r"\.+*?()|[]{}^$".contains(c) {
        out.push('\\');
    }
    out.push(c);
}

/// Returns a word as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@,".contains(c);
    if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(workflow: Option<&str>, git_ref: Option<&str>) -> SignerRule {
        SignerRule {
            issuer: GITHUB_ACTIONS.to_owned(),
            repository: "ada/slugs.rs".to_owned(),
            repository_id: Some(7),
            workflow: workflow.map(str::to_owned),
            git_ref: git_ref.map(str::to_owned),
            environment: None,
        }
    }

    #[test]
    fn an_identity_is_anchored_and_escaped() {
        let own = Some(".github/workflows/release.yml");
        let of = |workflow, git_ref| identity(&[rule(workflow, git_ref)]);
        assert_eq!(of(None, None), r"^https://github\.com/ada/slugs\.rs/");
        assert_eq!(
            of(own, None),
            r"^https://github\.com/ada/slugs\.rs/\.github/workflows/release\.yml@"
        );
        assert_eq!(
            of(own, Some("refs/tags/v[!0-9]?*")),
            r"^https://github\.com/ada/slugs\.rs/\.github/workflows/release\.yml@refs/tags/v[^/0-9][^/][^/]*$"
        );
        assert_eq!(
            of(None, Some("refs/heads/**")),
            r"^https://github\.com/ada/slugs\.rs/.+@refs/heads/.*$"
        );
        // Its ref is not that of the run.
        assert_eq!(
            of(Some("ada/ci/.github/workflows/*.yml"), Some("refs/tags/v1")),
            r"^https://github\.com/(?:ada/slugs\.rs/)?ada/ci/\.github/workflows/[^/]*\.yml@"
        );
    }

    #[test]
    fn several_signers_are_one_expression_each() {
        let mut other = rule(None, None);
        other.repository = "https://git.example/ada/builds".to_owned();
        other.issuer = "https://git.example".to_owned();
        let rules = [rule(None, None), other];
        assert_eq!(
            identity(&rules),
            r"^(?:https://git\.example/ada/builds/|https://github\.com/ada/slugs\.rs/)"
        );
        assert_eq!(
            issuer(&rules),
            r"--certificate-oidc-issuer-regexp '^(?:https://git\.example|https://token\.actions\.githubusercontent\.com)$'"
        );
        assert_eq!(only(&rules), None);
    }
}
