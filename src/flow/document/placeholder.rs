//! Environments in references: one taken for another, and the placeholder that stands for whichever is deployed to.

use std::ops::Range;

use super::surgery::without_environment;
use super::{Document, Node};
use crate::flow::EnvironmentId;

/// Stands for the environment that a flow is deployed to.
const PLACEHOLDER: &str = "${environment}";

/// A flow's text with references to environment `from` as references to `to`, and without an environment of its own.
/// What cannot be parsed stays as it is.
#[must_use]
pub fn with_environment(text: &[u8], from: &EnvironmentId, to: &EnvironmentId) -> Vec<u8> {
    let Ok(document) = Document::parse(text) else { return text.to_vec() };
    let text = replaced(&document, |entry| (environment(entry)? == from.as_str()).then(|| to.as_str().to_owned()));
    match Document::parse(text.clone()) {
        Ok(document) if document.root().member("environmentId").is_some() => without_environment(&document),
        _ => text,
    }
}

/// A flow's text with the placeholder in those references to `target` in which the file has it. What cannot be parsed
/// stays as it is.
#[must_use]
pub fn with_placeholders(text: &[u8], file: Option<&[u8]>, target: &EnvironmentId) -> Vec<u8> {
    let (Ok(document), Some(Ok(file))) = (Document::parse(text), file.map(Document::parse)) else {
        return text.to_vec();
    };
    let kept: Vec<_> =
        references(&file).filter(|entry| environment(*entry).as_deref() == Some(PLACEHOLDER)).map(who).collect();
    replaced(&document, |entry| {
        let is_kept = environment(entry)? == target.as_str() && kept.contains(&who(entry));
        is_kept.then(|| PLACEHOLDER.to_owned())
    })
}

fn references(document: &Document) -> impl Iterator<Item = Node<'_>> {
    document.root().member("externalReferences").into_iter().flat_map(Node::elements)
}

fn environment(entry: Node<'_>) -> Option<String> {
    Some(entry.member("environmentId")?.as_str()?.into_owned())
}

/// What an entry refers to, wherever that is.
fn who(entry: Node<'_>) -> [Option<String>; 2] {
    ["type", "id"].map(|key| Some(entry.member(key)?.as_str()?.into_owned()))
}

/// The text with other environments in its references.
fn replaced(document: &Document, new: impl Fn(Node<'_>) -> Option<String>) -> Vec<u8> {
    let source = document.source();
    let edit = |entry: Node<'_>| -> Option<(Range<usize>, String)> {
        let new = new(entry)?;
        Some((entry.member("environmentId")?.span(), serde_json::Value::from(new).to_string()))
    };
    let (mut out, mut kept_to) = (Vec::with_capacity(source.len()), 0);
    for (span, new) in references(document).filter_map(edit) {
        out.extend_from_slice(&source[kept_to..span.start]);
        out.extend_from_slice(new.as_bytes());
        kept_to = span.end;
    }
    out.extend_from_slice(&source[kept_to..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(environments: [&str; 2]) -> String {
        let entry = |(id, environment): (&str, &str)| {
            format!(r#"{{"type":"flow", "id":"{id}","environmentId":"{environment}"}}"#)
        };
        let entries: Vec<String> = ["flow_a", "flow_b"].into_iter().zip(environments).map(entry).collect();
        format!("{{\n  \"id\": \"flow_x\",\n  \"externalReferences\": [{}]\n}}\n", entries.join(", "))
    }

    fn environment(name: &str) -> EnvironmentId {
        EnvironmentId(name.to_owned())
    }

    #[test]
    fn references_change_their_environment_and_nothing_else_does() {
        let check = |before: &str, after: &str| {
            let made = with_environment(before.as_bytes(), &environment("one"), &environment("two"));
            assert_eq!(String::from_utf8(made).unwrap(), after);
        };
        check(&flow(["one", "other"]), &flow(["two", "other"]));
        check(&flow(["${environment}", "one"]), &flow(["${environment}", "two"]));
        check("{\"environmentId\": \"one\", \"id\": 1}", "{\"id\": 1}");
        check("no json", "no json");
    }

    #[test]
    fn a_placeholder_of_the_file_stays() {
        let check = |live: [&str; 2], file: [&str; 2], expected: [&str; 2]| {
            let made = with_placeholders(flow(live).as_bytes(), Some(flow(file).as_bytes()), &environment("two"));
            assert_eq!(String::from_utf8(made).unwrap(), flow(expected));
        };
        check(["two", "two"], ["${environment}", "two"], ["${environment}", "two"]);
        check(["one", "two"], ["${environment}", "${environment}"], ["one", "${environment}"]);
        assert_eq!(with_placeholders(b"{}", None, &environment("two")), b"{}");
    }
}
