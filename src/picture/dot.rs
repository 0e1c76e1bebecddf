//! Graphviz.

use super::graph::{Graph, NodeName};
use crate::problem::escape_terminal;

/// Who needs whom, as a `digraph`.
#[must_use]
pub fn graph(graph: &Graph) -> String {
    let quote = |text: &str| format!("\"{}\"", escape_terminal(text).replace('\\', "\\\\").replace('"', "\\\""));
    let mut text = String::from("digraph flows {\n  rankdir=LR;\n  node [shape=box];\n");
    for (name, node) in graph.nodes.iter().filter(|(_, node)| !node.title.is_empty()) {
        text.push_str(&format!("  {} [label={}];\n", quote(&name.text()), quote(&node.title)));
    }
    for (from, to) in &graph.edges {
        let style = if matches!(to, NodeName::Flow(_)) { "" } else { " [style=dotted]" };
        text.push_str(&format!("  {} -> {}{style};\n", quote(&from.text()), quote(&to.text())));
    }
    text.push_str("}\n");
    text
}

#[cfg(test)]
mod tests {
    use super::super::graph::Fate;
    use super::*;

    #[test]
    fn a_name_stays_a_name() {
        let mut flows = Graph::default();
        flows.add(&"flow_a".parse().unwrap(), "x\"];\n\\ y", Fate::Stays, &[]);
        assert!(graph(&flows).contains(r#"  "flow_a" [label="x\"];\\n\\ y"];"#), "{}", graph(&flows));
    }
}
