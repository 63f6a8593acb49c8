//! What every request passes on its way to a service: log, faults, kill points.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::fault::{Fault, FaultKind, Faults, Target};
use crate::log::{Entry, Log};
use crate::meter::{Arriving, Leaving};
use crate::service::Service;
use crate::spoil::spoil;

/// Where a mutating request is stopped for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KillPoint {
    /// The service never sees the request.
    BeforeCommit,
    /// The service has done what was asked; the answer never leaves.
    AfterCommit,
}

/// The record and the rules of all requests of a world.
#[derive(Clone)]
pub(crate) struct Traffic {
    clock: Clock,
    faults: Faults,
    log: Arc<Mutex<Log>>,
    kills: Arc<Mutex<Kills>>,
}

#[derive(Default)]
struct Kills {
    mutations: u32,
    armed: Vec<Kill>,
}

/// A kill point that waits for the mutating request with the number `at`.
struct Kill {
    at: u32,
    point: KillPoint,
    tell: oneshot::Sender<Entry>,
}

impl Traffic {
    /// Returns the traffic of a world without faults.
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            faults: Faults::default(),
            log: Arc::default(),
            kills: Arc::default(),
        }
    }

    /// Returns the faults still to come.
    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Returns every request so far, oldest first.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.log().entries()
    }

    /// Forgets every request so far; numbers go on.
    pub(crate) fn clear_log(&self) {
        self.log().clear();
    }

    /// Returns how many mutating requests have arrived.
    pub(crate) fn mutations(&self) -> u32 {
        self.kills().mutations
    }

    /// Arms a kill point for the `n`-th mutating request from now, from zero.
    pub(crate) fn kill_at(&self, n: u32, point: KillPoint) -> oneshot::Receiver<Entry> {
        let (tell, told) = oneshot::channel();
        let mut kills = self.kills();
        let at = kills.mutations + n;
        kills.armed.push(Kill { at, point, tell });
        told
    }

    /// Changes the log entry of a request.
    pub(crate) fn update(&self, seq: u64, change: impl FnOnce(&mut Entry)) {
        self.log().update(seq, change);
    }

    /// Logs an arrival and decides what will happen to it.
    fn arrive(&self, service: &Service, request: &Request<Incoming>) -> Visit {
        let (method, path) = (request.method(), request.uri().path());
        let endpoint = (service.endpoint)(method, path);
        let mutating = (service.mutates)(method, path);
        let kill = if mutating { self.kills().take() } else { None };
        let fault = self.faults.take(&Target {
            service: service.name,
            endpoint,
            has_body: method != Method::HEAD,
        });

        let mut log = self.log();
        let seq = log.next();
        let (now, headers) = (self.clock.now(), request.headers());
        let mut entry = Entry::new(seq, now, service.name, method, request.uri(), headers);
        endpoint.clone_into(&mut entry.endpoint);
        entry.mutating = mutating;
        entry.fault = match &kill {
            Some(kill) => Some(kill.point.describe().to_owned()),
            None => fault.as_ref().map(describe),
        };
        log.push(entry);
        Visit { seq, fault, kill }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kills(&self) -> MutexGuard<'_, Kills> {
        self.kills.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kills {
    /// Counts a mutating request and returns the kill point that it reached.
    fn take(&mut self) -> Option<Kill> {
        let number = self.mutations;
        self.mutations += 1;
        let index = self.armed.iter().position(|kill| kill.at == number)?;
        Some(self.armed.swap_remove(index))
    }
}

impl KillPoint {
    fn describe(self) -> &'static str {
        match self {
            Self::BeforeCommit => "killed before commit",
            Self::AfterCommit => "killed after commit",
        }
    }
}

fn describe(fault: &Fault) -> String {
    match &fault.endpoint {
        Some(endpoint) => format!("{}@{}/{endpoint}", fault.kind, fault.service),
        None => format!("{}@{}", fault.kind, fault.service),
    }
}

/// A request on its way.
struct Visit {
    seq: u64,
    fault: Option<Fault>,
    kill: Option<Kill>,
}

/// The connection closes without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection was closed on request")]
pub(crate) struct Closed;

/// Leads one request through log, kill points and faults to its service.
///
/// An error makes hyper close the connection without an answer.
pub(crate) async fn pass(
    traffic: &Traffic,
    service: &Service,
    request: Request<Incoming>,
) -> Result<Response<Body>, Closed> {
    let Visit { seq, fault, kill } = traffic.arrive(service, &request);
    let kind = fault.map(|fault| fault.kind);
    if let Some(kill) = kill {
        match stop(traffic, service, request, seq, kill).await {}
    }
    let response = match kind {
        Some(FaultKind::Reset) => return Err(Closed),
        Some(FaultKind::TooManyRequests { retry_after }) => {
            drain(traffic, seq, request).await;
            refusal(StatusCode::TOO_MANY_REQUESTS, Some(retry_after))
        }
        Some(FaultKind::ServerError(status)) => {
            drain(traffic, seq, request).await;
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            refusal(status, None)
        }
        Some(FaultKind::LostAnswer) => {
            forward(traffic, service, request, seq).await;
            return Err(Closed);
        }
        Some(kind @ (FaultKind::SlowBody | FaultKind::TruncatedBody | FaultKind::FlippedBit)) => {
            spoil(forward(traffic, service, request, seq).await, kind)?
        }
        None => forward(traffic, service, request, seq).await,
    };
    traffic.update(seq, |entry| entry.status = Some(response.status().as_u16()));
    Ok(response.map(|body| Body::new(Leaving::new(body, traffic.clone(), seq))))
}

/// Stops a request at its kill point and never returns.
async fn stop(
    traffic: &Traffic,
    service: &Service,
    request: Request<Incoming>,
    seq: u64,
    kill: Kill,
) -> Infallible {
    // What is held here keeps the connection open: neither side may see an end.
    let _held = match kill.point {
        KillPoint::BeforeCommit => Err(request),
        KillPoint::AfterCommit => Ok(forward(traffic, service, request, seq).await),
    };
    let entry = traffic.log().get(seq);
    if let Some(entry) = entry {
        // A test that no longer listens has nothing to be told.
        let _ = kill.tell.send(entry);
    }
    futures::future::pending().await
}

/// Lets the service answer, and reads what it left of the request's body.
///
/// A client that still sends when the answer comes may miss the answer.
async fn forward(
    traffic: &Traffic,
    service: &Service,
    request: Request<Incoming>,
    seq: u64,
) -> Response<Body> {
    let waits = request.headers().contains_key(header::EXPECT);
    let (request, rest) = Arriving::split(request, traffic.clone(), seq);
    let router = TowerToHyperService::new(service.router.clone());
    let response = match router.call(request.map(Body::new)).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    rest.drain(waits).await;
    response
}

/// Lets the service answer a request that is nobody's business.
pub(crate) async fn forward_unwatched(
    service: &Service,
    request: Request<Incoming>,
) -> Response<Body> {
    let router = TowerToHyperService::new(service.router.clone());
    match router.call(request.map(Body::new)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Reads the body of a request that the service never sees.
async fn drain(traffic: &Traffic, seq: u64, request: Request<Incoming>) {
    let waits = request.headers().contains_key(header::EXPECT);
    let (request, rest) = Arriving::split(request, traffic.clone(), seq);
    drop(request);
    rest.drain(waits).await;
}

fn refusal(status: StatusCode, retry_after: Option<u32>) -> Response<Body> {
    let mut response = Response::new(Body::from("the sandbox was asked to fail here\n"));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    response
}
