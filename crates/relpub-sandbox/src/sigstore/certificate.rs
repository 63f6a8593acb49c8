//! X.509 certificates (RFC 5280): written, and read as far as services need it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::der::{self, Element};
use super::keys::{Key, sha256};

pub(super) const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
pub(super) const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";
pub(super) const SAN: &str = "2.5.29.17";
pub(super) const EKU: &str = "2.5.29.37";
/// Below it are the extensions of Fulcio.
pub(super) const FULCIO: &str = "1.3.6.1.4.1.57264.1";

const ECDSA_WITH_SHA256: &str = "1.2.840.10045.4.3.2";
const KEY_USAGE: &str = "2.5.29.15";
const BASIC_CONSTRAINTS: &str = "2.5.29.19";
const SUBJECT_KEY: &str = "2.5.29.14";
const AUTHORITY_KEY: &str = "2.5.29.35";

/// The parts of a certificate that are not extensions.
pub(super) struct Profile<'a> {
    /// A `Name`.
    pub(super) issuer: &'a [u8],
    /// A `Name`.
    pub(super) subject: &'a [u8],
    /// The subject's `SubjectPublicKeyInfo`.
    pub(super) spki: &'a [u8],
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    /// A positive number, as big-endian bytes.
    pub(super) serial: &'a [u8],
}

impl Profile<'_> {
    /// Returns the `TBSCertificate` with these extensions.
    pub(super) fn tbs(&self, extensions: &[Vec<u8>]) -> Vec<u8> {
        let validity = [self.not_before, self.not_after].map(der::utc_time);
        der::sequence(&[
            der::context(0, &der::number(2)),
            der::integer(self.serial),
            algorithm(),
            self.issuer.to_vec(),
            der::sequence(&validity),
            self.subject.to_vec(),
            self.spki.to_vec(),
            der::context(3, &der::sequence(extensions)),
        ])
    }
}

/// Returns the certificate over a `TBSCertificate`.
pub(super) fn sign(tbs: Vec<u8>, key: &Key) -> Vec<u8> {
    let signature = der::bits(&key.sign(&tbs));
    der::sequence(&[tbs, algorithm(), signature])
}

/// Returns the `AlgorithmIdentifier` of the sandbox's signatures.
pub(super) fn algorithm() -> Vec<u8> {
    der::sequence(&[der::oid(ECDSA_WITH_SHA256)])
}

/// Returns a `Name` of an organisation and a common name.
pub(super) fn name(organization: &str, common: &str) -> Vec<u8> {
    let part = |oid, text| der::set(&[der::sequence(&[der::oid(oid), der::utf8(text)])]);
    der::sequence(&[part("2.5.4.10", organization), part("2.5.4.3", common)])
}

/// Returns an `Extension` around the DER in `value`.
pub(super) fn extension(oid: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let mut parts = vec![der::oid(oid)];
    if critical {
        parts.push(der::yes());
    }
    parts.push(der::octets(value));
    der::sequence(&parts)
}

/// Returns the key usage of certificates that sign certificates.
pub(super) fn signs_certificates() -> Vec<u8> {
    extension(KEY_USAGE, true, &[0x03, 0x02, 0x01, 0x06])
}

/// Returns the key usage of certificates that sign other things.
pub(super) fn signs_data() -> Vec<u8> {
    extension(KEY_USAGE, true, &[0x03, 0x02, 0x07, 0x80])
}

/// Returns the basic constraints of an authority, possibly above leaves only.
pub(super) fn is_authority(path_length: Option<u8>) -> Vec<u8> {
    let length = path_length.map(der::number);
    let parts: Vec<_> = [Some(der::yes()), length].into_iter().flatten().collect();
    extension(BASIC_CONSTRAINTS, true, &der::sequence(&parts))
}

/// Returns the basic constraints of a leaf.
pub(super) fn is_leaf() -> Vec<u8> {
    extension(BASIC_CONSTRAINTS, true, &der::sequence(&[]))
}

/// Returns an extended key usage.
pub(super) fn used_for(purpose: &str, critical: bool) -> Vec<u8> {
    extension(EKU, critical, &der::sequence(&[der::oid(purpose)]))
}

/// Returns the identifier of the subject's key.
pub(super) fn subject_key(spki: &[u8]) -> Vec<u8> {
    extension(SUBJECT_KEY, false, &der::octets(&identifier(spki)))
}

