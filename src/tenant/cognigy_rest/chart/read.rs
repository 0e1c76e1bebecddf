//! From nodes and relations to a tree, or the reason why they are none.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::kind::{BASIC_EXTENSION, Kind};
use super::tree::{Head, Node, Tree};
use super::wire::{WireChart, WireNode, WireRelation};

/// Why a chart is no tree. Ids are the tenant's, as it sent them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableChart {
    /// None, or several, of its nodes are of type `start`.
    #[error("expected one node of type `start`, found {0}")]
    Starts(usize),
    /// Two nodes have one id.
    #[error("two nodes have the id `{0}`")]
    NodeTwice(String),
    /// Two nodes have one reference id, or one has none.
    #[error("expected a reference id of its own for each node, found `{0}` again")]
    ReferenceTwice(String),
    /// A node has no relation.
    #[error("node `{0}` has no relation")]
    NoRelation(String),
    /// A node has two.
    #[error("node `{0}` has two relations")]
    RelationTwice(String),
    /// A relation speaks of a node that is not there.
    #[error("a relation names node `{0}`, which is not there")]
    NoNode(String),
    /// A node follows two others, or is a child of two.
    #[error("node `{0}` hangs on two others")]
    TwoPredecessors(String),
    /// A node cannot be reached from `start`.
    #[error("node `{0}` hangs nowhere")]
    Loose(String),
}

/// Reads a chart. Configurations come later, from elsewhere: the chart has none.
///
/// # Errors
///
/// It is no tree.
pub fn read(chart: &WireChart, flow: &str, locale: &str) -> Result<Tree, UnreadableChart> {
    let by_id = by_id(&chart.nodes)?;
    let relations = relations(chart, &by_id)?;
    let starts: Vec<usize> = (0..chart.nodes.len()).filter(|index| chart.nodes[*index].kind == "start").collect();
    let [start] = starts[..] else { return Err(UnreadableChart::Starts(starts.len())) };
    let nodes = chart.nodes.iter().map(node).collect();
    let mut tree = Tree { flow: flow.to_owned(), locale: locale.to_owned(), nodes, root: Vec::new() };
    let mut reader = Reader { chart, by_id: &by_id, relations: &relations, seen: HashSet::new() };
    reader.claim(start)?;
    tree.root = reader.chain_from(start)?;
    let mut waiting = tree.root.clone();
    while let Some(parent) = waiting.pop() {
        let relation = relations[parent];
        for child in &relation.children {
            let child = reader.take(child)?;
            tree.nodes[child].body = match &relations[child].next {
                Some(first) => {
                    let first = reader.take(first)?;
                    reader.chain_from(first)?
                }
                None => Vec::new(),
            };
            waiting.push(child);
            waiting.extend(&tree.nodes[child].body);
            tree.nodes[parent].branches.push(child);
        }
    }
    match (0..chart.nodes.len()).find(|index| !reader.seen.contains(index)) {
        Some(loose) => Err(UnreadableChart::Loose(chart.nodes[loose].id.clone())),
        None => Ok(tree),
    }
}

struct Reader<'a> {
    chart: &'a WireChart,
    by_id: &'a HashMap<&'a str, usize>,
    relations: &'a [&'a WireRelation],
    seen: HashSet<usize>,
}

impl Reader<'_> {
    /// The node of an id that something hangs on for the first time.
    fn take(&mut self, id: &str) -> Result<usize, UnreadableChart> {
        let index = *self.by_id.get(id).ok_or_else(|| UnreadableChart::NoNode(id.to_owned()))?;
        self.claim(index)?;
        Ok(index)
    }

    fn claim(&mut self, index: usize) -> Result<(), UnreadableChart> {
        let is_new = self.seen.insert(index);
        if is_new { Ok(()) } else { Err(UnreadableChart::TwoPredecessors(self.chart.nodes[index].id.clone())) }
    }

    /// A node that was taken, and all that follow it.
    fn chain_from(&mut self, first: usize) -> Result<Vec<usize>, UnreadableChart> {
        let mut chain = vec![first];
        let mut last = first;
        while let Some(next) = &self.relations[last].next {
            last = self.take(next)?;
            chain.push(last);
        }
        Ok(chain)
    }
}

