use relpub_model::config::Kind;
use relpub_model::findings::Facts;

use crate::Limits;
use crate::samples::{self, Case, DIST_INFO, METADATA, RawMember, RawZip, WHEEL_NAME};

type Files = Vec<(String, Vec<u8>)>;

/// Judges the sample wheel after its files were changed (and RECORD made anew).
fn judge(change: impl FnOnce(&mut Files)) -> Vec<String> {
    let mut files = samples::wheel_files();
    change(&mut files);
    Case::new(Kind::Wheel, WHEEL_NAME).blockers(&samples::wheel(&files).build())
}

/// Judges the sample wheel after its members were changed, but not RECORD.
fn judge_zip(change: impl FnOnce(&mut RawZip)) -> Vec<String> {
    let mut zip = samples::wheel(&samples::wheel_files());
    change(&mut zip);
    Case::new(Kind::Wheel, WHEEL_NAME).blockers(&zip.build())
}

fn edit(files: &mut Files, file: &str, from: &str, to: &str) {
    let path = format!("{DIST_INFO}/{file}");
    let (_, content) = files.iter_mut().find(|entry| entry.0 == path).unwrap();
    let text = String::from_utf8(content.clone()).unwrap();
    assert!(text.contains(from), "{from}");
    *content = text.replace(from, to).into_bytes();
}

fn metadata(from: &str, to: &str) -> Vec<String> {
    judge(|files| edit(files, "METADATA", from, to))
}

fn wheel_file(from: &str, to: &str) -> Vec<String> {
    judge(|files| edit(files, "WHEEL", from, to))
}

#[test]
fn a_good_wheel_yields_its_metadata_and_its_libraries() {
    let bytes = samples::wheel(&samples::wheel_files()).build();
    let case = Case {
        version: Some("1.2.3"),
        ..Case::new(Kind::Wheel, WHEEL_NAME)
    };
    let (facts, blockers) = case.judge(&bytes);
    assert!(blockers.is_empty(), "{blockers:?}");
    let Some(Facts::Distribution(found)) = facts else {
        panic!("{facts:?}")
    };
    assert_eq!(found.metadata.get("name"), Some("My.Pkg"));
    assert_eq!(found.metadata.fields.last().unwrap().1, "# Title\n");
    assert_eq!(found.native[0].path, "my_pkg/_native.abi3.so");
    assert_eq!(found.native[0].program.to_string(), "ELF x86_64");
}

#[test]
fn name_and_version_agree_everywhere() {
    let (inside, outside) = ("says version `1.2.4` in METADATA", "1.2.3 in its own name");
    assert_eq!(
        metadata("Version: 1.2.3", "Version: 1.2.4"),
        [format!("disagrees: {inside}, {outside}")]
    );
    assert_eq!(
        metadata("My.Pkg", "other"),
        ["disagrees: says name `other` in METADATA, my-pkg in its own name"]
    );
    let bytes = samples::wheel(&samples::wheel_files()).build();
    let case = Case {
        version: Some("2.0"),
        ..Case::new(Kind::Wheel, WHEEL_NAME)
    };
    assert_eq!(
        case.blockers(&bytes),
        ["disagrees: has version 1.2.3, the tag says 2.0"]
    );
    assert_eq!(
        Case::new(Kind::Wheel, &WHEEL_NAME.replace("1.2.3", "1.2.4")).blockers(&bytes),
        [
            "disagrees: has the folder `my_pkg-1.2.3.dist-info` where its name asks for my_pkg-1.2.4.dist-info",
            "disagrees: has no my_pkg-1.2.4.dist-info/METADATA, which its name asks for"
        ]
    );
}

#[test]
fn there_is_one_dist_info() {
    let blockers =
        judge(|files| files.push(("Other-1.dist-info/METADATA".to_owned(), METADATA.into())));
    assert_eq!(
        blockers,
        [
            "disagrees: has the folder `Other-1.dist-info` where its name asks for my_pkg-1.2.3.dist-info"
        ]
    );
    let vendored =
        judge(|files| files.push(("my_pkg/_vendor/x-1.dist-info/METADATA".to_owned(), vec![])));
    assert!(vendored.is_empty(), "{vendored:?}");
    for file in ["METADATA", "WHEEL"] {
        let path = format!("{DIST_INFO}/{file}");
        let blockers = judge(|files| files.retain(|entry| entry.0 != path));
        assert_eq!(
            blockers,
            [format!("disagrees: has no {path}, which its name asks for")]
        );
    }
}

