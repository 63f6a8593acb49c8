//! A copy of the demo, a standing sandbox, and runs of the binary; no run may
//! show or leave a secret.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use reqwest::blocking::{Client, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const COMMIT: &str = "5f2c0e6d9b3a41c78e1d2f60a9b47c3d8e5f1a20";

pub(crate) const TAG: &str = "v1.2.3";

/// Every secret of a sandbox contains this text: as it is, or in the payload of
/// a token, whose base64 has three ways to spell it.
const SECRET: [&str; 4] = [
    "SANDBOX-SECRET",
    "U0FOREJPWC1TRUNSRV",
    "NBTkRCT1gtU0VDUkVU",
    "TQU5EQk9YLVNFQ1JFV",
];

/// A copy of the demo in a folder of its own.
pub(crate) struct Project {
    folder: TempDir,
}

impl Project {
    pub(crate) fn demo() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/demo");
        copy(&demo, &folder.path().join("project"));
        Self { folder }
    }

    /// Returns the path of a file of the project.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join("project").join(file)
    }

    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap()
    }

    /// Replaces a text that stands in a file.
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let text = self.read(file);
        assert!(text.contains(from), "{file} has no {from}");
        fs::write(self.path(file), text.replace(from, to)).unwrap();
    }

    /// Returns a command that starts in the project.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = relpub();
        command.args(args).arg("-C").arg(self.path(""));
        command.arg("--cache").arg(self.folder.path().join("cache"));
        command.env("TMPDIR", self.folder.path());
        command
    }

    /// Returns a command that starts in the project and works in a world.
    pub(crate) fn in_world(&self, sandbox: &Sandbox, args: &[&str]) -> Command {
        let mut command = self.command(args);
        command.arg("--world").arg(sandbox.data.join("world.json"));
        command.envs(sandbox.environment());
        command.env_remove("GITHUB_ACTIONS");
        command
    }

    /// Runs a command that works in no standing world.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.finish(self.command(args))
    }

    /// Runs a command to its end.
    pub(crate) fn finish(&self, mut command: Command) -> Run {
        self.ended(command.output().unwrap())
    }

    /// Takes what a command left that has ended.
    pub(crate) fn ended(&self, output: Output) -> Run {
        let run = Run {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        self.assert_no_secret(&run);
        run
    }

    fn assert_no_secret(&self, run: &Run) {
        assert!(!has_secret(&run.stdout), "{}", run.stdout);
        assert!(!has_secret(&run.stderr), "{}", run.stderr);
        // Bundles are kept in the cache until a promotion has ended well.
        let mut folders = vec![self.path("")];
        folders.extend(Some(self.folder.path().join("cache")).filter(|it| it.exists()));
        while let Some(folder) = folders.pop() {
            for entry in entries(&folder) {
                if entry.is_dir() {
                    folders.push(entry);
                } else {
                    let text = String::from_utf8_lossy(&fs::read(&entry).unwrap()).into_owned();
                    assert!(!has_secret(&text), "a secret in {}", entry.display());
                }
            }
        }
    }

    /// Starts a sandbox beside the project that has the demo's tag.
    pub(crate) fn sandbox(&self) -> Sandbox {
        self.sandbox_with(&["--commit", COMMIT, "--tag", TAG])
    }

    /// Starts a sandbox beside the project.
    pub(crate) fn sandbox_with(&self, args: &[&str]) -> Sandbox {
        Sandbox::start(self.folder.path().join("world"), args)
    }
}

/// How a command ended.
pub(crate) struct Run {
    code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Fails unless the exit code is this one.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        let Self { stdout, stderr, .. } = &self;
        assert_eq!(self.code, Some(code), "{stdout}\n{stderr}");
        self
    }

    /// Fails unless the screen has this text, with any white space in it.
    #[track_caller]
    pub(crate) fn shows(self, text: &str) -> Self {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let shown = format!("{}\n{}", self.stdout, self.stderr);
        assert!(words(&shown).contains(&words(text)), "no {text} in {shown}");
        self
    }

    /// Reads standard output as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let parsed = serde_json::from_str(&self.stdout);
        parsed.unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// A standing sandbox; it ends with this value.
pub(crate) struct Sandbox {
    process: Child,
    data: PathBuf,
}

impl Sandbox {
    fn start(data: PathBuf, args: &[&str]) -> Self {
        let mut command = relpub();
        command.args(["sandbox", "--repository", "relpub/demo", "--data"]);
        command.arg(&data).args(args);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().unwrap();
        until("the sandbox is there", || {
            data.join("env").exists() && data.join("world.json").exists()
        });
        Self { process, data }
    }

