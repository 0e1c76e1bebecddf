//! What a change takes, before it is made: by which route it goes, and about how many requests that is.

use super::super::{Cost, NodeCount};
use super::import::{Route, route};
use super::node_plan::{Count, NodeStep};
use crate::config::{CognigyRest, Scan};
use crate::format::cognigy::document::Flow;

/// Lists of what is there, before anything is written.
const LISTS: usize = 2;
/// A package made, fetched and sent, its merge, each task looked at twice, and what is removed afterwards.
const CREATION: usize = 13;
/// The same, with an export of what is there.
const REPLACEMENT: usize = 19;
/// What leads there, a package to keep, and the deletion.
const DELETION: usize = 9;
/// Looking up what is attached, and attaching it.
const ATTACHING: usize = 3;
/// Reading flows from a package, whatever is in it.
const SCAN: usize = 8;
/// More nodes than this are read from a package.
const NODE_READS_MAX: usize = 50;

/// What it takes to make one flow another; nothing where no route leads there.
pub(super) fn estimate(before: Option<&Flow>, after: Option<&Flow>, options: &CognigyRest) -> Option<Cost> {
    let cost = |route, writes, warnings| Cost {
        route,
        writes: writes + LISTS,
        reads: after.map_or(LISTS, |after| LISTS + reads(after, options)),
        per_5_minutes: options.requests_per_5_minutes,
        nodes: None,
        warnings,
    };
    let counted = |cost: Cost, count: Count| {
        let Count { n_created, n_deleted, n_moved, n_changed } = count;
        let nodes = NodeCount { added: n_created, removed: n_deleted, moved: n_moved, changed: n_changed };
        // Where nobody here can tell the nodes apart, none are counted.
        let is_counted = cost.route == "nodes" || count != Count::default();
        Some(Cost { nodes: is_counted.then_some(nodes), ..cost })
    };
    match (before, after) {
        (None, Some(after)) => {
            let attaches = !after.attached_flows.is_empty() || !after.attached_lexicons.is_empty();
            Some(cost("package", CREATION + if attaches { ATTACHING } else { 0 }, Vec::new()))
        }
        (Some(_), None) => {
            let warning = "its intents come back only while this deployment may be taken back, not by a later rollback";
            Some(cost("package", DELETION, vec![warning.to_owned()]))
        }
        (Some(before), Some(after)) => {
            let locale = after.nodes().find_map(|node| node.config.keys().next()).map(ToString::to_string);
            match route(before, after, &locale.unwrap_or_default(), options.write).ok()? {
                Route::Nodes(plan) => {
                    let steps: usize =
                        plan.steps.iter().map(|step| if matches!(step, NodeStep::Write { .. }) { 2 } else { 1 }).sum();
                    counted(cost("nodes", steps + 2, Vec::new()), plan.count())
                }
                Route::Package { reason, count } => {
                    let warning = format!(
                        "it is replaced ({reason}): conversations in it may lose their place; if it was trained it is trained again"
                    );
                    counted(cost("package", REPLACEMENT, vec![warning]), count)
                }
            }
        }
        (None, None) => None,
    }
}

/// Requests to read a flow back, its lists left out.
fn reads(flow: &Flow, options: &CognigyRest) -> usize {
    let n_configs: usize = flow.nodes().map(|node| node.config.len()).sum();
    match options.scan {
        Scan::Package => SCAN,
        Scan::Auto if n_configs > NODE_READS_MAX => SCAN,
        Scan::Auto | Scan::Nodes => n_configs + 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(n_says: usize) -> Flow {
        let says: String = (0..n_says)
            .map(|n| {
                format!(r#"{{"type":"say","ref":"a0000000-0000-4000-8000-{n:012}","config":{{"en":{{"say":"x"}}}}}},"#)
            })
            .collect();
        let text = format!(
            r#"{{"format":"cognigy-flow/1","id":"flow_11111111000040008000000000000001","referenceId":"11111111-0000-4000-8000-000000000001","name":"A",
            "chart":[{{"type":"start","ref":"b0000000-0000-4000-8000-000000000000"}},{says}{{"type":"end","ref":"b0000000-0000-4000-8000-000000000009"}}]}}"#
        );
        Flow::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_change_tells_its_route_and_what_it_takes() {
        let (small, large) = (flow(3), flow(100));
        let check = |before: Option<&Flow>, after: Option<&Flow>, route: &str, writes: usize, reads: usize| {
            let cost = estimate(before, after, &CognigyRest::default()).unwrap();
            assert_eq!((cost.route, cost.writes, cost.reads), (route, writes, reads));
            assert_eq!(cost.per_5_minutes, 800);
        };
        check(None, Some(&small), "package", 15, 7);
        check(Some(&small), None, "package", 11, 2);
        check(Some(&small), Some(&large), "package", 21, 10);
        let nodes = |before: &Flow, after: &Flow| {
            let cost = estimate(Some(before), Some(after), &CognigyRest::default()).unwrap();
            cost.nodes.unwrap().to_string()
        };
        assert_eq!(nodes(&small, &large), "+97 nodes");
        assert_eq!(nodes(&small, &Flow { name: "B".to_owned(), ..small.clone() }), "fields");
        check(Some(&small), Some(&Flow { name: "B".to_owned(), ..small.clone() }), "nodes", 4, 7);
    }
}
