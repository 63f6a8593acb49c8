//! The attestation store: bundles, found by the digests of what they are about.

use axum::body::Bytes;
use axum::extract::{Extension, Path, State as Of};
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use axum::{Json, extract::RawQuery};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::GitHub;
use super::access::Access;
use super::call::{Answer, Call, read_json};
use super::failure::Failure;
use super::repository::Repository;
use super::state::State;
use super::storage;

/// The version of the API whose answers hold whole bundles.
const WITH_BUNDLES: &str = "2022-11-28";
/// How many subjects a statement can have, and how many digests one can ask for.
const MOST: usize = 1024;

/// An attestation as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Attestation {
    pub(super) id: u64,
    /// The id of its repository, which does not change with its name.
    pub(super) repository: u64,
    pub(super) predicate_type: String,
    /// The digests of its subjects, as `sha256:…`.
    pub(super) subjects: Vec<String>,
    pub(super) bundle: Value,
}

#[derive(Deserialize)]
struct Wanted {
    bundle: Value,
}

/// What the store reads in a statement.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    subject: Vec<Subject>,
    predicate_type: String,
}

#[derive(Deserialize)]
struct Subject {
    digest: Map<String, Value>,
}

impl Attestation {
    /// Returns a bundle as it is kept; the error says why it cannot be.
    pub(super) fn of(id: u64, repository: u64, bundle: Value) -> Result<Self, String> {
        let text = |at: &str| bundle.pointer(at).and_then(Value::as_str);
        if text("/mediaType").is_none() || bundle.get("verificationMaterial").is_none() {
            return Err("bundle is not a Sigstore bundle".to_owned());
        }
        let payload = text("/dsseEnvelope/payload").ok_or("bundle has no dsseEnvelope")?;
        let payload = STANDARD
            .decode(payload)
            .map_err(|error| error.to_string())?;
        let statement: Statement = serde_json::from_slice(&payload)
            .map_err(|error| format!("payload is not an in-toto statement: {error}"))?;
        let digests = statement.subject.iter().flat_map(|it| &it.digest);
        let subjects: Vec<_> = digests
            .filter_map(|(name, value)| Some(format!("{name}:{}", value.as_str()?)))
            .collect();
        if subjects.is_empty() || statement.subject.len() > MOST {
            return Err(format!("a statement has 1 to {MOST} subjects"));
        }
        Ok(Self {
            id,
            repository,
            predicate_type: statement.predicate_type,
            subjects,
            bundle,
        })
    }

    fn is_about(&self, digest: &str) -> bool {
        self.subjects.iter().any(|subject| subject == digest)
    }

    /// Returns whether the `predicate_type` of a query means this attestation.
    fn is_of(&self, wanted: Option<&str>) -> bool {
        let starts = |prefix| self.predicate_type.starts_with(prefix);
        match wanted {
            None => true,
            Some("provenance") => starts("https://slsa.dev/provenance/"),
            Some("sbom") => {
                starts("https://spdx.dev/Document") || starts("https://cyclonedx.org/bom")
            }
            Some("release") => starts("https://in-toto.io/attestation/release/"),
            Some(uri) => self.predicate_type == uri,
        }
    }
}

/// Keeps a bundle: 201 with its id.
pub(super) async fn create(Of(github): Of<GitHub>, call: Call, body: Bytes) -> Answer {
    call.needs_push()?;
    if github.attestations_denied() {
        return Err(Failure::new(
            StatusCode::FORBIDDEN,
            "Resource not accessible by integration",
        ));
    }
    let Wanted { bundle } = read_json(&body)?;
    let mut state = github.state();
    let repository = state.repository(&call.repository);
    let repository = repository.ok_or_else(Failure::not_found)?.id;
    let id = state.new_id()?;
    let attestation = Attestation::of(id, repository, bundle)
        .map_err(|why| Failure::refused(format!("Invalid request.\n\n{why}.")))?;
    state.put_attestation(attestation)?;
    Ok((StatusCode::CREATED, Json(json!({"id": id}))).into_response())
}

