//! The simple index in JSON and HTML (PEP 503, 691, 700, 714, 740, 792).

use axum::body::Body;
use axum::extract::{Path, State};
use http::{HeaderMap, Response, StatusCode, header};
use serde_json::{Value, json};

use super::cdn::Page;
use super::names::normalized;
use super::refusal::{Refusal, escaped};
use super::state::{File, Project};
use super::{Inner, PyPi, negotiate};

/// The version of the interface.
const API: &str = "1.4";

/// The forms that a page comes in; the first is for clients without a wish.
const FORMS: [&str; 3] = [
    "text/html",
    "application/vnd.pypi.simple.v1+html",
    "application/vnd.pypi.simple.v1+json",
];

/// Answers with the names of all projects.
pub(super) async fn root(State(pypi): State<PyPi>, headers: HeaderMap) -> Response<Body> {
    let (form, json) = form(&headers);
    let inner = &pypi.inner;
    pypi.cdn()
        .answer(&inner.clock, &format!("/simple/ {form}"), &headers, || {
            let state = inner.lock();
            let serial = state.index.serial;
            let projects = state.index.projects.iter();
            let text = if json {
                let projects: Vec<_> = projects.map(|(_, it)| json!({"name": it.name})).collect();
                let meta = json!({"api-version": API, "_last-serial": serial});
                json!({"meta": meta, "projects": projects}).to_string()
            } else {
                let mut links = Vec::new();
                for (key, project) in projects {
                    let name = escaped(&project.name);
                    links.push(format!("    <a href=\"/simple/{key}/\">{name}</a>\n"));
                }
                html("Simple index", "", &links.concat(), serial)
            };
            Page::new(StatusCode::OK, form, text).with_serial(serial)
        })
}

/// Answers with the files of a project.
pub(super) async fn project(
    State(pypi): State<PyPi>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response<Body> {
    let normal = normalized(&name);
    if normal != name {
        return moved(&normal);
    }
    let (form, json) = form(&headers);
    let inner = &pypi.inner;
    let key = format!("/simple/{normal}/ {form}");
    pypi.cdn().answer(&inner.clock, &key, &headers, || {
        let state = inner.lock();
        let Some(project) = state.index.projects.get(&normal) else {
            let refusal = Refusal::new(StatusCode::NOT_FOUND, "Not Found");
            return Page::new(refusal.status, "text/plain; charset=UTF-8", refusal.message);
        };
        let text = if json {
            project_json(inner, &normal, project).to_string()
        } else {
            project_html(inner, &normal, project)
        };
        Page::new(StatusCode::OK, form, text).with_serial(project.serial)
    })
}

/// Sends a client to the address with a slash.
pub(super) async fn missing_slash(Path(name): Path<String>) -> Response<Body> {
    moved(&normalized(&name))
}

fn moved(normal: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    if let Ok(location) = format!("/simple/{normal}/").parse() {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// Returns the form that a client wants, and whether it is JSON.
fn form(headers: &HeaderMap) -> (&'static str, bool) {
    let index = negotiate::preferred(headers, &FORMS).unwrap_or(0);
    (FORMS[index], index == 2)
}

fn project_json(inner: &Inner, normal: &str, project: &Project) -> Value {
    let files: Vec<Value> = project
        .listed()
        .into_iter()
        .map(|file| file_json(inner, project, file))
        .collect();
    json!({
        "meta": {"api-version": API, "_last-serial": project.serial},
        "name": normal,
        "project-status": {"status": project.status.name()},
        "versions": versions(project),
        "files": files,
        "alternate-locations": [],
    })
}

fn file_json(inner: &Inner, project: &Project, file: &File) -> Value {
    let metadata = match &file.metadata_sha256 {
        Some(sha256) => json!({"sha256": sha256}),
        None => json!(false),
    };
    let yanked = match yanked(project, file) {
        None => json!(false),
        Some("") => json!(true),
        Some(reason) => json!(reason),
    };
    json!({
        "filename": file.filename,
        "url": inner.file_url(file),
        "hashes": {"sha256": file.sha256},
        "requires-python": file.requires_python,
        "size": file.size,
        "upload-time": super::instant(file.uploaded),
        "yanked": yanked,
        "core-metadata": metadata,
        "data-dist-info-metadata": metadata,
        "provenance": inner.provenance_url(&normalized(&project.name), file),
    })
}

fn project_html(inner: &Inner, normal: &str, project: &Project) -> String {
    let files = project.listed().into_iter();
    let links: String = files.map(|file| link(inner, project, file)).collect();
    let status = project.status.name();
    let status = format!("    <meta name=\"pypi:project-status\" content=\"{status}\">\n");
    html(
        &format!("Links for {normal}"),
        &status,
        &links,
        project.serial,
    )
}

fn link(inner: &Inner, project: &Project, file: &File) -> String {
    let (url, name) = (escaped(&inner.file_url(file)), escaped(&file.filename));
    let mut attributes = Vec::new();
    let mut add = |name: &str, value: &str| {
        attributes.push(format!(" {name}=\"{}\"", escaped(value)));
    };
    if let Some(python) = &file.requires_python {
        add("data-requires-python", python);
    }
    if let Some(sha256) = &file.metadata_sha256 {
        add("data-dist-info-metadata", &format!("sha256={sha256}"));
        add("data-core-metadata", &format!("sha256={sha256}"));
    }
    if let Some(url) = inner.provenance_url(&normalized(&project.name), file) {
        add("data-provenance", &url);
    }
    if let Some(reason) = yanked(project, file) {
        add("data-yanked", reason);
    }
    let attributes = attributes.concat();
    format!(
        "    <a href=\"{url}#sha256={}\"{attributes}>{name}</a><br />\n",
        file.sha256
    )
}

fn html(title: &str, head: &str, body: &str, serial: u64) -> String {
    format!(
        "<!DOCTYPE html>\n<html>\n  <head>\n    \
         <meta name=\"pypi:repository-version\" content=\"{API}\">\n{head}    \
         <title>{title}</title>\n  </head>\n  <body>\n    <h1>{title}</h1>\n{body}  \
         </body>\n</html>\n<!--SERIAL {serial}-->\n"
    )
}

fn yanked<'a>(project: &'a Project, file: &File) -> Option<&'a str> {
    project.release(&file.version)?.yanked.as_deref()
}

/// Returns the versions that have files, lowest first.
fn versions(project: &Project) -> Vec<&str> {
    let mut versions: Vec<&str> = project
        .listed()
        .iter()
        .map(|it| it.version.as_str())
        .collect();
    versions.dedup();
    versions
}
