//! A chart as a tree: chains of nodes, which may have branches, which hold chains again.
//!
//! Nodes lie in one list and know each other by their place in it, so that depth is no matter of the stack.

use std::collections::BTreeMap;

use serde_json::Value;

use super::kind::{Kind, Role};

/// The chart of one flow.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tree {
    /// Reference id of the flow.
    pub flow: String,
    /// The locale that nodes are created in.
    pub locale: String,
    /// Every node, in no order of meaning.
    pub nodes: Vec<Node>,
    /// The chain that `start` begins.
    pub root: Vec<usize>,
}

/// One node.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its reference id, unique in its flow.
    pub reference: String,
    /// Its type.
    pub kind: Kind,
    /// What all locales share.
    pub head: Head,
    /// Its configuration, whole, by the name of each locale that has one of its own.
    pub configs: BTreeMap<String, Value>,
    /// Its children, in their order.
    pub branches: Vec<usize>,
    /// The chain that hangs on it, where it stands below a parent.
    pub body: Vec<usize>,
}

/// What a node says of itself besides its configuration.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Head {
    /// What people read.
    pub label: String,
    /// A remark.
    pub comment: String,
    /// The remark's colour.
    pub comment_color: String,
    /// Its name in analytics; empty where it has none.
    pub analytics_label: String,
    /// Whether other nodes may lead here.
    pub is_entry_point: bool,
    /// Whether it is passed over.
    pub is_disabled: bool,
    /// What is answered in its place in tests; absent where that is off and empty.
    pub mock: Option<Value>,
}

/// A list of nodes that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Chain {
    /// The one that `start` begins.
    Root,
    /// The one that hangs on a child.
    Body(usize),
}

/// In which list a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Within {
    /// In a chain.
    Chain(Chain),
    /// Among the children of a node.
    Branches(usize),
}

/// Where a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// In which list.
    pub within: Within,
    /// From 0.
    pub position: usize,
}

impl Tree {
    /// The nodes of a chain.
    #[must_use]
    pub fn chain(&self, chain: Chain) -> &[usize] {
        match chain {
            Chain::Root => &self.root,
            Chain::Body(owner) => &self.nodes[owner].body,
        }
    }

    /// Where each node stands.
    ///
    /// A node that stands nowhere cannot be in a tree; it would be told to stand first in the root chain.
    #[must_use]
    pub fn standings(&self) -> Vec<Standing> {
        let nowhere = Standing { within: Within::Chain(Chain::Root), position: 0 };
        let mut standings = vec![nowhere; self.nodes.len()];
        let mut stand = |list: &[usize], within| {
            for (position, node) in list.iter().enumerate() {
                standings[*node] = Standing { within, position };
            }
        };
        stand(&self.root, Within::Chain(Chain::Root));
        for (index, node) in self.nodes.iter().enumerate() {
            stand(&node.branches, Within::Branches(index));
            stand(&node.body, Within::Chain(Chain::Body(index)));
        }
        standings
    }

    /// The nodes as a reader meets them: each, then its branches with what they hold, then its successor.
    #[must_use]
    pub fn preorder(&self) -> Vec<usize> {
        let mut order = Vec::with_capacity(self.nodes.len());
        let mut waiting: Vec<usize> = self.root.iter().rev().copied().collect();
        while let Some(index) = waiting.pop() {
            order.push(index);
            let Node { branches, body, .. } = &self.nodes[index];
            waiting.extend(body.iter().rev());
            waiting.extend(branches.iter().rev());
        }
        order
    }

    /// What may be done to a node that stands in a list.
    #[must_use]
    pub fn role(&self, node: usize, within: Within) -> Role {
        let kind = &self.nodes[node].kind;
        match within {
            Within::Chain(_) => kind.in_chain(),
            Within::Branches(_) => kind.below_parent(),
        }
    }
}

impl Node {
    /// A node without anything around it.
    #[must_use]
    pub fn new(reference: &str, kind: Kind) -> Self {
        Self {
            reference: reference.to_owned(),
            kind,
            head: Head::default(),
            configs: BTreeMap::new(),
            branches: Vec::new(),
            body: Vec::new(),
        }
    }
}
