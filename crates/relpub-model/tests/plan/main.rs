//! Plans and facts over hand-made observations.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod evidence;
mod notes;
mod schemas;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use proptest::prelude::*;
use relpub_model::config::{Config, EvidenceRule};
use relpub_model::decision::{Decision, Failure};
use relpub_model::findings::{Bytes, Finding, Findings};
use relpub_model::name::Commit;
use relpub_model::observed::{
    CredentialState, ForgeRelease, Held, HeldState, Holdings, IndexProject, Known, Observed,
    Releases, SignerState, TagState,
};
use relpub_model::plan::{Expectation, Phase, Plan, Presence};
use relpub_model::promotion::{Promotion, marker};
use relpub_model::receipt::Facts;
use relpub_model::release::{Assembly, Flags, Listed, Pin, Release, RepositoryId};
use relpub_model::{Exit, Sha256};

const CONFIG: &str = r#"
repository = "ada/slugs"
source     = "file:dist"

[[artifacts]]
files = ["slugs-{version}-py3-none-any.whl", "slugs-{version}.tar.gz"]
to    = ["pypi", "github"]
"#;

const COMMIT: &str = "6e4ddaf16e4ddaf16e4ddaf16e4ddaf16e4ddaf1";

const FILES: [&str; 2] = ["slugs-1.2.0-py3-none-any.whl", "slugs-1.2.0.tar.gz"];

/// A release whose bytes are known, and a world that can be changed.
struct Case {
    config: Config,
    release: Release,
    findings: Findings,
    observed: Observed,
}

fn commit() -> Commit {
    COMMIT.parse().unwrap()
}

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn digest_of(name: &str) -> Sha256 {
    Sha256::of(name.as_bytes())
}

impl Case {
    fn new() -> Self {
        Self::with("v1.2.0", CONFIG)
    }

    fn with(tag: &str, config: &str) -> Self {
        let mut config =
            Config::parse("relpub.toml", config).unwrap_or_else(|errors| panic!("{errors}"));
        // What is planned of evidence has tests of its own.
        config.evidence = EvidenceRule::none();
        for destination in config.destinations.values_mut() {
            destination.attestations = false;
        }
        let tag = config.tag.read(tag).unwrap();
        let names = FILES.map(|name| name.replace("1.2.0", tag.version.as_str()));
        let listed = |name: &String| Listed {
            path: name.parse().unwrap(),
            origin: 0,
            size: 7,
            pin: Pin::File { modified: 0 },
        };
        let listing: Vec<Listed> = names.iter().map(listed).collect();
        let release = Release::assemble(Assembly {
            config: &config,
            repository: RepositoryId {
                name: config.repository.clone(),
                id: 7,
            },
            tag,
            commit: commit(),
            listing: &listing,
            manifests: &[],
            flags: Flags::default(),
            today: now().to_zoned(jiff::tz::TimeZone::UTC).date(),
            source: vec!["file:dist".to_owned()],
        });
        let finding = |listed: &Listed| Finding {
            bytes: Some(Bytes {
                sha256: digest_of(listed.path.as_str()),
                size: 7,
            }),
            fetched: true,
            ..Finding::default()
        };
        let findings = Findings {
            artifacts: listing
                .iter()
                .map(|l| (l.path.clone(), finding(l)))
                .collect(),
        };
        let observed = Observed {
            at: now(),
            tag: Known::Seen(TagState::At(commit())),
            destinations: BTreeMap::from([
                (
                    "pypi".parse().unwrap(),
                    Known::Seen(Holdings::Index(BTreeMap::new())),
                ),
                (
                    "github".parse().unwrap(),
                    Known::Seen(Holdings::Releases(Releases {
                        drafts_visible: true,
                        ..Releases::default()
                    })),
                ),
            ]),
            credentials: BTreeMap::new(),
            evidence: BTreeMap::new(),
            signer: SignerState::NotAsked,
            debts_named: Vec::new(),
            warnings: Vec::new(),
            generated_notes: None,
        };
        Self {
            config,
            release,
            findings,
            observed,
        }
    }

