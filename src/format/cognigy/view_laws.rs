//! The laws of a chart's diff: empty for equal flows, for no others, and enough to make one of the other.

use std::collections::{HashMap, VecDeque};

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value as Json;

use super::document::any::any_flow;
use super::document::{Chain, Flow, FlowRef, Node, NodeRef};
use super::view::view;
use crate::flow::diff::{FlowDiff, NodeChange, NodeEvent, Part, Stand, ValueChange, diff};
use crate::flow::{Comparison, Document, FlowId};

/// One edit of a flow, at places that chance chooses.
#[derive(Debug, Clone)]
enum Edit {
    Rename(String),
    Relabel(Index, String),
    Reword(Index, String),
    Remove(Index),
    Add(Index, u128),
    Move(Index, Index),
    Attach(u128),
}

fn any_edits() -> impl Strategy<Value = Vec<Edit>> {
    let place = any::<Index>;
    let edit = prop_oneof![
        "\\PC{1,6}".prop_map(Edit::Rename),
        (place(), "\\PC{0,6}").prop_map(|(at, label)| Edit::Relabel(at, label)),
        (place(), "\\PC{0,6}").prop_map(|(at, text)| Edit::Reword(at, text)),
        place().prop_map(Edit::Remove),
        (place(), any::<u128>()).prop_map(|(at, id)| Edit::Add(at, id)),
        (place(), place()).prop_map(|(from, to)| Edit::Move(from, to)),
        any::<u128>().prop_map(Edit::Attach),
    ];
    prop::collection::vec(edit, 0..5)
}

fn edited(mut flow: Flow, edits: &[Edit]) -> Flow {
    for edit in edits {
        match edit {
            Edit::Rename(name) => flow.name.clone_from(name),
            Edit::Relabel(at, label) => at_node(&mut flow, at, |chain, at| chain[at].head.label.clone_from(label)),
            Edit::Reword(at, text) => at_node(&mut flow, at, |chain, at| {
                chain[at].config.entry("nl".parse().unwrap()).or_default().insert("text".into(), text.clone().into());
            }),
            Edit::Remove(at) => drop(taken(&mut flow, at)),
            Edit::Add(at, id) => put(&mut flow, at, Node::plain("say", NodeRef::from_chance(id.to_be_bytes()))),
            Edit::Move(from, to) => {
                if let Some(node) = taken(&mut flow, from) {
                    put(&mut flow, to, node);
                }
            }
            Edit::Attach(id) => flow.attached_flows.extend(FlowRef::of_flow(&FlowId::of_number(*id))),
        }
    }
    flow
}

/// Every chain of a flow, and what is done with it.
fn chains(chain: &mut Chain, visit: &mut dyn FnMut(&mut Chain)) {
    visit(chain);
    chain.iter_mut().flat_map(|node| &mut node.branches).for_each(|branch| chains(&mut branch.body, visit));
}

/// Acts on one node that is neither start nor end, if there is any.
fn at_node(flow: &mut Flow, place: &Index, mut act: impl FnMut(&mut Chain, usize)) {
    let is_free = |node: &Node| node.kind != "start" && node.kind != "end";
    let mut n_nodes = 0;
    chains(&mut flow.chart, &mut |chain| n_nodes += chain.iter().filter(|node| is_free(node)).count());
    let mut left = (n_nodes > 0).then(|| place.index(n_nodes));
    chains(&mut flow.chart, &mut |chain| {
        let free: Vec<usize> = (0..chain.len()).filter(|at| is_free(&chain[*at])).collect();
        if let Some(n) = left {
            left = n.checked_sub(free.len());
            if left.is_none() {
                act(chain, free[n]);
            }
        }
    });
}

fn taken(flow: &mut Flow, place: &Index) -> Option<Node> {
    let mut found = None;
    at_node(flow, place, |chain, at| found = Some(chain.remove(at)));
    found
}

