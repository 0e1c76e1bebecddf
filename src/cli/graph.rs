//! `flowsync graph`: what refers to what.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};
use serde_json::json;

use super::arguments::{GraphArgs, GraphForm};
use super::context::Context;
use super::output::{self, Failure};
use super::validate::{Target, default_folders, read_folder};
use crate::flow::{Definition, FlowId, Reference, ReferenceKind};
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
    let view = GraphView::of(&flows);
    match arguments.format {
        GraphForm::Json => output::json(&json!(view)),
        GraphForm::Mermaid => output::print(&mermaid::graph(&view.drawn())),
        GraphForm::Dot => output::print(&dot::graph(&view.drawn())),
    }
    Ok(if has_errors { 3 } else { 0 })
}

/// The flows of a folder with what they need: `--format json` is this struct, and pictures are made from it.
#[derive(Serialize)]
struct GraphView<'a> {
    flows: Vec<FlowView<'a>>,
    /// Flows that need each other.
    cycles: Vec<Vec<FlowId>>,
}

/// A flow with what it needs.
#[derive(Serialize)]
struct FlowView<'a> {
    id: &'a FlowId,
    name: &'a str,
    version: &'a str,
    /// 0 where it needs no flow, else one more than the highest it needs.
    wave: usize,
    #[serde(serialize_with = "in_words")]
    needs: &'a [Reference],
}

impl<'a> GraphView<'a> {
    fn of(flows: &'a BTreeMap<FlowId, Definition>) -> Self {
        let order = Order::of(&flow_needs(flows));
        let views = flows.iter().map(|(id, Definition { name, version, references, .. })| FlowView {
            id,
            name,
            version,
            wave: order.wave(id),
            needs: references,
        });
        let flows = views.collect();
        let cycles = order.members.into_iter().filter(|members| members.len() > 1).collect();
        Self { flows, cycles }
    }

    fn drawn(&self) -> Graph {
        let mut graph = Graph::default();
        for flow in &self.flows {
            graph.add(flow.id, flow.name, Fate::Stays, flow.needs);
        }
        graph
    }
}

/// As people write them, in the order of that.
fn in_words<S: Serializer>(needs: &[Reference], serializer: S) -> Result<S::Ok, S::Error> {
    let words: BTreeSet<String> = needs.iter().map(ToString::to_string).collect();
    words.serialize(serializer)
}

fn flow_needs(flows: &BTreeMap<FlowId, Definition>) -> Needs {
    let needed = |definition: &Definition| {
        let flows = definition.references.iter().filter(|reference| reference.kind == ReferenceKind::Flow);
        flows.filter_map(|reference| reference.id.parse().ok()).collect()
    };
    flows.iter().map(|(id, definition)| (id.clone(), needed(definition))).collect()
}
