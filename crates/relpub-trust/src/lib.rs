//! Decides which bytes may pass.
//!
//! The only code in relpub that says "these bytes may leave" and "this is who
//! signed". What it lets through is a [`Verified`] value, which nobody else can
//! make: bytes by their digest ([`hashing`]), evidence by its signature and
//! signer ([`verify()`]).
//!
//! **Architecture invariant**: nothing here reads the clock, the disk or the
//! network. Bytes are handed in, and so are the time and the trusted root.

mod bundle;
mod glob;
pub mod hashing;
mod log;
pub mod pep740;
pub mod rejection;
pub mod root;
pub mod signer;
pub mod statement;
mod times;
pub mod verify;

pub use hashing::{Hasher, Mismatch};
pub use rejection::Rejection;
pub use root::TrustRoot;
pub use signer::{AnyoneUnsafe, Signer};
pub use statement::Statement;
pub use verify::{Content, Evidence, VerifiedEvidence, Wanted, verify};

/// Something that was checked here, in this process.
///
/// It cannot be serialised: a restarted process earns it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// Returns what was verified.
    pub fn get(&self) -> &T {
        &self.0
    }
}
