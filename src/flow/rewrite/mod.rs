//! A file with another content and the same handwriting: what did not change keeps its bytes, what did is written as
//! the rest of the file is.
//!
//! A changed value changes its lines and no others; members stand in the order that the file has, items of lists are
//! known again by their ids; what is new is laid out as what stands beside it.

mod equal;
mod fresh;
#[cfg(test)]
mod laws;
mod layout;
mod pair;
mod spell;
mod style;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use super::document::{Document, Kind, Node};
use super::indent::{Keys, indented};
use layout::{Item, Layout};
use style::Style;

/// The text of `old` with the content of `new`: its canonical form is that of `new`.
#[must_use]
fn rewrite(old: &Document, new: &Document) -> Vec<u8> {
    let source = old.source();
    let mut editor = Editor { old, new, style: Style::of(old), out: Vec::with_capacity(source.len()) };
    let root = old.root().span();
    editor.out.extend_from_slice(&source[..root.start]);
    editor.value(old.root(), new.root(), "", "");
    editor.out.extend_from_slice(&source[root.end..]);
    editor.out
}

/// A flow's text as it goes into a file: in the hand of what stands there, else laid out with two spaces a level.
#[must_use]
pub fn in_the_files_hand(file: Option<&[u8]>, text: &[u8]) -> Vec<u8> {
    let laid_out = || indented(text, Keys::AsWritten).map_or_else(|| text.to_vec(), String::into_bytes);
    match (file.map(Document::parse), Document::parse(text)) {
        (Some(Ok(old)), Ok(new)) => rewrite(&old, &new),
        _ => laid_out(),
    }
}

/// What is being written, and where it is taken from.
struct Editor<'a> {
    old: &'a Document,
    new: &'a Document,
    style: Style<'a>,
    out: Vec<u8>,
}

impl<'a> Editor<'a> {
    fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// A value that the file has: unchanged, or changed where it stands. `key` is the member's, `indent` that of its
    /// line. Recursion ends where the parser's depth does.
    fn value(&mut self, old: Node<'a>, new: Node<'a>, key: &str, indent: &str) {
        if equal::same(self.old, old, self.new, new) {
            return self.out.extend_from_slice(old.raw());
        }
        match (old.kind(), new.kind()) {
            (Kind::Object, Kind::Object) if old.entries().next().is_some() => self.object(old, new, indent),
            (Kind::Array, Kind::Array) if old.elements().next().is_some() => self.array(old, new, key, indent),
            (Kind::String, Kind::String) => {
                let text = new.as_str().unwrap_or_default();
                let quoted = self.style.spell.quoted(&text, Some(old.raw()));
                self.out.extend_from_slice(&quoted);
            }
            _ => {
                let model = self.style.model(key, new.kind());
                let is_inline = !self.style.is_spread;
                self.fresh(new, model, indent, is_inline);
            }
        }
    }

