//! A made-up release, to be rendered.

use std::collections::BTreeMap;

use relpub_model::config::Kind;
use relpub_model::name::DestinationName;
use relpub_model::plan::{Action, Phase, Pointer, Presence, Row, Step};
use relpub_model::promotion::{Edge, Mutability};
use relpub_model::receipt::{Done, Facts, History, PlaceFact, PointerFact};
use relpub_model::release::{Flags, RepositoryId, Waived};
use relpub_model::{Config, Plan, Promotion, Receipt, Sha256};

const WHEEL: &str = "slugs-1.2.0-py3-none-any.whl";
const SDIST: &str = "slugs-1.2.0.tar.gz";

/// Returns the configuration of the sample.
pub(crate) fn config() -> Config {
    let text = "repository = \"ada/slugs\"\nsource = \"file:dist\"\nfollow-ups = [\"Tell the list\"]\n[[artifacts]]\nfiles = [\"*.whl\", \"*.tar.gz\"]\nto = [\"pypi\", \"github\"]\n";
    Config::parse("relpub.toml", text).unwrap()
}

fn destination(name: &str) -> DestinationName {
    name.parse().unwrap()
}

fn edge(destination: &str, name: &str) -> Edge {
    Edge {
        destination: self::destination(destination),
        name: name.parse().unwrap(),
        sha256: Sha256::of(name.as_bytes()),
        size: 4200,
        mutability: Mutability::Immutable,
    }
}

/// Returns the promotion of a wheel and an sdist to PyPI and GitHub.
pub(crate) fn promotion() -> Promotion {
    let config = config();
    let edges = ["github", "pypi"].map(|to| [edge(to, WHEEL), edge(to, SDIST)]);
    Promotion {
        schema: 1,
        project: "slugs".to_owned(),
        repository: RepositoryId {
            name: config.repository.clone(),
            id: 7,
        },
        tag: config.tag.read("v1.2.0").unwrap(),
        commit: "0123456789".repeat(4).parse().unwrap(),
        edges: edges.into_iter().flatten().collect(),
        pointers: Vec::new(),
        config: config.digest,
        waived: vec![Waived {
            missing: "linux-arm64".to_owned(),
            because: "runner outage".to_owned(),
        }],
        flags: Flags::default(),
    }
}

/// Returns a plan in which PyPI has the wheel and GitHub has nothing.
pub(crate) fn plan() -> Plan {
    let promotion = promotion();
    let row = |name: &str, kind, at_pypi| Row {
        path: format!("dist/{name}").parse().unwrap(),
        name: name.parse().unwrap(),
        kind,
        size: Some(4200),
        sha256: Some(Sha256::of(name.as_bytes())),
        presence: BTreeMap::from([
            (destination("pypi"), at_pypi),
            (destination("github"), Presence::Absent),
        ]),
    };
    Plan {
        format: 1,
        id: promotion.id(),
        promotion,
        prerelease: false,
        source: vec!["file:dist".to_owned()],
        rows: vec![
            row(WHEEL, Kind::Wheel, Presence::Same),
            row(SDIST, Kind::Sdist, Presence::Absent),
        ],
        steps: steps(),
        blockers: Vec::new(),
        blockers_here: Vec::new(),
        assumptions: vec!["this credential may write releases of ada/slugs".to_owned()],
        warnings: Vec::new(),
        follow_ups: vec!["Tell the list".to_owned()],
        notes: None,
        distributions: BTreeMap::new(),
        config: config(),
    }
}

fn steps() -> Vec<Step> {
    let github = || destination("github");
    let step = |phase, action| Step {
        phase,
        rank: 10,
        wave: 0,
        action,
    };
    let stage = |name| Action::Stage {
        edge: edge("github", name),
    };
    vec![
        step(
            Phase::Stage,
            Action::Open {
                destination: github(),
            },
        ),
        step(Phase::Stage, stage(WHEEL)),
        step(Phase::Stage, stage(SDIST)),
        step(
            Phase::Publish,
            Action::Upload {
                edge: edge("pypi", SDIST),
            },
        ),
        step(
            Phase::Publish,
            Action::Release {
                destination: github(),
            },
        ),
        step(
            Phase::Confirm,
            Action::Confirm {
                destination: destination("pypi"),
            },
        ),
        step(
            Phase::Point,
            Action::Point {
                pointer: Pointer::Latest {
                    destination: github(),
                    from: Some("v1.1.0".to_owned()),
                    to: "v1.2.0".to_owned(),
                },
            },
        ),
    ]
}

/// Returns a receipt with what PyPI holds of the sdist and GitHub of both; the
/// wheel is on PyPI.
pub(crate) fn receipt(sdist: Presence, github: Presence, settled: bool) -> Receipt {
    let promotion = promotion();
    let presence = |edge: &Edge| match (edge.destination.as_str(), edge.name.as_str()) {
        ("github", _) => github,
        (_, SDIST) => sdist,
        _ => Presence::Same,
    };
    let place = |edge: &Edge| PlaceFact {
        destination: edge.destination.clone(),
        name: edge.name.clone(),
        sha256: edge.sha256,
        size: edge.size,
        presence: presence(edge),
    };
    let places: Vec<PlaceFact> = promotion.edges.iter().map(place).collect();
    let complete = settled && places.iter().all(|it| it.presence == Presence::Same);
    let at = |text: &str| text.parse().unwrap();
    Receipt {
        format: 1,
        facts: Facts {
            id: promotion.id(),
            tag: Some(promotion.commit.clone()),
            places,
            pointers: vec![PointerFact {
                destination: destination("github"),
                at: Some(if settled { "v1.2.0" } else { "v1.1.0" }.to_owned()),
                settled,
            }],
            complete,
            promotion,
        },
        history: History {
            relpub: "0.1.0".to_owned(),
            began: at("2026-11-02T10:00:00Z"),
            ended: at("2026-11-02T10:04:12Z"),
            done: vec![Done {
                at: at("2026-11-02T10:00:09Z"),
                what: format!("{SDIST} to PyPI"),
            }],
            links: Vec::new(),
        },
    }
}
