//! Whole promotions against the sandbox, in one process and on virtual time.

mod dry_run;
mod faults;
mod kills;
mod promote;
mod world;
