//! The upload endpoint: one form, one file, and every reason to refuse it.

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Request, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};

use super::auth::Scope;
use super::control_fields::{Digests, Kind};
use super::form::{Content, Form};
use super::metadata::Metadata;
use super::names::{self, WheelName, file_stem, is_supported_platform, normalized};
use super::refusal::Refusal;
use super::state::{File, PROJECT_LIMIT, Project, Release, State as Index};
use super::{Inner, PyPi, Uploads, archive, attestations, stdlib};

/// How long after its creation a release takes files.
const OPEN: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Takes an upload: 200 without a body, or a refusal.
pub(super) async fn upload(State(pypi): State<PyPi>, request: Request<Body>) -> Response<Body> {
    let headers = request.headers().clone();
    let limit = pypi.inner.lock().index.highest_limit();
    let taken = match Form::receive(&pypi.inner.disk, limit, request).await {
        Ok(form) => accept(pypi, headers.clone(), form).await,
        Err(refusal) => Err(refusal),
    };
    match taken {
        Ok(()) => Response::new(Body::empty()),
        Err(refusal) => refusal.answer(&headers),
    }
}

/// Sends a client that forgot the slash to the right place.
pub(super) async fn missing_slash(State(pypi): State<PyPi>, headers: HeaderMap) -> Response<Body> {
    let message = "An upload was attempted to /legacy but the expected upload URL is /legacy/ \
                   (with a trailing slash)";
    let refusal = Refusal::new(StatusCode::PERMANENT_REDIRECT, message);
    let mut response = refusal.answer(&headers);
    let location = format!("{}/legacy/", pypi.inner.url);
    if let Ok(location) = location.parse() {
        response
            .headers_mut()
            .insert(http::header::LOCATION, location);
    }
    response
}

/// Judges away from the runtime's threads: archives are read, possibly for long.
async fn accept(pypi: PyPi, headers: HeaderMap, form: Form) -> Result<(), Refusal> {
    let judge = move || {
        // One at a time, so that what was checked still holds when it is done.
        let _turn = pypi.inner.turn();
        judge(&pypi.inner, &headers, form)
    };
    match tokio::task::spawn_blocking(judge).await {
        Ok(result) => result,
        Err(error) => Err(Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            error.to_string(),
        )),
    }
}

/// Takes or refuses a form, by the server's checks in the server's order.
///
/// 1. the action · 2. whether uploads are open · 3. the token · 4. `UNKNOWN` ·
///    protocol version and fields sent as files · 5. control fields ·
/// 6. metadata · 7. the project, and the right to upload to it · 8. the part
///    with the file · 9. its size · 10. its digests · 11. whether it is there
///    already (which ends it well) · 12. whether its name is burned or its
///    release closed · 13. its archive and its name · 14. attestations
fn judge(inner: &Inner, headers: &HeaderMap, mut form: Form) -> Result<(), Refusal> {
    expect_action(&form)?;
    expect_open(inner)?;
    let now = inner.clock.now();
    let sender = inner.lock().tokens.identify(headers, now, &inner.url)?;
    form.remove_unknown();
    expect_protocol(&form)?;
    let kind = Kind::of(&form)?;
    let digests = Digests::of(&form)?;
    let metadata = Metadata::of(&form, &inner.url)?;
    expect_right(inner, &sender.scope, &metadata)?;
    let content = expect_content(&mut form, &metadata)?;
    expect_size(inner, &metadata, &content)?;
    digests.expect_of(&content)?;
    let upload = Upload {
        inner,
        kind,
        metadata: &metadata,
        content: &content,
        now,
    };
    if upload.is_there()? {
        return Ok(());
    }
    upload.expect_free()?;
    let core_metadata = upload.inspect()?;
    let provenance = attestations::provenance(inner, &form, &sender, &content)?;
    let file = File {
        provenance,
        ..upload.file(&form)?
    };
    commit(inner, metadata, file, content, core_metadata.as_deref())
}

