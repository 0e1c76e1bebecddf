//! One flow, and what changed in it.

use std::collections::{BTreeSet, HashMap};

use crate::flow::diff::{EdgeEvent, EdgeView, FlowDiff, NodeEvent, NodeView, View};

/// Most nodes that are drawn.
pub const NODES_MAX: usize = 40;
/// Most edges that are drawn.
const EDGES_MAX: usize = 80;

/// A flow to be drawn: all of it where it is small, else what changed and what stands next to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chart {
    /// The nodes, in the order of the flow.
    pub nodes: Vec<ChartNode>,
    /// The edges between them.
    pub edges: Vec<ChartEdge>,
    /// Nodes that are not drawn.
    pub n_nodes_left_out: usize,
    /// Edges that are not drawn.
    pub n_edges_left_out: usize,
}

/// A node of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartNode {
    /// What people call it.
    pub title: String,
    /// What it is: its type, and its id where that is not the title.
    pub note: String,
    /// How it looks.
    pub shape: Shape,
    /// What happened to it.
    pub mark: Mark,
}

/// An edge of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartEdge {
    /// Index of the node it comes from.
    pub from: usize,
    /// Index of the node it leads to.
    pub to: usize,
    /// When it is followed; empty for always.
    pub condition: String,
    /// What happened to it.
    pub mark: Mark,
}

/// How a node looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Something is done or said.
    Step,
    /// The flow begins or ends.
    Terminal,
    /// The way depends on what was said.
    Decision,
    /// Another flow.
    Flow,
    /// There is no such node.
    Unknown,
}

/// What happened to a part of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// Nothing.
    Same,
    /// It stands elsewhere.
    Moved,
    /// It is another.
    Changed,
    /// It is new.
    Added,
    /// It is gone.
    Removed,
}

