//! A chart in memory that does what requests say, by the rules of the wire, and refuses what a tenant refuses.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::super::chart::{Chain, Head, Kind, Node, Role, Tree, brought_with};
use super::step::{Creation, NodeStep, Patch, Place};

/// A node by its id.
#[derive(Debug, Clone)]
struct Held {
    reference: String,
    kind: Kind,
    head: Head,
    configs: BTreeMap<String, Value>,
    next: Option<usize>,
    children: Vec<usize>,
    parent: Option<usize>,
}

/// The chart, and which node git's reference ids stand for.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    held: BTreeMap<usize, Held>,
    start: usize,
    n_made: usize,
    flow: String,
    locale: String,
    /// Live reference ids of nodes that git calls otherwise.
    pub(super) aliases: HashMap<String, String>,
    /// Requests that changed something.
    pub(super) n_requests: usize,
}

/// What nodes are called live, by what a plan calls them.
pub(super) type Names = HashMap<String, String>;

impl Machine {
    pub(super) fn new(tree: &Tree) -> Self {
        let held = |node: &Node| Held {
            reference: node.reference.clone(),
            kind: node.kind.clone(),
            head: node.head.clone(),
            configs: node.configs.clone(),
            next: None,
            children: node.branches.clone(),
            parent: None,
        };
        let mut nodes: BTreeMap<usize, Held> = tree.nodes.iter().map(held).enumerate().collect();
        let mut link = |chain: &[usize]| {
            for pair in chain.windows(2) {
                nodes.get_mut(&pair[0]).unwrap().next = Some(pair[1]);
            }
        };
        link(&tree.root);
        tree.nodes.iter().for_each(|node| link(&node.body));
        for (index, node) in tree.nodes.iter().enumerate() {
            for child in &node.branches {
                nodes.get_mut(child).unwrap().parent = Some(index);
            }
            if let Some(first) = node.body.first() {
                nodes.get_mut(&index).unwrap().next = Some(*first);
            }
        }
        Self {
            n_made: nodes.len(),
            held: nodes,
            start: tree.root[0],
            flow: tree.flow.clone(),
            locale: tree.locale.clone(),
            aliases: HashMap::new(),
            n_requests: 0,
        }
    }

    /// The chart as a tree, by git's reference ids as far as they are known.
    pub(super) fn tree(&self) -> Tree {
        let back: HashMap<&str, &str> = self.aliases.iter().map(|(git, live)| (live.as_str(), git.as_str())).collect();
        let at: HashMap<usize, usize> = self.held.keys().enumerate().map(|(index, id)| (*id, index)).collect();
        let name = |held: &Held| match back.get(held.reference.as_str()) {
            Some(git) => (*git).to_owned(),
            None if self.aliases.contains_key(&held.reference) => format!("{} (live)", held.reference),
            None => held.reference.clone(),
        };
        let follow = |mut id: Option<usize>| {
            let mut chain = Vec::new();
            while let Some(node) = id {
                chain.push(at[&node]);
                id = self.held[&node].next;
            }
            chain
        };
        let node = |held: &Held| Node {
            reference: name(held),
            kind: held.kind.clone(),
            head: held.head.clone(),
            configs: held.configs.clone(),
            branches: held.children.iter().map(|child| at[child]).collect(),
            body: if held.parent.is_some() { follow(held.next) } else { Vec::new() },
        };
        let nodes = self.held.values().map(node).collect();
        Tree { flow: self.flow.clone(), locale: self.locale.clone(), nodes, root: follow(Some(self.start)) }
    }

    /// What its nodes are called live.
    pub(super) fn names(&self) -> Names {
        let tree = self.tree();
        let names = tree.nodes.iter().map(|node| node.reference.clone());
        names.zip(self.held.values().map(|held| held.reference.clone())).collect()
    }

    /// Nodes found to be wanted ones under other reference ids.
    pub(super) fn adopt(&mut self, aliases: &[(String, String)], seen: &Names) {
        self.aliases.extend(aliases.iter().map(|(git, name)| (git.clone(), seen[name].clone())));
    }

