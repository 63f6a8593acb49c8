//! GitHub's "latest": which way it may move, as a pure decision.

use std::cmp::Ordering;

use relpub_model::version::{Tag, Version};

/// What is to be done about the pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// It names the target, or something newer.
    Stay,
    /// It is moved to the target.
    Forward,
    /// A newer stable release than the target appeared meanwhile.
    Overtaken(String),
}

/// Decides how "latest" moves to `to`: forward only, and only to the highest
/// stable version that is published.
///
/// `like` is a tag of the project; others are read as it is spelled.
pub(super) fn decide(latest: Option<&str>, stable: &[String], to: &str, like: &Tag) -> Move {
    if latest.is_some_and(|latest| !is_newer(to, latest, like)) {
        return Move::Stay;
    }
    let newer = stable.iter().find(|tag| is_newer(tag, to, like));
    newer.map_or(Move::Forward, |tag| Move::Overtaken(tag.clone()))
}

/// Tells whether one tag's version is higher than the other's. Where they cannot
/// be compared, a tag that is no version of this project is the lower one.
fn is_newer(tag: &str, than: &str, like: &Tag) -> bool {
    if tag == than {
        return false;
    }
    match (version(tag, like), version(than, like)) {
        (Some(tag), Some(than)) => tag.compare(&than) == Some(Ordering::Greater),
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// Reads a tag that is spelled like another one.
fn version(tag: &str, like: &Tag) -> Option<Version> {
    let (before, after) = like.name.rsplit_once(like.version.as_str())?;
    tag.strip_prefix(before)?.strip_suffix(after)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(latest: Option<&str>, stable: &[&str], to: &str) -> Move {
        let like = Tag {
            name: "v1.2.3".to_owned(),
            version: "1.2.3".parse().unwrap(),
        };
        let stable: Vec<_> = stable.iter().map(|&tag| tag.to_owned()).collect();
        decide(latest, &stable, to, &like)
    }

    #[test]
    fn the_pointer_moves_forward_only() {
        assert_eq!(decided(None, &["v1.2.3"], "v1.2.3"), Move::Forward);
        assert_eq!(
            decided(Some("v1.2.2"), &["v1.2.2", "v1.2.3"], "v1.2.3"),
            Move::Forward
        );
        assert_eq!(decided(Some("v1.2.3"), &["v1.2.3"], "v1.2.3"), Move::Stay);
        assert_eq!(
            decided(Some("v1.10.0"), &["v1.10.0", "v1.2.3"], "v1.2.3"),
            Move::Stay
        );
    }

    #[test]
    fn the_target_is_the_highest_that_is_published() {
        let overtaken = Move::Overtaken("v1.3.0".to_owned());
        assert_eq!(
            decided(Some("v1.2.2"), &["v1.2.3", "v1.3.0"], "v1.2.3"),
            overtaken
        );
    }

    #[test]
    fn a_version_is_read_after_a_name_that_has_its_digits() {
        let like = Tag {
            name: "py2/v2".to_owned(),
            version: "2".parse().unwrap(),
        };
        assert!(is_newer("py2/v3", "py2/v2", &like));
    }

    #[test]
    fn tags_of_something_else_hold_nothing_back() {
        assert_eq!(
            decided(Some("docs-9"), &["docs-9", "v1.2.3"], "v1.2.3"),
            Move::Forward
        );
    }
}
