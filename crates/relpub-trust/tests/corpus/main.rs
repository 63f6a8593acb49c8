//! Bundles that must pass, and bundles spoiled in one thing each that must be
//! refused by name.
//!
//! They are made here, by a private Sigstore with fixed keys and deterministic
//! signatures, and kept in `testdata/bundles` so that other tools can be held
//! against them too. After a change to the maker:
//!
//! ```text
//! cargo test -p relpub-trust --test corpus -- --ignored
//! ```
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail as the test does"
)]

mod attestations;
mod der;
mod keys;
mod log;
mod pki;
mod recipe;
mod root;
mod spoils;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use relpub_model::Sha256;
use relpub_model::evidence::{EvidenceKind, SignerRule, Subject};
use relpub_trust::pep740::{self, ConversionError};
use relpub_trust::signer::any_workflow_of;
use relpub_trust::verify::verify_anyone_unsafe;
use relpub_trust::{AnyoneUnsafe, Rejection, Signer, TrustRoot, VerifiedEvidence, Wanted, verify};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::log::Log;
use crate::recipe::{ARTIFACT, ARTIFACT_NAME, Recipe, SIGNED};

static EXPECTED: LazyLock<Expected> =
    LazyLock::new(|| serde_json::from_slice(&read("expected.json")).unwrap());
static SIGNER: LazyLock<Signer> =
    LazyLock::new(|| Signer::one_of(std::slice::from_ref(&EXPECTED.signer)).unwrap());
static ROOT: LazyLock<TrustRoot> =
    LazyLock::new(|| TrustRoot::from_json(&read("trusted_root.json")).unwrap());

/// When the bundles are verified.
const NOW: &str = "2026-02-04T00:00:00Z";

/// What `expected.json` says about every file of the corpus.
#[derive(Serialize, Deserialize)]
struct Expected {
    now: Timestamp,
    subject: Subject,
    signer: SignerRule,
    passes: BTreeMap<String, EvidenceKind>,
    refused: BTreeMap<String, Refusal>,
}

#[derive(Serialize, Deserialize)]
struct Refusal {
    /// What it is wanted for.
    kind: EvidenceKind,
    /// The name of the rejection.
    rejection: String,
}

const GOOD: [(&str, EvidenceKind, Log); 7] = [
    ("signature-rekor1", EvidenceKind::Signature, Log::V1),
    ("signature-rekor2", EvidenceKind::Signature, Log::V2),
    ("promotion-rekor1", EvidenceKind::Promotion, Log::V1),
    ("promotion-rekor2", EvidenceKind::Promotion, Log::V2),
    ("receipt-rekor2", EvidenceKind::Receipt, Log::V2),
    ("sbom-rekor1", EvidenceKind::Sbom, Log::V1),
    ("publish-rekor1", EvidenceKind::Publish, Log::V1),
];

#[test]
fn the_corpus_is_what_its_maker_makes() {
    for (path, text) in corpus() {
        assert!(
            fs::read_to_string(folder().join(&path)).unwrap() == text,
            "{path}"
        );
    }
}

#[test]
#[ignore = "writes into testdata"]
fn write_the_corpus() {
    for part in ["passes", "refused"] {
        let _ = fs::remove_dir_all(folder().join(part));
        fs::create_dir_all(folder().join(part)).unwrap();
    }
    for (path, text) in corpus() {
        fs::write(folder().join(path), text).unwrap();
    }
}

#[test]
fn what_is_whole_passes() {
    for (file, kind) in &EXPECTED.passes {
        let evidence = judge(file, *kind).unwrap();
        let evidence = evidence.get();
        assert_eq!(
            evidence.signed_at(),
            Some(SIGNED.parse().unwrap()),
            "{file}"
        );
        assert_eq!(evidence.signer.repository_id, Some(800_000_001), "{file}");
        assert_eq!(evidence.entries.len(), 1, "{file}");
    }
}

