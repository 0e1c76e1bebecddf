//! Flows, and what they need.

use std::collections::{BTreeMap, BTreeSet};

use crate::flow::{FlowId, Reference, ReferenceKind};

/// What refers to what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    /// Flows and other things, each once.
    pub nodes: BTreeMap<NodeName, GraphNode>,
    /// Who needs whom.
    pub edges: BTreeSet<(NodeName, NodeName)>,
}

/// What something in a graph is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeName {
    /// A flow.
    Flow(FlowId),
    /// Something else, as `kind` and id; also a flow whose id is none.
    Other(ReferenceKind, String),
}

/// How something in a graph is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphNode {
    /// What people call it; empty where only its name is known.
    pub title: String,
    /// What is to happen to it.
    pub fate: Fate,
}

/// What is to happen to a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// Nothing, or nothing is said.
    Stays,
    /// It is created.
    Created,
    /// It is updated.
    Updated,
    /// It is deleted.
    Deleted,
}

impl Graph {
    /// Adds a flow with what it needs.
    pub fn add<'a>(&mut self, id: &FlowId, title: &str, fate: Fate, needs: impl IntoIterator<Item = &'a Reference>) {
        let name = NodeName::Flow(id.clone());
        self.nodes.insert(name.clone(), GraphNode { title: title.to_owned(), fate });
        for reference in needs {
            let other = NodeName::of(reference);
            let unknown = || GraphNode { title: String::new(), fate: Fate::Stays };
            self.nodes.entry(other.clone()).or_insert_with(unknown);
            self.edges.insert((name.clone(), other));
        }
    }
}

impl NodeName {
    fn of(reference: &Reference) -> Self {
        match (reference.kind, reference.id.parse()) {
            (ReferenceKind::Flow, Ok(id)) => Self::Flow(id),
            (kind, _) => Self::Other(kind, reference.id.clone()),
        }
    }

    /// A flow id alone; other things as `kind:id`.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Flow(id) => id.to_string(),
            Self::Other(ReferenceKind::Flow, id) => id.clone(),
            Self::Other(kind, id) => format!("{}:{id}", kind.as_str()),
        }
    }
}
