//! Things as the API shows them: the JSON of GitHub's REST schemas.

use aws_lc_rs::digest;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::access::Access;
use super::repository::{Commit, Repository};
use super::state::{Asset, AssetState, Release, State};

/// Shows the things of one repository with URLs of one GitHub.
pub(super) struct Show<'a> {
    /// The URL of the GitHub.
    pub(super) url: &'a str,
    pub(super) repository: &'a Repository,
}

impl Show<'_> {
    fn api(&self) -> String {
        format!("{}/repos/{}", self.url, self.repository.full_name)
    }

    /// Returns the URL of the repository for people.
    pub(super) fn web(&self) -> String {
        format!("{}/{}", self.url, self.repository.full_name)
    }

    /// Returns the repository as a caller with `access` sees it.
    pub(super) fn repository(&self, access: Access) -> Value {
        let Repository {
            id,
            full_name,
            private,
            default_branch,
            ..
        } = self.repository;
        let api = self.api();
        let mut shown = json!({
            "id": id,
            "node_id": format!("R_{id}"),
            "name": self.repository.name(),
            "full_name": full_name,
            "private": private,
            "visibility": if *private { "private" } else { "public" },
            "owner": user(self.url, self.repository.owner(), 9_000_001, "Organization"),
            "html_url": self.web(),
            "description": null,
            "fork": false,
            "archived": false,
            "disabled": false,
            "url": api,
            "releases_url": format!("{api}/releases{{/id}}"),
            "tags_url": format!("{api}/tags"),
            "git_refs_url": format!("{api}/git/refs{{/sha}}"),
            "git_tags_url": format!("{api}/git/tags{{/sha}}"),
            "commits_url": format!("{api}/commits{{/sha}}"),
            "compare_url": format!("{api}/compare/{{base}}...{{head}}"),
            "default_branch": default_branch,
        });
        if access != Access::Anonymous {
            let push = access == Access::Push;
            shown["permissions"] = json!({
                "admin": false, "maintain": false, "push": push, "triage": push, "pull": true,
            });
        }
        shown
    }

    /// Returns a ref, given its full name and what it points to.
    pub(super) fn reference(&self, name: &str, sha: &str) -> Value {
        let api = self.api();
        let kind = self.repository.kind(sha);
        json!({
            "ref": name,
            "node_id": format!("REF_{sha}"),
            "url": format!("{api}/git/{name}"),
            "object": {"type": kind, "sha": sha, "url": format!("{api}/git/{kind}s/{sha}")},
        })
    }

    /// Returns an annotated tag, if there is one with this hash.
    pub(super) fn tag(&self, sha: &str) -> Option<Value> {
        let tag = self.repository.tags.get(sha)?;
        let api = self.api();
        let kind = self.repository.kind(&tag.object);
        Some(json!({
            "node_id": format!("TA_{sha}"),
            "tag": tag.tag,
            "sha": sha,
            "url": format!("{api}/git/tags/{sha}"),
            "message": tag.message,
            "tagger": signature(tag.date),
            "object": {
                "type": kind,
                "sha": tag.object,
                "url": format!("{api}/git/{kind}s/{}", tag.object),
            },
            "verification": unsigned(),
        }))
    }

    /// Returns a commit, given its hash.
    pub(super) fn commit(&self, sha: &str, commit: &Commit) -> Value {
        let api = self.api();
        let tree = hash(&format!("tree of {sha}"));
        let parents = commit.parents.iter().map(|sha| {
            json!({
                "sha": sha,
                "url": format!("{api}/commits/{sha}"),
                "html_url": format!("{}/commit/{sha}", self.web()),
            })
        });
        json!({
            "sha": sha,
            "node_id": format!("C_{sha}"),
            "url": format!("{api}/commits/{sha}"),
            "html_url": format!("{}/commit/{sha}", self.web()),
            "comments_url": format!("{api}/commits/{sha}/comments"),
            "commit": {
                "author": signature(commit.date),
                "committer": signature(commit.date),
                "message": commit.message,
                "tree": {"sha": tree, "url": format!("{api}/git/trees/{tree}")},
                "url": format!("{api}/git/commits/{sha}"),
                "comment_count": 0,
                "verification": unsigned(),
            },
            "author": person(self.url),
            "committer": person(self.url),
            "parents": parents.collect::<Vec<_>>(),
        })
    }

    /// Returns a release with its assets.
    pub(super) fn release(&self, state: &State, release: &Release) -> Value {
        let api = self.api();
        let Release { id, tag, .. } = release;
        let own = format!("{api}/releases/{id}");
        let assets = state.assets_of(*id).map(|asset| self.asset(release, asset));
        let archive = |kind: &str| (!release.draft).then(|| format!("{api}/{kind}/{tag}"));
        json!({
            "id": id,
            "node_id": format!("RE_{id}"),
            "url": own,
            "assets_url": format!("{own}/assets"),
            "upload_url": format!("{own}/assets{{?name,label}}"),
            "html_url": format!("{}/releases/tag/{}", self.web(), place(release)),
            "tag_name": tag,
            "target_commitish": release.target,
            "name": release.name,
            "body": release.body,
            "draft": release.draft,
            "prerelease": release.prerelease,
            "immutable": release.immutable,
            "created_at": release.created,
            "updated_at": release.updated,
            "published_at": release.published,
            "author": bot(self.url),
            "assets": assets.collect::<Vec<_>>(),
            "tarball_url": archive("tarball"),
            "zipball_url": archive("zipball"),
        })
    }

    /// Returns an asset of `release`.
    pub(super) fn asset(&self, release: &Release, asset: &Asset) -> Value {
        let Asset { id, name, .. } = asset;
        let download = format!("{}/releases/download/{}", self.web(), place(release));
        json!({
            "id": id,
            "node_id": format!("RA_{id}"),
            "url": format!("{}/releases/assets/{id}", self.api()),
            "browser_download_url": format!("{download}/{}", encode(name)),
            "name": name,
            "label": asset.label,
            "state": asset.state.as_str(),
            "content_type": asset.content_type,
            "size": asset.size,
            "digest": asset.sha256.as_ref().map(|hex| format!("sha256:{hex}")),
            "download_count": asset.downloads,
            "created_at": asset.created,
            "updated_at": asset.updated,
            "uploader": match asset.state {
                AssetState::Uploaded => bot(self.url),
                AssetState::Starter => Value::Null,
            },
        })
    }
}

