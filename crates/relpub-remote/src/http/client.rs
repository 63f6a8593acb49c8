//! The one HTTP client: who may speak to whom, and what comes back as an error.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use relpub_model::decision::Decision;
use relpub_model::event::Event;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::answer::{self, Answer, Download, Unread};
use super::error::{Again, Deed, RemoteError};
use super::redact::{self, Known};
use super::redirect::{self, HOPS};
use super::request::{Credential, Follow, Repeat, Request};
use crate::clock::Clock;
use crate::secret::Secret;

/// Who is told what happens.
pub(crate) type Events = Arc<dyn Fn(Event) + Send + Sync>;

/// How many requests are in flight at once.
const PERMITS: usize = 16;
/// The most bytes that are read of a refusal.
const REFUSAL: usize = 64 * 1024;
/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a server may be silent.
const SILENCE: Duration = Duration::from_mins(1);
/// How long a server may take over an upload once it is there.
const DIGEST: Duration = Duration::from_mins(10);
/// The slowest upload that is waited for, in bytes per second.
const SLOWEST: u64 = 32 * 1024;

/// What the client is made of.
pub struct Settings {
    /// Tells the time and waits.
    pub clock: Arc<dyn Clock>,
    /// Is told about uploads and retries.
    pub events: Arc<dyn Fn(Event) + Send + Sync>,
    /// The `User-Agent`.
    pub user_agent: String,
    /// Ends the run: no request begins once it is cancelled.
    pub cancel: CancellationToken,
    /// Whether the system's proxy is used; a world on loopback is reached without.
    pub proxy: bool,
}

/// The HTTP client; cheap to clone, made once.
#[derive(Clone)]
pub struct Http {
    inner: Arc<Inner>,
}

struct Inner {
    client: reqwest::Client,
    /// The same without the limit on silence: while a body goes out the server
    /// says nothing, however long that takes.
    uploader: reqwest::Client,
    clock: Arc<dyn Clock>,
    events: Events,
    cancel: CancellationToken,
    permits: Arc<Semaphore>,
    known: Known,
}

impl Http {
    /// Makes the client; an error is a TLS set-up that does not work here.
    pub fn new(settings: Settings) -> Result<Self, RemoteError> {
        let deed = Deed::new("this machine", "set up", "an HTTPS client");
        let builder = || {
            let builder = reqwest::Client::builder()
                .user_agent(&settings.user_agent)
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                // Artifacts come as they are stored, also where another crate of
                // the same program switches decoding on.
                .no_gzip()
                .no_brotli()
                .no_deflate()
                .no_zstd()
                .connect_timeout(CONNECT);
            if settings.proxy {
                builder
            } else {
                builder.no_proxy()
            }
        };
        let build = |builder: reqwest::ClientBuilder| {
            let built = builder.build();
            built.map_err(|error| {
                RemoteError::new(&deed, Decision::Protocol, chain(&error))
                    .with_hint("are the system's CA certificates installed?")
            })
        };
        Ok(Self {
            inner: Arc::new(Inner {
                client: build(builder().read_timeout(SILENCE))?,
                uploader: build(builder())?,
                clock: settings.clock,
                events: settings.events,
                cancel: settings.cancel,
                permits: Arc::new(Semaphore::new(PERMITS)),
                known: Known::default(),
            }),
        })
    }

    /// Sends a request, again if it may be repeated, and reads the answer whole.
    ///
    /// An error is everything but 2xx and the statuses that the request allows.
    pub(crate) async fn call(&self, request: &Request<'_>) -> Result<Answer, RemoteError> {
        self.retry(&request.deed, || self.once(request)).await
    }

    /// Sends a request once and reads the answer whole.
    pub(crate) async fn once(&self, request: &Request<'_>) -> Result<Answer, RemoteError> {
        let (mut response, url, _permit) = self.answer(request).await?;
        let read = answer::read(&mut response, request.limit, false);
        let read = if request.may_be_dropped() {
            self.unless_cancelled(&request.deed, read).await?
        } else {
            read.await
        };
        let body = match read {
            Ok(body) => body,
            Err(Unread::Lost(error)) => return Err(self.lost(request, error)),
            Err(Unread::TooLong) => {
                let why = format!("the answer is longer than {} bytes", request.limit);
                return Err(RemoteError::new(&request.deed, Decision::Protocol, why));
            }
        };
        Ok(Answer {
            status: response.status(),
            headers: response.headers().clone(),
            url,
            body,
            at: self.now(),
            deed: request.deed.clone(),
        })
    }

    /// Sends a request once and hands over the body while it comes.
    pub(crate) async fn download_once(
        &self,
        request: &Request<'_>,
    ) -> Result<Download, RemoteError> {
        let (response, _, permit) = self.answer(request).await?;
        Ok(Download {
            status: response.status(),
            response,
            deed: request.deed.clone(),
            http: self.clone(),
            _permit: permit,
        })
    }

    /// Sends a request once, along its redirects, up to the head of an answer
    /// that is none of them.
    async fn answer(
        &self,
        request: &Request<'_>,
    ) -> Result<(reqwest::Response, Url, OwnedSemaphorePermit), RemoteError> {
        let permit = self.permit(&request.deed).await?;
        let mut url = request.url.clone();
        let mut credential = request.credential.as_ref();
        for _ in 0..=HOPS {
            let response = self.send(request, &url, credential).await?;
            let status = response.status();
            let to = redirect::target(&url, status, response.headers(), request.follow);
            match to {
                _ if request.allowed.contains(&status) => return Ok((response, url, permit)),
                None if status.is_success() => return Ok((response, url, permit)),
                None => {
                    let (deed, repeat) = (&request.deed, request.repeat);
                    return Err(self.refused(deed, repeat, response).await);
                }
                Some(Err(why)) => return Err(refused_redirect(request, status.as_u16(), &why)),
                Some(Ok(to)) => {
                    if request.follow == Follow::Download && to.origin() != url.origin() {
                        credential = None;
                    }
                    url = to;
                }
            }
        }
        Err(refused_redirect(request, 310, "more than five redirects"))
    }

