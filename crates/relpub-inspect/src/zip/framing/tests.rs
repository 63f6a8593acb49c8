//! One row for each of PyPI's reasons.

use relpub_model::config::Kind;

use crate::samples::{self, Case, RawMember, RawZip, WHEEL_NAME};

fn sample() -> RawZip {
    samples::wheel(&samples::wheel_files())
}

/// Judges the sample wheel after `spoil`.
fn judge(spoil: impl FnOnce(&mut RawZip)) -> Vec<String> {
    let mut zip = sample();
    spoil(&mut zip);
    Case::new(Kind::Wheel, WHEEL_NAME).blockers(&zip.build())
}

/// Returns the one reason, without the words that all have in common.
fn why(spoil: impl FnOnce(&mut RawZip)) -> String {
    let blockers = judge(spoil);
    assert_eq!(blockers.len(), 1, "{blockers:?}");
    let common = "unsafe: is a ZIP archive that PyPI and others do not accept: ";
    blockers[0]
        .strip_prefix(common)
        .unwrap_or(&blockers[0])
        .to_owned()
}

fn zip64_extra(sizes: &[u64]) -> Vec<u8> {
    let length = u16::try_from(sizes.len() * 8).unwrap();
    let head = [1_u16.to_le_bytes(), length.to_le_bytes()].concat();
    sizes.iter().fold(head, |head, size| {
        [head, size.to_le_bytes().to_vec()].concat()
    })
}

#[test]
fn a_wheel_that_pypi_takes_passes() {
    assert!(judge(|_| {}).is_empty());
    assert!(judge(|zip| zip.comment = b"a comment of the whole archive").is_empty());
    assert!(judge(|zip| zip.zip64 = Some(0)).is_empty());
    let wide = |zip: &mut RawZip| {
        let member = &mut zip.members[0];
        let sizes = [member.local.size.into(), member.local.compressed.into()];
        member.both(|header| {
            header.extra = zip64_extra(&sizes);
            (header.size, header.compressed) = (u32::MAX, u32::MAX);
        });
    };
    assert!(judge(wide).is_empty());
}

#[test]
fn names_must_be_the_same_on_both_sides() {
    assert_eq!(
        why(|zip| zip.members[0].local.name[0] = b'\xff'),
        "Filename not unicode (`\u{fffd}y_pkg/__init__.py`)"
    );
    assert_eq!(
        why(|zip| zip.members[0].local.name[0] = 0x7f),
        "Invalid character in filename (`\u{fffd}y_pkg/__init__.py`)"
    );
    assert_eq!(
        why(|zip| zip.members[0].local.name[0] = b'x'),
        "Filename not in central directory (`xy_pkg/__init__.py`)"
    );
    assert_eq!(
        why(|zip| zip.members[0].without_central = true),
        "Filename not in central directory (`my_pkg/__init__.py`)"
    );
    assert_eq!(
        why(|zip| zip.members.push(zip.members[0].clone())),
        "Duplicate filename in central directory (`my_pkg/__init__.py`)"
    );
    let twice = |zip: &mut RawZip| {
        let again = RawMember {
            without_central: true,
            ..zip.members[0].clone()
        };
        zip.members.push(again);
    };
    assert_eq!(
        why(twice),
        "Duplicate filename in local headers (`my_pkg/__init__.py`)"
    );
    let absent = RawMember {
        without_local: true,
        ..RawMember::stored("a", b"")
    };
    assert_eq!(
        why(|zip| zip.members.insert(0, absent)),
        "unsafe: has the member `my_pkg/__init__.py` where something else is"
    );
    let not_ascii = |zip: &mut RawZip| zip.members[0].both(|header| header.name = "é".into());
    assert_eq!(why(not_ascii), "Filename not in central directory (`é`)");
}

#[test]
fn sizes_and_methods_must_be_the_same_on_both_sides() {
    let name = "(`my_pkg/__init__.py`)";
    assert_eq!(
        why(|zip| zip.members[0].local.size += 1),
        format!("Mis-matched file size {name}")
    );
    assert_eq!(
        why(|zip| zip.members[0].local.compressed -= 1),
        format!("Mis-matched data size {name}")
    );
    let mismatched = format!("Mis-matched local headers and central directory {name}");
    assert_eq!(why(|zip| zip.members[0].local.method = 0), mismatched);
    assert_eq!(why(|zip| zip.members[0].local.crc32 ^= 1), mismatched);
    let streamed = |zip: &mut RawZip| zip.members[0].both(|header| header.flags |= 8);
    assert_eq!(
        why(streamed),
        format!("ZIP contains a data descriptor {name}")
    );
}

