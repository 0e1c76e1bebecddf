//! Settings: JSON objects with sorted keys, and numbers as JavaScript keeps them.

use serde_json::{Map, Number, Value};

use crate::flow::{Kind, Node as Json};

/// The settings of a node in one locale, or a flow's context.
pub type Config = Map<String, Value>;

/// Beyond this, not every whole number is a number of JavaScript's.
const SAFE_INTEGER_MAX: i64 = (1 << 53) - 1;

/// The object that stands at a place of a text, with sorted keys and each number as the vendor's server keeps it: `1.0` is
/// `1`, a whole number too long for a double is the nearest one. `None` where no object stands there.
#[must_use]
pub fn config_of(node: Json<'_>) -> Option<Config> {
    match value_of(node) {
        Value::Object(config) => Some(config),
        _ => None,
    }
}

/// Recursion ends where that of the parser does.
fn value_of(node: Json<'_>) -> Value {
    match node.kind() {
        Kind::Null => Value::Null,
        Kind::Bool => Value::Bool(node.as_bool() == Some(true)),
        Kind::Integer | Kind::Float => number(node.raw()).map_or(Value::Null, Value::Number),
        Kind::String => Value::String(node.as_str().unwrap_or_default().into_owned()),
        Kind::Array => Value::Array(node.elements().map(value_of).collect()),
        Kind::Object => Value::Object(node.entries().map(|(key, value)| (key.into_owned(), value_of(value))).collect()),
    }
}

/// `None` for no number of a double's, which the parser refuses.
fn number(text: &[u8]) -> Option<Number> {
    let text = std::str::from_utf8(text).ok()?;
    if let Ok(whole) = text.parse::<i64>()
        && whole.abs() <= SAFE_INTEGER_MAX
    {
        return Some(Number::from(whole));
    }
    let double: f64 = text.parse().ok()?;
    if double.fract() == 0.0 && double.abs() <= SAFE_INTEGER_MAX as f64 {
        return Some(Number::from(double as i64));
    }
    Number::from_f64(double)
}

/// Takes out of the settings of a node what the server works out itself.
pub fn without_computed(kind: &str, config: &mut Config) {
    if kind == "code" {
        config.remove("transpiled");
        config.remove("hasError");
    }
}
