//! The laws of a diff: empty for equal flows, for no others, and enough to make one of the other.

use proptest::prelude::*;
use serde_json::Value as Plain;

use super::any::{any_flow, any_json};
use super::change::{EdgeChange, EdgeEvent, FlowDiff, NodeChange, NodeEvent, Places, ReferenceEvent, ValueChange};
use super::compare::diff;
use super::value::Value;
use super::view::View;
use crate::flow::comparison::Comparison;
use crate::flow::document::Document;

fn read(text: &str) -> (Document, View) {
    let document = Document::parse(text.as_bytes()).unwrap();
    let view = View::of_document(&document, &Comparison::default());
    (document, view)
}

fn whole(document: &Document) -> Value {
    Value::read(document, document.root(), &[])
}

/// The value with each number as a marked string, so that none loses its spelling.
fn plain(value: &Value) -> Plain {
    match value {
        Value::Null => Plain::Null,
        Value::Bool(value) => Plain::Bool(*value),
        Value::Number(text) => Plain::String(format!("#{text}")),
        Value::Text(text) => Plain::String(format!("'{text}")),
        Value::List(items) => items.iter().map(plain).collect(),
        Value::Map(members) => members.iter().map(|(key, value)| (key.to_owned(), plain(value))).collect(),
    }
}

/// Makes `after` of `before` by what a diff says and nothing else.
fn apply(before: &Value, diff: &FlowDiff) -> Plain {
    let mut flow = plain(before);
    let nodes = diff.nodes.iter().map(|node| (node.place, node_of(node)));
    list(&mut flow, "nodes", nodes.collect());
    let edges = diff.edges.iter().map(|edge| (edge.place, edge_of(edge)));
    list(&mut flow, "edges", edges.collect());
    let references = diff.references.iter().map(|reference| {
        let parts = [("type", &reference.kind), ("id", &reference.id), ("environmentId", &reference.environment_id)];
        let made = match reference.change {
            ReferenceEvent::Added => Made::Anew(made(&parts, &reference.values)),
            ReferenceEvent::Removed => Made::Gone,
            ReferenceEvent::Moved => Made::Kept,
        };
        (reference.place, made)
    });
    list(&mut flow, "externalReferences", references.collect());
    edit(&mut flow, &diff.fields);
    flow
}

/// What becomes of an item of a list.
enum Made {
    Anew(Plain),
    Edited(Vec<ValueChange>),
    Kept,
    Gone,
}

fn node_of(node: &NodeChange) -> Made {
    match node.change {
        NodeEvent::Added => Made::Anew(made(&[("id", &node.id), ("type", &node.kind)], &node.values)),
        NodeEvent::Changed => Made::Edited(node.values.clone()),
        NodeEvent::Moved => Made::Kept,
        NodeEvent::Removed => Made::Gone,
    }
}

fn edge_of(edge: &EdgeChange) -> Made {
    let parts = [("from", &edge.from), ("to", &edge.to), ("condition", &edge.condition)];
    match edge.change {
        EdgeEvent::Added => Made::Anew(made(&parts, &edge.values)),
        EdgeEvent::Removed => Made::Gone,
        EdgeEvent::Moved => Made::Kept,
        EdgeEvent::Retargeted | EdgeEvent::Changed => {
            let mut new = plain(edge.before.as_ref().unwrap());
            let members = new.as_object_mut().unwrap();
            for (key, value) in parts {
                members.remove(key);
                members.extend(value.as_ref().map(|value| (key.to_owned(), plain(value))));
            }
            edit(&mut new, &edge.values);
            Made::Anew(new)
        }
    }
}

fn made(parts: &[(&str, &Option<Value>)], values: &[ValueChange]) -> Plain {
    let given = parts.iter().filter_map(|(key, value)| Some(((*key).to_owned(), plain(value.as_ref()?))));
    let mut new = Plain::Object(given.collect());
    edit(&mut new, values);
    new
}

