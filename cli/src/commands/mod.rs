//! The commands, one module each.

mod completions;
mod inspect;
mod local;
mod pipeline;
mod plan;
mod promote;
mod receipt;
mod rehearse;
mod sandbox;
mod sbom;
mod schema;
mod seen;
mod status;
mod verify;

use relpub_model::Exit;

use crate::app::App;
use crate::args::Command;
use crate::explain::Error;

/// Runs a command and returns how it ended.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Exit, Error> {
    match command {
        Command::Plan(args) => plan::run(app, args).await,
        Command::Promote(args) => promote::run(app, args).await,
        Command::Rehearse(args) => rehearse::run(app, args).await,
        Command::Sandbox(args) => sandbox::run(app, args).await,
        Command::Verify(args) => verify::run(app, args).await,
        Command::Status(args) => status::run(app, args).await,
        Command::Receipt(args) => receipt::run(app, args),
        Command::Inspect { files } => inspect::run(app, files),
        Command::Sbom(args) => sbom::run(app, args),
        Command::Schema => Ok(schema::run()),
        Command::Completions { shell } => Ok(completions::run(*shell)),
    }
}
