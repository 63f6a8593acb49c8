//! The binary as its users run it, in worlds on loopback.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod actions;
mod common;
#[cfg(unix)]
mod killed;
mod mistakes;
mod output;
mod promote;
mod rehearse;
mod sbom;
mod verify;
