//! ZIP archives in which every field can be wrong on its own.

use std::io::Write as _;

/// A member, its local header and its central one.
#[derive(Clone)]
pub(crate) struct RawMember {
    /// What is stored, compressed or not.
    pub(crate) data: Vec<u8>,
    pub(crate) local: Header,
    pub(crate) central: Header,
    /// The comment in the central directory.
    pub(crate) comment: &'static [u8],
    /// Where the central directory says that the local header is.
    pub(crate) offset: Option<u32>,
    pub(crate) without_local: bool,
    pub(crate) without_central: bool,
}

/// What both headers have.
#[derive(Clone)]
pub(crate) struct Header {
    pub(crate) name: Vec<u8>,
    pub(crate) extra: Vec<u8>,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc32: u32,
    pub(crate) compressed: u32,
    pub(crate) size: u32,
}

impl RawMember {
    pub(crate) fn stored(name: &str, content: &[u8]) -> Self {
        Self::new(name, content, content.to_vec(), 0)
    }

    pub(crate) fn deflated(name: &str, content: &[u8]) -> Self {
        let mut encoder =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(6));
        encoder.write_all(content).unwrap();
        Self::new(name, content, encoder.finish().unwrap(), 8)
    }

    fn new(name: &str, content: &[u8], data: Vec<u8>, method: u16) -> Self {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let header = Header {
            name: name.into(),
            extra: Vec::new(),
            flags: 0,
            method,
            crc32: crc.sum(),
            compressed: u32::try_from(data.len()).unwrap(),
            size: u32::try_from(content.len()).unwrap(),
        };
        Self {
            data,
            local: header.clone(),
            central: header,
            comment: b"",
            offset: None,
            without_local: false,
            without_central: false,
        }
    }

    /// Changes both headers.
    pub(crate) fn both(&mut self, change: impl Fn(&mut Header)) {
        change(&mut self.local);
        change(&mut self.central);
    }
}

/// An archive, and what is put between its records.
#[derive(Clone, Default)]
pub(crate) struct RawZip {
    pub(crate) members: Vec<RawMember>,
    pub(crate) before: &'static [u8],
    pub(crate) between: &'static [u8],
    pub(crate) before_end: &'static [u8],
    pub(crate) behind: &'static [u8],
    pub(crate) comment: &'static [u8],
    pub(crate) count: Option<u16>,
    pub(crate) directory_offset: Option<u32>,
    /// Adds ZIP64 records, with so many bytes of extensible data.
    pub(crate) zip64: Option<usize>,
}

impl RawZip {
    pub(crate) fn new(members: Vec<RawMember>) -> Self {
        Self {
            members,
            ..Self::default()
        }
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        let mut out = self.before.to_vec();
        let mut directory = Vec::new();
        let mut count = 0;
        for member in &self.members {
            let offset = u32::try_from(out.len()).unwrap();
            if !member.without_local {
                out.extend_from_slice(b"PK\x03\x04\x14\0");
                member.local.write(&mut out);
                out.extend_from_slice(&member.local.name);
                out.extend_from_slice(&member.local.extra);
                out.extend_from_slice(&member.data);
            }
            if !member.without_central {
                count += 1;
                directory.extend_from_slice(b"PK\x01\x02\x14\x03\x14\0");
                member.central.write(&mut directory);
                directory
                    .extend_from_slice(&u16::try_from(member.comment.len()).unwrap().to_le_bytes());
                directory.extend_from_slice(&[0; 8]);
                directory.extend_from_slice(&member.offset.unwrap_or(offset).to_le_bytes());
                directory.extend_from_slice(&member.central.name);
                directory.extend_from_slice(&member.central.extra);
                directory.extend_from_slice(member.comment);
            }
        }
        out.extend_from_slice(self.between);
        let offset = self
            .directory_offset
            .unwrap_or(u32::try_from(out.len()).unwrap());
        out.extend_from_slice(&directory);
        out.extend_from_slice(self.before_end);
        let size = u32::try_from(directory.len()).unwrap();
        let count = self.count.unwrap_or(count);
        if let Some(extensible) = self.zip64 {
            let at = out.len() as u64;
            out.extend_from_slice(b"PK\x06\x06");
            out.extend_from_slice(&(44 + extensible as u64).to_le_bytes());
            out.extend_from_slice(&[45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            for number in [
                count.into(),
                count.into(),
                u64::from(size),
                u64::from(offset),
            ] {
                out.extend_from_slice(&number.to_le_bytes());
            }
            out.resize(out.len() + extensible, 0);
            out.extend_from_slice(b"PK\x06\x07\0\0\0\0");
            out.extend_from_slice(&at.to_le_bytes());
            out.extend_from_slice(&1_u32.to_le_bytes());
        }
        out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        out.extend_from_slice(&count.to_le_bytes());
        out.extend_from_slice(&count.to_le_bytes());
        out.extend_from_slice(&size.to_le_bytes());
        out.extend_from_slice(&offset.to_le_bytes());
        out.extend_from_slice(&u16::try_from(self.comment.len()).unwrap().to_le_bytes());
        out.extend_from_slice(self.comment);
        out.extend_from_slice(self.behind);
        out
    }
}

impl Header {
    /// Writes the fields that both headers have in the same order.
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.flags.to_le_bytes());
        out.extend_from_slice(&self.method.to_le_bytes());
        out.extend_from_slice(&[0, 0, 0x21, 0x5c]);
        out.extend_from_slice(&self.crc32.to_le_bytes());
        out.extend_from_slice(&self.compressed.to_le_bytes());
        out.extend_from_slice(&self.size.to_le_bytes());
        out.extend_from_slice(&u16::try_from(self.name.len()).unwrap().to_le_bytes());
        out.extend_from_slice(&u16::try_from(self.extra.len()).unwrap().to_le_bytes());
    }
}
