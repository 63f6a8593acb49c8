//! A large wheel takes no more memory than a small one.
//!
//! Alone in its program, because it looks at the peak of the whole process.
#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the kernel tells the peak in a file; a test may panic"
)]

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use relpub_inspect::{Expected, Limits, Subject, inspect};
use relpub_model::config::Kind;
use relpub_model::digest::Sha256;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The large member.
static LARGE: [u8; 8 << 20] = [0; 8 << 20];

/// Bytes by which the peak may grow: buffers, and what the allocator rounds up.
const ALLOWED: u64 = 1 << 20;

fn wheel() -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let out = Cursor::new(Vec::with_capacity(LARGE.len() + 4096));
    let mut writer = ZipWriter::new(out);
    let mut record = String::new();
    let files: [(&str, &[u8]); 3] = [
        ("large.bin", &LARGE),
        (
            "large-1.dist-info/METADATA",
            b"Metadata-Version: 2.1\nName: large\nVersion: 1\n",
        ),
        (
            "large-1.dist-info/WHEEL",
            b"Wheel-Version: 1.0\nTag: py3-none-any\n",
        ),
    ];
    for (name, content) in files {
        writer.start_file(name, options).unwrap();
        writer.write_all(content).unwrap();
        let digest = URL_SAFE_NO_PAD.encode(Sha256::of(content).as_bytes());
        writeln!(record, "{name},sha256={digest},{}", content.len()).unwrap();
    }
    record += "large-1.dist-info/RECORD,,\n";
    writer
        .start_file("large-1.dist-info/RECORD", options)
        .unwrap();
    writer.write_all(record.as_bytes()).unwrap();
    writer.finish().unwrap().into_inner()
}

/// Returns the process's peak of memory, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[test]
fn a_large_wheel_takes_no_more_memory_than_a_small_one() {
    let wheel = wheel();
    let subject = Subject {
        path: &"large-1-py3-none-any.whl".parse().unwrap(),
        name: &"large-1-py3-none-any.whl".parse().unwrap(),
        kind: Kind::Wheel,
        target: None,
        version: Expected::Any,
        size: wheel.len() as u64,
        for_index: true,
    };
    let before = peak();
    let found = inspect(&subject, &mut Cursor::new(&wheel), &Limits::default());
    assert!(found.blockers.is_empty(), "{:?}", found.blockers);
    assert!(found.facts.is_some());
    let grown = peak() - before;
    assert!(grown < ALLOWED, "grew by {grown} bytes");
}
