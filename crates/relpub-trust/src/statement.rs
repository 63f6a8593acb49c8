//! In-toto statements: what is said about which bytes.
//!
//! Statements are deterministic: the same promotion gives the same bytes, with
//! no time and nothing of the run in them (in-toto attestation framework,
//! Statement v1). Our predicates hold whole values of `relpub-model`, so that a
//! reader on another machine gets back exactly what was promised or seen; their
//! schemas are in `crates/relpub-model/schemas/`.

use std::collections::{BTreeMap, BTreeSet};

use relpub_model::digest::Sha256;
use relpub_model::evidence::{CYCLONEDX, MOST_SUBJECTS, Subject, subjects};
use relpub_model::plan::Presence;
use relpub_model::production::{PROMOTION_PREDICATE, RECEIPT_PREDICATE, publish_predicate};
use relpub_model::promotion::{Promotion, PromotionId};
use relpub_model::receipt::Facts;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// The media type of a statement in an envelope. No other is accepted.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// The type of a statement.
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// The version of our predicates' schemas.
const SCHEMA: u32 = 1;

/// A statement as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// What it is about: those subjects that are known by a SHA-256 digest.
    pub subjects: Vec<Subject>,
    /// How many subjects it has of any kind.
    pub subject_count: usize,
    /// What kind of thing it says.
    pub predicate_type: String,
    /// What it says; `null` when nothing.
    pub predicate: Value,
}

/// Bytes are no statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// They cannot be read as one.
    #[error("the statement cannot be read: {0}")]
    Malformed(String),
    /// They are one of another version.
    #[error("the statement has the unknown type `{0}`")]
    UnknownType(String),
    /// It is about nothing.
    #[error("the statement is about nothing")]
    NoSubject,
}

/// A statement's predicate is not what its type promises.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PredicateError {
    /// It has another type.
    #[error("the statement says `{found}`, not `{expected}`")]
    OtherType {
        /// The expected predicate type.
        expected: &'static str,
        /// The one found.
        found: String,
    },
    /// It cannot be read.
    #[error("the predicate cannot be read: {0}")]
    Malformed(String),
    /// It is of a later version.
    #[error(
        "the predicate has schema {0}, and this version of relpub reads only 1; use a newer one"
    )]
    UnknownSchema(u64),
    /// The promotion in it is not the one that it names.
    #[error("the statement names promotion {named}, but holds {held}")]
    OtherPromotion {
        /// The id that it names.
        named: String,
        /// The id of what it holds.
        held: String,
    },
    /// It is about bytes that its promotion does not have.
    #[error("the statement is about `{0}`, which its promotion does not have")]
    StrangeSubject(String),
}

/// Writes the statements that a promotion's bytes may go to its destinations:
/// one for each 1,024 subjects, each with the whole promotion.
pub fn promotion(promotion: &Promotion) -> Vec<Vec<u8>> {
    split(&promotion.subjects(), |part, parts| {
        (
            PROMOTION_PREDICATE,
            PromotionPredicate {
                schema: SCHEMA,
                id: promotion.id(),
                promotion,
                part,
                parts,
            },
        )
    })
}

/// Writes the statements that a promotion's bytes were seen at its destinations.
///
/// A place that did not hold the promoted bytes is in the predicate, and is no
/// subject.
pub fn receipt(facts: &Facts) -> Vec<Vec<u8>> {
    let seen = facts
        .places
        .iter()
        .filter(|place| place.presence == Presence::Same);
    let named = seen.map(|place| {
        (
            place.destination.as_str(),
            place.name.as_str(),
            place.sha256,
        )
    });
    split(&subjects(named), |part, parts| {
        (
            RECEIPT_PREDICATE,
            ReceiptPredicate {
                schema: SCHEMA,
                facts,
                part,
                parts,
            },
        )
    })
}

/// Writes the statement that a CycloneDX document describes a subject.
///
/// The document is taken as it stands, so it must be JSON.
pub fn sbom(subject: &Subject, document: &str) -> Result<Vec<u8>, serde_json::Error> {
    let document: &RawValue = serde_json::from_str(document)?;
    Ok(write(std::slice::from_ref(subject), CYCLONEDX, document))
}

