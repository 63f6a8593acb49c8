//! Machine code: which container and which architectures, from its first bytes.
//!
//! Only headers are read, with the types of the `object` crate. Architectures
//! are named as target triples begin (`x86_64`, `aarch64`, `i686`, `arm`, …).

use object::read::elf::FileHeader as _;
use object::read::macho::{FatArch as _, MachHeader as _, MachOFatFile32, MachOFatFile64};
use object::{BigEndian, Endianness, FileKind, LittleEndian as LE, elf, macho, pe};

use relpub_model::blocker::Code;
use relpub_model::config::Kind;
use relpub_model::findings::{Facts, Program, ProgramFormat};

use crate::fault::Fault;
use crate::{Identified, Subject};

/// Judges a program or a library against the target it is for.
pub(crate) fn examine(subject: &Subject<'_>, found: &Identified) -> Result<Facts, Fault> {
    let program = match (subject.kind, found) {
        (_, Identified::Program(program))
        | (Kind::Library, Identified::StaticLibrary(Some(program))) => program,
        // What has no architecture fits everywhere.
        (Kind::Library, Identified::StaticLibrary(None)) | (Kind::Binary, Identified::Script) => {
            return Ok(Facts::Other);
        }
        (_, Identified::Wasm)
            if subject
                .target
                .is_none_or(|target| target.starts_with("wasm")) =>
        {
            return Ok(Facts::Other);
        }
        (kind, _) => {
            let expected = if kind == Kind::Binary {
                "a program"
            } else {
                "a library"
            };
            let reason = format!("is {found}, not {expected}");
            return Err(Fault::content(Code::NotWhatItSays, reason));
        }
    };
    if let Some(target) = subject.target
        && !fits_target(program, target)
    {
        let reason = format!("is {found}, not one for {target}");
        return Err(Fault::content(Code::NotWhatItSays, reason));
    }
    Ok(Facts::Program(program.clone()))
}

/// Reads the headers of ELF, Mach-O or PE; `None` when it is none of them.
pub(crate) fn parse(prefix: &[u8]) -> Option<Program> {
    let (format, architectures) = match FileKind::parse(prefix).ok()? {
        FileKind::Elf32 => (ProgramFormat::Elf, elf_32(prefix)?),
        FileKind::Elf64 => (ProgramFormat::Elf, elf_64(prefix)?),
        FileKind::MachO32 => (ProgramFormat::MachO, macho_32(prefix)?),
        FileKind::MachO64 => (ProgramFormat::MachO, macho_64(prefix)?),
        FileKind::MachOFat32 => (ProgramFormat::MachO, universal_32(prefix)?),
        FileKind::MachOFat64 => (ProgramFormat::MachO, universal_64(prefix)?),
        FileKind::Pe32 => (
            ProgramFormat::Pe,
            pe_machine::<pe::ImageNtHeaders32>(prefix)?,
        ),
        FileKind::Pe64 => (
            ProgramFormat::Pe,
            pe_machine::<pe::ImageNtHeaders64>(prefix)?,
        ),
        _ => return None,
    };
    Some(Program {
        format,
        architectures: architectures.into_iter().map(str::to_owned).collect(),
    })
}

fn elf_32(prefix: &[u8]) -> Option<Vec<&'static str>> {
    let header = elf::FileHeader32::<Endianness>::parse(prefix).ok()?;
    let endian = header.endian().ok()?;
    Some(vec![elf_machine(header.e_machine(endian), endian)])
}

fn elf_64(prefix: &[u8]) -> Option<Vec<&'static str>> {
    let header = elf::FileHeader64::<Endianness>::parse(prefix).ok()?;
    let endian = header.endian().ok()?;
    Some(vec![elf_machine(header.e_machine(endian), endian)])
}

fn macho_32(prefix: &[u8]) -> Option<Vec<&'static str>> {
    let header = macho::MachHeader32::<Endianness>::parse(prefix, 0).ok()?;
    Some(vec![cpu(header.cputype(header.endian().ok()?))])
}

fn macho_64(prefix: &[u8]) -> Option<Vec<&'static str>> {
    let header = macho::MachHeader64::<Endianness>::parse(prefix, 0).ok()?;
    Some(vec![cpu(header.cputype(header.endian().ok()?))])
}

/// A Java class file has the same magic number, and its version where a
/// universal binary has the number of its slices; no version is below this.
const FIRST_JAVA_VERSION: u32 = 43;

fn universal_32(prefix: &[u8]) -> Option<Vec<&'static str>> {
    let file = MachOFatFile32::parse(prefix).ok()?;
    let slices = file.header().nfat_arch.get(BigEndian);
    let believable = (1..FIRST_JAVA_VERSION).contains(&slices);
    believable.then(|| {
        file.arches()
            .iter()
            .map(|arch| cpu(arch.cputype()))
            .collect()
    })
}

fn universal_64(prefix: &[u8]) -> Option<Vec<&'static str>> {
    let file = MachOFatFile64::parse(prefix).ok()?;
    Some(
        file.arches()
            .iter()
            .map(|arch| cpu(arch.cputype()))
            .collect(),
    )
}

