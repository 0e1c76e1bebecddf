//! Which fields are written, and in which order.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::super::chart::{Head, Node, Tree};
use super::step::{NodeStep, Patch};

/// When in the plan fields are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// Nodes become entry points before anything leads there.
    EntryOn,
    /// Targets before what leads to them.
    Content,
    /// Nodes are passed over no more once all is in place.
    Enable,
    /// Nodes are entry points no more once nothing leads there.
    EntryOff,
}

/// A write, and when.
struct Timed {
    turn: Turn,
    node: usize,
    step: NodeStep,
}

/// What a node is before it is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum From<'a> {
    /// Live.
    Live(&'a Node),
    /// Just created: what it was created with is there, and it is disabled.
    Created,
    /// It came with its parent: nothing is known of it.
    Brought,
}

/// Collects writes.
pub(super) struct Writing<'a> {
    desired: &'a Tree,
    writes: Vec<Timed>,
    pub(super) only_by_package: Vec<String>,
}

impl<'a> Writing<'a> {
    pub(super) fn new(desired: &'a Tree) -> Self {
        Self { desired, writes: Vec::new(), only_by_package: Vec::new() }
    }

    /// Notes what makes a node what is wanted.
    pub(super) fn node(&mut self, index: usize, from: From<'_>) {
        let node = &self.desired.nodes[index];
        let base = self.desired.locale.as_str();
        let (mut patch, mock) = match from {
            From::Live(live) => (changed(&live.head, &node.head), live.head.mock.as_ref()),
            From::Created => {
                let enabled = (!node.head.is_disabled).then_some(false);
                (Patch { is_disabled: enabled, ..Patch::default() }, None)
            }
            From::Brought => (whole(&node.head), None),
        };
        if mock != node.head.mock.as_ref() {
            self.only_by_package.push(node.reference.clone());
        }
        let known = |locale: &str| match from {
            From::Live(live) => live.configs.get(locale),
            From::Created if locale == base => node.configs.get(base),
            From::Created | From::Brought => None,
        };
        patch.config = node.configs.get(base).filter(|config| known(base) != Some(config)).cloned();
        if patch.config.is_some() && matches!(from, From::Live(_)) && known(base).is_none() {
            self.locale(index, |node, locale| NodeStep::AddLocale { node, locale }, base);
        }
        self.shared(index, patch);
        let mut others: BTreeSet<&str> = node.configs.keys().map(String::as_str).collect();
        if let From::Live(live) = from {
            others.extend(live.configs.keys().map(String::as_str));
        }
        for locale in others {
            match (node.configs.get(locale), known(locale)) {
                (Some(config), found) if found != Some(config) && locale != base => {
                    if found.is_none() {
                        self.locale(index, |node, locale| NodeStep::AddLocale { node, locale }, locale);
                    }
                    self.write(
                        index,
                        Turn::Content,
                        locale,
                        Patch { config: Some(config.clone()), ..Patch::default() },
                    );
                }
                (None, Some(_)) => self.locale(index, |node, locale| NodeStep::RemoveLocale { node, locale }, locale),
                _ => {}
            }
        }
    }

    /// Splits what is written of a node by when it may happen; one request where that is possible.
    fn shared(&mut self, index: usize, mut patch: Patch) {
        let base = self.desired.locale.as_str();
        if patch.is_empty() {
            return;
        }
        if let Some(is_entry) = patch.is_entry_point.take() {
            let alone = patch.is_empty();
            let turn = if is_entry { Turn::EntryOn } else { Turn::EntryOff };
            self.write(index, turn, base, Patch { is_entry_point: Some(is_entry), ..Patch::default() });
            if alone {
                return;
            }
        }
        let turn = if patch.is_disabled == Some(false) { Turn::Enable } else { Turn::Content };
        self.write(index, turn, base, patch);
    }

    fn write(&mut self, node: usize, turn: Turn, locale: &str, patch: Patch) {
        let (name, locale) = (self.desired.nodes[node].reference.clone(), locale.to_owned());
        self.writes.push(Timed { turn, node, step: NodeStep::Write { node: name, locale, patch: Box::new(patch) } });
    }

    fn locale(&mut self, node: usize, step: impl Fn(String, String) -> NodeStep, locale: &str) {
        let step = step(self.desired.nodes[node].reference.clone(), locale.to_owned());
        self.writes.push(Timed { turn: Turn::Content, node, step });
    }

    /// All of it, in order.
    pub(super) fn finish(mut self) -> (Vec<NodeStep>, Vec<String>) {
        let ranks = ranks(self.desired, self.writes.iter().map(|write| write.node));
        self.writes.sort_by_key(|write| (write.turn, ranks.get(&write.node).copied()));
        (self.writes.into_iter().map(|write| write.step).collect(), self.only_by_package)
    }
}

fn changed(from: &Head, to: &Head) -> Patch {
    let text = |from: &String, to: &String| (from != to).then(|| to.clone());
    let flag = |from: bool, to: bool| (from != to).then_some(to);
    Patch {
        label: text(&from.label, &to.label),
        comment: text(&from.comment, &to.comment),
        comment_color: text(&from.comment_color, &to.comment_color),
        analytics_label: text(&from.analytics_label, &to.analytics_label),
        is_entry_point: flag(from.is_entry_point, to.is_entry_point),
        is_disabled: flag(from.is_disabled, to.is_disabled),
        config: None,
    }
}

/// What says everything of a head over one that is neither entry point nor disabled.
fn whole(head: &Head) -> Patch {
    Patch {
        label: Some(head.label.clone()),
        comment: Some(head.comment.clone()),
        comment_color: Some(head.comment_color.clone()),
        analytics_label: Some(head.analytics_label.clone()),
        is_entry_point: head.is_entry_point.then_some(true),
        is_disabled: head.is_disabled.then_some(true),
        config: None,
    }
}

/// The turn of each written node among the others: after those of them that it leads to, where that is no circle.
fn ranks(tree: &Tree, written: impl Iterator<Item = usize>) -> HashMap<usize, usize> {
    let by_reference: HashMap<&str, usize> =
        written.map(|index| (tree.nodes[index].reference.as_str(), index)).collect();
    let mut order: Vec<usize> = by_reference.values().copied().collect();
    order.sort_unstable();
    let mut ranks = HashMap::with_capacity(order.len());
    let mut met = BTreeSet::new();
    for first in order {
        let mut way = vec![(first, false)];
        while let Some((node, is_left)) = way.pop() {
            if is_left {
                let rank = ranks.len();
                ranks.insert(node, rank);
            } else if met.insert(node) {
                way.push((node, true));
                let configs = tree.nodes[node].configs.values();
                let targets = configs.flat_map(|config| targets(config, &tree.flow));
                way.extend(targets.filter_map(|target| Some((*by_reference.get(target)?, false))));
            }
        }
    }
    ranks
}

/// The nodes of a flow that a configuration leads to.
fn targets<'v>(config: &'v Value, flow: &str) -> Vec<&'v str> {
    let (mut found, mut waiting) = (Vec::new(), vec![config]);
    while let Some(value) = waiting.pop() {
        match value {
            Value::Array(items) => waiting.extend(items),
            Value::Object(members) => {
                let target = members.get("flowNode").filter(|target| target["flow"] == *flow);
                found.extend(target.and_then(|target| target["node"].as_str()));
                waiting.extend(members.values());
            }
            _ => {}
        }
    }
    found
}
