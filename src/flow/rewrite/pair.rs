//! Which item of a list is which item of the file.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;

use super::equal::same;
use crate::flow::diff::Value;
use crate::flow::document::{Document, Kind, Node};

/// For each item after, its place before: by id, else by content, else by the ends of an edge, else by place.
pub(super) fn partners(old: &Document, before: &[Node<'_>], new: &Document, after: &[Node<'_>]) -> Vec<Option<usize>> {
    let mut pairs = Pairs { partners: vec![None; after.len()], is_taken: vec![false; before.len()] };
    // What stands at the same place from either end is the cheap case, and the common one.
    let n_same = before.iter().zip(after).take_while(|(a, b)| same(old, **a, new, **b)).count();
    (0..n_same).for_each(|at| pairs.join(at, at));
    let (rest_before, rest_after) = (before.len() - n_same, after.len() - n_same);
    for back in 1..=rest_before.min(rest_after) {
        let (a, b) = (before.len() - back, after.len() - back);
        if !same(old, before[a], new, after[b]) {
            break;
        }
        pairs.join(a, b);
    }
    let (ids_before, ids_after) = (ids(before), ids(after));
    if let (Some(ids_before), Some(ids_after)) = (&ids_before, &ids_after) {
        pairs.by(|at| Some(&ids_before[at]), |at| Some(&ids_after[at]));
        return pairs.partners;
    }
    if pairs.partners.contains(&None) {
        let values = |document, nodes: &[Node<'_>]| -> Vec<Value> {
            nodes.iter().map(|node| Value::read(document, *node, &[])).collect()
        };
        let (values_before, values_after) = (values(old, before), values(new, after));
        pairs.by(|at| Some(&values_before[at]), |at| Some(&values_after[at]));
        pairs.by(|at| ends(before[at]), |at| ends(after[at]));
        pairs.by_place(before, after);
    }
    pairs.partners
}

struct Pairs {
    partners: Vec<Option<usize>>,
    is_taken: Vec<bool>,
}

impl Pairs {
    fn join(&mut self, before: usize, after: usize) {
        self.partners[after] = Some(before);
        self.is_taken[before] = true;
    }

    /// Joins what has the same key, of several the first with the first.
    fn by<K: Hash + Eq>(&mut self, before: impl Fn(usize) -> Option<K>, after: impl Fn(usize) -> Option<K>) {
        let mut waiting: HashMap<K, VecDeque<usize>> = HashMap::new();
        for at in (0..self.is_taken.len()).filter(|at| !self.is_taken[*at]) {
            if let Some(key) = before(at) {
                waiting.entry(key).or_default().push_back(at);
            }
        }
        for at in 0..self.partners.len() {
            if self.partners[at].is_none()
                && let Some(found) = after(at).and_then(|key| waiting.get_mut(&key)?.pop_front())
            {
                self.join(found, at);
            }
        }
    }

    /// Joins what stands after the same item, where it is of the same kind.
    fn by_place(&mut self, before: &[Node<'_>], after: &[Node<'_>]) {
        let mut next = 0;
        for (at, item) in after.iter().enumerate() {
            if let Some(found) = self.partners[at] {
                next = found + 1;
            } else if next < before.len() && !self.is_taken[next] && before[next].kind() == item.kind() {
                self.join(next, at);
                next += 1;
            }
        }
    }
}

/// The ids of a list in which everything has one of its own: by `id`, or by `ref` where nodes go by that.
fn ids(items: &[Node<'_>]) -> Option<Vec<String>> {
    let id = |item: &Node<'_>| match item.member("id").or_else(|| item.member("ref")) {
        Some(id) if matches!(id.kind(), Kind::String) => id.as_str().map(|id| id.into_owned()),
        Some(_) | None => None,
    };
    let ids: Vec<String> = items.iter().map(id).collect::<Option<_>>()?;
    let n_ids = ids.iter().collect::<HashSet<_>>().len();
    (n_ids == ids.len()).then_some(ids)
}

/// From where to where an edge leads.
fn ends(item: Node<'_>) -> Option<(String, String)> {
    let end = |key| item.member(key).and_then(Node::as_str).map(|text| text.into_owned());
    Some((end("from")?, end("to")?))
}
