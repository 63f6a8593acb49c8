//! Which Sigstore: the world's, the configuration's, or the public one.

use std::path::{Path, PathBuf};

use relpub_model::config::SigstoreRule;
use relpub_model::world;
use relpub_remote::sigstore::{TufSource, trust_material};
use relpub_remote::{Signing, SigningServices};
use relpub_trust::TrustRoot;

use crate::context::Context;
use crate::error::Error;
use crate::state::StateError;

/// Whom to trust, and how to sign.
pub(crate) struct Sigstore {
    root: TrustRoot,
    /// What a person should know about where that is from.
    pub(super) warning: Option<String>,
    pub(super) signing: Signing,
    /// Whether there is a Rekor v1 log, which alone PyPI takes.
    pub(super) has_rekor1: bool,
}

impl Sigstore {
    /// Reads the files of a private instance, or brings those of the public one
    /// up to date.
    pub(crate) async fn open(cx: &Context, rule: &SigstoreRule) -> Result<Self, Error> {
        let material = match (&cx.endpoints.sigstore, rule) {
            (Some(files), _) => Material::from_files(files)?,
            (None, _) if cx.endpoints.name.is_some() => {
                let why = "this world has no Sigstore, and the configuration asks for evidence: add one to the world file, or say `[evidence] sign = \"none\"`, `attest = []` and `attestations = false`";
                return Err(Error::Usage(why.to_owned()));
            }
            (None, SigstoreRule::Folder(folder)) => {
                Material::from_files(&in_folder(&cx.root.join(folder)))?
            }
            (None, SigstoreRule::Public) => Material::public(cx).await?,
        };
        material.open(cx)
    }

    /// Returns whom to trust.
    pub(crate) fn root(&self) -> &TrustRoot {
        &self.root
    }
}

/// The files of an instance.
struct Material {
    trusted_root: Vec<u8>,
    signing_config: Vec<u8>,
    signing_config_rekor1: Option<Vec<u8>>,
    /// Where they are from, for messages.
    from: String,
    /// What a person should know about them.
    warning: Option<String>,
}

impl Material {
    fn from_files(files: &world::Sigstore) -> Result<Self, Error> {
        let rekor1 = files.signing_config_rekor1.as_deref();
        Ok(Self {
            trusted_root: read(&files.trusted_root)?,
            signing_config: read(&files.signing_config)?,
            signing_config_rekor1: rekor1.map(read).transpose()?,
            from: files.trusted_root.display().to_string(),
            warning: None,
        })
    }

    async fn public(cx: &Context) -> Result<Self, Error> {
        let source = TufSource::production();
        let material = trust_material(&cx.http, &source, &cx.store.folder().join("tuf")).await?;
        Ok(Self {
            warning: material.origin.warning(),
            trusted_root: material.trusted_root,
            signing_config: material.signing_config,
            signing_config_rekor1: None,
            from: "the public Sigstore".to_owned(),
        })
    }

    fn open(self, cx: &Context) -> Result<Sigstore, Error> {
        let usage = |error: &dyn std::fmt::Display| Error::Usage(format!("{}: {error}", self.from));
        let root = TrustRoot::from_json(&self.trusted_root).map_err(|error| usage(&error))?;
        let now = cx.clock.now();
        let services = SigningServices::from_json(&self.signing_config, now);
        let mut services = services.map_err(|error| usage(&error))?;
        if let Some(rekor1) = &self.signing_config_rekor1 {
            let with_rekor1 = services.with_rekor1_config(rekor1, now);
            services = with_rekor1.map_err(|error| usage(&error))?;
        }
        let identity = cx.endpoints.identity.as_ref();
        Ok(Sigstore {
            root,
            warning: self.warning,
            has_rekor1: services.has_rekor1(),
            signing: Signing::new(&cx.http, services, &cx.environment, identity),
        })
    }
}

/// Returns the files of a private instance under their usual names.
fn in_folder(folder: &Path) -> world::Sigstore {
    let rekor1 = folder.join("signing_config_rekor1.json");
    world::Sigstore {
        trusted_root: folder.join("trusted_root.json"),
        signing_config: folder.join("signing_config.json"),
        signing_config_rekor1: rekor1.exists().then_some(rekor1),
    }
}

fn read(path: impl AsRef<Path>) -> Result<Vec<u8>, Error> {
    let path: PathBuf = path.as_ref().to_owned();
    let read = std::fs::read(&path);
    Ok(read.map_err(|error| StateError::new("cannot read", &path, error))?)
}
