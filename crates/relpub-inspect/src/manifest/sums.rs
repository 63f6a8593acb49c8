//! Checksum files, as GNU coreutils' `sha256sum --check --strict` reads them.

use std::collections::HashMap;

use relpub_model::digest::Sha256;
use relpub_model::manifest::{Entry, Manifest};
use relpub_model::name::SourcePath;

use super::{At, ManifestFault, below};

/// Reads a checksum file.
pub(super) fn parse(path: &SourcePath, text: &str) -> Result<Manifest, At> {
    let mut entries = Entries::default();
    let mut form = None;
    for (offset, line) in lines(text) {
        let entry = parse_line(path, line, &mut form);
        entry
            .and_then(|entry| entries.add(entry))
            .map_err(|fault| (offset, fault))?;
    }
    Ok(manifest(path, entries.list))
}

/// Reads a sidecar.
pub(super) fn parse_sidecar(path: &SourcePath, text: &str) -> Result<Manifest, At> {
    let (file, _) = path
        .as_str()
        .rsplit_once('.')
        .unwrap_or((path.as_str(), ""));
    let file: SourcePath = file
        .parse()
        .map_err(|error| (0, ManifestFault::Name(error)))?;
    let other = || ManifestFault::OtherFile(file.last_segment().to_owned());
    let mut found = None;
    for (offset, line) in lines(text) {
        let sha256 = sidecar_line(&file, line).map_err(|fault| (offset, fault))?;
        if found.replace(sha256).is_some() {
            return Err((offset, other()));
        }
    }
    let sha256 = found.ok_or((0, ManifestFault::Empty))?;
    Ok(manifest(
        path,
        vec![Entry {
            path: file,
            size: None,
            sha256,
        }],
    ))
}

fn sidecar_line(file: &SourcePath, line: &str) -> Result<Sha256, ManifestFault> {
    let bare = line.trim();
    if bare.bytes().all(|b| b.is_ascii_hexdigit()) {
        return digest(bare);
    }
    let (name, sha256, _) = split(line)?;
    // Tools write the path that they were given; only the file's own name counts.
    let last = name.rsplit('/').next().unwrap_or_default();
    if last == file.last_segment() {
        Ok(sha256)
    } else {
        Err(ManifestFault::OtherFile(file.last_segment().to_owned()))
    }
}

fn manifest(path: &SourcePath, entries: Vec<Entry>) -> Manifest {
    Manifest {
        path: path.clone(),
        commit: None,
        repository: None,
        version: None,
        entries,
    }
}

/// Returns the lines that count, each with its offset, without CR and LF.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut offset = 0;
    text.split_inclusive('\n').filter_map(move |whole| {
        let start = offset;
        offset += whole.len();
        let line = whole.strip_suffix('\n').unwrap_or(whole);
        let line = line.strip_suffix('\r').unwrap_or(line);
        (!line.is_empty() && !line.starts_with('#')).then_some((start, line))
    })
}

/// Collects entries, each file once.
#[derive(Default)]
struct Entries {
    list: Vec<Entry>,
    places: HashMap<SourcePath, usize>,
}

impl Entries {
    fn add(&mut self, entry: Entry) -> Result<(), ManifestFault> {
        let Some(&place) = self.places.get(&entry.path) else {
            self.places.insert(entry.path.clone(), self.list.len());
            self.list.push(entry);
            return Ok(());
        };
        if self.list[place] == entry {
            Ok(())
        } else {
            Err(ManifestFault::Twice(entry.path))
        }
    }
}

/// How a line separates the digest from the name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Two blanks, or a blank and a `*`.
    Two,
    /// One blank (BSD's reversed form): a name may begin with a blank or a `*`.
    One,
    /// `SHA256 (NAME) = DIGEST`.
    Tagged,
}

fn parse_line(
    path: &SourcePath,
    line: &str,
    form: &mut Option<Form>,
) -> Result<Entry, ManifestFault> {
    let (name, sha256, found) = split(line)?;
    // The first line decides, as for sha256sum: else a blank could move into a name.
    let first = *form.get_or_insert(found);
    if (first == Form::One) != (found == Form::One) {
        return Err(ManifestFault::Mixed);
    }
    let name = name.strip_prefix("./").unwrap_or(&name);
    Ok(Entry {
        path: below(path, name)?,
        size: None,
        sha256,
    })
}

/// Splits a line into name and digest.
fn split(line: &str) -> Result<(String, Sha256, Form), ManifestFault> {
    let line = line.trim_start_matches([' ', '\t']);
    let (escaped, line) = line
        .strip_prefix('\\')
        .map_or((false, line), |rest| (true, rest));
    let (name, text, form) = match tagged(line)? {
        Some((name, text)) => (name, text, Form::Tagged),
        None => plain(line)?,
    };
    let sha256 = digest(text)?;
    let name = if escaped {
        unescape(name)?
    } else {
        name.to_owned()
    };
    Ok((name, sha256, form))
}

/// Reads `SHA256 (NAME) = DIGEST` or OpenSSL's `SHA256(NAME)= DIGEST`.
fn tagged(line: &str) -> Result<Option<(&str, &str)>, ManifestFault> {
    let Some((tag, rest)) = line.split_once('(') else {
        return Ok(None);
    };
    let tag = tag.trim_end_matches(' ');
    if tag.is_empty() || tag.contains(' ') || is_digest(tag) {
        return Ok(None);
    }
    if tag != "SHA256" {
        return Err(match tag {
            "MD5" => ManifestFault::Algorithm("MD5"),
            "SHA1" => ManifestFault::Algorithm("SHA-1"),
            "SHA384" => ManifestFault::Algorithm("SHA-384"),
            "SHA512" => ManifestFault::Algorithm("SHA-512"),
            _ if tag.starts_with("BLAKE2") => ManifestFault::Algorithm("BLAKE2"),
            _ => ManifestFault::Line,
        });
    }
    let (name, digest) = rest.rsplit_once(')').ok_or(ManifestFault::Line)?;
    let digest = digest
        .trim_start()
        .strip_prefix('=')
        .ok_or(ManifestFault::Line)?;
    Ok(Some((name, digest.trim_start())))
}

/// Reads `DIGEST  NAME`, `DIGEST *NAME` or `DIGEST NAME`.
fn plain(line: &str) -> Result<(&str, &str, Form), ManifestFault> {
    let (digest, rest) = line.split_once(' ').ok_or(ManifestFault::Line)?;
    if !is_digest(digest) {
        return Err(ManifestFault::Line);
    }
    let (name, form) = match rest.strip_prefix([' ', '*']) {
        Some(name) => (name, Form::Two),
        None => (rest, Form::One),
    };
    if name.is_empty() {
        Err(ManifestFault::Line)
    } else {
        Ok((name, digest, form))
    }
}

fn is_digest(text: &str) -> bool {
    text.len() >= 32 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Parses a digest; its length gives other algorithms away.
fn digest(text: &str) -> Result<Sha256, ManifestFault> {
    text.parse().map_err(|_| match text.len() {
        32 => ManifestFault::Algorithm("MD5"),
        40 => ManifestFault::Algorithm("SHA-1"),
        96 => ManifestFault::Algorithm("SHA-384"),
        128 => ManifestFault::Algorithm("SHA-512"),
        _ => ManifestFault::Digest,
    })
}

fn unescape(name: &str) -> Result<String, ManifestFault> {
    let mut out = String::new();
    let mut chars = name.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next() {
                Some('\\') => '\\',
                Some('n') => '\n',
                Some('r') => '\r',
                _ => return Err(ManifestFault::Escape),
            },
            other => other,
        });
    }
    Ok(out)
}
