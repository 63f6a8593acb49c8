//! What relpub reads of a release and its assets, and what it makes of them.
//!
//! octocrab's models have some forty fields more; they end here.

use jiff::Timestamp;
use octocrab::models::repos as api;
use relpub_model::Sha256;
use relpub_model::findings::Bytes;
use relpub_model::name::FileName;
use relpub_model::observed::{ForgeRelease, Held, HeldState};
use relpub_model::plan::Presence;
use relpub_model::promotion::Edge;

use super::notes;

/// A release, published or not.
#[derive(Clone, Debug)]
pub(super) struct Release {
    pub(super) id: u64,
    pub(super) tag: String,
    pub(super) title: String,
    pub(super) body: String,
    /// The branch or commit that GitHub would put an absent tag at.
    pub(super) target: String,
    pub(super) draft: bool,
    pub(super) prerelease: bool,
    pub(super) immutable: bool,
    /// The page that people look at.
    pub(super) url: String,
    pub(super) assets: Vec<Asset>,
}

/// A file attached to a release.
#[derive(Clone, Debug)]
pub(super) struct Asset {
    pub(super) id: u64,
    pub(super) name: String,
    /// Whether GitHub has all of it; a failed upload leaves a `starter` behind.
    pub(super) complete: bool,
    pub(super) size: u64,
    /// What GitHub computed at the upload, or what a download had; GitHub has
    /// none for assets from before June 2025.
    pub(super) sha256: Option<Sha256>,
    pub(super) uploaded: Option<Timestamp>,
    /// Where everyone downloads it once the release is published.
    pub(super) url: String,
}

/// How an asset compares with the artifact that should be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// The same bytes.
    Same,
    /// Other bytes.
    Other,
    /// The rest of an upload that failed.
    Leftover,
}

/// A file that should be attached to a release.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) name: &'a FileName,
    pub(super) sha256: Sha256,
    /// In bytes.
    pub(super) size: u64,
}

impl<'a> Wanted<'a> {
    /// The artifact of an edge.
    pub(super) fn artifact(edge: &'a Edge) -> Self {
        Self {
            name: &edge.name,
            sha256: edge.sha256,
            size: edge.size,
        }
    }

    /// Another file, of which the bytes are known.
    pub(super) fn file(name: &'a FileName, bytes: &Bytes) -> Self {
        Self {
            name,
            sha256: bytes.sha256,
            size: bytes.size,
        }
    }

    /// All artifacts of a set.
    pub(super) fn artifacts(edges: &'a [Edge]) -> Vec<Self> {
        edges.iter().map(Self::artifact).collect()
    }
}

impl From<api::Release> for Release {
    fn from(from: api::Release) -> Self {
        Self {
            id: from.id.into_inner(),
            tag: from.tag_name,
            title: from.name.unwrap_or_default(),
            body: from.body.unwrap_or_default(),
            target: from.target_commitish,
            draft: from.draft,
            prerelease: from.prerelease,
            immutable: from.immutable.unwrap_or(false),
            url: from.html_url.into(),
            assets: from.assets.into_iter().map(Asset::from).collect(),
        }
    }
}

impl From<api::Asset> for Asset {
    fn from(from: api::Asset) -> Self {
        Self {
            id: from.id.into_inner(),
            name: from.name,
            complete: from.state == "uploaded",
            size: u64::try_from(from.size).unwrap_or(0),
            sha256: from.digest.as_deref().and_then(parse_digest),
            uploaded: Timestamp::from_second(from.created_at.timestamp()).ok(),
            url: from.browser_download_url.into(),
        }
    }
}

/// Reads `sha256:HEX`; another algorithm is as good as no digest.
fn parse_digest(text: &str) -> Option<Sha256> {
    text.strip_prefix("sha256:")?.parse().ok()
}

impl Release {
    /// Drops what takes room in a list: notes and assets.
    pub(super) fn without_contents(self) -> Self {
        Self {
            title: String::new(),
            body: String::new(),
            assets: Vec::new(),
            ..self
        }
    }

    /// Returns our marker in the body, if it is there.
    pub(super) fn marker(&self) -> Option<&str> {
        notes::find_marker(&self.body)
    }

    /// Tells whether the body carries exactly this marker.
    pub(super) fn is_marked(&self, marker: &str) -> bool {
        self.marker() == Some(marker)
    }

    /// Returns the release as the model has it.
    pub(super) fn observed(&self) -> ForgeRelease {
        ForgeRelease {
            id: self.id,
            marker: self.marker().map(str::to_owned),
            immutable: self.immutable,
            assets: self.assets.iter().map(Asset::observed).collect(),
        }
    }
}

impl Asset {
    /// Compares the asset with the file that should be there under its name.
    pub(super) fn compare(&self, wanted: &Wanted<'_>) -> Match {
        match self.sha256 {
            _ if !self.complete => Match::Leftover,
            Some(sha256) if sha256 == wanted.sha256 => Match::Same,
            _ => Match::Other,
        }
    }

