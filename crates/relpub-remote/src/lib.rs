//! The only code through which bytes or secrets leave the machine.
//!
//! Sources are read through [`Source`], destinations through [`Publisher`]; both
//! stand on one [`Http`] client with one retry layer. What a server says comes
//! back as stored bytes or as a [`RemoteError`], whose decision is what the
//! caller can do about it.
//!
//! **Architecture invariant**: an artifact is sent only as a [`Blob`], whose
//! digest was verified; a [`Secret`] can be read only in this crate; the time
//! comes from a [`Clock`] and the environment from an [`Environment`].

mod blobs;
pub mod bucket;
mod clock;
mod github;
mod http;
mod identity;
mod publisher;
mod pypi;
mod secret;
pub mod sigstore;

pub use blobs::{Blob, Blobs};
pub use bucket::Source;
pub use clock::{Clock, SystemClock};
pub use github::{Forge, GitHub};
pub use http::{Http, RemoteError, Settings, Trouble};
pub use identity::LOOKED_FOR as IDENTITY_LOOKED_FOR;
pub use publisher::{Carried, Confirmed, Opening, Probe, Proof, Publisher, Session};
pub use pypi::PyPi;
pub use secret::{Environment, Secret};
pub use sigstore::{Log, Signing, SigningServices};
