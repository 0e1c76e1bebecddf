//! The comparison itself: fields, then each list.

use super::change::{FlowDiff, Truncated};
use super::lists;
use super::value::Value;
use super::values::Collected;
use super::view::{Form, Item, Listed, View};

/// What differs between two flows.
#[must_use]
pub fn diff(before: &View, after: &View) -> FlowDiff {
    let mut truncated = Truncated::default();
    let mut fields = Collected::default();
    let (Value::Map(old), Value::Map(new)) = (&before.fields, &after.fields) else {
        // One of them is no flow: neither has parts that could be told apart.
        let (old, new) = (before.whole(), after.whole());
        if old != new {
            fields.whole("", Some(&old), Some(&new));
        }
        return FlowDiff { fields: fields.values, ..FlowDiff::default() };
    };
    fields.members_but(&[], old, new);
    form(&mut fields, &before.nodes, &after.nodes);
    form(&mut fields, &before.edges, &after.edges);
    form(&mut fields, &before.references, &after.references);
    truncated.fields = fields.n_left_out;
    let nodes = lists::nodes(&before.nodes.items, &after.nodes.items, &mut truncated);
    let edges = lists::edges(&before.edges.items, &after.edges.items, &mut truncated);
    let references = lists::references(&before.references.items, &after.references.items, &mut truncated);
    FlowDiff { fields: fields.values, nodes, edges, references, truncated }
}

/// What the items of a list do not tell: that it is there at all, or is no list.
fn form<T: Item>(fields: &mut Collected, before: &Listed<T>, after: &Listed<T>) {
    let path = format!("/{}", after.name);
    match (&before.form, &after.form) {
        (Form::List, Form::List) | (Form::Absent, Form::Absent) => {}
        // Whoever sees an item come knows that there is a list now.
        (Form::Absent, Form::List) if !after.items.is_empty() => {}
        (Form::Other(before), Form::Other(after)) => fields.differences(&path, before, after),
        _ => fields.whole(&path, before.written().as_ref(), after.written().as_ref()),
    }
}