fn pe_machine<H: object::read::pe::ImageNtHeaders>(prefix: &[u8]) -> Option<Vec<&'static str>> {
    let dos = pe::ImageDosHeader::parse(prefix).ok()?;
    let mut offset = dos.nt_headers_offset().into();
    let (headers, _) = H::parse(prefix, &mut offset).ok()?;
    Some(vec![coff_machine(headers.file_header().machine.get(LE))])
}

fn elf_machine(machine: elf::Machine, endian: Endianness) -> &'static str {
    let little = endian == Endianness::Little;
    match machine {
        elf::EM_X86_64 => "x86_64",
        elf::EM_386 => "i686",
        elf::EM_AARCH64 => "aarch64",
        elf::EM_ARM => "arm",
        elf::EM_PPC64 if little => "powerpc64le",
        elf::EM_PPC64 => "powerpc64",
        elf::EM_PPC => "powerpc",
        elf::EM_S390 => "s390x",
        elf::EM_RISCV => "riscv64",
        elf::EM_LOONGARCH => "loongarch64",
        elf::EM_MIPS => "mips",
        elf::EM_SPARCV9 => "sparc64",
        _ => UNKNOWN,
    }
}

fn cpu(cpu: macho::CpuType) -> &'static str {
    match cpu {
        macho::CPU_TYPE_X86_64 => "x86_64",
        macho::CPU_TYPE_X86 => "i686",
        macho::CPU_TYPE_ARM64 => "aarch64",
        macho::CPU_TYPE_ARM64_32 => "arm64_32",
        macho::CPU_TYPE_ARM => "arm",
        macho::CPU_TYPE_POWERPC => "powerpc",
        macho::CPU_TYPE_POWERPC64 => "powerpc64",
        _ => UNKNOWN,
    }
}

/// Returns the architecture of a COFF machine number.
pub(crate) fn coff_machine(machine: pe::Machine) -> &'static str {
    match machine {
        pe::IMAGE_FILE_MACHINE_AMD64 => "x86_64",
        pe::IMAGE_FILE_MACHINE_I386 => "i686",
        pe::IMAGE_FILE_MACHINE_ARM64 => "aarch64",
        pe::IMAGE_FILE_MACHINE_ARM64EC => "arm64ec",
        pe::IMAGE_FILE_MACHINE_ARMNT => "arm",
        _ => UNKNOWN,
    }
}

/// The architecture that has no name here; it fits no target.
pub(crate) const UNKNOWN: &str = "unknown";

/// Tells whether a program is for a target triple: its container for the
/// system, and one of its architectures for the processor.
pub(crate) fn fits_target(program: &Program, target: &str) -> bool {
    let (processor, system) = target.split_once('-').unwrap_or((target, ""));
    let named = |word: &str| system.contains(word);
    let format = if named("apple") || named("darwin") {
        ProgramFormat::MachO
    } else if named("windows") || named("uefi") || named("cygwin") {
        ProgramFormat::Pe
    } else {
        ProgramFormat::Elf
    };
    let has = |wanted: &str| program.architectures.iter().any(|a| a == wanted);
    program.format == format
        && match processor {
            "universal" | "universal2" => has("x86_64") && has("aarch64"),
            other => has(family(other)),
        }
}

/// Returns the name that headers give to a target triple's processor.
fn family(processor: &str) -> &str {
    match processor {
        "i386" | "i486" | "i586" => "i686",
        "arm64" | "arm64e" => "aarch64",
        "amd64" | "x86_64h" => "x86_64",
        "ppc64le" => "powerpc64le",
        p if p.starts_with("riscv64") => "riscv64",
        p if p.starts_with("mips") => "mips",
        p if p.starts_with("thumbv") || p.starts_with("armv") || p.starts_with("armeb") => "arm",
        other => other,
    }
}

/// Returns what a program is, as people of its system say: `Mach-O arm64`.
pub(crate) fn spoken(program: &Program) -> String {
    if program.format == ProgramFormat::MachO {
        program.to_string().replace("aarch64", "arm64")
    } else {
        program.to_string()
    }
}

pub(crate) fn with_article(program: &Program) -> String {
    let article = if program.format == ProgramFormat::Elf {
        "an"
    } else {
        "a"
    };
    format!("{article} {}", spoken(program))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_program_fits_the_targets_it_runs_on() {
        let elf = |machine| parse(&samples::elf(machine)).unwrap();
        assert!(fits_target(&elf(62), "x86_64-unknown-linux-musl"));
        assert!(fits_target(&elf(40), "armv7-unknown-linux-gnueabihf"));
        assert!(fits_target(&elf(243), "riscv64gc-unknown-linux-gnu"));
        assert!(!fits_target(&elf(62), "aarch64-unknown-linux-gnu"));
        assert!(!fits_target(&elf(62), "x86_64-apple-darwin"));
        let pe = parse(&samples::pe(0x8664)).unwrap();
        assert!(fits_target(&pe, "x86_64-pc-windows-msvc"));
        let universal = parse(&samples::universal(&[0x0100_0007, 0x0100_000c])).unwrap();
        assert!(fits_target(&universal, "universal-apple-darwin"));
        assert!(fits_target(&universal, "aarch64-apple-darwin"));
    }
}
