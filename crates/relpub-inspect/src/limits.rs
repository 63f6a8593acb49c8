//! Limits: how much a stranger's file may cost to read.

/// How much a stranger's file may cost to read.
///
/// The defaults are far above what real releases need (the largest wheel on
/// PyPI has some 25,000 members) and far below what would hurt.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Members of one archive.
    pub members: u64,
    /// Bytes in the name of one member.
    pub member_name: usize,
    /// Bytes in the names of all members together, which are kept in memory.
    pub names: u64,
    /// Bytes that one archive unpacks to.
    pub unpacked: u64,
    /// How many times its own size an archive may unpack to, beyond [`Limits::ratio_floor`].
    pub ratio: u64,
    /// Bytes that any archive may unpack to, whatever its size.
    pub ratio_floor: u64,
    /// Bytes in METADATA, PKG-INFO, WHEEL or `entry_points.txt`.
    pub metadata: u64,
    /// Fields in METADATA, PKG-INFO or WHEEL.
    pub fields: usize,
    /// Bytes in RECORD.
    pub record: u64,
    /// Bytes in one extension header of a tar member (a long name, pax records).
    pub tar_extension: u64,
    /// Extension headers before one tar member.
    pub tar_extensions: usize,
    /// Reasons of one kind that are listed one by one.
    pub reasons: usize,
    /// Bytes at the start of a file by which it is told what it is.
    pub prefix: usize,
    /// Bytes of an SBOM inside a wheel.
    pub sbom: u64,
    /// Components that an SBOM lists; each takes some 12 KiB while it is written.
    pub components: usize,
    /// Dependencies between components that an SBOM lists.
    pub dependencies: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            members: 100_000,
            member_name: 1024,
            names: 16 << 20,
            unpacked: 8 << 30,
            ratio: 200,
            ratio_floor: 1 << 30,
            metadata: 8 << 20,
            fields: 10_000,
            record: 32 << 20,
            tar_extension: 1 << 20,
            tar_extensions: 8,
            reasons: 5,
            prefix: 16 << 10,
            sbom: 4 << 20,
            components: 4_000,
            dependencies: 40_000,
        }
    }
}

impl Limits {
    /// Returns how many bytes a file of `size` bytes may unpack to.
    pub(crate) fn unpacked_from(&self, size: u64) -> u64 {
        let by_ratio = size.saturating_mul(self.ratio).max(self.ratio_floor);
        by_ratio.min(self.unpacked)
    }
}
