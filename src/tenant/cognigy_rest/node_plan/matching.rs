//! Which live node is which wanted one.
//!
//! By reference id first. What came with its parent is told by type and order; what is left on both sides, at the same
//! place and alike, is one node whose reference id was lost. A node of another type is another node.

use std::collections::{HashMap, VecDeque};

use super::super::chart::{Chain, Kind, Role, Standing, Tree, Within};

/// Pairs, from both sides.
#[derive(Debug)]
pub(super) struct Matching {
    /// The live node of each wanted one.
    pub(super) of_desired: Vec<Option<usize>>,
    /// The wanted node of each live one.
    pub(super) of_live: Vec<Option<usize>>,
}

/// What two nodes at the same place have in common that are taken for one.
type Likeness<'a> = (&'a Kind, &'a str, String);

struct Matcher<'a> {
    live: &'a Tree,
    desired: &'a Tree,
    found: Matching,
    /// Pairs whose branches were not looked at yet, and pairs of chains likewise.
    waiting: Vec<(usize, usize)>,
}

/// Matches two charts.
pub(super) fn matching(live: &Tree, desired: &Tree) -> Matching {
    let found = Matching { of_desired: vec![None; desired.nodes.len()], of_live: vec![None; live.nodes.len()] };
    let mut matcher = Matcher { live, desired, found, waiting: Vec::new() };
    matcher.ends();
    matcher.by_reference();
    matcher.chains(Chain::Root, Chain::Root);
    while let Some((live, desired)) = matcher.waiting.pop() {
        matcher.branches(live, desired);
        matcher.chains(Chain::Body(live), Chain::Body(desired));
    }
    matcher.found
}

impl<'a> Matcher<'a> {
    fn pair(&mut self, live: usize, desired: usize) {
        self.found.of_desired[desired] = Some(live);
        self.found.of_live[live] = Some(desired);
        self.waiting.push((live, desired));
    }

    /// A flow has one start and one end.
    fn ends(&mut self) {
        for role in [Role::Start, Role::End] {
            let end = |tree: &Tree| tree.root.iter().copied().find(|node| tree.nodes[*node].kind.in_chain() == role);
            if let (Some(live), Some(desired)) = (end(self.live), end(self.desired)) {
                self.pair(live, desired);
            }
        }
    }

    /// Nodes of chains, wherever they stand.
    fn by_reference(&mut self) {
        let (live, desired) = (self.live, self.desired);
        let by_reference: HashMap<&str, usize> =
            ordinary(live).map(|index| (live.nodes[index].reference.as_str(), index)).collect();
        for index in ordinary(desired) {
            let node = &desired.nodes[index];
            let same = by_reference.get(node.reference.as_str());
            if let Some(same) = same.copied().filter(|same| live.nodes[*same].kind == node.kind) {
                self.pair(same, index);
            }
        }
    }

    /// Children of two nodes that are one: markers by type and order, the others by reference id first.
    fn branches(&mut self, live: usize, desired: usize) {
        let ours = children(self.live, live, Role::Marker);
        let theirs = children(self.desired, desired, Role::Marker);
        self.in_order(&ours, &theirs, kind_alone);
        let ours = children(self.live, live, Role::Branch);
        let theirs = children(self.desired, desired, Role::Branch);
        let node = |tree: &'a Tree, child: usize| (tree.nodes[child].reference.as_str(), &tree.nodes[child].kind);
        let by_reference: HashMap<_, usize> = ours.iter().map(|child| (node(self.live, *child), *child)).collect();
        for child in &theirs {
            if let Some(same) = by_reference.get(&node(self.desired, *child)) {
                self.pair(*same, *child);
            }
        }
        self.in_order(&ours, &theirs, likeness);
    }

    /// What is left in two chains that are one.
    fn chains(&mut self, live: Chain, desired: Chain) {
        let left = |tree: &Tree, chain| -> Vec<usize> {
            let nodes = tree.chain(chain).iter().copied();
            nodes.filter(|node| tree.nodes[*node].kind.in_chain() == Role::Ordinary).collect()
        };
        let (ours, theirs) = (left(self.live, live), left(self.desired, desired));
        self.in_order(&ours, &theirs, likeness);
    }

    /// Pairs what is left of two lists and alike, in order.
    fn in_order(&mut self, ours: &[usize], theirs: &[usize], likeness: fn(&'a Tree, usize) -> Likeness<'a>) {
        let mut left: HashMap<Likeness<'a>, VecDeque<usize>> = HashMap::new();
        let (live, desired) = (self.live, self.desired);
        for node in ours.iter().filter(|node| self.found.of_live[**node].is_none()) {
            left.entry(likeness(live, *node)).or_default().push_back(*node);
        }
        if left.is_empty() {
            return;
        }
        for node in theirs {
            if self.found.of_desired[*node].is_none()
                && let Some(same) = left.get_mut(&likeness(desired, *node)).and_then(VecDeque::pop_front)
            {
                self.pair(same, *node);
            }
        }
    }
}

/// The children of a node that have a role.
fn children(tree: &Tree, parent: usize, role: Role) -> Vec<usize> {
    let children = tree.nodes[parent].branches.iter().copied();
    children.filter(|child| tree.nodes[*child].kind.below_parent() == role).collect()
}

/// The nodes in chains that may be anywhere.
fn ordinary(tree: &Tree) -> impl Iterator<Item = usize> {
    let is_ordinary = |(index, standing): (usize, Standing)| {
        let in_chain = matches!(standing.within, Within::Chain(_));
        (in_chain && tree.nodes[index].kind.in_chain() == Role::Ordinary).then_some(index)
    };
    tree.standings().into_iter().enumerate().filter_map(is_ordinary)
}

fn kind_alone(tree: &Tree, node: usize) -> Likeness<'_> {
    (&tree.nodes[node].kind, "", String::new())
}

fn likeness(tree: &Tree, node: usize) -> Likeness<'_> {
    let node = &tree.nodes[node];
    let config = node.configs.get(&tree.locale).map(ToString::to_string).unwrap_or_default();
    (&node.kind, &node.head.label, config)
}
