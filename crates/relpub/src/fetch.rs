//! Fetch: brings the promoted bytes into the store, or says why they are not taken.

use std::io::{self, Seek, Write};

use relpub_inspect::Limits;
use relpub_inspect::gzip::gunzip;
use relpub_model::blocker::{Blocker, Code};
use relpub_model::decision::Decision;
use relpub_model::event::Event;
use relpub_model::findings::Bytes;
use relpub_model::release::{Artifact, Declared};
use relpub_remote::{Blobs, RemoteError};
use relpub_trust::Hasher;
use tempfile::NamedTempFile;

use crate::context::Context;
use crate::error::Error;
use crate::sources::Origin;
use crate::state::StateError;

/// Brings the promoted bytes into the store, or says why they are not taken.
pub(crate) async fn fetch(
    cx: &Context,
    origin: &Origin,
    artifact: &Artifact,
) -> Result<Result<Bytes, Blocker>, Error> {
    if let Some(bytes) = declared_bytes(artifact)
        && in_store(cx, bytes).await
    {
        return Ok(Ok(bytes));
    }
    let cache =
        |error: io::Error| StateError::new("cannot write to the cache", cx.store.folder(), error);
    let mut file = cx.store.temporary().map_err(cache)?;
    let stored = match download(cx, origin, artifact, &mut file).await {
        Ok(stored) => stored,
        Err(error) => return Ok(Err(unfetched(artifact, &error))),
    };
    if let Some(blocker) = artifact
        .declared
        .iter()
        .find_map(|declared| contradiction(artifact, declared, stored))
    {
        return Ok(Err(blocker));
    }
    let (file, bytes) = if artifact.gzip {
        match decode(cx, artifact, file).await? {
            Ok(decoded) => decoded,
            Err(blocker) => return Ok(Err(blocker)),
        }
    } else {
        (file, stored)
    };
    cx.store.keep(file, &bytes.sha256).map_err(cache)?;
    Ok(Ok(bytes))
}

/// Tells whether an earlier run left these very bytes.
async fn in_store(cx: &Context, bytes: Bytes) -> bool {
    cx.store
        .open(&bytes.sha256)
        .await
        .is_ok_and(|blob| *blob.verified.get() == bytes)
}

/// Downloads the stored bytes into a file, and hashes them on the way.
async fn download(
    cx: &Context,
    origin: &Origin,
    artifact: &Artifact,
    file: &mut NamedTempFile,
) -> Result<Bytes, RemoteError> {
    let mut hasher = Hasher::new();
    let mut done = 0;
    let path = &artifact.path;
    let mut sink = |piece: &[u8]| {
        hasher.update(piece);
        file.write_all(piece)?;
        done += piece.len() as u64;
        cx.tell(Event::Fetching {
            path: path.clone(),
            done,
            total: artifact.size,
        });
        Ok(())
    };
    origin
        .source
        .download(&cx.http, path, &artifact.pin, artifact.size, &mut sink)
        .await?;
    Ok(hasher.finish())
}

fn unfetched(artifact: &Artifact, error: &RemoteError) -> Blocker {
    let path = artifact.path.as_str();
    match error.decision {
        Decision::SourceChanged => Blocker::new(
            Code::SourceChanged,
            path,
            "changed in the source while it was read",
        )
        .detail(error.to_string())
        .way_out("Nothing may be rebuilt in place. Find out who wrote it, then start over."),
        Decision::NotFound | Decision::Gone => Blocker::new(
            Code::Missing,
            path,
            "went away from the source after it was listed",
        )
        .detail(error.to_string())
        .way_out("Find out who removed it, then start over."),
        _ => Blocker::new(Code::Unknown, path, "could not be fetched")
            .detail(error.to_string())
            .way_out("Run again."),
    }
}

/// Says how stored bytes differ from what was declared for them.
fn contradiction(artifact: &Artifact, declared: &Declared, found: Bytes) -> Option<Blocker> {
    let size_differs = declared.size.is_some_and(|size| size != found.size);
    if declared.sha256 == found.sha256 && !size_differs {
        return None;
    }
    let size = declared
        .size
        .map_or(String::new(), |size| format!(" ({size} bytes)"));
    let blocker = Blocker::new(Code::Corrupt, artifact.path.as_str(), format!("is not what {} says", declared.by))
        .detail(format!("there {}{size} · in the source {} ({} bytes)", declared.sha256.short(), found.sha256.short(), found.size))
        .way_out("The file or the manifest was changed after the build. Find out which, and do not release until you know.");
    Some(blocker)
}

/// Decodes what is stored compressed, and hashes what is promoted.
async fn decode(
    cx: &Context,
    artifact: &Artifact,
    mut stored: NamedTempFile,
) -> Result<Result<(NamedTempFile, Bytes), Blocker>, Error> {
    let cache =
        |error: io::Error| StateError::new("cannot write to the cache", cx.store.folder(), error);
    let mut decoded = cx.store.temporary().map_err(cache)?;
    let size = artifact.size;
    let work = move || -> io::Result<_> {
        stored.rewind()?;
        let mut out = HashingWriter {
            file: &mut decoded,
            hasher: Hasher::new(),
        };
        let result = gunzip(
            io::BufReader::new(&mut stored),
            size,
            &mut out,
            &Limits::default(),
        );
        let bytes = out.hasher.finish();
        Ok((result, decoded, bytes))
    };
    let (result, decoded, bytes) = blocking(work).await.map_err(cache)?;
    Ok(match result {
        Ok(_) => Ok((decoded, bytes)),
        Err(error) => Err(Blocker::new(
            Code::Unsafe,
            artifact.path.as_str(),
            "is stored as gzip and cannot be decoded",
        )
        .detail(error.to_string())
        .way_out("Upload it again, without a content encoding.")),
    })
}

/// Writes to a file, and hashes what it writes.
struct HashingWriter<'a> {
    file: &'a mut NamedTempFile,
    hasher: Hasher,
}

impl Write for HashingWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Returns the identity that was declared for the promoted bytes. Of an artifact
/// that is stored compressed the declaration is about the stored bytes, which
/// are not the promoted ones.
pub(crate) fn declared_bytes(artifact: &Artifact) -> Option<Bytes> {
    let declared = artifact.declared.first().filter(|_| !artifact.gzip)?;
    Some(Bytes {
        sha256: declared.sha256,
        size: declared.size.unwrap_or(artifact.size),
    })
}

/// Runs something that blocks where blocking is allowed.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}
