//! Object stores: s3s-fs, moto and fake-gcs-server, each with one bucket called `builds`.

use std::fs;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{Facts, Host};
use crate::process;

const S3S: u16 = 51;
const MOTO: u16 = 52;
const GCS: u16 = 53;
const REGION: &str = "us-east-1";

pub(super) fn s3s(host: &mut Host<'_>) -> Result<Facts> {
    let (url, port) = (host.lab.url(S3S), host.lab.port(S3S).to_string());
    fs::create_dir_all(host.path("data/builds"))?;
    let mut server = host.tool("s3s-fs")?;
    server.args(["--access-key", "AKIALAB", "--secret-key", "SECRETLAB"]);
    server.args(["--host", "127.0.0.1", "--port", &port, "data"]);
    host.spawn("s3s", &mut server)?;
    host.wait_for("s3s", &url)?;
    Ok(facts(&url, "AKIALAB", "SECRETLAB"))
}

pub(super) fn moto(host: &mut Host<'_>) -> Result<Facts> {
    let (url, port) = (host.lab.url(MOTO), host.lab.port(MOTO).to_string());
    let mut server = host.tool("moto_server")?;
    server.args(["-H", "127.0.0.1", "-p", &port]);
    server.env("INITIAL_NO_AUTH_ACTION_COUNT", "3");
    host.spawn("moto", &mut server)?;
    host.wait_for("moto", &format!("{url}/moto-api/"))?;
    let mut script = host.lab.python("moto_setup.py", &host.folder)?;
    let keys = process::succeed(script.arg(&url))?;
    let mut lines = keys.lines();
    let (key, secret) = (lines.next(), lines.next());
    let (key, secret) = key.zip(secret).context("moto gave out no key")?;
    Ok(facts(&url, key, secret))
}

/// Cloud Storage, but for its XML API.
pub(super) fn gcs(host: &mut Host<'_>) -> Result<Facts> {
    let (url, address) = (host.lab.url(GCS), host.lab.address(GCS));
    fs::create_dir_all(host.path("data/builds"))?;
    let mut server = host.tool("fake-gcs-server")?;
    server.args([
        "-scheme",
        "http",
        "-host",
        "127.0.0.1",
        "-backend",
        "memory",
    ]);
    server.args(["-port", &host.lab.port(GCS).to_string(), "-data", "data"]);
    server.args(["-external-url", &url, "-public-host", &address]);
    host.spawn("gcs", &mut server)?;
    host.wait_for_success("gcs", &format!("{url}/storage/v1/b"))?;
    Ok(Facts::new(json!({}), [("STORAGE_EMULATOR_HOST", &url)]))
}

fn facts(url: &str, key: &str, secret: &str) -> Facts {
    let world: Value = json!({ "s3": { "endpoint": url, "region": REGION } });
    Facts::new(
        world,
        [
            ("AWS_ACCESS_KEY_ID", key),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_REGION", REGION),
            ("AWS_DEFAULT_REGION", REGION),
        ],
    )
}