/// Answers with the attestations of a repository about a digest.
pub(super) async fn list(Of(github): Of<GitHub>, call: Call, headers: HeaderMap) -> Answer {
    let state = github.state();
    let repository = state.repository(&call.repository);
    let repository = repository.ok_or_else(Failure::not_found)?.id;
    let about = About {
        digest: call.text("digest"),
        predicate_type: call.query("predicate_type"),
    };
    let found = about.find(&state, |it| it.repository == repository);
    let cursor = Cursor {
        after: call.query("after"),
        before: call.query("before"),
        size: call.query("per_page"),
    };
    answer(&github, &found, &cursor, call.url(), &headers)
}

/// Answers with the attestations of an owner about a digest.
pub(super) async fn list_of_owner(
    Of(github): Of<GitHub>,
    Extension(access): Extension<Access>,
    Path((owner, digest)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let query = query.unwrap_or_default();
    let query: std::collections::BTreeMap<_, _> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let value = |name: &str| query.get(name).map(String::as_str);
    let state = github.state();
    let readable = readable(&state, &owner, access);
    let about = About {
        digest: &digest,
        predicate_type: value("predicate_type"),
    };
    let found = about.find(&state, |it| readable.contains(&it.repository));
    let cursor = Cursor {
        after: value("after"),
        before: value("before"),
        size: value("per_page"),
    };
    let url = format!("{}/orgs/{owner}/attestations/{digest}", github.url());
    answer(&github, &found, &cursor, &url, &headers)
}

#[derive(Deserialize)]
struct Bulk {
    subject_digests: Vec<String>,
    predicate_type: Option<String>,
}

/// Answers with the attestations of an owner about many digests.
pub(super) async fn bulk_list(
    Of(github): Of<GitHub>,
    Extension(access): Extension<Access>,
    Path(owner): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let bulk: Bulk = read_json(&body)?;
    if bulk.subject_digests.is_empty() || bulk.subject_digests.len() > MOST {
        let message = format!("Invalid request.\n\nsubject_digests must have 1 to {MOST} items.");
        return Err(Failure::refused(message));
    }
    let state = github.state();
    let readable = readable(&state, &owner, access);
    let mut digests = Map::new();
    for digest in &bulk.subject_digests {
        let about = About {
            digest,
            predicate_type: bulk.predicate_type.as_deref(),
        };
        let found = about.find(&state, |it| readable.contains(&it.repository));
        let shown = found.iter().map(|it| show(&github, it, &headers)).collect();
        digests.insert(digest.clone(), shown);
    }
    let page = json!({"has_next": false, "has_previous": false, "next": "", "previous": ""});
    let answer = json!({"attestations_subject_digests": digests, "page_info": page});
    Ok(Json(answer).into_response())
}

/// Returns the ids of the repositories of an owner that a caller may read.
fn readable(state: &State, owner: &str, access: Access) -> Vec<u64> {
    let may_read = |it: &&Repository| !it.private || access >= Access::Read;
    let theirs = |it: &&Repository| it.owner().eq_ignore_ascii_case(owner);
    let repositories = state.repositories().filter(theirs).filter(may_read);
    repositories.map(|it| it.id).collect()
}

/// What attestations are asked for.
struct About<'a> {
    digest: &'a str,
    predicate_type: Option<&'a str>,
}

impl About<'_> {
    /// Returns what is asked for, newest first.
    fn find<'a>(
        &self,
        state: &'a State,
        from: impl Fn(&Attestation) -> bool,
    ) -> Vec<&'a Attestation> {
        let all = state.attestations().rev();
        all.filter(|it| from(it) && it.is_about(self.digest) && it.is_of(self.predicate_type))
            .collect()
    }
}

/// Which part of a list is asked for; the list is not numbered but pointed into.
struct Cursor<'a> {
    after: Option<&'a str>,
    before: Option<&'a str>,
    size: Option<&'a str>,
}

impl Cursor<'_> {
    fn point(id: u64) -> String {
        URL_SAFE_NO_PAD.encode(format!("attestation:{id}"))
    }

    fn id(text: &str) -> Option<u64> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        text.strip_prefix("attestation:")?.parse().ok()
    }

    /// Returns the part that is asked for, as a range of `ids`, which fall.
    fn part(&self, ids: &[u64]) -> std::ops::Range<usize> {
        let size = self.size.and_then(|it| it.parse().ok()).unwrap_or(30);
        let size: usize = std::cmp::Ord::clamp(size, 1, 100);
        if let Some(before) = self.before.and_then(Self::id) {
            let end = ids.iter().take_while(|&&id| id > before).count();
            return end.saturating_sub(size)..end;
        }
        let after = self.after.and_then(Self::id);
        let skipped = |id: &&u64| after.is_some_and(|after| **id >= after);
        let start = ids.iter().take_while(skipped).count();
        start..start.saturating_add(size).min(ids.len())
    }
}

