//! Registries of images and of crates.

use std::fs;
use std::process::Command;

use anyhow::Result;
use serde_json::json;

use super::{Facts, Host};
use crate::lab::Lab;
use crate::process;

const CRATES: u16 = 31;
const OCI: u16 = 41;
const OCI_AUTH: u16 = 42;
const OCI_AUTH_BACK: u16 = 43;
const OCI_REFERRERS: u16 = 44;

pub(super) fn crates(host: &mut Host<'_>) -> Result<Facts> {
    let url = host.lab.url(CRATES);
    let mut server = host.tool("ferro-cargo-registry-server")?;
    server
        .env("FERRO_CARGO_REGISTRY_LISTEN", host.lab.address(CRATES))
        .env("FERRO_CARGO_REGISTRY_DATA", "./data");
    host.spawn("crates", &mut server)?;
    host.wait_for_success("crates", &format!("{url}/config.json"))?;
    Ok(Facts::new(json!({}), [("CRATES", &url)]))
}

/// A registry without the referrers API.
pub(super) fn oci(host: &mut Host<'_>) -> Result<Facts> {
    distribution(host, OCI, "")?;
    Ok(facts(host.lab, OCI))
}

/// The same behind bearer tokens, as GHCR is, at one address.
pub(super) fn oci_auth(host: &mut Host<'_>) -> Result<Facts> {
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-nodes", "-days", "3650"]);
    openssl.args(["-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=lab"]);
    openssl.args(["-keyout", "token.key", "-out", "token.pem"]);
    process::succeed(openssl.current_dir(&host.folder))?;
    let realm = format!("{}/token", host.lab.url(OCI_AUTH));
    let access = format!(
        "auth: {{token: {{realm: \"{realm}\", service: lab, issuer: lab, rootcertbundle: token.pem}}}}\n"
    );
    distribution(host, OCI_AUTH_BACK, &access)?;
    let mut front = host.script("registry_auth.mjs")?;
    front
        .env("OCI_AUTH_PORT", host.lab.port(OCI_AUTH).to_string())
        .env(
            "OCI_AUTH_BACK_PORT",
            host.lab.port(OCI_AUTH_BACK).to_string(),
        );
    host.spawn("front", &mut front)?;
    host.wait_for_success("front", &realm)?;
    Ok(facts(host.lab, OCI_AUTH))
}

fn distribution(host: &mut Host<'_>, offset: u16, access: &str) -> Result<()> {
    let config = format!(
        "version: 0.1\n\
         log: {{level: warn, accesslog: {{disabled: true}}}}\n\
         storage: {{filesystem: {{rootdirectory: ./data}}, delete: {{enabled: true}}}}\n\
         http: {{addr: \"{}\", secret: lab}}\n{access}",
        host.lab.address(offset)
    );
    fs::write(host.path("config.yml"), config)?;
    let mut server = host.tool("registry")?;
    server.env("OTEL_TRACES_EXPORTER", "none");
    host.spawn("registry", server.args(["serve", "config.yml"]))?;
    host.wait_for("registry", &format!("{}/v2/", host.lab.url(offset)))
}

/// A registry with the referrers API of OCI 1.1.
pub(super) fn oci_referrers(host: &mut Host<'_>) -> Result<Facts> {
    let mut server = host.tool("ferro-oci-server")?;
    // It reads no arguments, and would listen to the whole network.
    server
        .env("FERRO_OCI_LISTEN", host.lab.address(OCI_REFERRERS))
        .env("FERRO_OCI_STORAGE_DIR", "./data");
    host.spawn("referrers", &mut server)?;
    host.wait_for_success("referrers", &format!("{}/v2/", host.lab.url(OCI_REFERRERS)))?;
    Ok(facts(host.lab, OCI_REFERRERS))
}

fn facts(lab: &Lab, offset: u16) -> Facts {
    Facts::new(json!({}), [("REGISTRY", &lab.address(offset))])
}
