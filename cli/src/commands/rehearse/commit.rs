//! Which commit is rehearsed: the given one, else the manifest's, else the local
//! git's.

use relpub::{Config, Context, Selection};
use relpub_model::name::Commit;

use crate::app::App;
use crate::explain::Error;

/// Returns the commit that the artifacts were built from.
pub(super) async fn find(
    app: &App,
    cx: &Context,
    config: &Config,
    selection: &Selection,
) -> Result<Commit, Error> {
    if let Some(commit) = &selection.commit {
        return Ok(commit.clone());
    }
    if let Some(commit) = relpub::commit_of_manifest(cx, config, selection).await? {
        return Ok(commit);
    }
    let tag = &selection.tag.name;
    match local(app, tag).await {
        Some(commit) => Ok(commit),
        None => Err(Error::Usage(format!(
            "no manifest names the commit of {tag}, and the local git has no such tag; give it with --commit SHA"
        ))),
    }
}

/// Asks git where a tag of the repository is that relpub is started in.
async fn local(app: &App, tag: &str) -> Option<Commit> {
    let output = tokio::process::Command::new("git")
        .args(["rev-parse", "--verify", "--quiet"])
        .arg(format!("refs/tags/{tag}^{{commit}}"))
        .current_dir(app.root())
        .env_clear()
        .envs(&app.env.child)
        .output()
        .await
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.trim().parse().ok().filter(|_| output.status.success())
}
