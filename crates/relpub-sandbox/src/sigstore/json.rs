//! JSON in one spelling (RFC 8785), for the little of it that logs write.

use serde_json::{Value, json};

/// Returns JSON without spaces, its keys sorted.
///
/// It is the canonical form where keys are ASCII and numbers are integers.
pub(super) fn canonical(value: &Value) -> String {
    written(value, |keys| keys.sort_unstable())
}

/// Returns JSON without spaces whose keys are in the opposite order.
pub(super) fn unsorted(value: &Value) -> String {
    written(value, |keys| keys.sort_unstable_by(|a, b| b.cmp(a)))
}

// The order of a `Value` depends on the features that others switch on.
fn written(value: &Value, sort: fn(&mut [&String])) -> String {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<_> = map.keys().collect();
            sort(&mut keys);
            let pair = |key: &&String| format!("{}:{}", json!(key), written(&map[*key], sort));
            format!(
                "{{{}}}",
                keys.iter().map(pair).collect::<Vec<_>>().join(",")
            )
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| written(item, sort)).collect();
            format!("[{}]", items.join(","))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_at_every_depth() {
        let value = json!({"b": [{"y": 1, "x": "\n"}], "a": null});
        assert_eq!(canonical(&value), r#"{"a":null,"b":[{"x":"\n","y":1}]}"#);
        assert_eq!(unsorted(&value), r#"{"b":[{"y":1,"x":"\n"}],"a":null}"#);
    }
}
