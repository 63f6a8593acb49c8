//! A world, a project, and one way to promote it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use relpub::model::evidence::GITHUB_ACTIONS;
use relpub::model::name::Commit;
use relpub::model::production;
use relpub::model::release::{AllowMissing, Flags};
use relpub::{
    Clock, Config, Context, Endpoints, Environment, Error, Event, Exit, Findings, Observed, Plan,
    Promotion, Receipt, Selection, Settings,
};
use relpub_sandbox::{Names, Options, World};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// The repository of the demo.
pub(crate) const REPOSITORY: &str = "relpub/demo";

/// The tag of the demo.
pub(crate) const TAG: &str = "v1.2.3";

/// The commit that the demo's manifest names.
pub(crate) const COMMIT: &str = "5f2c0e6d9b3a41c78e1d2f60a9b47c3d8e5f1a20";

/// A world on a runtime of its own, so that a client's can be dropped.
pub(crate) struct Outside {
    pub(crate) world: World,
    runtime: Runtime,
}

impl Outside {
    /// Starts a world that has the demo's repository, commit and tag.
    pub(crate) fn start() -> Self {
        let outside = Self::without_tag();
        outside
            .world
            .github
            .add_tag(REPOSITORY, TAG, COMMIT, false)
            .unwrap();
        outside
    }

    /// Starts a world whose repository has no tag.
    pub(crate) fn without_tag() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let clock = relpub_sandbox::Clock::virtual_at("2026-11-02T10:00:00Z".parse().unwrap());
        let options = Options::temporary().with_clock(clock).with_names(names());
        let world = runtime.block_on(World::start(options)).unwrap();
        Self { world, runtime }
    }

    /// Puts the demo's files into the world's bucket `builds`, below `demo/`.
    pub(crate) fn fill_bucket(&self, project: &Project) {
        self.world
            .bucket
            .seed_dir("builds", "demo", &project.root.path().join("bucket"))
            .unwrap();
    }

    /// Runs something on the world's runtime.
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Returns what a stranger can see of the world, without server ids.
    pub(crate) fn seen(&self) -> String {
        let mut out = String::new();
        let mut files = self.world.pypi.files("relpub-demo");
        files.sort_by(|a, b| a.filename.cmp(&b.filename));
        for file in files {
            writeln!(
                out,
                "pypi {} {} {}",
                file.filename,
                &file.sha256[..12],
                file.size
            )
            .unwrap();
        }
        for release in self.world.github.releases(REPOSITORY) {
            writeln!(
                out,
                "github {} draft={} prerelease={} {:?}",
                release.tag, release.draft, release.prerelease, release.name
            )
            .unwrap();
            let mut assets = release.assets;
            assets.sort_by(|a, b| a.name.cmp(&b.name));
            for asset in assets {
                // Two signatures of the same bytes are the same to who verifies.
                if asset.name.ends_with(".sigstore.json") {
                    writeln!(out, "  {}", asset.name).unwrap();
                    continue;
                }
                writeln!(
                    out,
                    "  {} {:?} {}",
                    asset.name,
                    asset.sha256.map(|s| s[..12].to_owned()),
                    asset.size
                )
                .unwrap();
            }
        }
        out.push_str(&self.attested());
        writeln!(
            out,
            "tag {:?} latest {:?}",
            self.world.github.tag(REPOSITORY, TAG),
            self.world.github.latest(REPOSITORY)
        )
        .unwrap();
        out
    }
}

impl Outside {
    /// Returns what the stores say about which bytes, without server ids.
    fn attested(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        for file in self.world.pypi.files("relpub-demo") {
            let provenance = self.world.pypi.provenance(&file.filename);
            let bundles = provenance.map(|it| it["attestation_bundles"].as_array().map(Vec::len));
            lines.push(format!("pypi attested {} {bundles:?}", file.filename));
        }
        for stored in self.world.github.attestations(REPOSITORY) {
            let mut subjects = stored.subjects;
            subjects.sort();
            lines.push(format!("attested {} {subjects:?}", stored.predicate_type));
        }
        lines.sort();
        lines.join("\n") + "\n"
    }
}

/// Returns the names of a world whose jobs look like those of GitHub Actions.
fn names() -> Names {
    Names::new(REPOSITORY, COMMIT)
        .with_publish_predicate(&production::publish_predicate())
        .with_issuer(GITHUB_ACTIONS)
}

/// A copy of the demo that a test may change.
pub(crate) struct Project {
    pub(crate) root: TempDir,
    pub(crate) cache: TempDir,
}

impl Project {
    /// Copies the demo.
    pub(crate) fn demo() -> Self {
        let project = Self {
            root: tempfile::tempdir().unwrap(),
            cache: tempfile::tempdir().unwrap(),
        };
        let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/demo");
        copy(&demo, project.root.path());
        project
    }

