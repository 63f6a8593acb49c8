//! AWS Signature Version 4, checked: in the `Authorization` header or the query.
//!
//! The steps are those of "Create a signed AWS API request": 1 the canonical
//! request, 2 its hash, 3 the string to sign, 4 the signing key and signature.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use http::HeaderMap;
use http::request::Parts;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::error::Refusal;
use crate::clock::Clock;

/// How far a client's clock may be off, in seconds.
const SKEW: i64 = 15 * 60;

/// What a signature leaves unencoded (RFC 3986 "unreserved").
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
pub(super) const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// What the owner of all buckets signs with.
pub(super) struct Credentials {
    pub(super) key_id: &'static str,
    pub(super) secret: String,
    pub(super) region: &'static str,
}

/// Who sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// Somebody who did not sign.
    Anonymous,
    /// The owner of all buckets.
    Owner,
}

/// Returns who sent a request; a signature that is there must be right.
pub(super) fn caller(
    parts: &Parts,
    credentials: &Credentials,
    clock: &Clock,
) -> Result<Caller, Refusal> {
    let query = query_pairs(parts.uri.query().unwrap_or_default());
    let signed = if let Some(value) = text(&parts.headers, "authorization") {
        Signed::from_header(value, &parts.headers)?
    } else if query.iter().any(|(name, _)| name == "X-Amz-Signature") {
        Signed::from_query(&query)?
    } else {
        return Ok(Caller::Anonymous);
    };
    signed.check_scope(credentials)?;
    if !clock.is_virtual() {
        signed.check_time(clock.now())?;
    }
    signed.check_headers(&parts.headers)?;
    if signed.signature == signed.expected(parts, query, credentials) {
        Ok(Caller::Owner)
    } else {
        let message = "The signature is not the one of this request and this secret key.";
        Err(Refusal::new(403, "SignatureDoesNotMatch", message))
    }
}

/// What a signed request says about its signature.
struct Signed {
    /// `KEY/DATE/REGION/SERVICE/aws4_request`.
    credential: String,
    headers: Vec<String>,
    signature: String,
    /// The time of signing, as `YYYYMMDDThhmmssZ`.
    date: String,
    /// The hash of the body, or the word for not having one.
    payload: String,
    /// For how many seconds a presigned URL is valid; `None` for a header.
    expires: Option<i64>,
}

impl Signed {
    fn from_header(value: &str, headers: &HeaderMap) -> Result<Self, Refusal> {
        let malformed = || {
            let message = "The Authorization header is malformed.";
            Refusal::new(400, "AuthorizationHeaderMalformed", message)
        };
        let (algorithm, fields) = value.split_once(' ').ok_or_else(malformed)?;
        if algorithm != ALGORITHM {
            return Err(Refusal::invalid("The algorithm must be AWS4-HMAC-SHA256."));
        }
        let field = |name: &str| {
            let mut fields = fields.split(',').filter_map(|it| it.trim().split_once('='));
            let (_, value) = fields.find(|(key, _)| *key == name)?;
            Some(value.to_owned())
        };
        let required = |name: &str| {
            let value = text(headers, name).map(str::to_owned);
            value.ok_or_else(|| Refusal::invalid(format!("The header {name} is missing.")))
        };
        Ok(Self {
            credential: field("Credential").ok_or_else(malformed)?,
            headers: split_names(&field("SignedHeaders").ok_or_else(malformed)?),
            signature: field("Signature").ok_or_else(malformed)?,
            date: required("x-amz-date")?,
            payload: required("x-amz-content-sha256")?,
            expires: None,
        })
    }