/// Returns the identifier of the issuer's key.
pub(super) fn authority_key(spki: &[u8]) -> Vec<u8> {
    let identifier = der::element(0x80, &identifier(spki));
    extension(AUTHORITY_KEY, false, &der::sequence(&[identifier]))
}

fn identifier(spki: &[u8]) -> Vec<u8> {
    sha256(spki)[..20].to_vec()
}

/// Returns a new serial number.
pub(super) fn new_serial() -> Vec<u8> {
    let mut serial = vec![0; 20];
    aws_lc_rs::rand::fill(&mut serial).expect("the system gives random bytes");
    // Neither negative nor shorter than it looks.
    serial[0] = serial[0] & 0x3f | 0x40;
    serial
}

/// Returns PEM with lines of 64 characters and one newline at the end.
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.extend(line.iter().copied().map(char::from));
        pem.push('\n');
    }
    pem + &format!("-----END {label}-----\n")
}

/// Returns the label and the DER of the first block of a PEM text.
pub(super) fn from_pem(text: &str) -> Option<(String, Vec<u8>)> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let body: String = body.split_whitespace().collect();
    Some((label.to_owned(), STANDARD.decode(body).ok()?))
}

/// What a service reads in a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Certificate<'a> {
    pub(super) tbs: &'a [u8],
    pub(super) signature: &'a [u8],
    /// The `Name` of its issuer.
    pub(super) issuer: &'a [u8],
    /// The content of the `INTEGER` that is its serial number.
    pub(super) serial: &'a [u8],
    pub(super) spki: &'a [u8],
    /// The contents of `notBefore` and `notAfter`.
    pub(super) validity: [&'a [u8]; 2],
    extensions: Vec<Element<'a>>,
}

impl<'a> Certificate<'a> {
    /// Reads a certificate.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let parts = der::only(bytes)?.parts(der::SEQUENCE)?;
        let [tbs, _, signature] = parts[..] else {
            return None;
        };
        let fields = tbs.parts(der::SEQUENCE)?;
        let [_, serial, _, issuer, validity, _, spki, extensions] = fields[..] else {
            return None;
        };
        let validity = validity.parts(der::SEQUENCE)?;
        let [not_before, not_after] = validity[..] else {
            return None;
        };
        let extensions = der::only(extensions.tagged(0xa3)?)?;
        Some(Self {
            tbs: tbs.whole,
            signature: signature.tagged(der::BIT_STRING)?.get(1..)?,
            issuer: issuer.whole,
            serial: serial.tagged(der::INTEGER)?,
            spki: spki.whole,
            validity: [not_before.content, not_after.content],
            extensions: extensions.parts(der::SEQUENCE)?,
        })
    }

    /// Returns the DER inside an extension.
    pub(super) fn extension(&self, oid: &str) -> Option<&'a [u8]> {
        let oid = der::oid(oid);
        self.extensions.iter().find_map(|extension| {
            let parts = extension.parts(der::SEQUENCE)?;
            let value = (parts.first()?.whole == oid)
                .then(|| parts.last())
                .flatten()?;
            value.tagged(der::OCTET_STRING)
        })
    }

    /// Returns the text in one of Fulcio's newer extensions, by its last arc.
    pub(super) fn claim(&self, arc: u8) -> Option<&'a str> {
        let value = self.extension(&format!("{FULCIO}.{arc}"))?;
        std::str::from_utf8(der::only(value)?.tagged(der::UTF8_STRING)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let key = Key::foreign();
        let name = name("sandbox", "test");
        let now = Timestamp::UNIX_EPOCH;
        let profile = Profile {
            issuer: &name,
            subject: &name,
            spki: key.spki(),
            not_before: now,
            not_after: now,
            serial: &new_serial(),
        };
        let claim = extension(&format!("{FULCIO}.8"), false, &der::utf8("issuer"));
        let der = sign(profile.tbs(&[is_leaf(), claim]), &key);
        let text = pem("CERTIFICATE", &der);
        assert!(text.lines().all(|line| line.len() <= 64));
        assert_eq!(
            from_pem(&text),
            Some(("CERTIFICATE".to_owned(), der.clone()))
        );

        let read = Certificate::read(&der).unwrap();
        assert_eq!(read.spki, key.spki());
        assert_eq!(read.claim(8), Some("issuer"));
        assert_eq!(read.validity, [b"700101000000Z"; 2]);
        assert!(super::super::keys::verifies(
            key.spki(),
            read.tbs,
            read.signature
        ));
        assert_eq!(Certificate::read(&der[..der.len() - 1]), None);
    }
}
