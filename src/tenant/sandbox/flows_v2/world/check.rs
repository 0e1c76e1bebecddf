//! What an import is refused for: the shape of the flow, then what it refers to. All violations at once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::held::Environment;
use super::stored::reference;
use super::violation::Violation;
use crate::flow::{FlowId, Reference, ReferenceKind};

const NODE_TYPES: [&str; 5] = ["start", "intent", "action", "end", "external"];
const REFERENCE_TYPES: [&str; 4] = ["flow", "intent", "entity", "variable"];

/// Collects what is wrong.
#[derive(Default)]
struct Findings(Vec<Violation>);

impl Findings {
    fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Violation { path: path.into(), message: message.into() });
    }

    /// The string at `object[key]`; what else stands there is a violation.
    fn text<'a>(&mut self, object: &'a Value, path: &str, key: &str) -> Option<&'a str> {
        let value = object.get(key);
        if value.is_none_or(|value| !value.is_string()) {
            self.add(format!("{path}/{key}"), format!("expected a string, found {}", found(value)));
        }
        value.and_then(Value::as_str)
    }

    fn list<'a>(&mut self, flow: &'a Value, key: &str) -> &'a [Value] {
        let value = flow.get(key);
        if let Some(list) = value.and_then(Value::as_array) {
            return list;
        }
        self.add(format!("/{key}"), format!("expected an array, found {}", found(value)));
        &[]
    }

    fn one_of(&mut self, object: &Value, path: &str, known: &[&str]) {
        if let Some(word) = self.text(object, path, "type")
            && !known.contains(&word)
        {
            self.add(format!("{path}/type"), format!("expected one of {}, found `{word}`", known.join(", ")));
        }
    }
}

fn found(value: Option<&Value>) -> &'static str {
    match value {
        None => "nothing",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "a boolean",
        Some(Value::Number(_)) => "a number",
        Some(Value::String(_)) => "a string",
        Some(Value::Array(_)) => "an array",
        Some(Value::Object(_)) => "an object",
    }
}

/// What is wrong with the shape of `flow`; empty when nothing is.
pub(super) fn shape(flow: &Value) -> Vec<Violation> {
    let mut findings = Findings::default();
    if !flow.is_object() {
        findings.add("", format!("expected an object, found {}", found(Some(flow))));
        return findings.0;
    }
    head(&mut findings, flow);
    let node_ids = nodes(&mut findings, flow);
    edges(&mut findings, flow, &node_ids);
    references(&mut findings, flow);
    findings.0
}

fn head(findings: &mut Findings, flow: &Value) {
    if let Some(id) = findings.text(flow, "", "id")
        && let Err(error) = id.parse::<FlowId>()
    {
        findings.add("/id", error.to_string());
    }
    if findings.text(flow, "", "name") == Some("") {
        findings.add("/name", "expected a name, found an empty string");
    }
    if let Some(version) = findings.text(flow, "", "version")
        && !is_version(version)
    {
        findings.add("/version", format!("expected a version like `1.4.0`, found `{version}`"));
    }
}

fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

fn nodes<'a>(findings: &mut Findings, flow: &'a Value) -> BTreeSet<&'a str> {
    let mut ids = BTreeSet::new();
    let mut n_starts = 0;
    let nodes = findings.list(flow, "nodes");
    for (index, node) in nodes.iter().enumerate() {
        let path = format!("/nodes/{index}");
        if let Some(id) = findings.text(node, &path, "id")
            && !ids.insert(id)
        {
            findings.add(format!("{path}/id"), format!("the node id `{id}` stands twice"));
        }
        findings.one_of(node, &path, &NODE_TYPES);
        n_starts += usize::from(node.get("type").and_then(Value::as_str) == Some("start"));
        if let Some(configuration) = node.get("configuration").filter(|value| !value.is_object()) {
            let message = format!("expected an object, found {}", found(Some(configuration)));
            findings.add(format!("{path}/configuration"), message);
        }
    }
    if n_starts != 1 && flow.get("nodes").is_some_and(Value::is_array) {
        findings.add("/nodes", format!("expected one start node, found {n_starts}"));
    }
    ids
}

