//! A private Fulcio with its log of certificates, and timestamp authorities.

use jiff::Timestamp;
use relpub_model::Sha256;

use crate::der::{bits, context, general_time, int, octets, oid, seq, set, tlv, utc_time, utf8};
use crate::keys::Key;

const ECDSA_SHA256: &str = "1.2.840.10045.4.3.2";
const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";
const FULCIO: &str = "1.3.6.1.4.1.57264.1";
const SCT_LIST: &str = "1.3.6.1.4.1.11129.2.4.2";

/// A certificate authority with a root, and one certificate below it that
/// issues or stamps.
pub(crate) struct Authority {
    name: String,
    pub(crate) key: Key,
    pub(crate) root: Vec<u8>,
    pub(crate) below: Vec<u8>,
}

impl Authority {
    pub(crate) fn fulcio(name: &str) -> Self {
        Self::new(
            name,
            &[
                key_usage(&[1, 6]),
                usage(CODE_SIGNING, false),
                extension("2.5.29.19", true, &seq(&[tlv(1, &[0xff]), int(&[0])])),
            ],
        )
    }

    pub(crate) fn timestamps(name: &str) -> Self {
        Self::new(name, &[key_usage(&[7, 0x80]), usage(TIME_STAMPING, true)])
    }

    fn new(name: &str, extensions: &[Vec<u8>]) -> Self {
        let root_key = Key::named(&format!("{name} root"));
        let key = Key::named(name);
        let root_name = format!("{name} root");
        let life = (at("2025-01-01T00:00:00Z"), at("2035-01-01T00:00:00Z"));
        let authority = [
            key_usage(&[1, 6]),
            extension("2.5.29.19", true, &seq(&[tlv(1, &[0xff])])),
        ];
        let identifiers = [key_identifier(&key), authority_identifier(&root_key)];
        let below = [extensions, &identifiers].concat();
        let root = tbs(&root_name, Some(&root_name), life, &root_key, &authority);
        let below = tbs(&root_name, Some(name), life, &key, &below);
        Self {
            root: signed(&root, &root_key),
            below: signed(&below, &root_key),
            name: name.to_owned(),
            key,
        }
    }
}

/// What a signer's certificate is made from.
#[derive(Clone)]
pub(crate) struct Leaf {
    pub(crate) san: San,
    /// Fulcio's extensions 8 and above.
    pub(crate) claims: Vec<(u32, String)>,
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) authority: &'static str,
    pub(crate) code_signing: bool,
    pub(crate) sct: Sct,
}

#[derive(Clone)]
pub(crate) enum San {
    Uri(String),
    Email(String),
}

/// How the log of certificates vouches for it.
#[derive(Clone, Copy)]
pub(crate) enum Sct {
    Good,
    Missing,
    Spoiled,
    ByStranger,
    ForOther,
    At(Timestamp),
}

impl Leaf {
    pub(crate) fn issue(&self, key: &Key) -> Vec<u8> {
        let authority = Authority::fulcio(self.authority);
        let mut extensions = self.extensions(key, &authority);
        let life = (self.from, self.until);
        let unlogged = tbs(&authority.name, None, life, key, &extensions);
        if !matches!(self.sct, Sct::Missing) {
            extensions.push(self.sct_list(&unlogged, &authority));
        }
        let logged = tbs(&authority.name, None, life, key, &extensions);
        signed(&logged, &authority.key)
    }

    fn extensions(&self, key: &Key, authority: &Authority) -> Vec<Vec<u8>> {
        let san = match &self.san {
            San::Uri(uri) => tlv(0x86, uri.as_bytes()),
            San::Email(email) => tlv(0x81, email.as_bytes()),
        };
        let eku = if self.code_signing {
            CODE_SIGNING
        } else {
            TIME_STAMPING
        };
        let mut out = vec![
            key_usage(&[7, 0x80]),
            usage(eku, false),
            key_identifier(key),
            authority_identifier(&authority.key),
            extension("2.5.29.17", true, &seq(&[san])),
        ];
        let claim = |(number, value): &(u32, String)| {
            extension(&format!("{FULCIO}.{number}"), false, &utf8(value))
        };
        out.extend(self.claims.iter().map(claim));
        out
    }

