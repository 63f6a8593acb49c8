//! One repository: its settings and as much of git as releases need.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

const BRANCHES: &str = "refs/heads/";
const TAGS: &str = "refs/tags/";

/// A repository with its git objects.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Repository {
    pub(super) id: u64,
    pub(super) full_name: String,
    pub(super) private: bool,
    pub(super) default_branch: String,
    /// Whether releases are immutable from their publication on.
    pub(super) immutable_releases: bool,
    /// The release that was made the latest by request.
    pub(super) latest: Option<u64>,
    /// The tags of deleted immutable releases, which no release may use again.
    pub(super) burned: BTreeSet<String>,
    /// The object that each full name, such as `refs/tags/v1`, points to.
    pub(super) refs: BTreeMap<String, String>,
    pub(super) commits: BTreeMap<String, Commit>,
    /// The annotated tags by their own hash.
    pub(super) tags: BTreeMap<String, TagObject>,
}

/// A commit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Commit {
    pub(super) message: String,
    pub(super) parents: Vec<String>,
    pub(super) date: Timestamp,
}

/// An annotated tag.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct TagObject {
    pub(super) tag: String,
    pub(super) message: String,
    /// The hash of what is tagged: a commit, or another tag.
    pub(super) object: String,
    pub(super) date: Timestamp,
}

/// Returns the key of a repository: names do not differ by case alone.
pub(super) fn key(full_name: &str) -> String {
    full_name.to_ascii_lowercase()
}

impl Repository {
    /// Returns an empty public repository.
    pub(super) fn new(full_name: &str, id: u64) -> Self {
        Self {
            id,
            full_name: full_name.to_owned(),
            private: false,
            default_branch: "main".to_owned(),
            immutable_releases: false,
            latest: None,
            burned: BTreeSet::new(),
            refs: BTreeMap::new(),
            commits: BTreeMap::new(),
            tags: BTreeMap::new(),
        }
    }

    /// Returns the name in lower case, by which it is found.
    pub(super) fn key(&self) -> String {
        key(&self.full_name)
    }

    /// Returns the part of the name before the slash.
    pub(super) fn owner(&self) -> &str {
        self.full_name.split('/').next().unwrap_or_default()
    }

    /// Returns the part of the name after the slash.
    pub(super) fn name(&self) -> &str {
        self.full_name.split('/').nth(1).unwrap_or_default()
    }

    /// Adds a commit, and moves the default branch on if the commit follows it.
    pub(super) fn commit(&mut self, sha: &str, commit: Commit) {
        let branch = format!("{BRANCHES}{}", self.default_branch);
        let head = self.refs.get(&branch);
        if head.is_none_or(|head| commit.parents.contains(head)) {
            self.refs.insert(branch, sha.to_owned());
        }
        self.commits.insert(sha.to_owned(), commit);
    }

    /// Returns whether there is a commit or a tag with this hash.
    pub(super) fn has_object(&self, sha: &str) -> bool {
        self.commits.contains_key(sha) || self.tags.contains_key(sha)
    }

