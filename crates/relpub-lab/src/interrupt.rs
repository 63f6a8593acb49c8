//! Ctrl-C and SIGTERM: everything that was started is stopped first.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::{process, thread};

use anyhow::{Context as _, Result};
use tokio::signal::unix::{SignalKind, signal};

use crate::lab::Lab;
use crate::process::end_group;
use crate::servers;

/// The process groups of programs that run at the moment.
static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Remembers a program that has to be ended with this one.
pub(crate) fn began(group: u32) {
    running().insert(group);
}

/// Forgets a program that has ended.
pub(crate) fn ended(group: u32) {
    running().remove(&group);
}

/// Watches for signals from now on; `stop_servers` if those are this run's own.
pub(crate) fn watch(lab: Lab, stop_servers: bool) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let guard = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    drop(guard);
    let wait = move || {
        let code = runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => 130,
                _ = terminate.recv() => 143,
            }
        });
        for group in running().iter() {
            end_group(*group);
        }
        if stop_servers && let Err(error) = servers::stop_all(&lab) {
            println!("{error:#}");
        }
        process::exit(code);
    };
    thread::Builder::new()
        .spawn(wait)
        .context("could not watch for signals")?;
    Ok(())
}

fn running() -> std::sync::MutexGuard<'static, BTreeSet<u32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}
