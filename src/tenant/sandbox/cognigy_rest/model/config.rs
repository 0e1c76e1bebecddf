//! A node's config: what is accepted, and what is computed when it is read.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::refusal::Refusal;
use super::kinds::{Config, kind};

/// Letters of a `say` node's text that its preview shows.
const PREVIEW_CHARS_MAX: usize = 100;

/// Keys of a code node's config that the platform computes.
const COMPUTED: [&str; 2] = ["transpiled", "hasError"];

/// What makes a code node's code wrong here; true JavaScript never has it outside of quotes.
const WRONG_CODE: &str = "@@";

/// Keys, with their defaults, that an upgrade of the platform gave to configs of a type (real exports).
pub(crate) type Upgrades = BTreeMap<String, Map<String, Value>>;

/// `config` as it is kept, if a node of that type can have it: no unknown key, nothing computed.
pub(crate) fn checked(
    name: &str,
    extension: &str,
    mut config: Map<String, Value>,
    upgrades: &Upgrades,
) -> Result<Map<String, Value>, Refusal> {
    if name == "aiAgentJob" && !config.contains_key("aiAgent") {
        return Err(Refusal::config("`aiAgent` is required"));
    }
    if let Some(kind) = kind(name, extension)
        && let Config::Fields(fields) = kind.config
    {
        let added = upgrades.get(name);
        let is_known = |key: &str| {
            fields.iter().any(|field| field.key == key) || added.is_some_and(|added| added.contains_key(key))
        };
        if let Some(unknown) = config.keys().find(|key| !is_known(key)) {
            return Err(Refusal::config(&format!("`{unknown}` is not allowed in a node of type `{name}`")));
        }
    }
    let is_case = |case: &Value| case.as_object().is_some_and(|case| case.len() == 1 && case.contains_key("value"));
    if name == "case" && !config.get("case").is_some_and(is_case) {
        return Err(Refusal::config(r#"expected exactly {"case":{"value":…}}"#));
    }
    if name == "code" {
        COMPUTED.iter().for_each(|key| _ = config.remove(*key));
    }
    Ok(config)
}

/// `config` as a read shows it. `is_settled` says whether the platform has looked at a code node's code yet.
pub(crate) fn shown(
    name: &str,
    config: &Map<String, Value>,
    upgrades: &Upgrades,
    is_settled: bool,
) -> Map<String, Value> {
    let mut shown = config.clone();
    for (key, default) in upgrades.get(name).into_iter().flatten() {
        shown.entry(key.clone()).or_insert_with(|| default.clone());
    }
    if name == "code" {
        let code = config.get("code").and_then(Value::as_str).unwrap_or_default();
        shown.insert("transpiled".to_owned(), format!("\"use strict\";\n{code}").into());
        shown.insert("hasError".to_owned(), (is_settled && code.contains(WRONG_CODE)).into());
    }
    shown
}

/// What stands for a config in a chart (vendor's reference): by type, and no proof of anything.
pub(crate) fn preview(name: &str, config: &Map<String, Value>) -> Value {
    let of = |pointer: &[&str]| {
        let (first, rest) = pointer.split_first()?;
        rest.iter().try_fold(config.get(*first)?, |value, key| value.get(key)).cloned()
    };
    match name {
        "goTo" | "executeFlow" => of(&["flowNode"]).unwrap_or(Value::Null),
        "if" => of(&["condition"]).unwrap_or(Value::Null),
        "switch" => of(&["switch"]).unwrap_or(Value::Null),
        "case" => of(&["case", "value"]).unwrap_or(Value::Null),
        "say" => {
            let texts = of(&["say", "text"]);
            let first = texts.as_ref().and_then(|texts| texts.get(0)).and_then(Value::as_str).unwrap_or_default();
            first.chars().take(PREVIEW_CHARS_MAX).collect::<String>().into()
        }
        _ => "".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::kinds::BASIC;
    use super::*;
    use serde_json::json;

    fn accepts(name: &str, config: Value) -> bool {
        let Value::Object(config) = config else { panic!("a config is an object") };
        checked(name, BASIC, config, &Upgrades::new()).is_ok()
    }

    #[test]
    fn known_types_take_known_keys_only_and_others_take_anything() {
        assert!(accepts("if", json!({ "condition": {} })));
        assert!(!accepts("if", json!({ "condition": {}, "colour": "red" })));
        assert!(accepts("somethingNew", json!({ "colour": "red" })));
        assert!(accepts("case", json!({ "case": { "value": "book" } })));
        assert!(!accepts("case", json!({ "case": { "value": "book", "more": 1 } })));
        assert!(!accepts("case", json!({})));
        assert!(!accepts("aiAgentJob", json!({ "name": "x" })));
        assert!(accepts("aiAgentJob", json!({ "aiAgent": "x" })));
    }
}
