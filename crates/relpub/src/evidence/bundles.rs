//! Bundles on disk, from when they were made until a promotion has ended well.
//!
//! They are trusted for nothing: what is read is verified again.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use relpub_model::Sha256;
use relpub_model::evidence::{EvidenceKind, Piece};
use relpub_model::promotion::Promotion;

use crate::context::Context;
use crate::os;

/// The largest bundle that is read, in bytes.
pub(super) const LARGEST: u64 = 32 * 1024 * 1024;

/// The bundles of one promotion in one world.
pub(super) struct Bundles {
    folder: PathBuf,
    world: String,
    promotion: String,
}

impl Bundles {
    pub(super) fn new(cx: &Context, promotion: &Promotion) -> Self {
        let world = cx.endpoints.name.as_deref().unwrap_or_default();
        let api = &cx.endpoints.github.api;
        Self {
            folder: cx.store.folder().join("bundles"),
            world: format!("{world}\n{api}\n{}", promotion.marker()),
            promotion: promotion.id().to_string(),
        }
    }

    /// Returns a bundle, if there is one that can be read.
    pub(super) fn read(&self, piece: &Piece) -> Option<Vec<u8>> {
        let file = os::open_no_follow(&self.path(piece)).ok()?;
        let mut bytes = Vec::new();
        let read = file.take(LARGEST + 1).read_to_end(&mut bytes).ok()?;
        (read as u64 <= LARGEST).then_some(bytes)
    }

    /// Stores a bundle; it is on the disk when this returns.
    pub(super) fn write(&self, piece: &Piece, bundle: &[u8]) -> io::Result<()> {
        os::create_private_dir(&self.folder)?;
        let mut file = tempfile::NamedTempFile::with_prefix_in("incoming-", &self.folder)?;
        file.write_all(bundle)?;
        file.as_file().sync_all()?;
        file.persist(self.path(piece))
            .map_err(|error| error.error)?;
        os::sync_dir(&self.folder)
    }

    pub(super) fn remove<'a>(&self, pieces: impl Iterator<Item = &'a Piece>) {
        for piece in pieces {
            // A bundle that cannot be removed costs space and nothing else.
            let _ = std::fs::remove_file(self.path(piece));
        }
    }

    /// What is said of one artifact is the same in every promotion; what is said
    /// of all is not.
    fn path(&self, piece: &Piece) -> PathBuf {
        let about = match piece.subject() {
            Some(of) => format!("{}\n{}", of.sha256, of.name),
            None => format!("{}\n{piece}", self.promotion),
        };
        let kind = piece.kind().map_or("none", EvidenceKind::as_str);
        let key = format!("{}\n{kind}\n{about}", self.world);
        self.folder
            .join(format!("{}.json", Sha256::of(key.as_bytes())))
    }
}
