//! Signed certificate timestamps, embedded (RFC 6962 section 3).

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::certificate::extension;
use super::der;
use super::deviation::Deviation;
use super::keys::{Key, sha256};

const SCT_LIST: &str = "1.3.6.1.4.1.11129.2.4.2";
const POISON: &str = "1.3.6.1.4.1.11129.2.4.3";
/// How much older than now a timestamp before the log's beginning is, in days.
const BEFORE_THE_LOG: i64 = 400;

/// Returns the extension with the log's word that it has seen a certificate.
///
/// `tbs` makes the `TBSCertificate` with more extensions at its end. No poison
/// is signed: the log signs what is left of a precertificate without it.
pub(super) fn sct_list(
    log: &Key,
    issuer_spki: &[u8],
    tbs: impl Fn(Option<Vec<u8>>) -> Vec<u8>,
    now: Timestamp,
    deviations: &BTreeSet<Deviation>,
) -> Vec<u8> {
    let has = |deviation| deviations.contains(&deviation);
    let mut time = now.as_second();
    if has(Deviation::SctBeforeItsLog) {
        time -= BEFORE_THE_LOG * 24 * 3600;
    }
    let milliseconds = (time * 1000).to_be_bytes();
    let issuer = if has(Deviation::SctOfAnotherIssuer) {
        sha256(b"another issuer")
    } else {
        sha256(issuer_spki)
    };
    let poison = has(Deviation::SctOverPoison).then(|| extension(POISON, true, &der::null()));
    let tbs = tbs(poison);

    // Version 1, certificate timestamp, the time, a precertificate entry.
    let mut signed = vec![0, 0];
    signed.extend(milliseconds);
    signed.extend([0, 1]);
    signed.extend(issuer);
    signed.extend(&length::<3>(tbs.len()));
    signed.extend(&tbs);
    signed.extend([0, 0]);
    let signature = if has(Deviation::BadSctSignature) {
        Key::foreign().sign(&signed)
    } else {
        log.sign(&signed)
    };

    // Version 1, the log, the time, no extensions, ECDSA with SHA-256.
    let mut sct = vec![0];
    sct.extend(sha256(log.spki()));
    sct.extend(milliseconds);
    sct.extend([0, 0, 4, 3]);
    sct.extend(length::<2>(signature.len()));
    sct.extend(signature);

    let mut list = length::<2>(sct.len() + 2).to_vec();
    list.extend(length::<2>(sct.len()));
    list.extend(sct);
    extension(SCT_LIST, false, &der::octets(&list))
}

/// Returns a length in `N` bytes, which are enough for any certificate.
fn length<const N: usize>(length: usize) -> [u8; N] {
    let bytes = length.to_be_bytes();
    let mut short = [0; N];
    short.copy_from_slice(&bytes[bytes.len() - N..]);
    short
}
