//! A flow without what a platform adds to it by itself.

use std::collections::BTreeMap;

use super::{Branch, Chain, Config, Flow, LocaleName, Node, NodeRef};
use crate::flow::Defaults;

impl Flow {
    /// This flow without the settings that only say their default, but for those that `other` says in words.
    #[must_use]
    pub fn without_defaults(&self, defaults: &Defaults, other: &Self) -> Self {
        let mut flow = self.clone();
        if defaults.is_empty() {
            return flow;
        }
        let others: BTreeMap<&NodeRef, &Node> = other.nodes().map(|node| (&node.reference, node)).collect();
        leave_out_in(&mut flow.chart, &|kind, node, locale, config| {
            let other = others.get(node).and_then(|node| node.config.get(locale));
            let is_said = |key: &str| other.is_some_and(|other| other.contains_key(key));
            config.retain(|key, value| is_said(key) || !defaults.has(kind, key, value));
        });
        flow
    }
}

fn leave_out_in(chain: &mut Chain, leave_out: &impl Fn(&str, &NodeRef, &LocaleName, &mut Config)) {
    chain.iter_mut().for_each(|node| leave_out_at(node, leave_out));
}

fn leave_out_at(node: &mut Node, leave_out: &impl Fn(&str, &NodeRef, &LocaleName, &mut Config)) {
    for (locale, config) in &mut node.config {
        leave_out(&node.kind, &node.reference, locale, config);
    }
    for Branch { node, body } in &mut node.branches {
        leave_out_at(node, leave_out);
        leave_out_in(body, leave_out);
    }
}
