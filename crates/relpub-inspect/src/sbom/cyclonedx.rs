//! Writes what an artifact is made of as CycloneDX 1.6.
//!
//! The `cyclonedx-bom` crate writes 1.5, of which 1.6 is nearly a superset; so
//! its document is stamped, and the few fields that are new are added to it. The
//! same input gives the same bytes: no time, no random number, everything in
//! order.

use std::collections::{BTreeMap, BTreeSet};

use cyclonedx_bom::external_models::normalized_string::NormalizedString;
use cyclonedx_bom::external_models::uri::{Purl, Uri};
use cyclonedx_bom::models::bom::{Bom, BomReference, SpecVersion, UrnUuid};
use cyclonedx_bom::models::component::{
    Classification, Component, ComponentEvidence, Components, Occurrence, Occurrences,
    Scope as CdxScope,
};
use cyclonedx_bom::models::composition::{AggregateType, Composition, Compositions};
use cyclonedx_bom::models::dependency::{Dependencies, Dependency};
use cyclonedx_bom::models::external_reference::{
    ExternalReference, ExternalReferenceType, ExternalReferences,
};
use cyclonedx_bom::models::hash::{Hash, HashAlgorithm, HashValue, Hashes};
use cyclonedx_bom::models::license::{LicenseChoice, Licenses};
use cyclonedx_bom::models::lifecycle::{Lifecycle, Lifecycles, Phase};
use cyclonedx_bom::models::metadata::Metadata;
use cyclonedx_bom::models::property::{Properties, Property};
use cyclonedx_bom::models::tool::Tools;
use serde_json::{Map, Value};

use relpub_model::digest::Sha256;

use super::licence::Licences;
use super::parts::{Carried, Kind, Part, Parts, Scope, property};
use super::purl;

/// All that the document says.
pub(super) struct Document<'a> {
    /// The artifact itself, and the digest of its bytes.
    pub(super) root: Part,
    pub(super) sha256: Sha256,
    /// Fields of the artifact's component that are added as they are.
    pub(super) described: Map<String, Value>,
    pub(super) parts: Parts<'a>,
    pub(super) empty_because: Option<&'a str>,
}

impl Document<'_> {
    /// Returns the bytes of the document.
    pub(super) fn write(self) -> Vec<u8> {
        let Self {
            root,
            sha256,
            described,
            parts,
            empty_because,
        } = self;
        let declared = !root.licences.is_empty();
        let bom = Bom {
            version: 1,
            serial_number: Some(serial_number(&parts.root, &sha256)),
            metadata: Some(metadata(&parts.root, root, empty_because)),
            components: Some(components(parts.all)),
            services: None,
            external_references: carried(parts.carried),
            dependencies: Some(dependencies(parts.edges)),
            compositions: Some(Compositions(vec![incomplete(parts.root)])),
            properties: None,
            vulnerabilities: None,
            signature: None,
            annotations: None,
            formulation: None,
            spec_version: SpecVersion::V1_5,
        };
        let mut value = to_value(bom);
        stamp(&mut value, described, declared);
        // The order of keys must not depend on how serde_json was built.
        value.sort_all_objects();
        let mut out = serde_json::to_vec_pretty(&value).expect("a JSON value can be written");
        out.push(b'\n');
        out
    }
}

fn to_value(bom: Bom) -> Value {
    let mut json = Vec::new();
    bom.output_as_json_v1_5(&mut json)
        .expect("only what 1.5 knows is put in, and memory takes it");
    serde_json::from_slice(&json).expect("what was just written is JSON")
}

/// Makes a document of version 1.5 one of version 1.6.
fn stamp(bom: &mut Value, described: Map<String, Value>, declared: bool) {
    bom["$schema"] = "http://cyclonedx.org/schema/bom-1.6.schema.json".into();
    bom["specVersion"] = "1.6".into();
    let component = &mut bom["metadata"]["component"];
    if declared {
        for choice in component["licenses"].as_array_mut().into_iter().flatten() {
            let licence = if choice.get("license").is_some() {
                &mut choice["license"]
            } else {
                choice
            };
            licence["acknowledgement"] = "declared".into();
        }
    }
    if let Some(fields) = component.as_object_mut() {
        fields.extend(described);
    }
}

