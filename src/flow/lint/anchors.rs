//! Where flows lead to in each other: a place that is there, and that something may lead to.

use std::collections::HashMap;

use crate::flow::finding::quoted;
use crate::flow::{Anchors, FlowId, Need};
use crate::problem::{Problem, Rule, Severity};

/// Reports whatever leads to no place of a flow that is there. What leads to a flow that is not there is a reference of it,
/// and judged as such.
pub(in crate::flow) fn loose_ends<'a>(flows: impl IntoIterator<Item = (&'a FlowId, &'a Anchors)>) -> Vec<Problem> {
    let flows: HashMap<&FlowId, &Anchors> = flows.into_iter().collect();
    let mut problems = Vec::new();
    for Need { flow, anchor, place } in flows.values().flat_map(|anchors| &anchors.needed) {
        let Some(target) = flows.get(flow) else { continue };
        let (rule, message, help) = match target.offered.get(anchor) {
            Some(true) => continue,
            Some(false) => {
                let message =
                    format!("expected a node that is an entry point, found {}, which is none", quoted(anchor));
                (Rule::TargetNoEntryPoint, message, "give that node `isEntryPoint`, or lead to another one")
            }
            None => {
                let message = format!("expected a node of `{flow}`, found {}, which is none", quoted(anchor));
                (Rule::UnknownTarget, message, "mend the id, or add the node to that flow")
            }
        };
        let (place, help) = (place.clone(), help.to_owned());
        problems.push(Problem { place, rule, severity: Severity::Error, message, help });
    }
    problems
}