    /// Returns the path of a file of the bucket.
    pub(crate) fn bucket(&self, path: &str) -> PathBuf {
        self.root.path().join("bucket").join(path)
    }

    /// Changes the configuration.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let path = self.root.path().join("relpub.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from:?} is not in the configuration");
        std::fs::write(path, text.replace(from, to)).unwrap();
    }

    /// Adds to the end of the configuration.
    pub(crate) fn append(&self, text: &str) {
        let path = self.root.path().join("relpub.toml");
        let config = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, format!("{config}\n{text}\n")).unwrap();
    }

    /// Takes away the manifest, so that nothing declares what the files are.
    pub(crate) fn forget_manifest(&self) {
        self.edit("manifest = \"manifest.json\"\n", "");
        std::fs::remove_file(self.bucket("manifest.json")).unwrap();
    }

    /// Forgets what earlier runs wrote.
    pub(crate) fn forget_runs(&self) {
        let _ = std::fs::remove_dir_all(self.root.path().join(".relpub"));
        let _ = std::fs::remove_dir_all(self.cache.path().join("blobs"));
    }

    pub(crate) fn config(&self) -> Config {
        let text = std::fs::read_to_string(self.root.path().join("relpub.toml")).unwrap();
        Config::parse("relpub.toml", &text).unwrap_or_else(|errors| panic!("{errors}"))
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() == ".relpub" {
            continue;
        }
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The world's clock as relpub's: whoever waits moves the time.
struct WorldClock(relpub_sandbox::Clock);

impl Clock for WorldClock {
    fn now(&self) -> jiff::Timestamp {
        self.0.now()
    }

    fn sleep(&self, duration: Duration) -> futures::future::BoxFuture<'_, ()> {
        Box::pin(async move {
            self.0.advance(duration.try_into().unwrap()).unwrap();
            tokio::task::yield_now().await;
        })
    }
}

/// How a test promotes.
pub(crate) struct How {
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) commit: Option<&'static str>,
    pub(crate) from: Option<String>,
    pub(crate) allow_missing: Vec<AllowMissing>,
    pub(crate) cancel: CancellationToken,
}

impl How {
    pub(crate) fn new(outside: &Outside) -> Self {
        Self {
            environment: outside.world.environment(),
            commit: None,
            from: None,
            allow_missing: Vec::new(),
            cancel: CancellationToken::new(),
        }
    }

    pub(crate) fn without(mut self, variable: &str) -> Self {
        assert!(
            self.environment.remove(variable).is_some(),
            "{variable} is not set"
        );
        self
    }

    pub(crate) fn with(mut self, variable: &str, value: &str) -> Self {
        self.environment
            .insert(variable.to_owned(), value.to_owned());
        self
    }
}

/// How a promotion ended.
#[derive(Debug)]
pub(crate) enum End {
    Released(Box<Receipt>),
    Stopped(Box<relpub::Stopped>),
    Blocked(Box<Plan>),
    Failed(Error),
}

impl End {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Released(_) => Exit::Done,
            Self::Stopped(stopped) => stopped.exit(),
            Self::Blocked(plan) => plan.exit_here(),
            Self::Failed(error) => error.exit(),
        }
    }

    #[track_caller]
    pub(crate) fn released(self) -> Receipt {
        match self {
            Self::Released(receipt) => *receipt,
            other => panic!("not released: {}", other.words()),
        }
    }

    #[track_caller]
    pub(crate) fn blocked(self) -> Plan {
        match self {
            Self::Blocked(plan) => *plan,
            other => panic!("not blocked: {}", other.words()),
        }
    }

    /// Returns everything that a person or a file would get to see.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Released(receipt) => serde_json::to_string(receipt).unwrap(),
            Self::Stopped(stopped) => format!("{stopped:#?}"),
            Self::Blocked(plan) => format!(
                "{}\n{:#?}\n{:#?}",
                serde_json::to_string(plan).unwrap(),
                plan.blockers,
                plan.blockers_here
            ),
            Self::Failed(error) => format!("{error}\n{error:?}"),
        }
    }
}

/// Everything that is known before anything is written.
pub(crate) struct Prepared {
    pub(crate) observed: Observed,
    pub(crate) findings: Findings,
    pub(crate) plan: Plan,
}

/// Makes the plan and does nothing.
pub(crate) fn plan(outside: &Outside, project: &Project, how: &How) -> Result<Plan, Error> {
    let (cx, events) = context(outside, project, how);
    let config = project.config();
    let prepared = client().block_on(prepare(&cx, &config, how));
    let words = match &prepared {
        Ok(prepared) => format!(
            "{}{:?}{:?}",
            serde_json::to_string(&prepared.plan).unwrap(),
            prepared.observed,
            prepared.findings
        ),
        Err(error) => format!("{error}{error:?}"),
    };
    outside.world.assert_no_secret(&words);
    outside.world.assert_no_secret(&events.lock().unwrap());
    prepared.map(|prepared| prepared.plan)
}

