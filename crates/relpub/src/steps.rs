//! Carries out the steps of a plan.

mod evidence;

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use jiff::SignedDuration;
use relpub_model::decision::{Decision, Failure};
use relpub_model::event::Event;
use relpub_model::name::DestinationName;
use relpub_model::plan::{Action, Plan, Pointer, Presence, Step, service_name};
use relpub_model::promotion::Edge;
use relpub_model::receipt::{Facts, Link};
use relpub_remote::{Carried, Opening, Proof, Publisher, Session};
use tokio::sync::Mutex;

use crate::context::Context;
use crate::error::Error;
use crate::evidence::Evidence;
use crate::publishers::{forge, publishers};

/// How long reading back waits for a destination to show what it has taken.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How a step ended well.
pub(crate) struct Outcome {
    /// Whether it was found to be done already.
    pub(crate) already: bool,
    /// Where people find the result.
    pub(crate) link: Option<Link>,
}

/// Carries out steps; keeps what they share.
pub(crate) struct Executor<'a> {
    cx: &'a Context,
    plan: &'a Plan,
    publishers: BTreeMap<DestinationName, Publisher>,
    /// What was opened at each destination. Opening holds the lock, so that it
    /// happens once.
    sessions: Mutex<BTreeMap<DestinationName, Session>>,
    evidence: Option<Evidence<'a>>,
    /// What was seen in the end, for the receipt statement.
    facts: OnceLock<Facts>,
}

impl<'a> Executor<'a> {
    pub(crate) async fn new(cx: &'a Context, plan: &'a Plan) -> Result<Self, Error> {
        Ok(Self {
            cx,
            plan,
            publishers: publishers(cx, plan)?,
            sessions: Mutex::default(),
            evidence: Evidence::open(cx, &plan.config, &plan.promotion).await?,
            facts: OnceLock::new(),
        })
    }

    /// Takes what was seen in the end, which the receipt statement is made of.
    pub(crate) fn saw(&self, facts: &Facts) {
        // It is said once; a second time it is the same.
        let _ = self.facts.set(facts.clone());
    }

