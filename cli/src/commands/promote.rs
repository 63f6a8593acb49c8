//! `relpub promote`: does what the plan says.

use std::fs;

use relpub::{Plan, Stopped};
use relpub_model::evidence::{Carrier, Piece};
use relpub_model::plan::{Expectation, ExpectationError};
use relpub_model::{Exit, Receipt};

use super::pipeline::Pipeline;
use super::plan;
use crate::app::{App, shown};
use crate::args::{PlanArgs, PromoteArgs};
use crate::ask;
use crate::console;
use crate::explain::Error;
use crate::render::human::{Before, Left};
use crate::render::json::{Document, outcome};
use crate::render::{github, human};

/// Plans, asks where somebody is there to be asked, executes, and says how it ended.
pub(super) async fn run(app: &App, args: &PromoteArgs) -> Result<Exit, Error> {
    let expectation = args.expect.as_deref().map(|text| expect(app, text));
    let expectation = expectation.transpose()?;
    let pipeline = Pipeline::open(app, &args.plan)?;
    let mut plan = pipeline.plan().await?;
    if let Some(expectation) = expectation {
        let differences = expectation.differences(&plan);
        plan.blockers.extend(differences);
        plan.blockers.sort();
    }
    if args.dry_run {
        return plan::present(app, &args.plan, &pipeline, &plan);
    }
    if plan.exit_here() != Exit::Done {
        return blocked(app, &plan);
    }
    if !args.yes && !plan.steps.is_empty() && app.console.is_interactive() {
        ask(app, &plan).await?;
    }
    execute(app, &args.plan, &pipeline, plan).await
}

/// Reads what is expected: a saved plan where the text names a file, an id else.
fn expect(app: &App, text: &str) -> Result<Expectation, Error> {
    let path = app.path(text.as_ref());
    let expectation = if path.is_file() {
        let json = fs::read_to_string(&path).map_err(|error| Error::reading(&path, error))?;
        Expectation::from_plan(&json)
    } else {
        text.parse()
    };
    expectation.map_err(|error| {
        let hint = match error {
            ExpectationError::Id(_) => ", nor is there such a file",
            _ => "",
        };
        Error::Usage(format!("--expect: {error}{hint}"))
    })
}

/// Shows why nothing was begun.
fn blocked(app: &App, plan: &Plan) -> Result<Exit, Error> {
    let exit = plan.exit_here();
    let all = plan.blockers.iter().chain(&plan.blockers_here);
    let all: Vec<_> = all.cloned().collect();
    app.console
        .screen(&human::blocked(&all, app.console.width()));
    app.console
        .document(&Document::new(outcome(exit), exit).plan(plan));
    let id = plan.id.to_string();
    let outputs = [
        ("version", plan.promotion.tag.version.as_str()),
        ("promotion-id", &id),
        ("released", "false"),
    ];
    app.report(&github::plan_summary(plan, &all), &outputs)?;
    Ok(exit)
}

/// Shows what is about to become public, and asks.
async fn ask(app: &App, plan: &Plan) -> Result<(), Error> {
    app.console
        .note(&human::about_to(plan, app.console.width()));
    let question = "Publish it? What an index has taken cannot be taken back.";
    if ask::yes(&app.console, question, &app.cancel).await {
        Ok(())
    } else if app.cancel.is_cancelled() {
        Err(relpub::Error::Cancelled.into())
    } else {
        Err(Error::Declined)
    }
}

async fn execute(
    app: &App,
    args: &PlanArgs,
    pipeline: &Pipeline,
    plan: Plan,
) -> Result<Exit, Error> {
    let before = Before::new(&plan);
    let stated = plan.debts_named.clone();
    let cleared = match plan.clear() {
        Ok(cleared) => cleared,
        Err(blocked_plan) => return blocked(app, &blocked_plan.0),
    };
    let named = debts_named(pipeline, &stated);
    let ended = relpub::execute(&pipeline.cx, cleared).await;
    pipeline.progress.finish();
    match ended {
        Ok(receipt) => {
            let exit = exit(&receipt, &named);
            released(app, args, pipeline, (&receipt, exit), &before)
        }
        Err(stop) => stopped(app, pipeline, &stop),
    }
}

/// Something that is missing for good.
type Debt = (Piece, Carrier);

/// Returns the debts that a receipt already names: the last one here, or the
/// signed statement of one at GitHub.
fn debts_named(pipeline: &Pipeline, stated: &[Debt]) -> Vec<Debt> {
    let mut named = stated.to_vec();
    if let Ok(Some(earlier)) = pipeline.cx.state().load_receipt() {
        let debts = earlier.facts.debts();
        named.extend(debts.map(|(piece, carrier)| (piece.clone(), carrier.clone())));
    }
    named
}

/// What is missing for good ends a run with an exit code of its own, until a
/// receipt says so.
fn exit(receipt: &Receipt, named: &[Debt]) -> Exit {
    let is_named = |(piece, carrier): (&Piece, &Carrier)| {
        named.iter().any(|it| it.0 == *piece && it.1 == *carrier)
    };
    if receipt.facts.debts().all(is_named) {
        Exit::Done
    } else {
        Exit::Debts
    }
}

fn released(
    app: &App,
    args: &PlanArgs,
    pipeline: &Pipeline,
    (receipt, exit): (&Receipt, Exit),
    before: &Before,
) -> Result<Exit, Error> {
    let mut verify = vec![receipt.facts.promotion.tag.to_string()];
    verify.extend(args.world.spelled());
    let left = Left {
        receipt: shown(&pipeline.cx.state().receipt_path()),
        verify: app.command("verify", &verify),
    };
    let width = app.console.width();
    let screen = human::released(receipt, before, &pipeline.config, Some(&left), width);
    app.console.screen(&screen);
    app.console
        .document(&Document::new("released", exit).receipt(receipt));
    report(app, receipt, &left.receipt, "released", "true")?;
    Ok(exit)
}

fn stopped(app: &App, pipeline: &Pipeline, stop: &Stopped) -> Result<Exit, Error> {
    let saved = shown(&pipeline.cx.state().receipt_path());
    let width = app.console.width();
    let screen = human::stopped(stop, &pipeline.config, width);
    app.console.screen(&screen);
    let document = Document::new("stopped", stop.exit()).receipt(&stop.receipt);
    let document = document.stopped(&stop.failure, stop.action.as_ref(), stop.seen);
    app.console.document(&document);
    if app.console.actions().is_some() {
        console::command(&github::annotation(&stop.failure.message));
    }
    report(app, &stop.receipt, &saved, "stopped", "false")?;
    Ok(stop.exit())
}

/// Tells GitHub Actions how it ended.
fn report(
    app: &App,
    receipt: &Receipt,
    saved: &str,
    verdict: &str,
    released: &str,
) -> Result<(), Error> {
    let id = receipt.facts.id.to_string();
    let outputs = [
        ("version", receipt.facts.promotion.tag.version.as_str()),
        ("promotion-id", &id),
        ("receipt", saved),
        ("released", released),
    ];
    app.report(&github::receipt_summary(receipt, verdict), &outputs)
}
