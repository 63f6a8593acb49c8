//! Evidence: made once, healed, never taken from others, never left out.

use std::collections::{BTreeMap, BTreeSet};

use relpub::Exit;
use relpub::model::config::Vars;
use relpub::model::evidence::{Carrier, EvidenceKind};
use relpub::model::plan::{EvidenceState, Presence};
use relpub_sandbox::Fault;
use relpub_trust::{Signer, TrustRoot, Wanted, verify};
use serde_json::Value;

use crate::world::{COMMIT, End, How, Outside, Project, REPOSITORY, TAG, find, plan, promote};

/// One of the demo's files.
const DOCS: &str = "relpub-demo-1.2.3-docs.tar.gz";

/// Another repository, of somebody else.
const EVIL: &str = "evil/demo";

/// What is at GitHub and in the logs: if it is equal, nothing was added.
#[derive(Debug, PartialEq)]
struct Traces {
    assets: BTreeMap<String, Option<String>>,
    stored: Vec<u64>,
    entries: usize,
    certificates: usize,
}

impl Traces {
    fn of(outside: &Outside) -> Self {
        let world = &outside.world;
        let stored = world.github.attestations(REPOSITORY);
        Self {
            assets: assets(outside),
            stored: stored.into_iter().map(|it| it.id).collect(),
            entries: world.sigstore.entries(),
            certificates: world.sigstore.certificates_issued(),
        }
    }
}

/// A world in which the demo was promoted.
fn released() -> (Outside, Project) {
    let (outside, project) = (Outside::start(), Project::demo());
    promote(&outside, &project, &How::new(&outside)).released();
    (outside, project)
}

/// Returns the names and digests of all assets of all releases.
fn assets(outside: &Outside) -> BTreeMap<String, Option<String>> {
    let releases = outside.world.github.releases(REPOSITORY);
    let assets = releases.into_iter().flat_map(|release| release.assets);
    assets.map(|asset| (asset.name, asset.sha256)).collect()
}

/// Returns how many attestations of a kind are in the store.
fn stored(outside: &Outside, kind: EvidenceKind) -> Vec<u64> {
    let predicate = kind.predicate_type();
    let all = outside.world.github.attestations(REPOSITORY).into_iter();
    all.filter(|it| predicate.as_ref() == Some(&it.predicate_type))
        .map(|it| it.id)
        .collect()
}

/// Returns the bytes of a public asset.
fn download(outside: &Outside, repository: &str, name: &str) -> Vec<u8> {
    let url = outside.world.github.url();
    let url = format!("{url}/{repository}/releases/download/{TAG}/{name}");
    outside.block_on(async {
        let answer = reqwest::Client::new().get(url).send().await.unwrap();
        let answer = answer.error_for_status().unwrap();
        answer.bytes().await.unwrap().to_vec()
    })
}

/// Deletes an asset, as anybody with the right to write can.
fn delete_asset(outside: &Outside, name: &str) {
    let api = format!("{}/repos/{REPOSITORY}/releases", outside.world.github.url());
    let token = outside.world.github.token();
    let id = outside.world.github.releases(REPOSITORY)[0].id;
    outside.block_on(async {
        let client = reqwest::Client::builder().user_agent("test");
        let client = client.build().unwrap();
        let list = client.get(format!("{api}/{id}/assets?per_page=100"));
        let list = list.bearer_auth(token).send().await.unwrap();
        let list: Vec<Value> = list.error_for_status().unwrap().json().await.unwrap();
        let asset = list.iter().find(|asset| asset["name"] == name).unwrap();
        let delete = client.delete(format!("{api}/assets/{}", asset["id"]));
        let deleted = delete.bearer_auth(token).send().await.unwrap();
        deleted.error_for_status().unwrap();
    });
}

/// Puts other bytes in the place of an asset.
fn replace_asset(outside: &Outside, name: &str, bytes: Vec<u8>) {
    delete_asset(outside, name);
    let github = &outside.world.github;
    let id = github.releases(REPOSITORY)[0].id;
    let url = format!(
        "{}/repos/{REPOSITORY}/releases/{id}/assets?name={name}",
        github.url()
    );
    outside.block_on(async {
        let client = reqwest::Client::builder().user_agent("test");
        let upload = client
            .build()
            .unwrap()
            .post(url)
            .bearer_auth(github.token());
        let upload = upload
            .header("content-type", "application/json")
            .body(bytes);
        upload.send().await.unwrap().error_for_status().unwrap();
    });
}

