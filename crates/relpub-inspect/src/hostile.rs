//! Nothing panics, whatever the bytes: files of every kind, spoiled at random.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use relpub_model::config::Kind;

use crate::samples::{self, Case, Code, METADATA, TarMember, WHEEL_NAME};
use crate::{Limits, manifest, metadata, program, tarball};

/// One way to spoil some bytes.
#[derive(Clone, Debug)]
enum Spoil {
    Set(Index, u8),
    /// Four bytes that count something, at their least or most.
    Count(Index, bool),
    Cut(Index),
    Repeat(Index, Index),
}

fn spoil() -> impl Strategy<Value = Spoil> {
    prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Spoil::Set(at, byte)),
        4 => (any::<Index>(), any::<bool>()).prop_map(|(at, most)| Spoil::Count(at, most)),
        1 => any::<Index>().prop_map(Spoil::Cut),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Spoil::Repeat(from, to)),
    ]
}

fn spoiled(mut bytes: Vec<u8>, spoils: &[Spoil]) -> Vec<u8> {
    for spoil in spoils {
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len();
        match spoil {
            Spoil::Set(at, byte) => bytes[at.index(length)] = *byte,
            Spoil::Count(at, most) => {
                let at = at.index(length);
                bytes[at..length.min(at + 4)].fill(if *most { 0xff } else { 0 });
            }
            Spoil::Cut(at) => bytes.truncate(at.index(length)),
            Spoil::Repeat(from, to) => {
                let piece: Vec<u8> = bytes[from.index(length)..]
                    .iter()
                    .take(300)
                    .copied()
                    .collect();
                let to = to.index(length);
                bytes.splice(to..to, piece);
            }
        }
    }
    bytes
}

fn tar() -> Vec<u8> {
    samples::raw_tar(&[
        TarMember::new(b'x', "pax", b"21 path=my_pkg-1.2.3/\n"),
        TarMember::new(b'5', "my_pkg-1.2.3/", b""),
        TarMember::new(b'L', "long", b"my_pkg-1.2.3/PKG-INFO\0"),
        TarMember::file("short", METADATA.as_bytes()),
        TarMember::link(b'2', "my_pkg-1.2.3/link", "PKG-INFO"),
    ])
}

proptest! {
    #[test]
    fn a_spoiled_wheel_is_judged(spoils in vec(spoil(), 0..6), for_index: bool) {
        let bytes = spoiled(samples::wheel(&samples::wheel_files()).build(), &spoils);
        Case { for_index, ..Case::new(Kind::Wheel, WHEEL_NAME) }.judge(&bytes);
        Case::new(Kind::Archive, "x.zip").judge(&bytes);
    }

    #[test]
    fn a_spoiled_zip64_is_judged(spoils in vec(spoil(), 0..6)) {
        let mut zip = samples::wheel(&samples::wheel_files());
        zip.zip64 = Some(0);
        Case::new(Kind::Wheel, WHEEL_NAME).judge(&spoiled(zip.build(), &spoils));
    }

    #[test]
    fn a_spoiled_file_in_a_wheel_is_judged(which: Index, spoils in vec(spoil(), 1..6)) {
        let mut files = samples::wheel_files();
        let file = which.index(files.len());
        files[file].1 = spoiled(std::mem::take(&mut files[file].1), &spoils);
        Case::new(Kind::Wheel, WHEEL_NAME).judge(&samples::wheel(&files).build());
    }

    #[test]
    fn a_spoiled_sdist_is_judged(inside in vec(spoil(), 0..6), outside in vec(spoil(), 0..2)) {
        let bytes = spoiled(samples::gzip(&spoiled(tar(), &inside)), &outside);
        for (kind, name) in [(Kind::Sdist, "my_pkg-1.2.3.tar.gz"), (Kind::Archive, "x.tar.gz")] {
            Case::new(kind, name).judge(&bytes);
        }
    }

    #[test]
    fn spoiled_machine_code_is_told(spoils in vec(spoil(), 0..6)) {
        for code in [samples::elf(62), samples::macho(7), samples::universal(&[7, 12]), samples::pe(0x8664)] {
            let bytes = spoiled(code, &spoils);
            program::parse(&bytes);
            Case::new(Kind::Library, "x.so").judge(&[b"!<arch>\n".as_slice(), &bytes].concat());
        }
    }

    #[test]
    fn a_spoiled_program_is_described(spoils in vec(spoil(), 1..6), inside in vec(spoil(), 0..3)) {
        let crates = samples::zlib(br#"{"packages":[{"name":"a","version":"1","source":"git","root":true}]}"#);
        let crates = spoiled(crates, &inside);
        let modules = spoiled(samples::go_build_info("go1.24", "mod\ta\tv1\t\n"), &inside);
        let sections: [(&str, &[u8]); 2] = [(".dep-v0", &crates), (".go.buildinfo", &modules)];
        let arm = samples::macho_with(0x0100_000c, &sections, Code(0));
        for code in [
            samples::elf_with(&sections, Code(0)),
            samples::pe_with(&sections, Code(0)),
            samples::universal_of(&[(0x0100_000c, arm.clone())]),
            arm,
        ] {
            let bytes = spoiled(code, &spoils);
            let _ = Case::new(Kind::Binary, "x").sbom(&bytes);
            let tar = samples::tar(&[("a/bin/x", &bytes)]);
            let _ = Case::new(Kind::Archive, "x.tar").sbom(&tar);
        }
    }

    #[test]
    fn a_spoiled_sbom_in_a_wheel_is_described(spoils in vec(spoil(), 0..6)) {
        let sbom = br#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"name":"a","bom-ref":"a","components":[{"name":"b","purl":"pkg:x/b"}]}],"dependencies":[{"ref":"a","dependsOn":["a"]}]}"#;
        let mut files = samples::wheel_files();
        let path = format!("{}/sboms/a.json", samples::DIST_INFO);
        files.push((path, spoiled(sbom.to_vec(), &spoils)));
        let wheel = samples::wheel(&files).build();
        prop_assert!(Case::new(Kind::Wheel, WHEEL_NAME).sbom(&wheel).is_ok());
    }

    #[test]
    fn any_bytes_are_parsed(bytes in vec(any::<u8>(), 0..600)) {
        let path = "dir/SHA256SUMS".parse().unwrap();
        let _ = manifest::parse(&path, &bytes);
        let _ = manifest::parse_sidecar(&path, &bytes);
        let _ = metadata::parse("METADATA", &bytes, &Limits::default());
        tarball::is_header(&bytes);
    }

    #[test]
    fn any_text_is_parsed(text in r"[ -~\n\r\té]{0,200}", json in r#"[{}\[\]:,"a-c0-9 ]{0,40}"#) {
        let path = "m.json".parse().unwrap();
        let _ = manifest::parse(&path, text.as_bytes());
        let _ = manifest::parse_sidecar(&path, text.as_bytes());
        let _ = manifest::parse(&path, format!("{{\"schema\":1,{json}").as_bytes());
        let _ = metadata::parse("METADATA", text.as_bytes(), &Limits::default());
    }
}
