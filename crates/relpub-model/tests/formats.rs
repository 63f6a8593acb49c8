//! Everything written to disk stays readable: one sample per version.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]
#![expect(clippy::disallowed_methods, reason = "a test reads its samples")]

use relpub_model::plan::Expectation;
use relpub_model::{Endpoints, Receipt};

fn sample(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/formats/");
    std::fs::read_to_string(format!("{folder}{name}")).unwrap()
}

#[test]
fn a_plan_of_format_1() {
    let Expectation::Plan { id, steps } = Expectation::from_plan(&sample("plan-1.json")).unwrap()
    else {
        panic!("a saved plan is expected as a plan");
    };
    assert_eq!((id.short().as_str(), steps.len()), ("6ed23b91f6e2", 14));
}

#[test]
fn a_receipt_of_format_1() {
    let receipt: Receipt = serde_json::from_str(&sample("receipt-1.json")).unwrap();
    assert!(receipt.facts.complete);
    assert_eq!(receipt.facts.places.len(), 9);
    // The id is a digest over the promotion: reading and writing keeps it.
    assert_eq!(receipt.facts.promotion.id(), receipt.facts.id);
    let written = serde_json::to_string(&receipt).unwrap();
    assert_eq!(serde_json::from_str::<Receipt>(&written).unwrap(), receipt);
}

#[test]
fn a_world_of_format_1() {
    let world = Endpoints::from_world(&sample("world-1.json")).unwrap();
    assert_eq!(world.name.as_deref(), Some("sandbox"));
    assert_eq!(world.indexes.len(), 2);
    let newer = sample("world-1.json").replace("\"format\": 1", "\"format\": 2");
    let error = Endpoints::from_world(&newer).unwrap_err().to_string();
    assert_eq!(
        error,
        "the world file has format 2; this version of relpub reads format 1"
    );
    let outside = sample("world-1.json")
        .replace("http://127.0.0.1:47003/legacy/", "http://192.0.2.1/legacy/");
    let error = Endpoints::from_world(&outside).unwrap_err().to_string();
    assert_eq!(
        error,
        "the world file names `http://192.0.2.1/legacy/`: plain http is accepted for loopback addresses only"
    );
}
