//! The real servers: each in a folder of its own, on ports of its own, on loopback.
//!
//! A server that runs has its process id, its log, a `world.json` for relpub and
//! an `env` with what its clients need in `run/NAME` of the lab.

mod buckets;
mod faults;
mod github;
mod indexes;
mod keeper;
mod registries;
mod sigstore;

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

pub(crate) use self::faults::Cut;
pub(crate) use self::github::prism;
pub(crate) use self::keeper::Host;
pub(crate) use self::sigstore::ISSUER;
use crate::lab::{Lab, Part};
use crate::sandbox;

/// A real server of the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// GitHub's emulator behind the proxy that knows GitHub's schema.
    Github,
    /// An index that speaks JSON; it checks neither digests nor attestations.
    Devpi,
    /// An index that speaks HTML; it refuses every second upload.
    Pypiserver,
    /// An object store that is strict about signatures, checksums and conditions.
    S3s,
    /// An object store that knows users and their rights.
    Moto,
    /// Cloud Storage's JSON API; its XML API refuses conditions.
    Gcs,
    /// A proxy that cuts connections.
    Toxiproxy,
    /// A registry of crates.
    Crates,
    /// A registry of images without the referrers API.
    Oci,
    /// The same behind bearer tokens, which is GHCR's shape.
    OciAuth,
    /// A registry of images with the referrers API.
    OciReferrers,
    /// The whole Sigstore.
    Sigstore,
}

impl Server {
    const ALL: [Self; 12] = [
        Self::Github,
        Self::Devpi,
        Self::Pypiserver,
        Self::S3s,
        Self::Moto,
        Self::Gcs,
        Self::Toxiproxy,
        Self::Crates,
        Self::Oci,
        Self::OciAuth,
        Self::OciReferrers,
        Self::Sigstore,
    ];

    /// Returns the name of its folder.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Devpi => "devpi",
            Self::Pypiserver => "pypiserver",
            Self::S3s => "s3s",
            Self::Moto => "moto",
            Self::Gcs => "gcs",
            Self::Toxiproxy => "toxiproxy",
            Self::Crates => "crates",
            Self::Oci => "oci",
            Self::OciAuth => "oci-auth",
            Self::OciReferrers => "oci-referrers",
            Self::Sigstore => "sigstore",
        }
    }

    /// Returns the part that it is installed with.
    fn part(self) -> Part {
        match self {
            Self::Github => Part::Github,
            Self::Devpi | Self::Pypiserver => Part::Pypi,
            Self::S3s | Self::Moto | Self::Gcs => Part::Bucket,
            Self::Crates => Part::Crates,
            Self::Oci | Self::OciAuth | Self::OciReferrers => Part::Oci,
            Self::Toxiproxy => Part::Fault,
            Self::Sigstore => Part::Sigstore,
        }
    }

    /// Starts it empty, after stopping one of an earlier run.
    ///
    /// If it does not come up, nothing of it is left running.
    fn start(self, lab: &Lab) -> Result<()> {
        stop(lab, self)?;
        let folder = lab.fresh(&format!("run/{}", self.name()))?;
        let mut host = Host::new(lab, folder.clone());
        let started = match self {
            Self::Github => github::start(&mut host),
            Self::Devpi => indexes::devpi(&mut host),
            Self::Pypiserver => indexes::pypiserver(&mut host),
            Self::S3s => buckets::s3s(&mut host),
            Self::Moto => buckets::moto(&mut host),
            Self::Gcs => buckets::gcs(&mut host),
            Self::Toxiproxy => faults::start(&mut host),
            Self::Crates => registries::crates(&mut host),
            Self::Oci => registries::oci(&mut host),
            Self::OciAuth => registries::oci_auth(&mut host),
            Self::OciReferrers => registries::oci_referrers(&mut host),
            Self::Sigstore => sigstore::start(&mut host),
        };
        if started.is_err() {
            stop(lab, self)?;
        }
        let facts = started.with_context(|| format!("{} did not come up", self.name()))?;
        facts.write(&folder)
    }

    /// Tells whether all its processes run.
    fn runs(self, lab: &Lab) -> Result<bool> {
        let folder = lab.path(&format!("run/{}", self.name()));
        Ok(folder.join("world.json").exists() && keeper::all_run(&folder)?)
    }
}

/// What clients must know of a server.
pub(crate) struct Facts {
    /// Its part of a world file.
    pub(crate) world: Value,
    /// Environment variables.
    pub(crate) environment: Vec<(String, String)>,
}

