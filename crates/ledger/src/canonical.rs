//! JSON in one form only, so that the same detail always has the same hash.

use serde_json::Value;

/// The text of a value with the keys of every object sorted by their bytes and no space between the parts.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_unstable_by(|a, b| a.0.cmp(b.0));
            text.push('{');
            for (at, (key, value)) in members.into_iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        Value::Array(values) => {
            text.push('[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write(value, text);
            }
            text.push(']');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_in_which_a_detail_was_built_does_not_show() {
        let one = json!({"b": [1, {"z": null, "a": "\u{0}\"x"}], "a": 1.5});
        let other = json!({"a": 1.5, "b": [1, {"a": "\u{0}\"x", "z": null}]});
        assert_eq!(canonical(&one), r#"{"a":1.5,"b":[1,{"a":"\u0000\"x","z":null}]}"#);
        assert_eq!(canonical(&one), canonical(&other));
        assert_ne!(canonical(&one), canonical(&json!({"a": 1.5, "b": [{"a": "\u{0}\"x", "z": null}, 1]})));
    }

    #[test]
    fn canonical_text_is_json_that_says_the_same() {
        let value = json!({"": {}, "e\"": [], "u": "\u{1F600}", "n": -3});
        assert_eq!(serde_json::from_str::<Value>(&canonical(&value)).unwrap(), value);
    }
}
