//! `relpub schema`: the JSON Schema of the configuration.

use relpub_model::{Exit, config};

use crate::console;

/// Prints the schema.
pub(super) fn run() -> Exit {
    console::json(&config::schema());
    Exit::Done
}
