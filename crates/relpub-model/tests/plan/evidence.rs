//! What is planned of evidence: what is signed, where it goes, and what can no
//! longer be added.

use relpub_model::Code;
use relpub_model::evidence::{Carrier, Piece, SignerClaims};
use relpub_model::observed::Seen;
use relpub_model::plan::EvidenceState;

use super::*;

impl Case {
    /// The same with the evidence that is left where a configuration is silent.
    pub(super) fn attested(mut self) -> Self {
        self.config.evidence = EvidenceRule::default();
        for destination in self.config.destinations.values_mut() {
            destination.attestations = destination.name.as_str() == "pypi";
        }
        self.observed.signer = SignerState::Ready(SignerClaims::default());
        self
    }

    /// What was seen of the evidence, by piece and carrier.
    pub(super) fn seen(mut self, see: impl Fn(&Piece, &Carrier) -> Seen) -> Self {
        for carried in self.promotion().pieces() {
            let all = self
                .observed
                .evidence
                .entry(carried.piece.clone())
                .or_default();
            for carrier in carried.carriers {
                let seen = see(&carried.piece, &carrier);
                all.insert(carrier, seen);
            }
        }
        self
    }

    pub(super) fn published(self, immutable: bool) -> Self {
        let marker = Some(self.marker());
        let release = ForgeRelease {
            id: 1,
            marker,
            immutable,
            assets: FILES.map(held).to_vec(),
        };
        self.index(FILES.map(held).to_vec()).releases(Releases {
            published: Some(release),
            drafts_visible: true,
            latest: Some("v1.2.0".to_owned()),
            stable_tags: vec!["v1.2.0".to_owned()],
            ..Releases::default()
        })
    }

    fn steps(&self) -> String {
        let mut out = String::new();
        for step in self.plan().steps {
            writeln!(out, "{:?} {} {}", step.phase, step.wave, step.action).unwrap();
        }
        out
    }
}

