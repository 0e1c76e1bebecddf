//! The steps of a plan.
//!
//! A node that is or will be wanted goes by its reference id in git; [`NodePlan::aliases`] says which of them are live
//! under another one. A node that goes is named by its reference id in the live chart.

use serde_json::Value;

use super::super::chart::{Head, Kind};

/// What makes a live chart the one that is wanted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NodePlan {
    /// Nodes found live under another reference id than git's: (git's, the live one).
    pub aliases: Vec<(String, String)>,
    /// In the order in which they must happen.
    pub steps: Vec<NodeStep>,
    /// Nodes that differ in what no PATCH takes.
    pub only_by_package: Vec<String>,
}

/// How many nodes a plan touches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// New ones.
    pub n_created: usize,
    /// Those that go; what goes with a parent is not counted.
    pub n_deleted: usize,
    /// Those that stand elsewhere.
    pub n_moved: usize,
    /// Those that are written and were there.
    pub n_changed: usize,
}

/// One step: one request, or a few.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeStep {
    /// A new node.
    Create(Box<Creation>),
    /// The last child of a type goes that came with a new parent and is nobody's.
    DropBrought {
        /// The parent.
        parent: String,
        /// The child's type.
        kind: String,
    },
    /// A node goes elsewhere, with all that hangs on it.
    Move {
        /// The node.
        node: String,
        /// Where to.
        to: Place,
    },
    /// A node gets a configuration of its own in a locale.
    AddLocale {
        /// The node.
        node: String,
        /// The locale's name.
        locale: String,
    },
    /// It loses it.
    RemoveLocale {
        /// The node.
        node: String,
        /// The locale's name.
        locale: String,
    },
    /// Fields are written.
    Write {
        /// The node.
        node: String,
        /// The locale that a configuration is written in; any where only the head is.
        locale: String,
        /// The fields.
        patch: Box<Patch>,
    },
    /// A node goes.
    Delete {
        /// By its reference id in the live chart.
        node: String,
    },
}

/// What a node is created as.
#[derive(Debug, Clone, PartialEq)]
pub struct Creation {
    /// Its reference id in git; the tenant chooses another one.
    pub node: String,
    /// Its type.
    pub kind: Kind,
    /// Its head; always disabled.
    pub head: Head,
    /// Its configuration, where it has one in the locale.
    pub config: Option<Value>,
    /// The locale it is created in.
    pub locale: String,
    /// Where.
    pub at: Place,
}

/// A place in a chart, as requests name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Right after a node, or first in the chain of a child.
    After(String),
    /// Before all children.
    FirstChild(String),
    /// After all children.
    LastChild(String),
    /// In between, counted without the node itself.
    Child {
        /// The parent.
        parent: String,
        /// From 0.
        position: usize,
    },
}

/// Fields of a node that are written; the others stay.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Patch {
    /// What people read.
    pub label: Option<String>,
    /// A remark.
    pub comment: Option<String>,
    /// Its colour.
    pub comment_color: Option<String>,
    /// The name in analytics.
    pub analytics_label: Option<String>,
    /// Whether other nodes may lead there.
    pub is_entry_point: Option<bool>,
    /// Whether it is passed over.
    pub is_disabled: Option<bool>,
    /// The configuration, whole.
    pub config: Option<Value>,
}

impl Patch {
    /// Whether nothing is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl NodeStep {
    /// Whether it changes which nodes there are, or how they hang together.
    fn is_structural(&self) -> bool {
        matches!(self, Self::Create(_) | Self::DropBrought { .. } | Self::Move { .. } | Self::Delete { .. })
    }
}

impl NodePlan {
    /// Whether fields alone are written, of nodes that are live under git's reference ids.
    #[must_use]
    pub fn writes_fields_only(&self) -> bool {
        let structural = self.steps.iter().any(NodeStep::is_structural);
        !structural && self.aliases.is_empty() && self.only_by_package.is_empty()
    }

    /// How many nodes it touches.
    #[must_use]
    pub fn count(&self) -> Count {
        let mut count = Count::default();
        let (mut created, mut changed) = (std::collections::HashSet::new(), std::collections::HashSet::new());
        for step in &self.steps {
            match step {
                NodeStep::Create(creation) => _ = created.insert(creation.node.as_str()),
                NodeStep::Move { .. } => count.n_moved += 1,
                NodeStep::Delete { .. } => count.n_deleted += 1,
                NodeStep::Write { node, .. }
                | NodeStep::AddLocale { node, .. }
                | NodeStep::RemoveLocale { node, .. } => {
                    changed.insert(node.as_str());
                }
                NodeStep::DropBrought { .. } => {}
            }
        }
        count.n_created = created.len();
        count.n_changed = changed.difference(&created).count() + self.only_by_package.len();
        count
    }
}
