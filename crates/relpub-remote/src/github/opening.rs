//! Which release a run works on: the pure decision behind [`super::GitHub::open`].

use super::models::Release;

/// What is to be done before anything can be attached.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// There is no release for the tag: make a draft.
    Create,
    /// This draft is ours.
    Adopt(Release),
    /// The release is published, ours, and takes more assets.
    Published(Release),
}

/// Why no release can be worked on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Obstacle {
    /// Somebody else's draft.
    #[error(
        "draft {0} for this tag has no mark of this project's promotion; delete it, or publish it by hand"
    )]
    ForeignDraft(u64),
    /// More than one draft.
    #[error("{} drafts for this tag exist ({}); delete all but the right one", .0.len(), listed(.0))]
    SeveralDrafts(Vec<u64>),
    /// Somebody else's release.
    #[error("release {0} of this tag was published by somebody else; nothing is added to it")]
    ForeignRelease(u64),
    /// A release that cannot change any more.
    #[error("release {0} is immutable; assets that it lacks cannot be added any more")]
    Immutable(u64),
}

fn listed(ids: &[u64]) -> String {
    ids.iter()
        .map(u64::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Decides by all releases and drafts that the list has.
///
/// A draft is ours when tag and marker agree; a published release goes before
/// any draft, because nothing else can be published under its tag.
pub(super) fn decide(releases: &[Release], tag: &str, marker: &str) -> Result<Way, Obstacle> {
    let mut drafts = Vec::new();
    for release in releases.iter().filter(|release| release.tag == tag) {
        if !release.draft {
            return published(release, marker);
        }
        drafts.push(release);
    }
    match drafts.as_slice() {
        [] => Ok(Way::Create),
        [one] if one.is_marked(marker) => Ok(Way::Adopt((*one).clone())),
        [one] => Err(Obstacle::ForeignDraft(one.id)),
        several => Err(Obstacle::SeveralDrafts(
            several.iter().map(|draft| draft.id).collect(),
        )),
    }
}

fn published(release: &Release, marker: &str) -> Result<Way, Obstacle> {
    if !release.is_marked(marker) {
        return Err(Obstacle::ForeignRelease(release.id));
    }
    if release.immutable {
        return Err(Obstacle::Immutable(release.id));
    }
    Ok(Way::Published(release.clone()))
}

#[cfg(test)]
mod tests {
    use super::super::models::tests::release;
    use super::*;

    const MARKER: &str = "relpub 0123456789ab";
    const OURS: &str = "notes\n\n<!-- relpub 0123456789ab -->\n";

    fn decided(releases: &[Release]) -> String {
        match decide(releases, "v1", MARKER) {
            Ok(Way::Create) => "create".to_owned(),
            Ok(Way::Adopt(release)) => format!("adopt {}", release.id),
            Ok(Way::Published(release)) => format!("published {}", release.id),
            Err(obstacle) => obstacle.to_string(),
        }
    }

    #[test]
    fn only_our_one_draft_is_adopted() {
        let other = release(1, "v2", true, OURS);
        let ours = release(2, "v1", true, OURS);
        let foreign = release(3, "v1", true, "notes");
        assert_eq!(decided(std::slice::from_ref(&other)), "create");
        assert_eq!(decided(&[other, ours.clone()]), "adopt 2");
        assert_eq!(
            decided(std::slice::from_ref(&foreign)),
            "draft 3 for this tag has no mark of this project's promotion; delete it, or publish it by hand"
        );
        assert_eq!(
            decided(&[ours, foreign]),
            "2 drafts for this tag exist (2, 3); delete all but the right one"
        );
    }

    #[test]
    fn a_published_release_takes_more_only_if_it_is_ours_and_mutable() {
        let mut ours = release(4, "v1", false, OURS);
        let draft = release(5, "v1", true, OURS);
        assert_eq!(decided(&[draft, ours.clone()]), "published 4");
        ours.immutable = true;
        assert_eq!(
            decided(&[ours]),
            "release 4 is immutable; assets that it lacks cannot be added any more"
        );
        assert_eq!(
            decided(&[release(6, "v1", false, "by hand")]),
            "release 6 of this tag was published by somebody else; nothing is added to it"
        );
    }
}
