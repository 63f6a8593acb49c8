//! The text of a release: GitHub's generated notes, and our marker in it.

use relpub_model::decision::Decision;
use relpub_model::name::Commit;

use super::Forge;
use super::api::As;
use crate::http::RemoteError;

impl Forge {
    /// Returns the notes that GitHub writes for a tag, whether it exists or not:
    /// what was merged since the `previous` tag, or since the one GitHub takes
    /// for it. Nothing is stored, but GitHub wants the right to write contents;
    /// without it this is `Forbidden`.
    pub async fn generated_notes(
        &self,
        tag: &str,
        commit: &Commit,
        previous: Option<&str>,
    ) -> Result<String, RemoteError> {
        let deed = self.api.deed("generate the notes of", tag);
        let call = self.api.read(&deed, As::Us);
        let repo = call.repo();
        let releases = repo.releases();
        let mut request = releases
            .generate_release_notes(tag)
            .target_commitish(commit.as_str());
        if let Some(previous) = previous {
            request = request.previous_tag_name(previous);
        }
        let notes = request.send().await.map_err(|error| {
            let error = call.failed(error);
            match error.decision {
                // GitHub hides what a token may not write behind "not found".
                Decision::NotFound => error.with_decision(Decision::Forbidden),
                _ => error,
            }
        })?;
        Ok(notes.body)
    }
}

/// Returns the text with the marker as a comment that no reader sees.
///
/// A text that carries the marker already stays as it is.
pub(super) fn with_marker(body: &str, marker: &str) -> String {
    if find_marker(body) == Some(marker) {
        return body.to_owned();
    }
    let body = body.trim_end();
    let gap = if body.is_empty() { "" } else { "\n\n" };
    format!("{body}{gap}<!-- {marker} -->\n")
}

/// Returns the marker in a text: what the last comment says that begins with
/// `relpub `. Generated notes hold titles that strangers wrote; ours comes last.
pub(super) fn find_marker(body: &str) -> Option<&str> {
    body.split("<!--")
        .skip(1)
        .filter_map(|after| after.split_once("-->"))
        .map(|(comment, _)| comment.trim())
        .filter(|comment| comment.starts_with("relpub "))
        .last()
}

/// Tells whether two texts read the same: GitHub's editor changes line ends.
pub(super) fn same_text(a: &str, b: &str) -> bool {
    a.trim_end().lines().eq(b.trim_end().lines())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marker_is_found_where_it_was_put() {
        let marker = "relpub 0123456789ab";
        let body = with_marker("## Changes\n- a <!-- note --> fix\n", marker);
        assert_eq!(
            body,
            "## Changes\n- a <!-- note --> fix\n\n<!-- relpub 0123456789ab -->\n"
        );
        assert_eq!(find_marker(&body), Some(marker));
        assert_eq!(with_marker(&body, marker), body);
        assert_eq!(with_marker("", marker), "<!-- relpub 0123456789ab -->\n");
        let forged = with_marker("by <!-- relpub ffffffffffff --> <!-- x", marker);
        assert_eq!(find_marker(&forged), Some(marker));
    }

    #[test]
    fn other_comments_are_no_marker() {
        assert_eq!(find_marker("<!-- relpubx --> <!-- relpub"), None);
        assert_eq!(find_marker("relpub 0123456789ab"), None);
    }

    #[test]
    fn line_ends_make_no_other_text() {
        assert!(same_text("a\r\nb\r\n", "a\nb"));
        assert!(!same_text("a\nb", "a\nc"));
    }
}
