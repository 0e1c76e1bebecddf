//! Who needs whom in a project (vendor's reference): all resources, each with what it depends on where that is asked for.

use serde_json::{Value, json};

use super::super::mint::Id;
use super::content::Content;
use super::flow::Flow;
use super::meta::Meta;
use super::project::Project;

/// What a graph tells beside the project's own resources.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Depth {
    pub(crate) dependencies: bool,
    pub(crate) packages: bool,
}

/// The graph of a project, under its id; with packages, each under its own, by the ids inside of it.
pub(crate) fn of_project(project: &Project, depth: Depth) -> Value {
    let with_dependencies = depth.dependencies;
    let Project { id, name, content, endpoints, packages, .. } = project;
    let mut resources = of_content(content, with_dependencies);
    for endpoint in endpoints {
        let mut resource = json!({
            "type": "endpoint",
            "_id": endpoint.id,
            "name": endpoint.name,
            "properties": properties(&endpoint.meta),
        });
        if with_dependencies {
            let flow = content.flow_by_reference(&endpoint.flow).map(|flow| flow.id.as_str());
            let flow = json!({ "_id": flow.unwrap_or(&endpoint.flow), "type": "flow" });
            resource["dependencies"] = json!([flow]);
        }
        resources.push(resource);
    }
    let mut graph = json!({ id.as_str(): { "type": "project", "name": name, "resources": resources } });
    for package in packages.iter().filter(|_| depth.packages) {
        let Some(packed) = &package.packed else { continue };
        let resources = of_content(&packed.content, with_dependencies);
        graph[package.id.as_str()] = json!({ "type": "package", "name": package.name, "resources": resources });
    }
    graph
}

/// The resources of whatever is made of flows, locales and things.
pub(crate) fn of_content(content: &Content, with_dependencies: bool) -> Vec<Value> {
    let mut resources = Vec::new();
    for locale in &content.locales.0 {
        resources.push(resource("locale", &locale.id, locale.reference.as_str(), &locale.name, &locale.meta));
    }
    for flow in &content.flows {
        let mut flow_resource = resource("flow", &flow.id, flow.reference.as_str(), &flow.name, &flow.meta);
        if with_dependencies {
            flow_resource["dependencies"] = needs(flow, content).into();
        }
        resources.push(flow_resource);
    }
    for thing in &content.things {
        let kind = thing.kind.in_graph();
        resources.push(resource(kind, &thing.id, thing.reference.as_str(), &thing.name, &thing.meta));
    }
    resources
}

fn resource(kind: &str, id: &Id, reference: &str, name: &str, meta: &Meta) -> Value {
    json!({ "type": kind, "_id": id, "referenceId": reference, "name": name, "properties": properties(meta) })
}

fn properties(meta: &Meta) -> Value {
    meta.on(json!({}))
}

/// Attachments, and the flows that nodes lead to. A target that is not there is named by what the node says.
fn needs(flow: &Flow, content: &Content) -> Vec<Value> {
    let attached = flow.attached_flows.iter().map(|id| json!({ "_id": id, "type": "attachedFlow" }));
    let lexicons = flow.lexicons.values().flatten().map(|id| json!({ "_id": id, "type": "attachedLexicon" }));
    let mut needs: Vec<Value> = attached.chain(lexicons).collect();
    for node in flow.chart.nodes.values() {
        for config in node.entries.values() {
            for target in config.values().filter_map(|field| field.get("flow")?.as_str()) {
                let id = content.flow_by_reference(target).map_or(target, |flow| flow.id.as_str());
                let properties = json!({ "nodeType": node.kind, "nodeId": node.id, "extension": node.extension });
                let need = json!({ "_id": id, "type": "flowNode", "properties": properties });
                if !needs.contains(&need) {
                    needs.push(need);
                }
            }
        }
    }
    needs
}
