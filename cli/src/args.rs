//! The command line.

use std::path::{Path, PathBuf};

use clap::builder::Styles;
use clap::{Parser, Subcommand, ValueEnum};
use relpub_model::name::{Commit, Repository};
use relpub_sandbox::Fault;

/// The configuration that is read unless another one is named.
pub(crate) const CONFIG: &str = "relpub.toml";

/// Promotes prebuilt artifacts: from a bucket to PyPI and GitHub Releases.
///
/// relpub never builds anything. It fetches what somebody else has built,
/// checks that it is what it claims to be, publishes exactly those bytes, and
/// reads them back. Run the same command again after any failure.
#[derive(Debug, Parser)]
#[command(name = "relpub", version, styles = Styles::plain(), max_term_width = 100)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    /// The folder to start in; every other path is relative to it
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub(crate) directory: Option<PathBuf>,

    /// The configuration
    #[arg(
        long,
        value_name = "FILE",
        global = true,
        default_value = CONFIG
    )]
    pub(crate) config: PathBuf,

    /// How the result is written to standard output
    #[arg(long, value_name = "FORMAT", global = true, default_value = "text")]
    pub(crate) format: Format,

    /// Writes what happens to a file, one JSON object a line
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) events: Option<PathBuf>,

    /// Whether to use colours; `NO_COLOR` is obeyed too
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    pub(crate) color: Color,

    /// Where downloads are kept until they are published
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) cache: Option<PathBuf>,
}

/// How a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// One JSON document
    Json,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows what would happen, and every reason why it cannot
    ///
    /// Nothing is changed anywhere; the plan is saved in .relpub/TAG/plan.json.
    Plan(PlanArgs),
    /// Publishes the release
    ///
    /// Run it again after any failure: what is there already is left alone.
    Promote(PromoteArgs),
    /// Publishes the release in a private world, and checks it as its users would
    Rehearse(RehearseArgs),
    /// Runs a private PyPI, GitHub and bucket on this machine until it is stopped
    Sandbox(SandboxArgs),
    /// Reads a release back from every destination and compares, or judges one file
    ///
    /// A release is known by the receipt of the last run here, by --receipt, or
    /// else by the signed promotion statement at GitHub, on any machine. A file is
    /// judged by FILE.sigstore.json beside it and by what GitHub's attestation
    /// store has about its bytes.
    Verify(VerifyArgs),
    /// Shows where a release stands and what would happen next
    Status(SeenArgs),
    /// Shows what the last run saw at the end
    Receipt(ReceiptArgs),
    /// Shows what files really are, and what speaks against publishing them
    Inspect {
        /// The files
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Describes what files are made of, as CycloneDX 1.6 documents (SBOM)
    ///
    /// Wheels, source distributions, archives, programs and libraries: what they
    /// declare, what they were built from as far as the bytes tell, and the SBOMs
    /// that their builder put inside. One document goes to standard output; several
    /// go to a folder, each as NAME.cdx.json.
    Sbom(SbomArgs),
    /// Prints the JSON Schema of relpub.toml, for editors
    Schema,
    /// Prints a script that completes relpub's arguments in a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Picks what is promoted.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Selecting {
    /// The tag as it is spelled, such as v1.2.3
    pub(crate) tag: String,

    /// The full commit that the artifacts were built from
    #[arg(long, value_name = "SHA")]
    pub(crate) commit: Option<Commit>,

    /// Another source than the configured one: `file:PATH` or `s3://BUCKET/PREFIX`
    #[arg(long, value_name = "URI")]
    pub(crate) from: Option<String>,
}

/// Picks what may be missing.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Allowing {
    /// A platform or pattern that may be missing this time
    #[arg(long, value_name = "NAME", requires = "because")]
    pub(crate) allow_missing: Vec<String>,

    /// Why it may be missing; stands in the receipt and the notes
    #[arg(long, value_name = "TEXT", requires = "allow_missing")]
    pub(crate) because: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) selecting: Selecting,
    #[command(flatten)]
    pub(crate) allowing: Allowing,
    #[command(flatten)]
    pub(crate) world: WorldArg,
}

impl PlanArgs {
    /// Returns the arguments as they can be typed again.
    pub(crate) fn spelled(&self) -> Vec<String> {
        let Selecting { tag, commit, from } = &self.selecting;
        let mut out = vec![tag.clone()];
        let mut option = |name: &str, value: String| out.extend([name.to_owned(), value]);
        if let Some(commit) = commit {
            option("--commit", commit.to_string());
        }
        if let Some(from) = from {
            option("--from", from.clone());
        }
        for name in &self.allowing.allow_missing {
            option("--allow-missing", name.clone());
        }
        for text in &self.allowing.because {
            option("--because", text.clone());
        }
        out.extend(self.world.spelled());
        out
    }
}

