//! `relpub receipt`: what the last run saw at the end.

use relpub_model::Exit;

use super::seen;
use crate::app::App;
use crate::args::ReceiptArgs;
use crate::explain::Error;
use crate::render::human;

/// Shows a receipt, without asking anybody whether it still holds.
pub(super) fn run(app: &App, args: &ReceiptArgs) -> Result<Exit, Error> {
    let receipt = seen::load(app, args)?;
    app.console
        .screen(&human::receipt(&receipt, app.console.width()));
    app.console.document(&receipt);
    Ok(Exit::Done)
}
