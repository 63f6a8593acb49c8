//! The entries of a log, in memory and on disk, and the tree over them.

use std::collections::HashMap;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::tree::{self, Hash};
use crate::disk::Disk;

/// The entry that every log begins with.
///
/// An entry with the index 0 and an empty proof is what some clients cannot
/// write down.
const SEED: &[u8] = br#"{"apiVersion":"0.0.1","kind":"seed","spec":{}}"#;

/// An append-only log without equal entries.
pub(super) struct Log {
    disk: Disk,
    entries: Vec<Entry>,
    leaves: Vec<Hash>,
    by_leaf: HashMap<Hash, usize>,
}

/// An entry of a log.
pub(super) struct Entry {
    /// What its leaf is the hash of.
    pub(super) body: Vec<u8>,
    /// When it was added.
    pub(super) time: Timestamp,
}

/// An entry as it is kept, in a file named by its index.
#[derive(Serialize, Deserialize)]
struct Kept {
    time: Timestamp,
    body: String,
}

/// Where an entry went that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// To this index.
    At(usize),
    /// Nowhere: an equal one is at this index already.
    Before(usize),
}

impl Log {
    /// Reads the log kept in `disk`, or begins one.
    pub(super) fn open(disk: Disk, now: Timestamp) -> io::Result<Self> {
        let mut log = Self {
            disk,
            entries: Vec::new(),
            leaves: Vec::new(),
            by_leaf: HashMap::new(),
        };
        while let Some(kept) = log.disk.read_json::<Kept>(&log.next_name())? {
            let body = STANDARD.decode(kept.body).map_err(io::Error::other)?;
            log.push(Entry {
                body,
                time: kept.time,
            });
        }
        if log.entries.is_empty() {
            log.add(SEED.to_vec(), now)?;
        }
        Ok(log)
    }

    /// Adds an entry, unless there is an equal one.
    pub(super) fn add(&mut self, body: Vec<u8>, now: Timestamp) -> io::Result<Added> {
        if let Some(index) = self.find(&tree::leaf(&body)) {
            return Ok(Added::Before(index));
        }
        let kept = Kept {
            time: now,
            body: STANDARD.encode(&body),
        };
        self.disk.write_json(&self.next_name(), &kept)?;
        self.push(Entry { body, time: now });
        Ok(Added::At(self.entries.len() - 1))
    }

    /// Returns the index of the entry whose leaf has this hash.
    pub(super) fn find(&self, leaf: &Hash) -> Option<usize> {
        self.by_leaf.get(leaf).copied()
    }

    /// Returns the entry at `index`.
    pub(super) fn entry(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index)
    }

    /// Returns all entries, the seed first.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the hashes of all leaves.
    pub(super) fn leaves(&self) -> &[Hash] {
        &self.leaves
    }

    /// Returns how many entries there are besides the seed.
    pub(super) fn added(&self) -> usize {
        self.entries.len() - 1
    }

    fn push(&mut self, entry: Entry) {
        let leaf = tree::leaf(&entry.body);
        self.by_leaf.insert(leaf, self.entries.len());
        self.leaves.push(leaf);
        self.entries.push(entry);
    }

    fn next_name(&self) -> String {
        format!("{:08}", self.entries.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_goes_on_where_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path()).unwrap();
        let now = Timestamp::UNIX_EPOCH;
        let mut log = Log::open(disk.clone(), now).unwrap();
        assert_eq!(log.add(b"a".to_vec(), now).unwrap(), Added::At(1));
        assert_eq!(log.add(b"a".to_vec(), now).unwrap(), Added::Before(1));
        let leaves = log.leaves().to_vec();

        let mut log = Log::open(disk, now).unwrap();
        assert_eq!(log.leaves(), leaves);
        assert_eq!(log.add(b"b".to_vec(), now).unwrap(), Added::At(2));
        assert_eq!(log.added(), 2);
    }
}