    fn from_query(query: &[(String, String)]) -> Result<Self, Refusal> {
        let field = |name: &str| {
            let found = query.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.clone()).ok_or_else(|| {
                let message = format!("The query parameter {name} is missing.");
                Refusal::new(400, "AuthorizationQueryParametersError", message)
            })
        };
        let expires = field("X-Amz-Expires")?.parse().map_err(|_| {
            let message = "X-Amz-Expires must be a number of seconds.";
            Refusal::new(400, "AuthorizationQueryParametersError", message)
        })?;
        Ok(Self {
            credential: field("X-Amz-Credential")?,
            headers: split_names(&field("X-Amz-SignedHeaders")?),
            signature: field("X-Amz-Signature")?,
            date: field("X-Amz-Date")?,
            payload: UNSIGNED.to_owned(),
            expires: Some(expires),
        })
    }

    fn check_scope(&self, credentials: &Credentials) -> Result<(), Refusal> {
        let (key_id, scope) = self.credential.split_once('/').unwrap_or_default();
        if key_id != credentials.key_id {
            let message = "The access key is not one of the sandbox.";
            return Err(Refusal::new(403, "InvalidAccessKeyId", message));
        }
        let wanted = format!("{}/{}/s3/aws4_request", self.day(), credentials.region);
        if scope != wanted {
            let message = format!("The credential's scope must be {wanted}.");
            return Err(Refusal::new(400, "AuthorizationHeaderMalformed", message));
        }
        Ok(())
    }

    fn check_time(&self, now: Timestamp) -> Result<(), Refusal> {
        let signed = DateTime::strptime("%Y%m%dT%H%M%SZ", &self.date)
            .and_then(|it| it.to_zoned(TimeZone::UTC))
            .map_err(|_| Refusal::new(403, "AccessDenied", "The date of signing is malformed."))?;
        let age = now.as_second() - signed.timestamp().as_second();
        match self.expires {
            Some(expires) if age > expires => Err(Refusal::new(
                403,
                "AccessDenied",
                "The request has expired.",
            )),
            None if age.abs() > SKEW => Err(Refusal::new(
                403,
                "RequestTimeTooSkewed",
                "The date of signing is more than 15 minutes away.",
            )),
            _ => Ok(()),
        }
    }

    /// Checks that nothing that matters was left out of the signature.
    fn check_headers(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut needed: Vec<_> = headers.keys().map(http::HeaderName::as_str).collect();
        needed.retain(|name| name.starts_with("x-amz-") && *name != "x-amz-content-sha256");
        needed.push("host");
        match needed
            .into_iter()
            .find(|name| !self.headers.iter().any(|it| it == name))
        {
            Some(name) => Err(Refusal::new(
                403,
                "AccessDenied",
                format!("The header {name} must be signed."),
            )),
            None => Ok(()),
        }
    }

    /// Returns the signature that the request should have.
    fn expected(
        &self,
        parts: &Parts,
        query: Vec<(String, String)>,
        credentials: &Credentials,
    ) -> String {
        // 1 and 2
        let hash = hex::encode(digest(&SHA256, self.canonical(parts, query).as_bytes()));
        // 3
        let scope = format!("{}/{}/s3/aws4_request", self.day(), credentials.region);
        let to_sign = format!("{ALGORITHM}\n{}\n{scope}\n{hash}", self.date);
        // 4
        let start = format!("AWS4{}", credentials.secret).into_bytes();
        let key = [self.day(), credentials.region, "s3", "aws4_request"]
            .into_iter()
            .fold(start, |key, part| mac(&key, part));
        hex::encode(mac(&key, &to_sign))
    }

    fn canonical(&self, parts: &Parts, query: Vec<(String, String)>) -> String {
        let path = percent_decode_str(parts.uri.path()).decode_utf8_lossy();
        let mut pairs: Vec<_> = query
            .into_iter()
            .filter(|(name, _)| name != "X-Amz-Signature")
            .map(|(name, value)| (encode(&name), encode(&value)))
            .collect();
        pairs.sort_unstable();
        let pairs: Vec<_> = pairs.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let mut headers = String::new();
        for name in &self.headers {
            headers.extend([name, ":", &joined(&parts.headers, name), "\n"]);
        }
        format!(
            "{}\n{}\n{}\n{headers}\n{}\n{}",
            parts.method,
            utf8_percent_encode(&path, PATH),
            pairs.join("&"),
            self.headers.join(";"),
            self.payload,
        )
    }

    fn day(&self) -> &str {
        self.date.get(..8).unwrap_or_default()
    }
}

/// Returns the parameters of a query, decoded; `+` is a space.
pub(super) fn query_pairs(query: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

/// Returns the values of a header, trimmed, runs of spaces made one.
fn joined(headers: &HeaderMap, name: &str) -> String {
    let values = headers.get_all(name).iter();
    let values: Vec<_> = values
        .map(|value| {
            let text = String::from_utf8_lossy(value.as_bytes());
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        })
        .collect();
    values.join(",")
}

fn split_names(names: &str) -> Vec<String> {
    names.split(';').map(str::to_owned).collect()
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

fn mac(key: &[u8], message: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
