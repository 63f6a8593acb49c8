//! The certificates of the authorities, and the keys under them.

use std::collections::BTreeSet;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::certificate::{
    CODE_SIGNING, Profile, TIME_STAMPING, authority_key, is_authority, is_leaf, name, new_serial,
    sign, signs_certificates, signs_data, subject_key, used_for,
};
use super::deviation::Deviation;
use super::keys::{EdKey, Key};
use crate::disk::Disk;

const FILE: &str = "authorities";
/// How long before a world was made its authorities began.
const HEAD_START: SignedDuration = SignedDuration::from_hours(24);
const LIFE: SignedDuration = SignedDuration::from_hours(10 * 365 * 24);

/// Every private key of a Sigstore.
pub(super) struct Keys {
    pub(super) fulcio_root: Key,
    pub(super) fulcio: Key,
    pub(super) ct: Key,
    pub(super) rekor1: Key,
    pub(super) rekor2: EdKey,
    pub(super) tsa_root: Key,
    pub(super) tsa: Key,
}

impl Keys {
    /// Reads the keys kept in `disk`, or keeps new ones there.
    pub(super) fn open(disk: &Disk) -> io::Result<Self> {
        Ok(Self {
            fulcio_root: Key::open(disk, "fulcio-root")?,
            fulcio: Key::open(disk, "fulcio")?,
            ct: Key::open(disk, "ct")?,
            rekor1: Key::open(disk, "rekor1")?,
            rekor2: EdKey::open(disk, "rekor2")?,
            tsa_root: Key::open(disk, "tsa-root")?,
            tsa: Key::open(disk, "tsa")?,
        })
    }
}

/// The certificates of the authorities, as DER.
#[derive(Clone)]
pub(super) struct Authorities {
    /// Since when they are valid.
    pub(super) since: Timestamp,
    pub(super) fulcio_root: Vec<u8>,
    pub(super) fulcio: Vec<u8>,
    pub(super) tsa_root: Vec<u8>,
    pub(super) tsa: Vec<u8>,
}

/// The certificates as they are kept: base64 of DER.
#[derive(Serialize, Deserialize)]
struct Kept {
    since: Timestamp,
    fulcio_root: String,
    fulcio: String,
    tsa_root: String,
    tsa: String,
}

impl Authorities {
    /// Reads the certificates kept in `disk`, or keeps new ones there.
    pub(super) fn open(disk: &Disk, keys: &Keys, now: Timestamp) -> io::Result<Self> {
        if let Some(kept) = disk.read_json::<Kept>(FILE)? {
            return kept.decode().ok_or_else(|| {
                io::Error::other("the certificates of the sandbox's Sigstore are not readable")
            });
        }
        let since = Timestamp::from_second(now.as_second()).unwrap_or(now) - HEAD_START;
        let made = Self::make(keys, since, &BTreeSet::new());
        disk.write_json(FILE, &made.encode())?;
        Ok(made)
    }

    /// Returns new certificates with these deviations.
    pub(super) fn make(keys: &Keys, since: Timestamp, deviations: &BTreeSet<Deviation>) -> Self {
        let has = |deviation| deviations.contains(&deviation);
        let issue =
            |subject: &Subject<'_>, extensions: Vec<Vec<u8>>| subject.issue(since, extensions);
        let fulcio_root = Subject::root("relpub-sandbox-root", &keys.fulcio_root);
        let fulcio = Subject {
            name: "relpub-sandbox-intermediate",
            key: &keys.fulcio,
            issuer: fulcio_root.name,
            issuer_key: &keys.fulcio_root,
        };
        let mut of_fulcio = vec![signs_certificates(), is_authority(Some(0))];
        if !has(Deviation::IntermediateWithoutEku) {
            of_fulcio.insert(1, used_for(CODE_SIGNING, false));
        }
        let tsa_root = Subject::root("relpub-sandbox-tsa-root", &keys.tsa_root);
        let tsa = Subject {
            name: "relpub-sandbox-tsa",
            key: &keys.tsa,
            issuer: tsa_root.name,
            issuer_key: &keys.tsa_root,
        };
        let purpose = if has(Deviation::TsaEkuCodeSigning) {
            CODE_SIGNING
        } else {
            TIME_STAMPING
        };
        let critical = !has(Deviation::TsaEkuNotCritical);
        let of_root = || vec![signs_certificates(), is_authority(None)];
        let of_tsa = vec![signs_data(), used_for(purpose, critical), is_leaf()];
        Self {
            since,
            fulcio_root: issue(&fulcio_root, of_root()),
            fulcio: issue(&fulcio, of_fulcio),
            tsa_root: issue(&tsa_root, of_root()),
            tsa: issue(&tsa, of_tsa),
        }
    }

    fn encode(&self) -> Kept {
        let encode = |der: &Vec<u8>| STANDARD.encode(der);
        Kept {
            since: self.since,
            fulcio_root: encode(&self.fulcio_root),
            fulcio: encode(&self.fulcio),
            tsa_root: encode(&self.tsa_root),
            tsa: encode(&self.tsa),
        }
    }
}

impl Kept {
    fn decode(&self) -> Option<Authorities> {
        let decode = |text: &String| STANDARD.decode(text).ok();
        Some(Authorities {
            since: self.since,
            fulcio_root: decode(&self.fulcio_root)?,
            fulcio: decode(&self.fulcio)?,
            tsa_root: decode(&self.tsa_root)?,
            tsa: decode(&self.tsa)?,
        })
    }
}

/// An authority and who vouches for it.
struct Subject<'a> {
    name: &'a str,
    key: &'a Key,
    issuer: &'a str,
    issuer_key: &'a Key,
}

/// The organisation in the names of all authorities.
pub(super) const ORGANIZATION: &str = "relpub sandbox";

impl<'a> Subject<'a> {
    fn root(name: &'a str, key: &'a Key) -> Self {
        Self {
            name,
            key,
            issuer: name,
            issuer_key: key,
        }
    }

    fn issue(&self, since: Timestamp, mut extensions: Vec<Vec<u8>>) -> Vec<u8> {
        let (issuer, subject) = (
            name(ORGANIZATION, self.issuer),
            name(ORGANIZATION, self.name),
        );
        let profile = Profile {
            issuer: &issuer,
            subject: &subject,
            spki: self.key.spki(),
            not_before: since,
            not_after: since + LIFE,
            serial: &new_serial(),
        };
        extensions.push(subject_key(self.key.spki()));
        extensions.push(authority_key(self.issuer_key.spki()));
        sign(profile.tbs(&extensions), self.issuer_key)
    }
}
