//! A world with one virtual clock, and the files and forms that go to its index.

use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use relpub_sandbox::{Clock, Options, World};
use reqwest::multipart::{Form, Part};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

thread_local! {
    /// Making one takes longer than a test of anything else.
    static CLIENT: Client = Client::builder().redirect(Policy::none()).build().unwrap();
}

/// Returns the client of this test, which follows no redirect.
pub(crate) fn client() -> Client {
    CLIENT.with(Client::clone)
}

/// Starts a world at a fixed time.
pub(crate) async fn world() -> World {
    let start: Timestamp = "2026-11-24T08:00:00Z".parse().unwrap();
    let options = Options::temporary().with_clock(Clock::virtual_at(start));
    World::start(options).await.unwrap()
}

/// A file to be uploaded, with the form around it.
#[derive(Clone)]
pub(crate) struct Upload {
    pub(crate) filename: String,
    pub(crate) media_type: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) authorization: Option<String>,
    pub(crate) accept: String,
}

impl Upload {
    /// Returns a good upload of a pure wheel of `name`, sent with `token`.
    pub(crate) fn wheel(token: &str, name: &str, version: &str) -> Self {
        let filename = format!("{}-{version}-py3-none-any.whl", stem(name));
        let bytes = wheel(name, version, &[]);
        Self::of(token, name, version, filename, bytes)
            .with("filetype", "bdist_wheel")
            .with("pyversion", "py3")
    }

    /// Returns a good upload of an sdist of `name`, sent with `token`.
    pub(crate) fn sdist(token: &str, name: &str, version: &str) -> Self {
        let filename = format!("{}-{version}.tar.gz", stem(name));
        let bytes = sdist(name, version);
        Self::of(token, name, version, filename, bytes)
            .with("filetype", "sdist")
            .with("pyversion", "source")
    }

    fn of(token: &str, name: &str, version: &str, filename: String, bytes: Vec<u8>) -> Self {
        Self {
            filename,
            media_type: "application/octet-stream".to_owned(),
            bytes,
            fields: Vec::new(),
            authorization: Some(format!("Bearer {token}")),
            accept: "application/json".to_owned(),
        }
        .with(":action", "file_upload")
        .with("protocol_version", "1")
        .with("metadata_version", "2.4")
        .with("name", name)
        .with("version", version)
        .with("requires_python", ">=3.8")
    }

    /// Sets a field in place of all that it had.
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        self.without(name).and(name, value)
    }

    /// Adds another value of a field.
    pub(crate) fn and(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Leaves a field out.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.fields.retain(|field| field.0 != name);
        self
    }

    /// Sends other bytes.
    pub(crate) fn bytes(mut self, bytes: Vec<u8>) -> Self {
        self.bytes = bytes;
        self
    }

    /// Sends the file under another name.
    pub(crate) fn named(mut self, filename: &str) -> Self {
        filename.clone_into(&mut self.filename);
        self
    }

    /// Sends another `Authorization` header.
    pub(crate) fn authorized(mut self, authorization: &str) -> Self {
        self.authorization = Some(authorization.to_owned());
        self
    }

    /// Sends it and returns the status and the code (or the body, without one).
    pub(crate) async fn send(self, url: &str) -> (StatusCode, String) {
        let mut form = Form::new();
        let digest = self.fields.iter().any(|field| field.0.ends_with("_digest"));
        for (name, value) in self.fields {
            form = form.text(name, value);
        }
        if !digest {
            form = form.text("sha256_digest", sha256(&self.bytes));
        }
        let mut part = Part::bytes(self.bytes).file_name(self.filename);
        if !self.media_type.is_empty() {
            part = part.mime_str(&self.media_type).unwrap();
        }
        let mut request = client()
            .post(url)
            .header("accept", self.accept)
            .multipart(form.part("content", part));
        if let Some(authorization) = self.authorization {
            request = request.header("authorization", authorization);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body = answer.text().await.unwrap();
        let code = serde_json::from_str::<Value>(&body).ok();
        let code = code.and_then(|it| it["code"].as_str().map(str::to_owned));
        (status, code.unwrap_or(body))
    }
}

fn stem(name: &str) -> String {
    name.replace('-', "_").to_lowercase()
}

/// Sends a good upload.
pub(crate) async fn take(world: &World, upload: Upload) {
    let (status, code) = upload.send(&world.pypi.upload_url()).await;
    assert_eq!((status, code.as_str()), (StatusCode::OK, ""));
}

/// Returns a wheel with the usual files and `more`.
pub(crate) fn wheel(name: &str, version: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let stem = stem(name);
    let info = format!("{stem}-{version}.dist-info");
    let metadata = format!("Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n");
    let files = [
        (format!("{stem}/__init__.py"), String::new()),
        (format!("{info}/METADATA"), metadata),
        (format!("{info}/WHEEL"), "Wheel-Version: 1.0\n".to_owned()),
        (format!("{info}/RECORD"), format!("{info}/RECORD,,\n")),
    ];
    let more = more
        .iter()
        .map(|&(name, text)| (name.to_owned(), text.to_owned()));
    let files: Vec<_> = files.into_iter().chain(more).collect();
    zip(&files)
}

/// Returns a zip archive.
pub(crate) fn zip(files: &[(String, String)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        writer
            .start_file(name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Returns an sdist with the usual files.
pub(crate) fn sdist(name: &str, version: &str) -> Vec<u8> {
    let top = format!("{}-{version}", stem(name));
    let metadata = format!("Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n");
    tar_gz(&[
        (format!("{top}/PKG-INFO"), metadata),
        (format!("{top}/pyproject.toml"), "[project]\n".to_owned()),
    ])
}

/// Returns a compressed tar archive.
pub(crate) fn tar_gz(files: &[(String, String)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(&mut header, name, text.as_bytes())
            .unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

/// Returns the SHA-256 of `bytes` in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}

/// Fetches a document as JSON.
pub(crate) async fn json(url: &str) -> Value {
    let kind = "application/vnd.pypi.simple.v1+json, application/json;q=0.9";
    let request = client().get(url).header("accept", kind);
    let answer = request.send().await.unwrap().error_for_status().unwrap();
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}
