//! Sets the stage: a world with the release's repository in it, and a folder for
//! everything that a run leaves behind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::SignedDuration;
use relpub::{
    Clock as _, Config, Context, Endpoints, Environment, Selection, Settings, SystemClock,
};
use relpub_model::Receipt;
use relpub_model::config::{ConfirmBy, Credential, DestinationKind, Scope, Template};
use relpub_model::production;
use relpub_model::receipt::Facts;
use relpub_sandbox::{Clock, Names, Options, World};
use tempfile::TempDir;

use super::super::sandbox::named;
use super::{Kept, commit, signer};
use crate::app::{App, deaf};
use crate::args::RehearseArgs;
use crate::clock::WorldClock;
use crate::explain::Error;
use crate::progress::Progress;
use crate::render::human::project_of;

/// How far the world's clock begins behind the real one. It runs ahead wherever
/// relpub waits, and Sigstore's verifier takes nothing from the real future.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// The world of a rehearsal, and what is rehearsed in it.
pub(super) struct Stage {
    pub(super) config: Config,
    pub(super) selection: Selection,
    world: World,
    endpoints: Endpoints,
    environment: Environment,
    /// Holds the world, the state and the downloads; goes when the stage does.
    scratch: TempDir,
    /// The folder that relpub was started in.
    root: PathBuf,
}

impl Stage {
    /// Finds out the commit, and starts a world that has it.
    pub(super) async fn set(
        app: &App,
        config: Config,
        mut selection: Selection,
    ) -> Result<Self, Error> {
        let scratch = tempfile::Builder::new()
            .prefix("relpub-rehearsal-")
            .tempdir()
            .map_err(Error::Sandbox)?;
        let root =
            std::path::absolute(app.root()).map_err(|error| Error::reading(&app.root(), error))?;
        let config = anchored(config, &root)?;
        selection.from = selection
            .from
            .map(|from| anchor(&from, &root, str::to_owned));
        let commit = {
            let cx = outside(app, scratch.path(), &selection)?;
            commit::find(app, &cx, &config, &selection).await?
        };
        let signer = signer::Signer::of(&config, &selection.tag, &commit)?;
        let names = Names::new(config.repository.as_str(), commit.as_str());
        let options = Options::new(scratch.path().join("world"))
            .with_clock(Clock::virtual_at(SystemClock.now() - AHEAD))
            .with_names(named(names).with_issuer(signer.issuer()));
        let world = World::start(options).await.map_err(Error::Sandbox)?;
        signer.act(&world);
        if !config.create_tag {
            let tag = &selection.tag.name;
            let repository = config.repository.as_str();
            let added = world
                .github
                .add_tag(repository, tag, commit.as_str(), false);
            added.map_err(Error::Sandbox)?;
        }
        // The commit is what the world's job runs for; only a tag that is to be
        // made needs it named.
        selection.commit = config.create_tag.then_some(commit);
        let json = serde_json::to_string(world.file()).expect("its keys are texts");
        let endpoints = Endpoints::from_world(&json)
            .map_err(|error| Error::World(world.data().join("world.json"), error))?
            .relative_to(world.data());
        let environment = Environment::from_vars(environment(&config, &world));
        Ok(Self {
            config,
            selection,
            world,
            endpoints,
            environment,
            scratch,
            root,
        })
    }

    /// Arms what is to go wrong.
    pub(super) fn arm(&self, args: &RehearseArgs) {
        for fault in &args.fault {
            self.world.faults().add(fault.clone());
        }
    }

    /// Returns the world.
    pub(super) fn world(&self) -> &World {
        &self.world
    }

    /// Makes the context of a run in the world. The source is the real one.
    pub(super) fn context(&self, app: &App, progress: &Progress) -> Result<Context, Error> {
        let clock = Arc::new(WorldClock(self.world.clock()));
        let settings = Settings {
            root: self.scratch.path().to_owned(),
            cache: cache(app, self.scratch.path()),
            endpoints: self.endpoints.clone(),
            environment: self.environment.clone(),
            source: Some((None, app.environment())),
            events: progress.listener(clock.clone()),
            clock,
            cancel: app.cancel.clone(),
            tag: self.selection.tag.name.clone(),
        };
        Ok(Context::new(settings)?)
    }

