//! Canonical JSON: the bytes of Python 3.11's `json.dumps(document, sort_keys=True)`.
//!
//! Separators `", "` and `": "`, keys by code point, ASCII with lower-case `\uXXXX` (DEL included),
//! integers of any size as written, floats by `repr`. Bytes go to a sink as they are made, so that
//! a hash needs no second document.

mod float;
mod sink;
mod strings;

use super::comparison::Comparison;
use super::document::{Cell, Document, Kind, Node};
use super::hash::ContentHash;
use sink::{HashSink, Sink};

impl Document {
    /// The canonical form.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.source().len() + self.source().len() / 8);
        Writer { document: self, removed: &[], sink: &mut bytes }.value(0);
        bytes
    }

    /// One value in its canonical spelling.
    pub(in crate::flow) fn canonical_text(&self, value: Node<'_>) -> String {
        let mut bytes = Vec::new();
        Writer { document: self, removed: &[], sink: &mut bytes }.value(value.index());
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// SHA-256 of the canonical form.
    #[must_use]
    pub fn content_hash(&self) -> ContentHash {
        hash(self, &[])
    }

    /// SHA-256 of the canonical form without the top-level `environmentId` and what `comparison` ignores.
    #[must_use]
    pub fn equality_hash(&self, comparison: &Comparison) -> ContentHash {
        hash(self, &comparison.removed_from(self))
    }

    /// [`Document::content_hash`] and [`Document::equality_hash`], at the price of one where nothing is
    /// left out.
    #[must_use]
    pub fn hashes(&self, comparison: &Comparison) -> (ContentHash, ContentHash) {
        let content = self.content_hash();
        let removed = comparison.removed_from(self);
        (content, if removed.is_empty() { content } else { hash(self, &removed) })
    }

    /// Both hashes of a live flow: the tenant's `environmentId` is in neither.
    pub(in crate::flow) fn live_hashes(&self, comparison: &Comparison) -> (ContentHash, ContentHash) {
        let environment = Comparison::default().removed_from(self);
        let content = hash(self, &environment);
        let removed = comparison.removed_from(self);
        (content, if removed == environment { content } else { hash(self, &removed) })
    }
}

fn hash(document: &Document, removed: &[u32]) -> ContentHash {
    let mut sink = HashSink::new();
    Writer { document, removed, sink: &mut sink }.value(0);
    sink.finish()
}

struct Writer<'a, S> {
    document: &'a Document,
    /// Values that are left out, by cell, sorted.
    removed: &'a [u32],
    sink: &'a mut S,
}

impl<S: Sink> Writer<'_, S> {
    /// Any value. Most are the text itself; recursion ends where the parser's depth does.
    #[inline]
    fn value(&mut self, index: u32) {
        let cell = &self.document.tape().cells[index as usize];
        if cell.verbatim {
            return self.sink.put_part(self.document.source(), cell.start as usize, cell.end as usize);
        }
        match cell.kind {
            Kind::Array => self.array(index, cell),
            Kind::Object => self.object(index, cell),
            _ => self.rewritten(cell),
        }
    }

    #[inline(never)]
    fn rewritten(&mut self, cell: &Cell) {
        match cell.kind {
            Kind::String => strings::put(self.sink, self.document.source(), cell.start as usize, cell.end as usize),
            Kind::Float => float::put(self.sink, self.document.text_of(cell)),
            // The only integer that Python writes in another way is `-0`.
            _ => self.sink.put(b"0"),
        }
    }

    fn array(&mut self, index: u32, array: &Cell) {
        self.sink.put(b"[");
        let mut is_first = true;
        let mut element = index + 1;
        while element < array.after {
            if !self.is_removed(element) {
                if !std::mem::take(&mut is_first) {
                    self.sink.put(b", ");
                }
                self.value(element);
            }
            element = self.document.tape().cells[element as usize].after;
        }
        self.sink.put(b"]");
    }

    fn object(&mut self, index: u32, object: &Cell) {
        let tape = self.document.tape();
        self.sink.put(b"{");
        let mut is_first = true;
        if let Some(keys) = tape.sorted_keys(object) {
            for key in keys {
                self.member(*key, &mut is_first);
            }
        } else {
            let mut key = index + 1;
            while key < object.after {
                self.member(key, &mut is_first);
                key = tape.cells[key as usize + 1].after;
            }
        }
        self.sink.put(b"}");
    }

    #[inline]
    fn member(&mut self, key: u32, is_first: &mut bool) {
        if self.is_removed(key + 1) {
            return;
        }
        let is_first = std::mem::take(is_first);
        let cell = &self.document.tape().cells[key as usize];
        if cell.verbatim {
            self.sink.put_key(is_first, self.document.source(), cell.start as usize, cell.end as usize);
        } else {
            self.sink.put(if is_first { b"" } else { b", " });
            self.rewritten(cell);
            self.sink.put(b": ");
        }
        self.value(key + 1);
    }

    #[inline]
    fn is_removed(&self, value: u32) -> bool {
        !self.removed.is_empty() && self.removed.binary_search(&value).is_ok()
    }
}
