//! The chart of a flow: nodes, and how they hang together (vendor's reference). `next` is what comes after a node,
//! `children` are the branches of a branching one; a branch's content hangs on its marker's `next`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::mint::{Id, Mint, RefId};
use super::super::refusal::Refusal;
use super::kinds::BASIC;
use super::node::Node;

/// Nodes and relations, by node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Chart {
    pub(crate) id: Id,
    pub(crate) nodes: BTreeMap<Id, Node>,
    pub(crate) relations: BTreeMap<Id, Relation>,
}

/// What hangs on a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Relation {
    pub(crate) id: Id,
    pub(crate) children: Vec<Id>,
    pub(crate) next: Option<Id>,
}

impl Chart {
    /// `start`, then `end`.
    pub(crate) fn new(mint: &mut Mint, locales: &[Id]) -> Self {
        let mut chart = Self { id: mint.id(), nodes: BTreeMap::new(), relations: BTreeMap::new() };
        let [start, end] = ["start", "end"].map(|kind| Node::new(mint.id(), mint.reference(), kind, BASIC, locales));
        let (first, last) = (start.id.clone(), end.id.clone());
        chart.add(start, mint);
        chart.add(end, mint);
        chart.relation(&first).next = Some(last);
        chart
    }

    /// Adds a node that hangs nowhere yet.
    pub(crate) fn add(&mut self, node: Node, mint: &mut Mint) {
        self.relations.insert(node.id.clone(), Relation { id: mint.id(), children: Vec::new(), next: None });
        self.nodes.insert(node.id.clone(), node);
    }

    pub(crate) fn node(&self, id: &Id) -> Result<&Node, Refusal> {
        self.nodes.get(id).ok_or_else(|| Refusal::not_found("ChartNode", id.as_str()))
    }

    pub(crate) fn node_mut(&mut self, id: &Id) -> Result<&mut Node, Refusal> {
        self.nodes.get_mut(id).ok_or_else(|| Refusal::not_found("ChartNode", id.as_str()))
    }

    /// The node of a type that there is once.
    pub(crate) fn only(&self, kind: &str) -> Option<&Node> {
        self.nodes.values().find(|node| node.kind == kind && node.extension == BASIC)
    }

    /// What hangs on a node; a node without a relation gets one.
    pub(crate) fn relation(&mut self, node: &Id) -> &mut Relation {
        let id = self.id.clone();
        self.relations.entry(node.clone()).or_insert_with(|| Relation { id, children: Vec::new(), next: None })
    }

    pub(crate) fn next(&self, node: &Id) -> Option<&Id> {
        self.relations.get(node).and_then(|relation| relation.next.as_ref())
    }

    pub(crate) fn children(&self, node: &Id) -> &[Id] {
        self.relations.get(node).map_or(&[], |relation| &relation.children)
    }

    /// The node whose child `node` is.
    pub(crate) fn parent(&self, node: &Id) -> Option<&Id> {
        self.relations.iter().find(|(_, relation)| relation.children.contains(node)).map(|(parent, _)| parent)
    }

    /// The node whose `next` is `node`.
    pub(crate) fn previous(&self, node: &Id) -> Option<&Id> {
        self.relations.iter().find(|(_, relation)| relation.next.as_ref() == Some(node)).map(|(previous, _)| previous)
    }

    /// `node` and all that goes with it: its branches with their content; of a branch, its own content too.
    pub(crate) fn subtree(&self, node: &Id) -> Vec<Id> {
        let mut found = vec![node.clone()];
        let mut waiting: Vec<&Id> = self.children(node).iter().collect();
        if self.nodes.get(node).is_some_and(|node| node.parent_kind().is_some()) {
            waiting.extend(self.next(node));
        }
        while let Some(id) = waiting.pop() {
            if !found.contains(id) {
                found.push(id.clone());
                waiting.extend(self.children(id));
                waiting.extend(self.next(id));
            }
        }
        found
    }

    /// Calls its nodes as `earlier` calls those of the same reference ids.
    pub(crate) fn keep_ids_of(&mut self, earlier: &Self) {
        let known: BTreeMap<&RefId, &Id> = earlier.nodes.values().map(|node| (&node.reference, &node.id)).collect();
        let renamed: BTreeMap<Id, Id> = self
            .nodes
            .values()
            .filter_map(|node| Some((node.id.clone(), (*known.get(&node.reference)?).clone())))
            .collect();
        let name = |id: Id| renamed.get(&id).cloned().unwrap_or(id);
        let nodes = std::mem::take(&mut self.nodes).into_iter();
        self.nodes = nodes.map(|(id, node)| (name(id.clone()), Node { id: name(id), ..node })).collect();
        let relations = std::mem::take(&mut self.relations).into_iter();
        let relation = |(node, Relation { id, children, next }): (Id, Relation)| {
            let children = children.into_iter().map(&name).collect();
            (name(node), Relation { id, children, next: next.map(&name) })
        };
        self.relations = relations.map(relation).collect();
    }

    /// As `GET …/chart` shows it; the order of nodes and relations means nothing.
    pub(crate) fn to_json(&self, turn: &[Id]) -> Value {
        let relations = self.relations.iter().map(|(node, Relation { id, children, next })| {
            json!({ "_id": id, "node": node, "children": children, "next": next })
        });
        json!({
            "_id": self.id,
            "nodes": self.nodes.values().map(|node| node.head(turn)).collect::<Vec<_>>(),
            "relations": relations.collect::<Vec<_>>(),
        })
    }
}
