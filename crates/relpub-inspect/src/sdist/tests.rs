use relpub_model::config::Kind;

use super::*;
use crate::samples::{self, Case, METADATA, TarMember};

const NAME: &str = "my_pkg-1.2.3.tar.gz";

fn files() -> Vec<TarMember<'static>> {
    vec![
        TarMember::new(b'5', "my_pkg-1.2.3/", b""),
        TarMember::file("my_pkg-1.2.3/PKG-INFO", METADATA.as_bytes()),
        TarMember::file("my_pkg-1.2.3/LICENSE", b"MIT"),
        TarMember::link(b'2', "my_pkg-1.2.3/src/COPYING", "../LICENSE"),
    ]
}

fn judge(change: impl FnOnce(&mut Vec<TarMember<'static>>)) -> Vec<String> {
    let mut files = files();
    change(&mut files);
    let bytes = samples::gzip(&samples::raw_tar(&files));
    Case {
        version: Some("1.2.3"),
        ..Case::new(Kind::Sdist, NAME)
    }
    .blockers(&bytes)
}

#[test]
fn a_good_sdist_yields_its_metadata() {
    assert!(judge(|_| {}).is_empty());
    let bytes = samples::gzip(&samples::raw_tar(&files()));
    let (facts, _) = Case::new(Kind::Sdist, NAME).judge(&bytes);
    let Some(Facts::Distribution(found)) = facts else {
        panic!("{facts:?}")
    };
    assert_eq!(found.metadata.get("Version"), Some("1.2.3"));
}

#[test]
fn everything_lies_in_the_folder_that_the_name_asks_for() {
    assert_eq!(
        judge(|files| files.push(TarMember::file("setup.py", b""))),
        ["disagrees: has the member `setup.py` outside of my_pkg-1.2.3/, which its name asks for"]
    );
    assert_eq!(
        judge(|files| files.retain(|file| file.name != "my_pkg-1.2.3/PKG-INFO")),
        ["disagrees: has no my_pkg-1.2.3/PKG-INFO, which its name asks for"]
    );
    assert_eq!(
        judge(|files| files.push(files[1])),
        ["unsafe: has my_pkg-1.2.3/PKG-INFO twice, or not as a file"]
    );
    assert_eq!(
        judge(|files| files.retain(|file| file.name != "my_pkg-1.2.3/LICENSE")),
        ["disagrees: names the licence file `LICENSE`, which is not inside"]
    );
}

#[test]
fn links_stay_inside_and_files_are_whole() {
    for (kind, target) in [
        (b'2', "../../etc/passwd"),
        (b'2', "/etc/passwd"),
        (b'1', "etc/passwd"),
        (b'1', "../x"),
    ] {
        assert_eq!(
            judge(|files| files.push(TarMember::link(kind, "my_pkg-1.2.3/x", target))),
            ["unsafe: has the link `my_pkg-1.2.3/x`, which leads out of my_pkg-1.2.3/"],
            "{target}"
        );
    }
    let sparse = ["unsafe: has the sparse member `my_pkg-1.2.3/x`, which PyPI refuses"];
    assert_eq!(
        judge(|files| files.push(TarMember::new(b'S', "my_pkg-1.2.3/x", b""))),
        sparse
    );
    let pax = |files: &mut Vec<TarMember<'static>>| {
        files.push(TarMember::new(b'x', "pax", b"22 GNU.sparse.major=1\n"));
        files.push(TarMember::file("my_pkg-1.2.3/x", b""));
    };
    assert_eq!(judge(pax), sparse);
}

#[test]
fn what_is_no_sdist_says_what_it_is() {
    let case = Case::new(Kind::Sdist, NAME);
    assert_eq!(
        case.blockers(b"hello"),
        ["not what it says: is a text, not a gzip archive"]
    );
    let bytes = samples::gzip(&samples::raw_tar(&files()));
    let trailing = [bytes.as_slice(), b"PK\x05\x06"].concat();
    assert_eq!(
        case.blockers(&trailing),
        ["unsafe: has other data behind the end of its gzip data"]
    );
    assert_eq!(
        case.blockers(&bytes[..bytes.len() - 9]),
        ["unsafe: is damaged: it ends too early"]
    );
    assert_eq!(
        case.blockers(&samples::gzip(b"no tar")),
        ["unsafe: is a damaged tar archive: it ends too early"]
    );
}

#[test]
fn pypi_wants_the_name_as_it_would_write_it() {
    let bytes = samples::gzip(&samples::tar(&[(
        "My_Pkg-1.02.3/PKG-INFO",
        b"Metadata-Version: 2.1\nName: my-pkg\nVersion: 1.2.3\nLicense-File: x\n",
    )]));
    let case = Case::new(Kind::Sdist, "My_Pkg-1.02.3.tar.gz");
    assert_eq!(
        case.blockers(&bytes),
        [
            "refused: begins with My_Pkg; PyPI takes only my_pkg",
            "refused: has version 1.02.3 in its name; PyPI takes only 1.2.3"
        ]
    );
}
