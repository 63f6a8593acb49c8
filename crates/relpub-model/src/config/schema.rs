//! The JSON Schema of `relpub.toml`, for editors.

use serde_json::{Map, Value, json};

use super::keys::{self, Need, Shape, Table};

/// Returns the JSON Schema (draft 2020-12) of what this version reads.
pub fn schema() -> Value {
    let tables = [
        &keys::SOURCE,
        &keys::ARTIFACT,
        &keys::DESTINATION,
        &keys::CREDENTIAL,
        &keys::PLATFORM,
        &keys::NOTES,
        &keys::EVIDENCE,
        &keys::SIGNER,
        &keys::WAIVER,
    ];
    let definitions: Map<String, Value> = tables
        .into_iter()
        .map(|table| (table.name.to_owned(), object(table)))
        .collect();
    let mut out = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": keys::TOP.name,
    });
    let top = [("$defs".to_owned(), Value::Object(definitions))];
    if let (Value::Object(out), Value::Object(object)) = (&mut out, object(&keys::TOP)) {
        out.extend(object.into_iter().chain(top));
    }
    out
}

fn object(table: &Table) -> Value {
    let known = || table.keys.iter().filter(|key| key.need != Need::Later);
    let properties: Map<String, Value> = known()
        .map(|key| {
            let mut value = of_shape(key.shape);
            value["description"] = json!(key.doc);
            (key.name.to_owned(), value)
        })
        .collect();
    let required: Vec<_> = known()
        .filter(|key| key.need == Need::Required)
        .map(|key| key.name)
        .collect();
    json!({
        "type": "object",
        "description": table.doc,
        "additionalProperties": false,
        "properties": properties,
        "required": required,
    })
}

fn of_shape(shape: Shape) -> Value {
    let text = || json!({ "type": "string" });
    let reference = |table: &Table| json!({ "$ref": format!("#/$defs/{}", table.name) });
    let list = |items: &Value| json!({ "type": "array", "items": items });
    let map = |values: &Value| json!({ "type": "object", "additionalProperties": values });
    let any = |of: &[Value]| json!({ "anyOf": of });
    match shape {
        Shape::Text => text(),
        Shape::Texts => any(&[text(), list(&text())]),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Date => json!({ "type": "string", "format": "date" }),
        Shape::Word(words, _) => json!({ "enum": words }),
        Shape::Words(words, _) => {
            let word = json!({ "enum": words });
            any(&[word.clone(), list(&word)])
        }
        Shape::Count => any(&[
            json!({ "const": "listed" }),
            json!({ "type": "integer", "minimum": 1 }),
        ]),
        Shape::Files => any(&[text(), list(&text()), map(&of_shape(Shape::Texts))]),
        Shape::Credential => any(&[
            json!({ "enum": ["trusted", "ambient", "anonymous"] }),
            json!({ "type": "string", "pattern": "^env:[A-Za-z_][A-Za-z0-9_]*$" }),
            reference(&keys::CREDENTIAL),
        ]),
        Shape::Platforms => {
            let one = any(&[text(), reference(&keys::PLATFORM)]);
            any(&[list(&one), map(&one)])
        }
        Shape::Short(table) => any(&[text(), reference(table)]),
        Shape::One(table) => reference(table),
        Shape::Many(table) => list(&reference(table)),
        Shape::OneOrMany(table) => any(&[reference(table), list(&reference(table))]),
        Shape::Named(table) => map(&reference(table)),
    }
}
