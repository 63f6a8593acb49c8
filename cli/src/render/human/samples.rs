//! Hand-made values that the screens are tested with: a release of two wheels,
//! an sdist and a program, in worlds that can be changed.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use relpub::Stopped;
use relpub_model::config::{Config, EvidenceRule};
use relpub_model::decision::{Decision, Failure};
use relpub_model::evidence::{Carrier, LogEntry, Piece, SignerClaims};
use relpub_model::findings::{Bytes, Finding};
use relpub_model::observed::{
    CredentialState, ForgeRelease, Held, HeldState, Holdings, IndexProject, Known, Releases, Seen,
    SignerState, TagState,
};
use relpub_model::plan::{Action, Presence, service_name};
use relpub_model::promotion::marker;
use relpub_model::receipt::{Done, Facts, History, Link, Receipt, Signed};
use relpub_model::release::{AllowMissing, Assembly, Flags, Listed, Pin, RepositoryId};
use relpub_model::{Findings, Observed, Plan, Promotion, Release, Sha256};

/// The width that screens are tested with, unless the width is the point.
pub(crate) const WIDTH: usize = 100;

const CONFIG: &str = r#"
repository = "ada/slugs"
source     = "file:dist"
platforms  = ["x86_64-unknown-linux-gnu", "aarch64-apple-darwin"]
follow-ups = ["Tell the mailing list."]

[[artifacts]]
files = ["slugs-{version}-cp310-abi3-win_amd64.whl", "slugs-{version}-py3-none-any.whl", "slugs-{version}.tar.gz"]
to    = ["pypi", "github"]

[[artifacts]]
files = { "bin/{platform}/slugs" = "slugs-{version}-{target}" }
to    = "github"
"#;

/// The files of the release at the index, and then the program at GitHub alone.
pub(crate) const FILES: [&str; 4] = [
    "slugs-1.2.0-cp310-abi3-win_amd64.whl",
    "slugs-1.2.0-py3-none-any.whl",
    "slugs-1.2.0.tar.gz",
    "slugs-1.2.0-x86_64-unknown-linux-gnu",
];

/// How many of the files go to the index.
const INDEXED: usize = 3;

const PATHS: [&str; 4] = [
    FILES[0],
    FILES[1],
    FILES[2],
    "bin/x86_64-unknown-linux-gnu/slugs",
];

const SIZES: [u64; 4] = [101_400_000, 48_200, 31_900, 6_400_000];

/// The identity of the release workflow.
const SIGNER: &str = "https://github.com/ada/slugs/.github/workflows/release.yml@refs/tags/v1.2.0";

/// A release whose bytes are known, and a world that can be changed.
pub(crate) struct Sample {
    pub(crate) config: Config,
    pub(crate) release: Release,
    pub(crate) findings: Findings,
    pub(crate) observed: Observed,
}

impl Sample {
    /// Returns the release in a world that has nothing but the tag; the program
    /// for one platform is missing with permission.
    pub(crate) fn new() -> Self {
        Self::allowing(vec![AllowMissing {
            name: "aarch64-apple-darwin".to_owned(),
            because: "runner outage, 1.2.1 follows".to_owned(),
        }])
    }

    /// Returns the release without permission for what is missing.
    pub(crate) fn strict() -> Self {
        Self::allowing(Vec::new())
    }

    fn allowing(allow_missing: Vec<AllowMissing>) -> Self {
        let mut config = Config::parse("relpub.toml", CONFIG).unwrap();
        config.evidence = EvidenceRule::none();
        for destination in config.destinations.values_mut() {
            destination.attestations = false;
        }
        let listing: Vec<Listed> = PATHS.iter().zip(SIZES).map(listed).collect();
        let release = Release::assemble(Assembly {
            config: &config,
            repository: RepositoryId {
                name: config.repository.clone(),
                id: 7,
            },
            tag: config.tag.read("v1.2.0").unwrap(),
            commit: commit(),
            listing: &listing,
            manifests: &[],
            flags: Flags {
                allow_missing,
                world: false,
            },
            today: now().to_zoned(TimeZone::UTC).date(),
            source: vec!["file:dist".to_owned()],
        });
        let findings = listing.iter().map(|one| (one.path.clone(), finding(one)));
        Self {
            config,
            release,
            findings: Findings {
                artifacts: findings.collect(),
            },
            observed: world(),
        }
    }