/// Writes PyPI's publish attestation for one file (PEP 740): that whoever signs
/// it uploads it, and nothing else.
pub fn publish(file: &Subject) -> Vec<u8> {
    write(std::slice::from_ref(file), &publish_predicate(), ())
}

impl Statement {
    /// Reads a statement.
    ///
    /// Unknown fields and subjects with other digests are passed over, as the
    /// framework asks.
    pub fn parse(payload: &[u8]) -> Result<Self, StatementError> {
        let read: Read = serde_json::from_slice(payload)
            .map_err(|why| StatementError::Malformed(why.to_string()))?;
        if read.kind != STATEMENT_TYPE {
            return Err(StatementError::UnknownType(read.kind));
        }
        if read.subject.is_empty() {
            return Err(StatementError::NoSubject);
        }
        let subject_count = read.subject.len();
        let mut subjects = Vec::new();
        for subject in read.subject {
            if let Some(hex) = subject.digest.get("sha256") {
                let sha256 = hex
                    .parse()
                    .map_err(|why| StatementError::Malformed(format!("{why}")))?;
                subjects.push(Subject {
                    name: subject.name,
                    sha256,
                });
            }
        }
        Ok(Self {
            subjects,
            subject_count,
            predicate_type: read.predicate_type,
            predicate: read.predicate,
        })
    }

    /// Tells whether the statement is about these bytes.
    pub fn is_about(&self, sha256: &Sha256) -> bool {
        self.subjects
            .iter()
            .any(|subject| subject.sha256 == *sha256)
    }

    /// Returns the promotion that a promotion statement holds, after checking
    /// that its id and all subjects are the promotion's.
    pub fn promotion(&self) -> Result<Promotion, PredicateError> {
        let read: PromotionRead = self.predicate(PROMOTION_PREDICATE)?;
        same_promotion(&read.id, &read.promotion.id())?;
        self.check_subjects(&read.promotion)?;
        Ok(read.promotion)
    }

    /// Returns the facts that a receipt statement holds, after checking that
    /// the id of their promotion and all subjects are that promotion's.
    pub fn receipt(&self) -> Result<Facts, PredicateError> {
        let read: ReceiptRead = self.predicate(RECEIPT_PREDICATE)?;
        same_promotion(&read.facts.id, &read.facts.promotion.id())?;
        self.check_subjects(&read.facts.promotion)?;
        Ok(read.facts)
    }

    fn predicate<T: for<'a> Deserialize<'a>>(
        &self,
        expected: &'static str,
    ) -> Result<T, PredicateError> {
        if self.predicate_type != expected {
            return Err(PredicateError::OtherType {
                expected,
                found: self.predicate_type.clone(),
            });
        }
        match self.predicate.get("schema").and_then(Value::as_u64) {
            Some(schema) if schema != u64::from(SCHEMA) => {
                return Err(PredicateError::UnknownSchema(schema));
            }
            _ => {}
        }
        T::deserialize(&self.predicate).map_err(|why| PredicateError::Malformed(why.to_string()))
    }

    fn check_subjects(&self, promotion: &Promotion) -> Result<(), PredicateError> {
        let known: BTreeSet<_> = promotion.edges.iter().map(|edge| edge.sha256).collect();
        let strange = self.subjects.iter().find(|s| !known.contains(&s.sha256));
        strange.map_or(Ok(()), |subject| {
            Err(PredicateError::StrangeSubject(subject.name.clone()))
        })
    }
}

fn same_promotion(named: &PromotionId, held: &PromotionId) -> Result<(), PredicateError> {
    if named == held {
        return Ok(());
    }
    Err(PredicateError::OtherPromotion {
        named: named.short(),
        held: held.short(),
    })
}

