//! RECORD: the list of a wheel's files with their digests.
//!
//! A CSV file of path, `ALGORITHM=DIGEST` (URL-safe base64 without padding) and
//! size. Every file must be in it; RECORD itself without a digest, and the
//! signature files that once stood beside it not at all.

use std::collections::HashMap;

use aws_lc_rs::digest::{Algorithm, Context, SHA256, SHA384, SHA512};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use relpub_model::blocker::Code;

use crate::Limits;
use crate::fault::{Fault, Report, quoted};

/// A RECORD and, after every file was judged by it, what is wrong.
pub(super) struct Record {
    rows: HashMap<String, Row>,
    exempt: [String; 3],
    unlisted: Vec<String>,
    changed: Vec<String>,
}

struct Row {
    digest: Option<(&'static Algorithm, Vec<u8>)>,
    size: Option<u64>,
    seen: bool,
}

/// Digests one file as RECORD wants it.
pub(super) struct Checker(Option<Context>);

impl Checker {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        if let Some(context) = &mut self.0 {
            context.update(bytes);
        }
    }
}

impl Record {
    /// Parses RECORD; it may have as many rows as a wheel may have members.
    pub(super) fn parse(bytes: &[u8], dist_info: &str, limits: &Limits) -> Result<Self, Fault> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| Fault::hostile("has a RECORD that is not UTF-8"))?;
        let exempt =
            ["RECORD", "RECORD.jws", "RECORD.p7s"].map(|file| format!("{dist_info}/{file}"));
        let mut rows = HashMap::new();
        for (number, line) in (1..)
            .zip(text.lines())
            .filter(|(_, line)| !line.trim().is_empty())
        {
            let wrong =
                |why: &str| Fault::hostile(format!("has a line {number} in RECORD that {why}"));
            let [path, digest, size] =
                split_row(line).ok_or_else(|| wrong("is not three fields"))?;
            let row = Row {
                digest: parse_digest(&digest).map_err(wrong)?,
                size: parse_size(&size).map_err(wrong)?,
                seen: false,
            };
            if row.digest.is_none() && !exempt.contains(&path) {
                return Err(wrong("has no digest"));
            }
            if rows.insert(path, row).is_some() {
                return Err(wrong("lists a file again"));
            }
            if rows.len() as u64 > limits.members {
                return Err(wrong("is one more than a wheel may have files"));
            }
        }
        Ok(Self {
            rows,
            exempt,
            unlisted: Vec::new(),
            changed: Vec::new(),
        })
    }

    /// Returns what digests the file `name`.
    pub(super) fn checker(&self, name: &str) -> Checker {
        let digest = self.rows.get(name).and_then(|row| row.digest.as_ref());
        Checker(digest.map(|(algorithm, _)| Context::new(algorithm)))
    }

    /// Compares a file that was read with its row.
    pub(super) fn judge(&mut self, name: &str, checker: Checker, size: u64) {
        let Some(row) = self.rows.get_mut(name) else {
            // RECORD must list itself.
            if !self.exempt[1..].iter().any(|path| path == name) {
                self.unlisted.push(format!(
                    "has {}, which its RECORD does not list",
                    quoted(name)
                ));
            }
            return;
        };
        row.seen = true;
        let found = checker.0.map(Context::finish);
        let same = match (&row.digest, &found) {
            (Some((_, wanted)), Some(found)) => wanted.as_slice() == found.as_ref(),
            _ => true,
        };
        if !same || row.size.is_some_and(|wanted| wanted != size) {
            self.changed.push(format!(
                "has other bytes in {} than its RECORD says",
                quoted(name)
            ));
        }
    }

    /// Reports files that differ, are not listed, or are listed and not there.
    pub(super) fn report(self, report: &mut Report<'_>, limits: &Limits) {
        report.add_some(Code::Corrupt, limits.reasons, &self.changed);
        report.add_some(Code::Disagrees, limits.reasons, &self.unlisted);
        let mut absent: Vec<_> = self
            .rows
            .iter()
            .filter(|(path, row)| !row.seen && !self.exempt.contains(path) && !path.ends_with('/'))
            .map(|(path, _)| format!("lacks {}, which its RECORD lists", quoted(path)))
            .collect();
        absent.sort();
        report.add_some(Code::Disagrees, limits.reasons, &absent);
    }
}

