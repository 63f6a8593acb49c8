//! What a GitHub holds: repositories, releases and assets, in memory and on disk.
//!
//! Every thing has a file of its own, written before memory changes, so that
//! an upload costs the same in a release of a thousand assets as in an empty one.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::attestations::Attestation;
use super::repository::Repository;
use crate::disk::Disk;

const IDS: &str = "ids";
const REPOSITORY: &str = "repository-";
const RELEASE: &str = "release-";
const ASSET: &str = "asset-";
const ATTESTATION: &str = "attestation-";

/// A release; its assets point to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Release {
    pub(super) id: u64,
    /// The key of its repository.
    pub(super) repository: String,
    pub(super) tag: String,
    pub(super) target: String,
    pub(super) name: Option<String>,
    pub(super) body: Option<String>,
    pub(super) draft: bool,
    pub(super) prerelease: bool,
    pub(super) immutable: bool,
    /// The date of its commit, not of its publication.
    pub(super) created: Timestamp,
    pub(super) published: Option<Timestamp>,
    pub(super) updated: Timestamp,
}

/// A file of a release.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Asset {
    pub(super) id: u64,
    pub(super) release: u64,
    pub(super) name: String,
    pub(super) label: Option<String>,
    pub(super) content_type: String,
    pub(super) state: AssetState,
    pub(super) size: u64,
    /// The SHA-256 in hexadecimal, once it is uploaded.
    pub(super) sha256: Option<String>,
    pub(super) downloads: u64,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
}

/// How far the upload of an asset has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssetState {
    /// It has begun and not ended; the asset has no bytes but blocks its name.
    Starter,
    /// It is complete.
    Uploaded,
}

impl AssetState {
    /// Returns the state as the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starter => "starter",
            Self::Uploaded => "uploaded",
        }
    }
}

/// Everything a GitHub holds.
pub(super) struct State {
    disk: Disk,
    next_id: u64,
    repositories: BTreeMap<String, Repository>,
    releases: BTreeMap<u64, Release>,
    assets: BTreeMap<u64, Asset>,
    attestations: BTreeMap<u64, Attestation>,
}

impl State {
    /// Opens the state kept in `disk`.
    pub(super) fn open(disk: Disk) -> io::Result<Self> {
        let mut state = Self {
            next_id: disk.read_json(IDS)?.unwrap_or(1000),
            repositories: BTreeMap::new(),
            releases: BTreeMap::new(),
            assets: BTreeMap::new(),
            attestations: BTreeMap::new(),
            disk,
        };
        for file in state.disk.names()? {
            if let Some(name) = file.strip_suffix(".json") {
                state.load(name)?;
            }
        }
        state.sweep()?;
        Ok(state)
    }

    fn load(&mut self, name: &str) -> io::Result<()> {
        if let Some(key) = name.strip_prefix(REPOSITORY) {
            if let Some(repository) = self.disk.read_json(name)? {
                self.repositories.insert(key.to_owned(), repository);
            }
        } else if name.starts_with(RELEASE) {
            if let Some(release) = self.disk.read_json::<Release>(name)? {
                self.releases.insert(release.id, release);
            }
        } else if name.starts_with(ATTESTATION) {
            if let Some(attestation) = self.disk.read_json::<Attestation>(name)? {
                self.attestations.insert(attestation.id, attestation);
            }
        } else if name.starts_with(ASSET)
            && let Some(asset) = self.disk.read_json::<Asset>(name)?
        {
            self.assets.insert(asset.id, asset);
        }
        Ok(())
    }

    /// Removes the assets of a release whose deletion was interrupted.
    fn sweep(&mut self) -> io::Result<()> {
        let orphan = |asset: &&Asset| !self.releases.contains_key(&asset.release);
        let orphans: Vec<u64> = self
            .assets
            .values()
            .filter(orphan)
            .map(|it| it.id)
            .collect();
        orphans.into_iter().try_for_each(|id| self.remove_asset(id))
    }

    /// Returns an id that nothing has had before.
    pub(super) fn new_id(&mut self) -> io::Result<u64> {
        let id = self.next_id;
        self.disk.write_json(IDS, &(id + 1))?;
        self.next_id += 1;
        Ok(id)
    }

    /// Returns the repository with this key, which is its name in lower case.
    pub(super) fn repository(&self, key: &str) -> Option<&Repository> {
        self.repositories.get(key)
    }

    /// Returns the repository that had this key before it was renamed.
    pub(super) fn renamed(&self, key: &str) -> Option<&Repository> {
        let mut all = self.repositories.values();
        all.find(|repository| repository.former.contains(key))
    }

    /// Returns the repository with this id.
    pub(super) fn repository_by_id(&self, id: u64) -> Option<&Repository> {
        self.repositories.values().find(|it| it.id == id)
    }