fn split<P: Serialize>(
    subjects: &[Subject],
    predicate: impl Fn(usize, usize) -> (&'static str, P),
) -> Vec<Vec<u8>> {
    let chunks = subjects.chunks(MOST_SUBJECTS);
    let parts = chunks.len();
    chunks
        .enumerate()
        .map(|(index, subjects)| {
            let (kind, predicate) = predicate(index + 1, parts);
            write(subjects, kind, predicate)
        })
        .collect()
}

fn write(subjects: &[Subject], predicate_type: &str, predicate: impl Serialize) -> Vec<u8> {
    let written = Written {
        kind: STATEMENT_TYPE,
        subject: subjects
            .iter()
            .map(|subject| WrittenSubject {
                name: &subject.name,
                digest: WrittenDigest {
                    sha256: subject.sha256,
                },
            })
            .collect(),
        predicate_type,
        predicate,
    };
    serde_json::to_vec(&written).expect("a statement has only string keys")
}

#[derive(Serialize)]
struct Written<'a, P> {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: Vec<WrittenSubject<'a>>,
    #[serde(rename = "predicateType")]
    predicate_type: &'a str,
    predicate: P,
}

#[derive(Serialize)]
struct WrittenSubject<'a> {
    name: &'a str,
    digest: WrittenDigest,
}

#[derive(Serialize)]
struct WrittenDigest {
    sha256: Sha256,
}

/// Schema 1: the first.
#[derive(Serialize)]
struct PromotionPredicate<'a> {
    schema: u32,
    id: PromotionId,
    promotion: &'a Promotion,
    part: usize,
    parts: usize,
}

/// Schema 1: the first.
#[derive(Serialize)]
struct ReceiptPredicate<'a> {
    schema: u32,
    facts: &'a Facts,
    part: usize,
    parts: usize,
}

#[derive(Deserialize)]
struct PromotionRead {
    id: PromotionId,
    promotion: Promotion,
}

#[derive(Deserialize)]
struct ReceiptRead {
    facts: Facts,
}

#[derive(Deserialize)]
struct Read {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<ReadSubject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    #[serde(default)]
    predicate: Value,
}

#[derive(Deserialize)]
struct ReadSubject {
    #[serde(default)]
    name: String,
    digest: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use relpub_model::Receipt;

    use super::*;

    fn facts() -> Facts {
        let json = include_str!("../../../testdata/formats/receipt-1.json");
        serde_json::from_str::<Receipt>(json).unwrap().facts
    }

    fn only(mut statements: Vec<Vec<u8>>) -> Value {
        assert_eq!(statements.len(), 1);
        serde_json::from_slice(&statements.pop().unwrap()).unwrap()
    }

