//! Nodes, and how they are called.

use super::values::{shown, value};
use super::words::{quoted, shortened};
use crate::cli::plan::lines::{Line, Mark, Tone};
use crate::flow::diff::{NodeChange, NodeEvent, NodeView, Value, ValueChange, View};

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
    if change.change == NodeEvent::Moved {
        line = line.and(Tone::Dim, &format!(" moved, now {}", neighbour(change, after)));
    }
    // The label of one that came or went has been said.
    let is_label = |value: &&ValueChange| {
        let label = value.before.as_ref().or(value.after.as_ref()).and_then(Value::as_text);
        ["/label", "/name", "/title"].contains(&value.path.as_str()) && label == change.label.as_deref()
    };
    let comes_or_goes = matches!(change.change, NodeEvent::Added | NodeEvent::Removed);
    let values: Vec<&ValueChange> = change.values.iter().filter(|value| !(comes_or_goes && is_label(value))).collect();
    let mut lines = vec![line];
    lines.extend(some_values(&values, DEPTH + 1));
    lines
}

/// Values, as many as people read.
pub(super) fn some_values(values: &[&ValueChange], depth: usize) -> Vec<Line> {
    let mut lines: Vec<Line> = values.iter().take(VALUES_MAX).flat_map(|change| value(change, depth)).collect();
    if let n_left_out @ 1.. = values.len().saturating_sub(VALUES_MAX) {
        lines.push(Line::new(Mark::Plain, depth).and(Tone::Dim, &format!("… {n_left_out} more value(s)")));
    }
    lines
}

fn neighbour(change: &NodeChange, after: &View) -> String {
    match change.place.after.and_then(|place| place.checked_sub(1)) {
        None => "first".to_owned(),
        Some(place) => {
            let called = after.nodes.items.get(place).map_or_else(String::new, called);
            format!("after {called}")
        }
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
