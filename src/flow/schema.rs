//! The JSON Schema of a flow: shipped, printed, and the first thing a file is held against.

mod accept;

use std::sync::LazyLock;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError, Validator, ValidatorMap};
use serde_json::{Map, Number, Value};

use super::document::{Kind, Node};
use super::finding::{Findings, nearest, quoted};
use super::pointer;
use crate::problem::Rule;

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
    let root = findings.document().root();
    if accept::is_surely_valid(root) {
        return;
    }
    ask_validator(findings, root);
}

fn ask_validator(findings: &mut Findings<'_>, root: Node<'_>) {
    let Some(validators) = VALIDATORS.as_ref() else { return };
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
    object(root, level)
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
        Kind::Object => object(node, |_| levels - 1),
    }
}

/// An object whose members are as many levels deep as `level` says. Of a key that stands twice, which is another
/// rule's business, the first counts, as it does where a pointer is followed.
fn object(node: Node<'_>, level: impl Fn(&str) -> usize) -> Value {
    let mut members = Map::new();
    for (key, member) in node.entries() {
        if !members.contains_key(&*key) {
            let member = value(member, level(&key));
            members.insert(key.into_owned(), member);
        }
    }
    Value::Object(members)
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
    rule: Rule,
    message: String,
    help: String,
}

fn explain(error: &ValidationError<'_>, node: Node<'_>, pointer: &str) -> Explanation {
    match error.kind() {
        ValidationErrorKind::Required { property } => missing(property.as_str().unwrap_or_default(), node),
        ValidationErrorKind::Type { kind } => Explanation {
            rule: Rule::WrongType,
            message: format!("expected {}, found {}", expected(kind), found(node)),
            help: format!("write {}", expected(kind)),
        },
        ValidationErrorKind::Enum { options } => unknown(options, node),
        ValidationErrorKind::Pattern { .. } if pointer == "/version" => Explanation {
            rule: Rule::WrongVersion,
            message: format!("expected a version like `1.4.0`, found {}", found(node)),
            help: "write three numbers with dots between them and nothing else".to_owned(),
        },
        ValidationErrorKind::Pattern { .. } => Explanation {
            rule: Rule::WrongFlowId,
            message: format!("expected a flow id like `flow_greeting1`, found {}", found(node)),
            help: "write `flow_` and then letters and digits only".to_owned(),
        },
        ValidationErrorKind::MinLength { .. } => Explanation {
            rule: Rule::EmptyName,
            message: "expected a name, found an empty string".to_owned(),
            help: "write what people call this flow".to_owned(),
        },
        _ => Explanation {
            rule: Rule::Schema,
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
    Explanation { rule: Rule::MissingMember, message, help }
}

fn unknown(options: &Value, node: Node<'_>) -> Explanation {
    let options: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let near = node.as_str().and_then(|text| nearest(&text, options.iter().copied()));
    let message = format!("expected one of `{}`, found {}", options.join("`, `"), found(node));
    let help = near.map_or_else(|| "choose one of these".to_owned(), |near| format!("is `{near}` meant?"));
    Explanation { rule: Rule::UnknownValue, message, help }
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

/// What the validator says, whatever [`accept`] would.
#[cfg(test)]
fn is_valid(root: Node<'_>) -> bool {
    VALIDATORS
        .as_ref()
        .and_then(|validators| validators.get("#"))
        .is_some_and(|validator| validator.is_valid(&value(root, LEVELS)))
}

#[cfg(test)]
mod tests;