fn parse_digest(text: &str) -> Result<Option<(&'static Algorithm, Vec<u8>)>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let (algorithm, digest) = text.split_once('=').ok_or("has a malformed digest")?;
    let algorithm = match algorithm {
        "sha256" => &SHA256,
        "sha384" => &SHA384,
        "sha512" => &SHA512,
        _ => return Err("has a digest weaker than SHA-256, or of an unknown kind"),
    };
    let digest = URL_SAFE_NO_PAD
        .decode(digest.trim_end_matches('='))
        .map_err(|_| "has a malformed digest")?;
    if digest.len() == algorithm.output_len() {
        Ok(Some((algorithm, digest)))
    } else {
        Err("has a malformed digest")
    }
}

fn parse_size(text: &str) -> Result<Option<u64>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let size = text.parse().map_err(|_| "has a size that is no number")?;
    Ok(Some(size))
}

/// Splits a CSV row of three fields; a field in quotes may hold commas, and
/// quotes twice.
fn split_row(line: &str) -> Option<[String; 3]> {
    let mut fields = Vec::new();
    let mut rest = Some(line);
    while let Some(text) = rest {
        let field;
        (field, rest) = if let Some(inner) = text.strip_prefix('"') {
            quoted_field(inner)?
        } else {
            match text.split_once(',') {
                Some((field, after)) => (field.to_owned(), Some(after)),
                None => (text.to_owned(), None),
            }
        };
        fields.push(field);
        if fields.len() > 3 {
            return None;
        }
    }
    fields.try_into().ok()
}

fn quoted_field(inner: &str) -> Option<(String, Option<&str>)> {
    let mut field = String::new();
    let mut rest = inner;
    loop {
        let (before, after) = rest.split_once('"')?;
        field.push_str(before);
        if let Some(more) = after.strip_prefix('"') {
            field.push('"');
            rest = more;
        } else if after.is_empty() {
            return Some((field, None));
        } else {
            return after.strip_prefix(',').map(|next| (field, Some(next)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_csv() {
        let row = |line: &str| split_row(line).map(|fields| fields.join("|"));
        assert_eq!(row("a,sha256=x,1").as_deref(), Some("a|sha256=x|1"));
        assert_eq!(row("\"a,\"\"b\",,").as_deref(), Some("a,\"b||"));
        assert_eq!(row("a,b"), None);
        assert_eq!(row("a,b,c,d"), None);
        assert_eq!(row("\"a,b,c"), None);
    }

    #[test]
    fn a_record_that_proves_nothing_is_refused() {
        let refusal = |text: &[u8]| match Record::parse(text, "a-1.dist-info", &Limits::default()) {
            Err(Fault::Content(_, reason)) => reason,
            _ => panic!("accepted"),
        };
        let digest = format!("sha256={}", "A".repeat(43));
        assert_eq!(refusal(b"\xff"), "has a RECORD that is not UTF-8");
        assert_eq!(
            refusal(b"a.py\n"),
            "has a line 1 in RECORD that is not three fields"
        );
        assert_eq!(
            refusal(b"\na.py,,\n"),
            "has a line 2 in RECORD that has no digest"
        );
        assert_eq!(
            refusal(b"a.py,md5=x,1\n"),
            "has a line 1 in RECORD that has a digest weaker than SHA-256, or of an unknown kind"
        );
        assert_eq!(
            refusal(format!("a,{digest},1\na,{digest},1\n").as_bytes()),
            "has a line 2 in RECORD that lists a file again"
        );
        assert!(
            Record::parse(
                b"a-1.dist-info/RECORD,,\n",
                "a-1.dist-info",
                &Limits::default()
            )
            .is_ok()
        );
    }
}
