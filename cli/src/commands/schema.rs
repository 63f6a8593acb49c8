//! `relpub schema`: the JSON Schema of the configuration.

use relpub_model::{Exit, config};

use crate::app::App;

/// Prints the schema.
pub(super) fn run(app: &App) -> Exit {
    app.console.json(&config::schema());
    Exit::Done
}