    fn assert_valid(schema: &str, statement: &Value) {
        let schema: Value = serde_json::from_str(schema).unwrap();
        assert_eq!(schema["$id"], statement["predicateType"]);
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&statement["predicate"])
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(errors, Vec::<String>::new());
        for field in ["schema", "part", "parts"] {
            let mut lacking = statement["predicate"].clone();
            lacking.as_object_mut().unwrap().remove(field);
            assert!(!validator.is_valid(&lacking), "{field} is required");
        }
    }

    #[test]
    fn our_predicates_follow_their_schemas() {
        let facts = facts();
        assert_valid(
            include_str!("../../relpub-model/schemas/promotion-v1.json"),
            &only(promotion(&facts.promotion)),
        );
        assert_valid(
            include_str!("../../relpub-model/schemas/receipt-v1.json"),
            &only(receipt(&facts)),
        );
    }

    #[test]
    fn a_promotion_is_read_back_as_it_was() {
        let expected = facts().promotion;
        let written = promotion(&expected);
        assert_eq!(written, promotion(&expected), "it is deterministic");
        let statement = Statement::parse(&written[0]).unwrap();
        assert_eq!(statement.promotion(), Ok(expected.clone()));
        assert!(statement.is_about(&expected.edges[0].sha256));
        assert!(matches!(
            statement.receipt(),
            Err(PredicateError::OtherType { .. })
        ));
    }

    #[test]
    fn a_receipt_is_about_what_was_seen() {
        let mut facts = facts();
        let statement = Statement::parse(&receipt(&facts)[0]).unwrap();
        assert_eq!(statement.receipt(), Ok(facts.clone()));
        for place in &mut facts.places {
            place.presence = Presence::Absent;
        }
        assert_eq!(receipt(&facts), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn a_predicate_that_contradicts_itself_is_refused() {
        let facts = facts();
        let spoiled = |change: &dyn Fn(&mut Value)| {
            let mut statement = only(promotion(&facts.promotion));
            change(&mut statement);
            let statement = Statement::parse(statement.to_string().as_bytes()).unwrap();
            statement.promotion().unwrap_err()
        };
        let other = spoiled(&|s| s["predicate"]["promotion"]["project"] = "other".into());
        assert!(
            matches!(other, PredicateError::OtherPromotion { .. }),
            "{other}"
        );
        let newer = spoiled(&|s| s["predicate"]["schema"] = 2.into());
        assert_eq!(newer, PredicateError::UnknownSchema(2));
        let strange = spoiled(&|s| s["subject"][0]["digest"]["sha256"] = "0".repeat(64).into());
        assert!(
            matches!(strange, PredicateError::StrangeSubject(_)),
            "{strange}"
        );
    }

    #[test]
    fn a_statement_has_at_most_1024_subjects_and_no_name_twice() {
        let mut promoted = facts().promotion;
        let edge = promoted.edges[0].clone();
        promoted.edges = (0..1500)
            .map(|n: u32| {
                let mut edge = edge.clone();
                edge.name = format!("file-{}.bin", n / 2 * 2 + 1).parse().unwrap();
                edge.destination = if n.is_multiple_of(2) {
                    "pypi"
                } else {
                    "github"
                }
                .parse()
                .unwrap();
                edge.sha256 = Sha256::of(&n.to_le_bytes());
                edge
            })
            .collect();
        let statements: Vec<_> = promotion(&promoted)
            .iter()
            .map(|bytes| Statement::parse(bytes).unwrap())
            .collect();
        let counts: Vec<_> = statements.iter().map(|s| s.subject_count).collect();
        assert_eq!(counts, [1024, 476]);
        let names: BTreeSet<_> = statements
            .iter()
            .flat_map(|s| &s.subjects)
            .map(|s| &s.name)
            .collect();
        assert_eq!(names.len(), 1500);
        assert!(names.contains(&"github/file-1.bin".to_owned()));
        assert_eq!(statements[1].predicate["part"], 2);
        assert_eq!(statements[1].promotion(), Ok(promoted));
    }

    #[test]
    fn other_statements_are_as_their_readers_want_them() {
        let subject = Subject {
            name: "demo-1.2.3.tar.gz".to_owned(),
            sha256: Sha256::of(b""),
        };
        let digest = Sha256::of(b"");
        assert_eq!(
            String::from_utf8(sbom(&subject, r#"{"bomFormat": "CycloneDX"}"#).unwrap()).unwrap(),
            format!(
                r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"name":"demo-1.2.3.tar.gz","digest":{{"sha256":"{digest}"}}}}],"predicateType":"https://cyclonedx.org/bom","predicate":{{"bomFormat": "CycloneDX"}}}}"#
            )
        );
        assert!(sbom(&subject, "{").is_err());
        let publish = Statement::parse(&publish(&subject)).unwrap();
        assert_eq!(publish.predicate_type, publish_predicate());
        assert_eq!(publish.predicate, Value::Null);
    }

    #[test]
    fn what_is_no_statement_is_refused_by_name() {
        let refused = |json: &str| Statement::parse(json.as_bytes()).unwrap_err();
        assert!(matches!(refused("{}"), StatementError::Malformed(_)));
        assert_eq!(
            refused(
                r#"{"_type": "https://in-toto.io/Statement/v1", "subject": [], "predicateType": "x"}"#
            ),
            StatementError::NoSubject
        );
        assert_eq!(
            refused(
                r#"{"_type": "https://in-toto.io/Statement/v0.1", "subject": [{"digest": {}}], "predicateType": "x"}"#
            ),
            StatementError::UnknownType("https://in-toto.io/Statement/v0.1".to_owned())
        );
    }
}
