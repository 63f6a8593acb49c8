//! The real thing: a process of its own, killed by the system, and run again.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const COMMIT: &str = "5f2c0e6d9b3a41c78e1d2f60a9b47c3d8e5f1a20";

const TAG: &str = "v1.2.3";

/// A standing sandbox; it ends with this value.
struct Sandbox {
    process: Child,
    data: PathBuf,
}

impl Sandbox {
    fn start(data: &Path) -> Self {
        let mut command = relpub();
        command.args(["sandbox", "--repository", "relpub/demo", "--commit", COMMIT]);
        command.args(["--tag", TAG, "--data"]).arg(data);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let sandbox = Self {
            process: command.spawn().unwrap(),
            data: data.to_owned(),
        };
        until("the sandbox is there", || {
            data.join("env").exists() && data.join("world.json").exists()
        });
        sandbox
    }

    fn url(&self, pointer: &str, path: &str) -> String {
        let world = std::fs::read_to_string(self.data.join("world.json")).unwrap();
        let world: Value = serde_json::from_str(&world).unwrap();
        format!(
            "{}{path}",
            world.pointer(pointer).unwrap().as_str().unwrap()
        )
    }

    /// Returns how many requests have changed anything.
    fn mutations(&self) -> usize {
        let log = get(&self.url("/control", "/_sandbox/log"));
        let entries = log.as_array().unwrap().iter();
        entries.filter(|entry| entry["mutating"] == true).count()
    }

    /// Answers "too many requests, again in a second" to some requests, so that
    /// there is time to kill.
    fn slow_down(&self, fault: &str) {
        let url = self.url("/control", "/_sandbox/faults");
        let request = client()
            .post(url)
            .json(&serde_json::json!({ "fault": fault }));
        request.send().unwrap().error_for_status().unwrap();
    }

    /// Returns the files on the index and on the release, by name and digest.
    fn seen(&self) -> Vec<String> {
        let index = get(&self.url("/indexes/pypi/index", "relpub-demo/"));
        let release = get(&self.url("/github/api", "/repos/relpub/demo/releases/tags/v1.2.3"));
        let text = |value: &Value, pointer: &str| value.pointer(pointer).unwrap().to_string();
        let mut out = Vec::new();
        for file in index["files"].as_array().unwrap() {
            out.push(format!(
                "{} {}",
                text(file, "/filename"),
                text(file, "/hashes/sha256")
            ));
        }
        for asset in release["assets"].as_array().unwrap() {
            out.push(format!(
                "{} {}",
                text(asset, "/name"),
                text(asset, "/digest")
            ));
        }
        out.sort();
        out
    }

    fn promote(&self, project: &Path) -> Command {
        let mut command = relpub();
        command
            .args(["promote", TAG, "--yes", "--format", "json", "-C"])
            .arg(project);
        command.arg("--world").arg(self.data.join("world.json"));
        command.arg("--cache").arg(project.join("cache"));
        for line in std::fs::read_to_string(self.data.join("env"))
            .unwrap()
            .lines()
        {
            let (name, value) = line.split_once('=').unwrap();
            command.env(name, value.trim_matches('\''));
        }
        command.env_remove("GITHUB_ACTIONS");
        command
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn relpub() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relpub"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.stdin(Stdio::null());
    command
}

fn client() -> reqwest::blocking::Client {
    reqwest::blocking::Client::builder()
        .no_proxy()
        .user_agent("test")
        .build()
        .unwrap()
}

fn get(url: &str) -> Value {
    let json = "application/vnd.pypi.simple.v1+json, application/json";
    let answer = client().get(url).header("accept", json).send().unwrap();
    answer.error_for_status().unwrap().json().unwrap()
}

/// Waits until something is so, and fails when it is not within a minute.
fn until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !done() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_name() == ".relpub" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Promotes the demo in a world of its own, killed at the given number of
/// mutating requests, until it is done; returns what is seen in the end.
fn promoted(folder: &Path, kill_at: Option<usize>) -> Vec<String> {
    let sandbox = Sandbox::start(&folder.join("world"));
    let project = folder.join("project");
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/demo");
    copy(&demo, &project);
    if let Some(mutations) = kill_at {
        sandbox.slow_down("429@github/upload-asset:2");
        sandbox.slow_down("429@pypi/upload:2");
        let mut command = sandbox.promote(&project);
        let mut run = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("so many requests were sent", || {
            sandbox.mutations() >= mutations
        });
        run.kill().unwrap();
        assert!(
            !run.wait().unwrap().success(),
            "it had ended before it was killed"
        );
    }
    let output = sandbox.promote(&project).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        output.status.code(),
        Some(0),
        "killed at {kill_at:?}: {words}"
    );
    let before = sandbox.mutations();
    let again = sandbox.promote(&project).output().unwrap();
    assert_eq!(
        (again.status.code(), sandbox.mutations()),
        (Some(0), before)
    );
    sandbox.seen()
}

#[test]
fn a_killed_process_is_finished_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let in_folder = |name: &str| folder.path().join(name);
    let undisturbed = promoted(&in_folder("undisturbed"), None);
    assert_eq!(undisturbed.len(), 9, "{undisturbed:?}");
    assert_eq!(promoted(&in_folder("staging"), Some(4)), undisturbed);
    assert_eq!(promoted(&in_folder("publishing"), Some(10)), undisturbed);
}
