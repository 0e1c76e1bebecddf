//! Settings that a platform gives to nodes by itself: no two flows differ by them.
//!
//! An upgrade of a platform shows nodes with keys that nobody has written, each with its default. Git does not have them,
//! and need not: a setting with its default and none at all are one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::document::{Document, Node};

/// Members of a node: what it is, and its settings by locale.
const TYPE: &str = "type";
const CONFIG: &str = "config";
/// The member of a document in which nodes stand.
const CHART: &str = "chart";

/// Defaults by node type and key; of one key there may have been several.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Setting>", into = "Vec<Setting>")]
pub struct Defaults(BTreeMap<String, BTreeMap<String, BTreeSet<String>>>);

/// One of them, as records have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Setting {
    #[serde(rename = "type")]
    kind: String,
    key: String,
    value: Value,
}

/// More defaults than any platform has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected at most {} defaults, found {found}", Defaults::MAX)]
pub struct TooManyDefaults {
    /// How many.
    found: usize,
}

impl Defaults {
    /// So many are read from a record.
    pub const MAX: usize = 1_000;

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a key with this value says no more than its absence, in nodes of a type.
    #[must_use]
    pub fn has(&self, kind: &str, key: &str, value: &Value) -> bool {
        self.0.get(kind).and_then(|keys| keys.get(key)).is_some_and(|values| values.contains(&canonical(value)))
    }

    /// Adds one.
    pub fn insert(&mut self, kind: &str, key: &str, value: &Value) {
        let keys = self.0.entry(kind.to_owned()).or_default();
        keys.entry(key.to_owned()).or_default().insert(canonical(value));
    }

    /// These and others; nothing where there is nothing new in the others.
    #[must_use]
    pub fn with(&self, others: &Self) -> Option<Self> {
        let mut all = self.clone();
        for (kind, keys) in &others.0 {
            for (key, values) in keys {
                let known = all.0.entry(kind.clone()).or_default().entry(key.clone()).or_default();
                known.extend(values.iter().cloned());
            }
        }
        (all != *self).then_some(all)
    }

    /// One line each, for keys and digests.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let lines = self.settings().map(|(kind, key, value)| format!("{kind} {key} {value}"));
        lines.collect()
    }

    fn settings(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.0.iter().flat_map(|(kind, keys)| {
            keys.iter().flat_map(move |(key, values)| values.iter().map(move |it| (&**kind, &**key, &**it)))
        })
    }

    /// Cells of the settings that say nothing.
    pub(super) fn collect(&self, document: &Document, removed: &mut Vec<u32>) {
        if let Some(chart) = document.root().member(CHART).filter(|_| !self.is_empty()) {
            self.collect_in(document, chart, removed);
        }
    }

    /// Recursion ends where the parser's depth does.
    fn collect_in(&self, document: &Document, value: Node<'_>, removed: &mut Vec<u32>) {
        value.elements().for_each(|element| self.collect_in(document, element, removed));
        let kind = value.member(TYPE).and_then(Node::as_str);
        let config = value.member(CONFIG);
        if let (Some(keys), Some(config)) = (kind.and_then(|kind| self.0.get(&*kind)), config) {
            for (_, settings) in config.entries() {
                let settings = settings.entries();
                let is_default = |key: &str, value: Node<'_>| {
                    keys.get(key).is_some_and(|values| values.contains(&document.canonical_text(value)))
                };
                removed.extend(settings.filter(|(key, it)| is_default(key, *it)).map(|(_, it)| it.index()));
            }
        }
        let inside = value.entries().filter(|(key, _)| key != CONFIG);
        inside.for_each(|(_, value)| self.collect_in(document, value, removed));
    }
}

impl From<Defaults> for Vec<Setting> {
    fn from(defaults: Defaults) -> Self {
        let setting = |(kind, key, value): (&str, &str, &str)| Setting {
            kind: kind.to_owned(),
            key: key.to_owned(),
            value: serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned())),
        };
        defaults.settings().map(setting).collect()
    }
}

