//! GitHub's emulator, and a proxy that holds both sides to GitHub's schema.

use anyhow::Result;
use serde_json::json;

use super::{Facts, Host, keeper};
use crate::lab::{Lab, shipped};

const EMULATE: u16 = 61;
const PRISM: u16 = 62;

pub(super) fn start(host: &mut Host<'_>) -> Result<Facts> {
    let (api, port) = (host.lab.url(EMULATE), host.lab.port(EMULATE).to_string());
    let mut server = host.lab.node(&host.folder)?;
    server.arg(host.lab.path("github/node_modules/emulate/dist/index.js"));
    server.args(["start", "--service", "github", "--host", "127.0.0.1"]);
    server.args(["--port", &port, "--base-url", &api, "--seed"]);
    host.spawn("emulate", server.arg(shipped("github/seed.yaml")))?;
    host.wait_for("emulate", &api)?;
    let checked = start_prism(host, &api)?;
    let world = json!({ "github": { "api": checked, "uploads": api, "web": api } });
    Ok(Facts::new(world, [("GITHUB_TOKEN", "ghp_lab")]))
}

/// Starts the proxy in front of `api` and returns its URL.
fn start_prism(host: &mut Host<'_>, api: &str) -> Result<String> {
    let modules = host.lab.path("github/node_modules");
    let port = host.lab.port(PRISM).to_string();
    let mut proxy = host.lab.node(&host.folder)?;
    proxy.arg(modules.join("@stoplight/prism-cli/dist/index.js"));
    proxy.args(["proxy", "-h", "127.0.0.1", "-p", &port, "--errors"]);
    proxy.arg(modules.join("@octokit/openapi/generated/api.github.com.json"));
    host.spawn("prism", proxy.arg(api))?;
    let url = host.lab.url(PRISM);
    host.wait_for("prism", &format!("{url}/meta"))?;
    Ok(url)
}

/// The proxy in front of a GitHub that is not the lab's, until this is dropped.
pub(crate) struct Prism<'a> {
    lab: &'a Lab,
    /// Where its clients find GitHub's API.
    pub(crate) url: String,
}

/// Starts the proxy in front of `api`.
pub(crate) fn prism<'a>(lab: &'a Lab, api: &str) -> Result<Prism<'a>> {
    let folder = lab.path("run/prism");
    if folder.exists() {
        keeper::stop(&folder)?;
    }
    let mut host = Host::new(lab, lab.fresh("run/prism")?);
    let url = match start_prism(&mut host, api) {
        Ok(url) => url,
        Err(error) => {
            keeper::stop(&folder)?;
            return Err(error);
        }
    };
    Ok(Prism { lab, url })
}

impl Drop for Prism<'_> {
    fn drop(&mut self) {
        if let Err(error) = keeper::stop(&self.lab.path("run/prism")) {
            println!("could not stop prism: {error:#}");
        }
    }
}
