//! The context: what a promotion needs besides its configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use relpub_model::Endpoints;
use relpub_model::config::SigstoreRule;
use relpub_model::event::Event;
use relpub_model::world::S3;
use relpub_remote::{Clock, Environment, Http};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::evidence::Sigstore;
use crate::journal::Journal;
use crate::state::State;
use crate::store::Store;

/// How relpub introduces itself to servers.
const USER_AGENT: &str = concat!(
    "relpub/",
    env!("CARGO_PKG_VERSION"),
    " (+https://github.com/relpub/relpub)"
);

/// What a [`Context`] is made from.
pub struct Settings {
    /// The folder that relpub is started in; paths of the configuration are
    /// relative to it, and `.relpub/` lies there.
    pub root: PathBuf,
    /// Where blobs lie until a promotion has ended well.
    pub cache: PathBuf,
    /// Where the outside is.
    pub endpoints: Endpoints,
    /// The variables that credentials are taken from.
    pub environment: Environment,
    /// The object store and the variables that the source is read with, where
    /// they differ from those above.
    pub source: Option<(Option<S3>, Environment)>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Who is told what happens.
    pub events: Arc<dyn Fn(Event) + Send + Sync>,
    /// Cancels the run.
    pub cancel: CancellationToken,
    /// The name of the tag, which the state on disk is kept under.
    pub tag: String,
}

/// What a promotion needs besides its configuration: where the outside is, how
/// relpub is let in, the disk, the clock, and who is told what happens.
pub struct Context {
    pub(crate) root: PathBuf,
    pub(crate) endpoints: Endpoints,
    pub(crate) environment: Environment,
    pub(crate) source: (Option<S3>, Environment),
    pub(crate) http: Http,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: Arc<dyn Fn(Event) + Send + Sync>,
    pub(crate) cancel: CancellationToken,
    pub(crate) store: Store,
    pub(crate) state: State,
    pub(crate) journal: Journal,
    pub(crate) began: jiff::Timestamp,
    sigstore: OnceCell<Arc<Sigstore>>,
}

impl Context {
    /// Makes a context. Nothing is sent; the state folder is made when it is
    /// first written to.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up, or the journal of an earlier run
    /// cannot be read.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let http = Http::new(relpub_remote::Settings {
            clock: settings.clock.clone(),
            events: settings.events.clone(),
            user_agent: USER_AGENT.to_owned(),
            cancel: settings.cancel.clone(),
            proxy: settings.endpoints.name.is_none(),
        })?;
        let state = State::new(&settings.root, &settings.tag);
        let journal = Journal::open(state.journal_path())?;
        let source = settings
            .source
            .unwrap_or_else(|| (settings.endpoints.s3.clone(), settings.environment.clone()));
        Ok(Self {
            began: settings.clock.now(),
            sigstore: OnceCell::new(),
            store: Store::new(settings.cache),
            root: settings.root,
            endpoints: settings.endpoints,
            environment: settings.environment,
            source,
            http,
            clock: settings.clock,
            events: settings.events,
            cancel: settings.cancel,
            state,
            journal,
        })
    }

    /// Returns the state that earlier runs left for this tag.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Returns the folder that relpub was started in.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns whom to trust and how to sign, read when it is first needed.
    pub(crate) async fn sigstore(&self, rule: &SigstoreRule) -> Result<Arc<Sigstore>, Error> {
        let open = || async { Sigstore::open(self, rule).await.map(Arc::new) };
        self.sigstore.get_or_try_init(open).await.map(Arc::clone)
    }

    /// Does something that only reads, unless the run is cancelled first.
    pub(crate) async fn unless_cancelled<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Error::Cancelled),
            result = work => result,
        }
    }

    pub(crate) fn tell(&self, event: Event) {
        (self.events)(event);
    }
}
