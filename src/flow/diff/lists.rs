//! What happened to nodes, edges and references.

use super::align::{Matching, Order, Pair};
use super::change::{
    EdgeChange, EdgeEvent, NodeChange, NodeEvent, Part, Places, ReferenceChange, ReferenceEvent, Stand, Truncated,
    Within,
};
use super::value::{Members, Value};
use super::values::{Collected, VALUES_MAX};
use super::view::{EdgeView, Home, NodeView, ReferenceView};

/// The same of an edge.
const EDGE_PARTS: [&str; 3] = ["from", "to", "condition"];
/// The same of a reference.
const REFERENCE_PARTS: [&str; 3] = ["type", "id", "environmentId"];

/// Nodes are matched by id; those of one id, and those without, by what they say. One that belongs to another now has
/// moved, and what belongs to it has not.
pub(super) fn nodes(before: &[NodeView], after: &[NodeView], truncated: &mut Truncated) -> Vec<NodeChange> {
    let mut matching = Matching::new(before.len(), after.len());
    matching.pair_by(|at| Some(&before[at].value), |at| Some(&after[at].value));
    matching.pair_by(|at| before[at].id(), |at| after[at].id());
    let mut values = Collected::default();
    let mut changes = Capped { items: Vec::new(), n_left_out: &mut truncated.nodes };
    let change = |node: &NodeView, event, place: Places, values| NodeChange {
        id: node.value.member(node.key).cloned(),
        kind: node.value.member("type").cloned(),
        label: node.label.clone(),
        change: event,
        place,
        within: Within {
            before: place.before.and_then(|at| stand(before, at)),
            after: place.after.and_then(|at| stand(after, at)),
        },
        values,
    };
    let home_after = |at: usize| match after[at].home {
        Home::Flow => Some(Home::Flow),
        Home::BranchOf(of) => matching.partner(of).map(Home::BranchOf),
        Home::BodyOf(of) => matching.partner(of).map(Home::BodyOf),
    };
    let pairs = matching.pairs_at_home(|at| Some(before[at].home), home_after);
    for turn in turns(&matching, pairs) {
        match turn {
            Turn::Both(pair) => {
                let (old, new) = (&before[pair.before], &after[pair.after]);
                if old.value != new.value {
                    values.differences("", &old.value, &new.value);
                    changes.push(|| change(new, NodeEvent::Changed, pair.place(), values.next()));
                }
                if pair.order == Order::Moved {
                    changes.push(|| change(new, NodeEvent::Moved, pair.place(), Vec::new()));
                }
            }
            Turn::Added(at) => {
                rest(&mut values, &[after[at].key, "type"], Side::After(&after[at].value));
                changes.push(|| change(&after[at], NodeEvent::Added, added(at), values.next()));
            }
            Turn::Removed(at) => {
                rest(&mut values, &[before[at].key, "type"], Side::Before(&before[at].value));
                changes.push(|| change(&before[at], NodeEvent::Removed, removed(at), values.next()));
            }
        }
    }
    let items = changes.items;
    truncated.values += values.n_left_out;
    items
}

/// What the node at a place belongs to, unless that is the flow.
fn stand(nodes: &[NodeView], at: usize) -> Option<Stand> {
    let (of, part) = match nodes.get(at)?.home {
        Home::Flow => return None,
        Home::BranchOf(of) => (of, Part::Branches),
        Home::BodyOf(of) => (of, Part::Body),
    };
    let owner = nodes.get(of)?;
    Some(Stand { node: owner.value.member(owner.key)?.clone(), part })
}