/// Finds the promotion by what is signed.
pub(crate) fn find(outside: &Outside, project: &Project) -> Result<Promotion, Error> {
    let (cx, _) = context(outside, project, &How::new(outside));
    let config = project.config();
    let tag = config.tag.read(TAG).unwrap();
    client().block_on(relpub::find_promotion(&cx, &config, &tag))
}

/// Promotes the demo, and asserts that nothing secret came out.
pub(crate) fn promote(outside: &Outside, project: &Project, how: &How) -> End {
    let (cx, events) = context(outside, project, how);
    let config = project.config();
    let end = client().block_on(run(&cx, &config, how));
    check_no_secret(outside, project, &end, &events);
    end
}

/// Promotes the demo until `killed` fires; then everything in flight is gone,
/// as if the process had been killed. Returns the end if there was one before.
pub(crate) fn promote_until(
    outside: &Outside,
    project: &Project,
    how: &How,
    killed: tokio::sync::oneshot::Receiver<relpub_sandbox::Entry>,
) -> Option<End> {
    let (cx, events) = context(outside, project, how);
    let config = project.config();
    let runtime = client();
    let end = runtime.block_on(async {
        tokio::select! {
            _ = killed => None,
            end = run(&cx, &config, how) => Some(end),
        }
    });
    runtime.shutdown_background();
    if let Some(end) = &end {
        check_no_secret(outside, project, end, &events);
    }
    end
}

fn check_no_secret(outside: &Outside, project: &Project, end: &End, events: &Mutex<String>) {
    outside.world.assert_no_secret(&end.words());
    outside.world.assert_no_secret(&events.lock().unwrap());
    for name in ["plan.json", "journal.json", "receipt.json"] {
        let file = project.root.path().join(".relpub").join(TAG).join(name);
        outside
            .world
            .assert_no_secret(&std::fs::read_to_string(file).unwrap_or_default());
    }
    let bundles = std::fs::read_dir(project.cache.path().join("blobs/bundles"));
    for bundle in bundles.into_iter().flatten() {
        let bundle = std::fs::read_to_string(bundle.unwrap().path()).unwrap();
        outside.world.assert_no_secret(&bundle);
    }
}

async fn run(cx: &Context, config: &Config, how: &How) -> End {
    let prepared = match prepare(cx, config, how).await {
        Ok(prepared) => prepared,
        Err(error) => return End::Failed(error),
    };
    cx.state().save_plan(&prepared.plan).unwrap();
    let cleared = match prepared.plan.clear() {
        Ok(cleared) => cleared,
        Err(blocked) => return End::Blocked(Box::new(blocked.0)),
    };
    match relpub::execute(cx, cleared).await {
        Ok(receipt) => End::Released(Box::new(receipt)),
        Err(stopped) => End::Stopped(stopped),
    }
}

async fn prepare(cx: &Context, config: &Config, how: &How) -> Result<Prepared, Error> {
    let selection = Selection {
        tag: config.tag.read(TAG).unwrap(),
        commit: how.commit.map(|commit| commit.parse::<Commit>().unwrap()),
        from: how.from.clone(),
        flags: Flags {
            allow_missing: how.allow_missing.clone(),
            world: true,
        },
    };
    let release = relpub::resolve(cx, config, &selection).await?;
    let observed = relpub::observe(cx, config, &release).await?;
    let findings = relpub::gather(cx, config, &release, &observed).await?;
    let (observed, findings) = relpub::examine(cx, config, &release, observed, findings).await?;
    let promotion = Promotion::new(config, &release, &findings);
    let plan = Plan::new(config, &release, &promotion, &findings, &observed);
    Ok(Prepared {
        observed,
        findings,
        plan,
    })
}

fn context(outside: &Outside, project: &Project, how: &How) -> (Context, Arc<Mutex<String>>) {
    let events = Arc::new(Mutex::new(String::new()));
    let heard = events.clone();
    let listen = move |event: Event| {
        let line = serde_json::to_string(&event).unwrap();
        writeln!(heard.lock().unwrap(), "{line}").unwrap();
    };
    let world = std::fs::read_to_string(outside.world.data().join("world.json")).unwrap();
    let cx = Context::new(Settings {
        root: project.root.path().to_owned(),
        cache: project.cache.path().join("blobs"),
        endpoints: Endpoints::from_world(&world)
            .unwrap()
            .relative_to(outside.world.data()),
        environment: Environment::from_vars(how.environment.clone()),
        source: None,
        clock: Arc::new(WorldClock(outside.world.clock().clone())),
        events: Arc::new(listen),
        cancel: how.cancel.clone(),
        tag: TAG.to_owned(),
    });
    (cx.unwrap(), events)
}

fn client() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}
