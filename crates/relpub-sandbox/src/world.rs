//! A whole world: the services, what they share, and how they are started.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::bucket::Bucket;
use crate::clock::Clock;
use crate::control;
use crate::disk::Disk;
use crate::fault::Faults;
use crate::github::GitHub;
use crate::identity::Identity;
use crate::log::Entry;
use crate::pypi::PyPi;
use crate::secrets::Secrets;
use crate::service::{Port, Servers};
use crate::sigstore::{Sigstore, Urls};
use crate::traffic::{KillPoint, Traffic};
use crate::world_file::{Environment, WorldFile, write_environment};

/// The names that a world is told by its caller, because it cannot know them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The repository on GitHub, as `owner/name`.
    pub repository: String,
    /// The commit that the CI job runs for, as 40 hexadecimal digits.
    pub commit: String,
    /// The predicate type of publish attestations, which is a page of the index.
    pub publish_predicate: String,
    /// Who the issuer of identity tokens says it is; `None` is its own URL.
    pub issuer: Option<String>,
}

impl Names {
    /// Returns the names for a job of `repository` (`owner/name`) at `commit`.
    pub fn new(repository: &str, commit: &str) -> Self {
        Self {
            repository: repository.to_owned(),
            commit: commit.to_owned(),
            publish_predicate: "https://index.example.org/attestations/publish/v1".to_owned(),
            issuer: None,
        }
    }

    /// Gives publish attestations this predicate type.
    pub fn with_publish_predicate(mut self, predicate_type: &str) -> Self {
        predicate_type.clone_into(&mut self.publish_predicate);
        self
    }

    /// Lets the issuer of identity tokens call itself `issuer`.
    ///
    /// Clients that know one issuer by heart then take its tokens for that one's.
    pub fn with_issuer(mut self, issuer: &str) -> Self {
        self.issuer = Some(issuer.to_owned());
        self
    }

    /// Returns the part of the repository before the slash.
    pub fn owner(&self) -> &str {
        self.repository.split('/').next().unwrap_or_default()
    }
}

impl Default for Names {
    fn default() -> Self {
        Self::new("relpub/demo", &"0123456789".repeat(4))
    }
}

/// How a world is started.
#[derive(Debug)]
pub struct Options {
    data: Data,
    port: Option<u16>,
    clock: Clock,
    names: Names,
}

/// The folder of a world; a temporary one goes when the world does.
#[derive(Debug)]
enum Data {
    Kept(PathBuf),
    Temporary,
}

impl Data {
    /// Returns the folder, and what removes it if it is temporary.
    fn open(self) -> io::Result<(PathBuf, Option<TempDir>)> {
        match self {
            Self::Kept(data) => Ok((data, None)),
            Self::Temporary => {
                let folder = tempfile::Builder::new().prefix("sandbox-").tempdir()?;
                Ok((folder.path().to_owned(), Some(folder)))
            }
        }
    }
}

impl Options {
    /// Returns options for a world whose state is kept in `data`.
    ///
    /// It has free ports, the real time and the default names.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self::with_data(Data::Kept(data.into()))
    }

    /// Returns options for a world whose state is removed when it is dropped.
    pub fn temporary() -> Self {
        Self::with_data(Data::Temporary)
    }

    fn with_data(data: Data) -> Self {
        Self {
            data,
            port: None,
            clock: Clock::real(),
            names: Names::default(),
        }
    }

    /// Puts the services on fixed ports from `port` on, which is the control's.
    pub fn with_port(mut self, port: Option<u16>) -> Self {
        self.port = port;
        self
    }

    /// Lets the world follow `clock`.
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Gives the world its names.
    pub fn with_names(mut self, names: Names) -> Self {
        self.names = names;
        self
    }
}

/// What the services of a world share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    /// The folder of the world; each service takes a folder inside it.
    pub(crate) disk: Disk,
    pub(crate) secrets: Secrets,
    pub(crate) names: Arc<Names>,
}

