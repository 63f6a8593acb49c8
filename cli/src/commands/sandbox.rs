//! `relpub sandbox`: a private PyPI, GitHub, bucket and Sigstore, until it is
//! stopped.

use relpub_model::evidence::GITHUB_ACTIONS;
use relpub_model::{Exit, production};
use relpub_sandbox::{Names, Options, World};
use serde::Serialize;

use crate::app::{App, shown};
use crate::args::SandboxArgs;
use crate::explain::Error;
use crate::render::human::{Labels, quoted};

/// Where a sandbox is, as a document.
#[derive(Serialize)]
struct Place<'a> {
    world: String,
    env: String,
    control: &'a str,
}

/// Starts the world, says where everything is, and waits for a signal.
pub(super) async fn run(app: &App, args: &SandboxArgs) -> Result<Exit, Error> {
    let data = app.path(&args.data);
    let names = named(match &args.commit {
        Some(commit) => Names::new(args.repository.as_str(), commit.as_str()),
        None => Names {
            repository: args.repository.to_string(),
            ..Names::default()
        },
    });
    let options = Options::new(&data).with_port(args.port).with_names(names);
    let world = World::start(options).await.map_err(Error::Sandbox)?;
    seed(app, args, &world)?;
    app.console
        .screen(&screen(&world, args, app.console.width()));
    app.console.document(&Place {
        world: shown(&data.join("world.json")),
        env: shown(&data.join("env")),
        control: world.control(),
    });
    app.cancel.cancelled().await;
    world.stop().await;
    Ok(Exit::Done)
}

/// Gives a world the names that it cannot know: what PyPI's attestations are
/// called, and who gives out the identities of GitHub Actions.
pub(super) fn named(names: Names) -> Names {
    names
        .with_publish_predicate(&production::publish_predicate())
        .with_issuer(GITHUB_ACTIONS)
}

/// Puts into the world what the command line asks for.
fn seed(app: &App, args: &SandboxArgs, world: &World) -> Result<(), Error> {
    if let (Some(tag), Some(commit)) = (&args.tag, &args.commit) {
        let repository = args.repository.as_str();
        let added = world
            .github
            .add_tag(repository, tag, commit.as_str(), false);
        added.map_err(Error::Sandbox)?;
    }
    for (name, folder) in &args.bucket {
        let folder = app.path(folder);
        let seeded = world.bucket.seed_dir(name, "", &folder);
        seeded.map_err(|error| Error::reading(&folder, error))?;
        let opened = world.bucket.public_read(name, true);
        opened.map_err(Error::Sandbox)?;
    }
    Ok(())
}

fn screen(world: &World, args: &SandboxArgs, width: usize) -> String {
    let data = quoted(&shown(&args.data));
    let mut list = Labels::new();
    places(world, &mut list);
    for (name, _) in &args.bucket {
        list.line("source", format!("s3://{name}/"));
    }
    list.line(
        "control",
        format!("{}/_sandbox/log, clock, faults", world.control()),
    );
    list.free("");
    list.line(
        "relpub",
        format!("(set -a; . {data}/env; relpub promote TAG --world {data}/world.json)"),
    );
    list.line(
        "twine",
        format!("(set -a; . {data}/env; twine upload FILE…)"),
    );
    list.line("pip", pip(world, "PROJECT"));
    format!(
        "sandbox of {} in {data}, until it is interrupted\n\n{}",
        args.repository,
        list.render(width)
    )
}

/// Lists where the services of a world are.
pub(super) fn places(world: &World, list: &mut Labels) {
    list.line("pypi", world.pypi.simple_url());
    list.line("testpypi", world.testpypi.simple_url());
    list.line("github", world.github.url());
    list.line("bucket", world.bucket.url());
    let root = world.data().join("trust/trusted_root.json");
    list.line("sigstore", format!("trusted root {}", shown(&root)));
}

/// Returns how pip downloads from a world's index, and from nowhere else.
pub(super) fn pip(world: &World, what: &str) -> String {
    let url = world.pypi.simple_url();
    format!("pip download --no-deps --index-url {url} {what}")
}
