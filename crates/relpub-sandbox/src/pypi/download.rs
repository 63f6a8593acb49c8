//! The files themselves, and the metadata files beside wheels (PEP 658).

use axum::body::Body;
use axum::extract::{Path, State};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

use super::PyPi;
use super::refusal::Refusal;
use crate::files;

/// Answers with a file, or with its metadata if `.metadata` is added to its name.
pub(super) async fn file(
    State(pypi): State<PyPi>,
    Path((sha256, filename)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Response<Body> {
    let found = find(&pypi, &sha256, &filename);
    let Some((path, digest)) = found else {
        return Refusal::new(StatusCode::NOT_FOUND, "Not Found").answer(&headers);
    };
    match files::answer(&path, &headers, method == Method::HEAD).await {
        Ok(mut response) => {
            let set = response.headers_mut();
            let kind = HeaderValue::from_static("application/octet-stream");
            set.insert(header::CONTENT_TYPE, kind);
            let forever = HeaderValue::from_static("max-age=365000000, immutable, public");
            set.insert(header::CACHE_CONTROL, forever);
            if let Ok(tag) = format!("\"{digest}\"").parse() {
                set.insert(header::ETAG, tag);
            }
            response
        }
        Err(error) => Refusal::from(error).answer(&headers),
    }
}

/// Returns where the bytes lie, and their SHA-256.
fn find(pypi: &PyPi, sha256: &str, filename: &str) -> Option<(std::path::PathBuf, String)> {
    let state = pypi.inner.lock();
    let of = |name: &str| {
        let mut files = state.index.files().filter(|file| !file.deleted);
        files.find(|file| file.sha256 == sha256 && file.filename == name)
    };
    if let Some(file) = of(filename) {
        return Some((state.index.blob(&file.sha256), file.sha256.clone()));
    }
    let file = of(filename.strip_suffix(".metadata")?)?;
    let digest = file.metadata_sha256.clone()?;
    Some((state.index.blob(&digest), digest))
}
