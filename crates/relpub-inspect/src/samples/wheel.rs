//! A wheel that is right, to be spoiled one thing at a time.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use relpub_model::digest::Sha256;

use super::{RawMember, RawZip, elf};

pub(crate) const WHEEL_NAME: &str =
    "my_pkg-1.2.3-cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl";
pub(crate) const DIST_INFO: &str = "my_pkg-1.2.3.dist-info";
pub(crate) const METADATA: &str = "Metadata-Version: 2.4\nName: My.Pkg\nVersion: 1.2.3\nSummary: A package\nLicense-File: LICENSE\n\n# Title\n";
const WHEEL: &str = "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp310-abi3-manylinux_2_17_x86_64\nTag: cp310-abi3-manylinux2014_x86_64\n";

/// Returns the wheel's files but RECORD.
pub(crate) fn wheel_files() -> Vec<(String, Vec<u8>)> {
    let inside = |file: &str| format!("{DIST_INFO}/{file}");
    vec![
        (
            "my_pkg/__init__.py".to_owned(),
            b"print('hello')\n".repeat(10),
        ),
        ("my_pkg/_native.abi3.so".to_owned(), elf(62)),
        (inside("METADATA"), METADATA.into()),
        (inside("WHEEL"), WHEEL.into()),
        (
            inside("entry_points.txt"),
            b"[console_scripts]\nmy = my_pkg:main\n".to_vec(),
        ),
        (inside("licenses/LICENSE"), b"MIT".to_vec()),
    ]
}

/// Returns a wheel of some files, with a RECORD of them.
pub(crate) fn wheel(files: &[(String, Vec<u8>)]) -> RawZip {
    let mut record = String::new();
    for (name, content) in files {
        let digest = URL_SAFE_NO_PAD.encode(Sha256::of(content).as_bytes());
        writeln!(record, "{name},sha256={digest},{}", content.len()).unwrap();
    }
    writeln!(record, "{DIST_INFO}/RECORD,,").unwrap();
    let mut members: Vec<_> = files
        .iter()
        .map(|(name, content)| RawMember::deflated(name, content))
        .collect();
    members.push(RawMember::deflated(
        &format!("{DIST_INFO}/RECORD"),
        record.as_bytes(),
    ));
    RawZip::new(members)
}