impl WorldArg {
    /// Returns the argument as it can be typed again.
    pub(crate) fn spelled(&self) -> Vec<String> {
        let world = self.world.iter();
        world
            .flat_map(|path| ["--world".to_owned(), path.display().to_string()])
            .collect()
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct WorldArg {
    /// The world to work in instead of production, as relpub sandbox writes it
    #[arg(long, value_name = "FILE")]
    pub(crate) world: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PromoteArgs {
    #[command(flatten)]
    pub(crate) plan: PlanArgs,

    /// Stops where the plan is made
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Refuses unless this is the promotion that was reviewed: its id, or a saved plan
    #[arg(long, value_name = "ID|FILE")]
    pub(crate) expect: Option<String>,

    /// Does not ask before publishing
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RehearseArgs {
    #[command(flatten)]
    pub(crate) selecting: Selecting,
    #[command(flatten)]
    pub(crate) allowing: Allowing,

    /// What goes wrong: KIND@SERVICE[/ENDPOINT][:COUNT], such as lost-answer@pypi:2
    #[arg(long, value_name = "SPEC")]
    pub(crate) fault: Vec<Fault>,

    /// Kills the run after so many requests that change something, then runs again
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) kill_after: Option<u32>,

    /// Leaves the world running afterwards, and its folder in place
    #[arg(long)]
    pub(crate) keep: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SandboxArgs {
    /// The folder that the world lives in; it is made if it is not there
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,

    /// The first of ten ports in a row; without it, any free ones
    #[arg(long, value_name = "N")]
    pub(crate) port: Option<u16>,

    /// The repository on its GitHub
    #[arg(long, value_name = "OWNER/NAME", default_value = "relpub/demo")]
    pub(crate) repository: Repository,

    /// A commit of that repository
    #[arg(long, value_name = "SHA")]
    pub(crate) commit: Option<Commit>,

    /// A tag at that commit
    #[arg(long, value_name = "NAME", requires = "commit")]
    pub(crate) tag: Option<String>,

    /// A bucket that anybody may read, with the files of a folder
    #[arg(long, value_name = "NAME=DIR", value_parser = parse_bucket)]
    pub(crate) bucket: Vec<(String, PathBuf)>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SbomArgs {
    /// The files
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,

    /// The folder for the documents; it is made if it is not there
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SeenArgs {
    #[command(flatten)]
    pub(crate) receipt: ReceiptArgs,
    #[command(flatten)]
    pub(crate) world: WorldArg,
}

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// The tag as it is spelled, such as v1.2.3, or a file
    #[arg(value_name = "TAG|FILE", required_unless_present = "receipt")]
    pub(crate) what: Option<String>,

    /// A receipt from elsewhere, instead of .relpub/TAG/receipt.json
    #[arg(long, value_name = "FILE", conflicts_with_all = ["repository", "bundle"])]
    pub(crate) receipt: Option<PathBuf>,

    /// Whose workflows should have signed the file; without it, that of relpub.toml
    #[arg(long, value_name = "OWNER/NAME")]
    pub(crate) repository: Option<Repository>,

    /// Another bundle to judge the file by
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) world: WorldArg,
}

impl VerifyArgs {
    /// Returns the file that is named, if it is one: what looks like a path, or
    /// is there.
    pub(crate) fn file(&self, is_there: impl Fn(&Path) -> bool) -> Option<PathBuf> {
        let what = self.what.as_deref()?;
        let path = Path::new(what);
        let meant = self.repository.is_some()
            || !self.bundle.is_empty()
            || path.components().count() > 1
            || is_there(path);
        (meant && self.receipt.is_none()).then(|| path.to_owned())
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReceiptArgs {
    /// The tag as it is spelled, such as v1.2.3
    #[arg(required_unless_present = "receipt")]
    pub(crate) tag: Option<String>,

    /// A receipt from elsewhere, instead of .relpub/TAG/receipt.json
    #[arg(long, value_name = "FILE")]
    pub(crate) receipt: Option<PathBuf>,
}

fn parse_bucket(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, folder)) if !name.is_empty() && !folder.is_empty() => {
            Ok((name.to_owned(), PathBuf::from(folder)))
        }
        _ => Err("it is written NAME=DIR".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
