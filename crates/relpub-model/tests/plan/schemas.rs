//! The published schemas of what is signed know every key that is written.

use relpub_model::config::Attest;
use relpub_model::observed::Seen;
use serde_json::Value;

use super::*;

const PROMOTION: &str = include_str!("../../schemas/promotion-v1.json");
const RECEIPT: &str = include_str!("../../schemas/receipt-v1.json");

/// A schema in its document, which its references are about.
struct Schema<'a> {
    document: &'a Value,
    here: &'a Value,
}

impl<'a> Schema<'a> {
    fn of(document: &'a Value, name: &str) -> Self {
        let here = &document["$defs"][name];
        Self { document, here }
    }

    fn at(&self, here: &'a Value) -> Self {
        let document = self.document;
        let target = here["$ref"].as_str().map(|it| it.trim_start_matches('#'));
        let here = target.map_or(here, |path| document.pointer(path).unwrap());
        Self { document, here }
    }

    /// Collects what the schema does not know, and what it requires in vain.
    fn compare(&self, value: &Value, path: &str, out: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                let Some(known) = self.here.get("properties") else {
                    return out.push(format!("{path} is an object"));
                };
                let required = self.here["required"].as_array().unwrap();
                let lacking = required
                    .iter()
                    .filter(|key| !map.contains_key(key.as_str().unwrap()));
                out.extend(lacking.map(|key| format!("{path} lacks {key}")));
                for (key, value) in map {
                    let path = format!("{path}/{key}");
                    match known.get(key) {
                        Some(schema) => self.at(schema).compare(value, &path, out),
                        None => out.push(format!("{path} is not known")),
                    }
                }
            }
            Value::Array(list) => {
                if let Some(items) = self.here.get("items") {
                    for value in list {
                        self.at(items).compare(value, path, out);
                    }
                }
            }
            Value::String(text) => {
                if let Some(words) = self.here["enum"].as_array() {
                    let known = words.iter().any(|word| word == text);
                    out.extend((!known).then(|| format!("{path} is {text}")));
                }
            }
            _ => {}
        }
    }
}

#[test]
fn every_key_of_a_promotion_and_of_facts_is_known() {
    let mut case = Case::new().attested();
    let text = format!("{CONFIG}\n[evidence]\nchecksums = \"SHA256SUMS\"\n");
    case.config.evidence = Config::parse("relpub.toml", &text).unwrap().evidence;
    case.config.evidence.attest.insert(Attest::Receipt);
    let case = case.published(true).seen(|_, _| Seen::Absent);
    let promotion = case.promotion();
    let facts = Facts::new(&case.config, &promotion, &case.observed);
    assert_eq!(promotion.evidence.kinds.len(), 5);
    assert_eq!(facts.evidence.len(), 8);

    let (of_promotion, of_receipt) = (
        serde_json::from_str(PROMOTION).unwrap(),
        serde_json::from_str(RECEIPT).unwrap(),
    );
    let promotion = serde_json::to_value(&promotion).unwrap();
    let facts = serde_json::to_value(&facts).unwrap();
    let mut out = Vec::new();
    Schema::of(&of_promotion, "promotion").compare(&promotion, "promotion", &mut out);
    Schema::of(&of_receipt, "facts").compare(&facts, "facts", &mut out);
    assert_eq!(out, Vec::<String>::new());
}
