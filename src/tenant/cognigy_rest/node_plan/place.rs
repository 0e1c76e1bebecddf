//! Which nodes are made, which move, and where to.
//!
//! Parents come before what they hold, and the left before the right: whatever is put somewhere finds its parent and its
//! predecessor in their places, and never lands in what hangs on itself.

use std::collections::HashMap;

use super::super::chart::{Chain, Kind, Node, Role, Tree, Within, brought_with};
use super::impossible::Impossible;
use super::matching::Matching;
use super::order::{Item, staying};
use super::step::{Creation, NodeStep, Place};

/// What one child of a parent is, on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Child<'a> {
    /// Wanted, by its place among the wanted nodes.
    Wanted(usize),
    /// Live, and to be deleted at the end.
    Surplus,
    /// It came with a new parent, and is nobody's.
    Brought(&'a str),
}

/// Makes the steps that put nodes in their places.
pub(super) struct Placing<'a> {
    live: &'a Tree,
    desired: &'a Tree,
    matching: &'a Matching,
    /// Which wanted nodes stand where they should, as far as the steps so far go.
    in_place: Vec<bool>,
    /// Which wanted nodes come with their parents.
    pub(super) brought: Vec<bool>,
    /// The children of each wanted node that has any, now or in the end.
    children: HashMap<usize, Vec<Child<'a>>>,
    steps: Vec<NodeStep>,
}

impl<'a> Placing<'a> {
    pub(super) fn new(live: &'a Tree, desired: &'a Tree, matching: &'a Matching) -> Self {
        let n_nodes = desired.nodes.len();
        let (in_place, brought) = (vec![false; n_nodes], vec![false; n_nodes]);
        Self { live, desired, matching, in_place, brought, children: HashMap::new(), steps: Vec::new() }
    }

    /// Creates and moves.
    pub(super) fn run(mut self) -> Result<(Vec<NodeStep>, Vec<bool>), Impossible> {
        let desired = self.desired;
        let order = desired.preorder();
        self.check_ends()?;
        self.note_staying(Chain::Root)?;
        self.create_in(Chain::Root)?;
        for node in &order {
            self.meet_children(*node)?;
            for child in &desired.nodes[*node].branches {
                self.note_staying(Chain::Body(*child))?;
                self.create_in(Chain::Body(*child))?;
            }
        }
        order.iter().for_each(|node| self.drop_brought(*node));
        self.move_in(Chain::Root);
        for node in &order {
            self.move_children(*node);
            for child in &desired.nodes[*node].branches {
                self.move_in(Chain::Body(*child));
            }
        }
        Ok((self.steps, self.brought))
    }

