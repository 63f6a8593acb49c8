//! The runs of a rehearsal: one, or as many as it takes when something is made
//! to go wrong.

use relpub::Stopped;
use relpub_model::{Exit, Receipt};
use relpub_sandbox::{Entry, KillPoint};
use tokio::sync::oneshot;

use super::setup::Stage;
use crate::app::App;
use crate::args::RehearseArgs;
use crate::commands::pipeline::plan;
use crate::explain::Error;
use crate::progress::Progress;
use crate::render::human::{self, Before, Labels};

/// The most runs after which a rehearsal gives up on what keeps going wrong.
const MOST: usize = 4;

/// How the last run ended.
pub(super) enum Ended {
    /// Nothing was begun.
    Blocked(Exit),
    /// It stopped part-way.
    Stopped(Box<Stopped>),
    /// It went through.
    Released(Box<Receipt>),
}

/// The runs of a rehearsal.
pub(super) struct Runs<'a> {
    app: &'a App,
    stage: &'a Stage,
    progress: &'a Progress,
    /// Whether a run that did not go through is followed by another.
    again: bool,
    kill: Option<oneshot::Receiver<Entry>>,
    count: usize,
    /// The screens so far; a run that is like one before it is not told again.
    shown: Vec<String>,
}

impl<'a> Runs<'a> {
    pub(super) fn new(
        app: &'a App,
        stage: &'a Stage,
        progress: &'a Progress,
        args: &RehearseArgs,
    ) -> Self {
        let kill = args
            .kill_after
            .map(|n| stage.world().kill_at(n - 1, KillPoint::AfterCommit));
        Self {
            app,
            stage,
            progress,
            again: !args.fault.is_empty(),
            kill,
            count: 0,
            shown: Vec::new(),
        }
    }

    /// Returns how many runs there were.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Runs until it goes through, or until running again would not help.
    pub(super) async fn all(&mut self) -> Result<Ended, Error> {
        loop {
            self.count += 1;
            let ended = match self.kill.take() {
                Some(killed) => self.one_that_is_killed(killed).await?,
                None => Some(self.one().await?),
            };
            match ended {
                Some(Ended::Released(receipt)) => return Ok(Ended::Released(receipt)),
                Some(ended) if !self.again || self.count >= MOST => return Ok(ended),
                _ => {}
            }
            if self.app.cancel.is_cancelled() {
                return Err(relpub::Error::Cancelled.into());
            }
            self.say("again", "the same command once more");
        }
    }

    /// Runs until the world has seen the fatal request; `None` when it has.
    async fn one_that_is_killed(
        &mut self,
        killed: oneshot::Receiver<Entry>,
    ) -> Result<Option<Ended>, Error> {
        tokio::select! {
            ended = self.one() => Ok(Some(ended?)),
            Ok(entry) = killed => {
                let text = format!("after {} {} of {}, before its answer", entry.method, entry.path, entry.service);
                self.say("killed", &text);
                Ok(None)
            }
        }
    }

    /// Runs once, as `relpub promote` would.
    async fn one(&mut self) -> Result<Ended, Error> {
        let (app, stage, progress) = (self.app, self.stage, self.progress);
        let width = app.console.width();
        let cx = stage.context(app, progress)?;
        let planned = plan(&cx, &stage.config, &stage.selection).await;
        progress.finish();
        let mut plan = planned?;
        plan.source
            .iter_mut()
            .for_each(|it| *it = stage.spelled(it));
        self.show(human::plan(&plan, width) + "\n");
        let before = Before::new(&plan);
        let cleared = match plan.clear() {
            Ok(cleared) => cleared,
            Err(blocked) => {
                let plan = blocked.0;
                let all = plan.blockers.iter().chain(&plan.blockers_here);
                let all: Vec<_> = all.cloned().collect();
                app.console.screen(&(human::blocked(&all, width) + "\n"));
                return Ok(Ended::Blocked(plan.exit_here()));
            }
        };
        let ended = relpub::execute(&cx, cleared).await;
        progress.finish();
        match ended {
            Ok(receipt) => {
                let screen = human::released(&receipt, &before, &stage.config, None, width);
                app.console.screen(&screen);
                Ok(Ended::Released(Box::new(receipt)))
            }
            Err(stop) => {
                let screen = human::stopped(&stop, &stage.config, width);
                if !self.show(screen + "\n") {
                    self.say("stopped", "as before");
                }
                Ok(Ended::Stopped(stop))
            }
        }
    }

    /// Shows a screen, and tells whether it was a new one.
    fn show(&mut self, screen: String) -> bool {
        let new = !self.shown.contains(&screen);
        if new {
            self.app.console.screen(&screen);
            self.shown.push(screen);
        }
        new
    }

    fn say(&self, label: &str, text: &str) {
        let mut list = Labels::new();
        list.line(label, text);
        let screen = list.render(self.app.console.width()) + "\n";
        self.app.console.screen(&screen);
    }
}
