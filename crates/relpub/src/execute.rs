//! Execute: a loop over a finished plan.
//!
//! Stage ═══ Publish · Confirm ═══ Point. Nothing public happens before
//! everything hidden is in place; nothing points at a thing before that thing
//! has been read back. The first failure stops what has not begun; what is in
//! flight is seen to its end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::stream::{self, StreamExt};
use jiff::Timestamp;
use relpub_model::Exit;
use relpub_model::config::ConfirmBy;
use relpub_model::decision::{Decision, Failure};
use relpub_model::event::Event;
use relpub_model::plan::{Action, Cleared, Phase, Plan, Presence, Step};
use relpub_model::receipt::{Done, Facts, History, PlaceFact, Receipt};

use crate::context::Context;
use crate::error::Error;
use crate::evidence::{self, Evidence};
use crate::journal::What;
use crate::observe::observe_promotion;
use crate::steps::{Executor, Outcome};

/// A promotion that stopped part-way. Running again continues it.
#[derive(Debug)]
pub struct Stopped {
    /// Why.
    pub failure: Failure,
    /// At which step; `None` when it was between two.
    pub action: Option<Action>,
    /// How it stands, as far as that is known.
    pub receipt: Receipt,
    /// Whether the destinations were read back after the stop; otherwise the
    /// facts are what the run itself knows.
    pub seen: bool,
}

impl Stopped {
    /// Returns the exit code.
    pub fn exit(&self) -> Exit {
        Exit::Stopped
    }
}

/// Does what a plan says, and returns the receipt.
///
/// # Errors
/// When a step fails or the run is cancelled; what had been done stays done,
/// and the next run takes it from there.
pub async fn execute(cx: &Context, cleared: Cleared) -> Result<Receipt, Box<Stopped>> {
    let plan = cleared.plan();
    let mut run = Run {
        cx,
        plan,
        executor: None,
        done: Vec::new(),
    };
    // Boxed, so that whoever embeds this has small futures.
    let ended = match Box::pin(run.steps()).await {
        Ok(()) => Box::pin(run.finish()).await,
        Err((failure, action)) => Err(Box::pin(run.stop(failure, action)).await),
    };
    ended.map_err(Box::new)
}

/// A run of a plan, and what it has done so far.
struct Run<'a> {
    cx: &'a Context,
    plan: &'a Plan,
    /// `None` where there is nothing to do.
    executor: Option<Executor<'a>>,
    done: Vec<(Timestamp, &'a Action, Outcome)>,
}

type Failed = (Failure, Option<Action>);

/// How many steps of a group run at once; each destination has its own limits.
const AT_ONCE: usize = 8;

/// How many signatures are made at once beside them.
const SIGNING_AT_ONCE: usize = 16;

impl<'a> Run<'a> {
    /// Runs the groups of steps one after another.
    async fn steps(&mut self) -> Result<(), Failed> {
        if self.plan.steps.is_empty() {
            return Ok(());
        }
        self.cx
            .state
            .make()
            .map_err(|error| (local(&Error::from(error)), None))?;
        let executor = Executor::new(self.cx, self.plan).await;
        self.executor = Some(executor.map_err(|error| (local(&error), None))?);
        self.phases(|phase| phase != Phase::Record).await
    }

    /// Runs the groups of some phases.
    async fn phases(&mut self, which: impl Fn(Phase) -> bool) -> Result<(), Failed> {
        let mut phase = None;
        for group in groups(&self.plan.steps).filter(|group| which(group[0].phase)) {
            if phase.replace(group[0].phase) != Some(group[0].phase) {
                self.cx.tell(Event::Phase {
                    phase: group[0].phase,
                });
            }
            self.group(group).await?;
        }
        Ok(())
    }

