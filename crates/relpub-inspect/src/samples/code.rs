//! Headers of machine code.

/// Returns the file header of an ELF64 shared object for a machine number.
pub(crate) fn elf(machine: u16) -> Vec<u8> {
    let mut out = vec![0; 64];
    out[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    out[16] = 3;
    out[18..20].copy_from_slice(&machine.to_le_bytes());
    out[20] = 1;
    out
}

/// Returns the header of a 64-bit Mach-O program for a CPU type.
pub(crate) fn macho(cpu: u32) -> Vec<u8> {
    let mut out = 0xfeed_facf_u32.to_le_bytes().to_vec();
    out.extend_from_slice(&cpu.to_le_bytes());
    out.resize(32, 0);
    out
}

/// Returns the table of a universal Mach-O with slices for some CPU types.
pub(crate) fn universal(cpus: &[u32]) -> Vec<u8> {
    let mut out = 0xcafe_babe_u32.to_be_bytes().to_vec();
    out.extend_from_slice(&u32::try_from(cpus.len()).unwrap().to_be_bytes());
    for cpu in cpus {
        out.extend_from_slice(&cpu.to_be_bytes());
        out.resize(out.len() + 16, 0);
    }
    out
}

/// Returns the headers of a PE program for a COFF machine number.
pub(crate) fn pe(machine: u16) -> Vec<u8> {
    let (optional, magic) = if machine == 0x14c {
        (96_u16, 0x10b_u16)
    } else {
        (112, 0x20b)
    };
    let mut out = vec![0; 64];
    out[..2].copy_from_slice(b"MZ");
    out[60] = 64;
    out.extend_from_slice(b"PE\0\0");
    out.extend_from_slice(&machine.to_le_bytes());
    out.resize(64 + 4 + 16, 0);
    out.extend_from_slice(&optional.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&magic.to_le_bytes());
    out.resize(out.len() + usize::from(optional), 0);
    out
}