    /// Returns the evidence, where the promotion requires any.
    pub(crate) fn evidence(&self) -> Option<&Evidence<'a>> {
        self.evidence.as_ref()
    }

    /// Carries out one step.
    pub(crate) async fn run(&self, step: &Step) -> Result<Outcome, Failure> {
        match &step.action {
            Action::Sign { piece } => self.sign(piece).await,
            Action::Attach { piece, carrier } => self.attach(piece, carrier).await,
            Action::Open { destination } => self.open(destination).await,
            Action::Stage { edge } => self.stage(edge).await,
            Action::Upload { edge } => self.upload(edge).await,
            Action::CreateTag => self.create_tag().await,
            Action::Release { destination } => self.release(destination).await,
            Action::Confirm { destination } => self.confirm(destination).await,
            Action::Point { pointer } => self.point(pointer).await,
        }
    }

    async fn open(&self, destination: &DestinationName) -> Result<Outcome, Failure> {
        self.session(destination).await?;
        Ok(Outcome {
            already: false,
            link: None,
        })
    }

    async fn stage(&self, edge: &Edge) -> Result<Outcome, Failure> {
        let session = self.session(&edge.destination).await?;
        let staged = self
            .publisher(&edge.destination)?
            .stage(&session, edge, &self.cx.store)
            .await;
        outcome(
            &edge.destination,
            staged.map(|proof| Proof { url: None, ..proof }),
        )
    }

    async fn upload(&self, edge: &Edge) -> Result<Outcome, Failure> {
        let session = self.session(&edge.destination).await?;
        let publisher = self.publisher(&edge.destination)?;
        let carried = self.sent_with(edge).await?;
        let edges = std::slice::from_ref(edge);
        let proof = publisher
            .publish_with(&session, edges, &self.cx.store, &carried)
            .await;
        outcome(&edge.destination, proof)
    }

    async fn create_tag(&self) -> Result<Outcome, Failure> {
        let promotion = &self.plan.promotion;
        let forge = forge(self.cx, &self.plan.config);
        let made = forge
            .create_tag(&promotion.tag.name, &promotion.commit)
            .await;
        made.map(|proof| Outcome {
            already: proof.already,
            link: None,
        })
        .map_err(|error| error.failure())
    }

    async fn release(&self, destination: &DestinationName) -> Result<Outcome, Failure> {
        let session = self.session(destination).await?;
        let edges = self.edges(destination);
        let carried = Carried {
            files: self.beside(destination)?,
            ..Carried::default()
        };
        outcome(
            destination,
            self.publisher(destination)?
                .publish_with(&session, &edges, &self.cx.store, &carried)
                .await,
        )
    }

    /// Looks until everything is there, or something else is, or patience ends.
    async fn confirm(&self, destination: &DestinationName) -> Result<Outcome, Failure> {
        let publisher = self.publisher(destination)?;
        let settings = self
            .plan
            .config
            .destinations
            .get(destination)
            .ok_or_else(|| unknown(destination))?;
        let edges = self.edges(destination);
        let deadline = self
            .cx
            .clock
            .now()
            .checked_add(PATIENCE)
            .unwrap_or(jiff::Timestamp::MAX);
        let (mut pause, mut doubted) = (Duration::from_secs(1), false);
        loop {
            let found = publisher
                .confirm(&edges, settings.audience, settings.confirm)
                .await;
            let found = found.map_err(|error| error.failure())?;
            if let Some(wrong) = found
                .iter()
                .find(|found| found.presence == Presence::Conflict)
            {
                return Err(not_there(
                    destination,
                    &format!("{} has other bytes than those promoted", wrong.name),
                    Decision::Conflict,
                ));
            }
            let mut waiting: Vec<String> = found
                .iter()
                .filter(|found| found.presence != Presence::Same)
                .map(|found| found.name.to_string())
                .collect();
            if waiting.is_empty() {
                let awaited = self.evidence_awaited(destination, publisher, &mut doubted);
                waiting = awaited.await?;
            }
            if waiting.is_empty() {
                return Ok(Outcome {
                    already: false,
                    link: None,
                });
            }
            let what = waiting.join(", ");
            if self.cx.clock.now() >= deadline || self.cx.cancel.is_cancelled() {
                return Err(not_there(
                    destination,
                    &format!("{what} cannot be seen yet"),
                    Decision::NotYet { what },
                ));
            }
            self.cx.tell(Event::Waiting {
                what: format!("{} to show {what}", service_name(destination)),
            });
            self.cx.clock.sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn point(&self, pointer: &Pointer) -> Result<Outcome, Failure> {
        let Pointer::Latest { destination, .. } = pointer;
        let session = self
            .sessions
            .lock()
            .await
            .get(destination)
            .copied()
            .unwrap_or(Session::None);
        outcome(
            destination,
            self.publisher(destination)?.point(&session, pointer).await,
        )
    }

    /// Returns what was opened at a destination; opens it the first time.
    async fn session(&self, destination: &DestinationName) -> Result<Session, Failure> {
        let mut sessions = self.sessions.lock().await;
        if let Some(session) = sessions.get(destination) {
            return Ok(*session);
        }
        let publisher = self.publisher(destination)?;
        let promotion = &self.plan.promotion;
        let edges = self.edges(destination);
        let nothing = relpub_model::notes::Notes {
            title: String::new(),
            body: String::new(),
        };
        let opening = Opening {
            tag: &promotion.tag,
            commit: &promotion.commit,
            notes: self.plan.notes.as_ref().unwrap_or(&nothing),
            prerelease: self.plan.prerelease,
            marker: &promotion.marker(),
            edges: &edges,
        };
        let session = publisher
            .open(&opening)
            .await
            .map_err(|error| error.failure())?;
        sessions.insert(destination.clone(), session);
        Ok(session)
    }

    fn publisher(&self, destination: &DestinationName) -> Result<&Publisher, Failure> {
        self.publishers
            .get(destination)
            .ok_or_else(|| unknown(destination))
    }

    fn edges(&self, destination: &DestinationName) -> Vec<Edge> {
        self.plan
            .promotion
            .edges
            .iter()
            .filter(|edge| edge.destination == *destination)
            .cloned()
            .collect()
    }
}

fn outcome(
    destination: &DestinationName,
    proof: Result<Proof, relpub_remote::RemoteError>,
) -> Result<Outcome, Failure> {
    let proof = proof.map_err(|error| error.failure())?;
    let link = proof.url.map(|url| Link {
        destination: destination.clone(),
        url,
    });
    Ok(Outcome {
        already: proof.already,
        link,
    })
}

fn not_there(destination: &DestinationName, why: &str, decision: Decision) -> Failure {
    let service = service_name(destination).to_owned();
    Failure {
        decision,
        message: format!("{service}: {why}"),
        service,
        said: None,
    }
}

fn unknown(destination: &DestinationName) -> Failure {
    not_there(
        destination,
        "the plan has a step for a destination that the configuration does not have",
        Decision::Protocol,
    )
}
