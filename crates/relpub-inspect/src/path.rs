//! Paths of archive members: which of them may leave the archive.

/// Returns why a member's path is unsafe to unpack, or `None` when it is safe.
///
/// Backslashes count as separators, because on Windows they are.
pub(crate) fn why_unsafe(path: &str) -> Option<&'static str> {
    let separators = ['/', '\\'];
    if path.is_empty() {
        return Some("is empty");
    }
    if path.chars().any(char::is_control) {
        return Some("has a control character");
    }
    if path.starts_with(separators) || has_drive(path) {
        return Some("is absolute");
    }
    if path.split(separators).any(|segment| segment == "..") {
        return Some("leaves the archive");
    }
    None
}

/// Tells whether a symbolic link in the member `path` stays in its archive.
///
/// Follows the text only: `..` takes a segment away, whatever is there.
pub(crate) fn link_stays_inside(path: &str, target: &str) -> bool {
    if leaves_any_folder(target) {
        return false;
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut depth = 0_usize;
    for segment in folder.split('/').chain(target.split(['/', '\\'])) {
        match segment {
            "" | "." => {}
            ".." => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            _ => depth += 1,
        }
    }
    true
}

/// Tells whether a link's target is no path seen from the link's folder.
fn leaves_any_folder(target: &str) -> bool {
    target.starts_with(['/', '\\']) || has_drive(target) || target.contains('\0')
}

/// Tells whether a symbolic link in the member `path` stays below `top`.
///
/// Follows the text only: `..` takes a segment away, whatever is there.
pub(crate) fn link_stays(top: &str, path: &str, target: &str) -> bool {
    if leaves_any_folder(target) {
        return false;
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut at: Vec<&str> = Vec::new();
    for segment in folder.split('/').chain(target.split(['/', '\\'])) {
        match segment {
            "" | "." => {}
            ".." => {
                at.pop();
                if at.is_empty() {
                    return false;
                }
            }
            other => at.push(other),
        }
        // A path that leaves the top folder has left it, even when it comes back.
        if at.first().is_some_and(|first| *first != top) {
            return false;
        }
    }
    at.first().is_some_and(|first| *first == top)
}

fn has_drive(path: &str) -> bool {
    let bytes = path.as_bytes();
    bytes.len() > 1 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_stays_in_its_archive() {
        for good in ["a", "a/b", "./a", "a..b/..c", "a/", "é"] {
            assert_eq!(why_unsafe(good), None, "{good}");
        }
        for (bad, why) in [
            ("", "is empty"),
            ("/etc/passwd", "is absolute"),
            ("\\\\host\\x", "is absolute"),
            ("C:x", "is absolute"),
            ("a/../../b", "leaves the archive"),
            ("a\\..\\b", "leaves the archive"),
            ("a\0b", "has a control character"),
        ] {
            assert_eq!(why_unsafe(bad), Some(why), "{bad}");
        }
    }

    #[test]
    fn a_link_stays_below_the_top_folder() {
        assert!(link_stays("t", "t/a/b", "../c"));
        assert!(link_stays("t", "t/a", "b"));
        for bad in ["../../etc", "/etc", "../../t/x", "../../other"] {
            assert!(!link_stays("t", "t/a/b", bad), "{bad}");
        }
        assert!(!link_stays("t", "t/a", ".."), "the archive itself");
    }
}