fn answer(
    github: &GitHub,
    found: &[&Attestation],
    cursor: &Cursor<'_>,
    url: &str,
    headers: &HeaderMap,
) -> Answer {
    if found.is_empty() {
        return Err(Failure::not_found());
    }
    let ids: Vec<u64> = found.iter().map(|it| it.id).collect();
    let part = cursor.part(&ids);
    let mut links = Vec::new();
    let size = cursor.size.unwrap_or("30");
    let mut link = |name: &str, id: u64, relation: &str| {
        let point = Cursor::point(id);
        links.push(format!(
            "<{url}?per_page={size}&{name}={point}>; rel=\"{relation}\""
        ));
    };
    if part.start > 0 && !part.is_empty() {
        link("before", ids[part.start], "prev");
    }
    if part.end < ids.len() && !part.is_empty() {
        link("after", ids[part.end - 1], "next");
    }
    let links = (!links.is_empty()).then(|| (header::LINK, links.join(", ")));
    let shown: Vec<_> = found[part]
        .iter()
        .map(|it| show(github, it, headers))
        .collect();
    Ok((AppendHeaders(links), Json(json!({"attestations": shown}))).into_response())
}

/// Returns an attestation as the asked version of the API shows it.
fn show(github: &GitHub, attestation: &Attestation, headers: &HeaderMap) -> Value {
    let mut shown = json!({
        "repository_id": attestation.repository,
        "bundle_url": storage::bundle_url(github, attestation.id),
        "initiator": "user",
    });
    let version = headers.get("x-github-api-version");
    if version.is_none_or(|it| it.as_bytes() == WITH_BUNDLES.as_bytes()) {
        shown["bundle"] = attestation.bundle.clone();
    }
    shown
}

/// Answers a bundle, packed, to whoever has its address.
pub(super) fn packed(attestation: &Attestation) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/x-snappy")];
    let json = attestation.bundle.to_string();
    (kind, snappy(json.as_bytes())).into_response()
}

/// Returns a raw Snappy block whose elements are all literals.
fn snappy(bytes: &[u8]) -> Vec<u8> {
    let mut block = Vec::new();
    let mut length = bytes.len();
    while length >= 0x80 {
        block.push(length.to_le_bytes()[0] | 0x80);
        length >>= 7;
    }
    block.push(length.to_le_bytes()[0]);
    for chunk in bytes.chunks(1 << 16) {
        // A literal whose length minus one follows in two bytes.
        let [low, high, ..] = (chunk.len() - 1).to_le_bytes();
        block.extend([61 << 2, low, high]);
        block.extend_from_slice(chunk);
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snappy_block_has_its_length_and_its_bytes() {
        assert_eq!(snappy(b"abc"), b"\x03\xf4\x02\x00abc");
        let long = snappy(&vec![7; 70_000]);
        assert_eq!(long[..6], [0xf0, 0xa2, 0x04, 0xf4, 0xff, 0xff]);
        assert_eq!(long.len(), 70_000 + 3 + 6);
    }

    #[test]
    fn cursors_lead_through_a_list_and_back() {
        let ids = [9, 7, 5, 3, 1];
        let part = |after: Option<u64>, before: Option<u64>| {
            let (after, before) = (after.map(Cursor::point), before.map(Cursor::point));
            let cursor = Cursor {
                after: after.as_deref(),
                before: before.as_deref(),
                size: Some("2"),
            };
            ids[cursor.part(&ids)].to_vec()
        };
        assert_eq!(part(None, None), [9, 7]);
        assert_eq!(part(Some(7), None), [5, 3]);
        assert_eq!(part(Some(3), None), [1]);
        assert_eq!(part(None, Some(1)), [5, 3]);
        assert!(part(Some(1), None).is_empty());
    }
}