    fn index(mut self, files: Vec<Held>) -> Self {
        let project = IndexProject {
            exists: true,
            status: "active".to_owned(),
            files,
        };
        let projects = BTreeMap::from([("slugs".parse().unwrap(), project)]);
        self.observed.destinations.insert(
            "pypi".parse().unwrap(),
            Known::Seen(Holdings::Index(projects)),
        );
        self
    }

    fn releases(mut self, releases: Releases) -> Self {
        self.observed.destinations.insert(
            "github".parse().unwrap(),
            Known::Seen(Holdings::Releases(releases)),
        );
        self
    }

    fn promotion(&self) -> Promotion {
        Promotion::new(&self.config, &self.release, &self.findings)
    }

    fn plan(&self) -> Plan {
        Plan::new(
            &self.config,
            &self.release,
            &self.promotion(),
            &self.findings,
            &self.observed,
        )
    }

    fn marker(&self) -> String {
        marker(
            &self.release.project,
            &self.release.repository,
            &self.release.tag,
        )
    }
}

fn held(name: &str) -> Held {
    Held {
        name: name.to_owned(),
        sha256: Some(digest_of(name)),
        size: Some(7),
        state: HeldState::Complete,
        uploaded: Some(now()),
    }
}

fn release(id: u64, marker: Option<String>, assets: Vec<Held>) -> ForgeRelease {
    ForgeRelease {
        id,
        marker,
        immutable: false,
        assets,
    }
}

/// Renders a plan as a reader would sum it up.
fn summary(plan: &Plan) -> String {
    let mut out = String::new();
    for row in &plan.rows {
        let presence: Vec<String> = row
            .presence
            .iter()
            .map(|(name, p)| format!("{name} {p:?}"))
            .collect();
        writeln!(out, "{}: {}", row.name, presence.join(", ")).unwrap();
    }
    for step in &plan.steps {
        writeln!(out, "{:?} {}", step.phase, step.action).unwrap();
    }
    for blocker in &plan.blockers {
        writeln!(
            out,
            "{}: {} {} ({})",
            blocker.code.label(),
            blocker.thing,
            blocker.reason,
            blocker.detail
        )
        .unwrap();
    }
    out
}

#[track_caller]
fn check(case: &Case, expected: &str) {
    assert_eq!(summary(&case.plan()).trim(), expected.trim());
}

#[test]
fn everything_is_new() {
    check(
        &Case::new(),
        "
slugs-1.2.0-py3-none-any.whl: github Absent, pypi Absent
slugs-1.2.0.tar.gz: github Absent, pypi Absent
Stage draft at GitHub
Stage slugs-1.2.0-py3-none-any.whl into the draft at GitHub
Stage slugs-1.2.0.tar.gz into the draft at GitHub
Publish slugs-1.2.0-py3-none-any.whl to PyPI
Publish slugs-1.2.0.tar.gz to PyPI
Publish release at GitHub
Confirm reading back from PyPI
Confirm reading back from GitHub
Point latest at GitHub to v1.2.0",
    );
}

#[test]
fn a_half_finished_release_is_finished() {
    let case = Case::new();
    let draft = release(3, Some(case.marker()), vec![held(FILES[0])]);
    let case = case.index(vec![held(FILES[0])]).releases(Releases {
        drafts: vec![draft],
        drafts_visible: true,
        latest: Some("v1.1.0".to_owned()),
        ..Releases::default()
    });
    check(
        &case,
        "
slugs-1.2.0-py3-none-any.whl: github Staged, pypi Same
slugs-1.2.0.tar.gz: github Absent, pypi Absent
Stage draft at GitHub
Stage slugs-1.2.0.tar.gz into the draft at GitHub
Publish slugs-1.2.0.tar.gz to PyPI
Publish release at GitHub
Confirm reading back from PyPI
Confirm reading back from GitHub
Point latest at GitHub to v1.2.0",
    );
}