    fn object(&mut self, old: Node<'a>, new: Node<'a>, indent: &str) {
        let members: Vec<(Node<'a>, Node<'a>)> = old.members().collect();
        let spans = members.iter().map(|(key, value)| key.span().start..value.span().end);
        let layout = Layout::of(self.old, old, spans);
        let between = |(key, value): &(Node<'a>, Node<'a>)| &self.old.source()[key.span().end..value.span().start];
        let colon = members.first().map(between).filter(|between| !between.contains(&b'\n'));
        let colon = colon.unwrap_or(self.style.colon.as_bytes()).to_vec();
        let wanted: HashMap<Cow<'a, str>, Node<'a>> = new.entries().collect();
        let places: HashMap<Cow<'a, str>, usize> = old.entries().enumerate().map(|(at, (key, _))| (key, at)).collect();
        let mut added = Added::of(new, &places);
        let mut items: Vec<(Option<usize>, Cow<'a, str>, Node<'a>)> = Vec::new();
        let put_in = |items: &mut Vec<_>, more: Vec<(Cow<'a, str>, Node<'a>)>| {
            items.extend(more.into_iter().map(|(key, value)| (None, key, value)));
        };
        put_in(&mut items, std::mem::take(&mut added.first));
        for (at, (key, _)) in old.entries().enumerate() {
            if let Some(value) = wanted.get(&key) {
                items.push((Some(at), key, *value));
            }
            put_in(&mut items, added.after.remove(&at).unwrap_or_default());
        }
        put_in(&mut items, added.last);
        let n_items = items.len();
        self.out.push(b'{');
        for (n, (from, key, value)) in items.into_iter().enumerate() {
            let item = Item { n, n_items, from };
            let indent = self.lead(&layout, item, indent);
            match from {
                Some(at) => {
                    let (old_key, old_value) = members[at];
                    self.out.extend_from_slice(&self.old.source()[old_key.span().start..old_value.span().start]);
                    self.value(old_value, value, &key, &indent);
                }
                None => {
                    let quoted = self.style.spell.quoted(&key, None);
                    self.out.extend_from_slice(&quoted);
                    self.out.extend_from_slice(&colon);
                    let model = self.style.model(&key, value.kind());
                    let is_inline = !layout.is_spread() || !self.style.is_spread;
                    self.fresh(value, model, &indent, is_inline);
                }
            }
            self.trail(&layout, item);
        }
        self.out.push(b'}');
    }

    fn array(&mut self, old: Node<'a>, new: Node<'a>, key: &str, indent: &str) {
        let (before, after): (Vec<_>, Vec<_>) = (old.elements().collect(), new.elements().collect());
        let layout = Layout::of(self.old, old, before.iter().map(|item| item.span()));
        let partners = pair::partners(self.old, &before, self.new, &after);
        self.out.push(b'[');
        for (n, (value, from)) in after.iter().zip(partners).enumerate() {
            let item = Item { n, n_items: after.len(), from };
            let indent = self.lead(&layout, item, indent);
            match from {
                Some(at) => self.value(before[at], *value, key, &indent),
                None => {
                    let model = before.iter().copied().find(|other| other.kind() == value.kind());
                    let is_inline = !layout.is_spread() || !self.style.is_spread;
                    self.fresh(*value, model, &indent, is_inline);
                }
            }
            self.trail(&layout, item);
        }
        self.out.push(b']');
    }

    /// What stands before an item, and the indentation of the line that it then stands on.
    fn lead(&mut self, layout: &Layout<'a>, item: Item, indent: &str) -> String {
        let lead = layout.lead(item, &self.style);
        self.out.extend_from_slice(&lead);
        match lead.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => String::from_utf8_lossy(&lead[at + 1..]).into_owned(),
            None => indent.to_owned(),
        }
    }

    fn trail(&mut self, layout: &Layout<'a>, item: Item) {
        self.out.extend_from_slice(layout.trail(item));
        if item.n + 1 < item.n_items {
            self.out.push(b',');
        }
    }
}

/// Members that the file does not have, by the place where they go: after the member that stands before them in the
/// new document.
struct Added<'a> {
    first: Vec<(Cow<'a, str>, Node<'a>)>,
    after: BTreeMap<usize, Vec<(Cow<'a, str>, Node<'a>)>>,
    last: Vec<(Cow<'a, str>, Node<'a>)>,
}

impl<'a> Added<'a> {
    fn of(new: Node<'a>, places: &HashMap<Cow<'a, str>, usize>) -> Self {
        let mut added = Self { first: Vec::new(), after: BTreeMap::new(), last: Vec::new() };
        let mut before = None;
        for (key, value) in new.entries() {
            match (places.get(&key), before) {
                (Some(at), None) => {
                    // What comes before everything in both stays in front.
                    if *at != 0 {
                        added.last.append(&mut added.first);
                    }
                    before = Some(*at);
                }
                (Some(at), Some(_)) => before = Some(*at),
                (None, None) => added.first.push((key, value)),
                (None, Some(at)) => added.after.entry(at).or_default().push((key, value)),
            }
        }
        added
    }
}
