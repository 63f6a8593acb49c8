//! Buckets and objects on disk, and which of them there are.
//!
//! An object is two files: its bytes under a random name, and a description
//! that names them. The description is replaced at once, so that an object is
//! at any moment wholly the old or wholly the new one.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::Refusal;
use crate::clock::Clock;
use crate::disk::{Disk, Hashes, Received, Writing};
use crate::secrets::random_hex;

/// How much of a key is spelled out in the name of a file, in bytes.
const READABLE: usize = 60;
/// The longest key that S3 takes, in bytes.
const LONGEST_KEY: usize = 1024;

const SETTINGS: &str = "settings";

/// All buckets of a world.
pub(super) struct Store {
    disk: Disk,
    clock: Clock,
    buckets: Mutex<BTreeMap<String, Contents>>,
}

/// One bucket.
struct Contents {
    descriptions: Disk,
    data: Disk,
    settings: Settings,
    objects: BTreeMap<String, Arc<Object>>,
}

#[derive(Default, Serialize, Deserialize)]
struct Settings {
    public_read: bool,
}

/// What is known of an object besides its bytes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Object {
    pub(super) key: String,
    pub(super) size: u64,
    /// In hexadecimal.
    pub(super) sha256: String,
    pub(super) modified: Timestamp,
    /// The headers that came with it and go with it, names in lower case.
    pub(super) headers: BTreeMap<String, String>,
    /// The name of the file with its bytes.
    file: String,
}

impl Object {
    /// Returns the entity tag with its quotes: opaque, and equal for equal bytes.
    pub(super) fn etag(&self) -> String {
        format!("\"sandbox-{}\"", &self.sha256[..32])
    }
}

/// What must be true of an object before it is replaced (S3 "Conditional writes").
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// Nothing.
    None,
    /// It is not there.
    Absent,
    /// It is there with this entity tag.
    Tag(String),
}

impl Store {
    /// Opens the buckets kept in `disk`.
    pub(super) fn open(disk: Disk, clock: Clock) -> io::Result<Self> {
        let mut buckets = BTreeMap::new();
        for name in disk.names()? {
            let contents = Contents::open(&disk, &name)?;
            buckets.insert(name, contents);
        }
        Ok(Self {
            disk,
            clock,
            buckets: Mutex::new(buckets),
        })
    }

    /// Begins the bytes of an object.
    pub(super) fn begin(&self, hashes: Hashes) -> io::Result<Writing> {
        self.disk.begin(hashes)
    }

    /// Makes a bucket, unless it is there.
    pub(super) fn create(&self, bucket: &str) -> io::Result<()> {
        let mut buckets = self.lock();
        if !buckets.contains_key(bucket) {
            let contents = Contents::open(&self.disk, bucket)?;
            buckets.insert(bucket.to_owned(), contents);
        }
        Ok(())
    }

    /// Makes a bucket if it is not there, and says who may read it.
    pub(super) fn set_public(&self, bucket: &str, public_read: bool) -> io::Result<()> {
        self.create(bucket)?;
        let mut buckets = self.lock();
        if let Some(contents) = buckets.get_mut(bucket) {
            contents.settings = Settings { public_read };
            let folder = self.disk.folder(bucket)?;
            folder.write_json(SETTINGS, &contents.settings)?;
        }
        Ok(())
    }

    /// Returns where the multipart uploads of a bucket lie.
    pub(super) fn uploads(&self, bucket: &str) -> io::Result<Disk> {
        self.disk.folder(bucket)?.folder("uploads")
    }

    /// Returns whether anybody may read `bucket`; `None` if it is not there.
    pub(super) fn is_public(&self, bucket: &str) -> Option<bool> {
        let buckets = self.lock();
        buckets.get(bucket).map(|it| it.settings.public_read)
    }

    /// Returns an object and where its bytes lie.
    pub(super) fn find(&self, bucket: &str, key: &str) -> Option<(Arc<Object>, PathBuf)> {
        let buckets = self.lock();
        let contents = buckets.get(bucket)?;
        let object = contents.objects.get(key)?;
        Some((Arc::clone(object), contents.data.path(&object.file)))
    }

