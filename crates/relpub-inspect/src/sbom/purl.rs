//! Package URLs: how a component is named across tools (ECMA-427).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What is written with a percent sign; a colon never is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'~')
    .remove(b':');

/// Returns the name of a project on PyPI; `project` is normalised.
pub(super) fn pypi(project: &str, version: Option<&str>, file: Option<&str>) -> String {
    let file = file.map(|name| [("file_name", name.to_owned())]);
    let qualifiers = file.as_ref().map_or(&[][..], |all| all);
    of("pypi", project, version, qualifiers)
}

/// Returns the name of a crate on crates.io.
pub(super) fn cargo(name: &str, version: &str) -> String {
    of("cargo", name, Some(version), &[])
}

/// Returns the name of a Go module, whose path is a hierarchy.
pub(super) fn golang(module: &str, version: Option<&str>) -> String {
    of("golang", &module.to_lowercase(), version, &[])
}

/// Returns the name of a file that belongs to no ecosystem.
pub(super) fn generic(name: &str, version: Option<&str>, sha256: &str) -> String {
    let checksum = ("checksum", format!("sha256:{sha256}"));
    of("generic", name, version, &[checksum])
}

/// Returns the path of a file, as it stands behind the `#` of a package's name.
pub(super) fn subpath(path: &str) -> String {
    let segments: Vec<_> = path.split('/').map(encode).collect();
    segments.join("/")
}

/// Puts a name together; `qualifiers` are in the order of their keys.
fn of(kind: &str, path: &str, version: Option<&str>, qualifiers: &[(&str, String)]) -> String {
    let mut out = format!("pkg:{kind}/{}", subpath(path));
    if let Some(version) = version {
        out.push('@');
        out.push_str(&encode(version));
    }
    for (index, (key, value)) in qualifiers.iter().enumerate() {
        out.push(if index == 0 { '?' } else { '&' });
        out.push_str(key);
        out.push('=');
        out.push_str(&encode(value));
    }
    out
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_canonical() {
        let wheel = pypi("my-pkg", Some("1.0+cu128"), Some("my_pkg-1.0+cu128.whl"));
        assert_eq!(
            wheel,
            "pkg:pypi/my-pkg@1.0%2Bcu128?file_name=my_pkg-1.0%2Bcu128.whl"
        );
        assert_eq!(pypi("attrs", None, None), "pkg:pypi/attrs");
        assert_eq!(
            golang("github.com/BurntSushi/toml", Some("v1.0.0+incompatible")),
            "pkg:golang/github.com/burntsushi/toml@v1.0.0%2Bincompatible"
        );
        assert_eq!(
            generic("tool x", None, "00ff"),
            "pkg:generic/tool%20x?checksum=sha256:00ff"
        );
    }
}
