//! The handwriting of a file, read off what stands in it.

use std::borrow::Cow;
use std::collections::HashMap;

use super::spell::Spelling;
use crate::flow::document::{Document, Kind, Node};

/// How a file is laid out.
pub(super) struct Style<'a> {
    /// A line's end.
    pub(super) newline: &'static str,
    /// One more level.
    pub(super) unit: String,
    /// Between key and value.
    pub(super) colon: String,
    /// After a comma that does not end its line.
    pub(super) after_comma: &'static str,
    /// Inside the braces of an object that stands on one line.
    pub(super) padding: &'static str,
    /// Whether the file has a line for each value.
    pub(super) is_spread: bool,
    /// Whether a list of nothing but scalars stands on one line; `None` where there is none.
    pub(super) has_inline_scalars: Option<bool>,
    pub(super) spell: Spelling,
    /// The first object or list under each key.
    models: HashMap<(Cow<'a, str>, Kind), Node<'a>>,
}

/// What has been seen so far.
#[derive(Default)]
struct Seen {
    unit: Option<String>,
    colon: Option<String>,
    after_comma: Option<&'static str>,
    padding: Option<&'static str>,
}

impl<'a> Style<'a> {
    pub(super) fn of(document: &'a Document) -> Self {
        let source = document.source();
        let newline = match source.iter().position(|byte| *byte == b'\n') {
            Some(at) if at > 0 && source[at - 1] == b'\r' => "\r\n",
            _ => "\n",
        };
        let root = document.root();
        let mut style = Self {
            newline,
            unit: String::new(),
            colon: String::new(),
            after_comma: "",
            padding: "",
            is_spread: root.raw().contains(&b'\n'),
            has_inline_scalars: None,
            spell: Spelling::default(),
            models: HashMap::new(),
        };
        let mut seen = Seen::default();
        style.look(document, root, "", &mut seen);
        let is_airy = seen.colon.as_ref().is_none_or(|colon| colon.ends_with(' '));
        style.unit = seen.unit.unwrap_or_else(|| "  ".to_owned());
        style.colon = seen.colon.unwrap_or_else(|| ": ".to_owned());
        style.after_comma = seen.after_comma.unwrap_or(if is_airy { " " } else { "" });
        style.padding = seen.padding.unwrap_or("");
        style
    }

    /// An object or list that stands under this key somewhere.
    pub(super) fn model(&self, key: &str, kind: Kind) -> Option<Node<'a>> {
        self.models.get(&(Cow::Borrowed(key), kind)).copied()
    }

    /// Recursion ends where the parser's depth does.
    fn look(&mut self, document: &'a Document, node: Node<'a>, indent: &str, seen: &mut Seen) {
        match node.kind() {
            Kind::String => self.spell.learn(node.raw()),
            Kind::Array => {
                let is_scalars = node.elements().all(|item| !matches!(item.kind(), Kind::Array | Kind::Object));
                if is_scalars && node.elements().next().is_some() && self.has_inline_scalars.is_none() {
                    self.has_inline_scalars = Some(!node.raw().contains(&b'\n'));
                }
                let mut from = node.span().start + 1;
                for item in node.elements() {
                    let inner = self.gap(document, from, item.span().start, indent, seen);
                    self.look(document, item, &inner, seen);
                    from = item.span().end;
                }
            }
            Kind::Object => {
                let mut from = node.span().start + 1;
                for (key, value) in node.members() {
                    if from == node.span().start + 1 && !node.raw().contains(&b'\n') {
                        let is_padded = document.source().get(from) == Some(&b' ');
                        seen.padding.get_or_insert(if is_padded { " " } else { "" });
                    }
                    let inner = self.gap(document, from, key.span().start, indent, seen);
                    self.member(document, key, value, seen);
                    self.look(document, value, &inner, seen);
                    from = value.span().end;
                }
            }
            Kind::Null | Kind::Bool | Kind::Integer | Kind::Float => {}
        }
    }

    fn member(&mut self, document: &'a Document, key: Node<'a>, value: Node<'a>, seen: &mut Seen) {
        self.spell.learn(key.raw());
        let between = &document.source()[key.span().end..value.span().start];
        if seen.colon.is_none() && !between.contains(&b'\n') {
            seen.colon = Some(String::from_utf8_lossy(between).into_owned());
        }
        let is_filled = value.elements().next().is_some() || value.entries().next().is_some();
        if let (true, Some(key)) = (is_filled, key.as_str()) {
            self.models.entry((key, value.kind())).or_insert(value);
        }
    }

    /// Looks at what stands before an item, its comma included; the indentation of the line it stands on.
    fn gap(&self, document: &Document, from: usize, to: usize, indent: &str, seen: &mut Seen) -> String {
        let gap = &document.source()[from..to];
        let Some(at) = gap.iter().rposition(|byte| *byte == b'\n') else {
            if let Some(comma) = gap.iter().position(|byte| *byte == b',') {
                seen.after_comma.get_or_insert(if gap.len() > comma + 1 { " " } else { "" });
            }
            return indent.to_owned();
        };
        let inner = String::from_utf8_lossy(&gap[at + 1..]).into_owned();
        if let Some(unit) = inner.strip_prefix(indent).filter(|unit| !unit.is_empty() && seen.unit.is_none()) {
            seen.unit = Some(unit.to_owned());
        }
        inner
    }
}