    /// Renames a repository; the old name goes on leading to it.
    pub(super) fn rename(&mut self, key: &str, name: &str) -> io::Result<()> {
        let Some(old) = self.repositories.get(key) else {
            return Ok(());
        };
        let mut renamed = old.clone();
        name.clone_into(&mut renamed.full_name);
        let new_key = renamed.key();
        if new_key == key {
            return self.put_repository(renamed);
        }
        renamed.former.insert(key.to_owned());
        let releases: Vec<_> = self.releases(key).into_iter().cloned().collect();
        self.put_repository(renamed)?;
        for mut release in releases {
            release.repository.clone_from(&new_key);
            self.put_release(release)?;
        }
        self.disk.remove_json(&format!("{REPOSITORY}{key}"))?;
        self.repositories.remove(key);
        Ok(())
    }

    /// Keeps a repository, in place of the one with its name.
    pub(super) fn put_repository(&mut self, repository: Repository) -> io::Result<()> {
        let key = repository.key();
        self.disk
            .write_json(&format!("{REPOSITORY}{key}"), &repository)?;
        self.repositories.insert(key, repository);
        Ok(())
    }

    /// Returns the release `id` of the repository `key`.
    pub(super) fn release(&self, key: &str, id: u64) -> Option<&Release> {
        let release = self.releases.get(&id)?;
        (release.repository == key).then_some(release)
    }

    /// Returns the releases of a repository as GitHub lists them, newest first.
    pub(super) fn releases(&self, key: &str) -> Vec<&Release> {
        let all = self.releases.values();
        let mut found: Vec<_> = all.filter(|release| release.repository == key).collect();
        found.sort_by_key(|release| std::cmp::Reverse((release.created, release.id)));
        found
    }

    /// Returns the published release with this tag.
    pub(super) fn published(&self, key: &str, tag: &str) -> Option<&Release> {
        self.releases
            .values()
            .find(|release| release.repository == key && release.tag == tag && !release.draft)
    }

    /// Keeps a release, in place of the one with its id.
    pub(super) fn put_release(&mut self, release: Release) -> io::Result<()> {
        self.disk
            .write_json(&format!("{RELEASE}{}", release.id), &release)?;
        self.releases.insert(release.id, release);
        Ok(())
    }

    /// Removes a release and its assets.
    pub(super) fn remove_release(&mut self, id: u64) -> io::Result<()> {
        self.disk.remove_json(&format!("{RELEASE}{id}"))?;
        self.releases.remove(&id);
        let assets: Vec<u64> = self.assets_of(id).map(|asset| asset.id).collect();
        assets.into_iter().try_for_each(|id| self.remove_asset(id))
    }

    /// Returns the asset `id` and its release, if they belong to the repository `key`.
    pub(super) fn asset(&self, key: &str, id: u64) -> Option<(&Asset, &Release)> {
        let asset = self.assets.get(&id)?;
        Some((asset, self.release(key, asset.release)?))
    }

    /// Returns the asset `id` of whatever repository.
    pub(super) fn any_asset(&self, id: u64) -> Option<&Asset> {
        self.assets.get(&id)
    }

    /// Returns the assets of a release, oldest first.
    pub(super) fn assets_of(&self, release: u64) -> impl Iterator<Item = &Asset> {
        let all = self.assets.values();
        all.filter(move |asset| asset.release == release)
    }

    /// Keeps an asset, in place of the one with its id.
    pub(super) fn put_asset(&mut self, asset: Asset) -> io::Result<()> {
        self.disk
            .write_json(&format!("{ASSET}{}", asset.id), &asset)?;
        self.assets.insert(asset.id, asset);
        Ok(())
    }

    /// Removes an asset and its bytes.
    pub(super) fn remove_asset(&mut self, id: u64) -> io::Result<()> {
        self.disk.remove_json(&format!("{ASSET}{id}"))?;
        self.assets.remove(&id);
        self.disk.remove(&blob(id))
    }

    /// Returns all repositories.
    pub(super) fn repositories(&self) -> impl Iterator<Item = &Repository> {
        self.repositories.values()
    }

    /// Returns all attestations, oldest first.
    pub(super) fn attestations(&self) -> impl DoubleEndedIterator<Item = &Attestation> {
        self.attestations.values()
    }

    /// Returns the attestation `id` of whatever repository.
    pub(super) fn attestation(&self, id: u64) -> Option<&Attestation> {
        self.attestations.get(&id)
    }

    /// Keeps an attestation.
    pub(super) fn put_attestation(&mut self, attestation: Attestation) -> io::Result<()> {
        let name = format!("{ATTESTATION}{}", attestation.id);
        self.disk.write_json(&name, &attestation)?;
        self.attestations.insert(attestation.id, attestation);
        Ok(())
    }

    /// Removes an attestation; that it is not there is no error.
    pub(super) fn remove_attestation(&mut self, id: u64) -> io::Result<()> {
        self.disk.remove_json(&format!("{ATTESTATION}{id}"))?;
        self.attestations.remove(&id);
        Ok(())
    }

    /// Returns where the bytes of an asset lie.
    pub(super) fn blob(&self, id: u64) -> PathBuf {
        self.disk.path(&blob(id))
    }
}

fn blob(id: u64) -> String {
    format!("blob-{id}")
}