fn edges(findings: &mut Findings, flow: &Value, node_ids: &BTreeSet<&str>) {
    for (index, edge) in findings.list(flow, "edges").iter().enumerate() {
        let path = format!("/edges/{index}");
        for end in ["from", "to"] {
            if let Some(id) = findings.text(edge, &path, end)
                && !node_ids.contains(id)
            {
                findings.add(format!("{path}/{end}"), format!("there is no node `{id}`"));
            }
        }
        if let Some(condition) = edge.get("condition").filter(|value| !value.is_string() && !value.is_null()) {
            let message = format!("expected a string or null, found {}", found(Some(condition)));
            findings.add(format!("{path}/condition"), message);
        }
    }
}

fn references(findings: &mut Findings, flow: &Value) {
    if flow.get("externalReferences").is_none() {
        return;
    }
    for (index, entry) in findings.list(flow, "externalReferences").iter().enumerate() {
        let path = format!("/externalReferences/{index}");
        findings.one_of(entry, &path, &REFERENCE_TYPES);
        findings.text(entry, &path, "id");
        findings.text(entry, &path, "environmentId");
    }
}

/// What `flow`, about to be imported into `environment`, refers to and is not there. A flow may refer to itself.
pub(super) fn missing(environments: &BTreeMap<String, Environment>, environment: &str, flow: &Value) -> Vec<Violation> {
    let own_id = flow.get("id").and_then(Value::as_str);
    let entries = flow.get("externalReferences").and_then(Value::as_array);
    let mut findings = Findings::default();
    for (index, entry) in entries.into_iter().flatten().enumerate() {
        let Some(target) = reference(entry) else { continue };
        let is_self = target.kind == ReferenceKind::Flow
            && Some(target.id.as_str()) == own_id
            && target.environment.as_str() == environment;
        if !is_self && !exists(environments, &target) {
            let Reference { kind, id, environment } = target;
            let message = format!("there is no {} `{id}` in `{environment}`", kind.as_str());
            findings.add(format!("/externalReferences/{index}"), message);
        }
    }
    findings.0
}

fn exists(environments: &BTreeMap<String, Environment>, target: &Reference) -> bool {
    let Some(environment) = environments.get(target.environment.as_str()) else { return false };
    match target.kind {
        ReferenceKind::Flow => environment.flows.contains(&target.id),
        ReferenceKind::Intent => environment.intents.contains(&target.id),
        ReferenceKind::Entity => environment.entities.contains(&target.id),
        ReferenceKind::Variable => environment.variables.contains(&target.id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(flow: &str) -> Vec<String> {
        shape(&serde_json::from_str(flow).unwrap()).into_iter().map(|violation| violation.path).collect()
    }

    #[test]
    fn a_whole_flow_is_accepted() {
        let flow = r#"{"id":"flow_a","name":"A","version":"1.0.0","more":1,
            "nodes":[{"id":"s","type":"start","configuration":{}},{"id":"e","type":"end","configuration":{}}],
            "edges":[{"from":"s","to":"e","condition":null}],
            "externalReferences":[{"type":"intent","id":"i","environmentId":"env"}]}"#;
        assert!(paths(flow).is_empty());
    }

    #[test]
    fn every_violation_is_found_at_once() {
        assert_eq!(paths("{}"), ["/id", "/name", "/version", "/nodes", "/edges"]);
        assert_eq!(paths("[]"), [""]);
        let flow = r#"{"id":"a-b","name":"","version":"1.0","nodes":[
            {"id":"x","type":"start","configuration":[]},{"id":"x","type":"start"},{"id":3,"type":"loop"},7],
            "edges":[{"from":"x","to":"gone","condition":1},{}],
            "externalReferences":[{"type":"thing","id":1}]}"#;
        let expected = [
            "/id",
            "/name",
            "/version",
            "/nodes/0/configuration",
            "/nodes/1/id",
            "/nodes/2/id",
            "/nodes/2/type",
            "/nodes/3/id",
            "/nodes/3/type",
            "/nodes",
            "/edges/0/to",
            "/edges/0/condition",
            "/edges/1/from",
            "/edges/1/to",
            "/externalReferences/0/type",
            "/externalReferences/0/id",
            "/externalReferences/0/environmentId",
        ];
        assert_eq!(paths(flow), expected);
    }
}