    /// Carries out a step of a plan that was made from `seen`.
    pub(super) fn apply(&mut self, step: &NodeStep, seen: &Names) {
        match step {
            NodeStep::Create(creation) => self.create(creation),
            NodeStep::DropBrought { parent, kind } => {
                let named: Vec<&String> = self.aliases.values().collect();
                let parent = &self.held[&self.find(parent)];
                let is_free = |child: &&usize| {
                    let held = &self.held[child];
                    held.kind.name == *kind && !named.contains(&&held.reference)
                };
                let child = *parent.children.iter().rev().find(is_free).unwrap();
                self.delete(child);
            }
            NodeStep::Move { node, to } => self.move_to(self.find(node), to),
            NodeStep::AddLocale { node, locale } => {
                let (id, base) = (self.find(node), self.locale.clone());
                let held = self.held.get_mut(&id).unwrap();
                assert!(!held.configs.contains_key(locale), "`{node}` has `{locale}`");
                let inherited = held.configs.get(&base).cloned().unwrap_or(Value::Null);
                held.configs.insert(locale.clone(), inherited);
                self.n_requests += 1;
            }
            NodeStep::RemoveLocale { node, locale } => {
                let id = self.find(node);
                self.held.get_mut(&id).unwrap().configs.remove(locale).expect("a locale to remove");
                self.n_requests += 1;
            }
            NodeStep::Write { node, locale, patch } => self.write(node, locale, patch, seen),
            NodeStep::Delete { node } => {
                let reference = &seen[node];
                let id = self.held.iter().find(|(_, held)| held.reference == *reference).map(|(id, _)| *id);
                self.delete(id.unwrap_or_else(|| panic!("`{node}` is not there")));
            }
        }
    }

    fn find(&self, git: &str) -> usize {
        let reference = self.aliases.get(git).map_or(git, String::as_str);
        let found = self.held.iter().find(|(_, held)| held.reference == reference);
        *found.unwrap_or_else(|| panic!("`{git}` is not there")).0
    }

    fn make(&mut self, kind: Kind, parent: Option<usize>) -> usize {
        let id = self.n_made;
        self.n_made += 1;
        let config = (kind.name == "case").then(|| (self.locale.clone(), Value::Null));
        let configs = config.into_iter().collect();
        let held = Held {
            reference: format!("live-{id}"),
            kind,
            head: Head::default(),
            configs,
            next: None,
            children: Vec::new(),
            parent,
        };
        self.held.insert(id, held);
        id
    }

    fn create(&mut self, creation: &Creation) {
        let Creation { node, kind, head, config, locale, at } = creation;
        assert!(head.is_disabled, "created disabled");
        let id = self.make(kind.clone(), None);
        let held = self.held.get_mut(&id).unwrap();
        held.head = head.clone();
        held.configs = config.iter().map(|config| (locale.clone(), config.clone())).collect();
        self.aliases.insert(node.clone(), self.held[&id].reference.clone());
        self.insert(id, at);
        let odd = (kind.name == "odd").then_some(&["oddMarker"][..]);
        for kind in brought_with(&kind.name).or(odd).unwrap_or_default() {
            let child = self.make(Kind::basic(kind), Some(id));
            self.held.get_mut(&id).unwrap().children.push(child);
        }
        self.n_requests += 1;
    }

    /// After a creation the chart is read: what came along is told by type and order.
    pub(super) fn adopt_brought(&mut self, creation: &Creation, desired: &Tree) {
        let wanted = desired.nodes.iter().find(|node| node.reference == creation.node).unwrap();
        let mut free = self.held[&self.find(&creation.node)].children.clone();
        for child in &wanted.branches {
            let child = &desired.nodes[*child];
            if let Some(at) = free.iter().position(|id| self.held[id].kind == child.kind) {
                let live = self.held[&free.remove(at)].reference.clone();
                self.aliases.insert(child.reference.clone(), live);
            }
        }
    }

    fn insert(&mut self, id: usize, at: &Place) {
        let kind = self.held[&id].kind.clone();
        if let Place::After(target) = at {
            let target = self.find(target);
            let held = &self.held[&target];
            assert!(held.parent.is_some() || held.kind.in_chain() != Role::End, "nothing after the end");
            assert!(kind.name != "case", "404: a case in a chain");
            assert!(!self.is_below(target, id), "a node in itself");
            let next = self.held.get_mut(&target).unwrap().next.replace(id);
            self.held.get_mut(&id).unwrap().next = next;
            return;
        }
        assert!(kind.below_parent() == Role::Branch, "only cases and tools below a parent");
        let (Place::FirstChild(parent) | Place::LastChild(parent) | Place::Child { parent, .. }) = at else {
            unreachable!()
        };
        let parent = self.find(parent);
        self.held.get_mut(&id).unwrap().parent = Some(parent);
        let children = &mut self.held.get_mut(&parent).unwrap().children;
        match at {
            Place::FirstChild(_) => children.insert(0, id),
            Place::Child { position, .. } => {
                assert!(*position > 0 && *position < children.len());
                children.insert(*position, id);
            }
            _ => children.push(id),
        }
    }

    /// Whether a node hangs on another, at any depth.
    fn is_below(&self, node: usize, top: usize) -> bool {
        let mut waiting = vec![top];
        while let Some(id) = waiting.pop() {
            if id == node {
                return true;
            }
            for child in &self.held[&id].children {
                waiting.push(*child);
                let mut next = self.held[child].next;
                while let Some(node) = next {
                    waiting.push(node);
                    next = self.held[&node].next;
                }
            }
        }
        false
    }