/// Promotes the same bytes as somebody else, and returns two of their bundles:
/// for [`DOCS`], and for the promotion.
fn signed_by_another(outside: &Outside) -> (Vec<u8>, Vec<u8>) {
    let world = &outside.world;
    world.github.add_repository(EVIL, 800_000_009).unwrap();
    world
        .github
        .add_commit(EVIL, COMMIT, &[], "Release")
        .unwrap();
    world.github.add_tag(EVIL, TAG, COMMIT, false).unwrap();
    world
        .identity
        .set_claims([("repository", EVIL), ("repository_id", "800000009")]);
    let project = Project::demo();
    project.forget_manifest();
    project.edit("\"relpub/demo\"", "\"evil/demo\"");
    project.edit("[\"pypi\", \"github\"]", "\"github\"");
    let how = How {
        commit: Some(COMMIT),
        ..How::new(outside)
    };
    promote(outside, &project, &how).released();
    world.identity.reset_claims();
    let bundle = |name: &str| download(outside, EVIL, name);
    (
        bundle(&format!("{DOCS}.sigstore.json")),
        bundle("promotion.sigstore.json"),
    )
}

/// Returns how many requests a service got.
fn asked(outside: &Outside, service: &str) -> usize {
    let log = outside.world.log();
    log.iter().filter(|it| it.service == service).count()
}

#[test]
fn every_file_leaves_with_its_evidence_once() {
    let (outside, project) = (Outside::start(), Project::demo());
    let receipt = promote(&outside, &project, &How::new(&outside)).released();
    let names: BTreeSet<String> = assets(&outside).into_keys().collect();
    let files: Vec<&String> = names
        .iter()
        .filter(|name| !name.ends_with(".sigstore.json"))
        .collect();
    assert_eq!((files.len(), names.len()), (6, 6 * 3 + 1));
    for file in files {
        assert!(names.contains(&format!("{file}.sigstore.json")), "{file}");
        let sbom = format!("{file}.sbom.sigstore.json");
        assert!(names.contains(&sbom), "{file}");
    }
    assert!(names.contains("promotion.sigstore.json"));
    assert_eq!(stored(&outside, EvidenceKind::Promotion).len(), 1);
    assert_eq!(stored(&outside, EvidenceKind::Sbom).len(), 6);
    for file in outside.world.pypi.files("relpub-demo") {
        let provenance = outside.world.pypi.provenance(&file.filename).unwrap();
        let attestations = &provenance["attestation_bundles"][0]["attestations"];
        assert_eq!(attestations.as_array().unwrap().len(), 1);
    }
    let sigstore = &outside.world.sigstore;
    assert_eq!(
        (sigstore.rekor1_entries(), sigstore.rekor2_entries()),
        (3, 6 + 6 + 1)
    );
    assert_eq!(sigstore.certificates_issued(), 1);
    assert_eq!(receipt.history.signed.len(), sigstore.entries());
    for bundle in names.iter().filter(|name| name.ends_with(".sigstore.json")) {
        let bundle = String::from_utf8(download(&outside, REPOSITORY, bundle)).unwrap();
        outside.world.assert_no_secret(&bundle);
    }

    let (traces, seen) = (Traces::of(&outside), outside.seen());
    for elsewhere in [false, true] {
        if elsewhere {
            project.forget_runs();
        }
        outside.world.clear_log();
        let again = promote(&outside, &project, &How::new(&outside)).released();
        assert_eq!(again.facts, receipt.facts);
        assert_eq!(Traces::of(&outside), traces);
        assert_eq!(outside.seen(), seen);
        assert!(!outside.world.log().iter().any(|entry| entry.mutating));
    }
}

#[test]
fn a_lost_attestation_is_stored_again_without_a_new_signature() {
    let (outside, project) = released();
    let (seen, entries) = (outside.seen(), outside.world.sigstore.entries());
    let lost = [
        stored(&outside, EvidenceKind::Promotion)[0],
        stored(&outside, EvidenceKind::Sbom)[3],
    ];
    for id in lost {
        outside.world.github.remove_attestation(id).unwrap();
    }
    project.forget_runs();
    let receipt = promote(&outside, &project, &How::new(&outside)).released();
    assert!(receipt.facts.complete);
    assert_eq!(outside.seen(), seen);
    assert_eq!(outside.world.sigstore.entries(), entries);
}

