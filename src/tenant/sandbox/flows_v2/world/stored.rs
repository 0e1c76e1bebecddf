//! One definition of a flow as the tenant holds it: the bytes it exports, and what it needs to know of them.

use axum::body::Bytes;
use serde_json::Value;

use super::raw;
use crate::flow::{Comparison, Definition, EnvironmentId, Reference, ReferenceKind};

/// A definition. Its bytes are made once, when it is stored; an export only copies them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) references: Vec<Reference>,
    /// The flow as imported, with `environmentId` set.
    pub(crate) item: Bytes,
}

impl Stored {
    /// Reads `text`, a JSON object; whatever is missing or ill-typed in it counts as empty. What is JSON only to
    /// lenient readers (half a surrogate pair, a number beyond a double, thousands of brackets) is held all the same.
    pub(crate) fn read(environment: &str, text: &str) -> Result<Self, serde_json::Error> {
        match raw::value(text) {
            Ok(value) => Self::of(environment, text, &value),
            Err(error) => Self::unparsed(environment, text).ok_or(error),
        }
    }

    fn unparsed(environment: &str, text: &str) -> Option<Self> {
        let item = raw::with_member(text, "environmentId", &raw::quoted(environment)).ok()?.into();
        let Definition { name, version, references, .. } =
            Definition::from_live(text.as_bytes(), &Comparison::default()).ok()?;
        Some(Self { name, version, references, item })
    }

    /// The same for a caller who has read `text` already.
    pub(crate) fn of(environment: &str, text: &str, value: &Value) -> Result<Self, serde_json::Error> {
        let field = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let item = raw::with_member(text, "environmentId", &raw::quoted(environment))?;
        Ok(Self { name: field("name"), version: field("version"), references: references(value), item: item.into() })
    }

    /// This definition under another name: what a tenant that tampers would keep.
    pub(crate) fn renamed(&self, environment: &str) -> Result<Self, serde_json::Error> {
        let name = raw::quoted(&format!("{} (changed by the sandbox)", self.name));
        let text = String::from_utf8_lossy(&self.item);
        Self::read(environment, &raw::with_member(&text, "name", &name)?)
    }

    /// This definition as a store of doubles and values writes it back: whole floats without their fraction, members
    /// that are null left out.
    pub(crate) fn normalised(&self, environment: &str) -> Result<Self, serde_json::Error> {
        let mut flow = raw::value(self.text())?;
        normalise(&mut flow);
        Self::read(environment, &flow.to_string())
    }

    /// The exported text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.item).unwrap_or_default()
    }
}

fn normalise(value: &mut Value) {
    /// Beyond this not every integer is a double.
    const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => {
            let whole = number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() <= WHOLE_MAX);
            if let Some(Ok(integer)) = whole.map(|whole| format!("{whole:.0}").parse::<i64>()) {
                *value = integer.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(normalise),
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(normalise);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The well-formed entries of `externalReferences`.
pub(super) fn references(flow: &Value) -> Vec<Reference> {
    let entries = flow.get("externalReferences").and_then(Value::as_array);
    entries.into_iter().flatten().filter_map(reference).collect()
}

pub(super) fn reference(entry: &Value) -> Option<Reference> {
    let field = |name: &str| entry.get(name).and_then(Value::as_str);
    let kind = match field("type")? {
        "flow" => ReferenceKind::Flow,
        "intent" => ReferenceKind::Intent,
        "entity" => ReferenceKind::Entity,
        "variable" => ReferenceKind::Variable,
        _ => return None,
    };
    Some(Reference {
        kind,
        id: field("id")?.to_owned(),
        environment: EnvironmentId(field("environmentId")?.to_owned()),
    })
}
