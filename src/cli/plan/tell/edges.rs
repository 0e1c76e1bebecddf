//! Edges and references.

use std::collections::HashMap;

use super::nodes::{bare, called, some_values};
use super::values::{arrow, shown, words};
use super::words::{quoted, shortened};
use crate::cli::plan::lines::{Line, Mark, Part, Tone};
use crate::flow::ENVIRONMENT_VARIABLE;
use crate::flow::diff::{EdgeChange, EdgeEvent, ReferenceChange, ReferenceEvent, Sequence, Value, View};

/// Most characters of a condition.
const CONDITION_CHARS_MAX: usize = 200;
const DEPTH: usize = 1;

/// How the nodes of a flow are called by its edges: by label where no other node has it, else by label and id.
pub(super) struct Names(HashMap<String, String>);

impl Names {
    /// The names on both sides; a node that stands on both is called as it is after.
    pub(super) fn of(before: &View, after: &View) -> Self {
        let mut by_label: HashMap<String, usize> = HashMap::new();
        for node in &after.nodes.items {
            *by_label.entry(called(node)).or_default() += 1;
        }
        let mut names = HashMap::new();
        for node in after.nodes.items.iter().chain(&before.nodes.items) {
            let Some(id) = node.id() else { continue };
            let is_unique = node.label.is_none() || by_label.get(&called(node)).is_none_or(|n_nodes| *n_nodes == 1);
            let name = || if is_unique { called(node) } else { format!("{} ({id})", called(node)) };
            names.entry(id.to_owned()).or_insert_with(name);
        }
        Self(names)
    }

    fn end(&self, end: Option<&Value>) -> String {
        match end {
            None => "nowhere".to_owned(),
            Some(Value::Text(id)) => self.0.get(&**id).cloned().unwrap_or_else(|| bare(&Value::Text(id.clone()))),
            Some(other) => shown(other),
        }
    }

    fn joined(&self, from: Option<&Value>, to: Option<&Value>) -> String {
        format!("{} -> {}", self.end(from), self.end(to))
    }
}

/// What happened to one edge.
pub(super) fn edge(change: &EdgeChange, names: &Names) -> Vec<Line> {
    let mark = match change.change {
        EdgeEvent::Added => Mark::Added,
        EdgeEvent::Removed => Mark::Removed,
        EdgeEvent::Retargeted | EdgeEvent::Changed => Mark::Changed,
        EdgeEvent::Moved => Mark::Moved,
    };
    let (from, to) = (change.from.as_ref(), change.to.as_ref());
    let joined = match (&change.before, from, to) {
        (Some(before @ (Value::List(_) | Value::Text(_) | Value::Number(_))), None, None) => shown(before),
        _ => names.joined(from, to),
    };
    let mut line = Line::new(mark, DEPTH).and(Tone::Strong, &joined);
    let before = |key: &str| change.before.as_ref().and_then(|edge| edge.member(key));
    match change.change {
        EdgeEvent::Retargeted => {
            line = line.and(Tone::Dim, &format!(" (was {})", names.joined(before("from"), before("to"))));
        }
        EdgeEvent::Moved => line = line.and(Tone::Dim, &places(change.place)),
        EdgeEvent::Added | EdgeEvent::Removed | EdgeEvent::Changed => {}
    }
    if change.change == EdgeEvent::Changed
        || before("condition") != change.condition.as_ref() && change.before.is_some()
    {
        let mut lines = vec![line];
        lines.extend(condition(before("condition"), change.condition.as_ref()));
        lines.extend(some_values(&change.values.iter().collect::<Vec<_>>(), DEPTH + 1, Sequence::Edges));
        return lines;
    }
    if let Some(condition) = change.condition.as_ref().filter(|condition| **condition != Value::Null) {
        line = line.and(Tone::Plain, &format!(" when {}", spoken(condition)));
    }
    let mut lines = vec![line];
    lines.extend(some_values(&change.values.iter().collect::<Vec<_>>(), DEPTH + 1, Sequence::Edges));
    lines
}

/// A condition that was reworded.
fn condition(before: Option<&Value>, after: Option<&Value>) -> Option<Line> {
    if before == after {
        return None;
    }
    let line = || Line::new(Mark::Changed, DEPTH + 1).and(Tone::Strong, "when").and(Tone::Plain, ": ");
    let said = |side: Option<&Value>| match side {
        None | Some(Value::Null) => "always".to_owned(),
        Some(condition) => spoken(condition),
    };
    match (before, after) {
        (Some(Value::Text(old)), Some(Value::Text(new))) => {
            let side_by_side = || vec![Part::new(Tone::Plain, &format!("{} -> {}", said(before), said(after)))];
            Some(line().and_all(words(old, new).unwrap_or_else(side_by_side)))
        }
        (None | Some(Value::Null), None | Some(Value::Null)) => {
            let written = |side: Option<&Value>| if side.is_some() { "null" } else { "left out" };
            let text = format!("always ({} -> {})", written(before), written(after));
            Some(line().and(Tone::Plain, &text))
        }
        (Some(old), Some(new)) if *old != Value::Null && *new != Value::Null => Some(line().and_all(arrow(old, new))),
        _ => Some(line().and(Tone::Plain, &format!("{} -> {}", said(before), said(after)))),
    }
}

fn spoken(condition: &Value) -> String {
    match condition {
        Value::Text(text) if text.trim().is_empty() => quoted(text),
        Value::Text(text) => shortened(text, CONDITION_CHARS_MAX),
        other => shown(other),
    }
}

/// What happened to one reference.
pub(super) fn reference(change: &ReferenceChange) -> Vec<Line> {
    let mark = match change.change {
        ReferenceEvent::Added => Mark::Added,
        ReferenceEvent::Removed => Mark::Removed,
        ReferenceEvent::Moved => Mark::Moved,
    };
    let said = |side: &Option<Value>| side.as_ref().map_or("?".to_owned(), bare);
    let mut line = Line::new(mark, DEPTH)
        .and(Tone::Plain, &format!("{} ", said(&change.kind)))
        .and(Tone::Strong, &said(&change.id));
    // Of the environment that is deployed to, nothing needs to be said.
    let elsewhere = change.environment_id.as_ref().filter(|it| it.as_text() != Some(ENVIRONMENT_VARIABLE));
    if let Some(environment) = elsewhere {
        line = line.and(Tone::Plain, &format!(" in {}", bare(environment)));
    }
    if change.change == ReferenceEvent::Moved {
        line = line.and(Tone::Dim, &places(change.place));
    }
    let mut lines = vec![line];
    lines.extend(some_values(&change.values.iter().collect::<Vec<_>>(), DEPTH + 1, Sequence::Edges));
    lines
}

/// Where something moved, counted as people count.
fn places(place: crate::flow::diff::Places) -> String {
    let count = |place: Option<usize>| place.map_or("?".to_owned(), |place| (place + 1).to_string());
    format!(" moved, from place {} to {}", count(place.before), count(place.after))
}
