//! A project's page of the simple index: in JSON (PEP 691) or HTML (PEP 503).

use std::collections::BTreeMap;

use jiff::Timestamp;
use relpub_model::digest::Sha256;
use relpub_model::observed::{Held, HeldState, IndexProject};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

/// The files of a project, and where each is downloaded.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) project: IndexProject,
    pub(super) links: BTreeMap<String, Url>,
    /// When the page was generated.
    pub(super) born: Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Json {
    meta: Meta,
    #[serde(default)]
    project_status: Status,
    files: Vec<JsonFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Meta {
    api_version: String,
}

#[derive(Deserialize)]
struct Status {
    status: String,
}

impl Default for Status {
    fn default() -> Self {
        let status = "active".to_owned();
        Self { status }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct JsonFile {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
    size: Option<u64>,
    upload_time: Option<String>,
    /// `false`, `true`, or the reason.
    #[serde(default)]
    yanked: Value,
}

impl Page {
    /// The page of a project that the index does not know.
    pub(super) fn none(born: Timestamp) -> Self {
        Self {
            project: IndexProject {
                exists: false,
                status: String::new(),
                files: Vec::new(),
            },
            links: BTreeMap::new(),
            born,
        }
    }

    /// Returns the file of a name.
    pub(super) fn file(&self, name: &str) -> Option<&Held> {
        self.project.files.iter().find(|held| held.name == name)
    }

    /// Reads a page in JSON; links are relative to `base`.
    pub(super) fn from_json(text: &[u8], base: &Url, born: Timestamp) -> Result<Self, String> {
        let json: Json = serde_json::from_slice(text)
            .map_err(|error| format!("the page is not the expected JSON: {error}"))?;
        let major = json.meta.api_version.split('.').next();
        if major != Some("1") {
            let version = relpub_model::Untrusted::new(json.meta.api_version).for_terminal();
            return Err(format!(
                "the page has version {version} of the API, not 1.x"
            ));
        }
        let mut page = Self::none(born);
        page.project.exists = true;
        page.project.status = json.project_status.status;
        for file in json.files {
            let yanked = !matches!(file.yanked, Value::Bool(false) | Value::Null);
            let sha256 = file.hashes.get("sha256").and_then(|hex| hex.parse().ok());
            page.add(&file.url, base, held(file.filename, sha256, yanked))?;
            if let Some(held) = page.project.files.last_mut() {
                held.size = file.size;
                // Some servers write it without an offset; then it is not known.
                held.uploaded = file.upload_time.and_then(|time| time.parse().ok());
            }
        }
        Ok(page)
    }

    /// Reads a page in HTML, as servers give it that know no JSON: an anchor per
    /// file, the digest in the link's fragment.
    pub(super) fn from_html(text: &str, base: &Url, born: Timestamp) -> Result<Self, String> {
        let mut page = Self::none(born);
        page.project.exists = true;
        page.project.status = status_in(text).unwrap_or_else(|| Status::default().status);
        let mut rest = text;
        while let Some((tag, after)) = next_anchor(rest) {
            let (label, after) = after.split_once("</").unwrap_or((after, ""));
            rest = after;
            let Some(href) = attribute(tag, "href") else {
                continue;
            };
            let digest = href.split_once("#sha256=").map(|(_, hex)| hex);
            let sha256 = digest.and_then(|hex| hex.split('&').next()?.parse().ok());
            let yanked = attribute(tag, "data-yanked").is_some();
            page.add(&href, base, held(unescape(label.trim()), sha256, yanked))?;
        }
        Ok(page)
    }

    fn add(&mut self, link: &str, base: &Url, held: Held) -> Result<(), String> {
        let joined = base.join(link);
        let mut url = joined.map_err(|error| {
            let name = relpub_model::Untrusted::new(&held.name).for_terminal();
            format!("the link of {name} is no URL: {error}")
        })?;
        url.set_fragment(None);
        self.links.insert(held.name.clone(), url);
        self.project.files.push(held);
        Ok(())
    }
}

fn held(name: String, sha256: Option<Sha256>, yanked: bool) -> Held {
    let state = if yanked {
        HeldState::Yanked
    } else {
        HeldState::Complete
    };
    Held {
        name,
        sha256,
        size: None,
        state,
        uploaded: None,
    }
}

/// Splits a text behind the next `<a …>`, and returns what is in the tag.
fn next_anchor(text: &str) -> Option<(&str, &str)> {
    let mut rest = text;
    loop {
        rest = rest.split_once('<')?.1;
        let inside = rest.strip_prefix(['a', 'A']);
        if let Some(inside) = inside
            && inside.starts_with(|c: char| c.is_ascii_whitespace())
        {
            return inside.split_once('>');
        }
    }
}

/// Returns the value of an attribute of a tag; empty if it has none.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let mut rest = tag;
    loop {
        rest = rest.trim_start();
        let end = rest.find(|c: char| c == '=' || c.is_whitespace());
        let (key, after) = rest.split_at(end.unwrap_or(rest.len()));
        if key.is_empty() {
            return None;
        }
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix('=') {
            Some(after) => value(after.trim_start()),
            None => ("", after),
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(unescape(value));
        }
        rest = after;
    }
}

/// Splits an attribute's value, quoted or not, from what follows.
fn value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    let end = text.find(char::is_whitespace);
    text.split_at(end.unwrap_or(text.len()))
}

fn unescape(text: &str) -> String {
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#39;", "'"),
    ];
    let mut out = text.to_owned();
    for (entity, character) in entities {
        out = out.replace(entity, character);
    }
    // Last, so that an escaped ampersand begins no other entity.
    out.replace("&amp;", "&")
}

