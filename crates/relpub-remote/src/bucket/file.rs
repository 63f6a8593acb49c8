//! A folder as a source: regular files under it, never a link out of it.

use std::fs::{self, Metadata};
use std::io::{self, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use relpub_model::decision::Decision;
use relpub_model::name::SourcePath;
use relpub_model::release::Pin;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::{Found, Head, Opened, changed};
use crate::http::{Deed, RemoteError};

/// How much of a file is in memory at a time, in bytes.
const BUFFER: usize = 256 * 1024;

/// A folder on this machine.
#[derive(Clone)]
pub struct FileSource {
    root: PathBuf,
}

impl FileSource {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn deed(&self, operation: &str, path: &str) -> Deed {
        let thing = self.root.join(path).display().to_string();
        Deed::new("source", operation, thing)
    }

    pub(super) async fn list(&self) -> Result<Vec<Found>, RemoteError> {
        let root = self.root.clone();
        let deed = Deed::new("source", "list", root.display().to_string());
        let walked = tokio::task::spawn_blocking(move || {
            let mut found = Vec::new();
            walk(&root, "", &mut found).map(|()| found)
        });
        let walked = walked.await.expect("walking a folder does not panic");
        let mut found = walked.map_err(|error| error.into_remote(&deed))?;
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    pub(super) async fn head(&self, path: &SourcePath, pin: &Pin) -> Result<Head, RemoteError> {
        let (_, metadata) = self.open_file(path, pin).await?;
        Ok(Head {
            size: metadata.len(),
            pin: pin_of(&metadata),
            gzip: false,
        })
    }

    pub(super) async fn open(
        &self,
        path: &SourcePath,
        pin: &Pin,
        range: Range<u64>,
    ) -> Result<Opened, RemoteError> {
        let deed = self.deed("read", path.as_str());
        let (mut file, metadata) = self.open_file(path, pin).await?;
        let sought = file.seek(SeekFrom::Start(range.start)).await;
        sought.map_err(|error| Trouble::Io(error).into_remote(&deed))?;
        let reading = Reading {
            file,
            left: range.end.saturating_sub(range.start),
            pin: pin.clone(),
            deed,
        };
        let stream = futures::stream::try_unfold(Some(reading), |reading| async {
            match reading {
                Some(reading) => reading.next().await,
                None => Ok(None),
            }
        });
        Ok(Opened {
            total: metadata.len(),
            stream: stream.boxed(),
        })
    }

    /// Opens a file unless a link leads to it or it is not the pinned one.
    async fn open_file(
        &self,
        path: &SourcePath,
        pin: &Pin,
    ) -> Result<(tokio::fs::File, Metadata), RemoteError> {
        let deed = self.deed("read", path.as_str());
        let root = self.root.clone();
        let relative = path.clone();
        let opened = tokio::task::spawn_blocking(move || open_below(&root, relative.as_str()));
        let opened = opened.await.expect("opening a file does not panic");
        let (file, metadata) = opened.map_err(|error| error.into_remote(&deed))?;
        if pin_of(&metadata) != *pin {
            return Err(changed(&deed, "it was modified"));
        }
        Ok((tokio::fs::File::from_std(file), metadata))
    }
}

/// A range of a file that is being read.
struct Reading {
    file: tokio::fs::File,
    left: u64,
    pin: Pin,
    deed: Deed,
}

impl Reading {
    /// Reads the next piece; at the end the file must still be the pinned one.
    async fn next(mut self) -> Result<Option<(Bytes, Option<Self>)>, RemoteError> {
        if self.left == 0 {
            return self.finish().await.map(|()| None);
        }
        let mut piece = BytesMut::with_capacity(BUFFER);
        let want = self.left.min(BUFFER as u64);
        let mut limited = (&mut self.file).take(want);
        let read = limited.read_buf(&mut piece).await;
        let read = read.map_err(|error| Trouble::Io(error).into_remote(&self.deed))?;
        if read == 0 {
            return Err(changed(&self.deed, "it is shorter"));
        }
        self.left -= read as u64;
        Ok(Some((piece.freeze(), Some(self))))
    }

    async fn finish(&self) -> Result<(), RemoteError> {
        let metadata = self.file.metadata().await;
        let metadata = metadata.map_err(|error| Trouble::Io(error).into_remote(&self.deed))?;
        if pin_of(&metadata) == self.pin {
            Ok(())
        } else {
            Err(changed(&self.deed, "it was modified while it was read"))
        }
    }
}

/// Why a file or folder cannot be read.
enum Trouble {
    Io(io::Error),
    /// Something is there that is no artifact; names it and says why.
    Not(String),
}

impl Trouble {
    fn into_remote(self, deed: &Deed) -> RemoteError {
        match self {
            Self::Not(why) => RemoteError::new(deed, Decision::Protocol, why),
            Self::Io(error) => {
                let decision = match error.kind() {
                    io::ErrorKind::NotFound => Decision::NotFound,
                    io::ErrorKind::PermissionDenied => Decision::Forbidden,
                    _ => Decision::Transient,
                };
                RemoteError::new(deed, decision, error.to_string())
            }
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Collects the regular files under a folder; anything else is named.
fn walk(folder: &Path, under: &str, found: &mut Vec<Found>) -> Result<(), Trouble> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            let shown = Path::new(under).join(&name).display().to_string();
            return Err(Trouble::Not(format!("the name `{shown}` is not UTF-8")));
        };
        let path = if under.is_empty() {
            name.to_owned()
        } else {
            format!("{under}/{name}")
        };
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            walk(&entry.path(), &path, found)?;
            continue;
        }
        check_regular(&metadata, &path)?;
        let path: SourcePath = path
            .parse()
            .map_err(|error| Trouble::Not(format!("{error}")))?;
        found.push(Found {
            path,
            size: metadata.len(),
            pin: pin_of(&metadata),
        });
    }
    Ok(())
}

/// Opens a file below `root`, where no part of the way may be a link.
fn open_below(root: &Path, relative: &str) -> Result<(fs::File, Metadata), Trouble> {
    let mut path = root.to_owned();
    for segment in relative.split('/') {
        path.push(segment);
        let metadata = fs::symlink_metadata(&path)?;
        if !metadata.is_dir() {
            check_regular(&metadata, relative)?;
        }
    }
    let file = fs::File::open(&path)?;
    let metadata = file.metadata()?;
    check_regular(&metadata, relative)?;
    Ok((file, metadata))
}

fn check_regular(metadata: &Metadata, path: &str) -> Result<(), Trouble> {
    if metadata.is_file() {
        return Ok(());
    }
    let what = if metadata.is_symlink() {
        "a symbolic link, which is not followed"
    } else {
        "no regular file"
    };
    Err(Trouble::Not(format!("`{path}` is {what}")))
}

fn pin_of(metadata: &Metadata) -> Pin {
    let modified = metadata.modified().unwrap_or(UNIX_EPOCH);
    let modified = match modified.duration_since(UNIX_EPOCH) {
        Ok(after) => i128::try_from(after.as_nanos()).unwrap_or(i128::MAX),
        Err(before) => i128::try_from(before.duration().as_nanos()).map_or(i128::MIN, |it| -it),
    };
    Pin::File { modified }
}