fn put(flow: &mut Flow, place: &Index, node: Node) {
    let mut n_gaps = 0;
    chains(&mut flow.chart, &mut |chain| n_gaps += chain.len().max(1));
    let (mut left, mut node) = (Some(place.index(n_gaps)), Some(node));
    chains(&mut flow.chart, &mut |chain| {
        if let Some(n) = left {
            left = n.checked_sub(chain.len().max(1));
            if left.is_none() {
                // Behind the start.
                chain.insert((n + 1).min(chain.len()), node.take().unwrap());
            }
        }
    });
}

fn document(flow: &Flow) -> Document {
    Document::parse(flow.to_text().into_bytes()).unwrap()
}

/// The chart of `before` with what a diff says, by nothing but ids, places and values: as JSON.
fn applied(before: &Flow, found: &FlowDiff) -> Json {
    let text: Json = serde_json::from_str(&before.to_text()).unwrap();
    let mut heads: HashMap<String, Json> = HashMap::new();
    let mut kept: HashMap<Option<Stand>, VecDeque<String>> = HashMap::new();
    flatten(&text["chart"], &None, &mut heads, &mut kept);
    let mut placed: HashMap<Option<Stand>, VecDeque<(usize, String)>> = HashMap::new();
    for change in &found.nodes {
        let id = change.id.as_ref().unwrap().as_text().unwrap().to_owned();
        match change.change {
            NodeEvent::Changed => edit(heads.get_mut(&id).unwrap(), &change.values),
            NodeEvent::Added => drop(heads.insert(id.clone(), anew(change))),
            NodeEvent::Removed | NodeEvent::Moved => {}
        }
        if matches!(change.change, NodeEvent::Removed | NodeEvent::Moved) {
            kept.get_mut(&change.within.before).unwrap().retain(|other| *other != id);
        }
        if matches!(change.change, NodeEvent::Added | NodeEvent::Moved) {
            placed.entry(change.within.after.clone()).or_default().push_back((change.place.after.unwrap(), id));
        }
    }
    Put { heads, kept, placed, n_put: 0 }.list(None)
}

fn stand(id: &str, part: Part) -> Option<Stand> {
    Some(Stand { node: crate::flow::diff::Value::Text(id.into()), part })
}

fn flatten(
    list: &Json,
    of: &Option<Stand>,
    heads: &mut HashMap<String, Json>,
    kept: &mut HashMap<Option<Stand>, VecDeque<String>>,
) {
    for node in list.as_array().into_iter().flatten() {
        let id = node["ref"].as_str().unwrap();
        kept.entry(of.clone()).or_default().push_back(id.to_owned());
        flatten(&node["branches"], &stand(id, Part::Branches), heads, kept);
        flatten(&node["body"], &stand(id, Part::Body), heads, kept);
        let mut head = node.clone();
        head.as_object_mut().unwrap().retain(|key, _| key != "branches" && key != "body");
        heads.insert(id.to_owned(), head);
    }
}

struct Put {
    heads: HashMap<String, Json>,
    kept: HashMap<Option<Stand>, VecDeque<String>>,
    placed: HashMap<Option<Stand>, VecDeque<(usize, String)>>,
    n_put: usize,
}

impl Put {
    fn list(&mut self, of: Option<Stand>) -> Json {
        let mut items = Vec::new();
        loop {
            let next = self.placed.get_mut(&of).and_then(|placed| placed.pop_front_if(|(at, _)| *at == self.n_put));
            let next = next.map(|(_, id)| id).or_else(|| self.kept.get_mut(&of)?.pop_front());
            let Some(id) = next else { return items.into() };
            self.n_put += 1;
            let mut node = self.heads[&id].clone();
            let (branches, body) = (self.list(stand(&id, Part::Branches)), self.list(stand(&id, Part::Body)));
            if branches != Json::Array(Vec::new()) {
                node["branches"] = branches;
            }
            if of.as_ref().is_some_and(|of| of.part == Part::Branches) {
                node["body"] = body;
            }
            items.push(node);
        }
    }
}

fn anew(change: &NodeChange) -> Json {
    let mut node = serde_json::json!({ "ref": change.id, "type": change.kind });
    edit(&mut node, &change.values);
    node
}

