//! What is done to a stand-in behind everyone's back: no request, no limit, no fault.

use serde_json::{Map, Value, json};

use super::mint::Id;
use super::model::flow::Flow;
use super::model::platform::{Moment, Platform};
use super::refusal::Refusal;

/// A flow, by its `_id`, its reference id or its name; the first of several.
pub(super) fn flow<'p>(platform: &'p Platform, named: &str) -> Result<&'p Flow, Refusal> {
    let mut flows = platform.projects.iter().flat_map(|project| &project.content.flows);
    let is_it = |flow: &&Flow| [flow.id.as_str(), flow.reference.as_str(), &flow.name].contains(&named);
    flows.find(is_it).ok_or_else(|| Refusal::not_found("Flow", named))
}

/// A node of a flow, by its `_id`, its reference id or its label; the first of several.
pub(super) fn node(platform: &Platform, of_flow: &str, named: &str) -> Result<(Id, Id), Refusal> {
    let flow = flow(platform, of_flow)?;
    let mut nodes = flow.chart.nodes.values();
    let node = nodes.find(|node| [node.id.as_str(), node.reference.as_str(), &node.label].contains(&named));
    let node = node.ok_or_else(|| Refusal::not_found("ChartNode", named))?;
    Ok((flow.id.clone(), node.id.clone()))
}

/// Changes a node as another user would in the editor: `fields` is what a PATCH takes.
pub(super) fn edit(
    platform: &mut Platform,
    of_flow: &str,
    named: &str,
    fields: Map<String, Value>,
    now: Moment<'_>,
) -> Result<(), Refusal> {
    let (flow, node) = node(platform, of_flow, named)?;
    platform.site(&flow, now)?.patch_node(&node, fields)?;
    platform.revision += 1;
    Ok(())
}

/// Upgrades the platform: from now on, configs of a type are read with a key that they never had, unless they have it.
/// No change time moves (real exports).
pub(super) fn upgrade(platform: &mut Platform, kind: &str, key: &str, default: Value) {
    platform.upgrades.entry(kind.to_owned()).or_default().insert(key.to_owned(), default);
    platform.revision += 1;
}

/// Everything there is, in short.
pub(super) fn overview(platform: &Platform, now_ms: u64) -> Value {
    let projects = platform.projects.iter().map(|project| {
        let content = &project.content;
        let flows = content.flows.iter().map(|flow| {
            let mut head = flow.head();
            head["nodes"] = flow.chart.nodes.len().into();
            head
        });
        json!({
            "_id": project.id,
            "name": project.name,
            "locales": content.locales.0.iter().map(|locale| locale.to_json()).collect::<Vec<_>>(),
            "flows": flows.collect::<Vec<_>>(),
            "others": content.things.iter().map(|thing| thing.to_json()).collect::<Vec<_>>(),
            "endpoints": project.endpoints.iter().map(|endpoint| endpoint.to_json()).collect::<Vec<_>>(),
            "snapshots": project.snapshots.iter().map(|snapshot| snapshot.to_json()).collect::<Vec<_>>(),
            "packages": project.packages.iter().map(|package| package.to_json()).collect::<Vec<_>>(),
        })
    });
    let tasks = platform.tasks.iter().map(|task| task.to_json(now_ms));
    json!({ "projects": projects.collect::<Vec<_>>(), "tasks": tasks.collect::<Vec<_>>() })
}
