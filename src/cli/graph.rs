//! `flowsync graph`: what refers to what.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::arguments::{GraphArgs, GraphForm};
use super::context::Context;
use super::output::{self, Failure};
use super::validate::{Target, default_folders, read_folder};
use crate::flow::{Definition, FlowId, ReferenceKind};
use crate::picture::{Fate, Graph, dot, mermaid};
use crate::plan::graph::{Needs, Order};
use crate::problem::any_error;

pub(super) fn run(context: &Context, arguments: &GraphArgs) -> Result<u8, Failure> {
    let target = match &arguments.path {
        Some(path) => Target::typed(path, context.config_if_there().ok().flatten().as_ref())?,
        None => match default_folders(context, arguments.env.as_deref())?.as_slice() {
            [folder] => folder.clone(),
            _ => {
                return Err(Failure {
                    code: output::USAGE,
                    ..Failure::other("environments have different flows folders: name one with --env")
                });
            }
        },
    };
    let targets = [target];
    let mut folder = read_folder(&targets)?;
    if let Some(name) = &arguments.env {
        let config = context.config()?;
        folder.add_overlays(&targets, &[config.environment(name)?])?;
    }
    output::show_problems(&folder.problems.iter().filter(|problem| problem.is_error()).cloned().collect::<Vec<_>>());
    let has_errors = any_error(&folder.problems);
    let flows = folder.into_flows(arguments.env.as_deref());
    match arguments.format {
        GraphForm::Json => output::json(&document(&flows)),
        GraphForm::Mermaid => output::print(&mermaid::graph(&drawn(&flows))),
        GraphForm::Dot => output::print(&dot::graph(&drawn(&flows))),
    }
    Ok(if has_errors { 3 } else { 0 })
}

fn edges(definition: &Definition) -> BTreeSet<String> {
    definition.references.iter().map(ToString::to_string).collect()
}

fn document(flows: &BTreeMap<FlowId, Definition>) -> serde_json::Value {
    let needs: Needs = flows
        .iter()
        .map(|(id, definition)| {
            let flow_references =
                definition.references.iter().filter(|reference| reference.kind == ReferenceKind::Flow);
            (id.clone(), flow_references.filter_map(|reference| reference.id.parse().ok()).collect())
        })
        .collect();
    let order = Order::of(&needs);
    let cycles: Vec<&Vec<FlowId>> = order.members.iter().filter(|members| members.len() > 1).collect();
    let nodes: Vec<_> = flows
        .iter()
        .map(|(id, definition)| json!({ "id": id, "name": definition.name, "version": definition.version, "wave": order.wave(id), "needs": edges(definition) }))
        .collect();
    json!({ "flows": nodes, "cycles": cycles })
}

/// The flows of a folder with what they need.
fn drawn(flows: &BTreeMap<FlowId, Definition>) -> Graph {
    let mut graph = Graph::default();
    for (id, definition) in flows {
        graph.add(id, &definition.name, Fate::Stays, &definition.references);
    }
    graph
}
