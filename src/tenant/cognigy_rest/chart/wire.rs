//! A chart as the tenant sends it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `GET /flows/{f}/chart`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct WireChart {
    /// Heads of all nodes, in no order of meaning.
    pub nodes: Vec<WireNode>,
    /// One for each node.
    pub relations: Vec<WireRelation>,
}

/// A node, with or without its configuration.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WireNode {
    /// New after each import.
    #[serde(rename = "_id")]
    pub id: String,
    /// Stable.
    pub reference_id: String,
    /// Opaque.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where the type comes from.
    pub extension: Option<String>,
    /// What people read.
    pub label: Option<String>,
    /// A remark.
    pub comment: Option<String>,
    /// Its colour.
    pub comment_color: Option<String>,
    /// Null where there is none.
    pub analytics_label: Option<String>,
    /// Whether other nodes may lead here.
    pub is_entry_point: Option<bool>,
    /// Whether it is passed over.
    pub is_disabled: Option<bool>,
    /// Reference of the locale that the configuration is of: another one than was asked for where it is inherited.
    pub locale_reference: Option<String>,
    /// What is answered in its place in tests.
    pub mock: Option<Value>,
    /// Whole; absent in a chart.
    pub config: Option<Value>,
}

/// What hangs on a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct WireRelation {
    /// `_id` of the node.
    pub node: String,
    /// `_id`s of its markers, cases or tools, in their order.
    #[serde(default)]
    pub children: Vec<String>,
    /// `_id` of its successor.
    #[serde(default)]
    pub next: Option<String>,
}
