//! Looks at every carrier for the evidence that a promotion requires.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt};
use relpub_model::Sha256;
use relpub_model::config::Audience;
use relpub_model::evidence::{Carried, Carrier, EvidenceKind, MOST_SUBJECTS, Piece};
use relpub_model::name::{DestinationName, FileName};
use relpub_model::observed::{ForgeRelease, Held, HeldState, Holdings, Known, Observed, Seen};
use relpub_remote::{Publisher, RemoteError};

use super::Evidence;
use super::bundles::LARGEST;
use super::judge::NotIt;
use crate::publishers::{At, publisher};

/// How many places are looked at once.
const AT_ONCE: usize = 8;

/// How many assets of a release are read in one go; their bytes are held.
const BATCH: usize = 128;

/// What was seen, by piece and carrier.
type SeenAll = BTreeMap<Piece, BTreeMap<Carrier, Seen>>;

impl Evidence<'_> {
    /// Looks everywhere, by what the destinations were seen to hold; `fresh`
    /// goes past caches. What cannot be read is carried along as unknown.
    pub(super) async fn look(&self, observed: &Observed, fresh: bool) -> SeenAll {
        let mut all: Vec<(Piece, Carrier)> = Vec::new();
        for Carried { piece, carriers } in self.promotion.pieces() {
            all.extend(carriers.into_iter().map(|carrier| (piece.clone(), carrier)));
        }
        self.look_at(all, observed, fresh).await
    }

    /// Looks at some carriers only.
    pub(crate) async fn look_at(
        &self,
        wanted: Vec<(Piece, Carrier)>,
        observed: &Observed,
        fresh: bool,
    ) -> SeenAll {
        let mut assets: BTreeMap<DestinationName, Vec<(Piece, FileName)>> = BTreeMap::new();
        let mut single = Vec::new();
        for (piece, carrier) in wanted {
            match carrier {
                Carrier::Asset { destination, name } => {
                    assets.entry(destination).or_default().push((piece, name));
                }
                carrier => single.push((piece, carrier)),
            }
        }
        let mut out = SeenAll::new();
        let mut note = |piece, carrier, seen| {
            out.entry(piece).or_default().insert(carrier, seen);
        };
        for (destination, wanted) in assets {
            for (piece, name, seen) in self.in_release(&destination, wanted, observed).await {
                let destination = destination.clone();
                note(piece, Carrier::Asset { destination, name }, seen);
            }
        }
        let looks: Vec<_> = single
            .into_iter()
            .map(|(piece, carrier)| async move {
                let seen = match &carrier {
                    Carrier::Store if self.is_untouched(observed) => Seen::Absent,
                    Carrier::Store => self.in_store(&piece).await,
                    Carrier::Index { destination } => {
                        self.at_index(&piece, destination, observed, fresh).await
                    }
                    Carrier::Asset { .. } => Seen::Absent,
                };
                (piece, carrier, seen)
            })
            .collect();
        let mut looks = stream::iter(looks).buffer_unordered(AT_ONCE);
        while let Some((piece, carrier, seen)) = looks.next().await {
            note(piece, carrier, seen);
        }
        out
    }

    /// Tells whether nothing was begun at any release: statements go into the
    /// store only after a draft is full, so there are none.
    fn is_untouched(&self, observed: &Observed) -> bool {
        let mut releases = self.promotion.evidence.releases.iter();
        releases.all(|name| match observed.destinations.get(name) {
            Some(Known::Seen(Holdings::Releases(it))) => {
                it.drafts_visible && it.published.is_none() && it.drafts.is_empty()
            }
            _ => false,
        })
    }

    /// Looks at the assets of the release that counts: the published one, or the
    /// draft that is ours.
    async fn in_release(
        &self,
        destination: &DestinationName,
        wanted: Vec<(Piece, FileName)>,
        observed: &Observed,
    ) -> Vec<(Piece, FileName, Seen)> {
        let release = match observed.destinations.get(destination) {
            Some(Known::Seen(Holdings::Releases(releases))) => {
                let marker = self.promotion.marker();
                let ours = |it: &&ForgeRelease| it.marker.as_deref() == Some(&marker);
                let published = releases.published.as_ref().map(|it| (it, true));
                published.or_else(|| Some((releases.drafts.iter().find(ours)?, false)))
            }
            _ => None,
        };
        let mut out = Vec::new();
        let mut to_read = Vec::new();
        for (piece, name) in wanted {
            let named = |held: &&Held| held.name == name.as_str();
            let held = release.and_then(|(release, _)| release.assets.iter().find(named));
            match held {
                None => out.push((piece, name, Seen::Absent)),
                Some(held) if held.state == HeldState::Incomplete => {
                    out.push((piece, name, Seen::Incomplete));
                }
                Some(held) => match self.by_digest(&piece, held) {
                    Some(seen) => out.push((piece, name, seen)),
                    None => to_read.push((piece, name)),
                },
            }
        }
        if let Some((release, published)) = release {
            for batch in to_read.chunks(BATCH) {
                out.extend(
                    self.read_batch(destination, (release.id, published), batch)
                        .await,
                );
            }
        }
        out
    }

    /// Tells what can be told without a download: GitHub computes digests itself,
    /// so an asset with the digest of a bundle that is here is that bundle.
    fn by_digest(&self, piece: &Piece, held: &Held) -> Option<Seen> {
        if held.state == HeldState::Altered {
            let why = "its download has other bytes than GitHub says".to_owned();
            return Some(Seen::Rejected(why));
        }
        let sha256 = held.sha256?;
        if *piece == Piece::Checksums {
            let ours = Sha256::of(self.promotion.checksums().as_bytes());
            return Some(if sha256 == ours {
                Seen::Valid
            } else {
                Seen::Other
            });
        }
        let bundle = self.bundles.read(piece)?;
        let same = Sha256::of(&bundle) == sha256 && self.judge(piece, &bundle).is_ok();
        same.then_some(Seen::Valid)
    }

    async fn read_batch(
        &self,
        destination: &DestinationName,
        (release, published): (u64, bool),
        batch: &[(Piece, FileName)],
    ) -> Vec<(Piece, FileName, Seen)> {
        let names: Vec<FileName> = batch.iter().map(|(_, name)| name.clone()).collect();
        let read = match self.publisher(destination) {
            Some(Publisher::GitHub(github)) => {
                let limit = usize::try_from(LARGEST).unwrap_or(usize::MAX);
                let public = published && self.is_public(destination);
                github.read_assets(release, &names, limit, public).await
            }
            _ => Ok(BTreeMap::new()),
        };
        let seen = |(piece, name): &(Piece, FileName)| {
            let seen = match &read {
                Err(error) => Seen::Unknown(error.failure()),
                Ok(all) => all
                    .get(name)
                    .map_or_else(too_large, |bytes| self.seen(piece, bytes)),
            };
            (piece.clone(), name.clone(), seen)
        };
        batch.iter().map(seen).collect()
    }

    /// Judges what an asset holds. What verifies is kept: other carriers may
    /// still lack it, and it is what the release will be compared with.
    fn seen(&self, piece: &Piece, bytes: &[u8]) -> Seen {
        if *piece == Piece::Checksums {
            let same = bytes == self.promotion.checksums().as_bytes();
            return if same { Seen::Valid } else { Seen::Other };
        }
        match self.judge(piece, bytes) {
            Err(not_it) => not_it.into(),
            Ok(_) if !self.keep => Seen::Valid,
            Ok(_) => match self.bundles.write(piece, bytes) {
                Ok(()) => Seen::Valid,
                Err(error) => Seen::Unknown(super::failed(piece, &error)),
            },
        }
    }

    /// Looks into the attestation store; what others keep there does not count.
    async fn in_store(&self, piece: &Piece) -> Seen {
        let kind = piece.kind().and_then(EvidenceKind::predicate_type);
        let (Some(kind), Some(sha256)) = (kind, self.first_subject(piece)) else {
            return Seen::Absent;
        };
        let stored = self.forge.attestations(&sha256, &kind).await;
        let candidates = match stored {
            Ok(candidates) => candidates,
            Err(error) => return Seen::Unknown(error.failure()),
        };
        for bundle in candidates {
            if self.judge(piece, &bundle).is_ok() {
                // Without it another carrier would get a second signature.
                let kept = !self.keep || self.read(piece).is_some();
                if kept || self.bundles.write(piece, &bundle).is_ok() {
                    return Seen::Valid;
                }
            }
        }
        Seen::Absent
    }

    /// Returns the digest by which a statement is found in the store.
    fn first_subject(&self, piece: &Piece) -> Option<Sha256> {
        match piece {
            Piece::Promotion { part } | Piece::Receipt { part } => {
                let subjects = self.promotion.subjects();
                let first = (part - 1) * MOST_SUBJECTS;
                subjects.get(first).map(|subject| subject.sha256)
            }
            other => other.subject().map(|subject| subject.sha256),
        }
    }

    /// Asks an index for what it has of a file that it holds.
    async fn at_index(
        &self,
        piece: &Piece,
        destination: &DestinationName,
        observed: &Observed,
        fresh: bool,
    ) -> Seen {
        let name = piece
            .subject()
            .map(|of| of.name.as_str())
            .unwrap_or_default();
        let is_there = match observed.destinations.get(destination) {
            Some(Known::Seen(Holdings::Index(projects))) => {
                let mut files = projects.values().flat_map(|project| &project.files);
                files.any(|held| held.name == name)
            }
            _ => false,
        };
        let (true, Ok(file)) = (is_there, name.parse::<FileName>()) else {
            return Seen::Absent;
        };
        let provenance: Result<_, RemoteError> = match self.publisher(destination) {
            Some(Publisher::PyPi(index)) => index.provenance(&file, fresh).await,
            _ => Ok(None),
        };
        match provenance {
            Ok(None) => Seen::Absent,
            Ok(Some(provenance)) => self.judge_provenance(piece, &provenance),
            Err(error) => Seen::Unknown(error.failure()),
        }
    }

    fn is_public(&self, name: &DestinationName) -> bool {
        let destination = self.config.destinations.get(name);
        destination.is_some_and(|it| it.audience == Audience::Public)
    }

    fn publisher(&self, name: &DestinationName) -> Option<Publisher> {
        let at = At {
            tag: &self.promotion.tag,
            commit: &self.promotion.commit,
        };
        let destination = self.config.destinations.get(name)?;
        publisher(self.cx, self.config, destination, at).ok()
    }
}

fn too_large() -> Seen {
    NotIt::Rejected(format!(
        "it is no bundle: it is larger than {} MiB",
        LARGEST >> 20
    ))
    .into()
}