    /// RFC 6962, section 3.2.
    fn sct_list(&self, tbs: &[u8], authority: &Authority) -> Vec<u8> {
        let log = match self.sct {
            Sct::ByStranger => Key::named("a stranger's log of certificates"),
            _ => Key::named("ct"),
        };
        let time = match self.sct {
            Sct::At(time) => time,
            _ => self.from,
        };
        let time = time.as_millisecond().to_be_bytes();
        let length = u32::try_from(tbs.len()).unwrap().to_be_bytes();
        let mut input = [
            &[0, 0],
            &time[..],
            &[0, 1],
            &authority.key.id(),
            &length[1..],
        ]
        .concat();
        input.extend(tbs);
        input.extend([0, 0]);
        if matches!(self.sct, Sct::ForOther) {
            input[60] ^= 1;
        }
        let mut signature = log.sign(&input);
        if matches!(self.sct, Sct::Spoiled) {
            spoil_last(&mut signature);
        }
        let sct = [
            &[0],
            &log.id()[..],
            &time,
            &[0, 0, 4, 3],
            &sized(&signature),
        ]
        .concat();
        let list = sized(&sized(&sct));
        extension(SCT_LIST, false, &octets(&list))
    }
}

/// Stamps a signature (RFC 3161) as the named authority.
pub(crate) fn timestamp(authority: &str, stamped: &[u8], time: Timestamp) -> Vec<u8> {
    let authority = Authority::timestamps(authority);
    let root_name = name(&format!("{} root", authority.name));
    let serial = int(&serial(&authority.key));
    let sha256 = seq(&[oid("2.16.840.1.101.3.4.2.1")]);
    let info = seq(&[
        int(&[1]),
        oid("1.3.6.1.4.1.57264.2"),
        seq(&[sha256.clone(), octets(Sha256::of(stamped).as_bytes())]),
        int(&[7]),
        general_time(time),
    ]);
    let attribute = |kind: &str, value: Vec<u8>| seq(&[oid(kind), set(&[value])]);
    let digest = Sha256::of(&info);
    let mut attributes = [
        attribute("1.2.840.113549.1.9.3", oid("1.2.840.113549.1.9.16.1.4")),
        attribute("1.2.840.113549.1.9.5", utc_time(time)),
        attribute("1.2.840.113549.1.9.4", octets(digest.as_bytes())),
    ];
    attributes.sort();
    let signature = authority.key.sign(&set(&attributes));
    let info_by = seq(&[
        int(&[1]),
        seq(&[root_name, serial]),
        sha256.clone(),
        context(0, &attributes.concat()),
        seq(&[oid(ECDSA_SHA256)]),
        octets(&signature),
    ]);
    let content = seq(&[oid("1.2.840.113549.1.9.16.1.4"), context(0, &octets(&info))]);
    let signed = seq(&[int(&[3]), set(&[sha256]), content, set(&[info_by])]);
    seq(&[
        seq(&[int(&[0])]),
        seq(&[oid("1.2.840.113549.1.7.2"), context(0, &signed)]),
    ])
}

/// Changes a signature so that it can still be read.
pub(crate) fn spoil_last(bytes: &mut [u8]) {
    *bytes.last_mut().unwrap() ^= 1;
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn tbs(
    issuer: &str,
    subject: Option<&str>,
    (from, until): (Timestamp, Timestamp),
    key: &Key,
    extensions: &[Vec<u8>],
) -> Vec<u8> {
    seq(&[
        context(0, &int(&[2])),
        int(&serial(key)),
        seq(&[oid(ECDSA_SHA256)]),
        name(issuer),
        seq(&[utc_time(from), utc_time(until)]),
        subject.map_or_else(|| seq(&[]), name),
        key.spki(),
        context(3, &seq(extensions)),
    ])
}

fn signed(tbs: &[u8], key: &Key) -> Vec<u8> {
    let signature = bits(&key.sign(tbs));
    seq(&[tbs.to_vec(), seq(&[oid(ECDSA_SHA256)]), signature])
}

fn name(common: &str) -> Vec<u8> {
    seq(&[set(&[seq(&[oid("2.5.4.3"), utf8(common)])])])
}

fn serial(key: &Key) -> Vec<u8> {
    let mut serial = key.id()[..16].to_vec();
    serial[0] = serial[0] & 0x7f | 0x40;
    serial
}

fn extension(kind: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let mut parts = vec![oid(kind)];
    if critical {
        parts.push(tlv(1, &[0xff]));
    }
    parts.push(octets(value));
    seq(&parts)
}

fn key_usage(bits: &[u8]) -> Vec<u8> {
    extension("2.5.29.15", true, &tlv(3, bits))
}

fn usage(purpose: &str, critical: bool) -> Vec<u8> {
    extension("2.5.29.37", critical, &seq(&[oid(purpose)]))
}

fn key_identifier(key: &Key) -> Vec<u8> {
    extension("2.5.29.14", false, &octets(&key.id()[..20]))
}

fn authority_identifier(key: &Key) -> Vec<u8> {
    extension("2.5.29.35", false, &seq(&[tlv(0x80, &key.id()[..20])]))
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    [&length[..], bytes].concat()
}