#[test]
fn the_wheel_file_says_the_same_tags() {
    assert_eq!(
        wheel_file(
            "Tag: cp310-abi3-manylinux2014_x86_64\n",
            "Tag: py3-none-any\n"
        ),
        [
            "disagrees: says tags `cp310-abi3-manylinux_2_17_x86_64 py3-none-any` in WHEEL, `cp310-abi3-manylinux2014_x86_64 cp310-abi3-manylinux_2_17_x86_64` in its own name"
        ]
    );
    let compressed = wheel_file(
        "Tag: cp310-abi3-manylinux_2_17_x86_64\nTag: cp310-abi3-manylinux2014_x86_64\n",
        "Tag: cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64\n",
    );
    assert!(compressed.is_empty(), "{compressed:?}");
    assert_eq!(
        wheel_file("Root", "Build: 1\nRoot"),
        ["disagrees: says build `1` in WHEEL, none in its own name"]
    );
    assert_eq!(
        wheel_file("1.0", "2.0"),
        ["unsafe: has wheel version `2.0`; only 1 is known"]
    );
    let bomb = format!("Tag: {0}-{0}-{0}\nRoot", vec!["a"; 100].join("."));
    assert!(wheel_file("Root", &bomb)[0].starts_with("unsafe: has the tag"));
    let dashes = format!("Tag: {}a\nRoot", "a.a-".repeat(70));
    assert!(wheel_file("Root", &dashes)[0].starts_with("unsafe: has the tag"));
}

#[test]
fn record_lists_every_file_with_its_digest() {
    assert_eq!(
        judge_zip(|zip| zip.members[0] = RawMember::stored("my_pkg/__init__.py", b"import evil")),
        ["corrupt: has other bytes in `my_pkg/__init__.py` than its RECORD says"]
    );
    assert_eq!(
        judge_zip(|zip| zip.members.push(RawMember::stored("extra.py", b""))),
        ["disagrees: has `extra.py`, which its RECORD does not list"]
    );
    assert_eq!(
        judge_zip(|zip| drop(zip.members.remove(0))),
        ["disagrees: lacks `my_pkg/__init__.py`, which its RECORD lists"]
    );
    assert_eq!(
        judge_zip(|zip| drop(zip.members.pop())),
        ["disagrees: has no my_pkg-1.2.3.dist-info/RECORD, which its name asks for"]
    );
    let blockers = judge_zip(|zip| {
        zip.members
            .extend((0..9).map(|i| RawMember::stored(&i.to_string(), b"")));
    });
    assert_eq!(blockers.len(), 6);
    assert_eq!(blockers[5], "disagrees: has 4 more faults of this kind");
    let folder = judge_zip(|zip| zip.members.insert(0, RawMember::stored("my_pkg/", b"")));
    assert!(folder.is_empty(), "{folder:?}");
}

#[test]
fn machine_code_fits_the_platform_tag() {
    let native = |path: &str, code: Vec<u8>| judge(|files| files[1] = (path.to_owned(), code));
    let tag = "manylinux_2_17_x86_64.manylinux2014_x86_64";
    assert_eq!(
        native("my_pkg/_native.abi3.so", samples::elf(183)),
        [format!(
            "not what it says: has `my_pkg/_native.abi3.so`, which is ELF aarch64; its tag is {tag}"
        )]
    );
    assert_eq!(
        native("my_pkg-1.2.3.data/scripts/my", samples::macho(0x0100_000c)),
        [format!(
            "not what it says: has `my_pkg-1.2.3.data/scripts/my`, which is Mach-O arm64; its tag is {tag}"
        )]
    );
    let helper =
        judge(|files| files.push(("my_pkg/attach_x86.dll".to_owned(), samples::pe(0x14c))));
    assert!(helper.is_empty(), "{helper:?}");
}

