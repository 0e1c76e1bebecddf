//! The types: a flow, its chart as a tree, and what a node has.

use std::collections::BTreeMap;

use super::{Config, FlowRef, LexiconRef, LocaleName, NodeRef};

/// The extension whose nodes are written without it.
pub const BASIC_EXTENSION: &str = "@cognigy/basic-nodes";

/// Nodes that come with the flow or with their parent and are nothing but places: they have a type and a reference id,
/// no head and no config that anybody reads or writes.
const MARKERS: [&str; 7] = ["start", "end", "then", "else", "default", "onFirstExecution", "afterwards"];

/// Whether nodes of this type have neither head nor config: see `MARKERS`.
#[must_use]
pub fn is_marker(kind: &str) -> bool {
    MARKERS.contains(&kind)
}

/// A flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Who it is.
    pub reference: FlowRef,
    /// What people call it; never empty.
    pub name: String,
    /// A few words on it; may be empty.
    pub description: String,
    /// Its default context; an object, keys sorted.
    pub context: Config,
    /// Flows whose intents count in this one, in their order.
    pub attached_flows: Vec<FlowRef>,
    /// Lexicons, in their order.
    pub attached_lexicons: Vec<LexiconRef>,
    /// From `start` on.
    pub chart: Chain,
}

/// Nodes that follow each other by `next`.
pub type Chain = Vec<Node>;

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Who it is, within its flow.
    pub reference: NodeRef,
    /// Its `type`; opaque, as the vendor spells it.
    pub kind: String,
    /// What all nodes have; the default one for a marker.
    pub head: Head,
    /// Its settings by locale: only of locales with an entry of their own. Empty for a marker.
    pub config: BTreeMap<LocaleName, Config>,
    /// Its children, in the order in which they are tried.
    pub branches: Vec<Branch>,
}

/// A child of a node, and what happens there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// The child itself: a marker, a case, a tool.
    pub node: Node,
    /// What follows on it by `next`.
    pub body: Chain,
}

/// What every node has besides its type; shared by all locales.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// Where its type comes from; `None` is [`BASIC_EXTENSION`].
    pub extension: Option<String>,
    /// What people call it.
    pub label: String,
    /// A comment.
    pub comment: String,
    /// The colour of the comment.
    pub comment_color: String,
    /// What analytics call it.
    pub analytics_label: String,
    /// Whether other nodes may lead here.
    pub is_entry_point: bool,
    /// Whether it is passed over.
    pub is_disabled: bool,
    /// What it does while mocking; `None` where that is off and empty.
    pub mock: Option<Mock>,
}

/// What a node does while mocking.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mock {
    /// Whether it is on.
    pub is_enabled: bool,
    /// The code that runs in its place.
    pub code: String,
}

impl Flow {
    /// Every node, parents before their children and each chain in its order.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        let mut waiting: Vec<&Node> = self.chart.iter().rev().collect();
        std::iter::from_fn(move || {
            let node = waiting.pop()?;
            for Branch { node, body } in node.branches.iter().rev() {
                waiting.extend(body.iter().rev());
                waiting.push(node);
            }
            Some(node)
        })
    }
}

impl Node {
    /// A marker, or a node of which nothing else is known.
    #[must_use]
    pub fn plain(kind: &str, reference: NodeRef) -> Self {
        let (head, config, branches) = (Head::default(), BTreeMap::new(), Vec::new());
        Self { reference, kind: kind.to_owned(), head, config, branches }
    }
}
