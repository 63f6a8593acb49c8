//! The command `relpub`.

mod app;
mod args;
mod ask;
mod clock;
mod commands;
mod console;
mod env;
mod explain;
mod progress;
mod render;
mod signals;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use clap::Parser as _;
use relpub_model::Exit;
use tokio::runtime::Runtime;

use crate::app::App;
use crate::args::Args;
use crate::env::Env;

fn main() -> ExitCode {
    let args = Args::parse();
    let env = Env::read();
    // A panic is a bug in relpub, which has an exit code of its own.
    let ended = std::panic::catch_unwind(AssertUnwindSafe(|| run(args, env)));
    ExitCode::from(ended.unwrap_or(Exit::Bug).code())
}

fn run(args: Args, env: Env) -> Exit {
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => panic!("the runtime cannot be started: {error}"),
    };
    let exit = runtime.block_on(async {
        let app = App::new(args.common, env, signals::watch());
        let ended = commands::run(&app, &args.command).await;
        ended.unwrap_or_else(|error| {
            error.tell(&app.console);
            error.exit()
        })
    });
    // Nothing that is still running has anything to finish; a question that
    // nobody answered must not keep the process.
    runtime.shutdown_background();
    exit
}