#[test]
fn a_lost_asset_is_attached_again() {
    let (outside, project) = released();
    let (seen, entries) = (outside.seen(), outside.world.sigstore.entries());
    // The store still has the SBOM; the signature was nowhere else.
    delete_asset(&outside, &format!("{DOCS}.sbom.sigstore.json"));
    delete_asset(&outside, &format!("{DOCS}.sigstore.json"));
    promote(&outside, &project, &How::new(&outside)).released();
    assert_eq!(outside.seen(), seen);
    assert_eq!(outside.world.sigstore.entries(), entries + 1);
}

#[test]
fn what_an_immutable_release_lacks_is_a_debt() {
    let (outside, project) = (Outside::start(), Project::demo());
    outside
        .world
        .github
        .set_immutable(REPOSITORY, true)
        .unwrap();
    project.append("[evidence]\nsign = \"none\"");
    promote(&outside, &project, &How::new(&outside)).released();
    project.edit("sign = \"none\"", "sign = \"bundle\"");
    let before = Traces::of(&outside);
    let plan = plan(&outside, &project, &How::new(&outside)).unwrap();
    let missing = format!("the signature of {DOCS} is missing from");
    let warned = |warning: &String| {
        warning.contains(&missing) && warning.contains("can no longer be added there")
    };
    assert!(plan.warnings.iter().any(warned), "{:#?}", plan.warnings);
    let receipt = promote(&outside, &project, &How::new(&outside)).released();
    let debts = receipt.facts.evidence.iter().filter(|row| {
        let irreparable = |it: &EvidenceState| *it == EvidenceState::Irreparable;
        row.carriers.iter().map(|it| &it.state).any(irreparable)
    });
    assert_eq!(debts.count(), 6);
    let signed = outside.world.sigstore.entries() - before.entries;
    assert!(signed <= 1, "only the promotion is another: {signed}");
    assert_eq!(assets(&outside), before.assets);
}

#[test]
fn a_bundle_that_is_not_it_is_named_and_nothing_is_changed() {
    let (outside, project) = released();
    let name = format!("{DOCS}.sigstore.json");
    let ours = download(&outside, REPOSITORY, &name);
    let others = download(&outside, REPOSITORY, "promotion.sigstore.json");
    let (evil, _) = signed_by_another(&outside);
    for (what, bytes) in [
        ("another's bundle", others),
        ("garbage", b"{}".to_vec()),
        ("another identity's", evil),
    ] {
        replace_asset(&outside, &name, bytes);
        let before = Traces::of(&outside);
        outside.world.clear_log();
        for forgotten in [false, true] {
            if forgotten {
                project.forget_runs();
            }
            let end = promote(&outside, &project, &How::new(&outside));
            assert_eq!(end.exit(), Exit::Rejected, "{what}: {}", end.words());
            let plan = end.blocked();
            assert_eq!(plan.blockers.len(), 1, "{what}: {:#?}", plan.blockers);
            assert_eq!(plan.blockers[0].thing, format!("signature of {DOCS}"));
        }
        assert_eq!(Traces::of(&outside), before, "{what}");
        assert!(!outside.world.log().iter().any(|entry| entry.mutating));
    }
    replace_asset(&outside, &name, ours);
    promote(&outside, &project, &How::new(&outside)).released();
}

#[test]
fn nobody_but_the_configured_signer_signs() {
    for signer in [
        "workflow = \".github/workflows/other.yml\"",
        "ref = \"refs/tags/v*\"",
        "environment = \"staging\"",
        "repository = \"evil/demo\"",
    ] {
        let (outside, project) = (Outside::start(), Project::demo());
        project.append(&format!("[evidence]\nsigner = {{ {signer} }}"));
        let end = promote(&outside, &project, &How::new(&outside));
        assert_eq!(end.exit(), Exit::Blocked, "{signer}: {}", end.words());
        let plan = end.blocked();
        assert_eq!(plan.blockers_here[0].thing, "evidence", "{signer}");
        for service in ["fulcio", "rekor1", "rekor2", "tsa"] {
            assert_eq!(asked(&outside, service), 0, "{signer}: {service}");
        }
        assert!(!outside.world.log().iter().any(|entry| entry.mutating));
    }
}

#[test]
fn the_configured_signer_signs() {
    let (outside, project) = (Outside::start(), Project::demo());
    project.append(
        "[evidence]\nsigner = { workflow = \".github/workflows/release.yml\", ref = \"refs/heads/main\", environment = \"release\" }",
    );
    promote(&outside, &project, &How::new(&outside)).released();
}

