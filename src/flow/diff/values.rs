//! What differs between two values, by JSON pointer.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::align::{Matching, Order, by_content};
use super::change::ValueChange;
use super::value::{Members, Value};
use crate::flow::pointer::{push_index, push_key};

/// Most values that are listed of one kind (fields, nodes, edges, references) of a flow; the rest is counted.
pub(super) const VALUES_MAX: usize = 50_000;

/// Where values that differ are collected.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) values: Vec<ValueChange>,
    /// How many there were before, to count all against [`VALUES_MAX`].
    pub(super) n_before: usize,
    /// How many were left out.
    pub(super) n_left_out: usize,
}

impl Collected {
    /// Starts another list of the same kind.
    pub(super) fn next(&mut self) -> Vec<ValueChange> {
        self.n_before += self.values.len();
        std::mem::take(&mut self.values)
    }

    fn push(&mut self, change: impl FnOnce() -> ValueChange) {
        if self.n_before + self.values.len() < VALUES_MAX {
            self.values.push(change());
        } else {
            self.n_left_out += 1;
        }
    }

    /// Collects what differs, paths below `path`.
    pub(super) fn differences(&mut self, path: &str, before: &Value, after: &Value) {
        Walk { path: path.to_owned(), from: path.to_owned(), into: self }.values(before, after);
    }

    /// Collects what differs between the members of two objects, except those named.
    pub(super) fn members_but(&mut self, names: &[&str], before: &Members, after: &Members) {
        Walk { path: String::new(), from: String::new(), into: self }.members(names, before, after);
    }

    /// Collects one value that differs as a whole.
    pub(super) fn whole(&mut self, path: &str, before: Option<&Value>, after: Option<&Value>) {
        self.push(|| ValueChange {
            path: path.to_owned(),
            before: before.cloned(),
            after: after.cloned(),
            ..ValueChange::default()
        });
    }
}

struct Walk<'a> {
    /// Where the walk stands after.
    path: String,
    /// Where it stands before.
    from: String,
    into: &'a mut Collected,
}

impl Walk<'_> {
    fn values(&mut self, before: &Value, after: &Value) {
        match (before, after) {
            (Value::Map(before), Value::Map(after)) => self.members(&[], before, after),
            (Value::List(before), Value::List(after)) => self.lists(before, after),
            _ if before == after => {}
            _ => self.replaced(before, after),
        }
    }

    fn members(&mut self, but: &[&str], before: &Members, after: &Members) {
        let (n_path, n_from) = (self.path.len(), self.from.len());
        let keys: BTreeSet<&str> = before.iter().chain(after.iter()).map(|(key, _)| key).collect();
        for key in keys.into_iter().filter(|key| !but.contains(key)) {
            push_key(&mut self.path, key);
            push_key(&mut self.from, key);
            match (before.get(key), after.get(key)) {
                (Some(old), Some(new)) => self.values(old, new),
                (Some(old), None) => self.removed(old),
                (None, Some(new)) => self.added(new),
                (None, None) => {}
            }
            self.path.truncate(n_path);
            self.from.truncate(n_from);
        }
    }

    fn lists(&mut self, before: &[Value], after: &[Value]) {
        let (n_path, n_from) = (self.path.len(), self.from.len());
        let matching = match (ids(before), ids(after)) {
            (Some(old), Some(new)) => {
                let mut matching = Matching::new(before.len(), after.len());
                matching.pair_by(|at| old.get(at), |at| new.get(at));
                matching
            }
            _ => by_content(before, after),
        };
        // One that stands elsewhere is one that went and one that came.
        let kept = matching.pairs().into_iter().filter(|pair| pair.order == Order::Kept);
        let kept: HashMap<usize, usize> = kept.map(|pair| (pair.after, pair.before)).collect();
        let stays: HashSet<usize> = kept.values().copied().collect();
        let mut went = (0..before.len()).filter(|at| !stays.contains(at)).peekable();
        for (at, new) in after.iter().enumerate() {
            let partner = kept.get(&at).copied();
            while let Some(gone) = went.next_if(|gone| partner.is_some_and(|partner| *gone < partner)) {
                self.removed_at(gone, before);
            }
            push_index(&mut self.path, at);
            match partner {
                Some(partner) => {
                    push_index(&mut self.from, partner);
                    self.values(&before[partner], new);
                    self.from.truncate(n_from);
                }
                None => self.added(new),
            }
            self.path.truncate(n_path);
        }
        went.for_each(|gone| self.removed_at(gone, before));
    }

    fn removed_at(&mut self, at: usize, list: &[Value]) {
        let n_from = self.from.len();
        push_index(&mut self.from, at);
        self.removed(&list[at]);
        self.from.truncate(n_from);
    }

    fn removed(&mut self, value: &Value) {
        let path = &self.from;
        self.into.push(|| ValueChange { path: path.clone(), before: Some(value.clone()), ..ValueChange::default() });
    }

    fn added(&mut self, value: &Value) {
        let path = &self.path;
        self.into.push(|| ValueChange { path: path.clone(), after: Some(value.clone()), ..ValueChange::default() });
    }

    fn replaced(&mut self, before: &Value, after: &Value) {
        let (path, from) = (&self.path, &self.from);
        self.into.push(|| ValueChange {
            path: path.clone(),
            from: (from != path).then(|| from.clone()),
            before: Some(before.clone()),
            after: Some(after.clone()),
            left_out: None,
        });
    }
}

