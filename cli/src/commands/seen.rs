//! What `verify`, `status` and `receipt` share: the receipt of an earlier run,
//! and reading the world afresh.

use relpub::State;
use relpub_model::Receipt;
use relpub_model::config::{Config, ConfirmBy};
use relpub_model::receipt::Facts;

use crate::app::{App, shown};
use crate::args::{ReceiptArgs, SeenArgs};
use crate::explain::Error;

/// Reads the receipt that is named, or the one that the last run left.
pub(super) fn load(app: &App, args: &ReceiptArgs) -> Result<Receipt, Error> {
    let receipt = match (&args.receipt, &args.tag) {
        (Some(path), _) => parse(&app.read(path)?, &shown(path))?,
        (None, Some(tag)) => last(app, tag)?,
        (None, None) => return Err(Error::Usage("name a tag or a --receipt".to_owned())),
    };
    let found = &receipt.facts.promotion.tag.name;
    match &args.tag {
        Some(tag) if tag != found => Err(Error::Usage(format!(
            "the receipt is about {found}, not {tag}"
        ))),
        _ => Ok(receipt),
    }
}

fn parse(json: &str, path: &str) -> Result<Receipt, Error> {
    let receipt: Receipt = serde_json::from_str(json)
        .map_err(|error| Error::Usage(format!("{path} is no receipt: {error}")))?;
    if receipt.format == 1 {
        Ok(receipt)
    } else {
        Err(Error::Usage(format!(
            "{path} has format {}; this version of relpub reads format 1",
            receipt.format
        )))
    }
}

fn last(app: &App, tag: &str) -> Result<Receipt, Error> {
    let state = State::new(&app.root(), tag);
    let missing = || {
        Error::CouldNotTell(format!(
            "there is no receipt of {tag} in {}; name one from elsewhere with --receipt FILE",
            shown(&state.receipt_path())
        ))
    };
    state.load_receipt()?.ok_or_else(missing)
}

/// Reads how a promotion stands now.
pub(super) async fn look(
    app: &App,
    args: &SeenArgs,
    receipt: &Receipt,
    config: &Config,
    by: ConfirmBy,
) -> Result<Facts, Error> {
    let promotion = &receipt.facts.promotion;
    let world = args.world.world.as_deref();
    if promotion.flags.world != world.is_some() {
        let text = if promotion.flags.world {
            "the receipt is about a private world; name it with --world FILE"
        } else {
            "the receipt is about production, not about a private world"
        };
        return Err(Error::Usage(text.to_owned()));
    }
    let progress = app.progress()?;
    let cx = app.context(&promotion.tag.name, app.endpoints(world)?, &progress)?;
    let observed = relpub::observe_promotion(&cx, config, promotion, by).await;
    progress.finish();
    Ok(Facts::new(config, promotion, &observed?))
}
