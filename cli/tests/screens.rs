//! The binary, as a person and as a pipeline see it.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use relpub_sandbox::{Names, Options, Publisher, World};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const REPOSITORY: &str = "relpub/demo";
const COMMIT: &str = "5f2c0e6d9b3a41c78e1d2f60a9b47c3d8e5f1a20";
const TAG: &str = "v1.2.3";
const WHEEL: &str = "relpub_demo-1.2.3-py3-none-any.whl";

/// The demo in a folder of its own, and a world to promote it in.
struct Stage {
    world: World,
    folder: TempDir,
    /// Serves the world.
    _runtime: Runtime,
}

impl Stage {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let options = Options::temporary().with_names(Names::new(REPOSITORY, COMMIT));
        let world = runtime.block_on(World::start(options)).unwrap();
        let github = &world.github;
        github.add_tag(REPOSITORY, TAG, COMMIT, false).unwrap();
        let folder = tempfile::tempdir().unwrap();
        copy(&demo(), folder.path());
        let json = serde_json::to_string(world.file()).unwrap();
        fs::write(folder.path().join("world.json"), json).unwrap();
        Self {
            world,
            folder,
            _runtime: runtime,
        }
    }

    /// Runs relpub in the project's folder and in the world.
    fn relpub(&self, line: &str) -> Seen {
        self.relpub_with(line, &[])
    }

    fn relpub_with(&self, line: &str, variables: &[(&str, &str)]) -> Seen {
        let mut command = relpub();
        command
            .current_dir(self.folder.path())
            .args(["--cache", "cache", "--events", "events"])
            .args(line.split(' '))
            .envs(self.world.environment())
            .env_remove("GITHUB_ACTIONS")
            .envs(variables.iter().copied());
        let seen = Seen::new(&command.output().unwrap());
        self.world.assert_no_secret(&seen.screen);
        self.world.assert_no_secret(&seen.progress);
        self.assert_no_secret_in(self.folder.path());
        seen
    }

    /// Runs relpub in the world that the project's file describes.
    fn promote(&self) -> Seen {
        self.relpub("promote v1.2.3 --world world.json")
    }

    fn assert_no_secret_in(&self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                self.assert_no_secret_in(&entry.path());
            } else {
                let bytes = fs::read(entry.path()).unwrap();
                self.world
                    .assert_no_secret(&String::from_utf8_lossy(&bytes));
            }
        }
    }
}

/// What a run wrote, with what differs from run to run replaced.
struct Seen {
    exit: Option<i32>,
    screen: String,
    progress: String,
}

impl Seen {
    fn new(output: &Output) -> Self {
        let text = |bytes: &[u8]| scrubbed(std::str::from_utf8(bytes).unwrap());
        Self {
            exit: output.status.code(),
            screen: text(&output.stdout),
            progress: text(&output.stderr),
        }
    }

    #[track_caller]
    fn check(&self, exit: i32, screen: &str) {
        assert_eq!(self.screen, screen, "\n{}\n{}", self.screen, self.progress);
        assert_eq!(self.exit, Some(exit));
    }

    /// Checks the end of a screen.
    #[track_caller]
    fn check_end(&self, exit: i32, end: &str) {
        assert!(
            self.screen.ends_with(end),
            "\n{}\n{}",
            self.screen,
            self.progress
        );
        assert_eq!(self.exit, Some(exit));
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.screen).unwrap()
    }
}

/// Replaces durations and promotion ids.
fn scrubbed(text: &str) -> String {
    let is_id = |word: &str| word.len() == 12 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let words: Vec<&str> = text.split(' ').collect();
    let scrub = |(i, word): (usize, &&str)| {
        let next = words.get(i + 1).copied().unwrap_or_default();
        let is_unit = next == "s" || next.starts_with("s:");
        if is_unit && word.parse::<f64>().is_ok() {
            "N".to_owned()
        } else if i > 0 && words[i - 1] == "promotion" && is_id(word) {
            "ID".to_owned()
        } else {
            (*word).to_owned()
        }
    };
    let words: Vec<String> = words.iter().enumerate().map(scrub).collect();
    words.join(" ")
}

fn relpub() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relpub"));
    command.env_clear().stdin(Stdio::null());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

fn demo() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/demo")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_name() == ".relpub" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn the_first_command_of_the_readme_ends_in_its_screen() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = relpub();
    command
        .arg("-C")
        .arg(demo())
        .args(["rehearse", TAG])
        .env("TMPDIR", folder.path());
    let seen = Seen::new(&command.output().unwrap());
    seen.check_end(
        0,
        "
released relpub-demo 1.2.3   9 of 9 there, digests equal

  PyPI     relpub-demo 1.2.3   2 wheels, 1 sdist new
  GitHub   v1.2.3              6 files new, latest

  check     downloaded by the paths that pip and browsers use: exactly these bytes
rehearsed relpub-demo 1.2.3 in N s: it would go through

  not covered: your accounts' permissions and settings on the real services
",
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "left over");
}

