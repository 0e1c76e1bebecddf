//! How configurations stand in packages: what a node says is JSON *text* there, and `$` in keys may be a full-width `＄`,
//! inside such text too.

use serde_json::{Map, Value};

/// The letter that stands for `$`.
const FULL_WIDTH: &str = "\u{ff04}";

/// Fields that hold what a node says, whatever else is in them.
const SAID: [&str; 3] = ["say", "repromptSay", "escalateAnswersMessage"];
/// Members that nothing but what is said has, beside `type`.
const ONLY_SAID: [&str; 3] = ["linear", "loop", "_cognigy"];

/// Whether a field of a configuration holds what a node says: by its name, or by its looks.
fn is_said(key: &str, value: &Value) -> bool {
    let Value::Object(members) = value else { return false };
    let looks_so = members.contains_key("type") && ONLY_SAID.iter().any(|it| members.contains_key(*it));
    SAID.contains(&key) || looks_so
}

/// A configuration as a package writes it.
pub(super) fn to_package(config: &Map<String, Value>) -> Map<String, Value> {
    let field = |(key, value): (&String, &Value)| {
        let renamed = renamed(value, "$", FULL_WIDTH);
        let value = if is_said(key, value) { renamed.to_string().into() } else { renamed };
        (key.replace('$', FULL_WIDTH), value)
    };
    config.iter().map(field).collect()
}

/// A configuration as a node read alone shows it. Text that is no JSON stays what it is.
pub(super) fn from_package(config: &Map<String, Value>) -> Map<String, Value> {
    let field = |(key, value): (&String, &Value)| {
        let said = value.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        let value = said.filter(|said| is_said(key, said)).unwrap_or_else(|| value.clone());
        (key.replace(FULL_WIDTH, "$"), renamed(&value, FULL_WIDTH, "$"))
    };
    config.iter().map(field).collect()
}

fn renamed(value: &Value, from: &str, to: &str) -> Value {
    match value {
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| (key.replace(from, to), renamed(value, from, to));
            Value::Object(members.iter().map(member).collect())
        }
        Value::Array(items) => items.iter().map(|item| renamed(item, from, to)).collect(),
        other => other.clone(),
    }
}

/// What stands for a configuration in lists: by type, and no proof of anything. The platform makes its own.
pub(super) fn preview(kind: &str, config: &Map<String, Value>) -> Value {
    let found = match kind {
        "goTo" | "executeFlow" => config.get("flowNode"),
        "if" => config.get("condition"),
        "case" => config.get("case").and_then(|case| case.get("value")),
        "say" => config.get("say").and_then(|say| say.get("text")?.get(0)),
        _ => None,
    };
    found.cloned().unwrap_or_else(|| Value::String(String::new()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_configuration_comes_back_as_it_was() {
        let Value::Object(config) = json!({
            "say": { "type": "card", "data": { "$schema": "x", "a": [{ "$b": 1.5 }] } },
            "answer": { "type": "text", "text": ["a"], "linear": false },
            "condition": { "type": "rule", "rule": { "left": "$a" } },
            "injectedData": "{\"type\":\"x\",\"text\":[]}",
            "$other": { "$key": "$value" },
        }) else {
            unreachable!()
        };
        let packed = to_package(&config);
        assert!(packed["say"].as_str().unwrap().contains("＄schema"), "{packed:?}");
        assert!(packed["answer"].is_string() && packed["condition"].is_object());
        assert_eq!(packed["＄other"], json!({ "＄key": "$value" }));
        assert_eq!(from_package(&packed), config);
        let plain = json!({"say": "not JSON", "injectedData": "[1]"});
        assert_eq!(Value::Object(from_package(plain.as_object().unwrap())), plain);
    }
}
