//! The walls between the rooms: what each crate may not be built on.
//!
//! A crate is looked at alone, since features are united over all crates that
//! are built together and would hide what one of them lacks or drags in.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What can open a connection, or waits for one.
const NETWORK: &[&str] = &[
    "h2",
    "hyper",
    "hyper-util",
    "mio",
    "object_store",
    "octocrab",
    "reqwest",
    "rustls",
    "socket2",
    "tokio",
];
/// What decompresses or takes apart what strangers wrote.
const PARSERS: &[&str] = &["flate2", "mailparse", "object", "tar", "zip"];
/// The second TLS stacks that a build must not end up with.
const NOBODY: &[&str] = &["native-tls", "openssl-sys", "ring"];

#[test]
fn the_model_touches_nothing() {
    let room = Room::of("relpub-model");
    room.has_none_of(NETWORK);
    room.has_none_of(PARSERS);
    room.has_none_of(&["tempfile"]);
    room.has_only_ours(&[]);
}

#[test]
fn inspection_sees_only_the_bytes_it_is_handed() {
    let room = Room::of("relpub-inspect");
    room.has_none_of(NETWORK);
    room.has_only_ours(&["relpub-model"]);
}

#[test]
fn trust_asks_nobody_and_parses_no_archive() {
    let room = Room::of("relpub-trust");
    room.has_none_of(NETWORK);
    room.has_none_of(PARSERS);
    room.has_only_ours(&["relpub-model"]);
}

#[test]
fn remote_passes_bytes_on_as_they_are() {
    let room = Room::of("relpub-remote");
    // `flate2` comes with `ambient-id`, below `sigstore-sign`: it switches reqwest's
    // decoding on. Our client refuses it again, and a test of the room shows that
    // what is stored compressed arrives compressed.
    let parsers: Vec<&str> = PARSERS
        .iter()
        .copied()
        .filter(|it| *it != "flate2")
        .collect();
    room.has_none_of(&parsers);
    room.names_none_of(PARSERS);
    room.has_only_ours(&["relpub-model", "relpub-trust"]);
}

#[test]
fn the_library_is_not_built_on_the_sandbox() {
    Room::of("relpub").has_only_ours(&[
        "relpub-inspect",
        "relpub-model",
        "relpub-remote",
        "relpub-trust",
    ]);
}

#[test]
fn the_sandbox_shares_no_mistake_with_relpub() {
    let room = Room::of("relpub-sandbox");
    room.has_none_of(&["object_store", "octocrab", "reqwest"]);
    room.has_only_ours(&[]);
}

#[test]
fn there_is_one_tls_stack() {
    for name in ["relpub-cli", "relpub-lab"] {
        Room::of(name).has_none_of(NOBODY);
    }
}

#[test]
fn each_room_says_what_it_may_not_call() {
    for name in [
        "relpub-model",
        "relpub-inspect",
        "relpub-trust",
        "relpub-remote",
        "relpub",
        "relpub-sandbox",
    ] {
        // It replaces the one at the top, so it is not enough that there is that one.
        let path = top().join("crates").join(name).join("clippy.toml");
        let text = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            text.contains("disallowed-methods"),
            "{} forbids no method",
            path.display()
        );
    }
}

#[test]
fn registries_are_named_in_one_file() {
    // In pieces, so that this file does not name them either.
    let hosts = [
        ["py", "pi.org"],
        ["python", "hosted.org"],
        ["index.", "crates.io"],
        ["static.", "crates.io"],
        ["//", "crates.io"],
        ["npm", "js.org"],
        ["npm", "js.com"],
        ["proxy.go", "lang.org"],
        ["deb.", "debian.org"],
        ["repo.", "maven."],
        ["repo1.", "maven."],
    ]
    .map(|pieces| pieces.concat());
    let exempt = ["Cargo.lock", "crates/relpub-model/src/production.rs"];
    let mut found = Vec::new();
    for file in tracked_files() {
        // A file that was removed but not yet committed is still listed.
        let Ok(bytes) = fs::read(top().join(&file)) else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        let named = hosts.iter().filter(|host| text.contains(host.as_str()));
        if !exempt.contains(&file.as_str()) {
            found.extend(named.map(|host| format!("{file} names {host}")));
        }
    }
    assert!(
        found.is_empty(),
        "only {} may do that: {found:#?}",
        exempt[1]
    );
}

/// A crate with everything that it is built on.
struct Room {
    name: &'static str,
    packages: BTreeSet<String>,
}

impl Room {
    /// Asks cargo, without a network, for the tree of one crate alone.
    fn of(name: &'static str) -> Self {
        let cargo = env::var_os("CARGO").expect("cargo runs the tests");
        let arguments =
            "tree --edges normal --prefix none --format {p} --locked --offline --package";
        let output = Command::new(cargo)
            .args(arguments.split(' '))
            .arg(name)
            .current_dir(top())
            .output()
            .expect("cargo prints the tree");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        let text = String::from_utf8(output.stdout).expect("names are text");
        let packages = text.lines().filter_map(|line| line.split(' ').next());
        let packages: BTreeSet<_> = packages.map(str::to_owned).collect();
        assert!(
            packages.contains(name),
            "cargo tree has changed its output: {text}"
        );
        Self { name, packages }
    }

    #[track_caller]
    fn has_none_of(&self, forbidden: &[&str]) {
        let found: Vec<_> = forbidden
            .iter()
            .filter(|it| self.packages.contains(**it))
            .collect();
        assert!(found.is_empty(), "{} is built on {found:?}", self.name);
    }

    /// Asserts what it may not name as a dependency of its own, whatever comes with
    /// those that it names.
    #[track_caller]
    fn names_none_of(&self, forbidden: &[&str]) {
        let manifest = top().join("crates").join(self.name).join("Cargo.toml");
        let text = fs::read_to_string(manifest).expect("the room has a manifest");
        let (_, rest) = text
            .split_once("[dependencies]")
            .expect("the room depends on something");
        let dependencies = rest.split("\n[").next().unwrap_or(rest);
        let named = |it: &&&str| {
            dependencies
                .lines()
                .any(|line| line.split(['.', ' ']).next() == Some(it))
        };
        let found: Vec<_> = forbidden.iter().filter(named).collect();
        assert!(found.is_empty(), "{} names {found:?}", self.name);
    }

    /// Asserts which of our own crates it may be built on, besides itself.
    #[track_caller]
    fn has_only_ours(&self, allowed: &[&str]) {
        let ours = self
            .packages
            .iter()
            .filter(|it| *it == "relpub" || it.starts_with("relpub-"));
        let found: Vec<_> = ours
            .filter(|it| *it != self.name && !allowed.contains(&it.as_str()))
            .collect();
        assert!(found.is_empty(), "{} is built on {found:?}", self.name);
    }
}

fn tracked_files() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(top())
        .output()
        .expect("git lists the files to search");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout).expect("names are text");
    text.split_terminator('\0').map(str::to_owned).collect()
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