#[test]
fn what_is_spoiled_is_refused_by_name() {
    assert!(EXPECTED.refused.len() >= 40);
    let mut wrong = Vec::new();
    for (file, refusal) in &EXPECTED.refused {
        let name = match judge(file, refusal.kind) {
            Ok(_) => "accepted".to_owned(),
            Err(why) if why.name() == refusal.rejection => continue,
            Err(why) => format!("{} ({why})", why.name()),
        };
        wrong.push(format!("{file}: {name} instead of {}", refusal.rejection));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_part_of_a_bundle_can_be_changed() {
    // A v2 entry repeats in its proof what its checkpoint and index say.
    let repeated = ["logIndex", "rootHash", "treeSize"];
    for (name, sort, log) in &GOOD[..4] {
        let (sort, log) = (*sort, *log);
        let whole = Recipe::good(sort, log).make();
        for path in leaves(&whole, String::new()) {
            let ignored = repeated.map(|key| format!("inclusionProof/{key}"));
            if log == Log::V2 && ignored.iter().any(|end| path.ends_with(end)) {
                continue;
            }
            for changed in changes(whole.pointer(&path).unwrap().as_str().unwrap()) {
                let mut bundle = whole.clone();
                *bundle.pointer_mut(&path).unwrap() = changed.clone().into();
                let verdict = judge_bundle(bundle.to_string().as_bytes(), sort);
                assert!(verdict.is_err(), "{name}: {path} may be {changed}");
            }
        }
    }
}

#[test]
fn a_bundle_is_verified_for_exactly_what_is_wanted() {
    let bundle = read("passes/promotion-rekor1.sigstore.json");
    let kind = EvidenceKind::Promotion.predicate_type().unwrap();
    let verdict = |wanted| {
        let verdict = verify(&bundle, wanted, &SIGNER, &ROOT, now());
        verdict.map_err(|why| why.to_string())
    };
    let evidence = verdict(Wanted::Statement(&kind)).unwrap();
    let statement = evidence.get().statement().unwrap();
    assert_eq!(
        statement.subjects.as_slice(),
        std::slice::from_ref(&EXPECTED.subject)
    );
    assert_eq!(
        verdict(Wanted::StatementAbout(&kind, Sha256::of(b"other"))).unwrap_err(),
        "the bundle is about other bytes than d9298a10d1b0"
    );
    assert_eq!(
        verdict(Wanted::Signature(Sha256::of(ARTIFACT))).unwrap_err(),
        "the bundle holds a statement, not a signature"
    );
}

#[test]
fn a_stranger_is_shown_and_never_verified() {
    let bundle = read("refused/signer-of-another-repository.sigstore.json");
    let wanted = Wanted::Signature(Sha256::of(ARTIFACT));
    let shown = verify_anyone_unsafe(&bundle, wanted, AnyoneUnsafe, &ROOT, now());
    let repository = shown.unwrap().signer.repository;
    assert_eq!(repository.as_deref(), Some("https://github.com/evil/demo"));
}

#[test]
fn another_instance_and_another_time_are_refused() {
    let bundle = read("passes/signature-rekor1.sigstore.json");
    let wanted = Wanted::Signature(Sha256::of(ARTIFACT));
    let refused = |root: &TrustRoot, now: &str| {
        let now = now.parse().unwrap();
        verify(&bundle, wanted, &SIGNER, root, now)
            .unwrap_err()
            .name()
    };
    let production = TrustRoot::production().unwrap();
    assert_eq!(refused(&production, NOW), "unknown-log");
    assert_eq!(refused(&ROOT, "2026-02-03T10:00:59Z"), "in-future");
    assert_eq!(refused(&ROOT, "2025-06-01T00:00:00Z"), "root");
}

#[test]
fn a_publish_attestation_is_the_bundle_put_another_way() {
    let bundle = read("passes/publish-rekor1.sigstore.json");
    let evidence = judge_bundle(&bundle, EvidenceKind::Publish).unwrap();
    let attestation = pep740::attestation(&evidence, &bundle).unwrap();
    let kept: Value = serde_json::from_slice(&read("passes/publish.attestation")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&attestation).unwrap(), kept);

    let other = read("passes/sbom-rekor1.sigstore.json");
    assert_eq!(
        pep740::attestation(&evidence, &other),
        Err(ConversionError::OtherBundle)
    );
    let bundle = read("passes/promotion-rekor2.sigstore.json");
    let evidence = judge_bundle(&bundle, EvidenceKind::Promotion).unwrap();
    assert_eq!(
        pep740::attestation(&evidence, &bundle),
        Err(ConversionError::OtherLog)
    );

    let provenance = serde_json::json!({
        "version": 1,
        "attestation_bundles": [{ "publisher": {}, "attestations": [kept] }],
    });
    let found = pep740::attestations(provenance.to_string().as_bytes()).unwrap();
    assert_eq!(found.len(), 1);
    assert!(judge_attestation(&found[0]).is_ok());
}

/// Returns every file of the corpus and what is in it.
fn corpus() -> Vec<(String, String)> {
    let mut expected = Expected {
        now: now(),
        subject: Subject {
            name: ARTIFACT_NAME.to_owned(),
            sha256: Sha256::of(ARTIFACT),
        },
        signer: rule(),
        passes: BTreeMap::new(),
        refused: BTreeMap::new(),
    };
    let mut files = Vec::new();
    let mut pass = |file: &str, sort, text: String| {
        let path = format!("passes/{file}");
        expected.passes.insert(path.clone(), sort);
        files.push((path, text));
    };
    for (name, sort, log) in GOOD {
        let text = Recipe::good(sort, log).make().to_string();
        pass(&format!("{name}.sigstore.json"), sort, text);
    }
    let publish = Recipe::good(EvidenceKind::Publish, Log::V1).make();
    let publish = attestations::from_bundle(&publish).to_string();
    pass("publish.attestation", EvidenceKind::Publish, publish);
    let mut refuse = |file: String, sort, rejection: &str, text: String| {
        let path = format!("refused/{file}");
        let refusal = Refusal {
            kind: sort,
            rejection: rejection.to_owned(),
        };
        assert!(
            expected.refused.insert(path.clone(), refusal).is_none(),
            "{path}"
        );
        files.push((path, text));
    };
    for spoil in spoils::all() {
        let file = format!("{}.sigstore.json", spoil.name);
        refuse(file, spoil.sort, spoil.rejection, spoil.make());
    }
    for spoil in attestations::all() {
        let file = format!("{}.attestation", spoil.name);
        refuse(file, EvidenceKind::Publish, spoil.rejection, spoil.make());
    }
    let pretty = |value: &Value| format!("{value:#}\n");
    let expected = serde_json::to_value(&expected).unwrap();
    files.push(("expected.json".to_owned(), pretty(&expected)));
    files.push((
        "trusted_root.json".to_owned(),
        pretty(&root::trusted_root()),
    ));
    let artifact = String::from_utf8(ARTIFACT.to_vec()).unwrap();
    files.push((ARTIFACT_NAME.to_owned(), artifact));
    files
}

fn judge(file: &str, kind: EvidenceKind) -> Result<VerifiedEvidence, Rejection> {
    if file.ends_with(".attestation") {
        judge_attestation(&read(file))
    } else {
        judge_bundle(&read(file), kind)
    }
}

fn judge_bundle(bundle: &[u8], kind: EvidenceKind) -> Result<VerifiedEvidence, Rejection> {
    let subject = &EXPECTED.subject;
    let kind = kind.predicate_type();
    let wanted = match &kind {
        Some(kind) => Wanted::StatementNaming(kind, subject),
        None => Wanted::Signature(subject.sha256),
    };
    verify(bundle, wanted, &SIGNER, &ROOT, now())
}

fn judge_attestation(attestation: &[u8]) -> Result<VerifiedEvidence, Rejection> {
    pep740::verify_publish(attestation, &EXPECTED.subject, &SIGNER, &ROOT, now())
}

fn rule() -> SignerRule {
    SignerRule {
        workflow: Some(".github/workflows/release.yml".to_owned()),
        git_ref: Some("refs/tags/v*".to_owned()),
        environment: Some("release".to_owned()),
        ..any_workflow_of("relpub/demo", Some(800_000_001))
    }
}

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn read(file: &str) -> Vec<u8> {
    let text = fs::read_to_string(folder().join(file));
    text.unwrap_or_else(|why| panic!("{file}: {why}"))
        .into_bytes()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/bundles")
}

/// Returns the JSON pointers of all strings.
fn leaves(value: &Value, at: String) -> Vec<String> {
    match value {
        Value::String(_) => vec![at],
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items
                .flat_map(|(n, item)| leaves(item, format!("{at}/{n}")))
                .collect()
        }
        Value::Object(fields) => {
            let fields = fields.iter();
            fields
                .flat_map(|(key, item)| leaves(item, format!("{at}/{key}")))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Returns the text with another value: of base64, one bit in several places.
fn changes(text: &str) -> Vec<String> {
    if let Ok(number) = text.parse::<i64>() {
        return vec![(number + 1).to_string(), (number - 1).to_string()];
    }
    match STANDARD.decode(text) {
        Ok(bytes) if bytes.len() >= 32 => (0..bytes.len())
            .step_by(bytes.len() / 6 + 1)
            .chain([bytes.len() - 1])
            .map(|at| {
                let mut changed = bytes.clone();
                changed[at] ^= 4;
                STANDARD.encode(changed)
            })
            .collect(),
        _ => vec![format!("{text}x"), text.replacen('1', "2", 1) + " "],
    }
}
