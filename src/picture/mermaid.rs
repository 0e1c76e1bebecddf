//! Mermaid flowcharts.
//!
//! A label is a quoted string in which all ASCII punctuation and everything with a meaning to Mermaid, to Markdown or
//! to HTML is written as `#code;`: so no text ends its label, begins a directive, or draws a node.

use std::collections::BTreeMap;

use super::chart::{Chart, ChartNode, Mark, Shape};
use super::graph::{Fate, Graph, NodeName};
use crate::problem::escape_terminal;

/// Most characters of a title.
const TITLE_CHARS_MAX: usize = 60;
/// Most characters of a condition.
const CONDITION_CHARS_MAX: usize = 40;
/// Longest flow id that names its node itself.
const ID_BYTES_MAX: usize = 100;

/// A flow with what changed in it: coloured, and said in words as well.
#[must_use]
pub fn chart(chart: &Chart) -> String {
    let mut text = String::from("flowchart TD\n");
    let mut classes: BTreeMap<Mark, Vec<String>> = BTreeMap::new();
    for (at, node) in chart.nodes.iter().enumerate() {
        let (open, close) = brackets(node.shape);
        text.push_str(&format!("  n{at}{open}\"{}\"{close}\n", node_label(node)));
        classes.entry(node.mark).or_default().push(format!("n{at}"));
    }
    let mut links: BTreeMap<Mark, Vec<String>> = BTreeMap::new();
    for (at, edge) in chart.edges.iter().enumerate() {
        let arrow = match edge.mark {
            Mark::Same | Mark::Changed | Mark::Moved => "-->",
            Mark::Added => "==>",
            Mark::Removed => "-.->",
        };
        let said = [word(edge.mark), &escaped(&edge.condition, CONDITION_CHARS_MAX)].map(str::to_owned);
        let label: Vec<String> = said.into_iter().filter(|part| !part.is_empty()).collect();
        let label = if label.is_empty() { String::new() } else { format!("|\"{}\"|", label.join("<br/>")) };
        text.push_str(&format!("  n{} {arrow}{label} n{}\n", edge.from, edge.to));
        links.entry(edge.mark).or_default().push(at.to_string());
    }
    for mark in [Mark::Moved, Mark::Changed, Mark::Added, Mark::Removed] {
        push_class(&mut text, mark, classes.get(&mark));
        if let Some(edges) = links.get(&mark) {
            let (_, stroke, _) = colours(mark);
            text.push_str(&format!("  linkStyle {} stroke:{stroke},stroke-width:2px\n", edges.join(",")));
        }
    }
    text
}

/// Colours nodes by what happened to them.
fn push_class(text: &mut String, mark: Mark, nodes: Option<&Vec<String>>) {
    let Some(nodes) = nodes else { return };
    let (fill, stroke, dashes) = colours(mark);
    let name = word(mark);
    text.push_str(&format!("  classDef {name} fill:{fill},stroke:{stroke},color:#1f2328,stroke-width:2px{dashes}\n"));
    text.push_str(&format!("  class {} {name}\n", nodes.join(",")));
}

/// Who needs whom.
#[must_use]
pub fn graph(graph: &Graph) -> String {
    let mut text = String::from("flowchart TD\n");
    let names: BTreeMap<&NodeName, String> =
        graph.nodes.keys().enumerate().map(|(at, name)| (name, node_name(name, at))).collect();
    let mut classes: BTreeMap<Fate, Vec<String>> = BTreeMap::new();
    for (name, node) in &graph.nodes {
        let title = match (name, node.title.is_empty()) {
            (_, false) => escaped(&node.title, TITLE_CHARS_MAX),
            (NodeName::Flow(_), true) => escaped(&name.text(), TITLE_CHARS_MAX),
            // The colon after a word of ours needs no escape, and people look for `intent:greeting`.
            (NodeName::Other(kind, id), true) => format!("{}:{}", kind.as_str(), escaped(id, TITLE_CHARS_MAX)),
        };
        let fate = fate_word(node.fate);
        let fate = if fate.is_empty() { String::new() } else { format!("{fate}#58; ") };
        let (open, close) = if matches!(name, NodeName::Flow(_)) { ("[", "]") } else { ("([", "])") };
        text.push_str(&format!("  {}{open}\"{fate}{title}\"{close}\n", names[name]));
        classes.entry(node.fate).or_default().push(names[name].clone());
    }
    for (from, to) in &graph.edges {
        let arrow = if matches!(to, NodeName::Flow(_)) { "-->" } else { "-.->" };
        if let (Some(from), Some(to)) = (names.get(from), names.get(to)) {
            text.push_str(&format!("  {from} {arrow} {to}\n"));
        }
    }
    for (fate, mark) in [(Fate::Created, Mark::Added), (Fate::Updated, Mark::Changed), (Fate::Deleted, Mark::Removed)] {
        push_class(&mut text, mark, classes.get(&fate));
    }
    text
}

