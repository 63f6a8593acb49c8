use std::io::{Cursor, Write as _};

use relpub_model::config::Kind;

use super::*;
use crate::samples::{self, Case, RawMember, RawZip, TarMember};

fn judge(name: &str, bytes: &[u8]) -> (Option<Facts>, Vec<String>) {
    Case {
        for_index: false,
        ..Case::new(Kind::Archive, name)
    }
    .judge(bytes)
}

#[test]
fn archives_are_counted() {
    let tar = samples::tar(&[("a", b"1"), ("b/c", b"2")]);
    for (name, bytes, format) in [
        ("x.tar.gz", samples::gzip(&tar), "tar.gz"),
        ("x.TGZ", samples::gzip(&tar), "tar.gz"),
        ("x.tar", tar, "tar"),
    ] {
        let (facts, blockers) = judge(name, &bytes);
        assert_eq!(
            facts,
            Some(Facts::Archive { format, members: 2 }),
            "{blockers:?}"
        );
    }
    let empty = samples::gzip(&samples::tar(&[]));
    assert_eq!(
        judge("x.tar.gz", &empty).0,
        Some(Facts::Archive {
            format: "tar.gz",
            members: 0
        })
    );
    let xz = judge("x.tar.xz", b"\xfd7zXZ\0rest");
    assert_eq!(
        xz.0,
        Some(Facts::Archive {
            format: "tar.xz",
            members: 1
        })
    );
}

#[test]
fn a_zip_by_another_writer_is_read() {
    let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = ::zip::write::SimpleFileOptions::default();
    writer.add_directory("d", options).unwrap();
    writer
        .start_file("d/large", options.large_file(true))
        .unwrap();
    writer.write_all(&vec![7; 100_000]).unwrap();
    writer.start_file("ü", options).unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    let (facts, blockers) = judge("x.zip", &bytes);
    assert_eq!(
        facts,
        Some(Facts::Archive {
            format: "zip",
            members: 3
        }),
        "{blockers:?}"
    );
}

#[test]
fn a_streamed_zip_is_an_archive_all_the_same() {
    let mut zip = RawZip::new(vec![RawMember::deflated("a", b"content")]);
    zip.members[0].local.flags = 8;
    zip.members[0].central.flags = 8;
    zip.between = b"PK\x07\x08descriptor..";
    assert_eq!(
        judge("x.zip", &zip.build()).0,
        Some(Facts::Archive {
            format: "zip",
            members: 1
        })
    );
}

#[test]
fn a_file_that_is_not_what_its_name_says_is_named() {
    let subject_path = "rerun-cli/macos-arm64/rerun".parse().unwrap();
    let bytes = samples::macho(0x0100_000c);
    let subject = Subject {
        path: &subject_path,
        name: &"Rerun-0.28.1-aarch64-apple-darwin.app.tar.gz"
            .parse()
            .unwrap(),
        kind: Kind::Archive,
        target: None,
        version: crate::Expected::Any,
        size: bytes.len() as u64,
        for_index: false,
    };
    let inspection = crate::inspect(&subject, &mut Cursor::new(bytes), &Limits::default());
    let [blocker] = inspection.blockers.as_slice() else {
        panic!("one blocker")
    };
    assert_eq!(blocker.code.label(), "not what it says");
    assert_eq!(
        blocker.thing,
        "Rerun-0.28.1-aarch64-apple-darwin.app.tar.gz"
    );
    assert_eq!(
        blocker.reason,
        "is a Mach-O arm64 program, not a gzip archive"
    );
    assert_eq!(
        blocker.detail,
        "from rerun-cli/macos-arm64/rerun in the source"
    );
}

#[test]
fn hostile_and_odd_archives_are_refused() {
    let one = |name: &str, bytes: &[u8]| {
        let (facts, blockers) = judge(name, bytes);
        assert_eq!((facts, blockers.len()), (None, 1), "{blockers:?}");
        blockers[0].clone()
    };
    let escape = RawZip::new(vec![RawMember::stored("a/../../b", b"")]);
    assert_eq!(
        one("x.zip", &escape.build()),
        "unsafe: has the member `a/../../b`, whose path leaves the archive"
    );
    let device = samples::raw_tar(&[TarMember::new(b'4', "disk", b"")]);
    assert_eq!(
        one("x.tar", &device),
        "unsafe: has the member `disk`, which is a device"
    );
    assert_eq!(
        one("x.tar.gz", &samples::gzip(b"#!/bin/sh")),
        "not what it says: is gzip data with something else than a tar archive inside"
    );
    assert_eq!(
        one("x.bin", b"text"),
        "not what it says: is a text, not an archive"
    );
    let limits = Limits {
        ratio_floor: 1 << 16,
        ratio: 10,
        ..Limits::default()
    };
    let bomb = samples::gzip(&samples::tar(&[("a", &vec![0; 1 << 20])]));
    let case = Case {
        limits,
        ..Case::new(Kind::Archive, "x.tar.gz")
    };
    assert_eq!(
        case.blockers(&bomb),
        ["unsafe: decodes to more than 65536 bytes"]
    );
}

#[test]
fn links_stay_inside_the_archive() {
    let with = |kind, name, link| {
        let members = [
            TarMember::file("a/b", b"1"),
            TarMember::link(kind, name, link),
        ];
        judge("x.tar.gz", &samples::gzip(&samples::raw_tar(&members))).1
    };
    for (kind, name, link) in [
        (b'2', "a/link", "b"),
        (b'2', "a/c/link", "../b"),
        (b'2', "link", "a"),
        (b'2', "./a/link", "../a/b"),
        (b'1', "link", "a/b"),
    ] {
        assert!(with(kind, name, link).is_empty(), "{name} -> {link}");
    }
    for (kind, name, link) in [
        (b'2', "a/link", "/etc/passwd"),
        (b'2', "a/link", "../../x"),
        (b'2', "link", "a/../../x"),
        (b'1', "link", "../x"),
        (b'1', "link", "/x"),
    ] {
        let expected = format!("unsafe: has the link `{name}`, which leads out of the archive");
        assert_eq!(with(kind, name, link), [expected]);
    }
}

#[test]
fn programs_and_libraries_fit_their_target() {
    let judge = |kind, target, bytes: &[u8]| {
        Case {
            target,
            ..Case::new(kind, "tool")
        }
        .judge(bytes)
    };
    let elf = samples::elf(62);
    let (facts, blockers) = judge(Kind::Binary, Some("x86_64-unknown-linux-gnu"), &elf);
    assert!(matches!(facts, Some(Facts::Program(_))) && blockers.is_empty());
    assert_eq!(
        judge(Kind::Binary, Some("aarch64-apple-darwin"), &elf).1,
        ["not what it says: is an ELF x86_64 program, not one for aarch64-apple-darwin"]
    );
    assert_eq!(
        judge(Kind::Binary, None, b"#!/bin/sh").0,
        Some(Facts::Other)
    );
    assert_eq!(
        judge(Kind::Library, None, b"#!/bin/sh").1,
        ["not what it says: is a script, not a library"]
    );
    assert_eq!(
        judge(Kind::Binary, None, b"").1,
        ["not what it says: is empty, not a program"]
    );
    assert_eq!(judge(Kind::File, None, b"anything").0, Some(Facts::Other));
}
