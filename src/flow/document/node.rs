//! Looking at a document: a node is a value and the document it stands in, as cheap as two words.

use std::borrow::Cow;
use std::ops::Range;

use super::cell::Cell;
use super::text::unescaped;
use super::{Document, Kind, Position, keys};
use crate::flow::pointer;

/// One value of a document.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    document: &'a Document,
    index: u32,
}

impl Document {
    /// The outermost value.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node::new(self, 0)
    }

    /// The value a JSON pointer names; the whole document for the empty one.
    #[must_use]
    pub fn get(&self, pointer: &str) -> Option<Node<'_>> {
        if pointer.is_empty() {
            return Some(self.root());
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self.root(), |node, segment| match node.kind() {
            Kind::Object => node.member(&pointer::unescape(segment)?),
            Kind::Array => node.elements().nth(pointer::index(segment)?),
            _ => None,
        })
    }

    /// The text of a top-level member's value.
    #[must_use]
    pub fn raw_member(&self, key: &str) -> Option<&[u8]> {
        self.root().member(key).map(Node::raw)
    }

    /// The text of a top-level member, where it is a string.
    #[must_use]
    pub fn text_member(&self, key: &str) -> Option<Cow<'_, str>> {
        self.root().member(key)?.as_str()
    }
}

impl<'a> Node<'a> {
    pub(super) fn new(document: &'a Document, index: u32) -> Self {
        Self { document, index }
    }

    pub(in crate::flow) fn index(self) -> u32 {
        self.index
    }

    fn cell(self) -> &'a Cell {
        &self.document.tape.cells[self.index as usize]
    }

    /// What kind of value it is.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.cell().kind
    }

    /// The text of a string, escapes read.
    #[must_use]
    pub fn as_str(self) -> Option<Cow<'a, str>> {
        let cell = self.cell();
        (cell.kind == Kind::String).then(|| unescaped(keys::inside(&self.document.source, cell), cell.escaped))
    }

    /// A boolean.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| self.raw() == b"true")
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// Whether there is a backslash in a string.
    #[inline]
    pub(in crate::flow) fn is_escaped(self) -> bool {
        self.cell().escaped
    }

    /// The text of the value as written.
    #[must_use]
    pub fn raw(self) -> &'a [u8] {
        self.document.text_of(self.cell())
    }

    /// Where that text stands in the source, in bytes.
    #[must_use]
    pub fn span(self) -> Range<usize> {
        self.cell().start as usize..self.cell().end as usize
    }

    /// Line and column of its first character.
    #[must_use]
    pub fn position(self) -> Position {
        self.document.position(self.cell().start as usize)
    }

    /// Members of an object in the order written; of anything else, none.
    #[must_use]
    pub fn entries(self) -> Entries<'a> {
        Entries(self.children(Kind::Object))
    }

    /// Elements of an array; of anything else, none.
    #[must_use]
    pub fn elements(self) -> Elements<'a> {
        Elements(self.children(Kind::Array))
    }

    /// The value of an object's member.
    #[must_use]
    pub fn member(self, key: &str) -> Option<Node<'a>> {
        Some(self.member_with_key(key)?.1)
    }

    /// An object's member: its key and its value.
    fn member_with_key(self, key: &str) -> Option<(Node<'a>, Node<'a>)> {
        let is_it = |(node, _): &(Node<'a>, Node<'a>)| {
            let cell = node.cell();
            let n_bytes = (cell.end - cell.start) as usize - 2;
            if !cell.escaped && n_bytes != key.len() {
                return false;
            }
            let inside = keys::inside(&self.document.source, cell);
            if cell.escaped { unescaped(inside, true) == key } else { inside == key.as_bytes() }
        };
        self.members().find(is_it)
    }

    /// Members of an object, keys as nodes.
    pub(in crate::flow) fn members(self) -> Members<'a> {
        Members(self.children(Kind::Object))
    }

    fn children(self, kind: Kind) -> Children<'a> {
        let cell = self.cell();
        let end = if cell.kind == kind { cell.after } else { self.index + 1 };
        Children { document: self.document, next: self.index + 1, end }
    }
}

impl std::fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Node").field(&String::from_utf8_lossy(self.raw())).finish()
    }
}

#[derive(Debug, Clone)]
struct Children<'a> {
    document: &'a Document,
    next: u32,
    end: u32,
}

impl<'a> Iterator for Children<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        if self.next >= self.end {
            return None;
        }
        let node = Node::new(self.document, self.next);
        self.next = node.cell().after;
        Some(node)
    }
}

/// Elements of an array.
#[derive(Debug, Clone)]
pub struct Elements<'a>(Children<'a>);

impl<'a> Iterator for Elements<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        self.0.next()
    }
}

/// Members of an object, keys as nodes.
#[derive(Debug, Clone)]
pub(in crate::flow) struct Members<'a>(Children<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (Node<'a>, Node<'a>);

    fn next(&mut self) -> Option<(Node<'a>, Node<'a>)> {
        Some((self.0.next()?, self.0.next()?))
    }
}

/// Members of an object: keys as text, escapes read, and values.
#[derive(Debug, Clone)]
pub struct Entries<'a>(Children<'a>);

impl<'a> Iterator for Entries<'a> {
    type Item = (Cow<'a, str>, Node<'a>);

    fn next(&mut self) -> Option<(Cow<'a, str>, Node<'a>)> {
        Some((self.0.next()?.as_str()?, self.0.next()?))
    }
}
