//! The upload form: fields in memory, the file on disk, whatever its size.

use std::collections::BTreeSet;
use std::path::Path;

use axum::body::Body;
use http::{HeaderMap, Request, StatusCode, header};
use multer::{Field, Multipart};

use super::refusal::Refusal;
use crate::disk::{Disk, Hashes, Received, Writing};

/// How many bytes of text the fields of a form may hold together.
const TEXT_LIMIT: usize = 16 * 1024 * 1024;

/// A form as it arrived.
#[derive(Default)]
pub(super) struct Form {
    /// The text fields in the order they were sent, names repeated.
    fields: Vec<(String, String)>,
    /// The text fields that were sent with a file name, which none may have.
    files: BTreeSet<String>,
    /// The part called `content`.
    pub(super) content: Option<Content>,
}

/// The file in a form.
pub(super) struct Content {
    pub(super) filename: String,
    /// The media type of the part, where it has one.
    pub(super) media_type: Option<String>,
    /// The file; `None` if it is larger than any project may have.
    received: Option<Received>,
    /// How many bytes were sent.
    pub(super) size: u64,
}

impl Content {
    /// Returns the file where it was kept.
    pub(super) fn received(&self) -> Result<&Received, Refusal> {
        self.received.as_ref().ok_or_else(Self::missing)
    }

    /// Returns where the file lies for now.
    pub(super) fn path(&self) -> Result<&Path, Refusal> {
        self.received().map(Received::path)
    }

    /// Moves the file to its place.
    pub(super) fn keep(self, path: &Path) -> Result<(), Refusal> {
        let received = self.received.ok_or_else(Self::missing)?;
        received.keep(path).map_err(Refusal::from)
    }

    fn missing() -> Refusal {
        Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the file is larger than any project may have",
        )
    }
}

impl Form {
    /// Reads the body of `request`; of a file beyond `limit` bytes none is kept.
    pub(super) async fn receive(
        disk: &Disk,
        limit: u64,
        request: Request<Body>,
    ) -> Result<Self, Refusal> {
        let boundary = boundary(request.headers())?;
        let mut parts = Multipart::new(request.into_body().into_data_stream(), boundary);
        let mut form = Self::default();
        let mut room = TEXT_LIMIT;
        while let Some(part) = parts
            .next_field()
            .await
            .map_err(|error| malformed(&error))?
        {
            form.take(disk, limit, &mut room, part).await?;
        }
        Ok(form)
    }

    async fn take(
        &mut self,
        disk: &Disk,
        limit: u64,
        room: &mut usize,
        part: Field<'_>,
    ) -> Result<(), Refusal> {
        let name = part.name().unwrap_or_default().to_owned();
        match part.file_name().map(str::to_owned) {
            Some(filename) if name == "content" => {
                self.content = Some(receive_file(disk, limit, filename, part).await?);
            }
            // A signature is taken and thrown away, as the server does.
            Some(_) if name == "gpg_signature" => {
                receive_text(part, room).await?;
            }
            Some(_) => {
                receive_text(part, room).await?;
                self.files.insert(name);
            }
            None => {
                let text = receive_text(part, room).await?;
                self.fields.push((name, text));
            }
        }
        Ok(())
    }

    /// Removes the fields whose value is `UNKNOWN`, which old tools wrote.
    pub(super) fn remove_unknown(&mut self) {
        let unknown: BTreeSet<String> = self
            .fields
            .iter()
            .filter(|(_, value)| value.trim().eq_ignore_ascii_case("unknown"))
            .map(|(name, _)| name.clone())
            .collect();
        self.fields.retain(|(name, _)| !unknown.contains(name));
    }

    /// Returns a text field that was sent as a file, if any was.
    pub(super) fn file_as_text(&self) -> Option<&str> {
        self.files.iter().map(String::as_str).next()
    }

    /// Returns the first value of a field; an empty one counts as absent.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        let (_, value) = self.fields.iter().find(|field| field.0 == name)?;
        (!value.is_empty()).then_some(value)
    }

    /// Returns all fields in their order.
    pub(super) fn fields(&self) -> &[(String, String)] {
        &self.fields
    }
}

async fn receive_file(
    disk: &Disk,
    limit: u64,
    filename: String,
    mut part: Field<'_>,
) -> Result<Content, Refusal> {
    let media_type = part.headers().get(header::CONTENT_TYPE);
    let media_type = media_type
        .and_then(|it| it.to_str().ok())
        .map(str::to_owned);
    let mut writing: Option<Writing> = Some(disk.begin(Hashes::Blake2b)?);
    let mut size = 0;
    while let Some(piece) = part.chunk().await.map_err(|error| malformed(&error))? {
        size += piece.len() as u64;
        if size > limit {
            writing = None;
        }
        if let Some(writing) = &mut writing {
            writing.write(&piece)?;
        }
    }
    Ok(Content {
        filename,
        media_type,
        received: writing.map(Writing::finish).transpose()?,
        size,
    })
}

async fn receive_text(mut part: Field<'_>, room: &mut usize) -> Result<String, Refusal> {
    let mut text = Vec::new();
    while let Some(piece) = part.chunk().await.map_err(|error| malformed(&error))? {
        *room = room.checked_sub(piece.len()).ok_or_else(|| {
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "the form's text is too long")
        })?;
        text.extend_from_slice(&piece);
    }
    String::from_utf8(text).map_err(|_| Refusal::bad("the form is not valid UTF-8"))
}

fn boundary(headers: &HeaderMap) -> Result<String, Refusal> {
    let kind = headers.get(header::CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok())
        .and_then(|kind| multer::parse_boundary(kind).ok())
        .ok_or_else(|| Refusal::bad("the body is not multipart/form-data"))
}

fn malformed(error: &multer::Error) -> Refusal {
    Refusal::bad(format!("the form could not be read: {error}"))
}
