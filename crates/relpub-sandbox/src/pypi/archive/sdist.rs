//! Checks of source archives.

use std::path::Path;

use crate::pypi::metadata::Metadata;
use crate::pypi::refusal::Refusal;

/// Refuses a source archive that the index would not take.
pub(in crate::pypi) fn check(_: &Path, _: &str, _: &Metadata) -> Result<(), Refusal> {
    Ok(())
}
