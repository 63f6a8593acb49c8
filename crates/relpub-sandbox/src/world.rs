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
        let traffic = Traffic::new(shared.clock.clone());
        let mut servers = Servers::default();
        let mut file = WorldFile::new();
        let mut environment = job_environment(&shared.names);
        let port = |offset| options.port.map(|base| base.saturating_add(offset));

        // The services, one block each: take a port, open, describe, serve.
        // Ports from the base on: control 0, bucket 1, identity 2, pypi 3,
        // testpypi 4, github 5, fulcio 6, rekor1 7, rekor2 8, tsa 9.

        let taken = Port::take(port(1)).await?;
        let bucket = Bucket::open(&shared, taken.url())?;
        bucket.describe(&mut file, &mut environment);
        servers.serve(taken, bucket.service(), &traffic);

        let taken = Port::take(port(2)).await?;
        let identity = Identity::open(&shared, taken.url())?;
        identity.describe(&mut file, &mut environment);
        servers.serve(taken, identity.service(), &traffic);

        let taken = [
            Port::take(port(6)).await?,
            Port::take(port(7)).await?,
            Port::take(port(8)).await?,
            Port::take(port(9)).await?,
        ];
        let [fulcio, rekor1, rekor2, tsa] = taken.each_ref().map(Port::url);
        let urls = Urls {
            fulcio,
            rekor1,
            rekor2,
            tsa,
        };
        let sigstore = Sigstore::open(&shared, urls, &identity)?;
        sigstore.describe(&mut file);
        for (taken, service) in taken.into_iter().zip(sigstore.services()) {
            servers.serve(taken, service, &traffic);
        }

        let taken = Port::take(port(5)).await?;
        let github = GitHub::open(&shared, taken.url())?;
        github.describe(&mut file, &mut environment);
        servers.serve(taken, github.service(), &traffic);

        let taken = Port::take(port(3)).await?;
        let pypi = PyPi::open(&shared, taken.url(), "pypi", &identity, &sigstore)?;
        pypi.describe(&mut file, &mut environment);
        servers.serve(taken, pypi.service(), &traffic);

        let taken = Port::take(port(4)).await?;
        let testpypi = PyPi::open(&shared, taken.url(), "testpypi", &identity, &sigstore)?;
        testpypi.describe(&mut file, &mut environment);
        servers.serve(taken, testpypi.service(), &traffic);

        let taken = Port::take(port(0)).await?;
        let control = taken.url();
        file.control = Some(control.clone());
        servers.serve_unwatched(taken, control::service(&shared, &traffic));

        file.write(&shared.disk)?;
        write_environment(&environment, &shared.disk)?;
        Ok(Self {
            bucket,
            github,
            identity,
            pypi,
            sigstore,
            testpypi,
            shared,
            traffic,
            servers,
            data,
            file,
            environment,
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