/// Returns the status in `<meta name="pypi:project-status" content="…">` (PEP 792).
fn status_in(html: &str) -> Option<String> {
    let (_, rest) = html.split_once("pypi:project-status\"")?;
    let tag = rest.split('>').next()?;
    attribute(tag, "content")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        "https://index.example/simple/demo/".parse().unwrap()
    }

    #[test]
    fn a_page_in_json_is_read() {
        let digest = Sha256::of(b"");
        let text = format!(
            r#"{{"meta":{{"api-version":"1.4"}},"name":"demo","project-status":{{"status":"archived"}},
            "files":[{{"filename":"demo-1.0.tar.gz","url":"../../f/demo-1.0.tar.gz","size":3,"yanked":"bad",
            "hashes":{{"sha256":"{digest}"}},"upload-time":"2026-01-01T00:00:00.000000Z"}},
            {{"filename":"demo-1.1.tar.gz","url":"https://files.example/x","hashes":{{}},"yanked":false,
            "upload-time":"2026-01-01T00:00:00"}}]}}"#
        );
        let page = Page::from_json(text.as_bytes(), &base(), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(page.project.status, "archived");
        let held = page.file("demo-1.0.tar.gz").unwrap();
        assert_eq!((held.sha256, held.size), (Some(digest), Some(3)));
        assert_eq!(held.state, HeldState::Yanked);
        assert_eq!(held.uploaded.unwrap().to_string(), "2026-01-01T00:00:00Z");
        let link = &page.links["demo-1.0.tar.gz"];
        assert_eq!(link.as_str(), "https://index.example/f/demo-1.0.tar.gz");
        let held = page.file("demo-1.1.tar.gz").unwrap();
        assert_eq!((held.sha256, held.uploaded), (None, None));

        let other = r#"{"meta":{"api-version":"2.0"},"files":[]}"#;
        let error = Page::from_json(other.as_bytes(), &base(), Timestamp::UNIX_EPOCH);
        assert_eq!(
            error.unwrap_err(),
            "the page has version 2.0 of the API, not 1.x"
        );
    }

    #[test]
    fn a_page_in_html_is_read() {
        let digest = Sha256::of(b"");
        let html = format!(
            "<!DOCTYPE html><html><head><meta name=\"pypi:project-status\" content=\"quarantined\">\
             <abbr></abbr></head><body>\n<A class=x href='/f/demo-1.0+a.tar.gz?a=1&amp;b=2#sha256={digest}' \
             data-yanked=\"\">demo-1.0+a.tar.gz</A><br>\n<a href=\"demo-1.1.tar.gz\" >demo-1.1.tar.gz</a></body>"
        );
        let page = Page::from_html(&html, &base(), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(page.project.status, "quarantined");
        let held = page.file("demo-1.0+a.tar.gz").unwrap();
        assert_eq!(held.sha256, Some(digest));
        assert_eq!(held.state, HeldState::Yanked);
        let link = &page.links["demo-1.0+a.tar.gz"];
        assert_eq!(
            link.as_str(),
            "https://index.example/f/demo-1.0+a.tar.gz?a=1&b=2"
        );
        let held = page.file("demo-1.1.tar.gz").unwrap();
        assert_eq!((held.sha256, held.state), (None, HeldState::Complete));
    }
}
