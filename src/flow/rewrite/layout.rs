//! What stands between the items of one list or object.

use std::borrow::Cow;
use std::ops::Range;

use super::style::Style;
use crate::flow::document::{Document, Node};

/// The white space around the items that a container has.
pub(super) struct Layout<'a> {
    /// Before each item: after the bracket or the comma.
    leads: Vec<&'a [u8]>,
    /// After each item: before the comma or the bracket.
    trails: Vec<&'a [u8]>,
}

/// An item of the result.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    /// Its place.
    pub(super) n: usize,
    pub(super) n_items: usize,
    /// Its place in the file, where it had one.
    pub(super) from: Option<usize>,
}

impl<'a> Layout<'a> {
    /// Of a container that is not empty.
    pub(super) fn of(document: &'a Document, container: Node<'a>, items: impl Iterator<Item = Range<usize>>) -> Self {
        let source = document.source();
        let whole = container.span();
        let (mut layout, mut from) = (Self { leads: Vec::new(), trails: Vec::new() }, whole.start + 1);
        let mut items = items.peekable();
        while let Some(item) = items.next() {
            layout.leads.push(&source[from..item.start]);
            let until = items.peek().map_or(whole.end - 1, |next| next.start);
            let after = &source[item.end..until];
            let comma = after.iter().position(|byte| *byte == b',');
            layout.trails.push(&after[..comma.unwrap_or(after.len())]);
            from = item.end + comma.map_or(0, |comma| comma + 1);
        }
        layout
    }

    /// Whether its items stand on lines of their own.
    pub(super) fn is_spread(&self) -> bool {
        self.leads.iter().skip(1).chain(self.leads.first()).any(|lead| lead.contains(&b'\n'))
    }

    pub(super) fn lead(&self, item: Item, style: &Style<'_>) -> Cow<'a, [u8]> {
        let first = self.leads.first().copied().unwrap_or_default();
        match item.from {
            _ if item.n == 0 => Cow::Borrowed(first),
            Some(at) if at > 0 => Cow::Borrowed(self.leads[at]),
            Some(_) | None => self.usual_lead(first, style),
        }
    }

    /// What stands before an item that is not the first one. A blank line is somebody's choice, and not repeated.
    fn usual_lead(&self, first: &'a [u8], style: &Style<'_>) -> Cow<'a, [u8]> {
        if let Some(lead) = self.leads.iter().skip(1).min_by_key(|lead| lead.len()) {
            return Cow::Borrowed(lead);
        }
        match first.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => {
                let start = if at > 0 && first[at - 1] == b'\r' { at - 1 } else { at };
                Cow::Borrowed(&first[start..])
            }
            None => Cow::Owned(style.after_comma.as_bytes().to_vec()),
        }
    }

    pub(super) fn trail(&self, item: Item) -> &'a [u8] {
        let n_old = self.trails.len();
        if item.n + 1 == item.n_items {
            return self.trails.last().copied().unwrap_or_default();
        }
        let of = |at: usize| (at + 1 < n_old).then(|| self.trails[at]);
        item.from.and_then(of).or_else(|| of(0)).unwrap_or_default()
    }
}