/// An upload whose sender may make it and whose bytes are the promised ones.
struct Upload<'a> {
    inner: &'a Inner,
    kind: Kind,
    metadata: &'a Metadata,
    content: &'a Content,
    now: Timestamp,
}

impl Upload<'_> {
    /// Returns whether exactly this file is there already.
    fn is_there(&self) -> Result<bool, Refusal> {
        let received = self.content.received()?;
        let blake2b = received.blake2b.as_deref().unwrap_or_default();
        let filename = &self.content.filename;
        let state = self.inner.lock();
        let mut present = state.index.files().filter(|file| !file.deleted);
        let Some(file) = present.find(|it| it.filename == *filename || it.blake2b == blake2b)
        else {
            return Ok(false);
        };
        if file.filename == *filename && file.sha256 == received.sha256 && file.blake2b == blake2b {
            return Ok(true);
        }
        let url = &self.inner.url;
        Err(Refusal::bad(format!(
            "File already exists ('{filename}', with blake2_256 hash '{blake2b}'). See \
             {url}/help/#file-name-reuse for more information."
        )))
    }

    /// Refuses a name that is burned and a release that takes no such file.
    fn expect_free(&self) -> Result<(), Refusal> {
        let filename = &self.content.filename;
        let state = self.inner.lock();
        if state.index.files().any(|file| file.filename == *filename) {
            let url = &self.inner.url;
            return Err(Refusal::bad(format!(
                "This filename was previously used by a file that has since been deleted. Use a \
                 different version. See {url}/help/#file-name-reuse for more information."
            )));
        }
        let Some(project) = state.index.project(&self.metadata.name) else {
            return Ok(());
        };
        let version = self.metadata.version.to_string();
        let mut files = project.present().filter(|file| file.version == version);
        if self.kind == Kind::Sdist && files.any(|file| file.kind == Kind::Sdist.name()) {
            let message = "Only one sdist may be uploaded per release.";
            return Err(Refusal::bad(message));
        }
        let release = project.release(&version);
        if release.is_some_and(|release| self.now.duration_since(release.created) > OPEN) {
            let message = "Uploading new files to releases older than 14 days is not allowed.";
            return Err(Refusal::bad(message));
        }
        Ok(())
    }

    /// Looks into the archive and returns the metadata file of a wheel.
    fn inspect(&self) -> Result<Option<Vec<u8>>, Refusal> {
        let (path, filename) = (self.content.path()?, self.content.filename.as_str());
        let url = &self.inner.url;
        if self.kind == Kind::Wheel {
            archive::wheel::check_archive(path, url)?;
            let name = self.wheel_name()?;
            return archive::wheel::check_content(path, filename, &name, self.metadata).map(Some);
        }
        if filename.ends_with(".zip") {
            archive::wheel::check_archive(path, url)?;
        } else {
            archive::sdist::check(path, filename, self.metadata, url)?;
        }
        let stem = file_stem(&self.metadata.name);
        let expected = format!("{stem}-{}.tar.gz", self.metadata.version);
        if filename != expected {
            return Err(Refusal::bad(format!(
                "Filename '{filename}' is invalid, should be '{expected}'."
            )));
        }
        Ok(None)
    }

    fn wheel_name(&self) -> Result<WheelName, Refusal> {
        let filename = &self.content.filename;
        let name = WheelName::parse(filename).map_err(Refusal::bad)?;
        let stem = file_stem(&self.metadata.name);
        if name.distribution != stem {
            return Err(Refusal::bad(format!(
                "Filename '{filename}' should contain the normalized project name '{stem}', not \
                 '{}'.",
                name.distribution
            )));
        }
        let version = &self.metadata.version;
        if name.version.parse().ok().as_ref() != Some(version) {
            return Err(Refusal::bad(format!(
                "Version in filename should be '{version}' not '{}'.",
                name.version
            )));
        }
        let mut platforms = name.platforms.iter();
        if let Some(tag) = platforms.find(|tag| !is_supported_platform(tag)) {
            return Err(Refusal::bad(format!(
                "Binary wheel '{filename}' has an unsupported platform tag '{tag}'."
            )));
        }
        Ok(name)
    }

    /// Returns the record of the file, without what [`commit`] adds.
    fn file(&self, form: &Form) -> Result<File, Refusal> {
        let received = self.content.received()?;
        Ok(File {
            filename: self.content.filename.clone(),
            version: self.metadata.version.to_string(),
            kind: self.kind.name().to_owned(),
            python_version: form.one("pyversion").unwrap_or("source").to_owned(),
            requires_python: self.metadata.one("requires_python").map(str::to_owned),
            size: received.size,
            sha256: received.sha256.clone(),
            blake2b: received.blake2b.clone().unwrap_or_default(),
            metadata_sha256: None,
            uploaded: self.now,
            serial: 0,
            by_upload: true,
            provenance: None,
            deleted: false,
        })
    }
}

