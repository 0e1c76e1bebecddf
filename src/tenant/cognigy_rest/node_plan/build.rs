//! The plan, put together.

use super::super::chart::{Role, Standing, Tree, Within};
use super::impossible::Impossible;
use super::matching::{Matching, matching};
use super::place::Placing;
use super::step::{NodePlan, NodeStep};
use super::write::{From, Writing};

/// Everything that makes `live` the chart `desired`. Where a node of the former is known to be one of the latter under
/// another reference id, `live` calls it by that one.
///
/// # Errors
///
/// No sequence of requests does.
pub fn plan(live: &Tree, desired: &Tree) -> Result<NodePlan, Impossible> {
    let matching = matching(live, desired);
    let (mut steps, brought) = Placing::new(live, desired, &matching).run()?;
    let mut writing = Writing::new(desired);
    for index in desired.preorder() {
        if !desired.nodes[index].kind.is_mere_place() {
            writing.node(
                index,
                match matching.of_desired[index] {
                    Some(same) => From::Live(&live.nodes[same]),
                    None if brought[index] => From::Brought,
                    None => From::Created,
                },
            );
        }
    }
    let (writes, only_by_package) = writing.finish();
    steps.extend(writes);
    steps.extend(deletes(live, &matching)?);
    Ok(NodePlan { aliases: aliases(live, desired, &matching), steps, only_by_package })
}

/// Live nodes that nobody wants, leaves first. What stands below a parent that goes, goes with it.
fn deletes(live: &Tree, matching: &Matching) -> Result<Vec<NodeStep>, Impossible> {
    let standings = live.standings();
    let is_surplus = |index: usize| matching.of_live[index].is_none();
    let mut steps = Vec::new();
    for index in live.preorder().into_iter().rev().filter(|index| is_surplus(*index)) {
        let Standing { within, .. } = standings[index];
        if matches!(within, Within::Branches(parent) if is_surplus(parent)) {
            continue;
        }
        let node = &live.nodes[index];
        match live.role(index, within) {
            Role::Ordinary | Role::Branch => steps.push(NodeStep::Delete { node: node.reference.clone() }),
            Role::Start | Role::End | Role::Marker => {
                return Err(Impossible::Delete { node: node.reference.clone(), kind: node.kind.name.clone() });
            }
        }
    }
    Ok(steps)
}

fn aliases(live: &Tree, desired: &Tree, matching: &Matching) -> Vec<(String, String)> {
    let pair =
        |index: usize| Some((&desired.nodes[index].reference, &live.nodes[matching.of_desired[index]?].reference));
    let pairs = desired.preorder().into_iter().filter_map(pair).filter(|(git, live)| git != live);
    pairs.map(|(git, live)| (git.clone(), live.clone())).collect()
}