/// Edges are matched by what they say, by id where they have one, by the nodes they join, and at last by one
/// end and the condition.
pub(super) fn edges(before: &[EdgeView], after: &[EdgeView], truncated: &mut Truncated) -> Vec<EdgeChange> {
    fn parts<'a>(edge: &'a EdgeView, keys: [&str; 2]) -> Option<[&'a Value; 2]> {
        let [one, other] = keys.map(|key| edge.value.member(key));
        Some([one?, other?])
    }
    // An edge without condition is followed always, as one whose condition is null.
    let condition = |edge: &'_ EdgeView| edge.value.member("condition").filter(|value| **value != Value::Null).cloned();
    let mut matching = Matching::new(before.len(), after.len());
    matching.pair_by(|at| Some(&before[at].value), |at| Some(&after[at].value));
    matching.pair_by(|at| before[at].text("id"), |at| after[at].text("id"));
    matching.pair_by(|at| parts(&before[at], ["from", "to"]), |at| parts(&after[at], ["from", "to"]));
    for end in ["from", "to"] {
        let key = |edge: &EdgeView| Some((edge.value.member(end)?.clone(), condition(edge)));
        matching.pair_by(|at| key(&before[at]), |at| key(&after[at]));
    }
    let mut values = Collected::default();
    let mut changes = Capped { items: Vec::new(), n_left_out: &mut truncated.edges };
    let change = |shown: &EdgeView, event, before: Option<&EdgeView>, place, values| EdgeChange {
        change: event,
        from: shown.value.member("from").cloned(),
        to: shown.value.member("to").cloned(),
        condition: shown.value.member("condition").cloned(),
        before: before.map(|edge| edge.value.clone()),
        place,
        values,
    };
    for turn in turns(&matching, matching.pairs()) {
        match turn {
            Turn::Both(pair) => {
                let (old, new) = (&before[pair.before], &after[pair.after]);
                if old.value != new.value {
                    between(&mut values, &old.value, &new.value);
                    let same_ends = ["from", "to"].iter().all(|end| old.value.member(end) == new.value.member(end));
                    let event = if same_ends { EdgeEvent::Changed } else { EdgeEvent::Retargeted };
                    changes.push(|| change(new, event, Some(old), pair.place(), values.next()));
                }
                if pair.order == Order::Moved {
                    changes.push(|| change(new, EdgeEvent::Moved, Some(old), pair.place(), Vec::new()));
                }
            }
            Turn::Added(at) => {
                rest(&mut values, &EDGE_PARTS, Side::After(&after[at].value));
                changes.push(|| change(&after[at], EdgeEvent::Added, None, added(at), values.next()));
            }
            Turn::Removed(at) => {
                let old = &before[at];
                changes.push(|| change(old, EdgeEvent::Removed, Some(old), removed(at), Vec::new()));
            }
        }
    }
    let items = changes.items;
    truncated.values += values.n_left_out;
    items
}

/// References are matched by what they say.
pub(super) fn references(
    before: &[ReferenceView],
    after: &[ReferenceView],
    truncated: &mut Truncated,
) -> Vec<ReferenceChange> {
    let mut matching = Matching::new(before.len(), after.len());
    matching.pair_by(|at| Some(&before[at].value), |at| Some(&after[at].value));
    let mut values = Collected::default();
    let mut changes = Capped { items: Vec::new(), n_left_out: &mut truncated.references };
    let change = |shown: &ReferenceView, event, place, values| ReferenceChange {
        change: event,
        kind: shown.value.member("type").cloned(),
        id: shown.value.member("id").cloned(),
        environment_id: shown.value.member("environmentId").cloned(),
        place,
        values,
    };
    for turn in turns(&matching, matching.pairs()) {
        match turn {
            Turn::Both(pair) if pair.order == Order::Kept => {}
            Turn::Both(pair) => {
                changes.push(|| change(&after[pair.after], ReferenceEvent::Moved, pair.place(), Vec::new()));
            }
            Turn::Added(at) => {
                rest(&mut values, &REFERENCE_PARTS, Side::After(&after[at].value));
                changes.push(|| change(&after[at], ReferenceEvent::Added, added(at), values.next()));
            }
            Turn::Removed(at) => {
                rest(&mut values, &REFERENCE_PARTS, Side::Before(&before[at].value));
                changes.push(|| change(&before[at], ReferenceEvent::Removed, removed(at), values.next()));
            }
        }
    }
    let items = changes.items;
    truncated.values += values.n_left_out;
    items
}