    /// Downloads everything as the release's users would.
    pub(super) async fn check(
        &self,
        app: &App,
        progress: &Progress,
        receipt: &Receipt,
    ) -> Result<Facts, Error> {
        let cx = self.context(app, progress)?;
        let promotion = &receipt.facts.promotion;
        let observed =
            relpub::observe_promotion(&cx, &self.config, promotion, ConfirmBy::Bytes).await;
        progress.finish();
        Ok(Facts::new(&self.config, promotion, &observed?))
    }

    /// Returns a source as the configuration spells it.
    pub(super) fn spelled(&self, source: &str) -> String {
        let path = source.strip_prefix("file:").map(Path::new);
        match path.and_then(|path| path.strip_prefix(&self.root).ok()) {
            Some(relative) => format!("file:{}", relative.display()),
            None => source.to_owned(),
        }
    }

    /// Leaves the world and its folder in place.
    pub(super) fn keep(self) -> Kept {
        let _ = self.scratch.keep();
        let first = self.world.pypi.uploads().into_iter().next();
        let file = first.and_then(|upload| upload.filename.parse().ok());
        let project = file.as_ref().and_then(project_of);
        Kept {
            project: project.map_or_else(
                || "PROJECT".to_owned(),
                |(name, version)| format!("{name}=={version}"),
            ),
            world: self.world,
        }
    }
}

/// Makes a context that reads the source and touches nothing else.
fn outside(app: &App, scratch: &Path, selection: &Selection) -> Result<Context, Error> {
    let settings = Settings {
        root: scratch.to_owned(),
        cache: cache(app, scratch),
        endpoints: production::endpoints(),
        environment: app.environment(),
        source: None,
        clock: Arc::new(SystemClock),
        events: deaf(),
        cancel: app.cancel.clone(),
        tag: selection.tag.name.clone(),
    };
    Ok(Context::new(settings)?)
}

fn cache(app: &App, scratch: &Path) -> PathBuf {
    app.given_cache().unwrap_or_else(|| scratch.join("cache"))
}

/// Makes the places of the source independent of where the state is kept: a
/// rehearsal reads the project's folder and writes to another.
fn anchored(mut config: Config, root: &Path) -> Result<Config, Error> {
    let literal = |text: &str| text.replace('{', "{{").replace('}', "}}");
    for from in &mut config.source.from {
        let text = anchor(from.as_str(), root, literal);
        *from = Template::parse(&text, Scope::Release)
            .map_err(|error| Error::Usage(error.to_string()))?;
    }
    Ok(config)
}

/// Puts the folder before a relative `file:` path; `spell` writes the folder as
/// the text around it must.
fn anchor(from: &str, root: &Path, spell: impl Fn(&str) -> String) -> String {
    match from.strip_prefix("file:") {
        Some(path) => {
            let root = spell(&root.display().to_string());
            format!("file:{}", Path::new(&root).join(path).display())
        }
        None => from.to_owned(),
    }
}

/// Returns the variables of the world's job, with its tokens also under the
/// names that the configuration takes credentials from.
fn environment(config: &Config, world: &World) -> BTreeMap<String, String> {
    let mut out = world.environment();
    for destination in config.destinations.values() {
        let token = match (&destination.kind, destination.name.as_str()) {
            (DestinationKind::GitHub { .. }, _) => world.github.token().to_owned(),
            (DestinationKind::Index { .. }, "testpypi") => world.testpypi.token(),
            (DestinationKind::Index { .. }, _) => world.pypi.token(),
        };
        match &destination.credential {
            Credential::Env(name)
            | Credential::Basic {
                password_env: name, ..
            } => {
                out.insert(name.clone(), token);
            }
            Credential::Trusted | Credential::Ambient | Credential::Anonymous => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_source_is_read_where_the_project_is() {
        let root = Path::new("/srv/a{b}");
        let same = str::to_owned;
        assert_eq!(anchor("s3://b/p", root, same), "s3://b/p");
        assert_eq!(anchor("file:/else", root, same), "file:/else");
        assert_eq!(anchor("file:bucket", root, same), "file:/srv/a{b}/bucket");
    }
}