#[test]
fn what_is_not_asked_for_is_not_signed() {
    let (outside, project) = (Outside::start(), Project::demo());
    project.append(
        "[evidence]\nattest = []\nsign = \"none\"\n[destinations]\npypi = { credential = \"env:INDEX_TOKEN\", attestations = false }",
    );
    let how = How::new(&outside)
        .with("INDEX_TOKEN", &outside.world.pypi.token())
        .without("ACTIONS_ID_TOKEN_REQUEST_URL")
        .without("ACTIONS_ID_TOKEN_REQUEST_TOKEN");
    let receipt = promote(&outside, &project, &how).released();
    assert_eq!(receipt.facts.evidence, []);
    assert_eq!(assets(&outside).len(), 6);
    for service in ["identity", "fulcio", "rekor1", "rekor2", "tsa"] {
        assert_eq!(asked(&outside, service), 0, "{service}");
    }
    assert_eq!(outside.world.github.attestations(REPOSITORY), []);
}

#[test]
fn a_token_gets_no_publish_attestation_and_the_plan_says_so() {
    let (outside, project) = (Outside::start(), Project::demo());
    project.append("[destinations]\npypi = { credential = \"env:INDEX_TOKEN\" }");
    let how = How::new(&outside).with("INDEX_TOKEN", &outside.world.pypi.token());
    let plan = plan(&outside, &project, &how).unwrap();
    let warned = |warning: &String| warning.contains("go with a token, and without");
    assert!(plan.warnings.iter().any(warned), "{:#?}", plan.warnings);
    promote(&outside, &project, &how).released();
    for file in outside.world.pypi.files("relpub-demo") {
        assert_eq!(outside.world.pypi.provenance(&file.filename), None);
    }
    assert_eq!(outside.world.sigstore.rekor1_entries(), 0);
    assert_eq!(stored(&outside, EvidenceKind::Promotion).len(), 1);
}

#[test]
fn the_receipt_statement_is_stored_once_and_verifies() {
    let (outside, project) = (Outside::start(), Project::demo());
    project.append("[evidence]\nattest = [\"promotion\", \"sbom\", \"receipt\"]");
    let receipt = promote(&outside, &project, &How::new(&outside)).released();
    let [id] = stored(&outside, EvidenceKind::Receipt)[..] else {
        panic!("not one: {}", outside.seen());
    };
    let all = outside.world.github.attestations(REPOSITORY);
    let bundle = all
        .iter()
        .find(|it| it.id == id)
        .unwrap()
        .bundle
        .to_string();
    let root = outside.world.data().join("trust/trusted_root.json");
    let root = TrustRoot::from_json(&std::fs::read(root).unwrap()).unwrap();
    let config = project.config();
    let tag = config.tag.read(TAG).unwrap();
    let vars = Vars::new(&config, &tag);
    let rules = config
        .evidence
        .signer_rules(&vars, &config.repository, 800_000_001);
    let signer = Signer::one_of(&rules.unwrap()).unwrap();
    let predicate = EvidenceKind::Receipt.predicate_type().unwrap();
    let verified = verify(
        bundle.as_bytes(),
        Wanted::Statement(&predicate),
        &signer,
        &root,
        outside.world.clock().now(),
    );
    let verified = verified.unwrap();
    let facts = verified.get().statement().unwrap().receipt().unwrap();
    assert_eq!(facts, receipt.facts);

    let traces = Traces::of(&outside);
    for _ in 0..2 {
        promote(&outside, &project, &How::new(&outside)).released();
        assert_eq!(Traces::of(&outside), traces);
        project.forget_runs();
    }
}

#[test]
fn the_checksums_name_every_artifact_and_no_bundle() {
    let (outside, project) = (Outside::start(), Project::demo());
    project.append("[evidence]\nchecksums = \"SHA256SUMS\"");
    promote(&outside, &project, &How::new(&outside)).released();
    let text = String::from_utf8(download(&outside, REPOSITORY, "SHA256SUMS")).unwrap();
    let listed = text.lines().map(|line| line.split_once("  ").unwrap());
    let listed: BTreeMap<String, Option<String>> = listed
        .map(|(sha256, name)| (name.to_owned(), Some(sha256.to_owned())))
        .collect();
    let mut artifacts = assets(&outside);
    artifacts.retain(|name, _| !name.ends_with(".sigstore.json") && name != "SHA256SUMS");
    assert_eq!(listed, artifacts);
    assert_eq!(listed.len(), 6);
}

