//! The sections of machine code, found without reading the code.

use std::ops::Range;

use object::read::elf::{FileHeader, SectionHeader as _};
use object::read::macho::{
    FatArch, LoadCommandVariant, MachHeader, MachOFatFile32, MachOFatFile64, Section as _, Segment,
};
use object::read::pe::ImageNtHeaders;
use object::{Endianness, FileKind, LittleEndian as LE, elf, macho, pe, pod};

use super::binary::{Reader, Unread};

/// One section that has bytes in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) name: Vec<u8>,
    /// Where it is in the file.
    pub(super) range: Range<u64>,
    /// Whether the program writes to it when it runs.
    pub(super) writable: bool,
}

/// Bytes at the start of a program in which the headers of PE, and the table of
/// a universal Mach-O, are looked for.
const HEADERS: u64 = 16 << 10;
/// Bytes of a table of sections, of their names, and of load commands.
const TABLE: u64 = 1 << 20;
/// Slices of a universal Mach-O that are looked into.
const SLICES: usize = 8;

/// Returns the sections of a program: one list, or one for each slice of a
/// universal Mach-O.
pub(super) fn of(reader: &mut Reader<'_>) -> Result<Vec<Vec<Section>>, Unread> {
    let head = reader.read(0, HEADERS.min(reader.binary.size))?;
    let one = match FileKind::parse(head.as_slice())? {
        FileKind::Elf32 => of_elf::<elf::FileHeader32<Endianness>>(reader, &head)?,
        FileKind::Elf64 => of_elf::<elf::FileHeader64<Endianness>>(reader, &head)?,
        FileKind::Pe32 => of_pe::<pe::ImageNtHeaders32>(&head)?,
        FileKind::Pe64 => of_pe::<pe::ImageNtHeaders64>(&head)?,
        FileKind::MachO32 | FileKind::MachO64 => of_macho(reader, 0)?,
        FileKind::MachOFat32 => {
            let file = MachOFatFile32::parse(head.as_slice())?;
            let offsets = file.arches().iter().map(|arch| arch.offset().into());
            return of_slices(reader, offsets.collect());
        }
        FileKind::MachOFat64 => {
            let file = MachOFatFile64::parse(head.as_slice())?;
            let offsets = file.arches().iter().map(FatArch::offset);
            return of_slices(reader, offsets.collect());
        }
        _ => return Err(Unread::Because("its container is not known")),
    };
    Ok(vec![one])
}

fn of_slices(reader: &mut Reader<'_>, offsets: Vec<u64>) -> Result<Vec<Vec<Section>>, Unread> {
    if offsets.len() > SLICES {
        return Err(Unread::Because("it has too many slices"));
    }
    let slices = offsets.into_iter().map(|offset| of_macho(reader, offset));
    slices.collect()
}

fn of_elf<E: FileHeader<Endian = Endianness>>(
    reader: &mut Reader<'_>,
    head: &[u8],
) -> Result<Vec<Section>, Unread> {
    let header = E::parse(head)?;
    let endian = header.endian()?;
    let count = usize::from(header.e_shnum(endian));
    let size = (count * size_of::<E::SectionHeader>()) as u64;
    if size == 0 || size > TABLE {
        return Err(Unread::Because(
            "its table of sections is absent or too large",
        ));
    }
    let table = reader.read(header.e_shoff(endian).into(), size)?;
    let malformed = |()| Unread::Because("its table of sections is malformed");
    let (sections, _) =
        pod::slice_from_bytes::<E::SectionHeader>(&table, count).map_err(malformed)?;
    let Some(names) = sections.get(usize::from(header.e_shstrndx(endian).0)) else {
        return Err(Unread::Because("its sections have no names"));
    };
    let size = names.sh_size(endian).into().min(TABLE);
    let names = reader.read(names.sh_offset(endian).into(), size)?;
    let of = |section: &E::SectionHeader| {
        let start = section.sh_offset(endian).into();
        let name = names
            .get(section.sh_name(endian) as usize..)
            .unwrap_or_default();
        Section {
            name: until_zero(name).to_vec(),
            range: start..start.saturating_add(section.sh_size(endian).into()),
            writable: section.sh_flags(endian).contains(elf::SHF_WRITE),
        }
    };
    let in_file = |section: &&E::SectionHeader| section.sh_type(endian) != elf::SHT_NOBITS;
    Ok(sections.iter().filter(in_file).map(of).collect())
}

fn of_pe<P: ImageNtHeaders>(head: &[u8]) -> Result<Vec<Section>, Unread> {
    let dos = pe::ImageDosHeader::parse(head)?;
    let mut offset = dos.nt_headers_offset().into();
    let (headers, _) = P::parse(head, &mut offset)?;
    let sections = headers.sections(head, offset)?;
    let of = |section: &pe::ImageSectionHeader| {
        let start = u64::from(section.pointer_to_raw_data.get(LE));
        let size = u64::from(section.size_of_raw_data.get(LE));
        Section {
            name: until_zero(&section.name).to_vec(),
            range: start..start + size,
            writable: section
                .characteristics
                .get(LE)
                .contains(pe::IMAGE_SCN_MEM_WRITE | pe::IMAGE_SCN_CNT_INITIALIZED_DATA),
        }
    };
    Ok(sections.iter().map(of).collect())
}

/// Reads the Mach-O that begins at `base`, which is not 0 in a universal one.
fn of_macho(reader: &mut Reader<'_>, base: u64) -> Result<Vec<Section>, Unread> {
    let fixed = size_of::<macho::MachHeader64<Endianness>>() as u64;
    let head = reader.read(base, fixed)?;
    if matches!(FileKind::parse(head.as_slice())?, FileKind::MachO32) {
        of_commands::<macho::MachHeader32<Endianness>>(reader, base, &head)
    } else {
        of_commands::<macho::MachHeader64<Endianness>>(reader, base, &head)
    }
}

fn of_commands<M: MachHeader<Endian = Endianness>>(
    reader: &mut Reader<'_>,
    base: u64,
    head: &[u8],
) -> Result<Vec<Section>, Unread> {
    let header = M::parse(head, 0)?;
    let endian = header.endian()?;
    let size = u64::from(header.sizeofcmds(endian));
    if size > TABLE {
        return Err(Unread::Because("its load commands are too large"));
    }
    let bytes = reader.read(base, size_of::<M>() as u64 + size)?;
    let mut commands = header.load_commands(endian, bytes.as_slice(), 0)?;
    let mut out = Vec::new();
    while let Some(command) = commands.next()? {
        match command.variant()? {
            LoadCommandVariant::Segment32(segment, data) => {
                out.extend(of_segment(segment, endian, data, base)?);
            }
            LoadCommandVariant::Segment64(segment, data) => {
                out.extend(of_segment(segment, endian, data, base)?);
            }
            _ => {}
        }
    }
    Ok(out)
}

fn of_segment<S: Segment<Endian = Endianness>>(
    segment: &S,
    endian: Endianness,
    data: &[u8],
    base: u64,
) -> Result<Vec<Section>, Unread> {
    let writable = segment.initprot(endian).contains(macho::VM_PROT_WRITE);
    let of = |section: &S::Section| {
        let start = base + u64::from(section.offset(endian));
        let size = section.file_size(endian)?;
        Some(Section {
            name: until_zero(section.sectname()).to_vec(),
            range: start..start.saturating_add(size),
            writable,
        })
    };
    Ok(segment
        .sections(endian, data)?
        .iter()
        .filter_map(of)
        .collect())
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    &bytes[..end]
}
