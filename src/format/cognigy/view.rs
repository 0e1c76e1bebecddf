//! A chart as people draw it: its nodes with their labels and settings, each in its chain and its branch.

use crate::flow::diff::{EdgeView, Form, Home, Listed, Members, NodeView, ReferenceView, Sequence, Value, View};
use crate::flow::{Comparison, Document};

/// The member that holds the chart, and that with what the flow refers to.
const CHART: &str = "chart";
const REFERENCES: &str = "externalReferences";
/// The members of a node that hold other nodes.
const BRANCHES: &str = "branches";
const BODY: &str = "body";
/// The member that holds a node's id.
const REF: &str = "ref";

/// The view of a composed document, without what `comparison` leaves out; `None` for a document of another format. A chart
/// that is none, as far as it is looked at here, is shown as one value.
pub(in crate::format) fn view(document: &Document, comparison: &Comparison) -> Option<View> {
    document.text_member("format").filter(|format| format.starts_with("cognigy-flow/"))?;
    let (mut nodes, mut references) = (none(CHART), none(REFERENCES));
    let fields = match Value::of_document(document, comparison) {
        Value::Map(members) => {
            let mut fields = Vec::new();
            for (key, value) in members {
                match (&*key, value) {
                    (CHART, value) => nodes = chart(value),
                    (REFERENCES, value) => references = list(value),
                    (_, value) => fields.push((key, value)),
                }
            }
            Value::Map(fields.into_iter().collect())
        }
        other => other,
    };
    Some(View { sequence: Sequence::Order, fields, nodes, edges: none::<EdgeView>("edges"), references })
}

fn none<T>(name: &'static str) -> Listed<T> {
    Listed { name, form: Form::Absent, items: Vec::new() }
}

fn list(value: Value) -> Listed<ReferenceView> {
    match value {
        Value::List(items) => {
            let items = items.into_iter().map(|value| ReferenceView { value }).collect();
            Listed { name: REFERENCES, form: Form::List, items }
        }
        other => Listed { name: REFERENCES, form: Form::Other(other), items: Vec::new() },
    }
}

fn chart(value: Value) -> Listed<NodeView> {
    match value {
        Value::List(chain) if chain.iter().all(is_link) => {
            let mut items = Vec::new();
            chain.into_iter().for_each(|it| node(it, Home::Flow, &mut items));
            Listed { name: CHART, form: Form::List, items }
        }
        other => Listed { name: CHART, form: Form::Other(other), items: Vec::new() },
    }
}

/// Whether this is a node of a chain; recursion ends where that of the parser does.
fn is_link(value: &Value) -> bool {
    value.member(BODY).is_none() && is_node(value)
}

fn is_node(value: &Value) -> bool {
    let are_branches = match value.member(BRANCHES) {
        None => true,
        Some(Value::List(branches)) => !branches.is_empty() && branches.iter().all(is_branch),
        Some(_) => false,
    };
    value.member(REF).is_some_and(|id| id.as_text().is_some()) && are_branches
}

fn is_branch(value: &Value) -> bool {
    is_node(value) && matches!(value.member(BODY), Some(Value::List(body)) if body.iter().all(is_link))
}

/// Adds a node, then its branches, then its body.
fn node(value: Value, home: Home, nodes: &mut Vec<NodeView>) {
    let Value::Map(members) = value else { return };
    let (mut own, mut branches, mut body) = (Vec::new(), Vec::new(), Vec::new());
    for (key, value) in members {
        match (&*key, value) {
            (BRANCHES, Value::List(items)) => branches = items,
            (BODY, Value::List(items)) => body = items,
            (_, value) => own.push((key, value)),
        }
    }
    let value = Value::Map(own.into_iter().collect::<Members>());
    let label = value.member("label").and_then(Value::as_text).filter(|text| !text.trim().is_empty());
    let place = nodes.len();
    nodes.push(NodeView { key: REF, label: label.map(str::to_owned), value, home });
    branches.into_iter().for_each(|it| node(it, Home::BranchOf(place), nodes));
    body.into_iter().for_each(|it| node(it, Home::BodyOf(place), nodes));
}
