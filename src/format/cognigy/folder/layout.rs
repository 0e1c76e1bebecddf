//! What a folder says that the composed document does not: which file holds what, and hints for readers.

use std::collections::BTreeMap;

use crate::format::cognigy::document::{FlowRef, LocaleName, NodeRef};

/// How a flow stands in its folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The locale whose settings stand in `flow.json`.
    pub locale: LocaleName,
    /// `$schema`, as it was written.
    pub(super) schema: Option<String>,
    /// The files with code, by node and locale.
    pub(super) code: BTreeMap<(NodeRef, LocaleName), String>,
    /// Files of locales.
    pub(super) locales: BTreeMap<LocaleName, String>,
    /// Hints where a node leads to.
    pub(super) to: BTreeMap<NodeRef, String>,
    /// Hints what an attachment is called, by its reference id.
    pub(super) names: BTreeMap<String, String>,
}

impl Layout {
    /// That of a new folder.
    #[must_use]
    pub fn new(locale: LocaleName) -> Self {
        let (code, locales) = (BTreeMap::new(), BTreeMap::new());
        Self { locale, schema: None, code, locales, to: BTreeMap::new(), names: BTreeMap::new() }
    }
}

/// What other things are called, for the hints in a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Names of flows.
    pub flows: BTreeMap<FlowRef, String>,
    /// Labels of nodes; the type of one that has none.
    pub nodes: BTreeMap<(FlowRef, NodeRef), String>,
    /// Names of whatever else is attached, by reference id.
    pub others: BTreeMap<String, String>,
}

impl Known {
    /// Adds a flow with its nodes.
    pub fn add(&mut self, flow: &crate::format::cognigy::document::Flow) {
        self.flows.insert(flow.reference, flow.name.clone());
        for node in flow.nodes() {
            let name = if node.head.label.is_empty() { &node.kind } else { &node.head.label };
            self.nodes.insert((flow.reference, node.reference), name.clone());
        }
    }
}