    /// Runs the steps of one group together. After a failure no further step
    /// begins, and those in flight are awaited.
    async fn group(&mut self, group: &'a [Step]) -> Result<(), Failed> {
        let Some(executor) = &self.executor else {
            return Ok(());
        };
        let failed = AtomicBool::new(false);
        let cx = self.cx;
        let run_step = |step: &'a Step| {
            let failed = &failed;
            async move {
                if failed.load(Ordering::Acquire) {
                    return None;
                }
                let result = one(cx, executor, step).await;
                failed.fetch_or(result.is_err(), Ordering::AcqRel);
                Some((step, result))
            }
        };
        let mut first = Ok(());
        let signs = |step: &&Step| matches!(step.action, Action::Sign { .. });
        let (signing, others): (Vec<&Step>, Vec<&Step>) = group.iter().partition(signs);
        let together = |steps: Vec<&'a Step>, at_once| {
            let futures: Vec<_> = steps.into_iter().map(run_step).collect();
            stream::iter(futures).buffer_unordered(at_once)
        };
        // Signing needs only digests, and must not wait for large files.
        let signing = together(signing, SIGNING_AT_ONCE);
        let mut running = stream::select(signing, together(others, AT_ONCE));
        while let Some(ended) = running.next().await {
            match ended {
                Some((step, Ok(outcome))) => {
                    self.done.push((cx.clock.now(), &step.action, outcome));
                }
                Some((step, Err(failure))) if first.is_ok() => {
                    first = Err((failure, Some(step.action.clone())));
                }
                Some((_, Err(_))) | None => {}
            }
        }
        first
    }

    /// Reads everything back once more, and makes the receipt of what is there.
    async fn finish(mut self) -> Result<Receipt, Stopped> {
        let facts = match self.look().await {
            Some(facts) if facts.complete => facts,
            Some(facts) => return Err(self.stopped(incomplete(), None, facts, true)),
            None => return Err(self.stopped(incomplete(), None, self.known(), false)),
        };
        if let Some(executor) = &self.executor {
            executor.saw(&facts);
        }
        if let Err((failure, action)) = self.phases(|phase| phase == Phase::Record).await {
            return Err(self.stopped(failure, action, facts, true));
        }
        if let Some(earlier) = self.earlier_receipt(&facts) {
            return Ok(earlier);
        }
        let receipt = self.receipt(facts);
        if let Err(error) = self.cx.state.save_receipt(&receipt) {
            let failure = local(&Error::from(error));
            return Err(Stopped {
                failure,
                action: None,
                receipt,
                seen: true,
            });
        }
        let blobs = self.plan.promotion.edges.iter().map(|edge| &edge.sha256);
        self.cx.store.remove(blobs.chain(self.plan.sboms.values()));
        evidence::forget(self.cx, &self.plan.promotion);
        Ok(receipt)
    }

    fn evidence(&self) -> Option<&Evidence<'a>> {
        self.executor.as_ref().and_then(Executor::evidence)
    }

    /// Returns the receipt of an earlier run that says the same, if this run had
    /// nothing to do: its history is the one worth keeping.
    fn earlier_receipt(&self, facts: &Facts) -> Option<Receipt> {
        let earlier = self.cx.state.load_receipt().ok().flatten();
        earlier.filter(|receipt| self.plan.steps.is_empty() && receipt.facts == *facts)
    }

    /// Says how it stands after a stop: as the destinations say, or, if there is
    /// no time to ask or no answer, as the run itself knows.
    async fn stop(self, failure: Failure, action: Option<Action>) -> Stopped {
        let seen = if self.cx.cancel.is_cancelled() {
            None
        } else {
            self.look().await
        };
        let (facts, seen) = seen.map_or_else(|| (self.known(), false), |facts| (facts, true));
        self.stopped(failure, action, facts, seen)
    }

    fn stopped(
        &self,
        failure: Failure,
        action: Option<Action>,
        facts: Facts,
        seen: bool,
    ) -> Stopped {
        let receipt = self.receipt(facts);
        // It is for people; that it could not be saved is not why the run stopped.
        let _ = self.cx.state.save_receipt(&receipt);
        Stopped {
            failure,
            action,
            receipt,
            seen,
        }
    }

    /// Reads back how everything stands; `None` when that cannot be told of
    /// every place. A destination that shows other bytes where it took ours in
    /// this very run is not believed, and nor is it called a liar.
    async fn look(&self) -> Option<Facts> {
        let (config, promotion) = (&self.plan.config, &self.plan.promotion);
        let observed = observe_promotion(self.cx, config, promotion, ConfirmBy::Digest)
            .await
            .ok()?;
        let facts = Facts::new(config, promotion, &observed);
        let known = self.known();
        let took = |place: &PlaceFact| {
            known
                .places
                .iter()
                .any(|k| k.presence == Presence::Same && k.is_at(place))
        };
        let told = |place: &PlaceFact| match place.presence {
            Presence::Unknown => false,
            Presence::Conflict => !took(place),
            _ => true,
        };
        facts.places.iter().all(told).then_some(facts)
    }

    /// Returns how it stands as far as this run knows.
    fn known(&self) -> Facts {
        Facts::after(self.plan, self.done.iter().map(|(_, action, _)| *action))
    }

    fn receipt(&self, facts: Facts) -> Receipt {
        let done = self.done.iter().map(|(at, action, outcome)| {
            let already = if outcome.already {
                " (already there)"
            } else {
                ""
            };
            Done {
                at: *at,
                what: format!("{action}{already}"),
            }
        });
        let mut links: Vec<_> = self
            .done
            .iter()
            .filter_map(|(_, _, outcome)| outcome.link.clone())
            .collect();
        links.dedup();
        let history = History {
            relpub: env!("CARGO_PKG_VERSION").to_owned(),
            began: self.cx.began,
            ended: self.cx.clock.now(),
            done: done.collect(),
            signed: self.evidence().map(Evidence::signed).unwrap_or_default(),
            links,
        };
        Receipt {
            format: 1,
            facts,
            history,
        }
    }
}

