//! The JSON API: what a project's page knows.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::{Path, State};
use http::{HeaderMap, Response, StatusCode};
use pep440_rs::Version;
use serde_json::{Map, Value, json};

use super::cdn::Page;
use super::names::normalized;
use super::state::{File, Project, Release};
use super::{Inner, PyPi};

/// How long an answer may be cached, in seconds.
const MAX_AGE: u32 = 900;

/// Answers with a project and the files of its newest release.
pub(super) async fn project(
    State(pypi): State<PyPi>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response<Body> {
    answer(&pypi, &name, None, &headers)
}

/// Answers with a release and its files.
pub(super) async fn release(
    State(pypi): State<PyPi>,
    Path((name, version)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response<Body> {
    answer(&pypi, &name, Some(&version), &headers)
}

fn answer(pypi: &PyPi, name: &str, version: Option<&str>, headers: &HeaderMap) -> Response<Body> {
    let inner = &pypi.inner;
    let key = format!("/pypi/{}/{}", normalized(name), version.unwrap_or_default());
    pypi.cdn().answer(&inner.clock, &key, headers, || {
        let state = inner.lock();
        let found = state.index.project(name).and_then(|project| {
            let release = match version {
                Some(version) => project.release(&version.parse::<Version>().ok()?.to_string()),
                None => newest(project),
            };
            Some((project, release?))
        });
        let page = if let Some((project, release)) = found {
            let whole = version.is_none();
            let text = document(inner, project, release, whole).to_string();
            Page::new(StatusCode::OK, "application/json", text).with_serial(project.serial)
        } else {
            let text = json!({"message": "Not Found"}).to_string();
            Page::new(StatusCode::NOT_FOUND, "application/json", text)
        };
        page.with_max_age(MAX_AGE)
    })
}

/// Returns the highest release with files, a final and unyanked one if possible.
fn newest(project: &Project) -> Option<&Release> {
    let with_files = project.releases.iter().filter(|release| {
        let mut files = project.present();
        files.any(|file| file.version == release.version)
    });
    with_files.max_by_key(|release| {
        let version = release.version.parse::<Version>().ok();
        let is_final = version.as_ref().is_some_and(|it| !it.any_prerelease());
        (release.yanked.is_none(), is_final, version)
    })
}

fn document(inner: &Inner, project: &Project, release: &Release, whole: bool) -> Value {
    let of = |version: &str| -> Vec<Value> {
        let files = project.listed().into_iter();
        let files = files.filter(|file| file.version == version);
        files.map(|file| file_json(inner, project, file)).collect()
    };
    let mut document = json!({
        "info": info(inner, project, release),
        "last_serial": project.serial,
        "urls": of(&release.version),
        "vulnerabilities": [],
        "ownership": {"organization": null, "roles": [{"role": "Owner", "user": PyPi::USER}]},
    });
    if whole {
        let releases = project.releases.iter();
        let releases: BTreeMap<&str, Vec<Value>> = releases
            .map(|it| (it.version.as_str(), of(&it.version)))
            .collect();
        document["releases"] = json!(releases);
    }
    document
}

fn info(inner: &Inner, project: &Project, release: &Release) -> Value {
    const TEXT: [&str; 11] = [
        "summary",
        "description",
        "keywords",
        "home_page",
        "author",
        "author_email",
        "maintainer",
        "maintainer_email",
        "license",
        "requires_python",
        "download_url",
    ];
    let mut info = Map::new();
    for name in TEXT {
        info.insert(
            name.to_owned(),
            json!(release.one(name).unwrap_or_default()),
        );
    }
    let urls: BTreeMap<&str, &str> = release
        .all("project_urls")
        .iter()
        .filter_map(|value| value.split_once(','))
        .map(|(label, url)| (label.trim(), url.trim()))
        .collect();
    let page = format!("{}/project/{}/", inner.url, normalized(&project.name));
    let more = json!({
        "name": project.name,
        "version": release.version,
        "classifiers": release.all("classifiers"),
        "requires_dist": release.all("requires_dist"),
        "provides_extra": release.all("provides_extra"),
        "license_expression": release.one("license_expression"),
        "license_files": release.all("license_file"),
        "description_content_type": release.one("description_content_type"),
        "dynamic": release.all("dynamic"),
        "project_urls": urls,
        "package_url": page,
        "project_url": page,
        "release_url": format!("{page}{}/", release.version),
        "yanked": release.yanked.is_some(),
        "yanked_reason": release.yanked,
    });
    if let Value::Object(more) = more {
        info.extend(more);
    }
    Value::Object(info)
}

fn file_json(inner: &Inner, project: &Project, file: &File) -> Value {
    let yanked = project
        .release(&file.version)
        .and_then(|it| it.yanked.as_deref());
    json!({
        "filename": file.filename,
        "digests": {"sha256": file.sha256, "blake2b_256": file.blake2b},
        "packagetype": file.kind,
        "python_version": file.python_version,
        "requires_python": file.requires_python,
        "size": file.size,
        "upload_time": super::instant(file.uploaded).get(..19),
        "upload_time_iso_8601": super::instant(file.uploaded),
        "url": inner.file_url(file),
        "yanked": yanked.is_some(),
        "yanked_reason": yanked.filter(|reason| !reason.is_empty()),
    })
}
