//! Whom a rehearsal signs as: somebody whom the configuration expects.

use relpub_model::config::{Config, Vars};
use relpub_model::evidence::SignerRule;
use relpub_model::name::Commit;
use relpub_model::version::Tag;
use relpub_sandbox::World;

use crate::explain::Error;

/// The first signer that the configuration expects.
pub(super) struct Signer {
    rule: SignerRule,
    repository: String,
}

impl Signer {
    /// Reads whom the configuration expects for a tag.
    pub(super) fn of(config: &Config, tag: &Tag, commit: &Commit) -> Result<Self, Error> {
        let vars = Vars::new(config, tag).with_commit(commit);
        // The number is the world's own, and GitHub's does not matter in it.
        let rules = config.evidence.signer_rules(&vars, &config.repository, 0);
        let rules = rules.map_err(|error| Error::Usage(format!("[evidence] signer: {error}")))?;
        let first = rules.into_iter().next();
        Ok(Self {
            rule: first.expect("a configuration without signers expects any workflow"),
            repository: config.repository.to_string(),
        })
    }

    /// Returns who vouches for the signer.
    pub(super) fn issuer(&self) -> &str {
        &self.rule.issuer
    }

    /// Lets the world's job be that signer.
    pub(super) fn act(&self, world: &World) {
        let mut claims = Vec::new();
        if self.rule.repository != self.repository {
            claims.push(("repository", self.rule.repository.clone()));
        }
        if let Some(git_ref) = &self.rule.git_ref {
            claims.push(("ref", example(git_ref)));
        }
        if let Some(workflow) = &self.rule.workflow {
            let path = example(workflow);
            let path = path
                .strip_prefix(&format!("{}/", self.rule.repository))
                .unwrap_or(&path);
            let git_ref = self
                .rule
                .git_ref
                .as_deref()
                .map_or("refs/heads/main".to_owned(), example);
            let workflow = format!("{}/{path}@{git_ref}", self.rule.repository);
            claims.push(("workflow_ref", workflow.clone()));
            claims.push(("job_workflow_ref", workflow));
        }
        if let Some(environment) = &self.rule.environment {
            claims.push(("environment", environment.clone()));
        }
        let claims = claims.iter().map(|(name, value)| (*name, value.as_str()));
        world.identity.set_claims(claims);
    }
}

/// Returns a text that a glob matches: the first character of each class, and an
/// `x` for everything else that is open.
fn example(glob: &str) -> String {
    let mut out = String::new();
    let glob = glob.replace("**", "*");
    let mut rest = glob.chars();
    while let Some(c) = rest.next() {
        match c {
            '*' | '?' => out.push('x'),
            '[' => {
                out.extend(rest.next());
                rest.by_ref().find(|c| *c == ']');
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_of_a_glob_matches_it() {
        assert_eq!(example("refs/tags/v*"), "refs/tags/vx");
        assert_eq!(example("refs/heads/**/r[0-9]?"), "refs/heads/x/r0x");
    }
}