fn list(flow: &mut Plain, name: &str, changes: Vec<(Places, Made)>) {
    if changes.is_empty() {
        return;
    }
    let old: Vec<Plain> = flow[name].as_array().cloned().unwrap_or_default();
    let mut items: Vec<Option<Plain>> = old.into_iter().map(Some).collect();
    let mut placed: Vec<(usize, Plain)> = Vec::new();
    for (place, made) in &changes {
        if let (Made::Edited(values), Some(at)) = (made, place.before) {
            edit(items[at].as_mut().unwrap(), values);
        }
    }
    let mut moved: Vec<(usize, usize)> = Vec::new();
    for (place, made) in changes {
        match (place, made) {
            (Places { before: Some(from), after: Some(to) }, Made::Kept) => moved.push((from, to)),
            (Places { before: Some(at), .. }, Made::Anew(new)) => items[at] = Some(new),
            (Places { before: Some(at), .. }, Made::Gone) => items[at] = None,
            (Places { before: None, after: Some(at) }, Made::Anew(new)) => placed.push((at, new)),
            _ => {}
        }
    }
    placed.extend(moved.into_iter().map(|(from, to)| (to, items[from].take().unwrap())));
    flow[name] = Plain::Array(items.into_iter().flatten().collect());
    placed.sort_by_key(|(at, _)| *at);
    for (at, new) in placed {
        flow[name].as_array_mut().unwrap().insert(at, new);
    }
}

/// Edits a value: replaces by places before, takes out from the end on, puts in from the beginning on.
fn edit(value: &mut Plain, changes: &[ValueChange]) {
    for change in changes {
        if let (Some(_), Some(after)) = (&change.before, &change.after) {
            *value.pointer_mut(change.from.as_ref().unwrap_or(&change.path)).unwrap() = plain(after);
        }
    }
    let mut gone: Vec<&ValueChange> = changes.iter().filter(|change| change.after.is_none()).collect();
    gone.sort_by_key(|change| std::cmp::Reverse(order(&change.path)));
    for change in gone {
        let (parent, key) = change.path.rsplit_once('/').unwrap();
        match value.pointer_mut(parent).unwrap() {
            Plain::Array(items) => _ = items.remove(key.parse().unwrap()),
            Plain::Object(members) => _ = members.remove(&key.replace("~1", "/").replace("~0", "~")).unwrap(),
            other => panic!("{other}"),
        }
    }
    let mut came: Vec<&ValueChange> = changes.iter().filter(|change| change.before.is_none()).collect();
    came.sort_by_key(|change| order(&change.path));
    for change in came {
        let new = plain(change.after.as_ref().unwrap());
        let Some((parent, key)) = change.path.rsplit_once('/') else {
            // A new item that is no object.
            *value = new;
            continue;
        };
        match value.pointer_mut(parent).unwrap() {
            Plain::Array(items) => items.insert(key.parse().unwrap(), new),
            Plain::Object(members) => {
                assert!(members.insert(key.replace("~1", "/").replace("~0", "~"), new).is_none());
            }
            other => panic!("{other}"),
        }
    }
}

/// Pointers in the order of the document: indices by number.
fn order(path: &str) -> Vec<(usize, String)> {
    path.split('/').map(|part| (part.parse().unwrap_or(usize::MAX), part.to_owned())).collect()
}

#[track_caller]
fn check(before: &str, after: &str) -> Result<(), TestCaseError> {
    let ((old, old_view), (new, new_view)) = (read(before), read(after));
    let found = diff(&old_view, &new_view);
    // The tenant's own member is no difference.
    let is_equal = old.equality_hash(&Comparison::default()) == new.equality_hash(&Comparison::default());
    prop_assert_eq!(found.is_empty(), is_equal, "{} {}", before, after);
    prop_assert_eq!(found.clone().within(usize::MAX / 2), found.clone());
    prop_assert_eq!(apply(&whole(&old), &found), plain(&whole(&new)), "{} {} {:#?}", before, after, found);
    prop_assert!(!found.clone().within(0).is_empty() || is_equal);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_diff_of_flows_makes_one_of_the_other(before in any_flow(), after in any_flow()) {
        check(&before, &after)?;
        check(&before, &before)?;
    }

    #[test]
    fn a_diff_of_anything_makes_one_of_the_other(before in any_json(), after in any_json()) {
        check(&before, &after)?;
    }

    #[test]
    fn a_diff_of_a_flow_and_anything_makes_one_of_the_other(before in any_flow(), after in any_json()) {
        check(&before, &after)?;
        check(&after, &before)?;
    }
}