    /// Returns the kind of an object as the API spells it.
    pub(super) fn kind(&self, sha: &str) -> &'static str {
        if self.tags.contains_key(sha) {
            "tag"
        } else {
            "commit"
        }
    }

    /// Follows annotated tags to the commit that they tag.
    pub(super) fn peel<'a>(&'a self, sha: &'a str) -> Option<&'a str> {
        let mut sha = sha;
        while let Some(tag) = self.tags.get(sha) {
            sha = &tag.object;
        }
        let (sha, _) = self.commits.get_key_value(sha)?;
        Some(sha)
    }

    /// Returns the commit that a branch points to.
    pub(super) fn branch(&self, name: &str) -> Option<&str> {
        self.peel(self.refs.get(&format!("{BRANCHES}{name}"))?)
    }

    /// Returns the commit that a tag points to, in the end.
    pub(super) fn tag(&self, name: &str) -> Option<&str> {
        self.peel(self.refs.get(&format!("{TAGS}{name}"))?)
    }

    /// Returns the commit that is meant by a branch, tag, ref or (short) hash.
    pub(super) fn resolve(&self, text: &str) -> Option<&str> {
        let short = || {
            let hex = text.len() >= 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            let lower = text.to_ascii_lowercase();
            let mut found = self.commits.keys().filter(|sha| sha.starts_with(&lower));
            let first = found.next().filter(|_| hex)?;
            found.next().is_none().then_some(first.as_str())
        };
        let named = || self.peel(self.refs.get(&format!("refs/{text}"))?);
        self.branch(text)
            .or_else(|| self.tag(text))
            .or_else(named)
            .or_else(short)
    }

    /// Returns what a new tag would point to: a branch's head or a whole hash.
    pub(super) fn target(&self, commitish: &str) -> Option<&str> {
        let named = commitish.strip_prefix(BRANCHES).unwrap_or(commitish);
        self.branch(named).or_else(|| {
            let (sha, _) = self.commits.get_key_value(commitish)?;
            Some(sha)
        })
    }

    /// Returns the tags with the commits they point to.
    pub(super) fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.refs
            .iter()
            .filter_map(|(name, sha)| Some((name.strip_prefix(TAGS)?, self.peel(sha)?)))
    }

    /// Returns a commit and all before it, parents before their children.
    pub(super) fn history(&self, sha: &str) -> Vec<&str> {
        let mut order = Vec::new();
        let mut seen = BTreeSet::new();
        // Each commit is met twice: first its parents go on the stack, then it is done.
        let mut stack = vec![(sha, false)];
        while let Some((sha, done)) = stack.pop() {
            let Some((sha, commit)) = self.commits.get_key_value(sha) else {
                continue;
            };
            if done {
                order.push(sha.as_str());
            } else if seen.insert(sha) {
                stack.push((sha, true));
                stack.extend(commit.parents.iter().rev().map(|it| (it.as_str(), false)));
            }
        }
        order
    }
}

/// Returns the full name of a tag's ref.
pub(super) fn tag_ref(tag: &str) -> String {
    format!("{TAGS}{tag}")
}

/// Returns the full name of a branch's ref.
pub(super) fn branch_ref(branch: &str) -> String {
    format!("{BRANCHES}{branch}")
}

/// Returns whether git takes `name` as the name of a tag (git-check-ref-format).
pub(super) fn is_ref_name(name: &str) -> bool {
    let forbidden = |c: char| c.is_control() || " ~^:?*[\\\u{7f}".contains(c);
    let part = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && !part.to_ascii_lowercase().ends_with(".lock")
    };
    name != "@"
        && !name.contains(forbidden)
        && !name.contains("..")
        && !name.contains("@{")
        && !name.ends_with('.')
        && name.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(parents: &[&str]) -> Commit {
        Commit {
            message: String::new(),
            parents: parents.iter().map(|&it| it.to_owned()).collect(),
            date: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn history_has_parents_before_children_and_nothing_twice() {
        let mut repository = Repository::new("o/r", 1);
        for (sha, parents) in [
            ("aaaa", &[][..]),
            ("bbbb", &["aaaa"]),
            ("cccc", &["aaaa"]),
            ("dddd", &["bbbb", "cccc"]),
        ] {
            repository.commit(sha, commit(parents));
        }
        assert_eq!(repository.history("dddd"), ["aaaa", "bbbb", "cccc", "dddd"]);
        assert_eq!(repository.branch("main"), Some("dddd"));
        assert_eq!(repository.resolve("ccc"), None);
        assert_eq!(repository.resolve("cccc"), Some("cccc"));
    }

    #[test]
    fn names_of_refs_are_those_of_git() {
        for name in ["v1.2.3", "a/b", "v1.0+local", "ü"] {
            assert!(is_ref_name(name), "{name}");
        }
        for name in [
            "", "a b", "a..b", "/a", "a/", ".a", "a.lock", "a.", "@", "a~1",
        ] {
            assert!(!is_ref_name(name), "{name}");
        }
    }
}
