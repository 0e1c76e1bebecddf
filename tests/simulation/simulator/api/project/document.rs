//! Flows as people mean them, as documents, as files, and as somebody puts them live.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use flowsync::format;
use flowsync::format::cognigy::document::{Branch, Config, Flow, FlowRef, Head, LocaleName, Node, NodeRef, is_marker};
use serde_json::{Map, Value, json};

use super::super::super::people::{Meant, NAMES};

/// The locales of the project; the first is the primary one.
pub const LOCALES: [&str; 2] = ["en-US", "de-DE"];

fn number(name: &str) -> usize {
    NAMES.iter().position(|other| *other == name).unwrap_or(99) + 1
}

/// The reference id of the flow that people call so.
pub fn reference(name: &str) -> FlowRef {
    format!("{:08}-0000-4000-8000-0000000000ff", number(name)).parse().unwrap()
}

fn node_reference(name: &str, nth: usize) -> NodeRef {
    format!("{:08}-0000-4000-8000-{nth:012}", number(name)).parse().unwrap()
}

fn locale(name: &str) -> LocaleName {
    name.parse().unwrap()
}

fn config(value: Value) -> Config {
    value.as_object().cloned().unwrap()
}

/// A flow: what changes with its revision is fields of nodes, at times another locale, the structure, or what is
/// attached.
pub fn flow(name: &str, meant: &Meant) -> Flow {
    let Meant { revision, version, needs, .. } = meant;
    let node = |nth: usize, kind: &str| Node::plain(kind, node_reference(name, nth));
    let said = |text: String| {
        config(json!({"say": {"type": "text", "text": [text], "data": "", "linear": false, "loop": false}}))
    };
    let mut greeting = Node {
        head: Head { label: format!("Greet {version}"), ..Head::default() },
        config: BTreeMap::from([(locale(LOCALES[0]), said(format!("{name} {revision}")))]),
        ..node(2, "say")
    };
    if revision % 4 == 1 {
        greeting.config.insert(locale(LOCALES[1]), said(format!("{name} auf Deutsch {revision}")));
    }
    let mut chart = vec![node(1, "start"), greeting];
    if revision % 3 == 0 {
        chart.push(fork(name, &said("maybe".to_owned())));
    }
    for need in needs {
        let target = json!({"flow": reference(need).to_string(), "node": node_reference(need, 1).to_string()});
        let head = Head { label: format!("To {need}"), ..Head::default() };
        let settings = BTreeMap::from([(locale(LOCALES[0]), config(json!({"flowNode": target})))]);
        chart.push(Node { head, config: settings, ..node(10 + number(need), "goTo") });
    }
    if meant.needs_intent {
        let code = config(json!({"code": format!("const version = {version};")}));
        let head = Head { label: "Count".to_owned(), ..Head::default() };
        chart.push(Node { head, config: BTreeMap::from([(locale(LOCALES[0]), code)]), ..node(7, "code") });
    }
    chart.push(node(9, "end"));
    let attached = needs.iter().take(usize::from(revision % 5 == 2));
    Flow {
        reference: reference(name),
        name: format!("{name} {}", version / 2),
        description: String::new(),
        context: Map::new(),
        attached_flows: attached.map(|need| reference(need)).collect(),
        attached_lexicons: Vec::new(),
        chart,
    }
}

fn fork(name: &str, said: &Config) -> Node {
    let node = |nth: usize, kind: &str| Node::plain(kind, node_reference(name, nth));
    let condition =
        json!({"condition": {"type": "rule", "condition": "", "rule": {"left": "1", "operand": "eq", "right": "1"}}});
    let settings = |config: Config| BTreeMap::from([(locale(LOCALES[0]), config)]);
    let inner = Node { config: settings(said.clone()), ..node(6, "say") };
    let branches =
        vec![Branch { node: node(4, "then"), body: vec![inner] }, Branch { node: node(5, "else"), body: Vec::new() }];
    Node { config: settings(config(condition)), branches, ..node(3, "if") }
}

/// The files of a flow's folder.
pub fn files(name: &str, meant: &Meant) -> Vec<(String, Vec<u8>)> {
    let text: Arc<[u8]> = flow(name, meant).to_text().into_bytes().into();
    let folder = meant.path.trim_end_matches(".json");
    let written = format::written(&text, &[], &[], &BTreeSet::new()).unwrap().files;
    let spoilt = |content: Vec<u8>| {
        let text = String::from_utf8(content).unwrap();
        if meant.is_bad { text.replace("\"start\"", "\"stop\"") } else { text }.into_bytes()
    };
    written.into_iter().filter_map(|(path, content)| Some((format!("{folder}/{path}"), spoilt(content?)))).collect()
}

/// A document as a seed of the stand-in writes it; what it attaches only as far as that `is_there`.
pub fn seed(body: &[u8], is_there: impl Fn(FlowRef) -> bool) -> Option<Value> {
    let flow = Flow::parse(body).ok()?;
    let end = |kind: &str| flow.chart.iter().find(|node| node.kind == kind).map(|node| node.reference.to_string());
    let attached = flow.attached_flows.iter().filter(|flow| is_there(**flow)).map(ToString::to_string);
    Some(json!({
        "name": flow.name,
        "referenceId": flow.reference.to_string(),
        "description": flow.description,
        "context": flow.context,
        "attachedFlows": attached.collect::<Vec<_>>(),
        "start": end("start"),
        "end": end("end"),
        "chart": chain(&flow.chart),
    }))
}

fn chain(nodes: &[Node]) -> Vec<Value> {
    nodes.iter().filter(|node| !["start", "end"].contains(&node.kind.as_str())).map(|node| written(node, &[])).collect()
}

fn written(node: &Node, body: &[Node]) -> Value {
    let settings = |name: &str| node.config.get(&locale(name));
    let branches: Vec<Value> = node.branches.iter().map(|Branch { node, body }| written(node, body)).collect();
    let mut value = json!({
        "type": node.kind,
        "referenceId": node.reference.to_string(),
        "label": node.head.label,
        "branches": branches,
        "chart": chain(body),
    });
    if !is_marker(&node.kind) {
        value["config"] = json!(settings(LOCALES[0]));
    }
    if let Some(other) = settings(LOCALES[1]) {
        value["locales"] = json!({LOCALES[1]: other});
    }
    value
}
