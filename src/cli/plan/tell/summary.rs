//! A flow that comes or goes as a whole, in a few lines.

use std::collections::{BTreeMap, BTreeSet};

use super::nodes::{NAME_CHARS_MAX, bare};
use super::words::shortened;
use crate::cli::plan::lines::{Line, Mark, Tone};
use crate::flow::Reference;
use crate::flow::diff::{Sequence, Value, View};

/// Most kinds of nodes, and most references, that are named.
const NAMED_MAX: usize = 20;

/// What a flow is made of, and what it needs.
pub(in crate::cli::plan) fn summary(view: &View, references: &[Reference]) -> Vec<Line> {
    let mut by_kind: BTreeMap<String, usize> = BTreeMap::new();
    for node in &view.nodes.items {
        let kind = node.value.member("type").map_or("without type".to_owned(), bare);
        *by_kind.entry(kind).or_default() += 1;
    }
    let kinds = by_kind.iter().map(|(kind, n_nodes)| format!("{n_nodes} {kind}"));
    let (n_nodes, n_edges) = (view.nodes.items.len(), view.edges.items.len());
    let kinds = if n_nodes > 0 { format!(" ({})", some(kinds)) } else { String::new() };
    let beside = match view.sequence {
        Sequence::Edges => format!(", {}", count(n_edges, "edge")),
        Sequence::Order => spoken_in(view),
    };
    let counts = format!("{}{kinds}{beside}", count(n_nodes, "node"));
    let mut lines = vec![Line::new(Mark::Plain, 0).and(Tone::Plain, &counts)];
    if !references.is_empty() {
        let needs = some(references.iter().map(|reference| shortened(&reference.to_string(), NAME_CHARS_MAX)));
        lines.push(Line::new(Mark::Plain, 0).and(Tone::Plain, &format!("needs {needs}")));
    }
    lines
}

/// The locales that nodes have settings in.
fn spoken_in(view: &View) -> String {
    let mut locales: BTreeSet<&str> = BTreeSet::new();
    for node in &view.nodes.items {
        if let Some(Value::Map(config)) = node.value.member("config") {
            locales.extend(config.iter().map(|(locale, _)| locale));
        }
    }
    if locales.is_empty() {
        return String::new();
    }
    let named = locales.into_iter().map(|locale| shortened(locale, NAME_CHARS_MAX)).collect::<Vec<_>>();
    format!(" in {}", some(named.into_iter()))
}

fn count(n_things: usize, thing: &str) -> String {
    if n_things == 1 { format!("1 {thing}") } else { format!("{n_things} {thing}s") }
}

/// The first few, and how many more.
fn some(names: impl ExactSizeIterator<Item = String>) -> String {
    let n_more = names.len().saturating_sub(NAMED_MAX);
    let named: Vec<String> = names.take(NAMED_MAX).collect();
    let more = if n_more > 0 { format!(" and {n_more} more") } else { String::new() };
    format!("{}{more}", named.join(", "))
}
