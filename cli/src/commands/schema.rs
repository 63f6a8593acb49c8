//! `relpub schema`: the JSON Schema of the configuration.

use relpub_model::{Exit, config};

use crate::console::Console;

/// Prints the schema.
pub(super) fn run() -> Exit {
    Console::json(&config::schema());
    Exit::Done
}