/// Everything that could be drawn.
struct Material<'a> {
    nodes: Vec<(&'a NodeView, Mark)>,
    edges: Vec<(&'a EdgeView, Mark)>,
}

impl Chart {
    /// A flow as it is.
    #[must_use]
    pub fn of(view: &View) -> Self {
        let nodes = view.nodes.items.iter().map(|node| (node, Mark::Same)).collect();
        let edges = view.edges.items.iter().map(|edge| (edge, Mark::Same)).collect();
        Material { nodes, edges }.chart()
    }

    /// A flow as it will be, with what changed, what is gone included.
    #[must_use]
    pub fn of_update(before: &View, after: &View, diff: &FlowDiff) -> Self {
        let mut nodes: Vec<_> = after.nodes.items.iter().map(|node| (node, Mark::Same)).collect();
        let mut edges: Vec<_> = after.edges.items.iter().map(|edge| (edge, Mark::Same)).collect();
        for change in &diff.nodes {
            let mark = match change.change {
                NodeEvent::Added => Mark::Added,
                NodeEvent::Removed => Mark::Removed,
                NodeEvent::Changed => Mark::Changed,
                NodeEvent::Moved => Mark::Moved,
            };
            match (change.place.after, change.place.before) {
                (Some(at), _) => set(&mut nodes, at, mark),
                (None, Some(at)) => nodes.extend(before.nodes.items.get(at).map(|node| (node, mark))),
                (None, None) => {}
            }
        }
        for change in &diff.edges {
            let mark = match change.change {
                EdgeEvent::Added | EdgeEvent::Retargeted => Mark::Added,
                EdgeEvent::Removed => Mark::Removed,
                EdgeEvent::Changed => Mark::Changed,
                EdgeEvent::Moved => Mark::Moved,
            };
            if let Some(at) = change.place.after {
                set(&mut edges, at, mark);
            }
            // An edge that leads elsewhere now is one that is gone and one that is new.
            if let (EdgeEvent::Removed | EdgeEvent::Retargeted, Some(at)) = (change.change, change.place.before) {
                edges.extend(before.edges.items.get(at).map(|edge| (edge, Mark::Removed)));
            }
        }
        Material { nodes, edges }.chart()
    }

    /// Whether there is nothing to be drawn.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

/// What is more of a change than what is known already, counts.
fn set<T>(items: &mut [(T, Mark)], at: usize, mark: Mark) {
    if let Some((_, known)) = items.get_mut(at) {
        *known = mark.max(*known);
    }
}

/// An edge by the places of its ends; ends that are no nodes are named.
struct Joined<'a> {
    ends: [End<'a>; 2],
    edge: &'a EdgeView,
    mark: Mark,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum End<'a> {
    Node(usize),
    Unknown(&'a str),
}

impl<'a> Material<'a> {
    fn chart(&self) -> Chart {
        let joined = self.joined();
        let drawn = self.drawn(&joined);
        let place: HashMap<usize, usize> = drawn.iter().enumerate().map(|(place, at)| (*at, place)).collect();
        let mut nodes: Vec<ChartNode> = drawn.iter().map(|at| node(self.nodes[*at].0, self.nodes[*at].1)).collect();
        let mut unknown: HashMap<&str, usize> = HashMap::new();
        let mut edges = Vec::new();
        let mut by_mark: Vec<&Joined<'_>> = joined.iter().collect();
        // What changed is drawn first where not all can be.
        by_mark.sort_by_key(|joined| joined.mark == Mark::Same);
        for Joined { ends, edge, mark } in by_mark {
            if edges.len() >= EDGES_MAX {
                break;
            }
            let mut index = |end: End<'a>| match end {
                End::Node(at) => place.get(&at).copied(),
                End::Unknown(id) => Some(*unknown.entry(id).or_insert_with(|| {
                    nodes.push(ChartNode {
                        title: id.to_owned(),
                        note: "no node of this flow".to_owned(),
                        shape: Shape::Unknown,
                        mark: Mark::Same,
                    });
                    nodes.len() - 1
                })),
            };
            if ends.iter().all(|end| matches!(end, End::Unknown(_))) {
                continue;
            }
            // Both ends, or neither is made.
            if ends.iter().any(|end| matches!(end, End::Node(at) if !place.contains_key(at))) {
                continue;
            }
            if let (Some(from), Some(to)) = (index(ends[0]), index(ends[1])) {
                let condition = edge.value.member("condition");
                let condition = condition.and_then(|condition| condition.as_text()).unwrap_or_default().to_owned();
                edges.push(ChartEdge { from, to, condition, mark: *mark });
            }
        }
        Chart {
            n_nodes_left_out: self.nodes.len() - drawn.len(),
            n_edges_left_out: self.edges.len() - edges.len(),
            nodes,
            edges,
        }
    }

    /// The edges whose ends are texts.
    fn joined(&self) -> Vec<Joined<'a>> {
        let mut place: HashMap<&str, usize> = HashMap::new();
        for (at, (node, _)) in self.nodes.iter().enumerate() {
            if let Some(id) = node.id() {
                place.entry(id).or_insert(at);
            }
        }
        let end = |id: &'a str| place.get(id).map_or(End::Unknown(id), |at| End::Node(*at));
        let join = |(edge, mark): &(&'a EdgeView, Mark)| {
            Some(Joined { ends: [end(edge.text("from")?), end(edge.text("to")?)], edge, mark: *mark })
        };
        self.edges.iter().filter_map(join).collect()
    }

    /// Places of the nodes that are drawn, ascending: all, or what changed, then what edges join to it, then the first.
    fn drawn(&self, joined: &[Joined<'_>]) -> Vec<usize> {
        if self.nodes.len() <= NODES_MAX {
            return (0..self.nodes.len()).collect();
        }
        let node = |end: &End<'_>| match end {
            End::Node(at) => Some(*at),
            End::Unknown(_) => None,
        };
        let changed = (0..self.nodes.len()).filter(|at| self.nodes[*at].1 != Mark::Same);
        let at_changed_edges = joined.iter().filter(|joined| joined.mark != Mark::Same).flat_map(|joined| &joined.ends);
        let core: Vec<usize> = changed.chain(at_changed_edges.filter_map(node)).collect();
        let core_set: BTreeSet<usize> = core.iter().copied().collect();
        let is_next = |joined: &&Joined<'_>| joined.ends.iter().filter_map(node).any(|at| core_set.contains(&at));
        let next = joined.iter().filter(is_next).flat_map(|joined| joined.ends.iter().filter_map(node));
        // Where nothing changed in the chart, its beginning is as good as any part of it.
        let first = if core.is_empty() { 0..self.nodes.len() } else { 0..0 };
        let mut drawn = BTreeSet::new();
        for at in core.iter().copied().chain(next).chain(first) {
            if drawn.len() == NODES_MAX {
                break;
            }
            drawn.insert(at);
        }
        drawn.into_iter().collect()
    }
}

fn node(node: &NodeView, mark: Mark) -> ChartNode {
    let kind = node.kind().unwrap_or("no type");
    let (title, note) = match (&node.label, node.id()) {
        (Some(label), Some(id)) => (label.clone(), format!("{kind} {id}")),
        (Some(label), None) => (label.clone(), kind.to_owned()),
        (None, Some(id)) => (id.to_owned(), kind.to_owned()),
        (None, None) => ("node without id".to_owned(), kind.to_owned()),
    };
    let shape = match kind {
        "start" | "end" => Shape::Terminal,
        "intent" => Shape::Decision,
        "external" => Shape::Flow,
        _ => Shape::Step,
    };
    ChartNode { title, note, shape, mark }
}