impl TryFrom<Vec<Setting>> for Defaults {
    type Error = TooManyDefaults;

    fn try_from(settings: Vec<Setting>) -> Result<Self, TooManyDefaults> {
        if settings.len() > Self::MAX {
            return Err(TooManyDefaults { found: settings.len() });
        }
        let mut defaults = Self::default();
        settings.iter().for_each(|Setting { kind, key, value }| defaults.insert(kind, key, value));
        Ok(defaults)
    }
}

/// A value as flows are hashed by; one that is too deep for a flow stands for itself.
fn canonical(value: &Value) -> String {
    let text = value.to_string();
    let parsed = Document::parse(text.as_bytes()).map(|document| document.canonical_text(document.root()));
    parsed.unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::flow::Comparison;

    fn defaults() -> Defaults {
        let mut defaults = Defaults::default();
        defaults.insert("say", "mediaPath", &json!(""));
        defaults.insert("say", "options", &json!({"b": 1.0, "a": []}));
        defaults
    }

    #[track_caller]
    fn check(one: &str, other: &str, are_equal: bool) {
        let comparison = Comparison::default().with_defaults(&defaults()).unwrap();
        let node = |node: &str| format!(r#"{{"format":"cognigy-flow/1","mediaPath":"","chart":[{node}]}}"#);
        let hash = |text: &str| Document::parse(node(text).as_bytes()).unwrap().equality_hash(&comparison);
        assert_eq!(hash(one) == hash(other), are_equal, "{one} | {other}");
    }

    #[test]
    fn a_setting_with_its_default_says_nothing_wherever_its_node_stands() {
        let bare = r#"{"type":"say","config":{"en":{"text":"a"},"de":{}}}"#;
        let full = r#"{"type":"say","config":{"en":{"mediaPath":"","text":"a"},"de":{"options":{"a":[],"b":1.0}}}}"#;
        check(bare, full, true);
        let inside = |node: &str| {
            format!(r#"{{"type":"if","branches":[{{"type":"then","body":[{{"type":"once","branches":[{node}]}}]}}]}}"#)
        };
        check(&inside(bare), &inside(full), true);
    }

    #[test]
    fn another_value_another_type_and_another_place_say_something() {
        let config = |kind: &str, config: &str| format!(r#"{{"type":"{kind}","config":{{"en":{config}}}}}"#);
        check(&config("say", r#"{"mediaPath":"x"}"#), &config("say", "{}"), false);
        check(&config("ask", r#"{"mediaPath":""}"#), &config("ask", "{}"), false);
        check(&config("say", r#"{"deep":{"mediaPath":""}}"#), &config("say", r#"{"deep":{}}"#), false);
        check(r#"{"type":"say","mediaPath":""}"#, r#"{"type":"say"}"#, false);
        check(r#"{"type":"say","config":""}"#, r#"{"type":"say"}"#, false);
    }

    #[test]
    fn records_have_them_as_people_read_them_and_not_without_end() {
        let text = json!([
            {"type": "say", "key": "mediaPath", "value": ""},
            {"type": "say", "key": "options", "value": {"a": [], "b": 1.0}},
        ]);
        assert_eq!(serde_json::to_value(defaults()).unwrap(), text);
        assert_eq!(serde_json::from_value::<Defaults>(text).unwrap(), defaults());
        let many: Vec<Value> =
            (0..=Defaults::MAX).map(|n| json!({"type": "t", "key": n.to_string(), "value": 0})).collect();
        let error = serde_json::from_value::<Defaults>(json!(many)).unwrap_err().to_string();
        assert!(error.contains("expected at most 1000 defaults, found 1001"), "{error}");
    }

    #[test]
    fn what_is_known_already_is_nothing_new() {
        let mut more = defaults();
        more.insert("say", "mediaPath", &json!(null));
        assert_eq!(defaults().with(&defaults()), None);
        assert_eq!(defaults().with(&more), Some(more.clone()));
        assert!(more.has("say", "mediaPath", &json!("")) && !defaults().has("say", "mediaPath", &json!(null)));
    }
}
