//! Taking parts out of a text and leaving every other byte as it is.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Document, Node, scan};
use crate::flow::FlowId;

/// The text without its top-level `environmentId`.
#[must_use]
pub fn without_environment(document: &Document) -> Vec<u8> {
    let root = document.root();
    let items = root.members().map(|(key, value)| {
        let is_it = key.as_str().is_some_and(|key| key == "environmentId");
        (key.span().start..value.span().end, is_it)
    });
    cut(document, &items.collect::<Vec<_>>())
}

/// The text without those entries of `externalReferences` that are of type flow and name one of `flows`.
#[must_use]
pub fn without_references_to(document: &Document, flows: &BTreeSet<FlowId>) -> Vec<u8> {
    let Some(references) = document.root().member("externalReferences") else {
        return document.source().to_vec();
    };
    let items = references.elements().map(|entry| (entry.span(), names_one_of(entry, flows)));
    cut(document, &items.collect::<Vec<_>>())
}

/// The text without any entry of `externalReferences`.
#[must_use]
pub fn without_references(document: &Document) -> Vec<u8> {
    let Some(references) = document.root().member("externalReferences") else {
        return document.source().to_vec();
    };
    let items = references.elements().map(|entry| (entry.span(), true));
    cut(document, &items.collect::<Vec<_>>())
}

/// The same for a text that cannot be parsed; `None` where its members cannot be told apart.
#[must_use]
pub fn without_raw_references(text: &[u8]) -> Option<Vec<u8>> {
    let mut members = scan::members(text)?;
    let items: Vec<_> = members
        .by_ref()
        .map(|member| (member.start..member.value.span.end, member.key == "externalReferences"))
        .collect();
    let parts = members.is_whole().then(|| kept(text.len(), &items))?;
    Some(parts.into_iter().filter_map(|part| text.get(part)).collect::<Vec<_>>().concat())
}

fn names_one_of(entry: Node<'_>, flows: &BTreeSet<FlowId>) -> bool {
    let text = |key| entry.member(key).and_then(Node::as_str);
    let is_flow = text("type").is_some_and(|kind| kind == "flow");
    is_flow && text("id").and_then(|id| id.parse().ok()).is_some_and(|id: FlowId| flows.contains(&id))
}

/// The text without the marked ones of `items`, all of one container, and without a comma for each.
fn cut(document: &Document, items: &[(Range<usize>, bool)]) -> Vec<u8> {
    let source = document.source();
    kept(source.len(), items).into_iter().filter_map(|part| source.get(part)).collect::<Vec<_>>().concat()
}

/// The parts that stay of a text of so many bytes when the marked ones of `items`, all of one container, leave it,
/// and a comma for each.
pub(in crate::flow) fn kept(n_bytes: usize, items: &[(Range<usize>, bool)]) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut kept_to = 0;
    let mut last_kept: Option<&Range<usize>> = None;
    let mut marked = items.chunk_by(|a, b| a.1 == b.1);
    while let Some(run) = marked.next() {
        let [(first, is_marked), ..] = run else { continue };
        let (last, _) = &run[run.len() - 1];
        if !is_marked {
            last_kept = Some(last);
            continue;
        }
        let following = marked.clone().next().and_then(|next| next.first()).map(|(span, _)| span.start);
        let (from, to) = match (following, last_kept) {
            (Some(following), _) => (first.start, following),
            (None, Some(before)) => (before.end, last.end),
            (None, None) => (first.start, last.end),
        };
        parts.push(kept_to..from);
        kept_to = to;
    }
    parts.push(kept_to..n_bytes);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(text: &str) -> String {
        let document = Document::parse(text.as_bytes()).unwrap();
        String::from_utf8(without_environment(&document)).unwrap()
    }

    #[test]
    fn the_environment_leaves_and_every_other_byte_stays() {
        assert_eq!(without(r#"{"environmentId":"e","a":1}"#), r#"{"a":1}"#);
        assert_eq!(without("{ \"a\" : 1 ,\n \"environmentId\" : \"e\" }"), "{ \"a\" : 1 }");
        assert_eq!(
            without("{\n  \"a\": 1,\n  \"environmentId\": {},\n  \"b\": 2\n}\n"),
            "{\n  \"a\": 1,\n  \"b\": 2\n}\n"
        );
        assert_eq!(without(r#"{ "environmentId": 1 }"#), "{  }");
        assert_eq!(without(r#"{"environment\u0049d":1, "b":{"environmentId":1}}"#), r#"{"b":{"environmentId":1}}"#);
        assert_eq!(without("[1, 2]"), "[1, 2]");
    }

    #[test]
    fn references_to_the_flows_named_leave_and_nothing_else() {
        let entry = |kind: &str, id: &str| format!(r#"{{"type":"{kind}","id":"{id}","environmentId":"e"}}"#);
        let flows = |entries: &[String]| format!(r#"{{"externalReferences": [ {} ], "z": 1}}"#, entries.join(" , "));
        let (a, b, c, intent) =
            (entry("flow", "flow_a"), entry("flow", "flow_b"), entry("flow", "flow_c"), entry("intent", "flow_a"));
        let names = ["flow_a", "flow_b"].map(|id| id.parse().unwrap()).into();
        let check = |before: &[&String], after: &[&String]| {
            let text = |entries: &[&String]| flows(&entries.iter().map(|entry| (*entry).clone()).collect::<Vec<_>>());
            let document = Document::parse(text(before).into_bytes()).unwrap();
            let found = String::from_utf8(without_references_to(&document, &names)).unwrap();
            assert_eq!(found, text(after));
        };
        check(&[&a, &c, &b], &[&c]);
        check(&[&c, &a, &b], &[&c]);
        check(&[&a, &b, &intent], &[&intent]);
        check(&[&c, &b, &intent], &[&c, &intent]);
        check(&[&a, &b], &[&String::new()]);
    }

    #[test]
    fn a_text_that_cannot_be_parsed_loses_its_references_too() {
        let without = |text: &str| without_raw_references(text.as_bytes()).map(|text| String::from_utf8(text).unwrap());
        let text = r#"{"a":1,"a":2, "externalReferences":[{"type":"flow"}], "b":{"externalReferences":[]}}"#;
        assert_eq!(without(text).unwrap(), r#"{"a":1,"a":2, "b":{"externalReferences":[]}}"#);
        assert_eq!(without(r#"{"externalReferences":[]}"#).unwrap(), "{}");
        assert_eq!(without(r#"{"externalReferences":["#), None);
    }
}