    /// Returns the environment of a job in this world.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let lines = fs::read_to_string(self.data.join("env")).unwrap();
        let pairs = lines.lines().map(|line| line.split_once('=').unwrap());
        pairs
            .map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()))
            .collect()
    }

    /// Returns a URL of the world, given its place in `world.json`.
    pub(crate) fn url(&self, pointer: &str, path: &str) -> String {
        let world = fs::read_to_string(self.data.join("world.json")).unwrap();
        let world: Value = serde_json::from_str(&world).unwrap();
        let base = world.pointer(pointer).unwrap().as_str().unwrap();
        format!("{base}{path}")
    }

    /// Returns how many requests have changed anything.
    pub(crate) fn mutations(&self) -> usize {
        let log = get(&self.url("/control", "/_sandbox/log"));
        let entries = log.as_array().unwrap().iter();
        entries.filter(|entry| entry["mutating"] == true).count()
    }

    /// Lets something go wrong.
    pub(crate) fn arm(&self, fault: &str) {
        let request = client().post(self.url("/control", "/_sandbox/faults"));
        ok(request.json(&json!({ "fault": fault })));
    }

    /// Returns the published release.
    pub(crate) fn release(&self) -> Value {
        get(&self.url("/github/api", "/repos/relpub/demo/releases/tags/v1.2.3"))
    }

    /// Returns the bytes of a file of the release, as a browser gets them.
    pub(crate) fn download(&self, name: &str) -> Vec<u8> {
        let path = format!("/relpub/demo/releases/download/{TAG}/{name}");
        let request = client().get(self.url("/github/web", &path));
        ok(request).bytes().unwrap().to_vec()
    }

    /// Replaces an asset of the release, as anybody with the right to write can.
    pub(crate) fn replace_asset(&self, name: &str, bytes: &'static str) {
        let release = self.release();
        let mut assets = release["assets"].as_array().unwrap().iter();
        let asset = assets.find(|asset| asset["name"] == name).unwrap();
        let environment = self.environment();
        let mut variables = environment.iter();
        let token = &variables.find(|it| it.0 == "GITHUB_TOKEN").unwrap().1;
        let path = format!("/repos/relpub/demo/releases/assets/{}", asset["id"]);
        ok(client()
            .delete(self.url("/github/api", &path))
            .bearer_auth(token));
        let path = format!(
            "/repos/relpub/demo/releases/{}/assets?name={name}",
            release["id"]
        );
        let upload = client().post(self.url("/github/uploads", &path));
        let upload = upload.header("content-type", "application/octet-stream");
        ok(upload.bearer_auth(token).body(bytes));
    }

    /// Returns the files on the index and on the release, by name and digest.
    pub(crate) fn seen(&self) -> Vec<String> {
        let index = get(&self.url("/indexes/pypi/index", "relpub-demo/"));
        let files = index["files"].as_array().unwrap().iter();
        let files = files.map(|file| format!("{} {}", file["filename"], file["hashes"]["sha256"]));
        let release = self.release();
        let assets = release["assets"].as_array().unwrap().iter();
        let assets = assets.map(|asset| format!("{} {}", asset["name"], asset["digest"]));
        let mut out: Vec<String> = files.chain(assets).collect();
        out.sort();
        out
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn has_secret(text: &str) -> bool {
    SECRET.iter().any(|spelled| text.contains(spelled))
}

fn relpub() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relpub"));
    let kept = ["PATH", "SYSTEMROOT"].map(|name| (name, std::env::var_os(name)));
    let kept = kept
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    command.env_clear().envs(kept).stdin(Stdio::null());
    command
}

fn client() -> Client {
    let client = Client::builder().no_proxy().user_agent("test");
    client.build().unwrap()
}

fn get(url: &str) -> Value {
    let json = "application/vnd.pypi.simple.v1+json, application/json";
    ok(client().get(url).header("accept", json)).json().unwrap()
}

fn ok(request: reqwest::blocking::RequestBuilder) -> Response {
    request.send().unwrap().error_for_status().unwrap()
}

/// Waits until something is so, and fails when it is not within a minute.
pub(crate) fn until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !done() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in entries(from) {
        let target = to.join(entry.file_name().unwrap());
        if entry.ends_with(".relpub") {
            continue;
        }
        if entry.is_dir() {
            copy(&entry, &target);
        } else {
            fs::copy(&entry, target).unwrap();
        }
    }
}
