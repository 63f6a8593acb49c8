//! `relpub status`: where a release stands and what would happen next.

use relpub_model::Exit;
use relpub_model::config::ConfirmBy;
use relpub_model::plan::Presence;

use super::seen;
use crate::app::App;
use crate::args::SeenArgs;
use crate::explain::Error;
use crate::render::human;
use crate::render::json::Document;

/// Reads how it stands. That it is not finished is an answer, not a failure.
pub(super) async fn run(app: &App, args: &SeenArgs) -> Result<Exit, Error> {
    let receipt = seen::load(app, &args.receipt)?;
    let config = app.config()?;
    let (world, promotion) = (args.world.world.as_deref(), &receipt.facts.promotion);
    let seen = seen::look(app, world, promotion, &config, ConfirmBy::Digest).await?;
    let facts = seen.facts;
    let unknown = |presence: &Presence| *presence == Presence::Unknown;
    let (outcome, exit) = if facts.complete {
        ("released", Exit::Done)
    } else if facts.places.iter().any(|place| unknown(&place.presence)) {
        ("unknown", Exit::Unknown)
    } else {
        ("not-finished", Exit::Done)
    };
    let mut rest = vec![facts.promotion.tag.to_string()];
    rest.extend(args.world.spelled());
    let command = |verb: &str| app.command(verb, &rest);
    let screen = human::status(&receipt, &facts, &config, command, app.console.width());
    app.console.screen(&screen);
    let document = Document::new(outcome, exit);
    app.console
        .document(&document.facts(&facts).receipt(&receipt));
    Ok(exit)
}