/// A running world; dropping it stops its services.
pub struct World {
    /// The object store.
    pub bucket: Bucket,
    /// The GitHub.
    pub github: GitHub,
    /// The issuer of identity tokens.
    pub identity: Identity,
    /// The package index.
    pub pypi: PyPi,
    /// The Sigstore.
    pub sigstore: Sigstore,
    /// The package index to try things on.
    pub testpypi: PyPi,
    shared: Shared,
    traffic: Traffic,
    servers: Servers,
    data: PathBuf,
    file: WorldFile,
    environment: Environment,
    control: String,
    /// Held so that a temporary folder lives as long as the world.
    _temporary: Option<TempDir>,
}

impl World {
    /// Starts the services and writes `world.json` and `env` into the folder.
    ///
    /// It must be called in a tokio runtime, on which the services then run.
    /// An error is a folder that cannot be written or a port that is taken.
    pub async fn start(options: Options) -> io::Result<Self> {
        let (data, temporary) = options.data.open()?;
        let disk = Disk::open(&data)?;
        let shared = Shared {
            clock: options.clock,
            secrets: Secrets::open(&disk)?,
            disk,
            names: Arc::new(options.names),
        };
        let mut opening = Opening::new(shared, options.port);
        let bucket = opening.bucket().await?;
        let identity = opening.identity().await?;
        let github = opening.github().await?;
        let sigstore = opening.sigstore(&identity).await?;
        let pypi = opening.index(3, "pypi", &identity, &sigstore).await?;
        let testpypi = opening.index(4, "testpypi", &identity, &sigstore).await?;
        let control = opening.control().await?;
        opening.file.write(&opening.shared.disk)?;
        write_environment(&opening.environment, &opening.shared.disk)?;
        Ok(Self {
            bucket,
            github,
            identity,
            pypi,
            sigstore,
            testpypi,
            shared: opening.shared,
            traffic: opening.traffic,
            servers: opening.servers,
            data,
            file: opening.file,
            environment: opening.environment,
            control,
            _temporary: temporary,
        })
    }

    /// Returns the folder that holds the state of this world.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Returns the clock that all services follow.
    pub fn clock(&self) -> Clock {
        self.shared.clock.clone()
    }

    /// Returns what `world.json` says.
    pub fn file(&self) -> &WorldFile {
        &self.file
    }

    /// Returns the environment variables that a client of this world needs.
    pub fn environment(&self) -> Environment {
        self.environment.clone()
    }

    /// Returns the URL of the control service, where `/_sandbox/` is.
    pub fn control(&self) -> &str {
        &self.control
    }

    /// Returns every request so far, oldest first.
    pub fn log(&self) -> Vec<Entry> {
        self.traffic.entries()
    }

    /// Forgets the requests so far; their numbers go on.
    pub fn clear_log(&self) {
        self.traffic.clear_log();
    }

    /// Returns the faults, to arm and disarm them.
    pub fn faults(&self) -> Faults {
        self.traffic.faults().clone()
    }

    /// Returns how many mutating requests have arrived.
    pub fn mutations(&self) -> u32 {
        self.traffic.mutations()
    }

    /// Stops the `n`-th mutating request from now (from zero, over all services).
    ///
    /// The receiver is told when it happens. From then on the request hangs
    /// without an answer, so that its client can be dropped at that very point.
    pub fn kill_at(&self, n: u32, point: KillPoint) -> oneshot::Receiver<Entry> {
        self.traffic.kill_at(n, point)
    }

    /// Returns every secret that this world has issued.
    pub fn secrets_issued(&self) -> Vec<String> {
        self.shared.secrets.issued()
    }

    /// Panics when `text` holds a secret of this world.
    #[track_caller]
    pub fn assert_no_secret(&self, text: &str) {
        self.shared.secrets.assert_absent(text);
    }

    /// Waits for as long as the world runs, which is until it is dropped.
    pub async fn wait(&mut self) {
        self.servers.wait().await;
    }

