//! Manifests: who declares which digests, as plain values.

use crate::digest::Sha256;
use crate::name::{Commit, SourcePath};

/// A manifest, a checksum file or a sidecar, after parsing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Where it is in the source.
    pub path: SourcePath,
    /// The full commit it names, where its format has one.
    pub commit: Option<Commit>,
    /// The repository it names, where its format has one.
    pub repository: Option<String>,
    /// The version it names, where its format has one.
    pub version: Option<String>,
    /// What it declares, by path in the source.
    pub entries: Vec<Entry>,
}

/// What a manifest says of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The file's path in the source.
    pub path: SourcePath,
    /// Its size in bytes, where the manifest says one.
    pub size: Option<u64>,
    /// Its digest.
    pub sha256: Sha256,
}
