//! Tar archives whose headers may claim anything.

/// Returns `content` compressed with gzip.
pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A tar member, to be written as it is.
#[derive(Clone, Copy)]
pub(crate) struct TarMember<'a> {
    /// The type flag.
    pub(crate) kind: u8,
    /// The name.
    pub(crate) name: &'a str,
    /// The link's target.
    pub(crate) link: &'a str,
    /// The content.
    pub(crate) content: &'a [u8],
    /// The size that the header claims, when it is not the content's.
    pub(crate) size: Option<u64>,
}

impl<'a> TarMember<'a> {
    pub(crate) const fn new(kind: u8, name: &'a str, content: &'a [u8]) -> Self {
        Self {
            kind,
            name,
            link: "",
            content,
            size: None,
        }
    }

    pub(crate) const fn file(name: &'a str, content: &'a [u8]) -> Self {
        Self::new(b'0', name, content)
    }

    pub(crate) const fn link(kind: u8, name: &'a str, link: &'a str) -> Self {
        Self {
            kind,
            name,
            link,
            content: b"",
            size: None,
        }
    }
}

/// Returns a tar archive of files.
pub(crate) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let members: Vec<_> = files
        .iter()
        .map(|(name, content)| TarMember::file(name, content))
        .collect();
    raw_tar(&members)
}

/// Returns a tar archive of members, whatever they claim.
pub(crate) fn raw_tar(members: &[TarMember<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for member in members {
        let mut header = tar::Header::new_ustar();
        let old = header.as_old_mut();
        old.name[..member.name.len()].copy_from_slice(member.name.as_bytes());
        old.linkname[..member.link.len()].copy_from_slice(member.link.as_bytes());
        old.linkflag = [member.kind];
        header.set_size(member.size.unwrap_or(member.content.len() as u64));
        header.set_mode(0o644);
        header.set_cksum();
        out.extend_from_slice(header.as_bytes());
        out.extend_from_slice(member.content);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}
