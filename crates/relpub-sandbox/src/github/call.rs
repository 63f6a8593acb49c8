//! One request as the handlers see it: repository, rights, path and query.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{FromRequestParts, OriginalUri, RawPathParams};
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::form_urlencoded;

use super::GitHub;
use super::access::Access;
use super::failure::Failure;
use super::repository::{self, Repository};

/// What a handler answers.
pub(super) type Answer = Result<Response, Failure>;

/// A request about a repository that the caller may at least read.
pub(super) struct Call {
    /// The key of the repository.
    pub(super) repository: String,
    access: Access,
    parameters: BTreeMap<String, String>,
    query: BTreeMap<String, String>,
    /// The URL as it was sent, without its query.
    url: String,
}

impl FromRequestParts<GitHub> for Call {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, github: &GitHub) -> Result<Self, Failure> {
        let parameters = RawPathParams::from_request_parts(parts, github)
            .await
            .map_err(|_| Failure::not_found())?;
        let parameters: BTreeMap<_, _> = parameters
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let access = parts.extensions.get().copied().unwrap_or(Access::Anonymous);
        // The part of the path that led to the repository is gone from `parts.uri`.
        let Ok(OriginalUri(uri)) = OriginalUri::from_request_parts(parts, github).await;
        let key = match find(github, &parameters, access).ok_or_else(Failure::not_found)? {
            Found::Here(key) => key,
            Found::Renamed(id) => {
                let rest = parts.uri.path_and_query().map_or("", |it| it.as_str());
                let rest = rest.strip_suffix('/').unwrap_or(rest);
                let location = format!("{}/repositories/{id}{rest}", github.url());
                return Err(Failure::moved(&parts.method, location));
            }
        };
        let query = uri.query().unwrap_or_default();
        Ok(Self {
            repository: key,
            access,
            query: form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            url: format!("{}{}", github.url(), uri.path()),
            parameters,
        })
    }
}

/// What a path leads to.
enum Found {
    /// The repository with this key.
    Here(String),
    /// The repository with this id, by a name that it had before.
    Renamed(u64),
}

/// Returns the repository in the path, if the caller may know of it.
fn find(github: &GitHub, parameters: &BTreeMap<String, String>, access: Access) -> Option<Found> {
    let state = github.state();
    let readable = |it: &&Repository| !it.private || access >= Access::Read;
    if let Some(id) = parameters.get("repository") {
        let repository = state.repository_by_id(id.parse().ok()?);
        return repository.filter(readable).map(|it| Found::Here(it.key()));
    }
    let (owner, name) = (parameters.get("owner")?, parameters.get("repo")?);
    let key = repository::key(&format!("{owner}/{name}"));
    match state.repository(&key) {
        Some(repository) => Some(repository).filter(readable).map(|_| Found::Here(key)),
        None => state
            .renamed(&key)
            .filter(readable)
            .map(|it| Found::Renamed(it.id)),
    }
}

impl Call {
    /// Returns whether the caller may write.
    pub(super) fn may_push(&self) -> bool {
        self.access == Access::Push
    }

    /// Returns what the caller may do.
    pub(super) fn access(&self) -> Access {
        self.access
    }

    /// Refuses a caller who may not write, in the way of its kind.
    pub(super) fn needs_push(&self) -> Result<(), Failure> {
        match self.access {
            Access::Push => Ok(()),
            Access::Read => Err(Failure::new(
                StatusCode::FORBIDDEN,
                "Resource not accessible by integration",
            )),
            Access::Stranger => Err(Failure::not_found()),
            Access::Anonymous => Err(Failure::new(
                StatusCode::UNAUTHORIZED,
                "Requires authentication",
            )),
        }
    }

    /// Returns the URL as it was sent, without its query.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Returns a part of the path, decoded.
    pub(super) fn text(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    /// Returns the number that stands as `id` in the path.
    pub(super) fn id(&self) -> Result<u64, Failure> {
        self.text("id").parse().map_err(|_| Failure::not_found())
    }

    /// Returns a parameter of the query, unless it is empty.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        let value = self.query.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// Answers the page of `items` that was asked for, with links to the others.
    pub(super) fn page<T>(&self, items: &[T], show: impl Fn(&T) -> Value) -> Response {
        let (shown, links) = self.part(items, show);
        (links, Json(shown)).into_response()
    }

    /// Returns the page of `items` that was asked for, and links to the others.
    pub(super) fn part<T>(&self, items: &[T], show: impl Fn(&T) -> Value) -> (Vec<Value>, Links) {
        let page = Page::of(self);
        let shown = page.slice(items).iter().map(show).collect();
        let links = page.links(self, items.len());
        (
            shown,
            AppendHeaders(links.map(|links| (header::LINK, links))),
        )
    }
}

/// The `Link` header of a page, if there are other pages.
pub(super) type Links = AppendHeaders<Option<(HeaderName, HeaderValue)>>;

/// Reads the JSON body of a request.
pub(super) fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|_| Failure::new(StatusCode::BAD_REQUEST, "Problems parsing JSON"))?;
    serde_json::from_value(value)
        .map_err(|error| Failure::refused(format!("Invalid request.\n\n{error}.")))
}

/// Which part of a list is asked for: pages count from 1.
struct Page {
    number: usize,
    size: usize,
}

impl Page {
    fn of(call: &Call) -> Self {
        let number = |name, fallback| {
            let value = call.query(name).and_then(|text| text.parse().ok());
            value.filter(|&value| value > 0).unwrap_or(fallback)
        };
        Self {
            number: number("page", 1),
            size: number("per_page", 30).min(100),
        }
    }

    fn slice<'a, T>(&self, items: &'a [T]) -> &'a [T] {
        let start = (self.number - 1).saturating_mul(self.size).min(items.len());
        let end = start.saturating_add(self.size).min(items.len());
        &items[start..end]
    }

    fn links(&self, call: &Call, total: usize) -> Option<HeaderValue> {
        let last = total.div_ceil(self.size).max(1);
        let mut links = Vec::new();
        let mut link = |page: usize, relation: &str| {
            links.push(format!("<{}>; rel=\"{relation}\"", page_url(call, page)));
        };
        if self.number > 1 {
            link((self.number - 1).min(last), "prev");
        }
        if self.number < last {
            link(self.number + 1, "next");
            link(last, "last");
        }
        if self.number > 1 {
            link(1, "first");
        }
        if links.is_empty() {
            return None;
        }
        HeaderValue::from_str(&links.join(", ")).ok()
    }
}

fn page_url(call: &Call, page: usize) -> String {
    let others = call.query.iter().filter(|(name, _)| *name != "page");
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(others)
        .append_pair("page", &page.to_string())
        .finish();
    format!("{}?{query}", call.url)
}