/// Puts the file where it is served from, then the record that makes it public.
fn commit(
    inner: &Inner,
    metadata: Metadata,
    mut file: File,
    content: Content,
    core_metadata: Option<&[u8]>,
) -> Result<(), Refusal> {
    let mut state = inner.lock();
    if let Some(bytes) = core_metadata {
        file.metadata_sha256 = Some(state.index.keep_bytes(bytes)?);
    }
    content.keep(&state.index.blob(&file.sha256))?;
    let name = metadata.name.clone();
    state.index.change(&name, |project, serial| {
        add(project, serial, file, metadata.into_fields());
    })?;
    Ok(())
}

/// Adds a file to a project, and its release if it is the first.
pub(super) fn add(
    project: &mut Project,
    serial: u64,
    mut file: File,
    metadata: std::collections::BTreeMap<String, Vec<String>>,
) {
    if project.release(&file.version).is_none() {
        project.releases.push(Release {
            version: file.version.clone(),
            created: file.uploaded,
            yanked: None,
            metadata,
        });
    }
    file.serial = serial;
    project.files.push(file);
}

fn expect_action(form: &Form) -> Result<(), Refusal> {
    match form.one(":action") {
        Some("file_upload") => Ok(()),
        Some("submit" | "submit_pkg_info") => Err(Refusal::new(
            StatusCode::GONE,
            "Project pre-registration is no longer required or supported, upload your files \
             instead.",
        )),
        Some("doc_upload") => Err(Refusal::new(
            StatusCode::GONE,
            "Uploading documentation is no longer supported, we recommend using \
             https://readthedocs.org/.",
        )),
        _ => Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "there is no such :action",
        )),
    }
}

fn expect_open(inner: &Inner) -> Result<(), Refusal> {
    let url = &inner.url;
    match inner.lock().uploads {
        Uploads::Open => Ok(()),
        Uploads::ReadOnly => Err(Refusal::forbidden(
            "Read-only mode: Uploads are temporarily disabled.",
        )),
        Uploads::Disabled => Err(Refusal::forbidden(format!(
            "New uploads are temporarily disabled. See {url}/help/#admin-intervention for more \
             information."
        ))),
    }
}

fn expect_protocol(form: &Form) -> Result<(), Refusal> {
    if form.one("protocol_version").is_some_and(|it| it != "1") {
        return Err(Refusal::bad("Unknown protocol version."));
    }
    match form.file_as_text() {
        Some(field) => Err(Refusal::bad(format!("{field}: Should not be a tuple."))),
        None => Ok(()),
    }
}

/// Refuses who may not upload to the project, or may not create it.
fn expect_right(inner: &Inner, scope: &Scope, metadata: &Metadata) -> Result<(), Refusal> {
    let (name, url) = (&metadata.name, &inner.url);
    let state = inner.lock();
    let Some(project) = state.index.project(name) else {
        return expect_creatable(&state.index, scope, name, url);
    };
    let foreign = state.index.settings.foreign.contains(&normalized(name));
    let name = &project.name;
    let see = format!("See {url}/help/#project-name for more information.");
    if !scope.covers(name) || (scope.is_publisher() && !project.status.is_open()) {
        return Err(Refusal::forbidden(format!(
            "The given token isn't allowed to upload to project '{name}'. {see}"
        )));
    }
    if !project.status.is_open() || (foreign && !scope.is_publisher()) {
        return Err(Refusal::forbidden(format!(
            "The user '{}' isn't allowed to upload to project '{name}'. {see}",
            PyPi::USER
        )));
    }
    Ok(())
}

