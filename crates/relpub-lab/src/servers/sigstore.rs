//! The real Sigstore: issuer, Trillian, CT log, Fulcio, Rekor v1 and v2, a
//! timestamp authority.
//!
//! Its keys are made once for a lab; its logs start empty each time.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{Facts, Host};
use crate::http::Http;
use crate::lab::{Lab, shipped};
use crate::process;

/// Who the issuer says it is: GitHub Actions' own.
pub(crate) const ISSUER: &str = "https://token.actions.githubusercontent.com";
/// What a job asks the runner for tokens with.
const RUNNER_SECRET: &str = "runner-secret";

const OIDC: u16 = 1;
const RUNNER: u16 = 2;
const PROXY: u16 = 3;
const TRILLIAN: u16 = 4;
const CT: u16 = 5;
const FULCIO: u16 = 6;
const FULCIO_GRPC: u16 = 7;
const TSA: u16 = 8;
const REKOR1: u16 = 9;
const REKOR2: u16 = 10;
const REKOR2_BACK: u16 = 11;
const REKOR2_GRPC: u16 = 12;
const REKOR2_METRICS: u16 = 13;

/// What a trusted root and signing configs say of when they began to hold.
const SINCE: &str = "start-time=2020-01-01T00:00:00Z";

pub(super) fn start(host: &mut Host<'_>) -> Result<Facts> {
    take_keys(host)?;
    issuer(host)?;
    timestamp_authority(host)?;
    second_log(host)?;
    let tree = trillian(host)?;
    certificate_log(host, &tree)?;
    first_log(host)?;
    authority(host)?;
    wait_for_all(host)?;
    trusted_root(host)?;
    for version in [1, 2] {
        signing_config(host, version)?;
    }
    seed(host)?;
    Ok(facts(host.lab, host))
}

/// Copies the lab's keys into the folder, and makes them the first time.
fn take_keys(host: &Host<'_>) -> Result<()> {
    let keys = host.lab.path("keys");
    if !keys.join("done").exists() {
        let folder = host.lab.fresh("keys")?;
        let mut script = Command::new(shipped("sigstore/keys.sh"));
        let name = ISSUER.trim_start_matches("https://");
        process::succeed(script.arg(name).current_dir(folder))?;
        fs::write(keys.join("done"), "")?;
    }
    for entry in fs::read_dir(keys)? {
        let entry = entry?;
        fs::copy(entry.path(), host.folder.join(entry.file_name()))?;
    }
    Ok(())
}

fn issuer(host: &mut Host<'_>) -> Result<()> {
    let port = |offset| host.lab.port(offset).to_string();
    let mut command = host.script("oidc.mjs")?;
    command
        .env("OIDC_PORT", port(OIDC))
        .env("RUNNER_PORT", port(RUNNER))
        .env("PROXY_PORT", port(PROXY))
        .env("ISSUER", ISSUER)
        .env("TLS_KEY", "tls.key")
        .env("TLS_CERT", "tls.pem")
        .env("CLAIMS", shipped("sigstore/claims.json"))
        .env("SECRET", RUNNER_SECRET);
    host.spawn("oidc", &mut command)
}

fn timestamp_authority(host: &mut Host<'_>) -> Result<()> {
    let port = host.lab.port(TSA).to_string();
    let mut server = host.tool("timestamp-server")?;
    server.args(["serve", "--host", "127.0.0.1", "--port", &port]);
    server.args(["--timestamp-signer", "file", "--file-signer-key-path"]);
    server.args(["tsa.key", "--file-signer-passwd", "lab"]);
    server.args(["--certificate-chain-path", "tsa-chain.pem"]);
    host.spawn("tsa", server.arg("--disable-ntp-monitoring"))
}

fn second_log(host: &mut Host<'_>) -> Result<()> {
    let port = |offset| host.lab.port(offset).to_string();
    let data = host.path("rekor2-data");
    fs::create_dir(&data)?;
    let mut server = host.tool("rekor-tiles")?;
    server.args(["serve", "--http-address", "127.0.0.1"]);
    server.args(["--http-port", &port(REKOR2_BACK)]);
    server.args(["--grpc-port", &port(REKOR2_GRPC)]);
    server.args(["--http-metrics-port", &port(REKOR2_METRICS)]);
    server.args(["--hostname", "rekor2.lab.localhost"]);
    server.args(["--signer-filepath", "rekor2.key"]);
    server.args([
        "--storage-dir",
        "rekor2-data",
        "--checkpoint-interval",
        "1s",
    ]);
    host.spawn("rekor2", &mut server)?;
    let mut front = host.script("rekor2.mjs")?;
    front
        .env("REKOR2_PORT", host.lab.port(REKOR2).to_string())
        .env("REKOR2_BACK_PORT", host.lab.port(REKOR2_BACK).to_string())
        .env("REKOR2_DATA", data);
    host.spawn("rekor2-front", &mut front)
}

