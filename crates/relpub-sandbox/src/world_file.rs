//! How a client finds a world: `world.json` for relpub, `env` for everyone else.

use std::collections::BTreeMap;
use std::io;

use serde::{Deserialize, Serialize};

use crate::disk::Disk;

/// The environment variables that a client of a world needs.
pub type Environment = BTreeMap<String, String>;

/// The content of `world.json`: every URL of a world, and no secret.
///
/// Format 1 is the first. A service that a world does not have is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct WorldFile {
    /// The version of this format.
    pub format: u32,
    /// The name of the world, which receipts repeat.
    pub name: String,
    /// The package indexes by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub indexes: BTreeMap<String, IndexUrls>,
    /// The GitHub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub github: Option<GitHubUrls>,
    /// The object store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3: Option<S3Urls>,
    /// The issuer of identity tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<IdentityUrls>,
    /// The Sigstore.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sigstore: Option<SigstoreUrls>,
    /// Where the world itself is steered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<String>,
}

/// The URLs of a package index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct IndexUrls {
    /// Where files are uploaded to.
    pub upload: String,
    /// The simple index.
    pub index: String,
}

/// The URLs of a GitHub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct GitHubUrls {
    /// The REST API.
    pub api: String,
    /// Where release assets are uploaded to.
    pub uploads: String,
    /// Where people look.
    pub web: String,
}

/// How an S3 object store is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct S3Urls {
    /// The endpoint, to be used with path-style addresses.
    pub endpoint: String,
    /// The region that requests are signed for.
    pub region: String,
}

/// The URLs of the issuer of identity tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct IdentityUrls {
    /// Where a job asks for a token.
    pub request_url: String,
    /// The issuer as it stands in tokens.
    pub issuer: String,
}

/// The URLs of a Sigstore, and the files that clients of it read.
///
/// The paths of files are relative to the folder of the world file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SigstoreUrls {
    /// The file with the trusted root.
    pub trusted_root: String,
    /// The file with the signing config that leads to Rekor v2.
    pub signing_config: String,
    /// The file with the signing config that leads to Rekor v1.
    pub signing_config_rekor1: String,
    /// The certificate authority.
    pub fulcio: String,
    /// The first log.
    pub rekor1: String,
    /// The second log.
    pub rekor2: String,
    /// The time stamping authority, with its path.
    pub tsa: String,
}

impl WorldFile {
    /// Returns the file of a world without services.
    pub(crate) fn new() -> Self {
        Self {
            format: 1,
            name: "sandbox".to_owned(),
            indexes: BTreeMap::new(),
            github: None,
            s3: None,
            identity: None,
            sigstore: None,
            control: None,
        }
    }

    /// Writes `world.json`.
    pub(crate) fn write(&self, disk: &Disk) -> io::Result<()> {
        disk.write_json("world", self)
    }
}

/// Writes `env`: one `NAME='value'` a line, readable by its owner alone.
pub(crate) fn write_environment(environment: &Environment, disk: &Disk) -> io::Result<()> {
    let lines: Vec<_> = environment
        .iter()
        .map(|(name, value)| format!("{name}={}\n", shell_quoted(value)))
        .collect();
    disk.write_private("env", lines.concat().as_bytes())
}

fn shell_quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_file_has_no_key_for_what_is_not_there() {
        let mut file = WorldFile::new();
        file.identity = Some(IdentityUrls {
            request_url: "http://127.0.0.1:4/token?api-version=2.0".to_owned(),
            issuer: "http://127.0.0.1:4".to_owned(),
        });
        assert_eq!(
            serde_json::to_string(&file).unwrap(),
            r#"{"format":1,"name":"sandbox","identity":{"request-url":"http://127.0.0.1:4/token?api-version=2.0","issuer":"http://127.0.0.1:4"}}"#
        );
    }

    #[test]
    fn a_shell_reads_any_value_as_it_is() {
        assert_eq!(shell_quoted("a'b $c"), r"'a'\''b $c'");
    }
}
