//! `relpub plan`: what would happen, and every reason why it cannot.

use relpub::Plan;
use relpub_model::Exit;

use super::pipeline::Pipeline;
use crate::app::{App, shown};
use crate::args::PlanArgs;
use crate::explain::Error;
use crate::render::{github, human};

/// Makes the plan, saves it and shows it.
pub(super) async fn run(app: &App, args: &PlanArgs) -> Result<Exit, Error> {
    let pipeline = Pipeline::open(app, args)?;
    let plan = pipeline.plan().await?;
    present(app, args, &pipeline, &plan)
}

/// Saves and shows a plan that is not executed.
pub(super) fn present(
    app: &App,
    args: &PlanArgs,
    pipeline: &Pipeline,
    plan: &Plan,
) -> Result<Exit, Error> {
    pipeline.cx.state().save_plan(plan)?;
    let saved = shown(&pipeline.cx.state().plan_path());
    let command = app.command("promote", &args.spelled());
    let screen = screen(plan, &saved, &command, app.console.width());
    app.console.screen(&screen);
    // The plan itself, so that it can be given to `promote --expect`.
    app.console.document(plan);
    report(app, plan)?;
    Ok(plan.exit())
}

fn screen(plan: &Plan, saved: &str, command: &str, width: usize) -> String {
    let mut out = human::plan(plan, width);
    if !plan.blockers_here.is_empty() {
        out.push('\n');
        out.push_str(&human::here(&plan.blockers_here, width));
    }
    out.push('\n');
    if plan.blockers.is_empty() {
        out.push_str(&human::next_step(plan, saved, command, width));
    } else {
        out.push_str(&human::blocked(&plan.blockers, width));
    }
    out
}

/// Tells GitHub Actions of a plan that is not executed.
fn report(app: &App, plan: &Plan) -> Result<(), Error> {
    let id = plan.id.to_string();
    let outputs = [
        ("version", plan.promotion.tag.version.as_str()),
        ("promotion-id", &id),
        ("released", "false"),
    ];
    let summary = github::plan_summary(plan, &plan.blockers);
    app.report(&summary, &outputs)
}
