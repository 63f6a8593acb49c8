//! The tree in tiles of 256 hashes, and the entries in bundles (C2SP tlog-tiles).

use super::super::log::{Entry, Log};
use super::super::tree;

/// How many hashes or entries make a full tile.
const WIDTH: usize = 256;

/// Returns the tile at `path`, the part of the address behind `tile/`.
///
/// That is `LEVEL/INDEX` or `entries/INDEX`, each with `.p/WIDTH` for a partial
/// one. `None` is a path that is none, or a tile beyond the tree.
pub(super) fn read(log: &Log, path: &str) -> Option<Vec<u8>> {
    let (level, rest) = path.split_once('/')?;
    let (index, width) = match rest.split_once(".p/") {
        Some((index, width)) => {
            let width: usize = width.parse().ok()?;
            (index, Some(width).filter(|it| (1..WIDTH).contains(it))?)
        }
        None => (rest, WIDTH),
    };
    let start = number(index)?.checked_mul(WIDTH)?;
    let end = start.checked_add(width)?;
    if level == "entries" {
        return log.entries().get(start..end).map(bundle);
    }
    let level: u32 = level.parse().ok()?;
    let span = WIDTH.checked_pow(level)?;
    let leaves = start.checked_mul(span)?..end.checked_mul(span)?;
    let subtrees = log.leaves().get(leaves)?.chunks(span);
    Some(subtrees.flat_map(tree::root).collect())
}

fn bundle(entries: &[Entry]) -> Vec<u8> {
    let mut bundle = Vec::new();
    for Entry { body, .. } in entries {
        // An entry is a few kilobytes; the format cannot hold more than 64.
        let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
        bundle.extend(length.to_be_bytes());
        bundle.extend_from_slice(&body[..length.into()]);
    }
    bundle
}

/// Reads an index in groups of three digits, all but the last with an `x`.
fn number(text: &str) -> Option<usize> {
    let groups: Vec<&str> = text.split('/').collect();
    let (last, others) = groups.split_last()?;
    let mut number = 0usize;
    for group in others
        .iter()
        .map(|it| it.strip_prefix('x'))
        .chain([Some(*last)])
    {
        let digits = group.filter(|it| it.len() == 3 && it.bytes().all(|b| b.is_ascii_digit()))?;
        number = number
            .checked_mul(1000)?
            .checked_add(digits.parse().ok()?)?;
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::disk::Disk;

    #[test]
    fn indexes_are_written_in_groups_of_three() {
        assert_eq!(number("000"), Some(0));
        assert_eq!(number("x001/x234/067"), Some(1_234_067));
        for wrong in ["0", "x000", "001/000", "x1/000", "abc", ""] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn tiles_hash_to_the_root() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::open(Disk::open(folder.path()).unwrap(), Timestamp::UNIX_EPOCH).unwrap();
        for entry in 1u16..300 {
            let body = entry.to_be_bytes().to_vec();
            log.add(body, Timestamp::UNIX_EPOCH).unwrap();
        }
        let hashes = |bytes: Vec<u8>| -> Vec<tree::Hash> {
            let (hashes, rest) = bytes.as_chunks::<32>();
            assert!(rest.is_empty());
            hashes.to_vec()
        };
        let full = hashes(read(&log, "0/000").unwrap());
        let part = hashes(read(&log, "0/001.p/44").unwrap());
        let top = hashes(read(&log, "1/000.p/1").unwrap());
        assert_eq!(top, [tree::root(&full)]);
        assert_eq!(tree::root(&[full, part].concat()), tree::root(log.leaves()));

        let entries = read(&log, "entries/001.p/44").unwrap();
        assert_eq!(entries[..4], [0, 2, 1, 0]);
        assert_eq!(entries.len(), 44 * 4);
        for beyond in [
            "0/001",
            "0/001.p/45",
            "0/002.p/1",
            "1/000",
            "entries/001",
            "x",
        ] {
            assert_eq!(read(&log, beyond), None, "{beyond}");
        }
    }
}
