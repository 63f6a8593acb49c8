//! A program that is read in one pass, and then only where it has to be.
//!
//! A compressed member cannot be seeked in, and a program may be larger than the
//! memory there is. So the one pass that digests it keeps its first and last
//! bytes, where the tables of sections are, and the places of Go's marker. What
//! lies elsewhere is fetched by unpacking the member again, up to there.

use std::ops::Range;

use aws_lc_rs::digest::{Context, SHA256};
use memchr::memmem;

use relpub_model::digest::Sha256;
use relpub_model::findings::Program;

use crate::fault::Fault;

/// Bytes that are kept of the start and of the end of a program.
const START: usize = 64 << 10;
const END: usize = 128 << 10;

/// Bytes that are fetched at least, as the next table is often near.
const FETCHED: u64 = 64 << 10;

/// Places of Go's marker that are remembered. A program has one, and a few more
/// when it looks for the marker itself.
const MARKERS: usize = 64;

/// What Go's linker puts before what it tells of a build.
pub(super) const GO_MARKER: &[u8] = b"\xff Go buildinf:";

/// Returns some bytes of a program, by unpacking it again if need be.
pub(super) type Fetch<'a> = dyn FnMut(Range<u64>) -> Result<Vec<u8>, Unread> + 'a;

/// Why something in a program was not read.
#[derive(Debug)]
pub(super) enum Unread {
    /// Its content is odd; the program is listed all the same.
    Because(&'static str),
    /// The artifact cannot be read.
    Fault(Fault),
}

impl From<Fault> for Unread {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<&'static str> for Unread {
    fn from(why: &'static str) -> Self {
        Self::Because(why)
    }
}

impl From<object::read::Error> for Unread {
    fn from(_: object::read::Error) -> Self {
        Self::Because("its headers are malformed")
    }
}

/// The first pass over a program.
pub(super) struct Survey {
    size: u64,
    hash: Context,
    start: Vec<u8>,
    end: Vec<u8>,
    /// The last bytes, in which a marker may have begun.
    begun: Vec<u8>,
    markers: Vec<u64>,
}

impl Survey {
    pub(super) fn new() -> Self {
        Self {
            size: 0,
            hash: Context::new(&SHA256),
            start: Vec::new(),
            end: Vec::new(),
            begun: Vec::new(),
            markers: Vec::new(),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.find_markers(bytes);
        self.size += bytes.len() as u64;
        self.hash.update(bytes);
        let missing = START.saturating_sub(self.start.len());
        self.start
            .extend_from_slice(&bytes[..missing.min(bytes.len())]);
        self.end.extend_from_slice(bytes);
        if self.end.len() > 2 * END {
            self.end.drain(..self.end.len() - END);
        }
    }

    fn find_markers(&mut self, bytes: &[u8]) {
        let offset = self.size - self.begun.len() as u64;
        self.begun.extend_from_slice(bytes);
        for at in memmem::find_iter(&self.begun, GO_MARKER) {
            if self.markers.len() < MARKERS {
                self.markers.push(offset + at as u64);
            }
        }
        let kept = self.begun.len().min(GO_MARKER.len() - 1);
        self.begun.drain(..self.begun.len() - kept);
    }

    pub(super) fn finish(self, program: Program) -> Binary {
        let mut digest = [0; 32];
        digest.copy_from_slice(self.hash.finish().as_ref());
        let end_at = self.size - self.end.len() as u64;
        Binary {
            program,
            size: self.size,
            sha256: Sha256::from_bytes(digest),
            windows: vec![(0, self.start), (end_at, self.end)],
            markers: self.markers,
        }
    }
}

/// What the first pass leaves of a program.
pub(super) struct Binary {
    pub(super) program: Program,
    pub(super) size: u64,
    pub(super) sha256: Sha256,
    /// The bytes that are at hand, with where they are.
    windows: Vec<(u64, Vec<u8>)>,
    /// Where Go's marker is.
    pub(super) markers: Vec<u64>,
}

impl Binary {
    /// Returns how many bytes of the program are kept in memory.
    pub(super) fn kept(&self) -> usize {
        self.windows.iter().map(|(_, bytes)| bytes.len()).sum()
    }

    /// Lets go of the bytes that are kept; they can be fetched again.
    pub(super) fn forget(&mut self) {
        self.windows.clear();
    }

    pub(super) fn reader<'a>(&'a mut self, fetch: &'a mut Fetch<'a>) -> Reader<'a> {
        Reader {
            binary: self,
            fetch,
        }
    }
}

/// Reads a program at any place.
pub(super) struct Reader<'a> {
    pub(super) binary: &'a mut Binary,
    fetch: &'a mut Fetch<'a>,
}

impl Reader<'_> {
    /// Returns `size` bytes from `at`; the caller has bounded `size`.
    pub(super) fn read(&mut self, at: u64, size: u64) -> Result<Vec<u8>, Unread> {
        let end = at.checked_add(size);
        let Some(end) = end.filter(|end| *end <= self.binary.size) else {
            return Err(Unread::Because("its headers point behind its end"));
        };
        if let Some(found) = self.at_hand(at, size) {
            return Ok(found);
        }
        let fetched = (self.fetch)(at..end.max(at + FETCHED).min(self.binary.size))?;
        // The newest takes the place of the one before it.
        self.binary.windows.truncate(2);
        self.binary.windows.push((at, fetched));
        self.at_hand(at, size)
            .ok_or(Unread::Because("it is shorter than its headers say"))
    }

    fn at_hand(&self, at: u64, size: u64) -> Option<Vec<u8>> {
        self.binary.windows.iter().find_map(|(start, bytes)| {
            let from = usize::try_from(at.checked_sub(*start)?).ok()?;
            let to = from.checked_add(usize::try_from(size).ok()?)?;
            bytes.get(from..to).map(<[u8]>::to_vec)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relpub_model::findings::ProgramFormat;

    fn survey(content: &[u8], piece: usize) -> Binary {
        let mut survey = Survey::new();
        content.chunks(piece).for_each(|bytes| survey.update(bytes));
        survey.finish(Program {
            format: ProgramFormat::Elf,
            architectures: Vec::new(),
        })
    }

    #[test]
    fn what_is_not_at_hand_is_fetched_once() {
        let content: Vec<u8> = (0..1_u32 << 19).flat_map(u32::to_le_bytes).collect();
        let mut binary = survey(&content, 10_007);
        assert_eq!(binary.sha256, Sha256::of(&content));
        assert!(binary.kept() <= START + 2 * END);
        let mut fetched = 0;
        let mut fetch = |range: Range<u64>| {
            fetched += 1;
            let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
            Ok(content[range].to_vec())
        };
        let mut reader = binary.reader(&mut fetch);
        let size = content.len() as u64;
        for at in [0, 100, size - 8, size / 2, size / 2 + 4096] {
            let from = usize::try_from(at).unwrap();
            assert_eq!(reader.read(at, 8).unwrap(), content[from..from + 8]);
        }
        assert!(matches!(reader.read(size - 1, 2), Err(Unread::Because(_))));
        assert_eq!(fetched, 1);
    }

    #[test]
    fn a_marker_is_found_across_pieces() {
        let mut content = vec![0; 1000];
        content[33..47].copy_from_slice(GO_MARKER);
        content[640..654].copy_from_slice(GO_MARKER);
        for piece in [1, 7, 40, 1000] {
            assert_eq!(survey(&content, piece).markers, [33, 640], "{piece}");
        }
    }
}