#[test]
fn a_rehearsal_can_be_made_to_fail_and_goes_through_in_the_end() {
    let mut command = relpub();
    command.arg("-C").arg(demo());
    command.args(["rehearse", TAG, "--kill-after", "9", "--format", "json"]);
    let seen = Seen::new(&command.output().unwrap());
    assert_eq!(seen.exit, Some(0), "{}", seen.progress);
    assert_eq!(seen.json()["outcome"], "rehearsed");
}

#[test]
fn planned_promoted_and_promoted_again() {
    let stage = Stage::new();
    stage.relpub("plan v1.2.3 --world world.json").check_end(
        0,
        "
  stage     GitHub draft with 6 files
  ───────── point of no return ─────────
  publish   PyPI relpub-demo: 2 wheels, 1 sdist · GitHub v1.2.3
  confirm   find everything by digest where users look
  point     GitHub latest → v1.2.3 (there was none)

  assumed   PyPI takes this workflow as a trusted publisher of relpub-demo (a new project)
            the tag name v1.2.3 was not burned by an immutable release that was deleted (GitHub
            tells only when the release is made)
            this credential may write releases of relpub/demo

  nothing has been changed · promotion ID · plan saved in .relpub/v1.2.3/plan.json
  to do it: relpub promote v1.2.3 --world world.json
",
    );
    assert_eq!(stage.world.mutations(), 0);
    let reviewed = "promote v1.2.3 --world world.json --expect .relpub/v1.2.3/plan.json";
    stage.relpub(reviewed).check(
        0,
        "\
released relpub-demo 1.2.3   N s   9 of 9 there, digests equal

  PyPI     relpub-demo 1.2.3   2 wheels, 1 sdist new
  GitHub   v1.2.3              6 files new, latest

  verify    relpub verify v1.2.3 --world world.json
  receipt   .relpub/v1.2.3/receipt.json
",
    );
    let mutations = stage.world.mutations();
    stage.promote().check(
        0,
        "\
released relpub-demo 1.2.3   N s   9 of 9 there, digests equal

  PyPI     relpub-demo 1.2.3   2 wheels, 1 sdist already there
  GitHub   v1.2.3              6 files already there, latest

  verify    relpub verify v1.2.3 --world world.json
  receipt   .relpub/v1.2.3/receipt.json
",
    );
    assert_eq!(stage.world.mutations(), mutations);
}

#[test]
fn what_was_not_reviewed_is_not_done() {
    let stage = Stage::new();
    let line = "promote v1.2.3 --world world.json --expect 0123456789ab";
    let seen = stage.relpub(line);
    let headline = "the world moved: 1 reason, nothing was changed\n";
    assert!(seen.screen.starts_with(headline), "{}", seen.screen);
    assert_eq!((seen.exit, stage.world.mutations()), (Some(3), 0));
}

#[test]
fn other_bytes_at_pypi_block_before_anything_is_sent() {
    let stage = Stage::new();
    let pypi = &stage.world.pypi;
    pypi.seed_file("relpub-demo", WHEEL, b"other").unwrap();
    let seen = stage.promote();
    let uploaded = seen.screen.find(", uploaded ").unwrap();
    let screen = seen.screen.replace(
        &seen.screen[uploaded..uploaded + ", uploaded 2026-01-01".len()],
        ", uploaded DAY",
    );
    let expected = "\
blocked: 1 reason, nothing was changed

  conflict  relpub_demo-1.2.3-py3-none-any.whl is already on PyPI with other bytes
            there d9298a10d1b0, uploaded DAY · ours aa713e1f092e
            PyPI never replaces a file. Release a new version, or promote the commit those bytes
            came from.
";
    assert_eq!(screen, expected, "{screen}");
    assert_eq!((seen.exit, stage.world.mutations()), (Some(3), 0));
    let json = stage.relpub("promote v1.2.3 --world world.json --format json");
    assert_eq!(json.json()["outcome"], "blocked");
    assert_eq!(json.json()["plan"]["blockers"][0]["code"], "conflict");
}

#[test]
fn a_stop_says_what_is_public_and_the_same_command_finishes() {
    let stage = Stage::new();
    stage.world.pypi.clear_publishers().unwrap();
    let seen = stage.promote();
    let (headline, rest) = seen.screen.split_once('\n').unwrap();
    assert!(headline.starts_with("stopped: PyPI: "), "{headline}");
    let expected = "
  public    nothing
  hidden    6 files in the draft on GitHub
  not yet   2 wheels, 1 sdist on PyPI, GitHub release v1.2.3, GitHub latest
";
    assert!(rest.starts_with(expected), "{rest}");
    assert!(rest.ends_with("nothing is uploaded twice.\n"), "{rest}");
    assert_eq!(seen.exit, Some(5));
    let status = stage.relpub("status v1.2.3 --world world.json");
    assert!(
        status.screen.contains(expected.trim_start()),
        "{}",
        status.screen
    );

    let publisher = Publisher::any(REPOSITORY);
    stage.world.pypi.add_publisher(publisher).unwrap();
    stage.promote().check_end(0, "receipt.json\n");
}