    fn check_movable(&self, id: usize) {
        let held = &self.held[&id];
        let role = if held.parent.is_some() { held.kind.below_parent() } else { held.kind.in_chain() };
        assert!(!role.is_fixed(), "a {} stays", held.kind.name);
    }

    /// Takes a node out of its list; a child keeps what hangs on it.
    fn take_out(&mut self, id: usize) {
        if let Some(parent) = self.held[&id].parent {
            self.held.get_mut(&parent).unwrap().children.retain(|child| *child != id);
            return;
        }
        let next = self.held.get_mut(&id).unwrap().next.take();
        let before = self.held.iter().find(|(_, held)| held.next == Some(id)).map(|(id, _)| *id);
        self.held.get_mut(&before.expect("a predecessor")).unwrap().next = next;
    }

    fn move_to(&mut self, id: usize, to: &Place) {
        self.check_movable(id);
        let before = self.shape();
        self.take_out(id);
        self.insert(id, to);
        assert_ne!(self.shape(), before, "a move that moves nothing");
        self.n_requests += 1;
    }

    fn shape(&self) -> Vec<(usize, Option<usize>, Vec<usize>)> {
        self.held.iter().map(|(id, held)| (*id, held.next, held.children.clone())).collect()
    }

    fn delete(&mut self, id: usize) {
        self.check_movable(id);
        let tree = self.held[&id].parent.is_some().then_some(self.held[&id].next).flatten();
        self.take_out(id);
        let mut waiting = vec![Some(id), tree];
        while let Some(next) = waiting.pop() {
            let Some(held) = next.and_then(|id| self.held.remove(&id)) else { continue };
            waiting.push(held.next);
            waiting.extend(held.children.iter().map(|child| Some(*child)));
        }
        self.n_requests += 1;
    }

    fn write(&mut self, node: &str, locale: &str, patch: &Patch, seen: &Names) {
        let id = self.find(node);
        let held = self.held.get_mut(&id).unwrap();
        let Head { label, comment, comment_color, analytics_label, is_entry_point, is_disabled, mock: _ } =
            &mut held.head;
        let before = (
            label.clone(),
            comment.clone(),
            comment_color.clone(),
            analytics_label.clone(),
            *is_entry_point,
            *is_disabled,
        );
        let text = |field: &mut String, to: &Option<String>| to.iter().for_each(|to| field.clone_from(to));
        text(label, &patch.label);
        text(comment, &patch.comment);
        text(comment_color, &patch.comment_color);
        text(analytics_label, &patch.analytics_label);
        *is_entry_point = patch.is_entry_point.unwrap_or(*is_entry_point);
        *is_disabled = patch.is_disabled.unwrap_or(*is_disabled);
        let after = (
            label.clone(),
            comment.clone(),
            comment_color.clone(),
            analytics_label.clone(),
            *is_entry_point,
            *is_disabled,
        );
        let mut is_changed = before != after;
        if let Some(config) = &patch.config {
            is_changed |= held.configs.insert(locale.to_owned(), config.clone()).as_ref() != Some(config);
        }
        // Of what was seen the plan knows everything; of what came along nothing.
        let was_seen = seen.values().any(|known| *known == self.held[&id].reference);
        assert!(
            is_changed || !was_seen || patch.config.is_some() && locale != self.locale,
            "`{node}`: a PATCH of nothing"
        );
        self.n_requests += usize::from(is_changed);
    }
}

/// Whether two charts are one, but for reference ids of nodes that live ones were made for.
pub(super) fn alike(one: &Tree, other: &Tree) -> Result<(), String> {
    let lists = |tree: &Tree, chain: Chain| tree.chain(chain).to_vec();
    let mut waiting = vec![(lists(one, Chain::Root), lists(other, Chain::Root))];
    while let Some((ours, theirs)) = waiting.pop() {
        if ours.len() != theirs.len() {
            return Err(format!("{ours:?} {theirs:?}"));
        }
        for (a, b) in ours.into_iter().zip(theirs) {
            let (left, right) = (&one.nodes[a], &other.nodes[b]);
            if left.kind != right.kind {
                return Err(format!("{left:?} {right:?}"));
            }
            let is_same = (&left.head, &left.configs) == (&right.head, &right.configs);
            if !left.kind.is_mere_place() && !is_same {
                return Err(format!("{left:?} {right:?}"));
            }
            waiting.push((left.branches.clone(), right.branches.clone()));
            waiting.push((left.body.clone(), right.body.clone()));
        }
    }
    Ok(())
}
