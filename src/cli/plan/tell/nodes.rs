//! Nodes, and how they are called.

use std::collections::HashSet;

use super::values::{shown, value};
use super::words::{quoted, shortened};
use crate::cli::plan::lines::{Line, Mark, Tone};
use crate::flow::diff::{Home, NodeChange, NodeEvent, NodeView, Part, Sequence, Value, ValueChange, View};

/// Most characters of a name.
pub(super) const NAME_CHARS_MAX: usize = 80;
/// Most values told of one node.
const VALUES_MAX: usize = 50;

/// What happened to one node.
pub(super) fn node(change: &NodeChange, after: &View) -> Vec<Line> {
    const DEPTH: usize = 1;
    let kind = change.kind.as_ref().map(|kind| format!("{} ", bare(kind))).unwrap_or_default();
    let called = match (&change.label, &change.id) {
        (Some(label), Some(id)) => format!("{} ({})", quoted(label), bare(id)),
        (Some(label), None) => quoted(label),
        (None, Some(id)) => bare(id),
        (None, None) => "without id".to_owned(),
    };
    let mark = match change.change {
        NodeEvent::Added => Mark::Added,
        NodeEvent::Removed => Mark::Removed,
        NodeEvent::Changed => Mark::Changed,
        NodeEvent::Moved => Mark::Moved,
    };
    let mut line = Line::new(mark, DEPTH).and(Tone::Plain, &kind).and(Tone::Strong, &called);
    let place = change.place.after.map(|at| neighbour(at, after));
    match (change.change, place, after.sequence) {
        (NodeEvent::Moved, place, _) => {
            line = line.and(Tone::Dim, &format!(" moved, now {}", place.unwrap_or_default()));
        }
        // No edge tells where it stands.
        (NodeEvent::Added, Some(place), Sequence::Order) => line = line.and(Tone::Dim, &format!(" {place}")),
        _ => {}
    }
    // The label of one that came or went has been said.
    let is_label = |value: &&ValueChange| {
        let label = value.before.as_ref().or(value.after.as_ref()).and_then(Value::as_text);
        ["/label", "/name", "/title"].contains(&value.path.as_str()) && label == change.label.as_deref()
    };
    let comes_or_goes = matches!(change.change, NodeEvent::Added | NodeEvent::Removed);
    let values: Vec<&ValueChange> = change.values.iter().filter(|value| !(comes_or_goes && is_label(value))).collect();
    let mut lines = vec![line];
    lines.extend(some_values(&values, DEPTH + 1, after.sequence));
    lines
}

/// The changes of nodes that say something: a branch that is nothing but a place comes and goes with its node.
pub(super) fn telling(changes: &[NodeChange]) -> Vec<&NodeChange> {
    let key = |id: &Option<Value>, event| Some((id.clone()?, event));
    let events: HashSet<(Value, NodeEvent)> =
        changes.iter().filter_map(|change| key(&change.id, change.change)).collect();
    let goes_without_saying = |change: &NodeChange| {
        let within = match change.change {
            NodeEvent::Added => &change.within.after,
            NodeEvent::Removed => &change.within.before,
            NodeEvent::Changed | NodeEvent::Moved => return false,
        };
        let of = within.as_ref().filter(|stand| stand.part == Part::Branches);
        change.values.is_empty() && of.is_some_and(|stand| events.contains(&(stand.node.clone(), change.change)))
    };
    changes.iter().filter(|change| !goes_without_saying(change)).collect()
}

/// Values, as many as people read.
pub(super) fn some_values(values: &[&ValueChange], depth: usize, sequence: Sequence) -> Vec<Line> {
    let shown = values.iter().take(VALUES_MAX);
    let mut lines: Vec<Line> = shown.flat_map(|change| value(change, depth, sequence)).collect();
    if let n_left_out @ 1.. = values.len().saturating_sub(VALUES_MAX) {
        lines.push(Line::new(Mark::Plain, depth).and(Tone::Dim, &format!("… {n_left_out} more value(s)")));
    }
    lines
}

/// Where a node stands: behind which one of those that it belongs together with.
fn neighbour(at: usize, view: &View) -> String {
    let nodes = &view.nodes.items;
    let Some(node) = nodes.get(at) else { return String::new() };
    let before = nodes[..at].iter().rposition(|other| other.home == node.home);
    match (before, node.home) {
        (Some(before), _) => format!("after {}", standing(before, view)),
        (None, Home::Flow) => "first".to_owned(),
        (None, Home::BranchOf(of)) => format!("first of {}", standing(of, view)),
        (None, Home::BodyOf(of)) => format!("first in {}", standing(of, view)),
    }
}

/// How a node is called beside another one: a branch without a label by what it is a branch of.
fn standing(at: usize, view: &View) -> String {
    let Some(node) = view.nodes.items.get(at) else { return String::new() };
    match (view.sequence, &node.label, node.kind(), node.home) {
        (Sequence::Order, None, Some(kind), Home::BranchOf(of)) => {
            format!("{} of {}", shortened(kind, NAME_CHARS_MAX), standing(of, view))
        }
        (Sequence::Order, None, Some(kind), _) => format!("{} {}", shortened(kind, NAME_CHARS_MAX), called(node)),
        _ => called(node),
    }
}

/// A node by its label, else by its id.
pub(super) fn called(node: &NodeView) -> String {
    match (&node.label, node.id()) {
        (Some(label), _) => quoted(label),
        (None, Some(id)) => shortened(id, NAME_CHARS_MAX),
        (None, None) => shown(&node.value),
    }
}

/// An id or a type: as it is where it is a text.
pub(super) fn bare(value: &Value) -> String {
    match value {
        Value::Text(text) => shortened(text, NAME_CHARS_MAX),
        other => shown(other),
    }
}
