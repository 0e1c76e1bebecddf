//! No more than may be shown.

use serde::Serialize;

use super::change::{FlowDiff, LeftOut, NodeChange, Truncated, ValueChange};
use super::value::Value;

/// Longest side of a value that is shown, as JSON in bytes.
const VALUE_BYTES_MAX: usize = 256 * 1024;

/// Deepest side of a value that is shown: readers of JSON commonly stop at 128, the plan around it included.
const VALUE_DEPTH_MAX: usize = 96;

impl FlowDiff {
    /// The same diff in about so many bytes of JSON: what is too much is left out from the end of each list and
    /// counted. Of nodes that no longer fit, the values go first.
    #[must_use]
    pub fn within(mut self, n_bytes: usize) -> Self {
        let mut truncated = self.truncated;
        shorten(&mut self.fields, &mut truncated.values);
        self.nodes.iter_mut().for_each(|node| shorten(&mut node.values, &mut truncated.values));
        self.edges.iter_mut().for_each(|edge| shorten(&mut edge.values, &mut truncated.values));
        self.references.iter_mut().for_each(|one| shorten(&mut one.values, &mut truncated.values));
        let room = n_bytes.saturating_sub(FRAME_BYTES);
        let (for_fields, for_edges) = (room / 10 * 3, room / 10 * 3);
        let mut left = for_fields;
        truncated.fields += keep(&mut self.fields, &mut left, size);
        left += for_edges;
        truncated.references += keep(&mut self.references, &mut left, |reference| {
            size_with([&reference.kind, &reference.id, &reference.environment_id], reference)
        });
        truncated.edges += keep(&mut self.edges, &mut left, |edge| {
            size_with([&edge.from, &edge.to, &edge.condition, &edge.before], edge)
        });
        left += room - for_fields - for_edges;
        self.keep_nodes(left, &mut truncated);
        Self { truncated, ..self }
    }

    /// The diff as JSON on one line, in bytes.
    #[must_use]
    pub fn json_bytes(&self) -> usize {
        size(self).unwrap_or(usize::MAX)
    }

    /// Keeps nodes without their values as far as half of the room goes, then values from the first on.
    fn keep_nodes(&mut self, mut room: usize, truncated: &mut Truncated) {
        let bare = |mut node: NodeChange| {
            let values = std::mem::take(&mut node.values);
            (node, values)
        };
        let mut nodes: Vec<(NodeChange, Vec<ValueChange>)> = self.nodes.drain(..).map(bare).collect();
        let mut left = room.div_ceil(2);
        room -= left;
        truncated.nodes += keep(&mut nodes, &mut left, |(node, _)| size_with([&node.id, &node.kind], node));
        room += left;
        for (mut node, values) in nodes {
            node.values = values;
            truncated.values += keep(&mut node.values, &mut room, size);
            self.nodes.push(node);
        }
    }
}

/// What an empty diff takes.
const FRAME_BYTES: usize = 160;

/// Leaves out sides that are too large, and counts them.
fn shorten(values: &mut [ValueChange], n_left_out: &mut usize) {
    values.iter_mut().for_each(|value| value.shorten(n_left_out));
}

impl ValueChange {
    fn shorten(&mut self, n_left_out: &mut usize) {
        let mut cut = |side: &mut Option<Value>| {
            let bytes = too_large(side.as_ref()?)?;
            *side = None;
            *n_left_out += 1;
            Some(bytes)
        };
        let left_out = LeftOut { before: cut(&mut self.before), after: cut(&mut self.after) };
        if left_out != LeftOut::default() {
            self.left_out = Some(left_out);
        }
    }
}

/// The size of a value that is not shown.
fn too_large(value: &Value) -> Option<usize> {
    let n_bytes = match value {
        Value::Text(text) => text.len(),
        Value::Number(text) => text.len(),
        Value::Null | Value::Bool(_) => 0,
        Value::List(_) | Value::Map(_) => value.to_json().len(),
    };
    (n_bytes > VALUE_BYTES_MAX || value.depth() > VALUE_DEPTH_MAX).then_some(n_bytes)
}

