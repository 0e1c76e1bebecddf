//! Who needs whom: units (cycles count as one), depth, and how much still waits behind each.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::flow::{Definition, EnvironmentId, FlowId, ReferenceKind};

/// Each flow to the flows it needs.
pub type Needs = BTreeMap<FlowId, BTreeSet<FlowId>>;

/// The flows a definition needs in `target`, itself included where it says so.
pub fn needed_flows<'a>(definition: &'a Definition, target: &'a EnvironmentId) -> impl Iterator<Item = FlowId> + 'a {
    definition
        .references
        .iter()
        .filter(move |reference| reference.kind == ReferenceKind::Flow && reference.is_in(target))
        .filter_map(|reference| reference.id.parse().ok())
}

/// The flows ordered by what they need.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    /// The unit of each flow; flows that need each other share one. Lower units never need higher ones.
    pub unit: BTreeMap<FlowId, usize>,
    /// The members of each unit.
    pub members: Vec<Vec<FlowId>>,
    /// The units each unit needs, itself excluded.
    pub needs: Vec<BTreeSet<usize>>,
    /// Depth of each unit: 0 where it needs none, else one more than the deepest it needs.
    pub depth: Vec<usize>,
}

impl Order {
    /// Orders the keys of `needs`; needed flows that are no key do not count.
    #[must_use]
    pub fn of(needs: &Needs) -> Self {
        let mut graph: DiGraph<&FlowId, ()> = DiGraph::with_capacity(needs.len(), needs.len());
        let nodes: BTreeMap<&FlowId, NodeIndex> = needs.keys().map(|id| (id, graph.add_node(id))).collect();
        for (id, needed) in needs {
            for target in needed.iter().filter_map(|other| nodes.get(other)) {
                graph.add_edge(nodes[id], *target, ());
            }
        }
        let mut order = Self::default();
        // Components come needed first: every edge leads to an earlier one.
        for component in kosaraju_scc(&graph) {
            let unit = order.members.len();
            let mut members: Vec<FlowId> = component.iter().map(|node| graph[*node].clone()).collect();
            members.sort();
            order.unit.extend(members.iter().map(|id| (id.clone(), unit)));
            let needed: BTreeSet<usize> = members
                .iter()
                .flat_map(|id| &needs[id])
                .filter_map(|other| order.unit.get(other).copied())
                .filter(|other| *other != unit)
                .collect();
            order.depth.push(needed.iter().map(|other| order.depth[*other] + 1).max().unwrap_or(0));
            order.needs.push(needed);
            order.members.push(members);
        }
        order
    }

    /// Depth of a flow; 0 for one that was not ordered.
    #[must_use]
    pub fn wave(&self, id: &FlowId) -> usize {
        self.unit.get(id).map_or(0, |unit| self.depth[*unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(text: &str) -> Needs {
        let mut needs = Needs::new();
        for edge in text.split(' ') {
            let (from, to) = edge.split_once('>').unwrap_or((edge, ""));
            let id = |name: &str| format!("flow_{name}").parse::<FlowId>().unwrap();
            needs.entry(id(from)).or_default();
            if !to.is_empty() {
                needs.entry(id(to)).or_default();
                needs.get_mut(&id(from)).unwrap().insert(id(to));
            }
        }
        needs
    }

    fn show(text: &str) -> String {
        let order = Order::of(&needs(text));
        let mut units: Vec<(usize, String)> = order
            .members
            .iter()
            .enumerate()
            .map(|(unit, members)| {
                let names: Vec<&str> = members.iter().map(|id| id.as_str().trim_start_matches("flow_")).collect();
                (order.depth[unit], format!("{}:{}", names.join("+"), order.depth[unit]))
            })
            .collect();
        units.sort();
        units.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn depth_is_one_more_than_the_deepest_need() {
        assert_eq!(show("a>b b>c a>c d"), "c:0 d:0 b:1 a:2");
    }

    #[test]
    fn a_cycle_is_one_unit_and_a_self_reference_no_obstacle() {
        assert_eq!(show("a>b b>a b>c c>c d>a"), "c:0 a+b:1 d:2");
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_does_not_overflow_the_stack() {
        let id = |n: usize| format!("flow_{n}").parse::<FlowId>().unwrap();
        let needs: Needs = (0..100_000).map(|n| (id(n), BTreeSet::from([id(n + 1)]))).collect();
        assert_eq!(Order::of(&needs).wave(&id(0)), 99_999);
    }

    /// Every flow that can be reached by what flows need.
    fn reached(needs: &Needs, from: &FlowId) -> BTreeSet<FlowId> {
        let mut found = BTreeSet::new();
        let mut waiting: Vec<&FlowId> = needs.get(from).into_iter().flatten().collect();
        while let Some(id) = waiting.pop() {
            if found.insert(id.clone()) {
                waiting.extend(needs.get(id).into_iter().flatten());
            }
        }
        found
    }

    proptest::proptest! {
        #[test]
        fn a_unit_is_a_cycle_and_stands_above_all_it_needs(
            edges in proptest::collection::vec((0..9_usize, 0..9_usize), 0..20),
        ) {
            let mut wanted = Needs::new();
            let id = |n: usize| format!("flow_{n}").parse::<FlowId>().unwrap();
            (0..9).for_each(|n| _ = wanted.entry(id(n)).or_default());
            edges.iter().for_each(|(from, to)| _ = wanted.get_mut(&id(*from)).unwrap().insert(id(*to)));
            let order = Order::of(&wanted);
            for from in wanted.keys() {
                for to in reached(&wanted, from) {
                    let is_cycle = to == *from || reached(&wanted, &to).contains(from);
                    proptest::prop_assert_eq!(order.unit[from] == order.unit[&to], is_cycle);
                    proptest::prop_assert!(is_cycle || order.wave(&to) < order.wave(from));
                }
            }
        }
    }
}
