//! `relpub inspect`: what files really are, and what speaks against them.

use std::path::PathBuf;

use relpub_model::Exit;
use relpub_model::blocker::Blocker;
use serde::Serialize;

use super::local::Looked;
use crate::app::App;
use crate::explain::Error;
use crate::render::human;

/// What is said of one file, as a document.
#[derive(Serialize)]
struct Entry<'a> {
    file: String,
    size: u64,
    is: String,
    problems: &'a [Blocker],
}

/// Inspects every file; a problem in any of them is a rejection.
pub(super) fn run(app: &App, files: &[PathBuf]) -> Result<Exit, Error> {
    let looked: Vec<Looked> = files
        .iter()
        .map(|file| Looked::at(app, file))
        .collect::<Result<_, _>>()?;
    let width = app.console.width();
    let screens: Vec<String> = looked.iter().map(|it| screen(it, width)).collect();
    app.console.screen(&screens.join("\n"));
    let entries: Vec<Entry<'_>> = looked.iter().map(entry).collect();
    app.console.document(&entries);
    let fine = looked.iter().all(|it| it.inspection.blockers.is_empty());
    Ok(if fine { Exit::Done } else { Exit::Rejected })
}

pub(super) fn screen(looked: &Looked, width: usize) -> String {
    let name = looked.name.as_str();
    human::inspect(
        name,
        looked.size,
        &looked.identified,
        &looked.inspection,
        width,
    )
}

fn entry(looked: &Looked) -> Entry<'_> {
    Entry {
        file: looked.name.to_string(),
        size: looked.size,
        is: looked.identified.to_string(),
        problems: &looked.inspection.blockers,
    }
}
