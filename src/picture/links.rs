//! What leads to what in a flow: by its edges, or by the order of its nodes.

use std::collections::HashMap;

use crate::flow::diff::{Home, Sequence, View};

/// One way from a node to another, by their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link<'a> {
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    /// When it is followed; empty for always.
    pub(super) condition: &'a str,
}

/// The ways of a flow.
#[derive(Debug, Default)]
pub(super) struct Links<'a> {
    /// With the place of the edge, or of the node that is led to.
    pub(super) all: Vec<(usize, Link<'a>)>,
    /// Edges whose ends are no ids.
    pub(super) n_loose: usize,
}

/// What leads to what.
pub(super) fn links(view: &View) -> Links<'_> {
    match view.sequence {
        Sequence::Edges => by_edges(view),
        Sequence::Order => by_order(view),
    }
}

fn by_edges(view: &View) -> Links<'_> {
    let mut links = Links::default();
    for (at, edge) in view.edges.items.iter().enumerate() {
        let condition = edge.text("condition").unwrap_or_default();
        match (edge.text("from"), edge.text("to")) {
            (Some(from), Some(to)) => links.all.push((at, Link { from, to, condition })),
            _ => links.n_loose += 1,
        }
    }
    links
}

/// A node leads to its branches, a branch to the first of its body, and each of a chain to the next.
fn by_order(view: &View) -> Links<'_> {
    let nodes = &view.nodes.items;
    let mut links = Links::default();
    // The last one so far of each chain, by what the chain belongs to.
    let mut last: HashMap<Home, usize> = HashMap::new();
    for (at, node) in nodes.iter().enumerate() {
        let from = match node.home {
            Home::BranchOf(of) => Some(of),
            Home::Flow => last.insert(Home::Flow, at),
            Home::BodyOf(of) => last.insert(node.home, at).or(Some(of)),
        };
        if let (Some(from), Some(to)) = (from.and_then(|from| nodes.get(from)?.id()), node.id()) {
            links.all.push((at, Link { from, to, condition: "" }));
        }
    }
    links
}