#[test]
fn a_finished_release_leaves_nothing_to_do() {
    let case = Case::new();
    let published = release(3, Some(case.marker()), FILES.map(held).to_vec());
    let releases = Releases {
        published: Some(published),
        latest: Some("v1.2.0".to_owned()),
        stable_tags: vec!["v1.2.0".to_owned()],
        ..Releases::default()
    };
    let case = case.index(FILES.map(held).to_vec()).releases(releases);
    check(
        &case,
        "
slugs-1.2.0-py3-none-any.whl: github Same, pypi Same
slugs-1.2.0.tar.gz: github Same, pypi Same",
    );
    assert!(Facts::new(&case.config, &case.promotion(), &case.observed).complete);
}

#[test]
fn latest_is_never_moved_back() {
    let case = Case::new();
    let published = release(3, Some(case.marker()), FILES.map(held).to_vec());
    let releases = Releases {
        published: Some(published),
        latest: Some("v1.3.0".to_owned()),
        stable_tags: vec!["v1.3.0".to_owned(), "v1.2.0".to_owned()],
        ..Releases::default()
    };
    let case = case.index(FILES.map(held).to_vec()).releases(releases);
    assert_eq!(case.plan().steps, []);
    let facts = Facts::new(&case.config, &case.promotion(), &case.observed);
    assert!(facts.complete && facts.pointers[0].settled);
}

#[test]
fn a_prerelease_moves_no_pointer() {
    let case = Case::with(
        "v1.2.0-rc.1",
        &CONFIG.replace("{version}", "{version.pep440}"),
    );
    assert!(case.release.channel.is_prerelease());
    assert_eq!(case.promotion().pointers, []);
}

#[test]
fn what_an_index_holds_against_a_file() {
    let other = Held {
        sha256: Some(digest_of("other")),
        ..held(FILES[0])
    };
    let yanked = Held {
        state: HeldState::Yanked,
        ..held(FILES[1])
    };
    let blockers = |case: Case| {
        let plan = case.plan();
        plan.blockers
            .iter()
            .map(|b| format!("{} {}", b.code.label(), b.reason))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        blockers(Case::new().index(vec![other, yanked])),
        [
            "conflict is already on PyPI with other bytes",
            "withdrawn was yanked from PyPI"
        ]
    );
    let renamed = Held {
        sha256: Some(digest_of(FILES[1])),
        ..held("slugs-1.1.9.tar.gz")
    };
    assert_eq!(
        blockers(Case::new().index(vec![renamed])),
        ["conflict has the same bytes as another file on PyPI"]
    );
    let old = Held {
        uploaded: Some("2026-11-01T00:00:00Z".parse().unwrap()),
        ..held(FILES[0])
    };
    assert_eq!(
        blockers(Case::new().index(vec![old])),
        [
            "refused is missing from a release of 2026-11-01, and PyPI takes no new files after 14 days"
        ]
    );
    let sdist = held("slugs-1.2.tar.gz");
    assert_eq!(
        blockers(Case::new().index(vec![sdist])),
        ["refused would be the second source distribution of its version, and PyPI takes one"]
    );
}

#[test]
fn whose_release_it_is() {
    let case = Case::new();
    let drafts = vec![
        release(3, Some(case.marker()), vec![]),
        release(4, None, vec![]),
    ];
    let plan = case
        .releases(Releases {
            drafts,
            ..Releases::default()
        })
        .plan();
    assert_eq!(
        (plan.blockers[0].reason.as_str(), plan.exit()),
        ("has 2 drafts: 3, 4", Exit::Blocked)
    );

    let drafts = vec![release(4, None, vec![])];
    let plan = Case::new()
        .releases(Releases {
            drafts,
            ..Releases::default()
        })
        .plan();
    assert_eq!(
        plan.blockers[0].reason,
        "was not made by relpub for this project"
    );

    let published = Some(release(5, None, vec![held(FILES[0])]));
    let plan = Case::new()
        .releases(Releases {
            published,
            ..Releases::default()
        })
        .plan();
    assert_eq!(plan.blockers.len(), 1);
    assert_eq!(plan.blockers[0].thing, FILES[1]);
    assert!(
        plan.blockers[0]
            .detail
            .contains("somebody else published it")
    );
}

