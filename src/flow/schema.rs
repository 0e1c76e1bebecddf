//! The JSON Schema of a flow: shipped, printed, and the first thing a file is held against.

use std::sync::LazyLock;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError, Validator, ValidatorMap};
use serde_json::{Map, Number, Value};

use super::document::{Kind, Node};
use super::finding::{Findings, nearest, quoted};
use super::pointer;

/// The schema, draft 2020-12, as `flowsync schema flow` prints it.
pub const FLOW_SCHEMA: &str = include_str!("schema.json");

/// How many levels of a document the schema looks at. What lies deeper is not shown to the validator.
const LEVELS: usize = 4;

/// Entries of an array that are validated at once: errors are made for all of them before one is read.
const ENTRIES_AT_ONCE: usize = 256;

/// Top-level arrays of any length, and the schema's pointer to each.
const ARRAYS: [(&str, &str); 3] = [
    ("nodes", "#/properties/nodes"),
    ("edges", "#/properties/edges"),
    ("externalReferences", "#/properties/externalReferences"),
];

/// `None` only if the schema shipped were no schema, which a test excludes.
static VALIDATORS: LazyLock<Option<ValidatorMap>> = LazyLock::new(|| {
    let schema = serde_json::from_str(FLOW_SCHEMA).ok()?;
    jsonschema::validator_map_for(&schema).ok()
});

/// Reports every violation of the schema.
pub(in crate::flow) fn validate(findings: &mut Findings<'_>) {
    let Some(validators) = VALIDATORS.as_ref() else { return };
    let root = findings.document().root();
    if let Some(validator) = validators.get("#") {
        report(findings, validator, "", 0, &shell(root));
    }
    for (key, schema) in ARRAYS {
        let (Some(array), Some(validator)) = (root.member(key), validators.get(schema)) else { continue };
        let mut entries = array.elements().map(|entry| value(entry, LEVELS - 2)).peekable();
        let mut first = 0;
        while entries.peek().is_some() && !findings.is_full_of_errors() {
            let some = Value::Array(entries.by_ref().take(ENTRIES_AT_ONCE).collect());
            report(findings, validator, key, first, &some);
            first += ENTRIES_AT_ONCE;
        }
    }
}

/// The document with its long arrays empty.
fn shell(root: Node<'_>) -> Value {
    if root.kind() != Kind::Object {
        return value(root, 1);
    }
    let level = |key: &str| if ARRAYS.iter().any(|(array, _)| *array == key) { 0 } else { 1 };
    Value::Object(root.entries().map(|(key, member)| (key.to_string(), value(member, level(&key)))).collect())
}

/// A value for the validator, `levels` deep. Numbers count as numbers, whatever their size.
fn value(node: Node<'_>, levels: usize) -> Value {
    match node.kind() {
        Kind::Null => Value::Null,
        Kind::Bool => Value::Bool(node.as_bool() == Some(true)),
        Kind::Integer | Kind::Float => Value::Number(Number::from(0)),
        Kind::String => Value::String(node.as_str().unwrap_or_default().into_owned()),
        Kind::Array | Kind::Object if levels == 0 => {
            if node.kind() == Kind::Array {
                Value::Array(Vec::new())
            } else {
                Value::Object(Map::new())
            }
        }
        Kind::Array => Value::Array(node.elements().map(|element| value(element, levels - 1)).collect()),
        Kind::Object => {
            Value::Object(node.entries().map(|(key, member)| (key.into_owned(), value(member, levels - 1))).collect())
        }
    }
}

/// Reports what `validator` says of `instance`, which stands at `key`, its entries counting from `first`.
fn report(findings: &mut Findings<'_>, validator: &Validator, key: &str, first: usize, instance: &Value) {
    if validator.is_valid(instance) {
        return;
    }
    for error in validator.iter_errors(instance) {
        let pointer = moved(error.instance_path().as_str(), key, first);
        let Some(node) = findings.document().get(&pointer) else { continue };
        let Explanation { rule, message, help } = explain(&error, node, &pointer);
        findings.error(node, &pointer, rule, message, help);
    }
}

/// A pointer into a batch of entries, as a pointer into the document.
fn moved(path: &str, key: &str, first: usize) -> String {
    if key.is_empty() {
        return path.to_owned();
    }
    let mut pointer = format!("/{key}");
    if let Some(rest) = path.strip_prefix('/') {
        let (index, inside) = rest.split_once('/').map_or((rest, None), |(index, inside)| (index, Some(inside)));
        pointer::push_index(&mut pointer, first + index.parse::<usize>().unwrap_or_default());
        if let Some(inside) = inside {
            pointer = format!("{pointer}/{inside}");
        }
    }
    pointer
}

