//! Decides which bytes may pass.
//!
//! The only code in relpub that says "these bytes may leave". What it lets
//! through is a [`Verified`] value, which nobody else can make.
//!
//! **Architecture invariant**: nothing here reads the clock, the disk or the
//! network. Bytes are handed in; the time, once it matters, is an argument.

pub mod hashing;

pub use hashing::{Hasher, Mismatch};

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