/// Keeps items while there is room; how many are gone. What has no size is too large to be shown at all.
fn keep<T>(items: &mut Vec<T>, room: &mut usize, size: impl Fn(&T) -> Option<usize>) -> usize {
    let n_items = items.len();
    let mut is_full = false;
    items.retain(|item| {
        let Some(cost) = (if is_full { None } else { size(item) }) else { return false };
        is_full = cost > *room;
        *room -= if is_full { 0 } else { cost };
        !is_full
    });
    n_items - items.len()
}

/// An item as JSON on one line, with its comma.
fn size(item: &impl Serialize) -> Option<usize> {
    serde_json::to_string(item).ok().map(|text| text.len() + 1)
}

/// The same, for one in which none of some values is too large.
fn size_with<const N: usize>(values: [&Option<Value>; N], item: &impl Serialize) -> Option<usize> {
    let all_fit = values.into_iter().flatten().all(|value| too_large(value).is_none());
    if all_fit { size(item) } else { None }
}

#[cfg(test)]
mod tests {
    use super::super::compare::diff;
    use super::super::view::View;
    use super::*;
    use crate::flow::comparison::Comparison;
    use crate::flow::document::Document;

    fn view(text: &str) -> View {
        View::of_document(&Document::parse(text.as_bytes()).unwrap(), &Comparison::default())
    }

    fn nodes(n_nodes: usize, text: &str) -> String {
        let node = |at: usize| format!(r#"{{"id":"n{at}","type":"action","configuration":{{"text":"{text} {at}"}}}}"#);
        let edge = |at: usize| format!(r#"{{"from":"n{at}","to":"n{}","condition":"{text}"}}"#, at + 1);
        let list = |item: &dyn Fn(usize) -> String| (0..n_nodes).map(item).collect::<Vec<_>>().join(",");
        format!(r#"{{"name":"{text}","nodes":[{}],"edges":[{}]}}"#, list(&node), list(&edge))
    }

    #[test]
    fn what_fits_is_left_alone() {
        let whole = diff(&view(&nodes(20, "a")), &view(&nodes(20, "b")));
        let n_bytes = serde_json::to_string(&whole).unwrap().len();
        assert_eq!(whole.clone().within(4 * n_bytes), whole);
    }

    #[test]
    fn what_is_too_much_is_counted_and_the_rest_fits() {
        let whole = diff(&view(&nodes(5000, "a")), &view(&nodes(5000, "b")));
        for n_bytes in [0, 200, 5_000, 100_000, 1_000_000] {
            let cut = whole.clone().within(n_bytes);
            let n_written = serde_json::to_string(&cut).unwrap().len();
            assert!(n_written <= n_bytes.max(FRAME_BYTES), "{n_written} of {n_bytes}");
            assert_eq!(cut.nodes.len() + cut.truncated.nodes, 5000);
            assert_eq!(cut.edges.len() + cut.truncated.edges, 5000);
            let n_values: usize = cut.nodes.iter().map(|node| node.values.len()).sum();
            assert_eq!(n_values + cut.truncated.values, cut.nodes.len());
            assert!(n_bytes < 5_000 || !cut.nodes.is_empty() && !cut.edges.is_empty() && cut.fields.len() == 1);
        }
    }

    #[test]
    fn a_value_that_is_too_large_gives_its_size_instead() {
        let long = "x".repeat(VALUE_BYTES_MAX + 1);
        let cut = diff(&view(r#"{"name":"a"}"#), &view(&format!(r#"{{"name":"{long}"}}"#))).within(1_000_000);
        let after = Some(VALUE_BYTES_MAX + 1);
        assert_eq!(cut.fields[0].left_out, Some(LeftOut { before: None, after }));
        assert_eq!((cut.fields[0].before.as_ref().and_then(Value::as_text), &cut.fields[0].after), (Some("a"), &None));
        assert_eq!(cut.truncated.values, 1);
        let deep = format!("{}{}", "[".repeat(VALUE_DEPTH_MAX + 1), "]".repeat(VALUE_DEPTH_MAX + 1));
        let cut = diff(&view("{}"), &view(&format!(r#"{{"deep":{deep}}}"#))).within(1_000_000);
        assert!(cut.fields[0].left_out.is_some() && cut.fields[0].path == "/deep");
        let cut = diff(&view("{}"), &view(&format!(r#"{{"edges":[{{"from":"{long}"}}]}}"#))).within(1_000_000);
        assert_eq!((cut.edges.len(), cut.truncated.edges), (0, 1));
    }
}
