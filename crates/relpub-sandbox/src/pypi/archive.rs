//! The archives: what the index refuses about them, and what it reads in them.

pub(super) mod sdist;
pub(super) mod wheel;
