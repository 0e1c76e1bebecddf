//! The view of a flow as `flows-v2` has it.

use super::value::{Members, Value};
use super::view::{EdgeView, Form, Home, Listed, NodeView, ReferenceView, Sequence, View};
use crate::flow::comparison::Comparison;
use crate::flow::document::Document;

/// Members in which a node may be given a name that people read, the first one first.
const LABELS: [&str; 3] = ["label", "name", "title"];

impl View {
    /// The view of a document, without what `comparison` leaves out: what makes no difference is not shown as one.
    #[must_use]
    pub fn of_document(document: &Document, comparison: &Comparison) -> Self {
        let root = Value::of_document(document, comparison);
        let mut lists = [Form::Absent, Form::Absent, Form::Absent];
        let mut items: [Vec<Value>; 3] = Default::default();
        let fields = match root {
            Value::Map(members) => {
                let mut fields = Vec::new();
                for (key, value) in members {
                    match (NAMES.iter().position(|name| **name == *key), value) {
                        (Some(at), Value::List(list)) => {
                            lists[at] = Form::List;
                            items[at] = list;
                        }
                        (Some(at), other) => lists[at] = Form::Other(other),
                        (None, value) => fields.push((key, value)),
                    }
                }
                Value::Map(fields.into_iter().collect::<Members>())
            }
            other => other,
        };
        let [nodes, edges, references] = lists;
        let [node_items, edge_items, reference_items] = items;
        Self {
            sequence: Sequence::Edges,
            fields,
            nodes: Listed { name: NAMES[0], form: nodes, items: node_items.into_iter().map(node).collect() },
            edges: Listed {
                name: NAMES[1],
                form: edges,
                items: edge_items.into_iter().map(|value| EdgeView { value }).collect(),
            },
            references: Listed {
                name: NAMES[2],
                form: references,
                items: reference_items.into_iter().map(|value| ReferenceView { value }).collect(),
            },
        }
    }
}

/// The members that hold the lists.
const NAMES: [&str; 3] = ["nodes", "edges", "externalReferences"];

fn node(value: Value) -> NodeView {
    NodeView { key: "id", label: label(&value), value, home: Home::Flow }
}

/// The name a person gave a node, on the node itself or in its configuration.
fn label(node: &Value) -> Option<String> {
    let configuration = node.member("configuration");
    let places = [Some(node), configuration].into_iter().flatten();
    let mut found = places.flat_map(|place| LABELS.iter().filter_map(|key| place.member(key)?.as_text()));
    let label = found.find(|text| !text.trim().is_empty())?;
    (node.member("id").and_then(Value::as_text) != Some(label)).then(|| label.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(text: &str, ignored: &[&str]) -> View {
        let ignored: Vec<String> = ignored.iter().map(ToString::to_string).collect();
        View::of_document(&Document::parse(text.as_bytes()).unwrap(), &Comparison::new(&ignored).unwrap())
    }

    #[test]
    fn everything_that_is_compared_stands_in_the_view_once() {
        let text =
            r#"{"id":"flow_a","environmentId":"e","nodes":[{"id":"a","label":"A","x":1}],"edges":{},"more":[2]}"#;
        let seen = view(text, &["/nodes/*/x"]);
        assert_eq!(seen.fields.to_json(), r#"{"id": "flow_a", "more": [2]}"#);
        assert_eq!(seen.nodes.items[0].value.to_json(), r#"{"id": "a", "label": "A"}"#);
        assert_eq!(
            (&seen.edges.form, &seen.references.form),
            (&Form::Other(Value::Map(Members::default())), &Form::Absent)
        );
        assert_eq!(view("[1]", &[]).fields.to_json(), "[1]");
    }

    #[test]
    fn a_label_is_what_a_person_wrote_and_not_the_id_again() {
        let label = |node: &str| view(&format!(r#"{{"nodes":[{node}]}}"#), &[]).nodes.items[0].label.clone();
        assert_eq!(label(r#"{"id":"a","name":" ","configuration":{"title":"T"}}"#).as_deref(), Some("T"));
        assert_eq!(label(r#"{"id":"a","title":"T","label":"L"}"#).as_deref(), Some("L"));
        assert_eq!(label(r#"{"id":"a","label":"a"}"#), None);
        assert_eq!(label("7"), None);
    }
}
