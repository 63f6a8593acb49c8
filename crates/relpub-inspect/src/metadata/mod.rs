//! Core metadata: METADATA, PKG-INFO, and WHEEL, which has the same syntax.
//!
//! Values are kept as Python's `email` parser keeps them (policy `compat32`),
//! which is what PyPI's own tools send: a folded line stays folded, with its
//! newline and indentation, and encoded words are not decoded. What that parser
//! would silently take for the body, or drop, is refused here.

pub(crate) mod rules;

use relpub_model::findings::Metadata;

use crate::Limits;
use crate::fault::{Fault, quoted};

/// Parses the bytes of `file`; the body becomes a last `Description` field.
pub(crate) fn parse(file: &str, bytes: &[u8], limits: &Limits) -> Result<Metadata, Fault> {
    let (mut metadata, body) = headers(file, bytes, limits)?;
    if !body.trim().is_empty() {
        if metadata.get("Description").is_some() {
            return Err(Fault::hostile(format!("has two descriptions in {file}")));
        }
        metadata
            .fields
            .push(("Description".to_owned(), body.to_owned()));
    }
    for field in SINGLE {
        if metadata.all(field).count() > 1 {
            return Err(Fault::hostile(format!(
                "has more than one {field} in {file}"
            )));
        }
    }
    Ok(metadata)
}

/// Parses the fields before the first empty line, and returns the rest as it is.
pub(crate) fn headers<'a>(
    file: &str,
    bytes: &'a [u8],
    limits: &Limits,
) -> Result<(Metadata, &'a str), Fault> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Fault::hostile(format!("has a {file} that is not UTF-8")))?;
    let mut metadata = Metadata::default();
    let mut rest = text;
    for number in 1.. {
        let (line, after) = split_line(rest);
        if line.is_empty() || is_blank(line) {
            rest = after;
            break;
        }
        if line.starts_with([' ', '\t']) {
            continue_value(&mut metadata, line).ok_or_else(|| malformed(file, number, line))?;
        } else {
            let field = parse_field(line).ok_or_else(|| malformed(file, number, line))?;
            metadata.fields.push(field);
        }
        if metadata.fields.len() > limits.fields {
            let reason = format!("has more than {} fields in {file}", limits.fields);
            return Err(Fault::hostile(reason));
        }
        rest = after;
    }
    // A value does not end in the line's own end.
    for (_, value) in &mut metadata.fields {
        value.truncate(value.trim_end_matches(['\r', '\n']).len());
    }
    Ok((metadata, rest))
}

/// The fields that may stand only once (core metadata specification).
const SINGLE: [&str; 17] = [
    "Metadata-Version",
    "Name",
    "Version",
    "Summary",
    "Description",
    "Description-Content-Type",
    "Keywords",
    "Home-page",
    "Download-URL",
    "Author",
    "Author-email",
    "Maintainer",
    "Maintainer-email",
    "License",
    "License-Expression",
    "Requires-Python",
    "Wheel-Version",
];

/// Splits off the first line, with its end: `\n`, `\r\n` or `\r`.
fn split_line(text: &str) -> (&str, &str) {
    let Some(at) = text.find(['\n', '\r']) else {
        return (text, "");
    };
    let end = if text[at..].starts_with("\r\n") {
        at + 2
    } else {
        at + 1
    };
    text.split_at(end)
}

fn is_blank(line: &str) -> bool {
    matches!(line, "\n" | "\r\n" | "\r")
}

fn parse_field(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    let valid = !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic());
    let value = value.trim_start_matches([' ', '\t']);
    valid.then(|| (name.to_owned(), value.to_owned()))
}

fn continue_value(metadata: &mut Metadata, line: &str) -> Option<()> {
    let (_, value) = metadata.fields.last_mut()?;
    value.push_str(line);
    Some(())
}

fn malformed(file: &str, number: usize, line: &str) -> Fault {
    let reason = format!(
        "has a line {number} in {file} that is no field: {}",
        quoted(line)
    );
    Fault::hostile(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Vec<(String, String)> {
        parse("METADATA", text.as_bytes(), &Limits::default())
            .unwrap()
            .fields
    }

    fn refusal(text: &[u8]) -> String {
        match parse("METADATA", text, &Limits::default()) {
            Err(Fault::Content(_, reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn values_are_kept_as_they_are() {
        let text = "Metadata-Version: 2.4\nLicense: MIT\n        Copyright\r\nX-Empty:\nSummary:  =?utf-8?q?a?=  \n\n# Title\n\nText\n";
        let expected = [
            ("Metadata-Version", "2.4"),
            ("License", "MIT\n        Copyright"),
            ("X-Empty", ""),
            ("Summary", "=?utf-8?q?a?=  "),
            ("Description", "# Title\n\nText\n"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(fields(text), expected);
        assert_eq!(fields("Name: a").len(), 1, "without an end of the line");
    }

    #[test]
    fn what_tools_read_differently_is_refused() {
        assert_eq!(
            refusal(b"Name: a\nno field\n"),
            "has a line 2 in METADATA that is no field: `no field`"
        );
        assert_eq!(
            refusal(b" folded: first\n"),
            "has a line 1 in METADATA that is no field: `folded: first`"
        );
        assert_eq!(
            refusal(b"Name: a\nname: b\n"),
            "has more than one Name in METADATA"
        );
        assert_eq!(
            refusal(b"Description: a\n\nb\n"),
            "has two descriptions in METADATA"
        );
        assert_eq!(refusal(b"Name: \xff\n"), "has a METADATA that is not UTF-8");
        let many = "A: b\n".repeat(10_001);
        assert_eq!(
            refusal(many.as_bytes()),
            "has more than 10000 fields in METADATA"
        );
    }
}
