//! `manifest.json`, schema 1.
//!
//! ```json
//! {"schema": 1, "source": {"repository": "owner/name", "commit": "…"}, "version": "1.2.3",
//!  "artifacts": [{"name": "wheels/a.whl", "size": 1, "sha256": "…", "kind": "wheel"}]}
//! ```
//! Keys that relpub does not know are ignored, so that builds may write more.

use std::collections::HashMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use relpub_model::digest::Sha256;
use relpub_model::manifest::{Entry, Manifest};
use relpub_model::name::{Commit, SourcePath};

use super::{At, ManifestFault, below, shown};

/// Reads the document.
pub(super) fn parse(path: &SourcePath, text: &str) -> Result<Manifest, At> {
    check_schema(text)?;
    let document: Document = serde_json::from_str(text).map_err(|error| located(text, &error))?;
    let mut entries = Vec::with_capacity(document.artifacts.0.len());
    for artifact in document.artifacts.0 {
        entries.push(Entry {
            path: below(path, artifact.name.as_str()).map_err(|fault| (0, fault))?,
            size: Some(artifact.size),
            sha256: artifact.sha256,
        });
    }
    Ok(Manifest {
        path: path.clone(),
        commit: Some(document.source.commit),
        repository: document.source.repository,
        version: document.version,
        entries,
    })
}

/// Checks that the document is relpub's, in a schema that is known, before
/// anything else in it is read.
fn check_schema(text: &str) -> Result<(), At> {
    if text.trim_start().starts_with('[') {
        let tool = "a list in JSON, as GoReleaser's artifacts.json is,";
        return Err((0, ManifestFault::OtherTool(tool)));
    }
    let head: Head = serde_json::from_str(text).map_err(|error| located(text, &error))?;
    match head {
        Head {
            schema: Some(Schema(schema)),
            ..
        } if schema == "1" => Ok(()),
        Head {
            schema: Some(Schema(schema)),
            ..
        } => Err((0, ManifestFault::Schema(shown(&schema)))),
        Head {
            dist_version: Some(_),
            ..
        } => Err((0, ManifestFault::OtherTool("cargo-dist's manifest"))),
        Head {
            project_name: Some(_),
            ..
        } => Err((0, ManifestFault::OtherTool("GoReleaser's metadata"))),
        _ => Err((
            0,
            ManifestFault::Json("the manifest has no `schema`".to_owned()),
        )),
    }
}

/// What tells a manifest's format.
#[derive(Deserialize)]
struct Head {
    schema: Option<Schema>,
    dist_version: Option<IgnoredAny>,
    project_name: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Document {
    source: Source,
    version: Option<String>,
    artifacts: Artifacts,
}

#[derive(Deserialize)]
struct Source {
    repository: Option<String>,
    commit: Commit,
}

#[derive(Deserialize)]
struct Artifact {
    name: SourcePath,
    size: u64,
    sha256: Sha256,
}

/// A list of artifacts, each file once.
struct Artifacts(Vec<Artifact>);

impl<'de> Deserialize<'de> for Artifacts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ArtifactsVisitor)
    }
}

struct ArtifactsVisitor;

impl<'de> Visitor<'de> for ArtifactsVisitor {
    type Value = Artifacts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of artifacts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Artifacts, A::Error> {
        let mut artifacts = Vec::new();
        let mut seen = HashMap::new();
        while let Some(artifact) = list.next_element_seed(ArtifactSeed { seen: &mut seen })? {
            artifacts.extend(artifact);
        }
        Ok(Artifacts(artifacts))
    }
}

/// Reads one artifact, or `None` when it was declared before.
///
/// Checked here, and not when all are read, so that an error has its place.
struct ArtifactSeed<'a> {
    seen: &'a mut HashMap<SourcePath, (Sha256, u64)>,
}

impl<'de> DeserializeSeed<'de> for ArtifactSeed<'_> {
    type Value = Option<Artifact>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ArtifactSeed<'_> {
    type Value = Option<Artifact>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an artifact")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let artifact = Artifact::deserialize(MapAccessDeserializer::new(map))?;
        let declared = (artifact.sha256, artifact.size);
        match self.seen.insert(artifact.name.clone(), declared) {
            None => Ok(Some(artifact)),
            Some(before) if before == declared => Ok(None),
            Some(_) => Err(A::Error::custom(ManifestFault::Twice(artifact.name))),
        }
    }
}

/// A schema's number, or what stands in its place.
struct Schema(String);

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SchemaVisitor)
    }
}

struct SchemaVisitor;

impl Visitor<'_> for SchemaVisitor {
    type Value = Schema;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the schema's number")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Schema, E> {
        Ok(Schema(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Schema, E> {
        Ok(Schema(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Schema, E> {
        Ok(Schema(format!("{number:?}")))
    }

    fn visit_str<E>(self, text: &str) -> Result<Schema, E> {
        Ok(Schema(format!("{text:?}")))
    }
}

/// Takes the place out of a message and makes an offset of it.
fn located(text: &str, error: &serde_json::Error) -> At {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = error.to_string();
    let message = message.strip_suffix(&place).unwrap_or(&message);
    let line_start: usize = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    let offset = line_start + error.column().saturating_sub(1);
    (offset, ManifestFault::Json(shown(message)))
}
