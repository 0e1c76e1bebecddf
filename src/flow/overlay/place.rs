//! From a place in a composed document back to the file, and the line, that it comes from.

use std::borrow::Cow;

use super::value::{Content, Side, Value};
use crate::flow::document::{Document, Kind, Node};
use crate::flow::pointer;

/// A value where it was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written<'a> {
    pub(super) side: Side,
    pub(super) offset: usize,
    document: &'a Document,
}

/// A value while a pointer is followed.
enum At<'v, 'a> {
    Composed(&'v Value<'a>),
    Written(Side, Node<'a>),
}

/// Where the value that a pointer into the composed document names was written: as much of the way to it as is there.
/// Of a container out of which the overlay took something, that operation is the place.
pub(super) fn written<'a>(
    root: &Value<'a>,
    pointer: &str,
    flow: &'a Document,
    overlay: Option<&'a Document>,
) -> Written<'a> {
    let mut at = At::Composed(root);
    for segment in pointer.split('/').skip(1) {
        let Some(name) = pointer::unescape(segment) else { break };
        let next = match &at {
            At::Composed(value) => below(value, &name),
            At::Written(side, node) => child(*node, &name).map(|node| At::Written(*side, node)),
        };
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    let (side, node) = match at {
        At::Written(side, node) => (side, node),
        At::Composed(value) => match &value.content {
            Content::Array(_, Some(by)) | Content::Object(_, Some(by)) => (Side::Overlay, *by),
            _ => (value.side, value.node),
        },
    };
    let document = match (side, overlay) {
        (Side::Overlay, Some(overlay)) => overlay,
        _ => flow,
    };
    Written { side, offset: node.span().start, document }
}

fn below<'v, 'a>(value: &'v Value<'a>, name: &str) -> Option<At<'v, 'a>> {
    match &value.content {
        Content::Whole => child(value.node, name).map(|node| At::Written(value.side, node)),
        Content::Text(_) => None,
        Content::Array(items, _) => items.get(pointer::index(name)?).map(At::Composed),
        Content::Object(members, _) => {
            members.iter().find(|member| member.key.text() == name).map(|member| At::Composed(&member.value))
        }
    }
}

fn child<'a>(node: Node<'a>, name: &str) -> Option<Node<'a>> {
    match node.kind() {
        Kind::Object => node.member(name),
        Kind::Array => node.elements().nth(pointer::index(name)?),
        _ => None,
    }
}

impl Written<'_> {
    /// Line, column and pointer in its own file.
    pub(super) fn place(&self, file: &str) -> crate::problem::Place {
        place_at(file, self.document, self.offset)
    }
}

/// The place of the value that stands at a byte of a document, or has its key there.
pub(super) fn place_at(file: &str, document: &Document, offset: usize) -> crate::problem::Place {
    let position = document.position(offset);
    let pointer = pointer_to(document, offset);
    crate::problem::Place { file: file.to_owned(), line: position.line, column: position.column, pointer }
}

/// The pointer to the innermost value that holds a byte; a key counts as its value.
fn pointer_to(document: &Document, offset: usize) -> String {
    let mut pointer = String::new();
    let mut node = document.root();
    while node.span().start != offset {
        let holds = |start: usize, value: Node<'_>| (start..value.span().end).contains(&offset);
        let next = match node.kind() {
            Kind::Object => node.members().find(|(key, value)| holds(key.span().start, *value)).map(|(key, value)| {
                pointer::push_key(&mut pointer, &key.as_str().unwrap_or(Cow::Borrowed("")));
                (value, key.span().start)
            }),
            Kind::Array => node.elements().enumerate().find(|(_, value)| holds(value.span().start, *value)).map(
                |(index, value)| {
                    pointer::push_index(&mut pointer, index);
                    (value, value.span().start)
                },
            ),
            _ => None,
        };
        match next {
            Some((value, start)) if start != offset => node = value,
            _ => break,
        }
    }
    pointer
}
