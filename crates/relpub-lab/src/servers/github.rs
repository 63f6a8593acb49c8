//! GitHub's emulator, and a proxy that holds both sides to GitHub's schema.

use std::fs;

use anyhow::Result;
use serde_json::json;

use super::{Facts, Host, keeper};
use crate::lab::{Lab, shipped};

const EMULATE: u16 = 61;
const PRISM: u16 = 62;
/// For the proxy in front of a GitHub that a test chooses.
const EXTRA_PRISM: u16 = 63;

pub(super) fn start(host: &mut Host<'_>) -> Result<Facts> {
    let (api, port) = (host.lab.url(EMULATE), host.lab.port(EMULATE).to_string());
    let mut server = host.lab.node(&host.folder)?;
    server.arg(host.lab.path("github/node_modules/emulate/dist/index.js"));
    server.args(["start", "--service", "github", "--host", "127.0.0.1"]);
    server.args(["--port", &port, "--base-url", &api, "--seed"]);
    host.spawn("emulate", server.arg(shipped("github/seed.yaml")))?;
    host.wait_for("emulate", &api)?;
    let checked = start_prism(host, PRISM, &api, true)?;
    let world = json!({ "github": { "api": checked, "uploads": api, "web": api } });
    Ok(Facts::new(world, [("GITHUB_TOKEN", "ghp_lab")]))
}

/// Starts the proxy in front of `api` and returns its URL.
///
/// If it is `strict`, what breaks the schema is answered with an error.
fn start_prism(host: &mut Host<'_>, offset: u16, api: &str, strict: bool) -> Result<String> {
    let modules = host.lab.path("github/node_modules");
    let port = host.lab.port(offset).to_string();
    let mut proxy = host.lab.node(&host.folder)?;
    proxy.arg(modules.join("@stoplight/prism-cli/dist/index.js"));
    proxy.args(["proxy", "-h", "127.0.0.1", "-p", &port]);
    if strict {
        proxy.arg("--errors");
    }
    proxy.arg(modules.join("@octokit/openapi/generated/api.github.com.json"));
    host.spawn("prism", proxy.arg(api))?;
    let url = host.lab.url(offset);
    host.wait_for("prism", &format!("{url}/meta"))?;
    Ok(url)
}

/// The proxy in front of a GitHub that is not the lab's, until this is dropped.
pub(crate) struct Prism<'a> {
    lab: &'a Lab,
    /// Where its clients find GitHub's API.
    pub(crate) url: String,
}

/// Starts the proxy in front of `api`; what breaks the schema is an error if it is `strict`.
pub(crate) fn prism<'a>(lab: &'a Lab, api: &str, strict: bool) -> Result<Prism<'a>> {
    let folder = lab.path("run/prism");
    if folder.exists() {
        keeper::stop(&folder)?;
    }
    let mut host = Host::new(lab, lab.fresh("run/prism")?);
    let url = match start_prism(&mut host, EXTRA_PRISM, api, strict) {
        Ok(url) => url,
        Err(error) => {
            keeper::stop(&folder)?;
            return Err(error);
        }
    };
    Ok(Prism { lab, url })
}

impl Prism<'_> {
    /// Returns what broke the schema so far, but for what has to.
    ///
    /// The description knows neither slashes in a ref nor the bytes of an asset
    /// nor a digest without attestations.
    pub(crate) fn violations(&self) -> Result<Vec<String>> {
        let log = fs::read_to_string(self.lab.path("run/prism/prism.log"))?;
        let (mut path, mut found) = (String::new(), Vec::new());
        for line in log.lines() {
            if let Some((_, call)) = line.split_once("The upstream call to ") {
                path = call.replace(" has returned", "");
            } else if let Some((_, what)) = line.split_once("Violation: ")
                && !has_to(&path, what)
            {
                found.push(format!("{path}: {what}"));
            }
        }
        found.dedup();
        Ok(found)
    }
}

fn has_to(path: &str, violation: &str) -> bool {
    let answer = violation.starts_with("response");
    // It is how this lab asks whether the proxy is there.
    path.starts_with("/meta ")
        || (path.contains("/git/ref/") && violation.contains("route not found"))
        || (path.contains("/releases/assets/") && answer)
        || (path.contains("/attestations/") && path.ends_with(" 404") && answer)
}

impl Drop for Prism<'_> {
    fn drop(&mut self) {
        if let Err(error) = keeper::stop(&self.lab.path("run/prism")) {
            println!("could not stop prism: {error:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::has_to;

    #[test]
    fn a_call_that_breaks_the_schema_is_never_excused() {
        assert!(has_to(
            "/repos/a/b/releases/assets/1 200",
            "response.body x"
        ));
        assert!(!has_to(
            "/repos/a/b/releases/assets/1 200",
            "request.body x"
        ));
        assert!(!has_to("/repos/a/b/releases 201", "response.body x"));
    }
}