#[test]
fn extra_fields_must_be_whole_and_single() {
    let extra = |extra: Vec<u8>| why(|zip| zip.members[0].local.extra = extra);
    let name = "(`my_pkg/__init__.py`)";
    let twice = [zip64_extra(&[]), zip64_extra(&[])].concat();
    assert_eq!(
        extra(twice),
        format!("Invalid duplicate extra in local file {name}")
    );
    assert_eq!(extra(vec![1, 0, 8]), "Malformed zip file", "cut short");
    assert_eq!(
        extra(vec![1, 0, 9, 0, 1]),
        "Malformed zip file",
        "longer than the area"
    );
    assert_eq!(
        extra(zip64_extra(&[1])),
        "Malformed zip file",
        "one size, but compressed"
    );
    assert_eq!(
        extra(vec![1, 0, 3, 0, 1, 1, 1]),
        "Malformed zip file",
        "no length of sizes"
    );
    let unicode = |path: &[u8]| {
        let length = u8::try_from(5 + path.len()).unwrap();
        [&[0x75, 0x70, length, 0, 1, 0, 0, 0, 0], path].concat()
    };
    assert_eq!(
        extra(unicode(b"a\x01")),
        format!("Invalid character in filename {name}")
    );
    assert_eq!(
        extra(unicode(b"\xff")),
        format!("Filename not valid UTF-8 {name}")
    );
}

#[test]
fn nothing_lies_between_the_records() {
    assert_eq!(
        why(|zip| zip.before = b"PK\x05\x06"),
        "Unknown record signature"
    );
    assert_eq!(
        why(|zip| zip.between = b"a gap of 30 bytes before the directory"),
        "Unknown record signature"
    );
    assert_eq!(
        why(|zip| zip.before_end = b"junk"),
        "Mismatched central directory offset"
    );
    assert_eq!(why(|zip| zip.behind = b"junk"), "Trailing data");
    assert_eq!(
        why(|zip| zip.members[0].comment = b"hello"),
        "Comment in central directory"
    );
    assert_eq!(
        why(|zip| zip.directory_offset = Some(7)),
        "Mismatched central directory offset"
    );
    assert_eq!(
        why(|zip| zip.count = Some(3)),
        "Mismatched central directory records"
    );
    assert_eq!(
        why(|zip| zip.zip64 = Some(8)),
        "ZIP64 extensible data not allowed"
    );
}

#[test]
fn an_end_record_inside_a_comment_fools_nobody() {
    let comment = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let reason = why(|zip| zip.comment = comment);
    assert_eq!(reason, "Mismatched central directory offset");
}

#[test]
fn content_must_be_what_its_header_says() {
    let content = |spoil: fn(&mut RawMember)| why(|zip| spoil(&mut zip.members[0]));
    let has = |what: &str| format!("unsafe: has the member `my_pkg/__init__.py`, which {what}");
    assert_eq!(
        content(|member| member.both(|header| header.size -= 1)),
        has("unpacks to more than it says")
    );
    assert_eq!(
        content(|member| member.both(|header| header.size += 1)),
        has("unpacks to less than it says")
    );
    assert_eq!(
        content(|member| member.both(|header| header.crc32 ^= 1)),
        has("does not have the CRC-32 that it says")
    );
    assert_eq!(content(|member| member.data[0] = 7), has("is damaged"));
    assert_eq!(
        content(|member| member.both(|header| header.flags |= 1)),
        has("is encrypted")
    );
    assert_eq!(
        content(|member| member.both(|header| header.method = 14)),
        has("is compressed by a method that installers do not read")
    );
    let longer = |member: &mut RawMember| {
        member.data.push(0);
        member.both(|header| header.compressed += 1);
    };
    assert_eq!(
        content(longer),
        has("has other data behind its compressed data")
    );
}
