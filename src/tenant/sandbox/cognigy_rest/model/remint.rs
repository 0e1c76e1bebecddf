//! Content under new internal ids: a restore and an export give every `_id` anew and keep every reference id (vendor's
//! reference, real exports).

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::mint::{Id, Mint};
use super::content::Content;

/// Members whose values are people's own: an id in there is none of ours. Their keys may be.
const NOT_OURS: [&str; 4] = ["entries", "context", "values", "mock"];

/// `content` under new ids; the error is a bug, in words.
pub(crate) fn reminted(content: &Content, mint: &mut Mint) -> Result<Content, String> {
    let new: BTreeMap<String, String> =
        ids(content).into_iter().map(|id| (id.to_string(), mint.id().to_string())).collect();
    let mut value = serde_json::to_value(content).map_err(|error| error.to_string())?;
    replace(&mut value, &new);
    serde_json::from_value(value).map_err(|error| error.to_string())
}

fn ids(content: &Content) -> Vec<Id> {
    let mut ids: Vec<&Id> = content.locales.0.iter().map(|locale| &locale.id).collect();
    ids.extend(content.things.iter().map(|thing| &thing.id));
    for flow in &content.flows {
        ids.extend([&flow.id, &flow.settings.id, &flow.train_group, &flow.chart.id]);
        ids.extend(flow.intents.iter().map(|intent| &intent.id));
        ids.extend(flow.chart.nodes.keys());
        ids.extend(flow.chart.relations.values().map(|relation| &relation.id));
    }
    ids.into_iter().cloned().collect()
}

fn replace(value: &mut Value, new: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(id) = new.get(text.as_str()) {
                text.clone_from(id);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, new)),
        Value::Object(members) => {
            let old = std::mem::take(members);
            for (key, mut member) in old {
                if !NOT_OURS.contains(&key.as_str()) {
                    replace(&mut member, new);
                } else if key == "entries" {
                    replace_keys(&mut member, new);
                }
                members.insert(new.get(&key).cloned().unwrap_or(key), member);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn replace_keys(value: &mut Value, new: &BTreeMap<String, String>) {
    if let Value::Object(members) = value {
        let old = std::mem::take(members);
        members.extend(old.into_iter().map(|(key, member)| (new.get(&key).cloned().unwrap_or(key), member)));
    }
}