fn by_id(nodes: &[WireNode]) -> Result<HashMap<&str, usize>, UnreadableChart> {
    let (mut by_id, mut references) = (HashMap::new(), HashSet::new());
    for (index, node) in nodes.iter().enumerate() {
        if by_id.insert(node.id.as_str(), index).is_some() {
            return Err(UnreadableChart::NodeTwice(node.id.clone()));
        }
        if node.reference_id.is_empty() || !references.insert(node.reference_id.as_str()) {
            return Err(UnreadableChart::ReferenceTwice(node.reference_id.clone()));
        }
    }
    Ok(by_id)
}

/// The relation of each node.
fn relations<'a>(chart: &'a WireChart, by_id: &HashMap<&str, usize>) -> Result<Vec<&'a WireRelation>, UnreadableChart> {
    let mut of = vec![None; chart.nodes.len()];
    for relation in &chart.relations {
        let index = by_id.get(relation.node.as_str());
        let index = *index.ok_or_else(|| UnreadableChart::NoNode(relation.node.clone()))?;
        if of[index].replace(relation).is_some() {
            return Err(UnreadableChart::RelationTwice(relation.node.clone()));
        }
    }
    let without = |index: usize| UnreadableChart::NoRelation(chart.nodes[index].id.clone());
    of.into_iter().enumerate().map(|(index, relation)| relation.ok_or_else(|| without(index))).collect()
}

fn node(wire: &WireNode) -> Node {
    let extension = wire.extension.clone().filter(|extension| !extension.is_empty());
    let kind = Kind { name: wire.kind.clone(), extension: extension.unwrap_or_else(|| BASIC_EXTENSION.to_owned()) };
    Node { head: head(wire), ..Node::new(&wire.reference_id, kind) }
}

/// What a node says of itself besides its configuration.
#[must_use]
pub fn head(wire: &WireNode) -> Head {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    Head {
        label: text(&wire.label),
        comment: text(&wire.comment),
        comment_color: text(&wire.comment_color),
        analytics_label: text(&wire.analytics_label),
        is_entry_point: wire.is_entry_point.unwrap_or_default(),
        is_disabled: wire.is_disabled.unwrap_or_default(),
        mock: wire.mock.clone().and_then(meant),
    }
}