/// Returns a serial number that the artifact and the version of relpub determine
/// (RFC 9562, section 5.8: a UUID of a maker's own kind).
fn serial_number(root: &str, sha256: &Sha256) -> UrnUuid {
    let seed = format!("relpub {}\n{root}\n{sha256}", env!("CARGO_PKG_VERSION"));
    let hex = Sha256::of(seed.as_bytes()).to_string();
    UrnUuid(format!(
        "urn:uuid:{}-{}-8{}-8{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..32]
    ))
}

fn metadata(reference: &str, root: Part, empty_because: Option<&str>) -> Metadata {
    let version = env!("CARGO_PKG_VERSION");
    let tool = Component::new(Classification::Application, "relpub", version, None);
    Metadata {
        tools: Some(Tools::Object {
            services: None,
            components: Some(Components(vec![tool])),
        }),
        component: Some(component(reference.to_owned(), root)),
        // It was not built here, only looked at.
        lifecycles: Some(Lifecycles(vec![Lifecycle::Phase(Phase::PostBuild)])),
        properties: empty_because.map(|why| Properties(vec![Property::new(property::EMPTY, why)])),
        ..Metadata::default()
    }
}

fn components(parts: BTreeMap<String, Part>) -> Components {
    let parts = parts.into_iter();
    Components(parts.map(|(r, part)| component(r, part)).collect())
}

fn component(reference: String, part: Part) -> Component {
    let text = |text: &String| NormalizedString::new(text);
    let mut out = Component::new(kind(part.kind), &part.name, "", Some(reference));
    out.version = part.version.as_ref().map(text);
    out.group = part.group.as_ref().map(text);
    // The text is a purl as it is; parsing it would only change its spelling.
    out.purl = part.purl.and_then(|purl| purl.parse::<Purl>().ok());
    out.scope = part.scope.map(|scope| match scope {
        Scope::Required => CdxScope::Required,
        Scope::Optional => CdxScope::Optional,
        Scope::Excluded => CdxScope::Excluded,
    });
    let hashes = part.hashes.into_iter();
    out.hashes = not_empty(hashes.map(|(alg, hex)| hash(&alg, hex)).collect()).map(Hashes);
    out.licenses = licences(part.licences);
    let properties = part.properties.iter();
    out.properties = not_empty(
        properties
            .map(|(name, value)| Property::new(name, value))
            .collect(),
    )
    .map(Properties);
    let places = part.found_in.iter().map(|path| Occurrence::new(path));
    out.evidence = not_empty(places.collect()).map(|places| ComponentEvidence {
        licenses: None,
        copyright: None,
        occurrences: Some(Occurrences(places)),
        callstack: None,
        identity: None,
    });
    out
}

fn not_empty<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

fn kind(kind: Kind) -> Classification {
    match kind {
        Kind::Application => Classification::Application,
        Kind::File => Classification::File,
        Kind::Library => Classification::Library,
        Kind::Other(name) => Classification::new_unchecked(name),
    }
}

fn hash(algorithm: &str, hex: String) -> Hash {
    Hash {
        alg: HashAlgorithm::new_unchecked(algorithm),
        content: HashValue(hex),
    }
}

fn licences(licences: Licences) -> Option<Licenses> {
    let choices = match licences {
        Licences::Unknown => return None,
        Licences::Expression(text) => vec![LicenseChoice::expression(&text)],
        Licences::Names(names) => names
            .iter()
            .map(|name| LicenseChoice::license(name))
            .collect(),
    };
    Some(Licenses(choices))
}

/// Names the SBOMs inside, by their paths.
fn carried(documents: BTreeSet<Carried>) -> Option<ExternalReferences> {
    let references = documents.into_iter().map(|document| ExternalReference {
        external_reference_type: ExternalReferenceType::Bom,
        url: Uri::new(&purl::subpath(&document.path)).into(),
        comment: Some(document.comment),
        hashes: Some(Hashes(vec![hash("SHA-256", document.sha256)])),
    });
    not_empty(references.collect()).map(ExternalReferences)
}

fn dependencies(edges: BTreeMap<String, BTreeSet<String>>) -> Dependencies {
    let edges = edges.into_iter().map(|(from, to)| Dependency {
        dependency_ref: from,
        dependencies: to.into_iter().collect(),
    });
    Dependencies(edges.collect())
}

/// Says that there may be more than what was found, which can never be ruled out
/// by looking at a finished file.
fn incomplete(root: String) -> Composition {
    let root = vec![BomReference(root)];
    Composition {
        bom_ref: None,
        aggregate: AggregateType::Incomplete,
        assemblies: Some(root.clone()),
        dependencies: Some(root),
        vulnerabilities: None,
        signature: None,
    }
}
