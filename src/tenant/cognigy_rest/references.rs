//! Reference ids that differ by environment: git's, and those that stand for them in this project. Of flows and nodes as
//! well, where somebody has built in a project by hand what git has.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use serde_json::Value;

use crate::format::cognigy::document::{Branch, Chain, Flow, FlowRef, Node};

/// Both ways. Applied to flows, nodes, what is attached, and in configurations wherever a text is such an id and nothing
/// else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct References {
    to_live: BTreeMap<String, String>,
    to_git: BTreeMap<String, String>,
}

impl References {
    /// By git's id; the configuration holds no two that stand for one.
    pub(super) fn new(to_live: &BTreeMap<String, String>) -> Self {
        let to_git = to_live.iter().map(|(git, live)| (live.clone(), git.clone())).collect();
        Self { to_live: to_live.clone(), to_git }
    }

    /// A flow of git's as it stands in the project.
    pub(super) fn live(&self, flow: &mut Flow) {
        translate(flow, &self.to_live);
    }

    /// A flow of the project's as it stands in git.
    pub(super) fn git(&self, flow: &mut Flow) {
        translate(flow, &self.to_git);
    }

    /// What a flow of the project's is called in git.
    pub(super) fn git_flow(&self, reference: FlowRef) -> FlowRef {
        other(reference, &self.to_git)
    }

    /// Whether a flow goes by another reference id here than in git.
    pub(super) fn is_alias(&self, reference: &str) -> bool {
        self.to_git.contains_key(reference)
    }

    /// What a reading depends on besides the flow itself.
    pub(super) fn key(&self) -> String {
        self.to_live.iter().map(|(git, live)| format!("{git} {live}\n")).collect()
    }
}

fn translate(flow: &mut Flow, to: &BTreeMap<String, String>) {
    if to.is_empty() {
        return;
    }
    flow.reference = other(flow.reference, to);
    flow.attached_flows.iter_mut().for_each(|flow| *flow = other(*flow, to));
    flow.attached_lexicons.iter_mut().for_each(|lexicon| *lexicon = other(*lexicon, to));
    in_chain(&mut flow.chart, to);
}

/// What stands for a reference id, or itself.
fn other<R: Copy + Display + FromStr>(reference: R, to: &BTreeMap<String, String>) -> R {
    to.get(&reference.to_string()).and_then(|other| other.parse().ok()).unwrap_or(reference)
}

fn in_chain(chain: &mut Chain, to: &BTreeMap<String, String>) {
    chain.iter_mut().for_each(|node| in_node(node, to));
}

fn in_node(node: &mut Node, to: &BTreeMap<String, String>) {
    node.reference = other(node.reference, to);
    node.config.values_mut().flat_map(|config| config.values_mut()).for_each(|value| in_value(value, to));
    for Branch { node, body } in &mut node.branches {
        in_node(node, to);
        in_chain(body, to);
    }
}

fn in_value(value: &mut Value, to: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(other) = to.get(text.as_str()) {
                text.clone_from(other);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| in_value(item, to)),
        Value::Object(members) => members.values_mut().for_each(|member| in_value(member, to)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOW: &str = r#"{"format":"cognigy-flow/1","id":"flow_11111111000040008000000000000001",
        "referenceId":"11111111-0000-4000-8000-000000000001","name":"A","chart":[
        {"type":"start","ref":"a0000000-0000-4000-8000-000000000000"},
        {"type":"x","ref":"a0000000-0000-4000-8000-000000000001","config":{"en":{"connection":"aaaaaaaa-0000-4000-8000-000000000001",
            "deep":[{"it":"aaaaaaaa-0000-4000-8000-000000000002"}],"text":"see aaaaaaaa-0000-4000-8000-000000000001"}}},
        {"type":"end","ref":"a0000000-0000-4000-8000-000000000009"}]}"#;

    #[test]
    fn ids_are_translated_there_and_back_wherever_one_stands_alone() {
        let id = |n: u8| format!("{}-0000-4000-8000-00000000000{n}", "aaaaaaaa");
        let live = |n: u8| format!("{}-0000-4000-8000-00000000000{n}", "bbbbbbbb");
        let references = References::new(&BTreeMap::from([(id(1), live(1)), (id(2), live(2))]));
        let before = Flow::parse(FLOW.as_bytes()).unwrap();
        let mut flow = before.clone();
        references.live(&mut flow);
        let text = flow.to_text();
        assert!(text.contains(&format!(r#""connection":"{}""#, live(1))) && text.contains(&live(2)), "{text}");
        assert!(text.contains(&format!("see {}", id(1))), "{text}");
        references.git(&mut flow);
        assert_eq!(flow, before);
    }

    #[test]
    fn a_flow_and_its_nodes_may_have_other_ids_too() {
        let (flow_id, node_id) = ("11111111-0000-4000-8000-000000000001", "a0000000-0000-4000-8000-000000000001");
        let (live_flow, live_node) = ("22222222-0000-4000-8000-000000000001", "b0000000-0000-4000-8000-000000000001");
        let pairs = [(flow_id, live_flow), (node_id, live_node)];
        let references = References::new(&pairs.map(|(git, live)| (git.to_owned(), live.to_owned())).into());
        let before = Flow::parse(FLOW.as_bytes()).unwrap();
        let mut flow = before.clone();
        references.live(&mut flow);
        assert_eq!(
            (flow.reference.to_string(), flow.chart[1].reference.to_string()),
            (live_flow.into(), live_node.into())
        );
        assert_eq!(references.git_flow(flow.reference), before.reference);
        references.git(&mut flow);
        assert_eq!(flow, before);
    }
}
