//! Describing a large program in a wheel takes no more memory than a small one.
//!
//! Alone in its program, because it looks at the peak of the whole process.
#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the kernel tells the peak in a file; a test may panic"
)]

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use relpub_inspect::{Expected, Limits, Subject, inspect, sbom};
use relpub_model::config::Kind;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// The code before the section that matters, and behind it.
static CODE: [u8; 24 << 20] = [0; 24 << 20];

/// Bytes by which the peak may grow: windows, buffers, and the document.
const ALLOWED: u64 = 4 << 20;

const FILE: &str = "large-1-cp310-abi3-manylinux_2_17_x86_64.whl";

/// Writes an ELF64 program: code, a list of crates, code, and the sections.
fn write_program(out: &mut impl Write) {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(
            br#"{"packages":[{"name":"a","version":"1.0.0","source":"crates.io","root":true}]}"#,
        )
        .unwrap();
    let crates = encoder.finish().unwrap();
    let names = b"\0.dep-v0\0.shstrtab\0";
    let crates_at = 64 + CODE.len();
    let names_at = crates_at + crates.len() + CODE.len();
    let mut head = vec![0; 64];
    head[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    head[16] = 3;
    head[18] = 62;
    head[20] = 1;
    head[40..48].copy_from_slice(&((names_at + names.len()) as u64).to_le_bytes());
    head[58] = 64;
    head[60] = 3;
    head[62] = 2;
    out.write_all(&head).unwrap();
    out.write_all(&CODE).unwrap();
    out.write_all(&crates).unwrap();
    out.write_all(&CODE).unwrap();
    out.write_all(names).unwrap();
    let sections = [
        (0, 0, 0),
        (1, crates_at, crates.len()),
        (9, names_at, names.len()),
    ];
    for (name, at, size) in sections {
        let mut section = [0; 64];
        section[0] = name;
        section[4] = 1;
        section[24..32].copy_from_slice(&(at as u64).to_le_bytes());
        section[32..40].copy_from_slice(&(size as u64).to_le_bytes());
        out.write_all(&section).unwrap();
    }
}

fn wheel() -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    writer.start_file("large.abi3.so", options).unwrap();
    write_program(&mut writer);
    let files: [(&str, &[u8]); 3] = [
        (
            "METADATA",
            b"Metadata-Version: 2.1\nName: large\nVersion: 1\n",
        ),
        (
            "WHEEL",
            b"Wheel-Version: 1.0\nTag: cp310-abi3-manylinux_2_17_x86_64\n",
        ),
        ("RECORD", b"large-1.dist-info/RECORD,,\n"),
    ];
    for (name, content) in files {
        writer
            .start_file(format!("large-1.dist-info/{name}"), options)
            .unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Returns the process's peak of memory, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[test]
fn a_large_program_takes_no_more_memory_than_a_small_one() {
    let wheel = wheel();
    let subject = Subject {
        path: &FILE.parse().unwrap(),
        name: &FILE.parse().unwrap(),
        kind: Kind::Wheel,
        target: None,
        version: Expected::Any,
        size: wheel.len() as u64,
        for_index: false,
    };
    let limits = Limits::default();
    let mut reader = Cursor::new(&wheel);
    // RECORD does not list everything, which is no matter here.
    let facts = inspect(&subject, &mut reader, &limits).facts.unwrap();
    let before = peak();
    let found = sbom::of(&subject, &facts, &mut reader, &limits).unwrap();
    let grown = peak() - before;
    assert_eq!(sbom::summary(&found), "has 2 components: 1 cargo, 1 file");
    assert!(grown < ALLOWED, "grew by {grown} bytes");
}