/// A list that ends somewhere.
struct Capped<'a, T> {
    items: Vec<T>,
    n_left_out: &'a mut usize,
}

impl<T> Capped<'_, T> {
    fn push(&mut self, item: impl FnOnce() -> T) {
        if self.items.len() < VALUES_MAX {
            self.items.push(item());
        } else {
            *self.n_left_out += 1;
        }
    }
}

/// One item of either list.
enum Turn {
    Both(Pair),
    Added(usize),
    Removed(usize),
}

/// By place after, then what is gone by its place before.
fn turns(matching: &Matching, pairs: Vec<Pair>) -> Vec<Turn> {
    let place = |turn: &Turn| match turn {
        Turn::Both(pair) => (false, pair.after),
        Turn::Added(at) => (false, *at),
        Turn::Removed(at) => (true, *at),
    };
    let pairs = pairs.into_iter().map(Turn::Both);
    let mut turns: Vec<Turn> =
        pairs.chain(matching.added().map(Turn::Added)).chain(matching.removed().map(Turn::Removed)).collect();
    turns.sort_by_key(place);
    turns
}

impl Pair {
    fn place(self) -> Places {
        Places { before: Some(self.before), after: Some(self.after) }
    }
}

fn added(at: usize) -> Places {
    Places { before: None, after: Some(at) }
}

fn removed(at: usize) -> Places {
    Places { before: Some(at), after: None }
}

