//! Gzip, decoded as a stream under limits.
//!
//! For compressed tar archives, and for objects that a store keeps with
//! `Content-Encoding: gzip`. Several members one after another are one stream
//! (RFC 1952, section 2.2); anything else behind the end is refused, because
//! readers disagree about it.

use std::io::{self, BufRead, BufReader, Read, Write};

use flate2::bufread::GzDecoder;

use crate::Limits;

/// Why gzip could not be decoded.
#[derive(Debug, thiserror::Error)]
pub enum GunzipError {
    /// It decodes to more than the limits allow.
    #[error("decodes to more than {0} bytes")]
    TooLarge(u64),
    /// Something follows the gzip data.
    #[error("has other data behind the end of its gzip data")]
    Trailing,
    /// It is no gzip data, or damaged.
    #[error("is no intact gzip data: {0}")]
    Damaged(String),
    /// The reader or the writer failed.
    #[error("{0}")]
    Io(io::Error),
}

/// Decodes `reader` into `writer` and returns how many bytes that were.
///
/// `size` is how many bytes `reader` has, for the ratio of [`Limits`].
pub fn gunzip(
    reader: impl Read,
    size: u64,
    writer: &mut impl Write,
    limits: &Limits,
) -> Result<u64, GunzipError> {
    let mut decoder = Gunzip::new(BufReader::new(reader), limits.unpacked_from(size));
    io::copy(&mut decoder, writer).map_err(GunzipError::from)
}

impl From<io::Error> for GunzipError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        match error.downcast::<Self>() {
            Ok(known) => known,
            Err(error) if error.kind() == UnexpectedEof => {
                Self::Damaged("it ends too early".to_owned())
            }
            Err(error) if matches!(error.kind(), InvalidData | InvalidInput) => {
                Self::Damaged(error.to_string())
            }
            Err(error) => Self::Io(error),
        }
    }
}

/// A reader that decodes gzip as it is read.
///
/// Refusals come as errors of kind [`io::ErrorKind::InvalidData`] around a
/// [`GunzipError`].
pub struct Gunzip<R> {
    /// `None` once everything was read.
    member: Option<GzDecoder<R>>,
    left: u64,
    limit: u64,
}

impl<R: BufRead> Gunzip<R> {
    /// Decodes `reader`, to at most `limit` bytes.
    pub fn new(reader: R, limit: u64) -> Self {
        Self {
            member: Some(GzDecoder::new(reader)),
            left: limit,
            limit,
        }
    }

    /// Goes on to the next member, or to the end.
    fn next_member(&mut self, mut reader: R) -> io::Result<()> {
        match reader.fill_buf()?.first() {
            None => Ok(()),
            Some(0x1f) => {
                self.member = Some(GzDecoder::new(reader));
                Ok(())
            }
            Some(_) => Err(refusal(GunzipError::Trailing)),
        }
    }
}

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(mut member) = self.member.take() {
            let count = member.read(buffer)?;
            if count == 0 {
                self.next_member(member.into_inner())?;
                continue;
            }
            self.member = Some(member);
            let Some(left) = self.left.checked_sub(count as u64) else {
                return Err(refusal(GunzipError::TooLarge(self.limit)));
            };
            self.left = left;
            return Ok(count);
        }
        Ok(0)
    }
}

fn refusal(error: GunzipError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn decoded(bytes: &[u8], limits: &Limits) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        let size = bytes.len() as u64;
        gunzip(bytes, size, &mut out, limits)
            .map(|count| {
                assert_eq!(count, out.len() as u64);
                out
            })
            .map_err(|error| error.to_string())
    }

    #[test]
    fn members_one_after_another_are_one_stream() {
        let limits = Limits::default();
        let both = [samples::gzip(b"one, "), samples::gzip(b"two")].concat();
        assert_eq!(decoded(&both, &limits).unwrap(), b"one, two");
    }

    #[test]
    fn what_is_no_gzip_to_its_end_is_refused() {
        let limits = Limits::default();
        let good = samples::gzip(b"content");
        let trailing = [good.as_slice(), b"\0"].concat();
        assert_eq!(
            decoded(&trailing, &limits).unwrap_err(),
            "has other data behind the end of its gzip data"
        );
        assert_eq!(
            decoded(&good[..good.len() - 1], &limits).unwrap_err(),
            "is no intact gzip data: it ends too early"
        );
        let mut flipped = good;
        let at = flipped.len() - 6;
        flipped[at] ^= 1;
        assert!(
            decoded(&flipped, &limits)
                .unwrap_err()
                .starts_with("is no intact gzip data")
        );
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let limits = Limits {
            ratio_floor: 1000,
            ratio: 50,
            ..Limits::default()
        };
        let bomb = samples::gzip(&vec![0; 1 << 20]);
        let limit = bomb.len() as u64 * 50;
        let expected = format!("decodes to more than {limit} bytes");
        assert_eq!(decoded(&bomb, &limits).unwrap_err(), expected);
    }
}
