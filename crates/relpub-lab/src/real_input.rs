//! `real-input`: a real project's wheels, laid out as a build job leaves them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;

use crate::digest::sha256_of;
use crate::pip::{self, Index};
use crate::project::{Project, Wheel};

/// Lays the input out and prints what can be done with it.
pub(crate) fn run(project: Project, folder: &Path) -> Result<()> {
    prepare(project, folder)?;
    print_next(project, folder);
    Ok(())
}

/// Makes `folder` hold the bucket and its `relpub.toml`.
///
/// What is there already and has the right digest is kept.
pub(crate) fn prepare(project: Project, folder: &Path) -> Result<()> {
    let tree = folder.join("bucket").join(project.prefix());
    let wheels = tree.join("wheels");
    fs::create_dir_all(&wheels).with_context(|| format!("could not make {}", wheels.display()))?;
    for wheel in project.wheels() {
        fetch(project, wheel, folder, &wheels.join(wheel.file))?;
    }
    let manifest = serde_json::to_string_pretty(&Manifest::of(project))?;
    write(&tree.join("manifest.json"), &(manifest + "\n"))?;
    write(&folder.join("relpub.toml"), project.config())
}

/// Downloads a wheel to `path`, unless it is there with the recorded digest.
fn fetch(project: Project, wheel: &Wheel, folder: &Path, path: &Path) -> Result<()> {
    if path.is_file() && sha256_of(path)? == wheel.sha256 {
        println!("kept     {}", wheel.file);
        return Ok(());
    }
    println!("download {} ({} bytes)", wheel.file, wheel.size);
    // Beside the bucket, so that only whole wheels ever appear in it.
    let temporary = tempfile::tempdir_in(folder)?;
    let version = project.version();
    let found = pip::download(wheel, version, Index::Configured, temporary.path())?;
    let digest = sha256_of(&found)?;
    ensure!(
        digest == wheel.sha256,
        "{} has the SHA-256 {digest}, not the recorded {}",
        wheel.file,
        wheel.sha256
    );
    fs::rename(&found, path).with_context(|| format!("could not write {}", path.display()))
}

/// The manifest that a build job writes beside its artifacts.
#[derive(Serialize)]
struct Manifest {
    schema: u32,
    source: Source,
    version: &'static str,
    artifacts: Vec<Entry>,
}

#[derive(Serialize)]
struct Source {
    repository: &'static str,
    commit: &'static str,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    size: u64,
    sha256: &'static str,
    kind: &'static str,
}

impl Manifest {
    fn of(project: Project) -> Self {
        let entry = |wheel: &Wheel| Entry {
            name: format!("wheels/{}", wheel.file),
            size: wheel.size,
            sha256: wheel.sha256,
            kind: "wheel",
        };
        Self {
            schema: 1,
            source: Source {
                repository: project.repository(),
                commit: project.commit(),
            },
            version: project.version(),
            artifacts: project.wheels().iter().map(entry).collect(),
        }
    }
}

/// Prints the commands that promote the input by hand, with whole paths.
fn print_next(project: Project, folder: &Path) {
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| PathBuf::from(folder));
    let (folder, name) = (folder.display(), project.name());
    let (repository, commit) = (project.repository(), project.commit());
    println!(
        "
{repository} {tag} lies in {folder}. A sandbox for it, which runs until it is stopped:

  relpub sandbox --data {folder}/world --repository {repository} --commit {commit} --bucket builds={folder}/bucket

In another shell, with larger files allowed there and its credentials taken:

  cargo run -p relpub-lab -- raise-limit {name} --world {folder}/world/world.json
  set -a; . {folder}/world/env; set +a
  relpub -C {folder} promote {tag} --commit {commit} --world {folder}/world/world.json --from s3://builds/{prefix} --yes

The same with every result checked: cargo run -p relpub-lab -- promote-real {name}",
        tag = project.tag(),
        prefix = project.prefix(),
    );
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("could not write {}", path.display()))
}