    /// Sends one request and waits for the head of its answer.
    async fn send(
        &self,
        request: &Request<'_>,
        url: &Url,
        credential: Option<&Credential>,
    ) -> Result<reqwest::Response, RemoteError> {
        if !redirect::is_allowed(url.as_str()) {
            let why = format!("{} is neither https nor on this machine", redact::url(url));
            return Err(RemoteError::new(&request.deed, Decision::Protocol, why));
        }
        let inner = &*self.inner;
        let (client, timeout) = match request.body.artifact_size() {
            None => (&inner.client, None),
            Some(size) => {
                let timeout = DIGEST + Duration::from_secs(size / SLOWEST);
                (&inner.uploader, Some(timeout))
            }
        };
        let mut builder = client
            .request(request.method.clone(), url.clone())
            .headers(request.headers.clone());
        if let Some(timeout) = timeout {
            builder = builder.timeout(timeout);
        }
        if let Some(credential) = credential {
            builder = builder.header(AUTHORIZATION, self.authorization(credential));
        }
        let events = &self.inner.events;
        let builder = request
            .body
            .put_into(builder, &request.deed, events)
            .await?;
        let sent = builder.send();
        let sent = if request.may_be_dropped() {
            self.unless_cancelled(&request.deed, sent).await?
        } else {
            sent.await
        };
        sent.map_err(|error| self.lost(request, error))
    }

    fn authorization(&self, credential: &Credential) -> HeaderValue {
        use base64::Engine as _;
        let text = match credential {
            Credential::Bearer(token) => {
                self.inner.known.remember(token);
                format!("Bearer {}", token.expose())
            }
            Credential::Basic { username, password } => {
                self.inner.known.remember(password);
                let pair = format!("{username}:{}", password.expose());
                let pair = base64::engine::general_purpose::STANDARD.encode(pair);
                self.inner.known.remember(&Secret::new(pair.clone()));
                format!("Basic {pair}")
            }
        };
        // A token with a line break is refused where it is read; should one get
        // here, nothing is sent rather than something else.
        let value = HeaderValue::from_str(&text);
        let mut value = value.unwrap_or_else(|_| HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }

    /// Makes the error of a request that the server refused.
    pub(crate) async fn refused(
        &self,
        deed: &Deed,
        repeat: Repeat,
        mut response: reqwest::Response,
    ) -> RemoteError {
        let body = answer::read(&mut response, REFUSAL, true).await;
        let body = body.unwrap_or_default();
        let text = self.scrub(&String::from_utf8_lossy(&body));
        let answer = (response.status(), response.headers(), text.as_str());
        RemoteError::answered(deed, repeat, self.now(), answer)
    }

    /// Makes the error of a request whose answer was lost.
    fn lost(&self, request: &Request<'_>, error: reqwest::Error) -> RemoteError {
        let unsent = error.is_connect();
        let why = self.explain(error);
        RemoteError::unanswered(&request.deed, request.repeat, unsent, why)
    }

    /// Returns what is known about a failed exchange, without the URL.
    pub(crate) fn explain(&self, error: reqwest::Error) -> String {
        self.scrub(&chain(&error.without_url()))
    }

    /// Returns a text from outside without any secret that was sent.
    pub(crate) fn scrub(&self, text: &str) -> String {
        self.inner.known.scrub(text)
    }

    /// Remembers a secret, so that no error shows it.
    pub(crate) fn remember(&self, secret: &Secret) {
        self.inner.known.remember(secret);
    }

    /// Waits for leave to send a request.
    pub(crate) async fn permit(&self, deed: &Deed) -> Result<OwnedSemaphorePermit, RemoteError> {
        let permit = Arc::clone(&self.inner.permits).acquire_owned();
        let permit = self.unless_cancelled(deed, permit).await?;
        Ok(permit.expect("the semaphore is never closed"))
    }

    /// Does something unless the run is cancelled first.
    pub(crate) async fn unless_cancelled<T>(
        &self,
        deed: &Deed,
        what: impl Future<Output = T>,
    ) -> Result<T, RemoteError> {
        tokio::select! {
            biased;
            () = self.inner.cancel.cancelled() => Err(RemoteError::cancelled(deed)),
            done = what => Ok(done),
        }
    }

    /// Returns the client itself, for libraries that speak a protocol over it.
    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.inner.client
    }

    /// Tells whether the run was cancelled.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.inner.cancel.is_cancelled()
    }

    /// Returns the present moment.
    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Returns the clock.
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    /// Says what happens.
    pub(crate) fn emit(&self, event: Event) {
        (self.inner.events)(event);
    }
}

fn refused_redirect(request: &Request<'_>, status: u16, why: &str) -> RemoteError {
    let why = format!("the server answered with {why}");
    let mut error = RemoteError::new(&request.deed, Decision::Protocol, why);
    error.status = Some(status);
    error.again = Again::Never;
    error
}

/// Returns an error and its causes on one line, each said once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut out = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !out.contains(&text) {
            out.push_str(": ");
            out.push_str(&text);
        }
        cause = error.source();
    }
    out
}
