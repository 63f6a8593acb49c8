//! pip, which fetches the real input and later judges what relpub published.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::project::Wheel;

/// The index that pip asks.
#[derive(Clone, Copy)]
pub(crate) enum Index<'a> {
    /// The one that this machine's pip is configured for.
    Configured,
    /// The simple index at this URL, and nothing else.
    At(&'a str),
}

/// Downloads exactly this wheel into `folder`, whatever machine this is.
///
/// An error is also another wheel of the same version: pip takes the one that
/// fits the platform it was asked for.
pub(crate) fn download(
    wheel: &Wheel,
    version: &str,
    index: Index<'_>,
    folder: &Path,
) -> Result<PathBuf> {
    let mut command = Command::new("python3");
    command.args(["-m", "pip", "download", "--quiet", "--no-deps"]);
    command.args(["--only-binary=:all:", "--disable-pip-version-check"]);
    command.args(platform_options(wheel.file));
    if let Index::At(url) = index {
        forget_configuration(&mut command);
        command.args(["--no-cache-dir", "--index-url", url]);
    }
    command.arg("--dest").arg(folder);
    command.arg(format!("{}=={version}", wheel.project));
    let status = command.status().context("could not run python3 -m pip")?;
    ensure!(
        status.success(),
        "pip could not download {} ({status})",
        wheel.file
    );
    let path = folder.join(wheel.file);
    ensure!(
        path.is_file(),
        "pip downloaded another file than {}",
        wheel.file
    );
    Ok(path)
}

/// Returns the options that make pip choose this wheel, from its name's tags.
fn platform_options(file: &str) -> Vec<String> {
    let stem = file.strip_suffix(".whl").unwrap_or(file);
    let mut tags = stem.rsplit('-').map(first_of);
    let (platform, abi, python) = (tags.next(), tags.next(), tags.next());
    // A pure wheel fits everywhere; pip still asks whether its Python is allowed.
    let python = python.and_then(|it| it.strip_prefix("cp")).unwrap_or("311");
    let mut options = vec!["--python-version".to_owned(), python.to_owned()];
    if let (Some(platform), Some(abi)) = (platform, abi)
        && platform != "any"
    {
        let given = [
            "--implementation",
            "cp",
            "--abi",
            abi,
            "--platform",
            platform,
        ];
        options.extend(given.map(str::to_owned));
    }
    options
}

/// Returns the first of several tags, such as `a` of `a.b`.
fn first_of(tags: &str) -> &str {
    tags.split('.').next().unwrap_or(tags)
}

/// Leaves pip nothing but the index it is given: no second place to find files.
fn forget_configuration(command: &mut Command) {
    let foreign = |name: &str| {
        let name = name.to_ascii_uppercase();
        name.starts_with("PIP_") || name.ends_with("_PROXY")
    };
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(foreign) {
            command.env_remove(name);
        }
    }
    command.env(
        "PIP_CONFIG_FILE",
        if cfg!(windows) { "nul" } else { "/dev/null" },
    );
}

#[cfg(test)]
mod tests {
    use super::platform_options;

    #[test]
    fn pip_is_asked_for_the_platform_in_the_name() {
        let native =
            platform_options("a_b-1.0-cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl");
        assert_eq!(
            native.join(" "),
            "--python-version 310 --implementation cp --abi abi3 --platform manylinux_2_17_x86_64"
        );
        let pure = platform_options("a_b-1.0-py3-none-any.whl");
        assert_eq!(pure.join(" "), "--python-version 311");
    }
}
