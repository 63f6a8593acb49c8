//! `relpub verify`: downloads a release from every destination and compares.

use relpub_model::Exit;
use relpub_model::config::ConfirmBy;

use super::seen;
use crate::app::App;
use crate::args::SeenArgs;
use crate::explain::Error;
use crate::render::human;
use crate::render::json::Document;

/// Reads everything back and lists what differs or is missing.
pub(super) async fn run(app: &App, args: &SeenArgs) -> Result<Exit, Error> {
    let receipt = seen::load(app, &args.receipt)?;
    let config = app.config()?;
    let facts = seen::look(app, args, &receipt, &config, ConfirmBy::Bytes).await?;
    let (outcome, exit) = if facts.complete {
        ("verified", Exit::Done)
    } else if human::differs(&facts) {
        ("differs", Exit::Rejected)
    } else {
        ("unknown", Exit::Unknown)
    };
    app.console
        .screen(&human::verified(&facts, &config, app.console.width()));
    app.console
        .document(&Document::new(outcome, exit).facts(&facts));
    Ok(exit)
}