#[test]
fn everything_is_signed_before_anything_is_public() {
    insta::assert_snapshot!(Case::new().attested().steps(), @"
    Stage 0 draft at GitHub
    Stage 1 signing slugs-1.2.0-py3-none-any.whl
    Stage 1 signing slugs-1.2.0.tar.gz
    Stage 1 signing the SBOM of slugs-1.2.0-py3-none-any.whl
    Stage 1 signing the SBOM of slugs-1.2.0.tar.gz
    Stage 1 signing the promotion statement
    Stage 1 slugs-1.2.0-py3-none-any.whl into the draft at GitHub
    Stage 1 slugs-1.2.0.tar.gz into the draft at GitHub
    Stage 2 signature of slugs-1.2.0-py3-none-any.whl to GitHub as slugs-1.2.0-py3-none-any.whl.sigstore.json
    Stage 2 signature of slugs-1.2.0.tar.gz to GitHub as slugs-1.2.0.tar.gz.sigstore.json
    Stage 2 SBOM of slugs-1.2.0-py3-none-any.whl to GitHub as slugs-1.2.0-py3-none-any.whl.sbom.sigstore.json
    Stage 2 SBOM of slugs-1.2.0.tar.gz to GitHub as slugs-1.2.0.tar.gz.sbom.sigstore.json
    Stage 2 promotion statement to GitHub as promotion.sigstore.json
    Publish 0 SBOM of slugs-1.2.0-py3-none-any.whl to GitHub's attestation store
    Publish 0 SBOM of slugs-1.2.0.tar.gz to GitHub's attestation store
    Publish 0 promotion statement to GitHub's attestation store
    Publish 0 slugs-1.2.0-py3-none-any.whl to PyPI
    Publish 1 slugs-1.2.0.tar.gz to PyPI
    Publish 0 release at GitHub
    Confirm 0 reading back from PyPI
    Confirm 0 reading back from GitHub
    Point 0 latest at GitHub to v1.2.0
    ");
}

#[test]
fn what_is_there_is_not_signed_again() {
    let case = Case::new()
        .attested()
        .published(false)
        .seen(|_, _| Seen::Valid);
    assert_eq!(case.steps(), "");
    let facts = Facts::new(&case.config, &case.promotion(), &case.observed);
    assert!(facts.complete);
    assert_eq!(facts.debts().count(), 0);
}

#[test]
fn what_is_missing_in_one_place_is_taken_from_another() {
    let case = Case::new()
        .attested()
        .published(false)
        .seen(|_, carrier| match carrier {
            Carrier::Store => Seen::Absent,
            _ => Seen::Valid,
        });
    insta::assert_snapshot!(case.steps(), @"
    Publish 0 SBOM of slugs-1.2.0-py3-none-any.whl to GitHub's attestation store
    Publish 0 SBOM of slugs-1.2.0.tar.gz to GitHub's attestation store
    Publish 0 promotion statement to GitHub's attestation store
    Confirm 0 reading back from GitHub
    ");
}

#[test]
fn what_can_no_longer_be_added_is_a_debt_and_stops_nothing() {
    let case = Case::new()
        .attested()
        .published(true)
        .seen(|piece, carrier| match (piece, carrier) {
            (Piece::Publish { of }, _) if of.name == FILES[0] => Seen::Absent,
            (Piece::Signature { of }, _) if of.name == FILES[1] => Seen::Absent,
            _ => Seen::Valid,
        });
    let plan = case.plan();
    assert_eq!(case.steps(), "");
    assert!(plan.blockers.is_empty(), "{:?}", plan.blockers);
    let facts = Facts::new(&case.config, &case.promotion(), &case.observed);
    assert!(facts.complete);
    let debts: Vec<String> = facts
        .debts()
        .map(|(piece, carrier)| format!("{piece}: {carrier}"))
        .collect();
    assert_eq!(
        debts,
        [
            "signature of slugs-1.2.0.tar.gz: GitHub as slugs-1.2.0.tar.gz.sigstore.json",
            "publish attestation of slugs-1.2.0-py3-none-any.whl: PyPI",
        ]
    );
    let named = |it: &&String| it.contains("can no longer be added");
    assert_eq!(
        plan.warnings.iter().filter(named).count(),
        2,
        "{:?}",
        plan.warnings
    );
}

#[test]
fn what_does_not_verify_blocks_as_a_rejection() {
    let case = Case::new()
        .attested()
        .published(false)
        .seen(|piece, _| match piece {
            Piece::Promotion { .. } => Seen::Rejected("signed by nobody we know".to_owned()),
            _ => Seen::Valid,
        });
    let plan = case.plan();
    let codes: Vec<Code> = plan.blockers.iter().map(|blocker| blocker.code).collect();
    // What others keep in the store is not ours to judge.
    assert_eq!(codes, [Code::Evidence]);
    assert_eq!(plan.exit(), Exit::Rejected);
    let facts = Facts::new(&case.config, &case.promotion(), &case.observed);
    let row = facts
        .evidence
        .iter()
        .find(|row| matches!(row.piece, Piece::Promotion { .. }))
        .unwrap();
    assert_eq!(row.carriers[0].state, EvidenceState::Rejected);
    assert!(!facts.complete);
}

#[test]
fn without_an_identity_only_this_machine_is_blocked() {
    let mut case = Case::new().attested();
    case.observed.signer = SignerState::Absent("no identity token".to_owned());
    let plan = case.plan();
    assert!(plan.blockers.is_empty(), "{:?}", plan.blockers);
    assert_eq!(plan.blockers_here.len(), 1);
    assert_eq!(plan.blockers_here[0].code, Code::Credential);
    // Nothing left to sign, nothing to sign with.
    let mut case = Case::new()
        .attested()
        .published(false)
        .seen(|_, _| Seen::Valid);
    case.observed.signer = SignerState::Absent("no identity token".to_owned());
    assert!(case.plan().blockers_here.is_empty());
}

#[test]
fn a_promotion_statement_by_an_earlier_recipe_is_replaced_in_a_draft_only() {
    let other = |piece: &Piece, carrier: &Carrier| match (piece, carrier) {
        (Piece::Promotion { .. }, Carrier::Asset { .. }) => Seen::Other,
        (Piece::Promotion { .. }, _) => Seen::Absent,
        _ => Seen::Valid,
    };
    let public = Case::new().attested().published(false).seen(other);
    insta::assert_snapshot!(public.steps(), @"
    Stage 1 signing the promotion statement
    Publish 0 promotion statement to GitHub's attestation store
    Confirm 0 reading back from GitHub
    ");
    let draft = Case::new().attested();
    let marker = Some(draft.marker());
    let release = ForgeRelease {
        id: 1,
        marker,
        immutable: false,
        assets: FILES.map(held).to_vec(),
    };
    let draft = draft.index(FILES.map(held).to_vec()).releases(Releases {
        drafts: vec![release],
        drafts_visible: true,
        ..Releases::default()
    });
    insta::assert_snapshot!(draft.seen(other).steps(), @"
    Stage 0 draft at GitHub
    Stage 1 signing the promotion statement
    Stage 2 promotion statement to GitHub as promotion.sigstore.json
    Publish 0 promotion statement to GitHub's attestation store
    Publish 0 release at GitHub
    Confirm 0 reading back from GitHub
    Point 0 latest at GitHub to v1.2.0
    ");
}

#[test]
fn evidence_never_takes_an_artifact_s_name() {
    let config = CONFIG.replace("\"slugs-{version}.tar.gz\"", "\"promotion.sigstore.json\"");
    let mut case = Case::new().attested();
    let renamed = Config::parse(
        "relpub.toml",
        &config.replace("[\"pypi\", \"github\"]", "\"github\""),
    )
    .unwrap();
    assert!(case.plan().blockers.is_empty());
    case.config = renamed;
    for artifact in &mut case.release.artifacts {
        for place in &mut artifact.places {
            if place.name.as_str() == FILES[1] && place.destination.as_str() == "github" {
                place.name = "promotion.sigstore.json".parse().unwrap();
            }
        }
    }
    let plan = case.plan();
    assert!(
        plan.blockers
            .iter()
            .any(|it| it.thing == "promotion.sigstore.json" && it.code == Code::Ambiguous),
        "{:?}",
        plan.blockers
    );
}

#[test]
fn the_checksum_file_lists_files_and_no_bundles() {
    let case = Case::new().attested();
    let text = case.promotion().checksums();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0], format!("{}  {}", digest_of(FILES[0]), FILES[0]));
}

#[test]
fn what_an_unreadable_index_carries_is_unknown_not_missing() {
    let mut case = Case::new()
        .attested()
        .published(false)
        .seen(|_, _| Seen::Valid);
    let failure = Failure {
        decision: Decision::Transient,
        service: "PyPI".to_owned(),
        message: "PyPI answered 503".to_owned(),
        said: None,
    };
    let pypi = "pypi".parse().unwrap();
    case.observed
        .destinations
        .insert(pypi, Known::Unknown(failure));
    let facts = Facts::new(&case.config, &case.promotion(), &case.observed);
    let row = facts
        .evidence
        .iter()
        .find(|row| matches!(row.piece, Piece::Publish { .. }));
    assert_eq!(row.unwrap().carriers[0].state, EvidenceState::Unknown);
}

#[test]
fn a_statement_of_an_earlier_recipe_is_enough_only_beside_the_present_one() {
    let other = |piece: &Piece, carrier: &Carrier| match (piece, carrier) {
        (Piece::Promotion { .. }, Carrier::Asset { .. }) => Seen::Other,
        _ => Seen::Valid,
    };
    let case = Case::new().attested().published(false).seen(other);
    assert!(Facts::new(&case.config, &case.promotion(), &case.observed).complete);
    let nowhere = |piece: &Piece, _: &Carrier| match piece {
        Piece::Promotion { .. } => Seen::Other,
        _ => Seen::Valid,
    };
    let case = Case::new().attested().published(false).seen(nowhere);
    assert!(!Facts::new(&case.config, &case.promotion(), &case.observed).complete);
}

#[test]
fn other_checksums_in_a_public_release_are_a_rejection() {
    let mut case = Case::new().attested();
    let named = format!("{CONFIG}[evidence]\nchecksums = \"SHA256SUMS\"\n");
    case.config.evidence = Config::parse("relpub.toml", &named).unwrap().evidence;
    let case = case.published(false).seen(|piece, _| match piece {
        Piece::Checksums => Seen::Other,
        _ => Seen::Valid,
    });
    let plan = case.plan();
    assert_eq!(plan.exit(), Exit::Rejected, "{:?}", plan.blockers);
    assert!(!Facts::new(&case.config, &case.promotion(), &case.observed).complete);
}

#[test]
fn two_artifacts_never_share_a_piece_of_evidence() {
    let mut case = Case::new().attested();
    let named = FILES[0].to_owned() + ".sbom";
    for place in &mut case.release.artifacts[1].places {
        place.name = named.parse().unwrap();
    }
    let plan = case.plan();
    let twin = format!("{}.sbom.sigstore.json", FILES[0]);
    assert!(
        plan.blockers
            .iter()
            .any(|it| it.thing == twin && it.code == Code::Ambiguous),
        "{:?}",
        plan.blockers
    );
}

#[test]
fn a_name_that_leaves_no_room_for_its_evidence_is_refused() {
    let mut case = Case::new().attested();
    let long = "x".repeat(240);
    for place in &mut case.release.artifacts[1].places {
        place.name = long.parse().unwrap();
    }
    let plan = case.plan();
    assert!(
        plan.blockers
            .iter()
            .any(|it| it.thing == long && it.code == Code::Refused),
        "{:?}",
        plan.blockers
    );
}