impl Facts {
    fn new<const N: usize>(world: Value, environment: [(&str, &str); N]) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self {
            world,
            environment: environment.map(owned).into(),
        }
    }

    fn write(&self, folder: &std::path::Path) -> Result<()> {
        let mut lines = String::new();
        for (name, value) in &self.environment {
            let quoted = value.replace('\'', r"'\''");
            writeln!(lines, "{name}='{quoted}'")?;
        }
        fs::write(folder.join("env"), lines)?;
        let mut world = json!({ "format": 1, "name": "lab" });
        merge(&mut world, &self.world);
        fs::write(folder.join("world.json"), format!("{world:#}\n"))?;
        Ok(())
    }

    /// Reads what a running server's clients must know.
    pub(crate) fn read(lab: &Lab, server: Server) -> Result<Self> {
        let folder = lab.path(&format!("run/{}", server.name()));
        let path = folder.join("world.json");
        let text =
            fs::read_to_string(&path).with_context(|| format!("{} does not run", server.name()))?;
        Ok(Self {
            world: serde_json::from_str(&text)?,
            environment: sandbox::read_environment(&folder.join("env"))?,
        })
    }

    /// Returns a variable of the environment.
    pub(crate) fn variable(&self, name: &str) -> Result<&str> {
        let mut variables = self.environment.iter();
        let found = variables.find(|(it, _)| it == name);
        let (_, value) = found.with_context(|| format!("the server has no {name}"))?;
        Ok(value)
    }

    /// Returns a string in its world file, such as `/github/api`.
    pub(crate) fn url(&self, pointer: &str) -> Result<&str> {
        let value = self.world.pointer(pointer).and_then(Value::as_str);
        value.with_context(|| format!("the world file has no {pointer}"))
    }
}

/// Adds the keys of one JSON object to another, objects in it likewise.
pub(crate) fn merge(into: &mut Value, from: &Value) {
    if let (Value::Object(into), Value::Object(from)) = (&mut *into, from) {
        for (key, value) in from {
            merge(into.entry(key.clone()).or_insert(Value::Null), value);
        }
    } else {
        *into = from.clone();
    }
}

/// `up`: starts the servers of the given parts that do not run, and leaves them running.
pub(crate) fn up(lab: &Lab, parts: &[Part]) -> Result<()> {
    let _lock = lab.lock()?;
    let parts = Part::chosen(parts);
    let wanted = Server::ALL.into_iter();
    for server in wanted.filter(|it| parts.contains(&it.part())) {
        if server.runs(lab)? {
            println!("{} runs already", server.name());
        } else {
            server.start(lab)?;
            println!("{} is up", server.name());
        }
        let folder = lab.path(&format!("run/{}", server.name()));
        println!("  {}", folder.join("{world.json,env}").display());
    }
    Ok(())
}

/// `down`: stops every server of the lab.
pub(crate) fn down(lab: &Lab) -> Result<()> {
    let _lock = lab.lock()?;
    stop_all(lab)
}

/// Stops every server, by its recorded process ids. What it wrote is kept.
pub(crate) fn stop_all(lab: &Lab) -> Result<()> {
    for server in Server::ALL {
        stop(lab, server)?;
    }
    let extra = lab.path("run/prism");
    if extra.exists() {
        keeper::stop(&extra)?;
    }
    Ok(())
}

fn stop(lab: &Lab, server: Server) -> Result<()> {
    let folder = lab.path(&format!("run/{}", server.name()));
    if folder.exists() {
        keeper::stop(&folder)?;
    }
    Ok(())
}

/// A server that runs for as long as this value lives.
pub(crate) struct Guard<'a> {
    lab: &'a Lab,
    server: Server,
    /// What clients must know of it.
    pub(crate) facts: Facts,
}

impl<'a> Guard<'a> {
    /// Starts the server, empty.
    pub(crate) fn start(lab: &'a Lab, server: Server) -> Result<Self> {
        server.start(lab)?;
        Ok(Self {
            lab,
            server,
            facts: Facts::read(lab, server)?,
        })
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if let Err(error) = stop(self.lab, self.server) {
            println!("could not stop {}: {error:#}", self.server.name());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::merge;

    #[test]
    fn a_world_is_put_together_from_parts() {
        let mut world = json!({"name": "sandbox", "indexes": {"pypi": 1, "testpypi": 2}});
        merge(&mut world, &json!({"name": "lab", "indexes": {"pypi": 3}}));
        assert_eq!(
            world,
            json!({"name": "lab", "indexes": {"pypi": 3, "testpypi": 2}})
        );
    }
}
