//! `relpub rehearse`: does it for real in a private world, then checks as the
//! release's users would.

mod commit;
mod runs;
mod setup;
mod signer;

use jiff::SignedDuration;
use relpub::{Clock as _, SystemClock};
use relpub_model::config::{Config, DestinationKind};
use relpub_model::receipt::Facts;
use relpub_model::{Exit, Receipt};
use relpub_sandbox::World;

use self::runs::{Ended, Runs};
use self::setup::Stage;
use super::{pipeline, sandbox};
use crate::app::{App, shown};
use crate::args::RehearseArgs;
use crate::explain::Error;
use crate::progress::Progress;
use crate::render::human::{self, Labels, Rehearsal};
use crate::render::json::{Document, outcome};

/// Sets up a world, promotes in it, checks, and says whether it would go through.
pub(super) async fn run(app: &App, args: &RehearseArgs) -> Result<Exit, Error> {
    let began = SystemClock.now();
    let config = app.config()?;
    refuse_other_indexes(&config)?;
    let selection = pipeline::select(&config, &args.selecting, &args.allowing, true)?;
    let name = format!("{} {}", config.project, selection.tag.version);
    app.console.screen(&human::rehearsing(&name));
    let stage = Stage::set(app, config, selection).await?;
    stage.arm(args);
    app.console
        .screen(&ready(&stage, app, SystemClock.now().duration_since(began)));

    let progress = app.progress()?;
    let mut runs = Runs::new(app, &stage, &progress, args);
    let ended = runs.all().await?;
    let (exit, receipt) = judge(app, &stage, &progress, &ended).await?;
    let rehearsal = Rehearsal {
        name: &name,
        took: SystemClock.now().duration_since(began),
        through: exit == Exit::Done,
        runs: runs.count(),
    };
    app.console.screen(&rehearsal.verdict(app.console.width()));
    let word = if exit == Exit::Done {
        "rehearsed"
    } else {
        outcome(exit)
    };
    let mut document = Document::new(word, exit);
    if let Some(receipt) = receipt {
        document = document.receipt(receipt);
    }
    app.console.document(&document);
    if args.keep {
        keep(app, stage).await;
    }
    Ok(exit)
}

/// Refuses indexes that a private world has no counterpart of.
fn refuse_other_indexes(config: &Config) -> Result<(), Error> {
    let other = config
        .destinations
        .values()
        .find(|it| matches!(&it.kind, DestinationKind::Index { urls: Some(_) }));
    match other {
        Some(destination) => Err(Error::Usage(format!(
            "rehearse knows PyPI and TestPyPI only; `{}` is another index",
            destination.name
        ))),
        None => Ok(()),
    }
}

/// Says that the world is there, and what happens next.
fn ready(stage: &Stage, app: &App, took: SignedDuration) -> String {
    let mut list = Labels::new();
    let took = human::duration(took);
    list.line(
        "world",
        format!("PyPI · TestPyPI · GitHub · bucket · Sigstore, ready in {took}"),
    );
    let tag = &stage.selection.tag;
    list.line(
        "promote",
        format!("as relpub promote {tag} would, from the real source"),
    );
    list.render(app.console.width()) + "\n"
}

/// Checks a promotion that ended well, and returns the exit code of the rehearsal.
async fn judge<'a>(
    app: &App,
    stage: &Stage,
    progress: &Progress,
    ended: &'a Ended,
) -> Result<(Exit, Option<&'a Receipt>), Error> {
    match ended {
        Ended::Blocked(exit) => Ok((*exit, None)),
        Ended::Stopped(stop) => Ok((stop.exit(), Some(&stop.receipt))),
        Ended::Released(receipt) => {
            let facts = stage.check(app, progress, receipt).await?;
            let mut list = Labels::new();
            if facts.complete {
                list.line("check", checked(&facts));
                app.console
                    .screen(&format!("\n{}", list.render(app.console.width())));
                return Ok((Exit::Done, Some(receipt)));
            }
            let screen = human::verified(&facts, &[], &stage.config, app.console.width());
            app.console.screen(&format!("\n{screen}\n"));
            let exit = if human::differs(&facts) {
                Exit::Rejected
            } else {
                Exit::Unknown
            };
            Ok((exit, Some(receipt)))
        }
    }
}

/// Says what was found by the paths that users take.
fn checked(facts: &Facts) -> String {
    let bytes = "downloaded by the paths that pip and browsers use: exactly these bytes";
    let signed = facts
        .evidence
        .iter()
        .filter(|row| row.piece.kind().is_some());
    let verified = signed.filter(|row| row.is_valid()).count();
    match verified {
        0 => bytes.to_owned(),
        1 => format!("{bytes}; 1 signature verifies"),
        n => format!("{bytes}; {n} signatures verify"),
    }
}

/// Leaves the world running until a signal comes.
async fn keep(app: &App, stage: Stage) {
    let folder = stage.keep();
    let world = &folder.world;
    let mut list = Labels::new();
    sandbox::places(world, &mut list);
    list.line("folder", shown(world.data()));
    list.line("pip", sandbox::pip(world, &folder.project));
    let intro = "the world is left running until it is interrupted; its folder stays";
    let screen = format!("\n  {intro}\n\n{}", list.render(app.console.width()));
    app.console.screen(&screen);
    app.cancel.cancelled().await;
}

/// A world that outlives its rehearsal.
pub(super) struct Kept {
    world: World,
    /// A project that can be downloaded from its index.
    project: String,
}