struct Explanation {
    rule: &'static str,
    message: String,
    help: String,
}

fn explain(error: &ValidationError<'_>, node: Node<'_>, pointer: &str) -> Explanation {
    match error.kind() {
        ValidationErrorKind::Required { property } => missing(property.as_str().unwrap_or_default(), node),
        ValidationErrorKind::Type { kind } => Explanation {
            rule: "wrong-type",
            message: format!("expected {}, found {}", expected(kind), found(node)),
            help: format!("write {}", expected(kind)),
        },
        ValidationErrorKind::Enum { options } => unknown(options, node),
        ValidationErrorKind::Pattern { .. } if pointer == "/version" => Explanation {
            rule: "wrong-version",
            message: format!("expected a version like `1.4.0`, found {}", found(node)),
            help: "write three numbers with dots between them and nothing else".to_owned(),
        },
        ValidationErrorKind::Pattern { .. } => Explanation {
            rule: "wrong-flow-id",
            message: format!("expected a flow id like `flow_greeting1`, found {}", found(node)),
            help: "write `flow_` and then letters and digits only".to_owned(),
        },
        ValidationErrorKind::MinLength { .. } => Explanation {
            rule: "empty-name",
            message: "expected a name, found an empty string".to_owned(),
            help: "write what people call this flow".to_owned(),
        },
        _ => Explanation {
            rule: "schema",
            message: error.masked().to_string(),
            help: "`flowsync schema flow` prints what is expected".to_owned(),
        },
    }
}

fn missing(property: &str, object: Node<'_>) -> Explanation {
    let keys: Vec<_> = object.entries().take(100).map(|(key, _)| key).collect();
    let help = match nearest(property, keys.iter().map(AsRef::as_ref)) {
        Some(near) => format!("add `{property}`; is {} meant to be it?", quoted(near)),
        None => format!("add `{property}`"),
    };
    let message = format!("expected a member `{property}`, found an object without it");
    Explanation { rule: "missing-member", message, help }
}

fn unknown(options: &Value, node: Node<'_>) -> Explanation {
    let options: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let near = node.as_str().and_then(|text| nearest(&text, options.iter().copied()));
    let message = format!("expected one of `{}`, found {}", options.join("`, `"), found(node));
    let help = near.map_or_else(|| "choose one of these".to_owned(), |near| format!("is `{near}` meant?"));
    Explanation { rule: "unknown-value", message, help }
}

fn expected(kind: &TypeKind) -> String {
    let name = |kind: JsonType| match kind {
        JsonType::Array => "an array",
        JsonType::Boolean => "a boolean",
        JsonType::Integer => "an integer",
        JsonType::Null => "null",
        JsonType::Number => "a number",
        JsonType::Object => "an object",
        JsonType::String => "a string",
    };
    match kind {
        TypeKind::Single(kind) => name(*kind).to_owned(),
        TypeKind::Multiple(kinds) => kinds.iter().map(name).collect::<Vec<_>>().join(" or "),
    }
}

