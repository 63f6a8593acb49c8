//! `relpub verify`: downloads a release from every destination and compares, or
//! judges one file by its evidence.

use std::path::PathBuf;

use relpub::FileQuery;
use relpub_model::Exit;
use relpub_model::config::ConfirmBy;

use super::seen::{self, Seen};
use crate::app::{App, shown};
use crate::args::VerifyArgs;
use crate::explain::Error;
use crate::render::human;
use crate::render::json::Document;

/// Reads everything back and lists what differs or is missing; or says who
/// signed a file, and as part of what.
pub(super) async fn run(app: &App, args: &VerifyArgs) -> Result<Exit, Error> {
    match args.file(|path| app.path(path).is_file()) {
        Some(path) => file(app, args, path).await,
        None => release(app, args).await,
    }
}

async fn release(app: &App, args: &VerifyArgs) -> Result<Exit, Error> {
    let config = app.config()?;
    let world = args.world.world.as_deref();
    let (receipt, tag) = (args.receipt.as_deref(), args.what.as_deref());
    let promotion = seen::promotion(app, receipt, tag, world, &config).await?;
    let Seen { facts, against } =
        seen::look(app, world, &promotion, &config, ConfirmBy::Bytes).await?;
    let (outcome, exit) = if facts.complete {
        ("verified", Exit::Done)
    } else if human::differs(&facts) {
        ("differs", Exit::Rejected)
    } else {
        ("unknown", Exit::Unknown)
    };
    let width = app.console.width();
    let screen = human::verified(&facts, &against, &config, width);
    app.console.screen(&screen);
    app.console
        .document(&Document::new(outcome, exit).facts(&facts));
    Ok(exit)
}

async fn file(app: &App, args: &VerifyArgs, path: PathBuf) -> Result<Exit, Error> {
    let config = app.config_if_any()?;
    let configured = config.as_ref().map(|config| &config.repository);
    let repository = args.repository.as_ref().or(configured).cloned();
    let repository = repository.ok_or_else(|| {
        let why = "whose file is it? Name the repository with --repository OWNER/NAME";
        Error::Usage(why.to_owned())
    })?;
    // Another project's file is not judged by this project's configuration.
    let config = config.filter(|config| config.repository == repository);
    let name = shown(&path);
    let query = FileQuery {
        path: app.path(&path),
        bundles: args.bundle.iter().map(|path| app.path(path)).collect(),
        repository,
        config: config.as_ref(),
    };
    let progress = app.progress()?;
    let endpoints = app.endpoints(args.world.world.as_deref())?;
    let cx = app.context("-", endpoints, &progress)?;
    let verdict = relpub::verify_file(&cx, &query).await;
    progress.finish();
    let verdict = verdict?;
    let (outcome, exit) = if verdict.is_good() {
        ("verified", Exit::Done)
    } else if verdict.rejected().next().is_none() && !verdict.unread.is_empty() {
        ("unknown", Exit::Unknown)
    } else {
        ("rejected", Exit::Rejected)
    };
    let width = app.console.width();
    app.console
        .screen(&human::file(&name, &query.repository, &verdict, width));
    app.console
        .document(&Document::new(outcome, exit).file(&name, &verdict));
    Ok(exit)
}
