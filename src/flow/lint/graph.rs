//! The graph of a flow: unique nodes, edges that join them, one start, and nothing left lying about.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::member::text;
use crate::flow::document::Node;
use crate::flow::finding::{Findings, nearest, quoted};
use crate::problem::Rule;

/// Most nodes among which a misspelt one is looked for.
const NEAREST_AMONG_MAX: usize = 200;

struct GraphNode<'a> {
    node: Node<'a>,
    id: Cow<'a, str>,
    kind: Cow<'a, str>,
    /// Its number among `nodes`, as the pointer has it.
    index: usize,
    n_outgoing: usize,
}

struct Edge<'a> {
    node: Node<'a>,
    index: usize,
    /// Both ends, by their place in [`Graph::nodes`].
    from: usize,
    to: usize,
    condition: Option<Cow<'a, str>>,
}

struct Graph<'a> {
    /// Those with an id, the first of each.
    nodes: Vec<GraphNode<'a>>,
    by_id: HashMap<Cow<'a, str>, usize>,
    /// Those that join two nodes.
    edges: Vec<Edge<'a>>,
}

pub(super) fn lint(findings: &mut Findings<'_>) {
    let root = findings.document().root();
    let (Some(nodes), Some(edges)) = (root.member("nodes"), root.member("edges")) else { return };
    let (n_nodes, n_edges) = (nodes.elements().count(), edges.elements().count());
    let mut graph = Graph {
        nodes: Vec::with_capacity(n_nodes),
        by_id: HashMap::with_capacity(n_nodes),
        edges: Vec::with_capacity(n_edges),
    };
    for (index, node) in nodes.elements().enumerate() {
        graph.add_node(findings, index, node);
    }
    let is_whole =
        edges.elements().enumerate().filter(|(index, edge)| !graph.add_edge(findings, *index, *edge)).count() == 0;
    start_count(findings, &graph, nodes);
    if is_whole {
        reachability(findings, &graph);
        ways_out(findings, &graph);
    }
    edge_rules(findings, &graph);
}

impl<'a> Graph<'a> {
    fn add_node(&mut self, findings: &mut Findings<'_>, index: usize, node: Node<'a>) {
        let Some((id_node, id)) = text(node, "id") else { return };
        if let Some(first) = self.by_id.get(&id).and_then(|first| self.nodes.get(*first)) {
            let message = format!("expected each node id once, found {} again", quoted(&id));
            let help = format!("rename this node or the one at `/nodes/{}`", first.index);
            let pointer = format!("/nodes/{index}/id");
            findings.error(id_node, &pointer, Rule::DuplicateNodeId, message, help);
            return;
        }
        let kind = text(node, "type").map_or(Cow::Borrowed(""), |(_, kind)| kind);
        self.by_id.insert(id.clone(), self.nodes.len());
        self.nodes.push(GraphNode { node, id, kind, index, n_outgoing: 0 });
    }

    /// `false` where the edge joins no two nodes.
    fn add_edge(&mut self, findings: &mut Findings<'_>, index: usize, node: Node<'a>) -> bool {
        let from = self.end(findings, index, node, "from");
        let to = self.end(findings, index, node, "to");
        let (Some(from), Some(to)) = (from, to) else { return false };
        let condition = text(node, "condition").map(|(_, condition)| condition);
        self.nodes[from].n_outgoing += 1;
        self.edges.push(Edge { node, index, from, to, condition });
        true
    }

    fn end(&self, findings: &mut Findings<'_>, index: usize, edge: Node<'a>, key: &str) -> Option<usize> {
        let (end, id) = text(edge, key)?;
        let known = self.by_id.get(&id).copied();
        if known.is_none() {
            let message = format!("expected the id of a node of this flow, found {}", quoted(&id));
            let is_worth_it = self.nodes.len() <= NEAREST_AMONG_MAX && !findings.is_full_of_errors();
            let candidates = if is_worth_it { self.nodes.as_slice() } else { &[] };
            let help = match nearest(&id, candidates.iter().map(|node| node.id.as_ref())) {
                Some(near) => format!("is {} meant?", quoted(near)),
                None => "add the node, or remove the edge".to_owned(),
            };
            findings.error(end, &format!("/edges/{index}/{key}"), Rule::EdgeUnknownNode, message, help);
        }
        known
    }
}

