//! What a GitHub Actions job says about itself in its identity token.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::world::Names;

/// The claims of a job, but for those that the issuer adds to every token.
pub(super) struct Claims {
    names: Names,
    changed: BTreeMap<String, String>,
}

impl Claims {
    /// Returns the claims of a release job of the repository in `names`.
    pub(super) fn new(names: &Names) -> Self {
        Self {
            names: names.clone(),
            changed: BTreeMap::new(),
        }
    }

    /// Changes claims; an empty value leaves one out.
    pub(super) fn set<'a>(&mut self, claims: impl IntoIterator<Item = (&'a str, &'a str)>) {
        for (name, value) in claims {
            self.changed.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Undoes all changes.
    pub(super) fn reset(&mut self) {
        self.changed.clear();
    }

    /// Returns the audience of a token that was asked for without one.
    pub(super) fn default_audience(&self) -> String {
        let repository = self.changed.get("repository");
        let repository = repository.unwrap_or(&self.names.repository);
        format!("https://github.com/{}", owner(repository))
    }

    /// Returns all claims, each a string.
    pub(super) fn all(&self) -> Map<String, Value> {
        let mut claims = self.independent();
        claims.extend(self.changed.clone());
        add_dependent(&mut claims);
        claims.extend(self.changed.clone());
        claims.retain(|_, value| !value.is_empty());
        let claims = claims.into_iter();
        claims.map(|(name, value)| (name, value.into())).collect()
    }

    fn independent(&self) -> BTreeMap<String, String> {
        [
            ("actor", "octocat"),
            ("actor_id", "583231"),
            ("base_ref", ""),
            ("check_run_id", "70000000001"),
            ("environment", "release"),
            ("environment_node_id", "EN_kwDOSandbox"),
            ("event_name", "workflow_dispatch"),
            ("head_ref", ""),
            ("ref", "refs/heads/main"),
            ("ref_protected", "true"),
            ("repository", &self.names.repository),
            ("repository_id", "800000001"),
            ("repository_owner_id", "9000001"),
            ("repository_visibility", "public"),
            ("run_attempt", "1"),
            ("run_id", "10000000001"),
            ("run_number", "42"),
            ("runner_environment", "github-hosted"),
            ("sha", &self.names.commit),
            ("workflow", "Release"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }
}

/// Adds the claims that are put together from others.
fn add_dependent(claims: &mut BTreeMap<String, String>) {
    let get = |name: &str| claims.get(name).cloned().unwrap_or_default();
    let (repository, reference, sha) = (get("repository"), get("ref"), get("sha"));
    let workflow = format!("{repository}/.github/workflows/release.yml@{reference}");
    let environment = get("environment");
    let subject = match environment.as_str() {
        "" => format!("repo:{repository}:ref:{reference}"),
        environment => format!("repo:{repository}:environment:{environment}"),
    };
    let ref_type = match reference.strip_prefix("refs/tags/") {
        Some(_) => "tag",
        None => "branch",
    };
    claims.extend(
        [
            ("sub", subject),
            ("ref_type", ref_type.to_owned()),
            ("repository_owner", owner(&repository).to_owned()),
            ("workflow_ref", workflow.clone()),
            ("workflow_sha", sha.clone()),
            ("job_workflow_ref", workflow),
            ("job_workflow_sha", sha),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    if environment.is_empty() {
        claims.remove("environment_node_id");
    }
}

fn owner(repository: &str) -> &str {
    repository.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_a_claim_changes_with_it() {
        let mut claims = Claims::new(&Names::default());
        claims.set([
            ("repository", "a/b"),
            ("ref", "refs/tags/v1"),
            ("environment", ""),
        ]);
        let all = claims.all();
        assert_eq!(all["sub"], "repo:a/b:ref:refs/tags/v1");
        assert_eq!(all["ref_type"], "tag");
        assert_eq!(all["repository_owner"], "a");
        assert_eq!(
            all["job_workflow_ref"],
            "a/b/.github/workflows/release.yml@refs/tags/v1"
        );
        assert!(!all.contains_key("environment"));
        assert!(!all.contains_key("environment_node_id"));

        claims.set([("job_workflow_ref", "c/d/.github/workflows/x.yml@main")]);
        assert_eq!(
            claims.all()["job_workflow_ref"],
            "c/d/.github/workflows/x.yml@main"
        );
        assert_eq!(claims.default_audience(), "https://github.com/a");
    }
}