/// Divides the steps, which are in order, into groups that run together.
fn groups(steps: &[Step]) -> impl Iterator<Item = &[Step]> {
    steps.chunk_by(|a, b| (a.phase, a.rank, a.wave) == (b.phase, b.rank, b.wave))
}

/// Runs one step between its intent and its end in the journal.
async fn one(cx: &Context, executor: &Executor<'_>, step: &Step) -> Result<Outcome, Failure> {
    if cx.cancel.is_cancelled() {
        return Err(cancelled());
    }
    let write = |what| {
        let written = cx
            .journal
            .write(cx.clock.now(), step.phase, what, &step.action);
        written.map_err(|error| local(&Error::from(error)))
    };
    write(What::Intent)?;
    cx.tell(Event::Started {
        action: step.action.clone(),
    });
    match to_its_end(cx, executor, step).await {
        Ok(outcome) => {
            write(if outcome.already {
                What::Already
            } else {
                What::Done
            })?;
            cx.tell(Event::Finished {
                action: step.action.clone(),
                already: outcome.already,
            });
            Ok(outcome)
        }
        Err(failure) => {
            // A step of which nobody knows how it ended stays an intent.
            if !matches!(
                failure.decision,
                Decision::Ambiguous | Decision::Transient | Decision::Cancelled
            ) {
                write(What::Failed(failure.message.clone()))?;
            }
            Err(failure)
        }
    }
}

/// How long a step that goes public is waited for after the run was cancelled.
/// A CI kills ten seconds after its first signal.
const GRACE: Duration = Duration::from_secs(6);

/// Runs a step. A cancelled run gives up what is hidden or only reads at once,
/// and sees what goes public to its end, for a while.
async fn to_its_end(
    cx: &Context,
    executor: &Executor<'_>,
    step: &Step,
) -> Result<Outcome, Failure> {
    let overdue = async {
        cx.cancel.cancelled().await;
        if matches!(step.phase, Phase::Publish | Phase::Point) {
            cx.clock.sleep(GRACE).await;
        }
    };
    tokio::select! {
        biased;
        result = executor.run(step) => result,
        () = overdue => Err(cancelled()),
    }
}

/// A failure on this machine: the state folder, the cache, the configuration.
fn local(error: &Error) -> Failure {
    let message = error.to_string();
    Failure {
        decision: Decision::Refused {
            rule: message.clone(),
        },
        service: "this machine".to_owned(),
        message,
        said: None,
    }
}

fn cancelled() -> Failure {
    let message = "the run was cancelled".to_owned();
    Failure {
        decision: Decision::Cancelled,
        service: "relpub".to_owned(),
        message,
        said: None,
    }
}

fn incomplete() -> Failure {
    let message =
        "every step was done, and reading back afterwards did not find everything in place"
            .to_owned();
    Failure {
        decision: Decision::NotYet {
            what: message.clone(),
        },
        service: "relpub".to_owned(),
        message,
        said: None,
    }
}