/// What a value is, and its text where that is short enough to say something.
fn found(node: Node<'_>) -> String {
    let kind = node.kind().with_article();
    match node.kind() {
        Kind::String => match node.as_str() {
            Some(text) if text.is_empty() => "an empty string".to_owned(),
            text => format!("the string {}", quoted(&text.unwrap_or_default())),
        },
        Kind::Bool | Kind::Integer | Kind::Float => {
            let start = node.raw().get(..100).unwrap_or(node.raw());
            format!("{kind}, {}", quoted(&String::from_utf8_lossy(start)))
        }
        Kind::Null | Kind::Array | Kind::Object => kind.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::Document;
    use super::*;

    const GOOD: &str = r#"{"id":"flow_a","name":"A","version":"1.0.0","nodes":[{"id":"s","type":"start","configuration":{}}],"edges":[],"more":1e300}"#;

    fn problems(text: &str) -> Vec<String> {
        let document = Document::parse(text.as_bytes()).unwrap();
        let mut findings = Findings::new("a.json", &document);
        validate(&mut findings);
        findings.finish().iter().map(|problem| format!("{problem} at {:?}", problem.place.pointer)).collect()
    }

    #[track_caller]
    fn check(from: &str, to: &str, expected: &[&str]) {
        assert!(GOOD.contains(from));
        assert_eq!(problems(&GOOD.replacen(from, to, 1)), expected);
    }

    /// How deep the schema looks.
    fn levels(schema: &Value) -> usize {
        let inner = schema.as_object().into_iter().flatten().map(|(key, inner)| match key.as_str() {
            "items" => 1 + levels(inner),
            "properties" => {
                1 + inner.as_object().into_iter().flatten().map(|(_, inner)| levels(inner)).max().unwrap_or(0)
            }
            _ => 0,
        });
        inner.max().unwrap_or(0)
    }

    #[test]
    fn the_schema_is_one_and_looks_no_deeper_than_it_is_shown() {
        let schema: Value = serde_json::from_str(FLOW_SCHEMA).unwrap();
        assert!(jsonschema::meta::is_valid(&schema));
        assert!(VALIDATORS.is_some());
        assert_eq!(levels(&schema), LEVELS - 1);
        assert!(ARRAYS.iter().all(|(_, pointer)| VALIDATORS.as_ref().unwrap().contains_key(pointer)));
    }

    #[test]
    fn a_good_flow_passes() {
        assert_eq!(problems(GOOD), [""; 0]);
    }

    #[test]
    fn violations_say_what_was_expected_where() {
        check(
            r#""name":"A","#,
            "",
            &[
                "a.json:1:1: error[missing-member] expected a member `name`, found an object without it (add `name`) at \"\"",
            ],
        );
        check(
            r#""version""#,
            r#""versoin""#,
            &[
                "a.json:1:1: error[missing-member] expected a member `version`, found an object without it (add `version`; is `versoin` meant to be it?) at \"\"",
            ],
        );
        check(
            r#""A""#,
            r#""""#,
            &[
                "a.json:1:23: error[empty-name] expected a name, found an empty string (write what people call this flow) at \"/name\"",
            ],
        );
        check(
            r#""A""#,
            "12",
            &["a.json:1:23: error[wrong-type] expected a string, found a number, `12` (write a string) at \"/name\""],
        );
        check(
            r#""start""#,
            r#""strat""#,
            &[
                "a.json:1:71: error[unknown-value] expected one of `start`, `intent`, `action`, `end`, `external`, found the string `strat` (is `start` meant?) at \"/nodes/0/type\"",
            ],
        );
        check(
            "{}",
            "[]",
            &[
                "a.json:1:95: error[wrong-type] expected an object, found an array (write an object) at \"/nodes/0/configuration\"",
            ],
        );
        check(
            "[]",
            r#"[{"from":"s","to":"s","condition":1}]"#,
            &[
                "a.json:1:142: error[wrong-type] expected null or a string, found a number, `1` (write null or a string) at \"/edges/0/condition\"",
            ],
        );
        check(
            "[]",
            "{}",
            &["a.json:1:108: error[wrong-type] expected an array, found an object (write an array) at \"/edges\""],
        );
        assert_eq!(problems("[1]").len(), 1);
    }

    #[test]
    fn patterns_take_the_whole_text_and_ascii_only() {
        for id in ["flow_a\\n", "flow_", "flow_ä", "flow_a-b", " flow_a"] {
            assert!(problems(&GOOD.replace("flow_a", id))[0].contains("wrong-flow-id"), "{id}");
        }
        for version in ["1.0.0\\n", "1.0", "1.0.0.0", "v1.0.0", "1.0.٣", "1.0.0-rc1", ""] {
            assert!(problems(&GOOD.replace("1.0.0", version))[0].contains("wrong-version"), "{version}");
        }
        assert_eq!(problems(&GOOD.replace("1.0.0", "01.000.99999999999999999999999999")), [""; 0]);
    }

    #[test]
    fn every_entry_of_a_long_array_is_looked_at_and_the_report_stays_short() {
        let good = r#"{"id":"s","type":"start","configuration":{}}"#;
        let nodes = vec![good; 1000].join(",") + r#",{"id":"s","type":"start"}"#;
        let text = GOOD.replace(good, &nodes);
        assert!(problems(&text)[0].ends_with("at \"/nodes/1000\""), "{:?}", problems(&text));
        let text = GOOD.replace(good, &vec!["{}"; 10_000].join(","));
        assert_eq!(problems(&text).len(), super::super::finding::SHOWN_MAX + 1);
    }
}
