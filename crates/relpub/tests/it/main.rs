//! Whole promotions against the sandbox, in one process and on virtual time.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod dry_run;
mod evidence;
mod faults;
mod kills;
mod promote;
mod world;
