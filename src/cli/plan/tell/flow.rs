//! Everything that differs in a flow, as far as there is room.

use super::edges::{Names, edge, reference};
use super::nodes::{node, telling};
use super::values::value;
use crate::cli::plan::lines::{Line, Mark, Room, Tone};
use crate::controller::view::Compared;

/// What differs, in about so many bytes; what is left out is counted at the end.
pub(in crate::cli::plan) fn flow(compared: &Compared, n_bytes: usize) -> Vec<Line> {
    let Compared { before, after, diff } = compared;
    let mut room = Room::of(n_bytes);
    let mut left_out: Vec<(usize, &str)> = Vec::new();
    // The headline tells of a new version; alone, it would be all there is to say.
    let is_alone =
        diff.fields.len() == 1 && diff.nodes.is_empty() && diff.edges.is_empty() && diff.references.is_empty();
    let fields = diff.fields.iter().filter(|field| is_alone || field.path != "/version");
    let n_fields = fields.map(|field| !room.take(|| value(field, 0, after.sequence))).filter(|is_out| *is_out).count();
    left_out.push((n_fields + diff.truncated.fields, "field(s)"));
    let nodes = telling(&diff.nodes);
    let n_nodes = section(&mut room, "nodes", nodes, |change| node(change, after));
    left_out.push((n_nodes + diff.truncated.nodes, "change(s) of nodes"));
    let names = Names::of(before, after);
    let n_edges = section(&mut room, "edges", &diff.edges, |change| edge(change, &names));
    left_out.push((n_edges + diff.truncated.edges, "change(s) of edges"));
    let n_references = section(&mut room, "references", &diff.references, reference);
    left_out.push((n_references + diff.truncated.references, "change(s) of references"));
    left_out.push((diff.truncated.values, "value(s)"));
    let said: Vec<String> =
        left_out.iter().filter(|(n, _)| *n > 0).map(|(n_left_out, what)| format!("{n_left_out} {what}")).collect();
    if !said.is_empty() {
        room.insist(Line::new(Mark::Plain, 0).and(Tone::Dim, &format!("… left out for length: {}", said.join(", "))));
    }
    room.lines
}

/// One list of changes under its title; how many of them are left out.
fn section<T>(
    room: &mut Room,
    title: &str,
    changes: impl IntoIterator<Item = T>,
    mut tell: impl FnMut(T) -> Vec<Line>,
) -> usize {
    let mut n_left_out = 0;
    let mut is_titled = false;
    for change in changes {
        let lines = || {
            let title = Line::new(Mark::Plain, 0).and(Tone::Dim, title);
            let title = (!is_titled).then_some(title);
            title.into_iter().chain(tell(change)).collect()
        };
        if room.take(lines) {
            is_titled = true;
        } else {
            n_left_out += 1;
        }
    }
    n_left_out
}