/// An item that stands on one side only.
enum Side<'a> {
    Before(&'a Value),
    After(&'a Value),
}

/// Everything an item holds but the parts that are told apart; all of it where it is no object.
fn rest(values: &mut Collected, parts: &[&str], side: Side<'_>) {
    let none = Members::default();
    match side {
        Side::Before(Value::Map(members)) => values.members_but(parts, members, &none),
        Side::After(Value::Map(members)) => values.members_but(parts, &none, members),
        Side::Before(value) => values.whole("", Some(value), None),
        Side::After(value) => values.whole("", None, Some(value)),
    }
}

/// What differs between two edges besides what is told apart.
fn between(values: &mut Collected, before: &Value, after: &Value) {
    if let (Value::Map(before), Value::Map(after)) = (before, after) {
        values.members_but(&EDGE_PARTS, before, after);
    }
}

#[cfg(test)]
mod tests {
    use super::super::compare::diff;
    use super::super::value::Value;
    use super::super::view::View;
    use crate::flow::comparison::Comparison;
    use crate::flow::document::Document;

    fn view(nodes: &str, edges: &str, references: &str) -> View {
        let node = |word: &str| {
            let (id, text) = word.split_once('=').unwrap_or((word, ""));
            format!(r#"{{"id":"{id}","type":"action","configuration":{{"text":"{text}"}}}}"#)
        };
        let edge = |word: &str| {
            let (ends, condition) = word
                .split_once('?')
                .map_or((word, "null".to_owned()), |(ends, condition)| (ends, format!("\"{condition}\"")));
            let (from, to) = ends.split_once('>').unwrap();
            format!(r#"{{"from":"{from}","to":"{to}","condition":{condition}}}"#)
        };
        let reference = |word: &str| format!(r#"{{"type":"flow","id":"{word}","environmentId":"e"}}"#);
        let list =
            |text: &str, item: &dyn Fn(&str) -> String| text.split_whitespace().map(item).collect::<Vec<_>>().join(",");
        let text = format!(
            r#"{{"nodes":[{}],"edges":[{}],"externalReferences":[{}]}}"#,
            list(nodes, &node),
            list(edges, &edge),
            list(references, &reference)
        );
        View::of_document(&Document::parse(text.as_bytes()).unwrap(), &Comparison::default())
    }

    fn word(value: &Option<Value>) -> String {
        value.as_ref().map_or("-".to_owned(), |value| value.as_text().map_or_else(|| value.to_json(), str::to_owned))
    }

    fn event(event: impl serde::Serialize) -> String {
        serde_json::to_value(event).unwrap().as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn nodes(before: &str, after: &str, expected: &str) {
        let found = diff(&view(before, "", ""), &view(after, "", ""));
        let told = found.nodes.iter().map(|node| {
            let paths: Vec<&str> = node.values.iter().map(|value| value.path.as_str()).collect();
            format!("{} {} {}", event(node.change), word(&node.id), paths.join(" ")).trim_end().to_owned()
        });
        assert_eq!(told.collect::<Vec<_>>().join(", "), expected);
        assert!(found.fields.is_empty() && found.edges.is_empty() && found.is_whole());
    }

    #[test]
    fn nodes_are_known_by_their_ids() {
        nodes("a b c", "a b c", "");
        nodes("a=1 b c", "a=2 b c", "changed a /configuration/text");
        nodes("a b c", "a c d", "added d /configuration, removed b /configuration");
        nodes("a b c d", "d a b c", "moved d");
        nodes("a b c d", "b c d a", "moved a");
        nodes("a b c=1", "c=2 a b", "changed c /configuration/text, moved c");
        nodes("a b=1", "x b=1", "added x /configuration, removed a /configuration");
    }

    #[test]
    fn nodes_of_one_id_are_told_apart_by_what_they_say() {
        nodes("a=1 a=2 a=3", "a=1 a=3", "removed a /configuration");
        nodes("a=1 a=2", "a=1 a=4", "changed a /configuration/text");
    }

    #[track_caller]
    fn edges(before: &str, after: &str, expected: &str) {
        let found = diff(&view("", before, ""), &view("", after, ""));
        let told = found.edges.iter().map(|edge| {
            let before = |key: &str| word(&edge.before.as_ref().and_then(|edge| edge.member(key)).cloned());
            let old =
                edge.before.as_ref().map(|_| format!(" ({}>{} {})", before("from"), before("to"), before("condition")));
            let (from, to, condition) = (word(&edge.from), word(&edge.to), word(&edge.condition));
            format!("{} {from}>{to} {condition}{}", event(edge.change), old.unwrap_or_default())
        });
        assert_eq!(told.collect::<Vec<_>>().join(", "), expected);
    }

    #[test]
    fn edges_are_known_by_what_they_join_and_when() {
        edges("a>b b>c", "a>b b>c", "");
        edges("a>b?x b>c", "a>b?y b>c", "changed a>b y (a>b x)");
        edges("a>b?x b>c", "a>d?x b>c", "retargeted a>d x (a>b x)");
        edges("a>b b>c", "d>b b>c", "retargeted d>b null (a>b null)");
        edges("a>b b>c", "a>b b>c c>d", "added c>d null");
        edges("a>b b>c", "b>c", "removed a>b null (a>b null)");
        edges("a>b b>c c>d", "c>d a>b b>c", "moved c>d null (c>d null)");
        edges("a>b?x", "c>d?y", "added c>d y, removed a>b x (a>b x)");
        edges("a>b?x a>b?y a>b?z", "a>b?x a>b?z", "removed a>b y (a>b y)");
        edges("a>b a>b", "a>b", "removed a>b null (a>b null)");
    }

    #[test]
    fn references_come_go_and_move() {
        let told = |before: &str, after: &str| {
            let found = diff(&view("", "", before), &view("", "", after));
            let told = found.references.iter().map(|one| format!("{} {}", event(one.change), word(&one.id)));
            told.collect::<Vec<_>>().join(", ")
        };
        assert_eq!(told("a b c", "a b c"), "");
        assert_eq!(told("a b c", "c a d"), "moved c, added d, removed b");
        assert_eq!(told("a a", "a"), "removed a");
    }
}
