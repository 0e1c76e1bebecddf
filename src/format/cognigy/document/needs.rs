//! What a flow needs in order to work, as far as its text says: targets, attachments, extensions and locales.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Branch, Config, Flow, FlowRef, LocaleName, Node, NodeRef};
use crate::flow::{push_index, push_key};

/// A place of another node, or a flow, that the settings of a node lead to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The node that leads there.
    pub from: NodeRef,
    /// The locale whose settings say so.
    pub locale: LocaleName,
    /// Where the composed document says so, as a JSON pointer: an object with `flow` and `node`.
    pub pointer: String,
    /// The flow.
    pub flow: FlowRef,
    /// The node in it; `None` where the text names none, or no reference id.
    pub node: Option<NodeRef>,
}

impl Flow {
    /// Every node with its JSON pointer in the composed document, parents before their children and each chain in its
    /// order.
    #[must_use]
    pub fn placed_nodes(&self) -> Vec<(String, &Node)> {
        let mut found = Vec::new();
        walk_chain(&self.chart, "/chart", &mut found);
        found
    }

    /// Every target of its nodes: an object with `flow` and `node` wherever it stands in their settings.
    #[must_use]
    pub fn targets(&self) -> Vec<Target> {
        let mut found = Vec::new();
        for (mut pointer, node) in self.placed_nodes() {
            pointer.push_str("/config");
            for (locale, config) in &node.config {
                let before = pointer.len();
                push_key(&mut pointer, locale.as_str());
                in_object(config, &mut pointer, &mut |pointer, flow, target| {
                    let (locale, pointer) = (locale.clone(), pointer.to_owned());
                    found.push(Target { from: node.reference, locale, pointer, flow, node: target });
                });
                pointer.truncate(before);
            }
        }
        found
    }

    /// Where the composed document says first why an entry of its `externalReferences` is there.
    #[must_use]
    pub fn reason_for_reference(&self, index: usize) -> Option<String> {
        external_references(self).into_values().nth(index)
    }
}

impl Node {
    /// Where it leads to, by the first of its settings that say so.
    pub(in crate::format::cognigy) fn first_target(&self) -> Option<(FlowRef, Option<NodeRef>)> {
        let mut found = None;
        for config in self.config.values() {
            in_object(config, &mut String::new(), &mut |_, flow, node| {
                found.get_or_insert((flow, node));
            });
        }
        found
    }
}

fn walk_chain<'f>(chain: &'f [Node], pointer: &str, found: &mut Vec<(String, &'f Node)>) {
    for (index, node) in chain.iter().enumerate() {
        walk_node(node, format!("{pointer}/{index}"), found);
    }
}

fn walk_node<'f>(node: &'f Node, pointer: String, found: &mut Vec<(String, &'f Node)>) {
    found.push((pointer.clone(), node));
    for (index, Branch { node, body }) in node.branches.iter().enumerate() {
        let pointer = format!("{pointer}/branches/{index}");
        walk_node(node, pointer.clone(), found);
        walk_chain(body, &format!("{pointer}/body"), found);
    }
}

fn in_object(object: &Config, pointer: &mut String, meet: &mut impl FnMut(&str, FlowRef, Option<NodeRef>)) {
    if let (Some(Value::String(flow)), Some(Value::String(node))) = (object.get("flow"), object.get("node"))
        && let Ok(flow) = flow.parse()
    {
        meet(pointer, flow, node.parse().ok());
    }
    for (key, value) in object {
        let before = pointer.len();
        push_key(pointer, key);
        in_value(value, pointer, meet);
        pointer.truncate(before);
    }
}

fn in_value(value: &Value, pointer: &mut String, meet: &mut impl FnMut(&str, FlowRef, Option<NodeRef>)) {
    match value {
        Value::Object(object) => in_object(object, pointer, meet),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let before = pointer.len();
                push_index(pointer, index);
                in_value(item, pointer, meet);
                pointer.truncate(before);
            }
        }
        _ => {}
    }
}

/// What the flow refers to outside of itself: kind and id, each once and sorted, and where it says so first.
pub(super) fn external_references(flow: &Flow) -> BTreeMap<(&'static str, String), String> {
    let mut found = BTreeMap::new();
    let mut meet = |kind, id: String, pointer: String| {
        found.entry((kind, id)).or_insert(pointer);
    };
    for (index, it) in flow.attached_flows.iter().enumerate().filter(|(_, it)| **it != flow.reference) {
        meet("flow", it.flow_id().to_string(), format!("/attachedFlows/{index}"));
    }
    for (index, it) in flow.attached_lexicons.iter().enumerate() {
        meet("lexicon", it.to_string(), format!("/attachedLexicons/{index}"));
    }
    for (pointer, Node { head, config, .. }) in flow.placed_nodes() {
        if let Some(extension) = &head.extension {
            meet("extension", extension.clone(), format!("{pointer}/extension"));
        }
        for locale in config.keys() {
            let mut place = format!("{pointer}/config");
            push_key(&mut place, locale.as_str());
            meet("locale", locale.to_string(), place);
        }
    }
    for target in flow.targets().into_iter().filter(|target| target.flow != flow.reference) {
        let Target { pointer, flow, node, .. } = target;
        if let Some(node) = node {
            meet("node", format!("{flow}/{node}"), format!("{pointer}/node"));
        }
        meet("flow", flow.flow_id().to_string(), format!("{pointer}/flow"));
    }
    found
}
