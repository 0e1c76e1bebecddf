//! A chart from its tree: a list is a chain, branches are children.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::mint::{Id, Mint, RefId};
use super::super::model::chart::Chart;
use super::super::model::kinds::{self, BASIC};
use super::super::model::locale::Locales;
use super::super::model::node::Node;
use super::identity::reference;
use super::written::WrittenNode;

/// Where each flow starts, by the flow's name: its reference id and that of its start.
pub(super) type Starts = BTreeMap<String, (RefId, RefId)>;

/// Puts a tree between `start` and `end`.
pub(super) fn grow(
    chart: &mut Chart,
    tree: &[WrittenNode],
    locales: &Locales,
    starts: &Starts,
    mint: &mut Mint,
) -> Result<(), String> {
    let start = chart.only("start").map(|start| start.id.clone()).ok_or("there is no start")?;
    Grower { chart, locales, starts, mint }.chain(&start, tree)
}

struct Grower<'a> {
    chart: &'a mut Chart,
    locales: &'a Locales,
    starts: &'a Starts,
    mint: &'a mut Mint,
}

impl Grower<'_> {
    /// Hangs a chain after `after`; what came after that comes after the chain.
    fn chain(&mut self, after: &Id, chain: &[WrittenNode]) -> Result<(), String> {
        let mut after = after.clone();
        for written in chain {
            let id = self.node(written)?;
            let next = self.chart.relation(&after).next.replace(id.clone());
            self.chart.relation(&id).next = next;
            self.branches(&id, written)?;
            after = id;
        }
        Ok(())
    }

    fn branches(&mut self, parent: &Id, written: &WrittenNode) -> Result<(), String> {
        let kind = written.kind.clone().unwrap_or_default();
        let extension = written.extension.clone().unwrap_or_else(|| BASIC.to_owned());
        let mut given: Vec<Option<&WrittenNode>> = written.branches.iter().map(Some).collect();
        for expected in kinds::kind(&kind, &extension).map_or(&[] as &[_], |kind| kind.children) {
            let is_it = |branch: &&mut Option<&WrittenNode>| {
                branch.is_some_and(|branch| branch.kind.as_deref() == Some(*expected))
            };
            let branch = given.iter_mut().find(is_it).and_then(Option::take);
            let bare = WrittenNode { kind: Some((*expected).to_owned()), ..WrittenNode::default() };
            // Cases and tools that are not written are not there; markers always are.
            if branch.is_some() || kinds::kind(expected, &extension).is_some_and(|kind| !kind.creatable) {
                self.branch(parent, branch.unwrap_or(&bare))?;
            }
        }
        for branch in given.into_iter().flatten() {
            self.branch(parent, branch)?;
        }
        self.in_written_order(parent, written);
        Ok(())
    }

    fn branch(&mut self, parent: &Id, written: &WrittenNode) -> Result<(), String> {
        let id = self.node(written)?;
        self.chart.relation(parent).children.push(id.clone());
        self.chain(&id, &written.chart)
    }

    /// Where all branches are written, their order is the one written.
    fn in_written_order(&mut self, parent: &Id, written: &WrittenNode) {
        let children = self.chart.children(parent).to_vec();
        if children.len() != written.branches.len() {
            return;
        }
        let mut left = children;
        let mut ordered = Vec::new();
        for branch in &written.branches {
            let is_it = |id: &Id| self.chart.nodes.get(id).map(|node| node.kind.as_str()) == branch.kind.as_deref();
            match left.iter().position(is_it) {
                Some(at) => ordered.push(left.remove(at)),
                None => return,
            }
        }
        self.chart.relation(parent).children = ordered;
    }

    fn node(&mut self, written: &WrittenNode) -> Result<Id, String> {
        let (kind, config) = self.meant(written)?;
        let extension = written.extension.as_deref().unwrap_or(BASIC);
        let primary = self.locales.primary().map(|locale| locale.id.clone());
        let locales: Vec<Id> = primary.clone().into_iter().collect();
        let reference = reference(written.reference_id.as_deref(), self.mint)?;
        let mut node = Node::new(self.mint.id(), reference, &kind, extension, &locales);
        let texts = [
            (&mut node.label, &written.label),
            (&mut node.comment, &written.comment),
            (&mut node.comment_color, &written.comment_color),
        ];
        for (kept, text) in texts {
            if let Some(text) = text {
                kept.clone_from(text);
            }
        }
        node.analytics_label.clone_from(&written.analytics_label);
        node.is_entry_point = written.is_entry_point;
        node.is_disabled = written.is_disabled;
        if let (Some(config), Some(primary)) = (config, primary) {
            node.entries.insert(primary, config);
        }
        for (name, config) in &written.locales {
            let locale = self.locales.named(name).ok_or_else(|| format!("there is no locale `{name}`"))?;
            node.entries.insert(locale.id.clone(), config.clone());
        }
        let id = node.id.clone();
        self.chart.add(node, self.mint);
        Ok(id)
    }

    /// Type and config; the short forms stand for both.
    fn meant(&self, written: &WrittenNode) -> Result<(String, Option<Map<String, Value>>), String> {
        let WrittenNode { kind, config, say, code, go_to, .. } = written;
        let short = match (say, code, go_to) {
            (None, None, None) => None,
            (Some(text), None, None) => {
                let say = json!({ "type": "text", "text": [text], "data": "", "linear": false, "loop": false });
                Some(("say", json!({ "say": say })))
            }
            (None, Some(code), None) => Some(("code", json!({ "code": code }))),
            (None, None, Some(flow)) => {
                let (flow, node) =
                    self.starts.get(flow).ok_or_else(|| format!("there is no flow `{flow}` to go to"))?;
                let mut config = kinds::kind("goTo", BASIC).map(|kind| kind.defaults()).unwrap_or_default();
                config.insert("flowNode".to_owned(), json!({ "flow": flow, "node": node }));
                Some(("goTo", Value::Object(config)))
            }
            _ => return Err("a node has one of `say`, `code`, `goTo`".to_owned()),
        };
        match (short, kind) {
            (Some((kind, Value::Object(config))), None) => Ok((kind.to_owned(), Some(config))),
            (None, Some(kind)) => Ok((kind.clone(), config.clone())),
            _ => Err("a node has either `type` or one of `say`, `code`, `goTo`".to_owned()),
        }
    }
}
