//! Tar archives, walked as a stream under limits.
//!
//! Reads ustar, GNU and pax archives (POSIX.1-2017, `pax`, "ustar Interchange
//! Format"). Extension headers are read here and not by the `tar` crate,
//! because their size is a stranger's choice; the crate reads the fields of a
//! header.

use std::io::{self, Read};
use std::ops::Range;

use tar::{EntryType, Header};

use crate::Limits;
use crate::fault::{Fault, quoted};
use crate::path;

/// One member.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) kind: MemberKind,
    pub(crate) size: u64,
}

/// What a member is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum MemberKind {
    File,
    /// A file stored without its holes, which not every reader fills in alike.
    Sparse,
    Folder,
    /// A symbolic link, to a path seen from the member's folder.
    Symlink(String),
    /// Another name for a member, by its path in the archive.
    Hardlink(String),
}

/// Bytes of a block: headers and contents are padded to it.
const BLOCK: usize = 512;

/// A walk over the members of an archive.
pub(crate) struct Walk<'l, R> {
    reader: R,
    limits: &'l Limits,
    /// Bytes of the current member that were not read, and its padding.
    left: u64,
    padding: u64,
    pub(crate) members: u64,
    ended: bool,
}

/// What extension headers say of the next member.
#[derive(Default)]
struct Extension {
    path: Option<String>,
    link: Option<String>,
    size: Option<String>,
    sparse: bool,
}

impl<'l, R: Read> Walk<'l, R> {
    pub(crate) fn new(reader: R, limits: &'l Limits) -> Self {
        Self {
            reader,
            limits,
            left: 0,
            padding: 0,
            members: 0,
            ended: false,
        }
    }

    /// Returns the next member, or `None` behind the last one, when everything
    /// was read to the end.
    pub(crate) fn next(&mut self) -> Result<Option<Member>, Fault> {
        if self.ended {
            return Ok(None);
        }
        let mut extension = Extension::default();
        for _ in 0..=self.limits.tar_extensions {
            let Some(block) = self.header()? else {
                self.ended = true;
                return Ok(None);
            };
            let header = Header::from_byte_slice(&block);
            if !self.extend(&mut extension, header)? {
                return self.member(header, extension).map(Some);
            }
        }
        Err(Fault::hostile(
            "has too many extension headers before one member",
        ))
    }

    /// Reads the rest of the current member, of at most `limit` bytes.
    pub(crate) fn content(&mut self, limit: u64) -> Result<Vec<u8>, Fault> {
        if self.left > limit {
            let reason = format!(
                "has a member of {} bytes where at most {limit} are allowed",
                self.left
            );
            return Err(Fault::hostile(reason));
        }
        let mut out = Vec::new();
        let left = self.left;
        if Read::take(&mut self.reader, left).read_to_end(&mut out)? as u64 != left {
            return Err(truncated());
        }
        self.left = 0;
        Ok(out)
    }

    /// Reads up to `limit` bytes of the rest of the current member.
    pub(crate) fn head(&mut self, limit: usize) -> Result<Vec<u8>, Fault> {
        let count = self.left.min(limit as u64);
        self.range(0..count)
    }

    /// Reads some bytes of the rest of the current member, and skips those before.
    pub(crate) fn range(&mut self, range: Range<u64>) -> Result<Vec<u8>, Fault> {
        let count = range.end.saturating_sub(range.start);
        if range.end > self.left {
            return Err(truncated());
        }
        let skipped = &mut Read::take(&mut self.reader, range.start);
        let skipped = io::copy(skipped, &mut io::sink())?;
        let mut out = Vec::new();
        let read = Read::take(&mut self.reader, count).read_to_end(&mut out)? as u64;
        self.left -= skipped + read;
        if (skipped, read) == (range.start, count) {
            Ok(out)
        } else {
            Err(truncated())
        }
    }

    /// Hands the rest of the current member to `sink`, piece by piece.
    pub(crate) fn stream(&mut self, sink: &mut dyn FnMut(&[u8])) -> Result<(), Fault> {
        while self.left > 0 {
            sink(&self.head(64 << 10)?);
        }
        Ok(())
    }