#[test]
fn what_could_not_be_read_is_not_a_pass() {
    let mut case = Case::new();
    let failure = |decision| Failure {
        decision,
        service: "PyPI".to_owned(),
        message: "PyPI answered 503".to_owned(),
        said: None,
    };
    case.observed.destinations.insert(
        "pypi".parse().unwrap(),
        Known::Unknown(failure(Decision::Transient)),
    );
    let plan = case.plan();
    assert_eq!(
        (plan.exit(), plan.blockers[0].detail.as_str()),
        (Exit::Unknown, "PyPI answered 503")
    );
    case.observed.destinations.insert(
        "pypi".parse().unwrap(),
        Known::Unknown(failure(Decision::Unauthenticated)),
    );
    assert_eq!(case.plan().exit(), Exit::Blocked);
}

#[test]
fn an_absent_credential_blocks_only_where_there_is_work() {
    let mut case = Case::new();
    case.observed.credentials.insert(
        "pypi".parse().unwrap(),
        CredentialState::Absent("PYPI_TOKEN".to_owned()),
    );
    assert_eq!(case.plan().blockers_here.len(), 1);
    assert_eq!(case.plan().exit(), Exit::Done);
    let case = case.index(FILES.map(held).to_vec());
    assert_eq!(case.plan().blockers_here, []);
}

#[test]
fn fewer_steps_than_reviewed_are_fine_and_more_are_not() {
    let fresh = Case::new();
    let reviewed = Expectation::from_plan(&serde_json::to_string(&fresh.plan()).unwrap()).unwrap();
    assert_eq!(reviewed.differences(&fresh.plan()), []);
    let begun = Case::new().index(vec![held(FILES[0])]);
    assert_eq!(reviewed.differences(&begun.plan()), []);
    let reviewed = Expectation::from_plan(&serde_json::to_string(&begun.plan()).unwrap()).unwrap();
    let differences = reviewed.differences(&fresh.plan());
    assert_eq!(differences[0].thing, format!("{} to PyPI", FILES[0]));
    let other = Case::with("v1.3.0", CONFIG);
    let by_id: Expectation = fresh.plan().id.short().parse().unwrap();
    assert_eq!(by_id.differences(&fresh.plan()), []);
    assert_eq!(
        by_id.differences(&other.plan())[0].reason,
        "is not the one that was reviewed"
    );
}

/// What a place can be found to hold.
fn any_held(name: &'static str) -> impl Strategy<Value = Option<Held>> {
    let state = prop_oneof![
        Just(HeldState::Complete),
        Just(HeldState::Incomplete),
        Just(HeldState::Yanked),
        Just(HeldState::Altered)
    ];
    let sha256 = prop_oneof![
        Just(Some(digest_of(name))),
        Just(Some(digest_of("other"))),
        Just(None)
    ];
    let one = (state, sha256).prop_map(move |(state, sha256)| Held {
        state,
        sha256,
        ..held(name)
    });
    proptest::option::of(one)
}

proptest! {
    /// Whatever is observed, the promotion is the same, the steps are in order,
    /// nothing is uploaded over something, and a conflict is never cleared.
    #[test]
    fn an_observation_changes_the_plan_and_never_the_promotion(
        wheel in any_held(FILES[0]),
        sdist in any_held(FILES[1]),
        asset in any_held(FILES[0]),
        draft in any::<bool>(),
        ours in any::<bool>(),
    ) {
        let id = Case::new().promotion().id();
        let case = Case::new();
        let found = release(9, ours.then(|| case.marker()), asset.into_iter().collect());
        let releases = if draft {
            Releases { drafts: vec![found], drafts_visible: true, ..Releases::default() }
        } else {
            Releases { published: Some(found), ..Releases::default() }
        };
        let case = case.index(wheel.into_iter().chain(sdist).collect()).releases(releases);
        let plan = case.plan();
        prop_assert_eq!(plan.id, id);
        prop_assert!(plan.steps.is_sorted());
        let bad = plan.rows.iter().flat_map(|row| row.presence.values());
        let bad = bad.filter(|p| !matches!(p, Presence::Absent | Presence::Staged | Presence::Same | Presence::Partial)).count();
        prop_assert!(bad == 0 || plan.clone().clear().is_err());
        let stages = plan.steps_in(Phase::Stage).count();
        prop_assert!(stages == 0 || plan.steps_in(Phase::Publish).count() > 0);
    }
}