#[test]
fn verify_lists_what_is_missing() {
    let stage = Stage::new();
    stage.promote();
    let verify = "verify v1.2.3 --world world.json";
    stage.relpub(verify).check(
        0,
        "\
verified relpub-demo 1.2.3   9 of 9 there   downloaded and compared

  PyPI     relpub-demo 1.2.3   2 wheels, 1 sdist
  GitHub   v1.2.3              6 files, latest
",
    );
    stage.world.pypi.delete_file(WHEEL).unwrap();
    stage.relpub(verify).check(
        4,
        "\
differs: relpub-demo 1.2.3   8 of 9 there   downloaded and compared

  PyPI     relpub-demo 1.2.3   2 of 3 files
  GitHub   v1.2.3              6 files, latest

  PyPI   relpub_demo-1.2.3-py3-none-any.whl   missing
",
    );
    let receipt = stage.relpub("receipt v1.2.3 --format json").json();
    assert_eq!(receipt["facts"]["complete"], true);
    assert_eq!(stage.relpub("receipt v9.9.9").exit, Some(6));
}

#[test]
fn github_actions_is_told_and_nobody_else_speaks_to_it() {
    let stage = Stage::new();
    let file = |name: &str| stage.folder.path().join(name).display().to_string();
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_STEP_SUMMARY", &file("summary")),
        ("GITHUB_OUTPUT", &file("output")),
    ];
    let seen = stage.relpub_with("promote v1.2.3 --world world.json", &variables);
    assert_eq!(seen.exit, Some(0), "{}", seen.progress);
    let outputs = fs::read_to_string(file("output")).unwrap();
    let names: Vec<_> = outputs
        .lines()
        .map(|line| line.split('=').next().unwrap())
        .collect();
    assert_eq!(names, ["version", "promotion-id", "receipt", "released"]);
    assert!(outputs.ends_with("released=true\n"), "{outputs}");
    let summary = fs::read_to_string(file("summary")).unwrap();
    assert!(summary.starts_with("## relpub-demo 1.2.3: released\n"));
    let command = |line: &&str| line.trim_start().starts_with("::");
    let commands = |text: &str| text.lines().filter(command).count();
    let groups = seen.progress.matches("::group::").count();
    assert_eq!(seen.progress.matches("::endgroup::").count(), groups);
    assert_eq!(commands(&seen.progress), 2 * groups);
    assert_eq!(commands(&seen.screen), 0);
}

#[test]
fn errors_of_use_point_into_the_file() {
    let stage = Stage::new();
    let config = stage.folder.path().join("relpub.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("platforms  =", "platform   =")).unwrap();
    let seen = stage.relpub("plan v1.2.3 --world world.json");
    assert_eq!(seen.exit, Some(2));
    let expected = "\
error: unknown key `platform`
 ┌ relpub.toml:5
5│ platform   = [\"x86_64-unknown-linux-gnu\", \"aarch64-apple-darwin\"]
 └ did you mean `platforms`?
";
    assert!(seen.progress.contains(expected), "{}", seen.progress);
    let json = stage.relpub("plan v1.2.3 --format json").json();
    assert_eq!(
        (&json["exit"], &json["errors"][0]["line"]),
        (&2.into(), &5.into())
    );

    let seen = stage.relpub("plan v1.2.3 --config none.toml");
    let expected =
        "error: there is no none.toml; -C names the folder it is in, --config another file\n";
    assert_eq!((seen.exit, &*seen.progress), (Some(2), expected));
}

#[test]
fn a_tag_that_does_not_fit_is_an_error_of_use() {
    let seen = Stage::new().relpub("promote 1.2.3");
    let expected = "error: tag `1.2.3` does not fit `v{version}`\n";
    assert_eq!((seen.exit, &*seen.progress), (Some(2), expected));
}

#[test]
fn inspect_says_what_a_file_is() {
    let stage = Stage::new();
    stage
        .relpub("inspect bucket/wheels/relpub_demo-1.2.3-py3-none-any.whl")
        .check(
            0,
            "\
relpub_demo-1.2.3-py3-none-any.whl   3.2 kB   a wheel of relpub-demo 1.2.3
  tags      python py3 · abi none · platform any
  metadata  Metadata-Version: 2.4
            Summary: A package that exists to be released
            Requires-Python: >=3.10
            License-Expression: MIT
            requires 2 projects
  problems  none
",
        );
    let program = stage.folder.path().join("program.tar.gz");
    fs::copy(
        demo().join("bucket/bin/aarch64-apple-darwin/relpub-demo"),
        program,
    )
    .unwrap();
    let seen = stage.relpub("inspect program.tar.gz --format json");
    assert_eq!(seen.exit, Some(4));
    assert_eq!(seen.json()[0]["problems"][0]["code"], "not-what-it-says");
}
