//! How configs stand in packages (real exports): what a `say` node says is JSON text there, and `$` in keys is written
//! as `＄`, inside such text too.

use serde_json::{Map, Value};

/// The letter that stands for `$`.
const FULL_WIDTH: &str = "\u{ff04}";

/// A config as a package writes it; `says` are its fields of type `say`.
pub(super) fn to_package(mut config: Map<String, Value>, says: &[&str]) -> Map<String, Value> {
    config = renamed(config, "$", FULL_WIDTH);
    for key in says {
        if let Some(said) = config.get_mut(*key).filter(|said| !said.is_string()) {
            *said = said.to_string().into();
        }
    }
    config
}

/// A config as the platform keeps it. Text that is no JSON stays what it is.
pub(super) fn from_package(mut config: Map<String, Value>, says: &[&str]) -> Map<String, Value> {
    for key in says {
        let said = config.get(*key).and_then(Value::as_str).map(serde_json::from_str);
        if let Some(Ok(said)) = said {
            config.insert((*key).to_owned(), said);
        }
    }
    renamed(config, FULL_WIDTH, "$")
}

fn renamed(members: Map<String, Value>, from: &str, to: &str) -> Map<String, Value> {
    members.into_iter().map(|(key, value)| (key.replace(from, to), renamed_in(value, from, to))).collect()
}

fn renamed_in(value: Value, from: &str, to: &str) -> Value {
    match value {
        Value::Object(members) => Value::Object(renamed(members, from, to)),
        Value::Array(items) => items.into_iter().map(|item| renamed_in(item, from, to)).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_config_comes_back_as_it_was() {
        let Value::Object(config) = json!({
            "say": { "type": "card", "data": { "$schema": "x", "a": [{ "$b": 1.5 }] } },
            "other": { "$key": "$value" },
        }) else {
            unreachable!()
        };
        let packed = to_package(config.clone(), &["say"]);
        assert!(packed["say"].as_str().unwrap().contains("＄schema"), "{packed:?}");
        assert_eq!(packed["other"], json!({ "＄key": "$value" }));
        assert_eq!(from_package(packed, &["say"]), config);
    }
}