    /// Returns the same with the evidence that is left where a configuration is
    /// silent, signed by the release workflow.
    pub(crate) fn attested(mut self) -> Self {
        self.config.evidence = EvidenceRule::default();
        for destination in self.config.destinations.values_mut() {
            destination.attestations = destination.name.as_str() == "pypi";
        }
        self.observed.signer = SignerState::Ready(SignerClaims {
            identity: SIGNER.to_owned(),
            ..SignerClaims::default()
        });
        self
    }

    /// Lets carriers hold what `see` says.
    pub(crate) fn seeing(mut self, see: impl Fn(&Piece, &Carrier) -> Seen) -> Self {
        for carried in self.promotion().pieces() {
            let seen = |carrier: Carrier| (carrier.clone(), see(&carried.piece, &carrier));
            let held = carried.carriers.into_iter().map(seen).collect();
            self.observed.evidence.insert(carried.piece.clone(), held);
        }
        self
    }

    /// Puts files on the index.
    pub(crate) fn on_index(mut self, files: &[Held]) -> Self {
        let project = IndexProject {
            exists: true,
            status: "active".to_owned(),
            files: files.to_vec(),
        };
        let projects = BTreeMap::from([("slugs".parse().unwrap(), project)]);
        self.set("pypi", Known::Seen(Holdings::Index(projects)));
        self
    }

    /// Puts files into our draft.
    pub(crate) fn in_draft(mut self, assets: &[Held]) -> Self {
        let releases = Releases {
            drafts: vec![self.ours(assets)],
            drafts_visible: true,
            latest: Some("v1.1.0".to_owned()),
            ..Releases::default()
        };
        self.set("github", Known::Seen(Holdings::Releases(releases)));
        self
    }

    /// Puts files into our published release; `latest` is the tag so called.
    pub(crate) fn published(mut self, assets: &[Held], latest: &str) -> Self {
        let releases = Releases {
            published: Some(self.ours(assets)),
            drafts_visible: true,
            latest: Some(latest.to_owned()),
            stable_tags: vec!["v1.1.0".to_owned(), "v1.2.0".to_owned()],
            ..Releases::default()
        };
        self.set("github", Known::Seen(Holdings::Releases(releases)));
        self
    }

    /// Puts everything where it belongs.
    pub(crate) fn released(self) -> Self {
        let index: Vec<Held> = FILES[..INDEXED].iter().map(|name| held(name)).collect();
        let assets: Vec<Held> = FILES.iter().map(|name| held(name)).collect();
        self.on_index(&index).published(&assets, "v1.2.0")
    }

    /// Lets a destination not answer.
    pub(crate) fn unreadable(mut self, destination: &str) -> Self {
        let failure = failure(
            Decision::Transient,
            "PyPI answered 503 four times over 31 s; whether slugs 1.2.0 exists is unknown",
        );
        self.set(destination, Known::Unknown(failure));
        self
    }

    /// Takes a destination's credential away.
    pub(crate) fn without_credential(mut self, destination: &str, what: &str) -> Self {
        let absent = CredentialState::Absent(what.to_owned());
        let name = destination.parse().unwrap();
        self.observed.credentials.insert(name, absent);
        self
    }

    /// Adds a reason against one of the files.
    pub(crate) fn speak_against(mut self, path: usize, blocker: relpub_model::Blocker) -> Self {
        let path = PATHS[path].parse().unwrap();
        let finding = self.findings.artifacts.get_mut(&path).unwrap();
        finding.blockers.push(blocker);
        self
    }

    pub(crate) fn promotion(&self) -> Promotion {
        Promotion::new(&self.config, &self.release, &self.findings)
    }

    pub(crate) fn plan(&self) -> Plan {
        let promotion = self.promotion();
        Plan::new(
            &self.config,
            &self.release,
            &promotion,
            &self.findings,
            &self.observed,
        )
    }

    pub(crate) fn facts(&self) -> Facts {
        Facts::new(&self.config, &self.promotion(), &self.observed)
    }

    /// Returns the receipt of a run that ended with this world, and signed all
    /// the evidence that is there.
    pub(crate) fn receipt(&self) -> Receipt {
        let mut receipt = receipt(self.facts());
        let is_there = |seen: &Seen| matches!(seen, Seen::Valid);
        let there = self.observed.evidence.iter();
        let there = there.filter(|(_, carriers)| carriers.values().any(is_there));
        receipt.history.signed = (7001..)
            .zip(there)
            .map(|(n, (piece, _))| signed(piece, n))
            .collect();
        receipt
    }

    /// Returns a run that stopped with this world, which was read back.
    pub(crate) fn stopped(&self, failure: Failure, action: Option<Action>) -> Stopped {
        Stopped {
            failure,
            action,
            receipt: self.receipt(),
            seen: true,
        }
    }

