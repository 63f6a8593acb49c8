//! Reads an object to its end, however often the connection breaks.

use std::io;

use futures::StreamExt as _;
use relpub_model::decision::Decision;
use relpub_model::name::SourcePath;
use relpub_model::release::Pin;

use super::{Source, changed};
use crate::http::{Again, Deed, Http, RemoteError};

/// Takes the bytes of a download in order, each once.
pub type Sink<'a> = dyn FnMut(&[u8]) -> io::Result<()> + Send + 'a;

/// How many times a download goes on after it got somewhere.
const RESUMPTIONS: u32 = 100;

impl Source {
    /// Reads an object of `size` stored bytes into `sink`, in pieces as they come.
    ///
    /// After a failure it goes on at the byte that was reached, under the same
    /// pin. Four attempts from where it last got on end it, and so
    /// does an object of another size.
    pub async fn download(
        &self,
        http: &Http,
        path: &SourcePath,
        pin: &Pin,
        size: u64,
        sink: &mut Sink<'_>,
    ) -> Result<(), RemoteError> {
        let deed = self.deed("read", path);
        let mut attempts = http.attempts(&deed)?;
        let mut to = Progress::new(path, size);
        let mut resumptions = 0;
        loop {
            let before = to.done;
            let Err(error) = self.pour(&deed, pin, &mut to, sink).await else {
                return Ok(());
            };
            if to.done > before && resumptions < RESUMPTIONS {
                resumptions += 1;
                attempts.reset();
            }
            attempts.after(error).await?;
        }
    }

    /// Reads a whole object of at most `limit` bytes, such as a manifest.
    pub async fn read_small(
        &self,
        path: &SourcePath,
        pin: &Pin,
        limit: u64,
    ) -> Result<Vec<u8>, RemoteError> {
        let head = self.head(path, pin).await?;
        if head.size > limit {
            let why = format!("it has {} bytes, more than the {limit} allowed", head.size);
            let deed = self.deed("read", path);
            return Err(RemoteError::new(&deed, Decision::Protocol, why));
        }
        let mut bytes = Vec::new();
        let mut sink = |piece: &[u8]| {
            bytes.extend_from_slice(piece);
            Ok(())
        };
        match self {
            Self::File(_) => {
                let deed = self.deed("read", path);
                let mut to = Progress::new(path, head.size);
                self.pour(&deed, &head.pin, &mut to, &mut sink).await?;
            }
            Self::S3(bucket) => {
                let download = self.download(&bucket.http, path, &head.pin, head.size, &mut sink);
                download.await?;
            }
        }
        Ok(bytes)
    }

    /// Reads from where the download stands, until the end or a failure.
    async fn pour(
        &self,
        deed: &Deed,
        pin: &Pin,
        to: &mut Progress<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), RemoteError> {
        let total = if to.total == 0 {
            self.head(to.path, pin).await?.size
        } else {
            let range = to.done..to.total;
            let opened = self.opened(to.path, pin, range).await?;
            let mut stream = opened.stream;
            while let Some(piece) = stream.next().await {
                let piece = piece?;
                if piece.len() as u64 > to.total - to.done {
                    return Err(changed(deed, "it is longer"));
                }
                sink(&piece).map_err(|error| not_kept(deed, &error))?;
                to.done += piece.len() as u64;
            }
            opened.total
        };
        if total != to.total {
            let how = format!("it has {total} bytes instead of {}", to.total);
            return Err(changed(deed, &how));
        }
        if to.done < to.total {
            let why = format!("it ended after {} of {} bytes", to.done, to.total);
            let mut error = RemoteError::new(deed, Decision::Transient, why);
            error.again = Again::After(None);
            return Err(error);
        }
        Ok(())
    }
}

fn not_kept(deed: &Deed, error: &io::Error) -> RemoteError {
    let why = format!("the bytes could not be kept: {error}");
    RemoteError::new(deed, Decision::Transient, why)
}

/// How far a download is.
struct Progress<'a> {
    path: &'a SourcePath,
    done: u64,
    total: u64,
}

impl<'a> Progress<'a> {
    fn new(path: &'a SourcePath, total: u64) -> Self {
        let done = 0;
        Self { path, done, total }
    }
}