/// The ids of things in a list, where each is an object with one of its own.
fn ids(list: &[Value]) -> Option<Vec<&Value>> {
    let is_id = |value: &&Value| matches!(value, Value::Text(_) | Value::Number(_));
    let ids: Vec<&Value> = list.iter().map(|item| item.member("id").filter(is_id)).collect::<Option<_>>()?;
    let different: HashSet<&Value> = ids.iter().copied().collect();
    (different.len() == ids.len()).then_some(ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::document::Document;

    /// What differs, a line each: path (from), before, after.
    #[track_caller]
    fn check(before: &str, after: &str, expected: &[&str]) {
        let read = |text: &str| {
            let document = Document::parse(text.as_bytes()).unwrap();
            Value::read(&document, document.root(), &[])
        };
        let mut collected = Collected::default();
        collected.differences("", &read(before), &read(after));
        let side = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_json);
        let line = |change: &ValueChange| {
            let from = change.from.as_ref().map(|from| format!(" ({from})")).unwrap_or_default();
            format!("{}{from} {} {}", change.path, side(&change.before), side(&change.after))
        };
        assert_eq!(collected.values.iter().map(line).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn members_are_named_by_pointer() {
        check(r#"{"a":1,"b":{"c":[1]}}"#, r#"{"b":{"c":[2],"d":null}}"#, &["/a 1 -", "/b/c/0 1 2", "/b/d - null"]);
        check(r#"{"a/b":1,"~":2}"#, r#"{"a/b":1.0,"~":"2"}"#, &["/a~1b 1 1.0", r#"/~0 2 "2""#]);
        check("1", "[1]", &[" 1 [1]"]);
        check(r#"{"a":[]}"#, r#"{"a":{}}"#, &["/a [] {}"]);
    }

    #[test]
    fn a_variant_that_came_first_changes_no_other() {
        check(r#"["a","b"]"#, r#"["x","a","b"]"#, &[r#"/0 - "x""#]);
        check(r#"["a","b","c"]"#, r#"["a","c"]"#, &[r#"/1 "b" -"#]);
        check(r#"["a","b","c"]"#, r#"["a","B","c"]"#, &[r#"/1 "b" "B""#]);
    }

    #[test]
    fn things_with_ids_are_matched_by_id() {
        let before = r#"[{"id":"a","t":1},{"id":"b","t":2},{"id":"c","t":3}]"#;
        check(before, r#"[{"id":"b","t":2},{"id":"c","t":4}]"#, &[r#"/0 {"id": "a", "t": 1} -"#, "/1/t (/2/t) 3 4"]);
        let moved = r#"[{"id":"c","t":3},{"id":"a","t":1},{"id":"b","t":2}]"#;
        check(before, moved, &[r#"/0 - {"id": "c", "t": 3}"#, r#"/2 {"id": "c", "t": 3} -"#]);
        check(r#"[{"id":"a"},{"id":"a"}]"#, r#"[{"id":"a"}]"#, &[r#"/1 {"id": "a"} -"#]);
    }
}