    fn ours(&self, assets: &[Held]) -> ForgeRelease {
        let Release {
            project,
            repository,
            tag,
            ..
        } = &self.release;
        ForgeRelease {
            id: 3,
            marker: Some(marker(project, repository, tag)),
            immutable: false,
            assets: assets.to_vec(),
        }
    }

    fn set(&mut self, destination: &str, known: Known<Holdings>) {
        let name = destination.parse().unwrap();
        self.observed.destinations.insert(name, known);
    }
}

/// Returns a failure of PyPI.
pub(crate) fn failure(decision: Decision, message: &str) -> Failure {
    Failure {
        decision,
        service: "PyPI".to_owned(),
        message: message.to_owned(),
        said: None,
    }
}

/// Returns a file as the release has it.
pub(crate) fn held(name: &str) -> Held {
    Held {
        name: name.to_owned(),
        sha256: Some(Sha256::of(name.as_bytes())),
        size: None,
        state: HeldState::Complete,
        uploaded: Some(now() - SignedDuration::from_hours(48)),
    }
}

/// Returns a file with other bytes under its name.
pub(crate) fn other(name: &str) -> Held {
    Held {
        sha256: Some(Sha256::of(b"other")),
        ..held(name)
    }
}

/// Returns the receipt of a run that ended with these facts.
pub(crate) fn receipt(facts: Facts) -> Receipt {
    let same = |it: &&relpub_model::receipt::PlaceFact| it.presence == Presence::Same;
    let done = facts.places.iter().filter(same).map(|place| Done {
        at: now(),
        what: format!("{} to {}", place.name, service_name(&place.destination)),
    });
    let history = History {
        relpub: "0.1.0".to_owned(),
        began: now(),
        ended: now() + SignedDuration::from_secs(252),
        done: done.collect(),
        signed: Vec::new(),
        links: vec![Link {
            destination: "github".parse().unwrap(),
            url: "https://example.org/ada/slugs/releases/tag/v1.2.0".to_owned(),
        }],
    };
    Receipt {
        format: 1,
        facts,
        history,
    }
}

/// Returns a piece as the release workflow signed it; an index takes entries of
/// the older log alone.
fn signed(piece: &Piece, index: u64) -> Signed {
    let url = match piece {
        Piece::Publish { .. } => "https://rekor.example.org",
        _ => "https://log2026.example.org",
    };
    Signed {
        piece: piece.clone(),
        signer: SIGNER.to_owned(),
        bundle: Sha256::of(piece.to_string().as_bytes()),
        log: vec![LogEntry {
            log: Sha256::of(url.as_bytes()).to_string(),
            url: url.to_owned(),
            index,
            integrated: None,
        }],
    }
}

/// Returns a screen as it looks without colours.
pub(crate) fn seen(screen: &str) -> String {
    let text = anstream::adapter::strip_str(screen).to_string();
    let trailing = text.lines().find(|line| line.ends_with(' '));
    assert_eq!(trailing, None, "a line ends in a space");
    text
}

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn commit() -> relpub_model::name::Commit {
    "6e4ddaf16e4ddaf16e4ddaf16e4ddaf16e4ddaf1".parse().unwrap()
}

fn listed((path, size): (&&str, u64)) -> Listed {
    Listed {
        path: path.parse().unwrap(),
        origin: 0,
        size,
        pin: Pin::File { modified: 0 },
    }
}

/// The digest of a file is that of its published name.
fn finding(listed: &Listed) -> Finding {
    let index = PATHS.iter().position(|path| *path == listed.path.as_str());
    Finding {
        bytes: Some(Bytes {
            sha256: Sha256::of(FILES[index.unwrap()].as_bytes()),
            size: listed.size,
        }),
        fetched: true,
        ..Finding::default()
    }
}

/// A world that has nothing but the tag.
fn world() -> Observed {
    let index = Known::Seen(Holdings::Index(BTreeMap::new()));
    let releases = Known::Seen(Holdings::Releases(Releases {
        drafts_visible: true,
        latest: Some("v1.1.0".to_owned()),
        stable_tags: vec!["v1.1.0".to_owned()],
        ..Releases::default()
    }));
    Observed {
        at: now(),
        tag: Known::Seen(TagState::At(commit())),
        evidence: BTreeMap::new(),
        signer: SignerState::NotAsked,
        debts_named: Vec::new(),
        warnings: Vec::new(),
        destinations: BTreeMap::from([
            ("pypi".parse().unwrap(), index),
            ("github".parse().unwrap(), releases),
        ]),
        credentials: BTreeMap::new(),
        generated_notes: None,
    }
}
