//! One flow, and what changed in it.

use std::collections::{BTreeSet, HashMap};

use super::links::{Link, links};
use crate::flow::diff::{EdgeEvent, FlowDiff, Home, NodeEvent, NodeView, Sequence, View};

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
    /// One of the ways on.
    Branch,
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
    sequence: Sequence,
    nodes: Vec<(&'a NodeView, Mark)>,
    links: Vec<(Link<'a>, Mark)>,
    /// Edges that join nothing.
    n_loose: usize,
    /// Ids of nodes that have branches.
    branching: BTreeSet<&'a str>,
}

impl Chart {
    /// A flow as it is.
    #[must_use]
    pub fn of(view: &View) -> Self {
        let links = links(view);
        let n_loose = links.n_loose;
        let links = links.all.into_iter().map(|(_, link)| (link, Mark::Same)).collect();
        let nodes = view.nodes.items.iter().map(|node| (node, Mark::Same)).collect();
        Material { sequence: view.sequence, nodes, links, n_loose, branching: branching(view) }.chart()
    }

    /// A flow as it will be, with what changed, what is gone included.
    #[must_use]
    pub fn of_update(before: &View, after: &View, diff: &FlowDiff) -> Self {
        let mut nodes: Vec<_> = after.nodes.items.iter().map(|node| (node, Mark::Same)).collect();
        for change in &diff.nodes {
            let mark = match change.change {
                NodeEvent::Added => Mark::Added,
                NodeEvent::Removed => Mark::Removed,
                NodeEvent::Changed => Mark::Changed,
                NodeEvent::Moved => Mark::Moved,
            };
            match (change.place.after, change.place.before) {
                (Some(at), _) => {
                    // What is more of a change than what is known already, counts.
                    if let Some((_, known)) = nodes.get_mut(at) {
                        *known = mark.max(*known);
                    }
                }
                (None, Some(at)) => nodes.extend(before.nodes.items.get(at).map(|node| (node, mark))),
                (None, None) => {}
            }
        }
        let (old, new) = (links(before), links(after));
        let n_loose = new.n_loose;
        let links = match after.sequence {
            Sequence::Edges => of_edges(&old.all, &new.all, diff),
            Sequence::Order => of_order(&old.all, &new.all),
        };
        let branching = branching(before).into_iter().chain(branching(after)).collect();
        Material { sequence: after.sequence, nodes, links, n_loose, branching }.chart()
    }

    /// Whether there is nothing to be drawn.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

/// The links that edges make, with what happened to each.
fn of_edges<'a>(old: &[(usize, Link<'a>)], new: &[(usize, Link<'a>)], diff: &FlowDiff) -> Vec<(Link<'a>, Mark)> {
    let mut marks: HashMap<usize, Mark> = HashMap::new();
    let mut gone = Vec::new();
    let was: HashMap<usize, Link<'a>> = old.iter().copied().collect();
    for change in &diff.edges {
        let mark = match change.change {
            EdgeEvent::Added | EdgeEvent::Retargeted => Mark::Added,
            EdgeEvent::Removed => Mark::Removed,
            EdgeEvent::Changed => Mark::Changed,
            EdgeEvent::Moved => Mark::Moved,
        };
        if let Some(at) = change.place.after {
            let known = marks.entry(at).or_insert(mark);
            *known = mark.max(*known);
        }
        // An edge that leads elsewhere now is one that is gone and one that is new.
        if let (EdgeEvent::Removed | EdgeEvent::Retargeted, Some(at)) = (change.change, change.place.before) {
            gone.extend(was.get(&at).map(|link| (*link, Mark::Removed)));
        }
    }
    let stays = new.iter().map(|(at, link)| (*link, marks.get(at).copied().unwrap_or(Mark::Same)));
    stays.chain(gone).collect()
}

/// The links that the order of nodes makes: each that is on one side only is new, or gone.
fn of_order<'a>(old: &[(usize, Link<'a>)], new: &[(usize, Link<'a>)]) -> Vec<(Link<'a>, Mark)> {
    let ends =
        |links: &[(usize, Link<'a>)]| links.iter().map(|(_, link)| (link.from, link.to)).collect::<BTreeSet<_>>();
    let (before, after) = (ends(old), ends(new));
    let marked = |(_, link): &(usize, Link<'a>)| {
        (*link, if before.contains(&(link.from, link.to)) { Mark::Same } else { Mark::Added })
    };
    let gone = old.iter().filter(|(_, link)| !after.contains(&(link.from, link.to)));
    new.iter().map(marked).chain(gone.map(|(_, link)| (*link, Mark::Removed))).collect()
}

/// The nodes that have branches.
fn branching(view: &View) -> BTreeSet<&str> {
    let nodes = &view.nodes.items;
    let owner = |node: &NodeView| if let Home::BranchOf(of) = node.home { Some(of) } else { None };
    nodes.iter().filter_map(owner).filter_map(|of| nodes.get(of)?.id()).collect()
}

/// A link by the places of its ends; ends that are no nodes are named.
struct Joined<'a> {
    ends: [End<'a>; 2],
    condition: &'a str,
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
        let mut nodes: Vec<ChartNode> = drawn.iter().map(|at| self.node(*at)).collect();
        let mut unknown: HashMap<&str, usize> = HashMap::new();
        let mut edges = Vec::new();
        let mut by_mark: Vec<&Joined<'_>> = joined.iter().collect();
        // What changed is drawn first where not all can be.
        by_mark.sort_by_key(|joined| joined.mark == Mark::Same);
        for Joined { ends, condition, mark } in by_mark {
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
                edges.push(ChartEdge { from, to, condition: (*condition).to_owned(), mark: *mark });
            }
        }
        Chart {
            n_nodes_left_out: self.nodes.len() - drawn.len(),
            n_edges_left_out: self.n_loose + self.links.len() - edges.len(),
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
        let join = |(link, mark): &(Link<'a>, Mark)| {
            let Link { from, to, condition } = *link;
            Joined { ends: [end(from), end(to)], condition, mark: *mark }
        };
        self.links.iter().map(join).collect()
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

    fn node(&self, at: usize) -> ChartNode {
        let (node, mark) = self.nodes[at];
        let kind = node.kind().unwrap_or("no type");
        let (title, note) = match (self.sequence, &node.label, node.id()) {
            (Sequence::Edges, Some(label), Some(id)) => (label.clone(), format!("{kind} {id}")),
            (_, Some(label), _) => (label.clone(), kind.to_owned()),
            (Sequence::Edges, None, Some(id)) => (id.to_owned(), kind.to_owned()),
            (Sequence::Edges, None, None) => ("node without id".to_owned(), kind.to_owned()),
            // Nobody knows a node of a chart by its id.
            (Sequence::Order, None, _) => (kind.to_owned(), String::new()),
        };
        let shape = match (kind, node.home) {
            ("start" | "end", _) => Shape::Terminal,
            (_, Home::BranchOf(_)) => Shape::Branch,
            ("intent", _) => Shape::Decision,
            ("external" | "goTo" | "executeFlow", _) => Shape::Flow,
            _ if node.id().is_some_and(|id| self.branching.contains(id)) => Shape::Decision,
            _ => Shape::Step,
        };
        ChartNode { title, note, shape, mark }
    }
}