/// A flow's node is named by its id, so that the source can be read; anything else by its place.
fn node_name(name: &NodeName, at: usize) -> String {
    match name {
        NodeName::Flow(id) if id.as_str().len() <= ID_BYTES_MAX => id.to_string(),
        NodeName::Flow(_) | NodeName::Other(..) => format!("r{at}"),
    }
}

fn node_label(node: &ChartNode) -> String {
    let word = word(node.mark);
    let word = if word.is_empty() { String::new() } else { format!("{word}#58; ") };
    let (title, note) = (escaped(&node.title, TITLE_CHARS_MAX), escaped(&node.note, TITLE_CHARS_MAX));
    if note.is_empty() { format!("{word}{title}") } else { format!("{word}{title}<br/>{note}") }
}

fn brackets(shape: Shape) -> (&'static str, &'static str) {
    match shape {
        Shape::Step | Shape::Unknown => ("[", "]"),
        Shape::Terminal => ("([", "])"),
        Shape::Decision => ("{{", "}}"),
        Shape::Branch => ("(", ")"),
        Shape::Flow => ("[[", "]]"),
    }
}

/// What is said of a part, so that nobody has to tell colours apart; also the name of its class.
fn word(mark: Mark) -> &'static str {
    match mark {
        Mark::Same => "",
        Mark::Moved => "moved",
        Mark::Changed => "changed",
        Mark::Added => "added",
        Mark::Removed => "removed",
    }
}

fn fate_word(fate: Fate) -> &'static str {
    match fate {
        Fate::Stays => "",
        Fate::Created => "create",
        Fate::Updated => "update",
        Fate::Deleted => "delete",
    }
}

/// Fill, stroke and dashes, to be read on light and on dark ground.
fn colours(mark: Mark) -> (&'static str, &'static str, &'static str) {
    match mark {
        Mark::Same => ("#ffffff", "#59636e", ""),
        Mark::Moved => ("#ddf4ff", "#0969da", ""),
        Mark::Changed => ("#fff8c5", "#9a6700", ""),
        Mark::Added => ("#dafbe1", "#1a7f37", ""),
        Mark::Removed => ("#ffebe9", "#cf222e", ",stroke-dasharray:5 5"),
    }
}

/// A text of at most so many characters as part of a label.
fn escaped(text: &str, n_chars: usize) -> String {
    let text = escape_terminal(text);
    let mut out = String::with_capacity(text.len());
    for (at, character) in text.chars().enumerate() {
        if at == n_chars {
            out.push('…');
            break;
        }
        match character {
            ' ' | ',' => out.push(character),
            // A ligature that stands for an entity inside of Mermaid.
            '\u{fb02}' => out.push_str("#64258;"),
            _ if character.is_ascii_punctuation() => out.push_str(&format!("#{};", character as u32)),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_label_has_a_meaning() {
        assert_eq!(escaped("a \"b\"\n%%{init}", 60), "a #34;b#34;#92;n#37;#37;#123;init#125;");
        assert_eq!(escaped("Grüße, 日本", 60), "Grüße, 日本");
        assert_eq!(escaped("abcdef", 3), "abc…");
        assert_eq!(escaped("\u{202e}", 60), "#92;u#123;202e#125;");
    }
}