    /// Tells whether only a download can tell if these are the wanted bytes.
    pub(super) fn is_undecided(&self, wanted: &Wanted<'_>) -> bool {
        self.name == wanted.name.as_str()
            && self.complete
            && self.sha256.is_none()
            && self.size == wanted.size
    }

    fn observed(&self) -> Held {
        Held {
            name: self.name.clone(),
            sha256: self.sha256,
            size: Some(self.size),
            state: if self.complete {
                HeldState::Complete
            } else {
                HeldState::Incomplete
            },
            uploaded: self.uploaded,
        }
    }
}

/// Returns the asset of this name. GitHub compares names exactly.
pub(super) fn find<'a>(assets: &'a [Asset], name: &FileName) -> Option<&'a Asset> {
    assets.iter().find(|asset| asset.name == name.as_str())
}

/// Returns what a published release holds of a file.
pub(super) fn presence(assets: &[Asset], wanted: &Wanted<'_>) -> Presence {
    match find(assets, wanted.name).map(|asset| asset.compare(wanted)) {
        None => Presence::Absent,
        Some(Match::Same) => Presence::Same,
        Some(Match::Leftover) => Presence::Partial,
        Some(Match::Other) => Presence::Conflict,
    }
}

/// How the assets of a release differ from the set that belongs there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// Not there, or not completely.
    pub(super) missing: Vec<String>,
    /// There with other bytes.
    pub(super) other: Vec<String>,
    /// There and not ours.
    pub(super) foreign: Vec<String>,
}

impl Difference {
    /// Compares assets with the exact set that is wanted, by digest.
    pub(super) fn between(assets: &[Asset], wanted: &[Wanted<'_>]) -> Self {
        let mut out = Self::default();
        for file in wanted {
            let name = file.name.to_string();
            match presence(assets, file) {
                Presence::Absent | Presence::Partial => out.missing.push(name),
                Presence::Conflict => out.other.push(name),
                _ => {}
            }
        }
        let ours = |asset: &&Asset| wanted.iter().any(|it| it.name.as_str() == asset.name);
        let foreign = assets.iter().filter(|asset| !ours(asset));
        out.foreign.extend(foreign.map(|asset| asset.name.clone()));
        out
    }
}

#[cfg(test)]
pub(super) mod tests {
    use relpub_model::promotion::Mutability;

    use super::*;

    pub(in super::super) fn release(id: u64, tag: &str, draft: bool, body: &str) -> Release {
        Release {
            id,
            tag: tag.to_owned(),
            title: tag.to_owned(),
            body: body.to_owned(),
            target: "main".to_owned(),
            draft,
            prerelease: false,
            immutable: false,
            url: String::new(),
            assets: Vec::new(),
        }
    }

    fn asset(name: &str, content: &[u8]) -> Asset {
        Asset {
            id: 1,
            name: name.to_owned(),
            complete: true,
            size: content.len() as u64,
            sha256: Some(Sha256::of(content)),
            uploaded: None,
            url: String::new(),
        }
    }

    fn edge(name: &str, content: &[u8]) -> Edge {
        Edge {
            destination: "github".parse().unwrap(),
            name: name.parse().unwrap(),
            sha256: Sha256::of(content),
            size: content.len() as u64,
            mutability: Mutability::Immutable,
        }
    }

    #[test]
    fn an_asset_is_the_same_by_digest_alone() {
        let edge = edge("a.whl", b"right");
        let wanted = Wanted::artifact(&edge);
        assert_eq!(asset("a.whl", b"right").compare(&wanted), Match::Same);
        assert_eq!(asset("a.whl", b"wrong").compare(&wanted), Match::Other);
        let mut old = asset("a.whl", b"wrong");
        old.sha256 = None;
        assert!(old.is_undecided(&wanted));
        assert_eq!(old.compare(&wanted), Match::Other);
        old.complete = false;
        assert_eq!(old.compare(&wanted), Match::Leftover);
        assert!(!old.is_undecided(&wanted));
    }

    #[test]
    fn a_set_differs_by_what_is_missing_other_or_foreign() {
        let mut starter = asset("c", b"3");
        starter.complete = false;
        let assets = [
            asset("a", b"1"),
            asset("b", b"x"),
            starter,
            asset("z", b"z"),
        ];
        let edges = [
            edge("a", b"1"),
            edge("b", b"2"),
            edge("c", b"3"),
            edge("d", b"4"),
        ];
        let difference = Difference::between(&assets, &Wanted::artifacts(&edges));
        assert_eq!(difference.missing, ["c", "d"]);
        assert_eq!(difference.other, ["b"]);
        assert_eq!(difference.foreign, ["z"]);
    }

    #[test]
    fn a_digest_of_another_algorithm_is_none() {
        let hex = "ab".repeat(32);
        assert!(parse_digest(&format!("sha256:{hex}")).is_some());
        assert_eq!(parse_digest(&format!("sha512:{hex}")), None);
    }
}