fn start_count(findings: &mut Findings<'_>, graph: &Graph<'_>, nodes: Node<'_>) {
    let mut starts = graph.nodes.iter().filter(|node| node.kind == "start");
    let Some(first) = starts.next() else {
        let message = "expected exactly one node of type `start`, found none".to_owned();
        let help = "add the node where a conversation begins".to_owned();
        return findings.error(nodes, "/nodes", Rule::StartNodeCount, message, help);
    };
    for again in starts {
        let message = format!(
            "expected exactly one node of type `start`, found {} beside {}",
            quoted(&again.id),
            quoted(&first.id)
        );
        let help = "a conversation begins in one place; give one of them another type".to_owned();
        findings.error(again.node, &format!("/nodes/{}", again.index), Rule::StartNodeCount, message, help);
    }
}

fn reachability(findings: &mut Findings<'_>, graph: &Graph<'_>) {
    let mut by_from: Vec<(usize, usize)> = graph.edges.iter().map(|edge| (edge.from, edge.to)).collect();
    by_from.sort_unstable();
    let is_start = |index: &usize| graph.nodes[*index].kind == "start";
    let mut waiting: Vec<usize> = (0..graph.nodes.len()).filter(is_start).collect();
    if waiting.is_empty() {
        return;
    }
    let mut reached = vec![false; graph.nodes.len()];
    while let Some(index) = waiting.pop() {
        if !std::mem::replace(&mut reached[index], true) {
            let first = by_from.partition_point(|(from, _)| *from < index);
            waiting.extend(by_from[first..].iter().take_while(|(from, _)| *from == index).map(|(_, to)| *to));
        }
    }
    for node in graph.nodes.iter().zip(reached).filter(|(_, reached)| !reached).map(|(node, _)| node) {
        let message = format!("expected a path from the start node, found none to {}", quoted(&node.id));
        let help = "add an edge that leads here, or remove the node".to_owned();
        findings.warning(node.node, &format!("/nodes/{}", node.index), Rule::UnreachableNode, message, help);
    }
}

/// A conversation ends at `end` nodes, may be handed over at `external` ones, and goes on everywhere else.
fn ways_out(findings: &mut Findings<'_>, graph: &Graph<'_>) {
    for node in &graph.nodes {
        let pointer = || format!("/nodes/{}", node.index);
        match (node.kind.as_ref(), node.n_outgoing) {
            ("start" | "intent" | "action", 0) => {
                let message = format!("expected an edge that leaves {}, found none", quoted(&node.id));
                let help = "the conversation stops here; lead on, or to a node of type `end`".to_owned();
                findings.warning(node.node, &pointer(), Rule::DeadEnd, message, help);
            }
            ("end", 1..) => {
                let message = format!("expected no edge that leaves the end node {}, found some", quoted(&node.id));
                let help = "nothing follows an end; remove the edges or change the type".to_owned();
                findings.warning(node.node, &pointer(), Rule::EndGoesOn, message, help);
            }
            _ => {}
        }
    }
}

fn edge_rules(findings: &mut Findings<'_>, graph: &Graph<'_>) {
    let mut seen = HashSet::with_capacity(graph.edges.len());
    for edge in &graph.edges {
        let pointer = || format!("/edges/{}", edge.index);
        let ends = || format!("{} to {}", quoted(&graph.nodes[edge.from].id), quoted(&graph.nodes[edge.to].id));
        if !seen.insert((edge.from, edge.to, &edge.condition)) {
            let message = format!("expected each edge once, found the one from {} again", ends());
            findings.warning(edge.node, &pointer(), Rule::DuplicateEdge, message, "remove one of them".to_owned());
        }
        if edge.from == edge.to && edge.condition.is_none() {
            let message =
                format!("expected an edge to another node, or a condition, found one from {} without", ends());
            let help = "the conversation would never leave this node; add a condition or another end".to_owned();
            findings.warning(edge.node, &pointer(), Rule::EndlessEdge, message, help);
        }
    }
}