/// Edits a value: replaces by places before, takes out from the end on, puts in from the beginning on.
fn edit(value: &mut Json, changes: &[ValueChange]) {
    let json = |value: &crate::flow::diff::Value| serde_json::from_str::<Json>(&value.to_json()).unwrap();
    let order = |path: &str| -> Vec<(usize, String)> {
        path.split('/').map(|part| (part.parse().unwrap_or(usize::MAX), part.to_owned())).collect()
    };
    let own = |path: &str| {
        let (parent, key) = path.rsplit_once('/').unwrap();
        (parent.to_owned(), key.replace("~1", "/").replace("~0", "~"))
    };
    for change in changes {
        if let (Some(_), Some(after)) = (&change.before, &change.after) {
            *value.pointer_mut(change.from.as_ref().unwrap_or(&change.path)).unwrap() = json(after);
        }
    }
    let mut gone: Vec<&ValueChange> = changes.iter().filter(|change| change.after.is_none()).collect();
    gone.sort_by_key(|change| std::cmp::Reverse(order(&change.path)));
    for change in gone {
        let (parent, key) = own(&change.path);
        match value.pointer_mut(&parent).unwrap() {
            Json::Array(items) => drop(items.remove(key.parse().unwrap())),
            Json::Object(members) => drop(members.remove(&key).unwrap()),
            other => panic!("{other}"),
        }
    }
    let mut came: Vec<&ValueChange> = changes.iter().filter(|change| change.before.is_none()).collect();
    came.sort_by_key(|change| order(&change.path));
    for change in came {
        let (parent, key) = own(&change.path);
        match value.pointer_mut(&parent).unwrap() {
            Json::Array(items) => items.insert(key.parse().unwrap(), json(change.after.as_ref().unwrap())),
            Json::Object(members) => drop(members.insert(key, json(change.after.as_ref().unwrap()))),
            other => panic!("{other}"),
        }
    }
}

#[track_caller]
fn check(before: &Flow, after: &Flow) -> Result<FlowDiff, TestCaseError> {
    let comparison = Comparison::default();
    let [old, new] = [before, after].map(document);
    let [old, new] = [view(&old, &comparison).unwrap(), view(&new, &comparison).unwrap()];
    let found = diff(&old, &new);
    prop_assert_eq!(found.is_empty(), before == after, "{:#?}", found);
    let chart: Json = serde_json::from_str::<Json>(&after.to_text()).unwrap()["chart"].take();
    prop_assert_eq!(applied(before, &found), chart, "{:#?}", found);
    let whole = crate::flow::diff::Value::of_document(&document(after), &comparison);
    prop_assert_eq!(new.whole(), whole);
    Ok(found)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_diff_of_charts_makes_one_of_the_other(flow in any_flow(), edits in any_edits()) {
        let after = edited(flow.clone(), &edits);
        check(&flow, &after)?;
        check(&after, &flow)?;
    }

    #[test]
    fn charts_that_have_nothing_in_common_are_told_apart(before in any_flow(), after in any_flow()) {
        check(&before, &after)?;
        check(&before, &before)?;
    }

    #[test]
    fn one_node_that_moves_is_one_move(flow in any_flow(), from in any::<Index>(), to in any::<Index>()) {
        let after = edited(flow.clone(), &[Edit::Move(from, to)]);
        let found = check(&flow, &after)?;
        prop_assert!(found.nodes.len() <= 1 && found.nodes.iter().all(|node| node.change == NodeEvent::Moved));
    }

    #[test]
    fn what_is_no_chart_is_told_apart_as_well(flow in any_flow(), instead in "(7|null|\\[\\]|\\[7\\]|\\[\\{\"ref\":\"a\",\"body\":\\[\\]\\}\\]|\\{\\})") {
        let text = flow.to_text();
        let at = text.find("\"chart\":").unwrap() + "\"chart\":".len();
        let other = Document::parse(format!("{}{instead}}}", &text[..at]).into_bytes()).unwrap();
        let comparison = Comparison::default();
        let [one, other] = [document(&flow), other].map(|it| view(&it, &comparison).unwrap());
        prop_assert!(!diff(&one, &other).is_empty() && !diff(&other, &one).is_empty());
        prop_assert!(diff(&other, &other).is_empty());
    }
}
