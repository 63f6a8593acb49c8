//! Rekor: an entry in the transparency log, by the API of version 1 or 2.

use std::collections::HashMap;

use reqwest::StatusCode;
use reqwest::header::LOCATION;
use sigstore_sign::rekor::{DsseEntry, HashedRekord, HashedRekordV2, LogEntry, RekorV2KeyDetails};
use sigstore_sign::types::{
    DerCertificate, DsseEnvelope, KindVersion, Sha256Hash, SignatureBytes, TransparencyLogEntry,
};
use url::Url;

use super::{protocol, url_under};
use crate::http::{Answer, Body, Deed, Http, RemoteError, Repeat, Request};

/// What is logged about a signature.
pub(super) struct Entry<'a> {
    /// The digest that was signed: of the bytes, or of an envelope's encoding.
    pub(super) digest: Sha256Hash,
    pub(super) signature: &'a SignatureBytes,
    pub(super) certificate: &'a DerCertificate,
    /// The envelope, where it is a statement that was signed.
    pub(super) envelope: Option<&'a DsseEnvelope>,
}

impl Entry<'_> {
    /// Adds the entry to a Rekor v1 log, or finds it there.
    ///
    /// The same request again is answered with 409 and where the entry is, so
    /// that one whose answer was lost is repeated without harm.
    pub(super) async fn add_to_v1(
        &self,
        http: &Http,
        log: &Url,
        thing: &str,
    ) -> Result<TransparencyLogEntry, RemoteError> {
        let deed = deed(thing);
        let (body, kind) = match self.envelope {
            None => {
                let record = HashedRekord::new(&self.digest, self.signature, self.certificate);
                (Body::json(&record), KindVersion::HashedRekordV001)
            }
            Some(envelope) => {
                let record = DsseEntry::new(envelope, self.certificate);
                let record = record.map_err(|why| protocol(&deed, &why))?;
                (Body::json(&record), KindVersion::DsseV001)
            }
        };
        let url = url_under(log, "api/v1/log/entries");
        let mut answer = http.call(&post(url, &deed, body)).await?;
        if answer.status == StatusCode::CONFLICT {
            let url = location(&answer)?;
            answer = http.call(&Request::get(url, deed)).await?;
        }
        let entry = single(&answer)?;
        let entry = entry.to_bundle_entry(kind);
        let entry = entry.map_err(|why| answer.protocol(why.to_string()))?;
        self.check(entry, &answer)
    }

    /// Adds the entry to a Rekor v2 log; `None` says that it is there already.
    ///
    /// The log does not hand out what it said the first time, so a signature
    /// whose answer was lost is lost with it.
    pub(super) async fn add_to_v2(
        &self,
        http: &Http,
        log: &Url,
        thing: &str,
    ) -> Result<Option<TransparencyLogEntry>, RemoteError> {
        let record = HashedRekordV2::new_with_certificate(
            &self.digest,
            self.signature,
            self.certificate,
            RekorV2KeyDetails::PkixEcdsaP256Sha256,
        );
        let url = url_under(log, "api/v2/log/entries");
        let answer = http
            .call(&post(url, &deed(thing), Body::json(&record)))
            .await?;
        if answer.status == StatusCode::CONFLICT {
            return Ok(None);
        }
        let entry = answer.json()?;
        self.check(entry, &answer).map(Some)
    }

    /// Lets an entry pass that has this very signature in it.
    ///
    /// That is all that is looked at: whether the log vouches for it is for
    /// whoever verifies the bundle.
    fn check(
        &self,
        entry: TransparencyLogEntry,
        answer: &Answer,
    ) -> Result<TransparencyLogEntry, RemoteError> {
        let body = String::from_utf8_lossy(entry.canonicalized_body.as_bytes());
        if body.contains(&self.signature.to_base64()) {
            Ok(entry)
        } else {
            Err(answer.protocol("the entry is not about this signature"))
        }
    }
}

fn deed(thing: &str) -> Deed {
    Deed::new("Rekor", "log the signature of", thing)
}

fn post<'a>(url: Url, deed: &Deed, body: Body<'a>) -> Request<'a> {
    Request::post(url, deed.clone())
        .body(body)
        .repeat(Repeat::Always)
        .allow(StatusCode::CONFLICT)
}

/// Returns where Rekor v1 says that an equal entry is: on the same server.
fn location(answer: &Answer) -> Result<Url, RemoteError> {
    let location = answer.header(LOCATION.as_str());
    let url = location.and_then(|it| answer.url.join(it).ok());
    match url {
        Some(url) if url.origin() == answer.url.origin() => Ok(url),
        Some(_) => Err(answer.protocol("the entry is there already, on another server")),
        None => Err(answer.protocol("the entry is there already, and nothing says where")),
    }
}

/// Returns the one entry of a Rekor v1 answer, which is keyed by its id.
fn single(answer: &Answer) -> Result<LogEntry, RemoteError> {
    let entries: HashMap<String, LogEntry> = answer.json()?;
    let mut entries = entries.into_values();
    match (entries.next(), entries.next()) {
        (Some(entry), None) => Ok(entry),
        _ => Err(answer.protocol("the answer is not one entry")),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderValue};

    use super::*;

    #[test]
    fn an_entry_is_looked_for_on_its_own_server_only() {
        let place = |to: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(LOCATION, HeaderValue::from_static(to));
            let answer = Answer {
                status: StatusCode::CONFLICT,
                headers,
                url: Url::parse("https://rekor.example/api/v1/log/entries").unwrap(),
                body: bytes::Bytes::new(),
                at: jiff::Timestamp::UNIX_EPOCH,
                deed: deed("demo.bin"),
            };
            location(&answer).map(String::from)
        };
        let there = "https://rekor.example/api/v1/log/entries/ab";
        assert_eq!(place("/api/v1/log/entries/ab").unwrap(), there);
        assert_eq!(place(there).unwrap(), there);
        assert_eq!(
            place("https://other.example/x").unwrap_err().to_string(),
            "Rekor: could not log the signature of demo.bin: the entry is there already, on another server: HTTP 409"
        );
    }
}