/// Returns `text` as one segment of a path.
fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
        .to_string()
        .replace("%2E", ".")
        .replace("%2D", "-")
        .replace("%5F", "_")
}

/// Returns what stands for the tag in a release's web addresses.
///
/// A draft has no tag there, so that its address cannot be guessed.
fn place(release: &Release) -> String {
    if release.draft {
        format!("untagged-{}", &hash(&format!("draft {}", release.id))[..20])
    } else {
        release.tag.clone()
    }
}

/// Returns 40 hexadecimal digits that stand for a git hash of `text`.
pub(super) fn hash(text: &str) -> String {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    hex::encode(&digest.as_ref()[..20])
}

/// Returns `time` without a fraction of a second, as GitHub's times are.
pub(super) fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

fn signature(date: Timestamp) -> Value {
    json!({"name": "The Octocat", "email": "octocat@example.com", "date": date})
}

fn unsigned() -> Value {
    json!({"verified": false, "reason": "unsigned", "signature": null, "payload": null})
}

fn bot(url: &str) -> Value {
    user(url, "github-actions[bot]", 41_898_282, "Bot")
}

fn person(url: &str) -> Value {
    user(url, super::notes::AUTHOR, 583_231, "User")
}

fn user(url: &str, login: &str, id: u64, kind: &str) -> Value {
    let api = format!("{url}/users/{}", encode(login));
    json!({
        "login": login,
        "id": id,
        "node_id": format!("U_{id}"),
        "avatar_url": format!("{url}/avatars/{id}"),
        "gravatar_id": "",
        "url": api,
        "html_url": format!("{url}/{}", encode(login)),
        "followers_url": format!("{api}/followers"),
        "following_url": format!("{api}/following{{/other_user}}"),
        "gists_url": format!("{api}/gists{{/gist_id}}"),
        "starred_url": format!("{api}/starred{{/owner}}{{/repo}}"),
        "subscriptions_url": format!("{api}/subscriptions"),
        "organizations_url": format!("{api}/orgs"),
        "repos_url": format!("{api}/repos"),
        "events_url": format!("{api}/events{{/privacy}}"),
        "received_events_url": format!("{api}/received_events"),
        "type": kind,
        "site_admin": false,
    })
}
