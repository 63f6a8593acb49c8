//! Package indexes: devpi and pypiserver.

use std::fs;

use anyhow::Result;
use serde_json::json;

use super::{Facts, Host};
use crate::process;

const DEVPI: u16 = 21;
const PYPISERVER: u16 = 22;

pub(super) fn devpi(host: &mut Host<'_>) -> Result<Facts> {
    let (url, port) = (host.lab.url(DEVPI), host.lab.port(DEVPI).to_string());
    process::succeed(host.tool("devpi-init")?.args(["--serverdir", "data"]))?;
    let mut server = host.tool("devpi-server")?;
    server.args([
        "--serverdir",
        "data",
        "--host",
        "127.0.0.1",
        "--port",
        &port,
    ]);
    host.spawn("devpi", server.arg("--offline-mode"))?;
    host.wait_for_success("devpi", &format!("{url}/+api"))?;
    for words in [
        &["use", url.as_str()][..],
        &["login", "root", "--password="],
        &["user", "-c", "lab", "password=lab"],
        &["login", "lab", "--password=lab"],
        &["index", "-c", "dev", "bases=", "volatile=False"],
    ] {
        let mut client = host.tool("devpi")?;
        client.arg(words[0]).args(["--clientdir", "client"]);
        process::succeed(client.args(&words[1..]))?;
    }
    let (upload, index) = (format!("{url}/lab/dev/"), format!("{url}/lab/dev/+simple/"));
    let world = json!({ "indexes": { "devpi": { "upload": upload, "index": index } } });
    Ok(Facts::new(
        world,
        [("INDEX_USER", "lab"), ("INDEX_PASSWORD", "lab")],
    ))
}

pub(super) fn pypiserver(host: &mut Host<'_>) -> Result<Facts> {
    let (url, port) = (
        host.lab.url(PYPISERVER),
        host.lab.port(PYPISERVER).to_string(),
    );
    fs::create_dir(host.path("data"))?;
    let mut openssl = std::process::Command::new("openssl");
    let password = process::succeed(openssl.args(["passwd", "-apr1", "pypi-lab"]))?;
    fs::write(host.path("passwords"), format!("lab:{password}"))?;
    let mut server = host.tool("pypi-server")?;
    server.args(["run", "-i", "127.0.0.1", "-p", &port, "-P", "passwords"]);
    server.args(["-a", "update", "--hash-algo", "sha256", "data"]);
    host.spawn("pypiserver", &mut server)?;
    host.wait_for_success("pypiserver", &format!("{url}/simple/"))?;
    let (upload, index) = (format!("{url}/"), format!("{url}/simple/"));
    let world = json!({ "indexes": { "pypiserver": { "upload": upload, "index": index } } });
    Ok(Facts::new(
        world,
        [("INDEX_USER", "lab"), ("INDEX_PASSWORD", "pypi-lab")],
    ))
}
