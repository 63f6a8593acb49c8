//! Manifests: what a build declares about its files.
//!
//! Two formats are told apart by their content: relpub's `manifest.json`
//! (schema 1) and checksum files as `sha256sum` writes them (`SHA256SUMS`). A
//! sidecar is a checksum file for the one file beside it.
//!
//! What is declared here is not yet trusted, only read: names must lie below
//! the manifest's own folder, and a file may be declared once.

mod json;
mod sums;

use relpub_model::manifest::Manifest;
use relpub_model::name::{NameError, SourcePath};
use relpub_model::text::Untrusted;

/// The largest manifest that is read, in bytes.
pub const LARGEST: usize = 32 << 20;

/// The place in a manifest where it is wrong, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}:{line}:{column}: {fault}")]
pub struct ManifestError {
    /// The manifest's path in the source.
    pub path: SourcePath,
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted from 1.
    pub column: usize,
    /// What is wrong.
    pub fault: ManifestFault,
}

/// What is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestFault {
    /// It is larger than [`LARGEST`].
    #[error("the manifest has {0} bytes, more than the {LARGEST} that are read")]
    TooLarge(usize),
    /// It is not UTF-8.
    #[error("the manifest is not UTF-8 from here on")]
    NotUtf8,
    /// It begins with a byte order mark.
    #[error("the manifest begins with a byte order mark; write it as plain UTF-8")]
    ByteOrderMark,
    /// It declares nothing.
    #[error("the manifest declares no file")]
    Empty,
    /// It is JSON, but not as the schema wants it.
    #[error("{0}")]
    Json(String),
    /// Its schema is another one.
    #[error("the manifest has schema {0}; this version of relpub reads schema 1")]
    Schema(String),
    /// It is another tool's manifest.
    #[error(
        "{0} is not supported by this version; list the files in SHA256SUMS or relpub's manifest.json"
    )]
    OtherTool(&'static str),
    /// A line is not as `sha256sum` writes it.
    #[error("a line is `DIGEST  NAME` or `SHA256 (NAME) = DIGEST`, as sha256sum writes it")]
    Line,
    /// A line has one blank where the others have two.
    #[error("lines with one blank and with two are mixed, so the name is ambiguous")]
    Mixed,
    /// A backslash escape is none that `sha256sum` writes.
    #[error(r"a name with a backslash in front of its line may escape only \\, \n and \r")]
    Escape,
    /// The digest is of another algorithm.
    #[error("{0} digests are not supported by this version; use SHA-256")]
    Algorithm(&'static str),
    /// The digest is none.
    #[error("a SHA-256 digest has 64 hexadecimal digits")]
    Digest,
    /// A name does not lie below the manifest's folder.
    #[error("{0}")]
    Name(NameError),
    /// A file is declared again with another digest or size.
    #[error("`{0}` is declared again, with another digest or size")]
    Twice(SourcePath),
    /// A sidecar is about another file.
    #[error("a checksum for `{0}` was expected, and only that")]
    OtherFile(String),
}

/// A fault and the byte at which it is.
type At = (usize, ManifestFault);

/// Reads a manifest: relpub's JSON or a checksum file.
pub fn parse(path: &SourcePath, bytes: &[u8]) -> Result<Manifest, ManifestError> {
    let read = || {
        let text = text(bytes)?;
        let manifest = if text.trim_start().starts_with(['{', '[']) {
            json::parse(path, text)?
        } else {
            sums::parse(path, text)?
        };
        if manifest.entries.is_empty() {
            return Err((0, ManifestFault::Empty));
        }
        Ok(manifest)
    };
    read().map_err(|at| located(path, bytes, at))
}

/// Reads a sidecar such as `FILE.sha256`: a checksum line for `FILE`, or its
/// digest alone.
pub fn parse_sidecar(path: &SourcePath, bytes: &[u8]) -> Result<Manifest, ManifestError> {
    text(bytes)
        .and_then(|text| sums::parse_sidecar(path, text))
        .map_err(|at| located(path, bytes, at))
}

fn text(bytes: &[u8]) -> Result<&str, At> {
    if bytes.len() > LARGEST {
        return Err((0, ManifestFault::TooLarge(bytes.len())));
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err((0, ManifestFault::ByteOrderMark));
    }
    std::str::from_utf8(bytes).map_err(|error| (error.valid_up_to(), ManifestFault::NotUtf8))
}

/// Turns an offset into a line and a column.
fn located(path: &SourcePath, bytes: &[u8], (offset, fault): At) -> ManifestError {
    let before = &bytes[..offset.min(bytes.len())];
    let line_start = before
        .iter()
        .rposition(|&b| b == b'\n')
        .map_or(0, |at| at + 1);
    let line = before.split(|&b| b == b'\n').count();
    let column = String::from_utf8_lossy(&before[line_start..])
        .chars()
        .count()
        + 1;
    ManifestError {
        path: path.clone(),
        line,
        column,
        fault,
    }
}

/// Resolves a name against the manifest's folder.
fn below(manifest: &SourcePath, name: &str) -> Result<SourcePath, ManifestFault> {
    // The name alone must be a path, so that `/x` and `../x` are refused.
    let name: SourcePath = name.parse().map_err(ManifestFault::Name)?;
    let folder = manifest.folder();
    if folder.is_empty() {
        return Ok(name);
    }
    format!("{folder}/{name}")
        .parse()
        .map_err(ManifestFault::Name)
}

/// Shows a stranger's text in a message.
fn shown(text: &str) -> String {
    Untrusted::new(text).for_terminal()
}

#[cfg(test)]
mod tests;