/// Lets a service fail for good, and returns how the promotion stops.
fn down(service: &str) -> (Outside, Project, Box<relpub::Stopped>) {
    let (outside, project) = (Outside::start(), Project::demo());
    let fault = format!("503@{service}:1000").parse::<Fault>().unwrap();
    outside.world.faults().add(fault);
    match promote(&outside, &project, &How::new(&outside)) {
        End::Stopped(stopped) => {
            assert_eq!(stopped.exit(), Exit::Stopped, "{service}");
            assert_eq!(outside.world.pypi.uploads().len(), 0, "{service}");
            let releases = outside.world.github.releases(REPOSITORY);
            assert!(releases.iter().all(|release| release.draft), "{service}");
            (outside, project, stopped)
        }
        other => panic!("{service}: {}", other.words()),
    }
}

#[test]
fn nothing_is_public_while_signing_does_not_work() {
    for service in ["fulcio", "rekor2", "tsa"] {
        let (outside, project, stopped) = down(service);
        assert_eq!(outside.world.github.attestations(REPOSITORY), []);
        let public = |it: &relpub::model::receipt::PlaceFact| it.presence == Presence::Same;
        assert!(
            !stopped.receipt.facts.places.iter().any(public),
            "{service}"
        );
        outside.world.faults().clear();
        promote(&outside, &project, &How::new(&outside)).released();
    }
}

#[test]
fn without_the_log_of_publish_attestations_it_says_what_is_public() {
    let (outside, project, stopped) = down("rekor1");
    assert!(stopped.seen);
    let facts = &stopped.receipt.facts;
    let hidden = facts
        .places
        .iter()
        .filter(|it| it.presence == Presence::Staged);
    assert_eq!(hidden.count(), 6);
    let public = facts.evidence.iter().flat_map(|row| &row.carriers);
    let public: Vec<_> = public
        .filter(|it| it.state == EvidenceState::Valid)
        .map(|it| &it.carrier)
        .collect();
    assert!(public.iter().all(|it| **it == Carrier::Store));
    assert_eq!(
        public.len(),
        outside.world.github.attestations(REPOSITORY).len()
    );
    outside.world.faults().clear();
    let receipt = promote(&outside, &project, &How::new(&outside)).released();
    assert!(receipt.facts.complete);
    assert_eq!(outside.world.sigstore.entries(), 16);
}

#[test]
fn an_entry_that_is_there_already_is_used_or_signed_anew() {
    for (service, extra) in [("rekor1", 0), ("rekor2", 1)] {
        let (outside, project) = (Outside::start(), Project::demo());
        let fault = format!("lost-answer@{service}/create:1");
        outside.world.faults().add(fault.parse().unwrap());
        promote(&outside, &project, &How::new(&outside)).released();
        let log = outside.world.log();
        let conflict = |it: &relpub_sandbox::Entry| it.service == service && it.status == Some(409);
        assert!(log.iter().any(conflict), "{service}");
        assert_eq!(outside.world.sigstore.entries(), 16 + extra, "{service}");
    }
}

#[test]
fn a_promotion_is_found_by_its_statement_from_an_expected_signer_only() {
    let (outside, project) = (Outside::start(), Project::demo());
    let receipt = promote(&outside, &project, &How::new(&outside)).released();
    project.forget_runs();
    let id = receipt.facts.id;
    assert_eq!(find(&outside, &project).unwrap().id(), id);
    let evil = signed_by_another(&outside).1;

    let ours = stored(&outside, EvidenceKind::Promotion);
    outside.world.github.remove_attestation(ours[0]).unwrap();
    assert_eq!(find(&outside, &project).unwrap().id(), id, "by the asset");

    let bundle = download(&outside, REPOSITORY, "promotion.sigstore.json");
    let bundle: Value = serde_json::from_slice(&bundle).unwrap();
    replace_asset(&outside, "promotion.sigstore.json", evil);
    let refused = find(&outside, &project).unwrap_err();
    assert_eq!(refused.exit(), Exit::Unknown);
    assert!(refused.to_string().contains("does not count"), "{refused}");

    let github = &outside.world.github;
    github.add_attestation(REPOSITORY, &bundle).unwrap();
    delete_asset(&outside, "promotion.sigstore.json");
    assert_eq!(find(&outside, &project).unwrap().id(), id, "by the store");
}
