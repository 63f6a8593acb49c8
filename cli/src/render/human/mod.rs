//! Screens: what happened to the world first, then the thing, the reason and
//! the way out.

mod blocked;
mod evidence;
mod file;
mod inspect;
mod layout;
mod plan;
mod receipt;
mod rehearse;
mod released;
mod seen;
mod standing;
mod stopped;
mod words;

#[cfg(test)]
pub(crate) mod samples;

pub(crate) use blocked::{blocked, here, sentence};
pub(crate) use evidence::{counted, describe as evidence, sign};
pub(crate) use file::file;
pub(crate) use inspect::inspect;
pub(crate) use layout::{Labels, paint, plain};
pub(crate) use plan::{about_to, next_step, plan};
pub(crate) use receipt::receipt;
pub(crate) use rehearse::{Rehearsal, rehearsing};
pub(crate) use released::{Before, Left, released};
pub(crate) use seen::{differs, status, verified};
pub(crate) use stopped::stopped;
pub(crate) use words::{duration, plural, project_of, quoted};
