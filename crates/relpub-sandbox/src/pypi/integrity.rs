//! The integrity API: who published a file, and the attestations to it.

use axum::body::Body;
use axum::extract::{Path, State};
use http::{HeaderMap, Response, StatusCode};
use pep440_rs::Version;
use serde_json::{Value, json};

use super::cdn::Page;
use super::negotiate::preferred;
use super::state::{File, State as Index};
use super::{Inner, PyPi};

/// The forms of an answer; the first is for clients without a wish.
const FORMS: [&str; 2] = ["application/vnd.pypi.integrity.v1+json", "application/json"];

/// Answers with the provenance of a file.
pub(super) async fn provenance(
    State(pypi): State<PyPi>,
    Path((project, version, filename)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response<Body> {
    let inner = &pypi.inner;
    let form = preferred(&headers, &FORMS);
    let kind = form.map_or(FORMS[1], |form| FORMS[form]);
    let key = format!("/integrity/{project}/{version}/{filename} {form:?}");
    pypi.cdn().answer(&inner.clock, &key, &headers, || {
        let (status, body) = match form {
            None => (
                StatusCode::NOT_ACCEPTABLE,
                message("Request not acceptable"),
            ),
            Some(_) => found(&inner.lock().index, &project, &version, &filename),
        };
        Page::new(status, kind, body.to_string())
    })
}

fn found(index: &Index, project: &str, version: &str, filename: &str) -> (StatusCode, Value) {
    let version = version.parse::<Version>().map(|it| it.to_string());
    let file = index.project(project).and_then(|project| {
        let mut files = project.present();
        files.find(|it| it.filename == filename && Ok(&it.version) == version.as_ref())
    });
    match file.map(|file| &file.provenance) {
        Some(Some(provenance)) => (StatusCode::OK, provenance.clone()),
        Some(None) => {
            let text = format!("No provenance available for {filename}");
            (StatusCode::NOT_FOUND, message(&text))
        }
        None => (StatusCode::NOT_FOUND, message("Not Found")),
    }
}

fn message(text: &str) -> Value {
    json!({"message": text})
}

impl Inner {
    /// Returns where the provenance of a file is, if it has one.
    pub(super) fn provenance_url(&self, project: &str, file: &File) -> Option<String> {
        file.provenance.as_ref()?;
        let (url, version, filename) = (&self.url, &file.version, &file.filename);
        Some(format!(
            "{url}/integrity/{project}/{version}/{filename}/provenance"
        ))
    }
}
