//! Programs with sections, as compilers write them, and what goes into these.

use std::io::Write as _;

/// Returns `content` compressed with zlib.
pub(crate) fn zlib(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// Returns what Go's linker tells: the version and the lines.
pub(crate) fn go_build_info(version: &str, lines: &str) -> Vec<u8> {
    let mut out = b"\xff Go buildinf:".to_vec();
    out.extend_from_slice(&[8, 2]);
    out.resize(32, 0);
    let framed = format!("{}{lines}{}", "0".repeat(16), "1".repeat(16));
    for text in [version, &framed] {
        let mut length = text.len();
        while length >= 0x80 {
            out.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        out.push(u8::try_from(length).unwrap());
        out.extend_from_slice(text.as_bytes());
    }
    out
}

/// Bytes between the headers and a section, which are some instructions.
#[derive(Clone, Copy)]
pub(crate) struct Code(pub(crate) usize);

/// Returns an ELF64 program for `x86_64`: code, the sections, more code, and the
/// table of sections at the end.
pub(crate) fn elf_with(sections: &[(&str, &[u8])], code: Code) -> Vec<u8> {
    let mut out = super::elf(62);
    out.resize(64 + code.0, 0x90);
    let mut names = b"\0.shstrtab\0".to_vec();
    let mut headers = vec![0; 64];
    let mut header = |name: usize, offset: usize, size: usize| {
        let mut one = vec![0; 64];
        one[..4].copy_from_slice(&u32::try_from(name).unwrap().to_le_bytes());
        one[4] = 1;
        one[24..32].copy_from_slice(&(offset as u64).to_le_bytes());
        one[32..40].copy_from_slice(&(size as u64).to_le_bytes());
        headers.extend_from_slice(&one);
    };
    for (name, content) in sections {
        out.resize(out.len().next_multiple_of(16), 0);
        header(names.len(), out.len(), content.len());
        names.extend_from_slice(name.as_bytes());
        names.push(0);
        out.extend_from_slice(content);
    }
    out.resize(out.len() + code.0, 0x90);
    header(1, out.len(), names.len());
    let count = u16::try_from(sections.len() + 2).unwrap();
    out.extend_from_slice(&names);
    let at = out.len() as u64;
    out.extend_from_slice(&headers);
    out[40..48].copy_from_slice(&at.to_le_bytes());
    out[58..60].copy_from_slice(&64_u16.to_le_bytes());
    out[60..62].copy_from_slice(&count.to_le_bytes());
    out[62..64].copy_from_slice(&(count - 1).to_le_bytes());
    out
}

/// Returns a 64-bit Mach-O program with one writable segment.
pub(crate) fn macho_with(cpu: u32, sections: &[(&str, &[u8])], code: Code) -> Vec<u8> {
    let mut out = super::macho(cpu);
    let size = u32::try_from(72 + 80 * sections.len()).unwrap();
    out[16..20].copy_from_slice(&1_u32.to_le_bytes());
    out[20..24].copy_from_slice(&size.to_le_bytes());
    let mut segment = 0x19_u32.to_le_bytes().to_vec();
    segment.extend_from_slice(&size.to_le_bytes());
    segment.extend_from_slice(b"__DATA\0\0\0\0\0\0\0\0\0\0");
    segment.resize(56, 0);
    segment.extend_from_slice(&3_u32.to_le_bytes());
    segment.extend_from_slice(&3_u32.to_le_bytes());
    segment.extend_from_slice(&u32::try_from(sections.len()).unwrap().to_le_bytes());
    segment.resize(72, 0);
    let mut content = Vec::new();
    let start = (out.len() + size as usize).next_multiple_of(16) + code.0;
    for (name, bytes) in sections {
        content.resize(content.len().next_multiple_of(16), 0);
        let mut header = name.as_bytes().to_vec();
        header.resize(16, 0);
        header.extend_from_slice(b"__DATA\0\0\0\0\0\0\0\0\0\0");
        header.resize(40, 0);
        header.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        let offset = u32::try_from(start + content.len()).unwrap();
        header.extend_from_slice(&offset.to_le_bytes());
        header.resize(80, 0);
        segment.extend_from_slice(&header);
        content.extend_from_slice(bytes);
    }
    out.extend_from_slice(&segment);
    out.resize(start, 0x90);
    out.extend_from_slice(&content);
    out
}

/// Returns a universal Mach-O of some programs.
pub(crate) fn universal_of(slices: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let cpus: Vec<u32> = slices.iter().map(|(cpu, _)| *cpu).collect();
    let mut out = super::universal(&cpus);
    for (index, (_, slice)) in slices.iter().enumerate() {
        out.resize(out.len().next_multiple_of(4096), 0);
        let offset = u32::try_from(out.len()).unwrap().to_be_bytes();
        let size = u32::try_from(slice.len()).unwrap().to_be_bytes();
        let header = 8 + 20 * index;
        out[header + 8..header + 12].copy_from_slice(&offset);
        out[header + 12..header + 16].copy_from_slice(&size);
        out.extend_from_slice(slice);
    }
    out
}

/// Returns a PE program for `x86_64` with writable sections.
pub(crate) fn pe_with(sections: &[(&str, &[u8])], code: Code) -> Vec<u8> {
    let mut out = super::pe(0x8664);
    // The table of sections begins where the headers say that they end.
    out.truncate(64 + 24 + 112);
    let count = u16::try_from(sections.len()).unwrap();
    out[70..72].copy_from_slice(&count.to_le_bytes());
    let start = (out.len() + 40 * sections.len()).next_multiple_of(512) + code.0;
    let mut content = Vec::new();
    for (name, bytes) in sections {
        content.resize(content.len().next_multiple_of(512), 0);
        let mut header = name.as_bytes().to_vec();
        header.resize(16, 0);
        let size = bytes.len().next_multiple_of(512);
        for number in [size, start + content.len()] {
            header.extend_from_slice(&u32::try_from(number).unwrap().to_le_bytes());
        }
        header.resize(36, 0);
        header.extend_from_slice(&0xc000_0040_u32.to_le_bytes());
        out.extend_from_slice(&header);
        content.extend_from_slice(bytes);
        content.resize(content.len().next_multiple_of(512), 0);
    }
    out.resize(start, 0x90);
    out.extend_from_slice(&content);
    out
}
