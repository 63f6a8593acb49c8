//! Keeps secrets and noise out of what is shown of a server's answer.

use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;
use url::Url;

use crate::secret::Secret;

/// The secrets that were put on the wire, so that none comes back in an error.
#[derive(Default)]
pub(super) struct Known(Mutex<Vec<Secret>>);

/// What stands where a secret stood.
const REDACTED: &str = "REDACTED";

impl Known {
    /// Remembers a secret.
    pub(super) fn remember(&self, secret: &Secret) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.iter().any(|it| it.expose() == secret.expose()) {
            known.push(secret.clone());
        }
    }

    /// Returns the text without any remembered secret, however it is encoded.
    pub(super) fn scrub(&self, text: &str) -> String {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = text.to_owned();
        for secret in known.iter().map(Secret::expose).filter(|it| !it.is_empty()) {
            out = out.replace(secret, REDACTED);
            let encoded = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
            out = out.replace(&encoded, REDACTED);
            for text in [secret.to_owned(), format!("__token__:{secret}")] {
                out = out.replace(&STANDARD.encode(text), REDACTED);
            }
        }
        out
    }
}

/// Returns a URL without what may be secret in it: user, password and query.
pub(super) fn url(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for URLs that cannot have a user.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

/// Returns what a server means by the body of a refusal: the message of a JSON
/// or XML document, or plain text; of an HTML page what is between its tags.
pub(super) fn message(headers: &HeaderMap, body: &str) -> Option<String> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default();
    let said = if let Ok(Value::Object(object)) = serde_json::from_str(body) {
        json_message(&Value::Object(object))?
    } else if kind.contains("xml") {
        let (_, rest) = body.split_once("<Message>")?;
        rest.split_once("</Message>")?.0.to_owned()
    } else if kind.contains("html") || body.trim_start().starts_with('<') {
        text_of(body)
    } else {
        body.trim().to_owned()
    };
    Some(said).filter(|said| !said.trim().is_empty())
}

/// Returns the words of an HTML page, on one line.
fn text_of(html: &str) -> String {
    let body = html.split_once("</style>").map_or(html, |(_, rest)| rest);
    let pieces = body.split('<').enumerate();
    let words = pieces.map(|(i, piece)| match i {
        0 => piece,
        _ => piece.split_once('>').map_or("", |(_, text)| text),
    });
    let text = words.collect::<Vec<_>>().join(" ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text, |text, (entity, character)| {
        text.replace(entity, character)
    })
}

fn json_message(body: &Value) -> Option<String> {
    let text = |value: &Value, key: &str| value.get(key)?.as_str().map(str::to_owned);
    // `code` is where PyPI puts the one line that is not boilerplate.
    let main = text(body, "code")
        .and_then(|code| code.split_once(' ').map(|(_, detail)| detail.to_owned()))
        .or_else(|| text(body, "message"))
        .or_else(|| text(body, "detail"))
        .or_else(|| text(body, "error"));
    let errors = body.get("errors").and_then(Value::as_array);
    let details = errors.into_iter().flatten().filter_map(|error| {
        text(error, "description")
            .or_else(|| text(error, "message"))
            .or_else(|| text(error, "detail"))
            .or_else(|| {
                Some(format!(
                    "{} {}",
                    text(error, "field")?,
                    text(error, "code")?
                ))
            })
            .or_else(|| error.as_str().map(str::to_owned))
    });
    let parts: Vec<String> = main.into_iter().chain(details).collect();
    (!parts.is_empty()).then(|| parts.join(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_come_back_however_it_is_written() {
        let known = Known::default();
        known.remember(&Secret::new("pypi-AgE/x=="));
        let basic = STANDARD.encode("__token__:pypi-AgE/x==");
        let text = format!("you sent pypi-AgE/x== (pypi%2DAgE%2Fx%3D%3D, Basic {basic})");
        assert_eq!(
            known.scrub(&text),
            "you sent REDACTED (REDACTED, Basic REDACTED)"
        );
    }

    #[test]
    fn a_url_is_shown_without_user_and_query() {
        let full = "https://me:pw@host.example/a/b?X-Amz-Signature=1#f";
        assert_eq!(url(&full.parse().unwrap()), "https://host.example/a/b");
    }

    #[test]
    fn servers_say_things_in_their_own_ways() {
        let said = |kind: &'static str, body: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
            message(&headers, body)
        };
        let json = "application/json";
        let pypi = r#"{"message":"The server…\n\n\nFile too large.","code":"400 File too large.","title":"Bad Request"}"#;
        assert_eq!(said(json, pypi).unwrap(), "File too large.");
        let github = r#"{"message":"Validation Failed","errors":[{"resource":"ReleaseAsset","code":"already_exists","field":"name"}]}"#;
        assert_eq!(
            said(json, github).unwrap(),
            "Validation Failed: name already_exists"
        );
        let mint = r#"{"message":"Token request failed","errors":[{"code":"invalid-publisher","description":"valid token, but no publisher"}]}"#;
        assert_eq!(
            said(json, mint).unwrap(),
            "Token request failed: valid token, but no publisher"
        );
        let s3 = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
        assert_eq!(said("application/xml", s3).unwrap(), "Access Denied");
        let html = "<html><head><style>a{}</style><title>413</title></head>\n<body>nginx &amp; co</body></html>";
        assert_eq!(said("text/html", html).unwrap(), "413 nginx & co");
        assert_eq!(said("text/plain", " no\n").unwrap(), "no");
    }
}