    /// Skips to the next header and reads it; `None` at the end of the archive.
    fn header(&mut self) -> Result<Option<[u8; BLOCK]>, Fault> {
        let skipped = self.left + self.padding;
        if io::copy(&mut Read::take(&mut self.reader, skipped), &mut io::sink())? != skipped {
            return Err(truncated());
        }
        (self.left, self.padding) = (0, 0);
        let mut block = [0; BLOCK];
        match read_block(&mut self.reader, &mut block)? {
            // An archive without the two blocks of zeros at its end is common enough.
            0 => Ok(None),
            BLOCK if block == [0; BLOCK] => self.end().map(|()| None),
            BLOCK if is_header(&block) => Ok(Some(block)),
            BLOCK => Err(Fault::hostile(
                "is a damaged tar archive: a header's checksum is wrong",
            )),
            _ => Err(truncated()),
        }
    }

    /// Checks that only zeros follow: some readers stop here, some go on.
    fn end(&mut self) -> Result<(), Fault> {
        let mut buffer = [0; 8192];
        loop {
            let count = self.reader.read(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            if buffer[..count].iter().any(|&b| b != 0) {
                return Err(Fault::hostile("has data behind the end of its tar archive"));
            }
        }
    }

    /// Takes an extension header in; false when `header` is a member's.
    fn extend(&mut self, extension: &mut Extension, header: &Header) -> Result<bool, Fault> {
        match header.entry_type() {
            EntryType::GNULongName => extension.path = Some(self.long_name(header)?),
            EntryType::GNULongLink => extension.link = Some(self.long_name(header)?),
            EntryType::XHeader => self.pax(header, extension)?,
            EntryType::XGlobalHeader => {
                let mut global = Extension::default();
                self.pax(header, &mut global)?;
                if global.path.is_some() || global.link.is_some() || global.size.is_some() {
                    return Err(Fault::hostile("has one path or size for all its members"));
                }
                extension.sparse |= global.sparse;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn long_name(&mut self, header: &Header) -> Result<String, Fault> {
        let bytes = self.extension_bytes(header)?;
        let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
        Ok(String::from_utf8_lossy(&bytes[..end]).into_owned())
    }

    fn pax(&mut self, header: &Header, extension: &mut Extension) -> Result<(), Fault> {
        let bytes = self.extension_bytes(header)?;
        for (key, value) in pax_records(&bytes)? {
            let value = String::from_utf8_lossy(value).into_owned();
            match key {
                b"path" => extension.path = Some(value),
                b"linkpath" => extension.link = Some(value),
                b"size" => extension.size = Some(value),
                _ if key.starts_with(b"GNU.sparse") || key.starts_with(b"SUN.holesdata") => {
                    extension.sparse = true;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn extension_bytes(&mut self, header: &Header) -> Result<Vec<u8>, Fault> {
        self.enter(header)?;
        if self.left > self.limits.tar_extension {
            let reason = format!("has a tar extension header of {} bytes", self.left);
            return Err(Fault::hostile(reason));
        }
        self.content(self.limits.tar_extension)
    }

    /// Makes the content behind `header` the current one.
    fn enter(&mut self, header: &Header) -> Result<(), Fault> {
        let size = header
            .entry_size()
            .map_err(|_| Fault::hostile("is a damaged tar archive: a size is no number"))?;
        let padded = size.checked_next_multiple_of(BLOCK as u64);
        let Some(padded) = padded.filter(|_| size <= self.limits.unpacked) else {
            return Err(Fault::hostile(format!("has a member of {size} bytes")));
        };
        self.left = size;
        self.padding = padded - size;
        Ok(())
    }

    fn member(&mut self, header: &Header, extension: Extension) -> Result<Member, Fault> {
        let name = self.name(header, extension.path)?;
        self.enter(header)?;
        let two_sizes = |size: String| size != self.left.to_string();
        if extension.size.is_some_and(two_sizes) {
            let reason = format!("says two sizes for the member {}", quoted(&name));
            return Err(Fault::hostile(reason));
        }
        let link = || {
            let short = header.link_name_bytes().unwrap_or_default();
            extension.link.unwrap_or_else(|| lossy(&short))
        };
        let kind = match header.entry_type() {
            EntryType::Regular | EntryType::Continuous if extension.sparse => MemberKind::Sparse,
            // Before ustar, a folder was a file whose name ends in a slash.
            EntryType::Regular if name.ends_with('/') => MemberKind::Folder,
            EntryType::Regular | EntryType::Continuous => MemberKind::File,
            EntryType::Directory => MemberKind::Folder,
            EntryType::Symlink => MemberKind::Symlink(link()),
            EntryType::Link => MemberKind::Hardlink(link()),
            EntryType::GNUSparse => {
                self.skip_sparse_maps(header)?;
                MemberKind::Sparse
            }
            other => return Err(Fault::hostile(describe_odd(other, &name))),
        };
        if matches!(
            kind,
            MemberKind::Symlink(_) | MemberKind::Hardlink(_) | MemberKind::Folder
        ) {
            self.refuse_content(&name)?;
        }
        Ok(Member {
            name,
            kind,
            size: self.left,
        })
    }

    /// Counts the next member and returns its name, if it may have it.
    fn name(&mut self, header: &Header, long: Option<String>) -> Result<String, Fault> {
        self.members += 1;
        if self.members > self.limits.members {
            let reason = format!("has more than {} members", self.limits.members);
            return Err(Fault::hostile(reason));
        }
        let name = long.unwrap_or_else(|| lossy(&header.path_bytes()));
        if name.len() > self.limits.member_name {
            let reason = format!("has a member with a name of {} bytes", name.len());
            return Err(Fault::hostile(reason));
        }
        if let Some(why) = path::why_unsafe(&name) {
            let reason = format!("has the member {}, whose path {why}", quoted(&name));
            return Err(Fault::hostile(reason));
        }
        Ok(name)
    }

    /// Refuses content behind a link or a folder: some readers skip it, some do not.
    fn refuse_content(&self, name: &str) -> Result<(), Fault> {
        if self.left == 0 {
            return Ok(());
        }
        let reason = format!("has content behind the link or folder {}", quoted(name));
        Err(Fault::hostile(reason))
    }

    /// Skips the blocks in which GNU tar continues a map of holes.
    fn skip_sparse_maps(&mut self, header: &Header) -> Result<(), Fault> {
        let mut more = header.as_gnu().is_some_and(tar::GnuHeader::is_extended);
        while more {
            let mut block = [0; BLOCK];
            if read_block(&mut self.reader, &mut block)? != BLOCK {
                return Err(truncated());
            }
            more = block[504] == 1;
        }
        Ok(())
    }
}

/// Tells whether a file's first bytes are a tar header: its checksum is right.
pub(crate) fn is_header(prefix: &[u8]) -> bool {
    let Some(block) = prefix.get(..BLOCK) else {
        return false;
    };
    // The checksum's own field counts as blanks.
    let sum = |bytes: &[u8]| bytes.iter().map(|&b| u32::from(b)).sum::<u32>();
    let expected = sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..]);
    let blank = block.iter().all(|&b| b == 0);
    !blank
        && Header::from_byte_slice(block)
            .cksum()
            .is_ok_and(|found| found == expected)
}

fn read_block(reader: &mut impl Read, block: &mut [u8; BLOCK]) -> io::Result<usize> {
    let mut count = 0;
    while count < BLOCK {
        match reader.read(&mut block[count..])? {
            0 => break,
            n => count += n,
        }
    }
    Ok(count)
}

/// A key and its value.
type PaxRecord<'a> = (&'a [u8], &'a [u8]);

/// Splits pax records: `LENGTH KEY=VALUE\n`, where the length counts all of it.
fn pax_records(mut bytes: &[u8]) -> Result<Vec<PaxRecord<'_>>, Fault> {
    let malformed = || Fault::hostile("has a malformed pax header");
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let space = bytes
            .iter()
            .take(8)
            .position(|&b| b == b' ')
            .ok_or_else(malformed)?;
        let length = std::str::from_utf8(&bytes[..space])
            .ok()
            .and_then(|text| text.parse().ok());
        let record = length
            .and_then(|length: usize| bytes.get(space + 1..length))
            .ok_or_else(malformed)?;
        let record_end = space + 1 + record.len();
        let pair = record.strip_suffix(b"\n").ok_or_else(malformed)?;
        let equals = pair.iter().position(|&b| b == b'=').ok_or_else(malformed)?;
        records.push((&pair[..equals], &pair[equals + 1..]));
        bytes = &bytes[record_end..];
    }
    Ok(records)
}

fn describe_odd(kind: EntryType, name: &str) -> String {
    let what = match kind {
        EntryType::Char | EntryType::Block => "a device",
        EntryType::Fifo => "a named pipe",
        _ => "of an unknown kind",
    };
    format!("has the member {}, which is {what}", quoted(name))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn truncated() -> Fault {
    Fault::hostile("is a damaged tar archive: it ends too early")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{self, TarMember};

    fn walk(bytes: &[u8], limits: &Limits) -> Result<Vec<String>, String> {
        let mut walk = Walk::new(bytes, limits);
        let mut names = Vec::new();
        loop {
            match walk.next() {
                Ok(Some(member)) => names.push(member.name),
                Ok(None) => return Ok(names),
                Err(Fault::Content(_, reason)) => return Err(reason),
                Err(Fault::Read(error)) => panic!("{error}"),
            }
        }
    }

    fn refusal(members: &[TarMember<'_>]) -> String {
        walk(&samples::raw_tar(members), &Limits::default()).unwrap_err()
    }

    #[test]
    fn long_names_of_both_kinds_are_read() {
        let long = "long/".repeat(40) + "name";
        let pax = format!("{} path={long}\n", long.len() + 10);
        let gnu = format!("{long}\0");
        for (kind, content) in [(b'x', pax), (b'L', gnu)] {
            let members = [
                TarMember::new(kind, "ext", content.as_bytes()),
                TarMember::new(b'0', "short", b"x"),
            ];
            assert_eq!(
                walk(&samples::raw_tar(&members), &Limits::default()),
                Ok(vec![long.clone()])
            );
        }
    }

    #[test]
    fn hostile_members_are_refused_by_name() {
        let one = |kind, name, content| refusal(&[TarMember::new(kind, name, content)]);
        assert_eq!(
            one(b'0', "../x", b""),
            "has the member `../x`, whose path leaves the archive"
        );
        assert_eq!(
            one(b'0', "/x", b""),
            "has the member `/x`, whose path is absolute"
        );
        assert_eq!(
            one(b'3', "tty", b""),
            "has the member `tty`, which is a device"
        );
        assert_eq!(
            one(b'6', "pipe", b""),
            "has the member `pipe`, which is a named pipe"
        );
        assert_eq!(
            one(b'2', "link", b"x"),
            "has content behind the link or folder `link`"
        );
        assert_eq!(
            one(b'x', "ext", b"99 path=a\n"),
            "has a malformed pax header"
        );
        assert_eq!(
            one(b'g', "ext", b"8 path=\n"),
            "has one path or size for all its members"
        );
        let two = [
            TarMember::new(b'x', "ext", b"10 size=9\n"),
            TarMember::new(b'0', "a", b"x"),
        ];
        assert_eq!(refusal(&two), "says two sizes for the member `a`");
        let many = [const { TarMember::new(b'L', "ext", b"a\0") }; 9];
        assert_eq!(
            refusal(&many),
            "has too many extension headers before one member"
        );
    }

    #[test]
    fn a_claim_of_size_costs_nothing() {
        let limits = Limits::default();
        let huge = TarMember {
            size: Some(1 << 32),
            ..TarMember::new(b'x', "ext", b"")
        };
        assert_eq!(
            walk(&samples::raw_tar(&[huge]), &limits).unwrap_err(),
            "has a tar extension header of 4294967296 bytes"
        );
        let huge = TarMember {
            size: Some(1 << 32),
            ..TarMember::new(b'0', "a", b"")
        };
        assert_eq!(
            walk(&samples::raw_tar(&[huge]), &limits).unwrap_err(),
            "is a damaged tar archive: it ends too early"
        );
    }

    #[test]
    fn what_follows_the_end_must_be_zeros() {
        let limits = Limits::default();
        let mut bytes = samples::tar(&[("a", b"x")]);
        bytes.extend_from_slice(&[0; 10_000]);
        assert_eq!(walk(&bytes, &limits), Ok(vec!["a".to_owned()]));
        bytes.push(1);
        assert_eq!(
            walk(&bytes, &limits).unwrap_err(),
            "has data behind the end of its tar archive"
        );
    }
}
