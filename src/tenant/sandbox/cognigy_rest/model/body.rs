//! Bodies of calls, as written. An unknown key is refused with its name.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::super::mint::Id;
use super::super::refusal::Refusal;
use super::place::{Mode, Place};

/// What `PATCH …/chart/nodes/{n}` takes, and `POST …/chart/nodes` beside the place.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct NodeFields {
    pub(crate) label: Option<String>,
    pub(crate) comment: Option<String>,
    pub(crate) comment_color: Option<String>,
    pub(crate) is_entry_point: Option<bool>,
    pub(crate) is_disabled: Option<bool>,
    /// `null` takes it away.
    #[serde(deserialize_with = "present")]
    pub(crate) analytics_label: Option<Option<String>>,
    pub(crate) config: Option<Map<String, Value>>,
    pub(crate) locale_id: Option<Id>,
}

/// What `POST …/chart/nodes` takes beside [`NodeFields`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewNode {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default = "basic")]
    pub(crate) extension: String,
    #[serde(flatten)]
    pub(crate) at: At,
}

/// A place as calls name it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct At {
    mode: Mode,
    target: Id,
    position: Option<usize>,
}

/// The keys of [`NewNode`].
pub(crate) const NEW_NODE: [&str; 5] = ["type", "extension", "mode", "target", "position"];

/// What `POST /flows` takes, and, but for the project, `PATCH /flows/{f}`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct FlowFields {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) context: Option<Map<String, Value>>,
    pub(crate) attached_flows: Option<Vec<Id>>,
    pub(crate) attached_lexicons: Option<Vec<Id>>,
    pub(crate) img: Option<String>,
    pub(crate) locale_id: Option<Id>,
}

/// What `addlocalization` and `removelocalization` take.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Localization {
    pub(crate) locale_id: Id,
    #[serde(default)]
    pub(crate) inherit_from_locale_id: Option<Id>,
}

fn basic() -> String {
    super::kinds::BASIC.to_owned()
}

/// A key that is there, be it `null`.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl From<At> for Place {
    fn from(At { mode, target, position }: At) -> Self {
        Self { mode, target, position }
    }
}

/// Reads a body.
pub(crate) fn read<T: for<'de> Deserialize<'de>>(body: Map<String, Value>) -> Result<T, Refusal> {
    T::deserialize(Value::Object(body)).map_err(|error| Refusal::invalid(error.to_string()))
}

/// Reads one of several words.
pub(crate) fn word<T: for<'de> Deserialize<'de>>(name: &str, text: &str) -> Result<T, Refusal> {
    T::deserialize(Value::from(text)).map_err(|error| Refusal::invalid(format!("`{name}`: {error}")))
}

/// Takes the keys named out of a body.
pub(crate) fn split(mut body: Map<String, Value>, keys: &[&str]) -> (Map<String, Value>, Map<String, Value>) {
    let taken = keys.iter().filter_map(|key| Some(((*key).to_owned(), body.remove(*key)?))).collect();
    (taken, body)
}

/// What JavaScript makes of the numbers in JSON: whole ones lose their point, long ones their last digits.
pub(crate) fn through_javascript(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(through_javascript),
        Value::Object(members) => members.values_mut().for_each(through_javascript),
        Value::Number(number) => {
            const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
            if let Some(float) = number.as_f64()
                && float.fract() == 0.0
                && float.abs() <= EXACT_MAX
            {
                #[allow(clippy::cast_possible_truncation, reason = "whole, and within what a double holds exactly")]
                let whole = float as i64;
                *number = whole.into();
            } else if let Some(float) = number.as_f64().and_then(serde_json::Number::from_f64) {
                *number = float;
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_what_javascript_makes_of_them() {
        let mut value = json!({ "a": [1.0, 2.5, -0.0, 12_345_678_901_234_567_890_u64], "b": 7 });
        through_javascript(&mut value);
        assert_eq!(value.to_string(), r#"{"a":[1,2.5,0,1.2345678901234567e+19],"b":7}"#);
    }

    #[test]
    fn an_unknown_key_is_named() {
        let Value::Object(body) = json!({ "label": "x", "mock": {} }) else { unreachable!() };
        let error = read::<NodeFields>(body).unwrap_err();
        assert!(error.detail.contains("`mock`"), "{error}");
    }
}
