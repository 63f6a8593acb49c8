//! What `verify`, `status` and `receipt` share: the receipt of an earlier run,
//! and reading the world afresh.

use std::path::Path;

use relpub::State;
use relpub_model::config::{Config, ConfirmBy};
use relpub_model::plan::against;
use relpub_model::promotion::Promotion;
use relpub_model::receipt::Facts;
use relpub_model::{Blocker, Receipt};

use crate::app::{App, shown};
use crate::args::ReceiptArgs;
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

/// Returns what was promoted under a tag: as a receipt says, named or left by the
/// last run here, or else as the signed promotion statement at GitHub says.
pub(super) async fn promotion(
    app: &App,
    receipt: Option<&Path>,
    tag: Option<&str>,
    world: Option<&Path>,
    config: &Config,
) -> Result<Promotion, Error> {
    let args = ReceiptArgs {
        tag: tag.map(ToOwned::to_owned),
        receipt: receipt.map(ToOwned::to_owned),
    };
    let known = match tag {
        Some(tag) if receipt.is_none() => State::new(&app.root(), tag).load_receipt()?,
        _ => Some(load(app, &args)?),
    };
    if let Some(receipt) = known {
        return Ok(receipt.facts.promotion);
    }
    let tag = tag.unwrap_or_default();
    let tag = config.tag.read(tag);
    let tag = tag.map_err(|error| Error::Usage(error.to_string()))?;
    let progress = app.progress()?;
    let cx = app.context(&tag.name, app.endpoints(world)?, &progress)?;
    let found = relpub::find_promotion(&cx, config, &tag).await;
    progress.finish();
    Ok(found?)
}

/// How a promotion stands now.
pub(super) struct Seen {
    /// What is so.
    pub(super) facts: Facts,
    /// Why evidence does not count.
    pub(super) against: Vec<Blocker>,
}

/// Reads how a promotion stands now.
pub(super) async fn look(
    app: &App,
    world: Option<&Path>,
    promotion: &Promotion,
    config: &Config,
    by: ConfirmBy,
) -> Result<Seen, Error> {
    if promotion.flags.world != world.is_some() {
        let text = if promotion.flags.world {
            "the promotion is about a private world; name it with --world FILE"
        } else {
            "the promotion is about production, not about a private world"
        };
        return Err(Error::Usage(text.to_owned()));
    }
    let progress = app.progress()?;
    let cx = app.context(&promotion.tag.name, app.endpoints(world)?, &progress)?;
    let observed = relpub::observe_promotion(&cx, config, promotion, by).await;
    progress.finish();
    let observed = observed?;
    Ok(Seen {
        facts: Facts::new(config, promotion, &observed),
        against: against(promotion, &observed),
    })
}