    /// Stops the services and waits until their ports are free.
    pub async fn stop(mut self) {
        self.servers.stop().await;
    }
}

/// A world whose services are being opened, each the same way: take a port,
/// open, describe, serve.
///
/// Ports from the base on: control 0, bucket 1, identity 2, pypi 3, testpypi 4,
/// github 5, fulcio 6, rekor1 7, rekor2 8, tsa 9.
struct Opening {
    shared: Shared,
    port: Option<u16>,
    traffic: Traffic,
    servers: Servers,
    file: WorldFile,
    environment: Environment,
}

impl Opening {
    fn new(shared: Shared, port: Option<u16>) -> Self {
        Self {
            traffic: Traffic::new(shared.clock.clone()),
            servers: Servers::default(),
            file: WorldFile::new(),
            environment: job_environment(&shared.names),
            port,
            shared,
        }
    }

    /// Takes the port at `offset` from the base, or a free one.
    async fn take(&self, offset: u16) -> io::Result<Port> {
        Port::take(self.port.map(|base| base.saturating_add(offset))).await
    }

    async fn bucket(&mut self) -> io::Result<Bucket> {
        let taken = self.take(1).await?;
        let bucket = Bucket::open(&self.shared, taken.url())?;
        bucket.describe(&mut self.file, &mut self.environment);
        self.servers.serve(taken, bucket.service(), &self.traffic);
        Ok(bucket)
    }

    async fn identity(&mut self) -> io::Result<Identity> {
        let taken = self.take(2).await?;
        let identity = Identity::open(&self.shared, taken.url())?;
        identity.describe(&mut self.file, &mut self.environment);
        self.servers.serve(taken, identity.service(), &self.traffic);
        Ok(identity)
    }

    async fn index(
        &mut self,
        offset: u16,
        name: &'static str,
        identity: &Identity,
        sigstore: &Sigstore,
    ) -> io::Result<PyPi> {
        let taken = self.take(offset).await?;
        let index = PyPi::open(&self.shared, taken.url(), name, identity, sigstore)?;
        index.describe(&mut self.file, &mut self.environment);
        self.servers.serve(taken, index.service(), &self.traffic);
        Ok(index)
    }

    async fn github(&mut self) -> io::Result<GitHub> {
        let taken = self.take(5).await?;
        let github = GitHub::open(&self.shared, taken.url())?;
        github.describe(&mut self.file, &mut self.environment);
        self.servers.serve(taken, github.service(), &self.traffic);
        Ok(github)
    }

    async fn sigstore(&mut self, identity: &Identity) -> io::Result<Sigstore> {
        let taken = [
            self.take(6).await?,
            self.take(7).await?,
            self.take(8).await?,
            self.take(9).await?,
        ];
        let [fulcio, rekor1, rekor2, tsa] = taken.each_ref().map(Port::url);
        let urls = Urls {
            fulcio,
            rekor1,
            rekor2,
            tsa,
        };
        let sigstore = Sigstore::open(&self.shared, urls, identity)?;
        sigstore.describe(&mut self.file);
        for (taken, service) in taken.into_iter().zip(sigstore.services()) {
            self.servers.serve(taken, service, &self.traffic);
        }
        Ok(sigstore)
    }

    /// Returns the URL of the control service, which the log does not watch.
    async fn control(&mut self) -> io::Result<String> {
        let taken = self.take(0).await?;
        let url = taken.url();
        self.file.control = Some(url.clone());
        let service = control::service(&self.shared, &self.traffic);
        self.servers.serve_unwatched(taken, service);
        Ok(url)
    }
}

/// Returns what every step of a GitHub Actions job finds in its environment.
fn job_environment(names: &Names) -> Environment {
    [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_REPOSITORY", &names.repository),
        ("GITHUB_REPOSITORY_OWNER", names.owner()),
        ("GITHUB_SHA", &names.commit),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
