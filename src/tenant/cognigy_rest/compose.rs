//! Between a chart and the document that the rest of the program knows a flow by.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::chart::{Head as ChartHead, Kind, Node as ChartNode, Tree};
use crate::format::cognigy::document::{
    BASIC_EXTENSION, Branch, Chain, Config, Flow, Head, LocaleName, Mock, Node, NodeRef, without_computed,
};

/// Branches within branches. Deeper ones are read by nobody, and the parser ends there as well.
const NESTING_MAX: usize = 24;

/// Why a tree is no document, in words.
type Reason = String;

/// The chart of a document.
pub(super) fn chain_of(tree: &Tree) -> Result<Chain, Reason> {
    chain(tree, &tree.root, 0)
}

fn chain(tree: &Tree, nodes: &[usize], depth: usize) -> Result<Chain, Reason> {
    if depth > NESTING_MAX {
        return Err(format!("its branches are nested more than {NESTING_MAX} deep"));
    }
    nodes.iter().map(|index| node(tree, *index, depth)).collect()
}

fn node(tree: &Tree, index: usize, depth: usize) -> Result<Node, Reason> {
    let ChartNode { reference, kind, head, configs, branches, body: _ } = &tree.nodes[index];
    let parsed: NodeRef = reference.parse().map_err(|error| format!("node `{reference}`: {error}"))?;
    let branch = |child: &usize| -> Result<Branch, Reason> {
        let body = chain(tree, &tree.nodes[*child].body, depth + 1)?;
        Ok(Branch { node: node(tree, *child, depth + 1)?, body })
    };
    let branches = branches.iter().map(branch).collect::<Result<_, _>>()?;
    let plain = Node { branches, ..Node::plain(&kind.name, parsed) };
    if kind.is_mere_place() {
        return Ok(plain);
    }
    let config = |(locale, config): (&String, &Value)| -> Result<(LocaleName, Config), Reason> {
        let mut config =
            config.as_object().cloned().ok_or_else(|| format!("node `{reference}` has no configuration"))?;
        without_computed(&kind.name, &mut config);
        Ok((locale.parse()?, config))
    };
    let config = configs.iter().map(config).collect::<Result<_, _>>()?;
    Ok(Node { head: self::head(head, kind), config, ..plain })
}

fn head(head: &ChartHead, kind: &Kind) -> Head {
    let ChartHead { label, comment, comment_color, analytics_label, is_entry_point, is_disabled, mock } = head.clone();
    let mock = mock.map(|mock| Mock {
        is_enabled: mock["isEnabled"].as_bool().unwrap_or_default(),
        code: mock["code"].as_str().unwrap_or_default().to_owned(),
    });
    let extension = Some(kind.extension.clone()).filter(|extension| extension != BASIC_EXTENSION);
    Head { extension, label, comment, comment_color, analytics_label, is_entry_point, is_disabled, mock }
}

/// The tree of a document's chart.
pub(super) fn tree_of(flow: &Flow, locale: &str) -> Tree {
    let mut tree = Tree { flow: flow.reference.to_string(), locale: locale.to_owned(), ..Tree::default() };
    tree.root = push_chain(&mut tree, &flow.chart);
    tree
}

fn push_chain(tree: &mut Tree, chain: &[Node]) -> Vec<usize> {
    chain.iter().map(|node| push(tree, node)).collect()
}

fn push(tree: &mut Tree, node: &Node) -> usize {
    let Node { reference, kind, head, config, branches } = node;
    let Head { extension, label, comment, comment_color, analytics_label, is_entry_point, is_disabled, mock } =
        head.clone();
    let kind = Kind { name: kind.clone(), extension: extension.unwrap_or_else(|| BASIC_EXTENSION.to_owned()) };
    let mock = mock.map(|Mock { is_enabled, code }| {
        Value::Object(Map::from_iter([("isEnabled".to_owned(), is_enabled.into()), ("code".to_owned(), code.into())]))
    });
    let index = tree.nodes.len();
    tree.nodes.push(ChartNode {
        head: ChartHead { label, comment, comment_color, analytics_label, is_entry_point, is_disabled, mock },
        configs: config.iter().map(|(name, config)| (name.to_string(), Value::Object(config.clone()))).collect(),
        ..ChartNode::new(&reference.to_string(), kind)
    });
    for Branch { node, body } in branches {
        let child = push(tree, node);
        let body = push_chain(tree, body);
        tree.nodes[child].body = body;
        tree.nodes[index].branches.push(child);
    }
    index
}

/// The document of a live flow, to the byte as git's: what it refers to is in whichever environment it is deployed to.
///
/// # Errors
/// In words: what was read is no flow.
pub(super) fn text_of(flow: &Flow) -> Result<String, Reason> {
    // Numbers are written as git's are, and whatever would not be read again is found here.
    Ok(Flow::parse(flow.to_text().as_bytes()).map_err(|error| error.to_string())?.to_text())
}

/// A live flow that cannot be read as one: it is there, equal to none of git's, and says why.
pub(super) fn unreadable(id: &str, name: &str, reason: &str, found: Value) -> String {
    let members: BTreeMap<&str, Value> =
        BTreeMap::from([("id", id.into()), ("name", name.into()), ("unreadable", reason.into()), ("found", found)]);
    serde_json::to_string(&members).unwrap_or_default()
}