/// A mock without its computed keys; `None` where it is off and empty.
fn meant(mock: Value) -> Option<Value> {
    let Value::Object(members) = mock else { return None };
    let mut meant = serde_json::Map::new();
    for key in ["isEnabled", "code"] {
        if let Some(value) = members.get(key) {
            meant.insert(key.to_owned(), value.clone());
        }
    }
    let is_on = meant.get("isEnabled") == Some(&Value::Bool(true));
    let is_empty = meant.get("code").is_none_or(|code| code.as_str().is_some_and(str::is_empty));
    (is_on || !is_empty).then_some(Value::Object(meant))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::tenant::cognigy_rest::chart::relate;

    const CHART: &str = r#"{"_id":"400","nodes":[
        {"_id":"104","referenceId":"r4","type":"else","extension":"@cognigy/basic-nodes"},
        {"_id":"100","referenceId":"r0","type":"start"},
        {"_id":"102","referenceId":"r2","type":"if","label":"Book?","analyticsLabel":null,"preview":{"any":1},
         "mock":{"isEnabled":false,"code":"","hasError":false}},
        {"_id":"103","referenceId":"r3","type":"then"},
        {"_id":"105","referenceId":"r5","type":"goTo","isEntryPoint":true,"isDisabled":true,"extension":"mine"},
        {"_id":"106","referenceId":"r6","type":"end"}],
      "relations":[
        {"_id":"206","node":"106","children":[],"next":null},
        {"_id":"200","node":"100","children":[],"next":"102"},
        {"_id":"202","node":"102","children":["103","104"],"next":"106"},
        {"_id":"203","node":"103","children":[],"next":"105"},
        {"_id":"204","node":"104"},
        {"_id":"205","node":"105","children":[],"next":null}]}"#;

    fn chart() -> WireChart {
        serde_json::from_str(CHART).unwrap()
    }

    fn shown(tree: &Tree) -> Vec<&str> {
        tree.preorder().into_iter().map(|index| tree.nodes[index].reference.as_str()).collect()
    }

    #[test]
    fn relations_become_chains_and_branches_whatever_their_order() {
        let tree = read(&chart(), "f", "en").unwrap();
        assert_eq!(shown(&tree), ["r0", "r2", "r3", "r5", "r4", "r6"]);
        let found = |reference: &str| tree.nodes.iter().find(|node| node.reference == reference).unwrap();
        assert_eq!((found("r2").branches.len(), found("r3").body.len(), found("r4").body.len()), (2, 1, 0));
        assert_eq!(found("r2").head, Head { label: "Book?".into(), ..Head::default() });
        let goto = found("r5");
        assert_eq!(
            (goto.kind.extension.as_str(), goto.head.is_entry_point, goto.head.is_disabled),
            ("mine", true, true)
        );
        assert_eq!(found("r0").kind, Kind::basic("start"));
    }

    #[test]
    fn a_tree_says_the_relations_that_it_was_read_from() {
        let by_node = |relations: &[WireRelation]| -> BTreeMap<String, WireRelation> {
            relations.iter().map(|relation| (relation.node.clone(), relation.clone())).collect()
        };
        let chart = chart();
        let tree = read(&chart, "f", "en").unwrap();
        let id = |index: usize| chart.nodes[index].id.clone();
        assert_eq!(by_node(&relate(&tree, id)), by_node(&chart.relations));
    }

    #[test]
    fn a_chart_that_is_no_tree_says_why() {
        let check = |from: &str, to: &str, expected: &str| {
            let text = CHART.replace(from, to);
            assert_ne!(text, CHART, "{from}");
            let chart: WireChart = serde_json::from_str(&text).unwrap();
            assert_eq!(read(&chart, "f", "en").unwrap_err().to_string(), expected);
        };
        check(r#""type":"start""#, r#""type":"say""#, "expected one node of type `start`, found 0");
        check(r#""type":"end""#, r#""type":"start""#, "expected one node of type `start`, found 2");
        check(r#""_id":"103""#, r#""_id":"104""#, "two nodes have the id `104`");
        check(
            r#""referenceId":"r3""#,
            r#""referenceId":"r4""#,
            "expected a reference id of its own for each node, found `r4` again",
        );
        check(r#"{"_id":"204","node":"104"},"#, "", "node `104` has no relation");
        check(r#""node":"104""#, r#""node":"103""#, "node `103` has two relations");
        check(r#""node":"104""#, r#""node":"999""#, "a relation names node `999`, which is not there");
        check(r#""next":"105""#, r#""next":"999""#, "a relation names node `999`, which is not there");
        check(r#""next":"105""#, r#""next":"106""#, "node `106` hangs on two others");
        check(r#"["103","104"]"#, r#"["103"]"#, "node `104` hangs nowhere");
        check(
            r#""node":"106","children":[],"next":null"#,
            r#""node":"106","next":"100""#,
            "node `100` hangs on two others",
        );
    }

    #[test]
    fn a_mock_counts_when_it_is_on_or_says_something() {
        let mock = |text: &str| meant(serde_json::from_str(text).unwrap()).map(|mock| mock.to_string());
        assert_eq!(mock(r#"{"isEnabled":false,"code":"","hasError":true}"#), None);
        assert_eq!(mock(r#"{"isEnabled":true,"code":"","x":1}"#).as_deref(), Some(r#"{"code":"","isEnabled":true}"#));
        assert_eq!(mock(r#"{"isEnabled":false,"code":"a"}"#).as_deref(), Some(r#"{"code":"a","isEnabled":false}"#));
        assert_eq!(mock("null"), None);
    }
}