/// Starts the log server that others keep their trees in, and returns a new tree's id.
fn trillian(host: &mut Host<'_>) -> Result<String> {
    let address = host.lab.address(TRILLIAN);
    let mut server = host.tool("trillian")?;
    host.spawn("trillian", server.args(["-addr", &address]))?;
    let (mut tree, (lab, folder)) = (None, (host.lab, host.folder.clone()));
    host.wait_until("trillian", || {
        let Ok(mut command) = lab.tool("createtree", &folder) else {
            return false;
        };
        command.arg(format!("--admin_server={address}"));
        let output = process::succeed(&mut command).ok();
        // It prints the id last; before it there can be warnings.
        let line = output.and_then(|it| it.lines().next_back().map(str::to_owned));
        tree = line.filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
        tree.is_some()
    })?;
    tree.context("trillian made no tree")
}

fn certificate_log(host: &mut Host<'_>, tree: &str) -> Result<()> {
    let config = format!(
        r#"config {{
  log_id: {tree} prefix: "lab" roots_pem_file: "fulcio-root.pem" ext_key_usages: "CodeSigning"
  private_key: {{ [type.googleapis.com/keyspb.PEMKeyFile] {{ path: "ct.key" password: "lab" }} }}
}}
"#
    );
    fs::write(host.path("ct.cfg"), config)?;
    let mut server = host.tool("ct_server")?;
    server.arg("--log_config=ct.cfg");
    server.arg(format!("--log_rpc_server={}", host.lab.address(TRILLIAN)));
    server.arg(format!("--http_endpoint={}", host.lab.address(CT)));
    host.spawn("ct", server.arg("--logtostderr"))
}

fn first_log(host: &mut Host<'_>) -> Result<()> {
    let port = |offset| host.lab.port(offset).to_string();
    let mut server = host.tool("rekor-server")?;
    server.args(["serve", "--port", &port(REKOR1)]);
    server.args(["--rekor_server.address", "127.0.0.1"]);
    server.args(["--rekor_server.hostname", "rekor1.lab.localhost"]);
    server.args(["--trillian_log_server.port", &port(TRILLIAN)]);
    server.args(["--rekor_server.signer", "rekor1.key"]);
    server.args([
        "--enabled_api_endpoints",
        concat!(
            "getLogInfo,getPublicKey,getLogProof,createLogEntry,",
            "getLogEntryByIndex,getLogEntryByUUID,searchLogQuery"
        ),
    ]);
    host.spawn("rekor1", &mut server)
}

fn authority(host: &mut Host<'_>) -> Result<()> {
    let lab = host.lab;
    let issuer = format!("https://{}/jwks", lab.address(OIDC));
    host.wait_for("oidc", &issuer)?;
    host.wait_for("oidc", &lab.url(PROXY))?;
    host.wait_for_success("ct", &format!("{}/lab/ct/v1/get-sth", lab.url(CT)))?;
    let mut server = host.tool("fulcio")?;
    server.args(["serve", "--host", "127.0.0.1", "--grpc-host", "127.0.0.1"]);
    server.args(["--port", &lab.port(FULCIO).to_string()]);
    server.args(["--grpc-port", &lab.port(FULCIO_GRPC).to_string()]);
    server.args(["--legacy-unix-domain-socket", "fulcio.sock"]);
    server
        .arg("--config-path")
        .arg(shipped("sigstore/fulcio.yaml"));
    server.args(["--ca", "fileca", "--fileca-cert", "fulcio-chain.pem"]);
    server.args([
        "--fileca-key",
        "fulcio-int.key",
        "--fileca-key-passwd",
        "lab",
    ]);
    server.args(["--fileca-watch=false", "--ct-log-public-key-path", "ct.pub"]);
    server.arg(format!("--ct-log-url={}/lab", lab.url(CT)));
    // It reaches the issuer's host name through the proxy, and nothing else.
    server
        .env("HTTPS_PROXY", lab.url(PROXY))
        .env("SSL_CERT_FILE", host.path("tls-ca.pem"))
        .env("SSL_CERT_DIR", host.path("none"));
    host.spawn("fulcio", &mut server)
}

fn wait_for_all(host: &mut Host<'_>) -> Result<()> {
    for (name, port, path) in [
        ("fulcio", FULCIO, "api/v2/configuration"),
        ("tsa", TSA, "ping"),
        ("rekor1", REKOR1, "api/v1/log"),
        ("rekor2", REKOR2, "healthz"),
    ] {
        let url = format!("{}/{path}", host.lab.url(port));
        host.wait_for_success(name, &url)?;
    }
    Ok(())
}

