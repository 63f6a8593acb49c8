//! A sandbox in this very process, for clients that are other processes.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use relpub_model::production::publish_predicate;
use relpub_sandbox::{Names, Options, World};
use tokio::runtime::Runtime;

use crate::bench::Bench;
use crate::servers::{Facts, ISSUER};
use crate::stack::Stack;

/// The repository of the test data.
pub(crate) const REPOSITORY: &str = "relpub/demo";
/// The commit that the test data says it was built from.
pub(crate) const COMMIT: &str = "5f2c0e6d9b3a41c78e1d2f60a9b47c3d8e5f1a20";

/// A sandbox that runs for as long as this value lives.
pub(crate) struct Local {
    pub(crate) world: World,
    /// Where its files are.
    pub(crate) data: PathBuf,
    /// Its world file and its environment.
    pub(crate) facts: Facts,
    // After the world, whose services run on it.
    _runtime: Runtime,
}

impl Local {
    /// Starts a sandbox whose issuer calls itself GitHub's, as its clients expect.
    pub(crate) fn start(bench: &Bench<'_>, name: &str) -> Result<Self> {
        let data = bench.folder(name)?;
        let names = Names::new(REPOSITORY, COMMIT)
            .with_publish_predicate(&publish_predicate())
            .with_issuer(ISSUER);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let options = Options::new(&data).with_names(names);
        let world = runtime.block_on(World::start(options));
        let world = world.context("the sandbox did not start")?;
        let text = fs::read_to_string(data.join("world.json"))?;
        let facts = Facts {
            world: serde_json::from_str(&text)?,
            environment: world.environment().into_iter().collect(),
        };
        Ok(Self {
            world,
            data,
            facts,
            _runtime: runtime,
        })
    }

    /// Returns its Sigstore as clients see it.
    pub(crate) fn stack(&self) -> Stack {
        Stack {
            name: "sandbox Sigstore",
            trust: self.data.join("trust"),
            environment: self.facts.environment.clone(),
            facts: Facts {
                world: self.facts.world.clone(),
                environment: Vec::new(),
            },
        }
    }
}