    fn node(&self, index: usize) -> &'a Node {
        &self.desired.nodes[index]
    }

    fn name(&self, index: usize) -> String {
        self.node(index).reference.clone()
    }

    /// A chart begins with its start, and has nothing after its end.
    fn check_ends(&self) -> Result<(), Impossible> {
        let root = &self.desired.root;
        let role = |index: usize| self.node(index).kind.in_chain();
        if root.first().is_none_or(|first| role(*first) != Role::Start) {
            return Err(Impossible::NoStart);
        }
        match root.iter().rev().skip(1).find(|index| role(**index) == Role::End) {
            Some(end) => Err(Impossible::AfterEnd(self.name(*end))),
            None => Ok(()),
        }
    }

    /// Finds which nodes of a chain stay where they are.
    fn note_staying(&mut self, chain: Chain) -> Result<(), Impossible> {
        let home = match chain {
            Chain::Root => Some(Chain::Root),
            Chain::Body(owner) => self.matching.of_desired[owner].map(Chain::Body),
        };
        let Some(home) = home else { return Ok(()) };
        let at_home: HashMap<usize, usize> =
            self.live.chain(home).iter().enumerate().map(|(position, live)| (*live, position)).collect();
        let position = |index: &usize| Some(*at_home.get(&self.matching.of_desired[*index]?)?);
        let wanted = self.desired.chain(chain);
        let items: Vec<(usize, usize)> = wanted.iter().filter_map(|index| Some((*index, position(index)?))).collect();
        self.keep(&items, Within::Chain(chain))
    }

    /// Marks those of (wanted node, position now) that stay; all that never move must be among them.
    fn keep(&mut self, found: &[(usize, usize)], within: Within) -> Result<(), Impossible> {
        let heavy = found.len() as u64 + 1;
        let is_fixed = |index: usize| self.desired.role(index, within).is_fixed();
        let item = |(index, position): &(usize, usize)| Item {
            position: *position,
            weight: if is_fixed(*index) { heavy } else { 1 },
        };
        let stays = staying(&found.iter().map(item).collect::<Vec<_>>());
        for ((index, _), stays) in found.iter().zip(stays) {
            if !stays && is_fixed(*index) {
                return Err(Impossible::Move { node: self.name(*index), kind: self.node(*index).kind.name.clone() });
            }
            self.in_place[*index] = stays;
        }
        Ok(())
    }

    /// Creates what is missing in a chain, each after the nearest that stands there already.
    fn create_in(&mut self, chain: Chain) -> Result<(), Impossible> {
        let desired = self.desired;
        let mut after = match chain {
            Chain::Root => None,
            Chain::Body(owner) => Some(owner),
        };
        for index in desired.chain(chain) {
            if self.matching.of_desired[*index].is_none() {
                let anchor = after.filter(|_| desired.role(*index, Within::Chain(chain)) == Role::Ordinary);
                let anchor = anchor.ok_or_else(|| self.cannot_create(*index))?;
                let at = Place::After(self.name(anchor));
                self.create(*index, at);
            }
            if self.in_place[*index] {
                after = Some(*index);
            }
        }
        Ok(())
    }

    fn create(&mut self, index: usize, at: Place) {
        let Node { reference, kind, head, configs, .. } = self.node(index);
        let mut head = head.clone();
        head.is_disabled = true;
        let creation = Creation {
            node: reference.clone(),
            kind: kind.clone(),
            head,
            config: configs.get(&self.desired.locale).cloned(),
            locale: self.desired.locale.clone(),
            at,
        };
        self.steps.push(NodeStep::Create(Box::new(creation)));
        self.in_place[index] = true;
    }

    fn cannot_create(&self, index: usize) -> Impossible {
        Impossible::Create { node: self.name(index), kind: self.node(index).kind.name.clone() }
    }

    /// Finds out which children a node has, and creates those that are missing.
    fn meet_children(&mut self, parent: usize) -> Result<(), Impossible> {
        let desired = self.desired;
        let wanted = &desired.nodes[parent].branches;
        let now = match self.matching.of_desired[parent] {
            Some(live) => self.live_children(live),
            None => self.brought_children(parent)?,
        };
        let at: HashMap<usize, usize> = now
            .iter()
            .enumerate()
            .filter_map(
                |(position, child)| if let Child::Wanted(index) = child { Some((*index, position)) } else { None },
            )
            .collect();
        let found: Vec<(usize, usize)> = wanted.iter().filter_map(|index| Some((*index, *at.get(index)?))).collect();
        let within = Within::Branches(parent);
        self.keep(&found, within)?;
        if now.is_empty() && wanted.is_empty() {
            return Ok(());
        }
        self.children.insert(parent, now);
        let mut after = None;
        for index in wanted {
            if !at.contains_key(index) {
                if desired.role(*index, within) != Role::Branch {
                    return Err(self.cannot_create(*index));
                }
                let place = self.put_child(parent, *index, after);
                self.create(*index, place);
            }
            if self.in_place[*index] {
                after = Some(*index);
            }
        }
        Ok(())
    }

    fn live_children(&self, parent: usize) -> Vec<Child<'a>> {
        let child = |live: &usize| self.matching.of_live[*live].map_or(Child::Surplus, Child::Wanted);
        self.live.nodes[parent].branches.iter().map(child).collect()
    }

    /// What comes with a new node, each held against what is wanted, by type and in order.
    fn brought_children(&mut self, parent: usize) -> Result<Vec<Child<'a>>, Impossible> {
        let Node { reference, kind, branches, .. } = self.node(parent);
        let Some(kinds) = brought_with(&kind.name) else {
            let markers = branches.iter().copied().filter(|child| !self.is_branch(*child)).collect::<Vec<_>>();
            markers.iter().for_each(|child| self.brought[*child] = true);
            return Ok(markers.into_iter().map(Child::Wanted).collect());
        };
        let mut children = Vec::with_capacity(kinds.len());
        for name in kinds {
            let same = |child: &&usize| self.node(**child).kind.name == *name && !self.brought[**child];
            match branches.iter().find(same).copied() {
                Some(child) => {
                    self.brought[child] = true;
                    children.push(Child::Wanted(child));
                }
                None if Kind::basic(name).below_parent() == Role::Branch => children.push(Child::Brought(name)),
                None => return Err(Impossible::Brings { node: reference.clone(), kind: (*name).to_owned() }),
            }
        }
        Ok(children)
    }

    fn is_branch(&self, child: usize) -> bool {
        self.node(child).kind.below_parent() == Role::Branch
    }

    /// Puts a child after another, or first; says where that is in words of a request.
    fn put_child(&mut self, parent: usize, child: usize, after: Option<usize>) -> Place {
        let name = self.name(parent);
        let now = self.children.entry(parent).or_default();
        let position = after.and_then(|after| now.iter().position(|other| *other == Child::Wanted(after)));
        let position = position.map_or(0, |position| position + 1);
        let is_last = position == now.len();
        now.insert(position, Child::Wanted(child));
        match position {
            _ if is_last => Place::LastChild(name),
            0 => Place::FirstChild(name),
            position => Place::Child { parent: name, position },
        }
    }

    fn drop_brought(&mut self, parent: usize) {
        let name = self.name(parent);
        let Some(now) = self.children.get_mut(&parent) else { return };
        while let Some(at) = now.iter().rposition(|child| matches!(child, Child::Brought(_))) {
            if let Child::Brought(kind) = now.remove(at) {
                self.steps.push(NodeStep::DropBrought { parent: name.clone(), kind: kind.to_owned() });
            }
        }
    }

    /// Moves into a chain what stands elsewhere, or in another order.
    fn move_in(&mut self, chain: Chain) {
        let desired = self.desired;
        let mut after = match chain {
            Chain::Root => None,
            Chain::Body(owner) => Some(owner),
        };
        for index in desired.chain(chain) {
            if let Some(anchor) = after.filter(|_| !self.in_place[*index]) {
                let to = Place::After(self.name(anchor));
                self.steps.push(NodeStep::Move { node: self.name(*index), to });
                self.in_place[*index] = true;
            }
            after = Some(*index);
        }
    }

    fn move_children(&mut self, parent: usize) {
        let desired = self.desired;
        let mut after = None;
        for index in &desired.nodes[parent].branches {
            if !self.in_place[*index] {
                if let Some(now) = self.children.get_mut(&parent) {
                    now.retain(|child| *child != Child::Wanted(*index));
                }
                let to = self.put_child(parent, *index, after);
                self.steps.push(NodeStep::Move { node: self.name(*index), to });
                self.in_place[*index] = true;
            }
            after = Some(*index);
        }
    }
}