/// Refuses a new project whose name may not be used, or not by this sender.
fn expect_creatable(index: &Index, scope: &Scope, name: &str, url: &str) -> Result<(), Refusal> {
    let see = format!("See {url}/help/#project-name for more information.");
    if scope.is_publisher() && !scope.may_create() {
        return Err(Refusal::bad(format!(
            "Non-user identities cannot create new projects. This was probably caused by \
             successfully using a pending publisher but specifying the project name incorrectly \
             (either in the publisher or in your project's metadata). Please ensure that both are \
             correct. See {url}/help/#trusted-publishers for more information."
        )));
    }
    if !scope.covers(name) {
        return Err(Refusal::forbidden(format!(
            "The given token isn't allowed to upload to project '{name}'. {see}"
        )));
    }
    let normal = normalized(name);
    if index.settings.prohibited.contains(&normal) {
        return Err(Refusal::bad(format!(
            "The name '{name}' isn't allowed. {see}"
        )));
    }
    if stdlib::is_module(&normal) {
        return Err(Refusal::bad(format!(
            "The name '{name}' isn't allowed (conflict with Python Standard Library module name). \
             {see}"
        )));
    }
    let mut others = index.projects.values();
    if others.any(|other| names::look(&other.name) == names::look(name)) {
        return Err(Refusal::bad(format!(
            "The name '{name}' is too similar to an existing project. {see}"
        )));
    }
    Ok(())
}

/// Returns the part with the file, if it looks like one.
fn expect_content(form: &mut Form, metadata: &Metadata) -> Result<Content, Refusal> {
    let content = form.content.take();
    let content = content.ok_or_else(|| Refusal::bad("Upload payload does not have a file."))?;
    let filename = &content.filename;
    if filename.contains(['/', '\\']) {
        let message = "Cannot upload a file with '/' or '\\' in the name.";
        return Err(Refusal::bad(message));
    }
    let lower = filename.to_ascii_lowercase();
    if ![".tar.gz", ".zip", ".whl"]
        .iter()
        .any(|end| lower.ends_with(end))
    {
        return Err(Refusal::bad(
            "Invalid file extension: Use .tar.gz, .whl or .zip extension. See \
             https://peps.python.org/pep-0527 for more information.",
        ));
    }
    let start = normalized(&metadata.name);
    if !normalized(filename).starts_with(&start) {
        return Err(Refusal::bad(format!(
            "Start filename for '{}' with '{}'.",
            metadata.name,
            file_stem(&metadata.name)
        )));
    }
    // A part without a type counts as plain text: uv sends it so.
    let media_type = content.media_type.as_deref();
    if media_type.is_some_and(|it| it.is_empty() || it.starts_with("image/")) {
        return Err(Refusal::bad("Invalid distribution file."));
    }
    Ok(content)
}

fn expect_size(inner: &Inner, metadata: &Metadata, content: &Content) -> Result<(), Refusal> {
    let (name, url) = (&metadata.name, &inner.url);
    let state = inner.lock();
    let limit = state.index.limit(name);
    if content.size > limit {
        return Err(Refusal::bad(format!(
            "File too large. Limit for project '{name}' is {} MB. See {url}/help/#file-size-limit \
             for more information.",
            limit / (1024 * 1024)
        )));
    }
    let others = state.index.project(name).map_or(0, Project::size);
    if others + content.size > PROJECT_LIMIT {
        return Err(Refusal::bad(format!(
            "Project size too large. Limit for project '{name}' total size is {} GB. See \
             {url}/help/#project-size-limit for more information.",
            PROJECT_LIMIT / (1024 * 1024 * 1024)
        )));
    }
    Ok(())
}