#[test]
fn what_pypi_would_refuse_is_refused() {
    assert_eq!(
        metadata("2.4", "2.6"),
        ["refused: has metadata version `2.6`, which PyPI does not accept"]
    );
    assert_eq!(
        judge(|files| edit(files, "entry_points.txt", "my =", "../my =")),
        [
            "refused: has an entry_points.txt that PyPI refuses: line 2 names a script with other characters than letters, digits and . _ -"
        ]
    );
    assert_eq!(
        metadata("LICENSE", "COPYING"),
        [
            "disagrees: names the licence file `COPYING`, which is not inside at `my_pkg-1.2.3.dist-info/licenses/COPYING`"
        ]
    );
    let name = WHEEL_NAME.replace("manylinux_2_17_x86_64.manylinux2014_x86_64", "linux_x86_64");
    let mut files = samples::wheel_files();
    edit(
        &mut files,
        "WHEEL",
        "Tag: cp310-abi3-manylinux2014_x86_64\n",
        "",
    );
    edit(&mut files, "WHEEL", "manylinux_2_17", "linux");
    let bytes = samples::wheel(&files).build();
    let case = Case::new(Kind::Wheel, &name);
    assert_eq!(
        case.blockers(&bytes),
        ["refused: has platform tag linux_x86_64; PyPI takes no wheel with it"]
    );
    let elsewhere = Case {
        for_index: false,
        ..Case::new(Kind::Wheel, &name)
    };
    assert!(elsewhere.blockers(&bytes).is_empty());
}

#[test]
fn what_is_no_wheel_says_what_it_is() {
    let case = Case::new(Kind::Wheel, WHEEL_NAME);
    assert_eq!(
        case.blockers(&samples::elf(62)),
        ["not what it says: is an ELF x86_64 program, not a wheel, which is a ZIP archive"]
    );
    assert_eq!(
        Case::new(Kind::Wheel, "my_pkg-1.2.3.whl").blockers(b""),
        [
            "not what it says: is not named as a wheel must be: a wheel's name has five or six fields between dashes, this has 2"
        ]
    );
    let mut both = samples::tar(&[("PK", b"")]);
    both.truncate(512);
    assert_eq!(
        case.blockers(&both),
        ["not what it says: is a tar archive, not a wheel, which is a ZIP archive"]
    );
}

#[test]
fn a_bomb_costs_nothing() {
    let mut bomb = RawMember::deflated("bomb", b"");
    bomb.both(|header| header.size = 70 << 20);
    let blockers = judge_zip(|zip| zip.members.push(bomb));
    assert!(
        blockers[0].ends_with("over 50 times its size, which PyPI refuses"),
        "{blockers:?}"
    );
    let limits = Limits {
        unpacked: 1000,
        ..Limits::default()
    };
    let bytes = samples::wheel(&samples::wheel_files()).build();
    let blockers = Case {
        limits,
        ..Case::new(Kind::Wheel, WHEEL_NAME)
    }
    .blockers(&bytes);
    assert!(
        blockers[0].ends_with("at most 1000 are allowed"),
        "{blockers:?}"
    );
}

#[test]
fn a_claim_of_a_million_members_costs_nothing() {
    let mut bytes = samples::wheel(&samples::wheel_files());
    bytes.zip64 = Some(0);
    let mut bytes = bytes.build();
    let record = bytes.windows(4).rposition(|w| w == b"PK\x06\x06").unwrap();
    let end = bytes.windows(4).rposition(|w| w == b"PK\x05\x06").unwrap();
    for at in [record + 24, record + 32] {
        bytes[at..at + 8].copy_from_slice(&1_000_000_u64.to_le_bytes());
    }
    bytes[end + 8..end + 12].fill(0xff);
    let blockers = Case::new(Kind::Wheel, WHEEL_NAME).blockers(&bytes);
    assert_eq!(
        blockers,
        ["unsafe: says that it has 1000000 members; at most 100000 are allowed"]
    );
}

#[test]
fn members_that_share_bytes_are_refused() {
    let blockers = judge_zip(|zip| zip.members[1].offset = Some(0));
    assert_eq!(
        blockers,
        ["unsafe: has the member `my_pkg/_native.abi3.so` where something else is"]
    );
}

#[test]
fn members_cannot_leave_the_archive() {
    let blockers = judge_zip(|zip| zip.members[0].both(|header| header.name = b"../x".to_vec()));
    assert_eq!(
        blockers,
        ["unsafe: has the member `../x`, whose path leaves the archive"]
    );
}
