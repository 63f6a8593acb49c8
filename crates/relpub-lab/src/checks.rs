//! The record of an acceptance run: a line for each check, and a verdict.

use std::fmt::{Debug, Display};

use anyhow::{Result, ensure};

/// Begins a part of the run.
pub(crate) fn part(title: &str) {
    println!("\n{title}");
}

/// Counts the checks and prints each when it is made.
#[derive(Default)]
pub(crate) struct Checks {
    passed: u32,
    failed: u32,
}

impl Checks {
    /// Checks that `found` is what was wanted.
    pub(crate) fn equal<T: Debug + PartialEq>(
        &mut self,
        what: impl Display,
        found: &T,
        wanted: &T,
    ) {
        if found == wanted {
            self.pass(what);
        } else {
            self.fail(what, format_args!("found {found:?}, not {wanted:?}"));
        }
    }

    /// Checks that there is none of what would be wrong.
    pub(crate) fn none(&mut self, what: impl Display, wrong: &[String]) {
        if wrong.is_empty() {
            self.pass(what);
        } else {
            self.fail(what, wrong.join(", "));
        }
    }

    /// Records what holds.
    pub(crate) fn pass(&mut self, what: impl Display) {
        self.passed += 1;
        println!("  ok    {what}");
    }

    /// Records what does not hold, and why.
    pub(crate) fn fail(&mut self, what: impl Display, why: impl Display) {
        self.failed += 1;
        println!("  FAIL  {what}: {why}");
    }

    /// Ends the run, with an error if anything failed.
    pub(crate) fn finish(&self) -> Result<()> {
        println!("\n{} passed, {} failed", self.passed, self.failed);
        ensure!(self.failed == 0, "{} checks failed", self.failed);
        Ok(())
    }
}
