//! A timestamp over a signature (RFC 3161).
//!
//! Only what the asking side alone can tell is checked here: that the answer is
//! granted, for this signature, and repeats the nonce. Who signed it is for
//! whoever verifies the bundle.

use relpub_model::decision::Decision;
use relpub_model::digest::Sha256;
use reqwest::header::ACCEPT;
use sigstore_sign::types::{SignatureBytes, TimestampToken};
use url::Url;

use crate::http::{Body, Deed, Http, RemoteError, Repeat, Request};

const QUERY: &str = "application/timestamp-query";
const REPLY: &str = "application/timestamp-reply";

/// Gets a timestamp for a signature; `tsa` is the whole URL.
pub(super) async fn timestamp(
    http: &Http,
    tsa: &Url,
    signature: &SignatureBytes,
    thing: &str,
) -> Result<TimestampToken, RemoteError> {
    let deed = Deed::new("timestamp authority", "timestamp the signature of", thing);
    let query = Query::about(signature.as_bytes())
        .map_err(|why| RemoteError::new(&deed, Decision::Protocol, why))?;
    let body = Body::Own(query.encode().into(), QUERY);
    let request = Request::post(tsa.clone(), deed)
        .header(ACCEPT, REPLY)
        .body(body)
        .repeat(Repeat::Always);
    let answer = http.call(&request).await?;
    match query.check(&answer.body) {
        Ok(()) => Ok(TimestampToken::new(answer.body.to_vec())),
        Err(why) => Err(answer.protocol(why)),
    }
}

/// What is asked for: a time for a digest, and a number to be repeated.
struct Query {
    imprint: [u8; 32],
    nonce: [u8; 8],
}

/// The object identifier of SHA-256, in DER.
const SHA256: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01";

impl Query {
    fn about(signature: &[u8]) -> Result<Self, &'static str> {
        let mut nonce = [0; 8];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| "this machine gives no random numbers")?;
        // Positive and without leading zeros: the same in DER everywhere.
        nonce[0] = nonce[0] & 0x7f | 0x40;
        Ok(Self {
            imprint: *Sha256::of(signature).as_bytes(),
            nonce,
        })
    }

    /// Returns the `TimeStampReq`, which asks for the authority's certificate too.
    fn encode(&self) -> Vec<u8> {
        let algorithm = der(0x30, &[SHA256]);
        let imprint = der(0x30, &[&algorithm, &der(0x04, &[&self.imprint])]);
        let nonce = der(0x02, &[&self.nonce]);
        der(0x30, &[b"\x02\x01\x01", &imprint, &nonce, b"\x01\x01\xff"])
    }

    /// Lets a `TimeStampResp` pass that is the answer to this.
    fn check(&self, reply: &[u8]) -> Result<(), &'static str> {
        let info = granted(reply)?.ok_or("the timestamp cannot be read")?;
        if info.imprint != self.imprint {
            return Err("the timestamp is for something else");
        }
        if info.nonce != Some(&self.nonce) {
            return Err("the timestamp does not repeat the number sent with the request");
        }
        Ok(())
    }
}

/// What a timestamp is about.
struct Info<'a> {
    imprint: &'a [u8],
    nonce: Option<&'a [u8]>,
}

/// Reads a `TimeStampResp` down to its `TSTInfo`; an error is a refusal, `None`
/// something malformed.
fn granted(reply: &[u8]) -> Result<Option<Info<'_>>, &'static str> {
    let Some(mut response) = Der(reply).enter(0x30) else {
        return Ok(None);
    };
    let status = response
        .take(0x30)
        .and_then(|status| Der(status).take(0x02));
    match status {
        Some([0 | 1]) => Ok(info(response)),
        Some(_) => Err("the timestamp was refused"),
        None => Ok(None),
    }
}

/// Reads the `TSTInfo` out of the `ContentInfo` around it.
fn info(mut response: Der<'_>) -> Option<Info<'_>> {
    let mut content = response.enter(0x30)?;
    content.take(0x06)?;
    let mut signed = content.enter(0xa0)?.enter(0x30)?;
    signed.take(0x02)?;
    signed.take(0x31)?;
    let mut inner = signed.enter(0x30)?;
    inner.take(0x06)?;
    let mut info = Der(inner.enter(0xa0)?.take(0x04)?).enter(0x30)?;
    info.take(0x02)?;
    info.take(0x06)?;
    let mut imprint = info.enter(0x30)?;
    let is_sha256 = imprint.take(0x30)?.starts_with(SHA256);
    let imprint = imprint.take(0x04).filter(|_| is_sha256)?;
    info.take(0x02)?;
    let mut nonce = None;
    while let Some((tag, value)) = info.next() {
        if tag == 0x02 {
            nonce = Some(value);
        }
    }
    Some(Info { imprint, nonce })
}

/// Bytes of DER that are read from the front.
#[derive(Clone, Copy)]
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// Reads the next element: its tag and its content.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let length = length
                    .iter()
                    .fold(0, |sum, &byte| sum << 8 | usize::from(byte));
                (length, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// Reads the next element, which has this tag.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, content) = self.next()?;
        (found == tag).then_some(content)
    }

    /// Reads the next element, which has this tag and elements inside.
    fn enter(&mut self, tag: u8) -> Option<Der<'a>> {
        self.take(tag).map(Der)
    }
}

/// Writes an element of at most 127 bytes.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u8::try_from(content.len()).expect("a request for a timestamp is short");
    [&[tag, length], content.as_slice()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_the_der_of_its_specification() {
        let query = Query {
            imprint: [0xab; 32],
            nonce: [0x41, 2, 3, 4, 5, 6, 7, 8],
        };
        let der = query.encode();
        assert_eq!(der.len(), 67);
        assert_eq!(&der[..5], b"\x30\x41\x02\x01\x01");
        assert_eq!(
            &der[5..20],
            b"\x30\x2f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"
        );
        assert_eq!(&der[20..22], b"\x04\x20");
        assert_eq!(
            &der[54..],
            b"\x02\x08\x41\x02\x03\x04\x05\x06\x07\x08\x01\x01\xff"
        );
    }

    #[test]
    fn nonsense_is_no_timestamp() {
        let query = Query::about(b"signature").unwrap();
        let refused = b"\x30\x05\x30\x03\x02\x01\x02";
        assert_eq!(query.check(refused), Err("the timestamp was refused"));
        for reply in [
            &b""[..],
            b"\x30",
            b"\x30\x84\xff\xff\xff\xff",
            b"<html>",
            b"\x30\x80",
        ] {
            assert_eq!(query.check(reply), Err("the timestamp cannot be read"));
        }
    }
}
