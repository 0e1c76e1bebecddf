//! What differs between two flows: the shape in which text, JSON and Markdown know it.

use serde::Serialize;

use super::value::Value;

/// Everything that differs. Empty for equal flows, and for no others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FlowDiff {
    /// What stands outside of nodes, edges and references; paths from the flow.
    pub fields: Vec<ValueChange>,
    /// Nodes, by their place after; then those that are gone, by their place before.
    pub nodes: Vec<NodeChange>,
    /// Edges, in the same order.
    pub edges: Vec<EdgeChange>,
    /// References, in the same order.
    pub references: Vec<ReferenceChange>,
    /// What was left out because there is too much of it.
    pub truncated: Truncated,
}

/// One value that differs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ValueChange {
    /// Where it stands: a JSON pointer into what is after; where nothing is, into what was before.
    pub path: String,
    /// Where it stood before, if it shifted in an array.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What was there; absent where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What is there; absent where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Sizes of sides that are too large to be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
}

/// Sizes of two sides that are not shown, as JSON in bytes; absent where there is nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Of what was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<usize>,
    /// Of what is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<usize>,
}

/// Places in a list, from 0; absent where the item is not in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Places {
    /// In the list before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<usize>,
    /// In the list after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<usize>,
}

/// What a node of a chart belongs to; a side is absent where that is the flow itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Within {
    /// Before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Stand>,
    /// After.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Stand>,
}

impl Within {
    /// Whether both sides are the flow itself.
    fn is_flow(&self) -> bool {
        *self == Self::default()
    }
}

/// A node, and which part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Stand {
    /// The id of the node.
    pub node: Value,
    /// The part.
    pub part: Part,
}

/// What nodes have room for others in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The branches of a node, in the order in which they are tried.
    Branches,
    /// What follows in a branch.
    Body,
}

/// What happened to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeEvent {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It says something else.
    Changed,
    /// It stands elsewhere among the others.
    Moved,
}

/// One thing that happened to one node; a node that was changed and moved has two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeChange {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Value>,
    /// Its type, the new one if that changed.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Value>,
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What happened.
    pub change: NodeEvent,
    /// Where it stands.
    pub place: Places,
    /// What it belongs to there; nothing where that is the flow itself.
    #[serde(skip_serializing_if = "Within::is_flow")]
    pub within: Within,
    /// What differs, paths from the node. Of one that came or went: everything but id and type.
    pub values: Vec<ValueChange>,
}

/// What happened to an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EdgeEvent {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It leads from or to another node.
    Retargeted,
    /// It joins the same nodes in another way.
    Changed,
    /// It stands elsewhere among the others.
    Moved,
}

/// One thing that happened to one edge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EdgeChange {
    /// What happened.
    pub change: EdgeEvent,
    /// Where it comes from now; of one that is gone, where it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// Where it leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
    /// When it is followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<Value>,
    /// The whole edge as it was; absent for a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// Where it stands.
    pub place: Places,
    /// What differs besides the above, paths from the edge.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<ValueChange>,
}

/// What happened to a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ReferenceEvent {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It stands elsewhere among the others.
    Moved,
}

/// One thing that happened to one reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReferenceChange {
    /// What happened.
    pub change: ReferenceEvent,
    /// What kind of thing is referred to.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Value>,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Value>,
    /// The environment it is looked for in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment_id: Option<Value>,
    /// Where it stands.
    pub place: Places,
    /// What it holds besides, paths from the reference.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<ValueChange>,
}

/// How much was left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Truncated {
    /// Changes of fields.
    pub fields: usize,
    /// Changes of nodes.
    pub nodes: usize,
    /// Changes of edges.
    pub edges: usize,
    /// Changes of references.
    pub references: usize,
    /// Values of changes that are shown, and sides of values.
    pub values: usize,
}

impl FlowDiff {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether nothing was left out.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.truncated == Truncated::default()
    }
}