    /// Returns the objects whose keys start with `prefix`, sorted by key.
    pub(super) fn under(&self, bucket: &str, prefix: &str) -> Vec<Arc<Object>> {
        let buckets = self.lock();
        let Some(contents) = buckets.get(bucket) else {
            return Vec::new();
        };
        let from = contents.objects.range(prefix.to_owned()..);
        from.take_while(|(key, _)| key.starts_with(prefix))
            .map(|(_, object)| Arc::clone(object))
            .collect()
    }

    /// Returns the keys in a bucket, sorted.
    pub(super) fn keys(&self, bucket: &str) -> Vec<String> {
        let buckets = self.lock();
        let contents = buckets.get(bucket);
        contents.map_or_else(Vec::new, |it| it.objects.keys().cloned().collect())
    }

    /// Returns the names of all buckets, sorted.
    pub(super) fn buckets(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// Puts an object in its place, if the condition holds at that moment.
    pub(super) fn put(
        &self,
        bucket: &str,
        key: &str,
        received: Received,
        headers: BTreeMap<String, String>,
        condition: &Condition,
    ) -> Result<Arc<Object>, Refusal> {
        if key.len() > LONGEST_KEY {
            return Err(Refusal::new(400, "KeyTooLongError", "The key is too long."));
        }
        let mut buckets = self.lock();
        let contents = buckets
            .get_mut(bucket)
            .ok_or_else(Refusal::no_such_bucket)?;
        contents.check(key, condition)?;
        let object = Arc::new(Object {
            key: key.to_owned(),
            size: received.size,
            sha256: received.sha256.clone(),
            modified: self.clock.now(),
            headers,
            file: random_hex::<16>(),
        });
        received.keep(&contents.data.path(&object.file))?;
        contents
            .descriptions
            .write_json(&file_name(key), &*object)?;
        let old = contents.objects.insert(key.to_owned(), Arc::clone(&object));
        if let Some(old) = old {
            contents.data.remove(&old.file)?;
        }
        Ok(object)
    }

    /// Checks a condition for a write that has yet to arrive.
    pub(super) fn check(
        &self,
        bucket: &str,
        key: &str,
        condition: &Condition,
    ) -> Result<(), Refusal> {
        let buckets = self.lock();
        let contents = buckets.get(bucket).ok_or_else(Refusal::no_such_bucket)?;
        contents.check(key, condition)
    }

    /// Removes an object; that it is not there is no error.
    pub(super) fn delete(&self, bucket: &str, key: &str) -> io::Result<()> {
        let mut buckets = self.lock();
        let Some(contents) = buckets.get_mut(bucket) else {
            return Ok(());
        };
        if let Some(object) = contents.objects.remove(key) {
            contents.descriptions.remove_json(&file_name(key))?;
            contents.data.remove(&object.file)?;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Contents>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    fn open(disk: &Disk, bucket: &str) -> io::Result<Self> {
        let folder = disk.folder(bucket)?;
        let descriptions = folder.folder("objects")?;
        let mut objects = BTreeMap::new();
        for name in descriptions.names()? {
            let name = name.strip_suffix(".json").unwrap_or(&name);
            if let Some(object) = descriptions.read_json::<Object>(name)? {
                objects.insert(object.key.clone(), Arc::new(object));
            }
        }
        Ok(Self {
            data: folder.folder("data")?,
            settings: folder.read_json(SETTINGS)?.unwrap_or_default(),
            descriptions,
            objects,
        })
    }

    fn check(&self, key: &str, condition: &Condition) -> Result<(), Refusal> {
        match (condition, self.objects.get(key)) {
            (Condition::Absent, Some(_)) => Err(Refusal::precondition_failed()),
            (Condition::Tag(_), None) => Err(Refusal::no_such_key()),
            (Condition::Tag(tag), Some(object)) if *tag != object.etag() => {
                Err(Refusal::precondition_failed())
            }
            _ => Ok(()),
        }
    }
}

/// Returns the name under which the description of `key` is kept.
///
/// A long key is cut, and its hash tells it from others that start alike.
fn file_name(key: &str) -> String {
    if key.len() <= READABLE {
        return key.to_owned();
    }
    let start = &key[..key.floor_char_boundary(READABLE)];
    let hash = hex::encode(digest(&SHA256, key.as_bytes()));
    format!("{start}~{hash}")
}
