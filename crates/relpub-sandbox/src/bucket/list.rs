//! `ListObjectsV2`: keys under a prefix, folded at a delimiter, page by page.

use std::fmt::Write as _;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::Refusal;
use super::store::Object;

/// The largest page.
const PAGE: usize = 1000;
/// What `encoding-type=url` leaves as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'*')
    .remove(b'/');

/// What a client wants listed.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) prefix: String,
    delimiter: String,
    max_keys: usize,
    /// The key or folded prefix that the page before ended with.
    after: Option<String>,
    token: Option<String>,
    url_encoded: bool,
}

/// One line of a page.
enum Line<'a> {
    Object(&'a Object),
    Prefix(&'a str),
}

impl Listing {
    /// Reads the parameters of a request.
    pub(super) fn new(query: &[(String, String)]) -> Result<Self, Refusal> {
        let get = |name: &str| {
            let found = query.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.clone())
        };
        let bad = |name| Refusal::new(400, "InvalidArgument", format!("{name} is not valid."));
        if get("list-type").as_deref() != Some("2") {
            return Err(Refusal::not_implemented("ListObjects; use list-type=2"));
        }
        let max_keys = match get("max-keys") {
            Some(text) => text.parse().map_err(|_| bad("max-keys"))?,
            None => PAGE,
        };
        let token = get("continuation-token");
        let after = match &token {
            Some(token) => {
                let bytes = hex::decode(token).map_err(|_| bad("continuation-token"))?;
                Some(String::from_utf8(bytes).map_err(|_| bad("continuation-token"))?)
            }
            None => get("start-after"),
        };
        Ok(Self {
            prefix: get("prefix").unwrap_or_default(),
            delimiter: get("delimiter").unwrap_or_default(),
            max_keys: max_keys.min(PAGE),
            after,
            token,
            url_encoded: get("encoding-type").as_deref() == Some("url"),
        })
    }

    /// Returns the page as XML; `objects` are those under the prefix, sorted.
    pub(super) fn page(&self, bucket: &str, objects: &[Arc<Object>]) -> String {
        let mut lines = self.lines(objects);
        let truncated = self.max_keys > 0 && lines.len() > self.max_keys;
        lines.truncate(self.max_keys);

        let mut xml = String::from(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">",
        );
        element(&mut xml, "Name", bucket);
        element(&mut xml, "Prefix", &self.spell(&self.prefix));
        if !self.delimiter.is_empty() {
            element(&mut xml, "Delimiter", &self.spell(&self.delimiter));
        }
        if self.url_encoded {
            element(&mut xml, "EncodingType", "url");
        }
        element(&mut xml, "MaxKeys", &self.max_keys.to_string());
        element(&mut xml, "KeyCount", &lines.len().to_string());
        element(&mut xml, "IsTruncated", &truncated.to_string());
        if let Some(token) = &self.token {
            element(&mut xml, "ContinuationToken", token);
        }
        if let (true, Some(last)) = (truncated, lines.last()) {
            let token = hex::encode(last.position());
            element(&mut xml, "NextContinuationToken", &token);
        }
        for line in &lines {
            self.write(&mut xml, line);
        }
        xml.push_str("</ListBucketResult>");
        xml
    }

    /// Returns the lines from where the page starts, one more than it takes.
    fn lines<'a>(&self, objects: &'a [Arc<Object>]) -> Vec<Line<'a>> {
        let mut lines: Vec<Line<'a>> = Vec::new();
        for object in objects {
            let line = match self.folded(&object.key) {
                Some(prefix) => Line::Prefix(prefix),
                None => Line::Object(object),
            };
            let position = line.position();
            let is_past = self.after.as_deref().is_none_or(|after| position > after);
            let is_new = lines.last().is_none_or(|last| last.position() != position);
            if is_past && is_new {
                lines.push(line);
            }
            if lines.len() > self.max_keys {
                break;
            }
        }
        lines
    }

    /// Returns `key` up to the first delimiter after the prefix, if there is one.
    fn folded<'a>(&self, key: &'a str) -> Option<&'a str> {
        if self.delimiter.is_empty() {
            return None;
        }
        let at = key[self.prefix.len()..].find(&self.delimiter)?;
        Some(&key[..self.prefix.len() + at + self.delimiter.len()])
    }

    fn write(&self, xml: &mut String, line: &Line<'_>) {
        match line {
            Line::Prefix(prefix) => {
                xml.push_str("<CommonPrefixes>");
                element(xml, "Prefix", &self.spell(prefix));
                xml.push_str("</CommonPrefixes>");
            }
            Line::Object(object) => {
                let modified = object.modified.strftime("%Y-%m-%dT%H:%M:%S.000Z");
                xml.push_str("<Contents>");
                element(xml, "Key", &self.spell(&object.key));
                element(xml, "LastModified", &modified.to_string());
                element(xml, "ETag", &object.etag());
                element(xml, "Size", &object.size.to_string());
                element(xml, "StorageClass", "STANDARD");
                xml.push_str("</Contents>");
            }
        }
    }

    fn spell(&self, text: &str) -> String {
        if self.url_encoded {
            utf8_percent_encode(text, PLAIN).to_string()
        } else {
            text.to_owned()
        }
    }
}

impl<'a> Line<'a> {
    fn position(&self) -> &'a str {
        match self {
            Self::Object(object) => &object.key,
            Self::Prefix(prefix) => prefix,
        }
    }
}

/// Adds an XML element with this text.
pub(super) fn element(xml: &mut String, name: &str, text: &str) {
    // Writing to a string cannot fail.
    let _ = write!(xml, "<{name}>{}</{name}>", escape(text));
}

/// Returns `text` as the content of an XML element.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