/// Writes `trusted_root.json`, by cosign.
///
/// A log's URL in it carries the log's own name, as sigstore-js compares it with
/// the origin of checkpoints. Whom to talk to stands in the signing configs.
fn trusted_root(host: &Host<'_>) -> Result<()> {
    let lab = host.lab;
    let (fulcio, ct, tsa) = (lab.url(FULCIO), lab.url(CT), timestamp_url(lab));
    let mut cosign = host.tool("cosign")?;
    cosign.args(["trusted-root", "create", "--out", "trusted_root.json"]);
    cosign.arg(format!(
        "--fulcio=url={fulcio},certificate-chain=fulcio-chain.pem,{SINCE}"
    ));
    cosign.arg(format!("--ctfe=url={ct}/lab,public-key=ct.pub,{SINCE}"));
    cosign.arg(format!(
        "--tsa=url={tsa},certificate-chain=tsa-chain.pem,{SINCE}"
    ));
    for (log, origin) in [("rekor1", ""), ("rekor2", ",origin=rekor2.lab.localhost")] {
        let url = format!("http://{log}.lab.localhost");
        cosign.arg(format!(
            "--rekor=url={url},public-key={log}.pub,{SINCE}{origin}"
        ));
    }
    process::succeed(&mut cosign)?;
    Ok(())
}

/// Writes the signing config that leads to one generation of Rekor, by cosign,
/// and the client trust config that sigstore-python takes.
fn signing_config(host: &Host<'_>, version: u8) -> Result<()> {
    let lab = host.lab;
    let (rekor, name) = match version {
        1 => (lab.url(REKOR1), "_rekor1"),
        _ => (lab.url(REKOR2), ""),
    };
    let config = format!("signing_config{name}.json");
    let service = format!("api-version=1,{SINCE},operator=lab");
    let mut cosign = host.tool("cosign")?;
    cosign.args(["signing-config", "create", "--out", &config]);
    cosign.arg(format!("--fulcio=url={},{service}", lab.url(FULCIO)));
    cosign.arg(format!("--oidc-provider=url={ISSUER},{service}"));
    cosign.arg(format!(
        "--rekor=url={rekor},api-version={version},{SINCE},operator=lab"
    ));
    cosign.arg(format!("--tsa=url={},{service}", timestamp_url(lab)));
    cosign.args(["--rekor-config=ANY", "--tsa-config=EXACT:1"]);
    process::succeed(&mut cosign)?;
    let read =
        |name: &str| -> Result<Value> { Ok(serde_json::from_slice(&fs::read(host.path(name))?)?) };
    let trust = json!({
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": read("trusted_root.json")?,
        "signingConfig": read(&config)?,
    });
    let path = host.path(&format!("client_trust_config{name}.json"));
    fs::write(path, trust.to_string())?;
    Ok(())
}

/// Uses up entry 0 of both logs.
///
/// JSON of protobuf leaves a zero out, and not every reader of bundles expects
/// a log index that is not there.
fn seed(host: &Host<'_>) -> Result<()> {
    fs::write(host.path("seed.txt"), "seed\n")?;
    let url = format!("{}/token?audience=sigstore", host.lab.url(RUNNER));
    let http = Http::new()?;
    for name in ["", "_rekor1"] {
        let request = http.get_with_bearer(&url, RUNNER_SECRET)?;
        let token: Value = request.json()?;
        let token = token["value"].as_str().context("there is no token")?;
        let mut cosign = host.tool("cosign")?;
        cosign.args(["sign-blob", "--yes", "--trusted-root", "trusted_root.json"]);
        cosign.arg(format!("--signing-config=signing_config{name}.json"));
        cosign.args(["--identity-token", token]);
        cosign.arg(format!("--bundle=seed{name}.json"));
        process::succeed(cosign.arg("seed.txt"))?;
    }
    Ok(())
}

fn facts(lab: &Lab, host: &Host<'_>) -> Facts {
    let request_url = format!("{}/token?api-version=2.0", lab.url(RUNNER));
    let file = |name: &str| host.path(name).display().to_string();
    let world = json!({
        "identity": { "request-url": request_url, "issuer": ISSUER },
        "sigstore": {
            "trusted-root": file("trusted_root.json"),
            "signing-config": file("signing_config.json"),
            "signing-config-rekor1": file("signing_config_rekor1.json"),
            "fulcio": lab.url(FULCIO),
            "rekor1": lab.url(REKOR1),
            "rekor2": lab.url(REKOR2),
            "tsa": timestamp_url(lab),
        },
    });
    Facts::new(
        world,
        [
            ("ACTIONS_ID_TOKEN_REQUEST_URL", &request_url),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", RUNNER_SECRET),
            ("GITHUB_ACTIONS", "true"),
        ],
    )
}

fn timestamp_url(lab: &Lab) -> String {
    format!("{}/api/v1/timestamp", lab.url(TSA))
}
