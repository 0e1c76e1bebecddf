//! Canonical JSON: the bytes of Python 3.11's `json.dumps(document, sort_keys=True)`.
//!
//! Separators `", "` and `": "`, keys by code point, ASCII with lower-case `\uXXXX` (DEL included),
//! integers of any size as written, floats by `repr`. Bytes go to a sink as they are made, so that
//! a hash needs no second document.

mod float;
mod strings;

use sha2::{Digest, Sha256};

use super::comparison::Comparison;
use super::document::{Cell, Document, Kind};
use super::hash::ContentHash;

impl Document {
    /// The canonical form.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.source().len() + self.source().len() / 8);
        Writer { document: self, removed: &[], sink: &mut bytes }.value(0);
        bytes
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
    let mut sink = HashSink { hasher: Sha256::new(), buffer: [0; HashSink::BYTES], n_filled: 0 };
    Writer { document, removed, sink: &mut sink }.value(0);
    sink.hasher.update(&sink.buffer[..sink.n_filled]);
    ContentHash(sink.hasher.finalize().into())
}

/// Where canonical bytes go.
pub(super) trait Sink {
    fn put(&mut self, bytes: &[u8]);

    /// Puts `source[start..end]`; may be quicker for knowing what stands after it.
    #[inline]
    fn put_part(&mut self, source: &[u8], start: usize, end: usize) {
        self.put(source.get(start..end).unwrap_or_default());
    }

    /// Puts a key that stands verbatim at `source[start..end]`, and what separates it from its neighbours.
    #[inline]
    fn put_key(&mut self, is_first: bool, source: &[u8], start: usize, end: usize) {
        if !is_first {
            self.put(b", ");
        }
        self.put_part(source, start, end);
        self.put(b": ");
    }
}

impl Sink for Vec<u8> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Collects small pieces before they are hashed.
struct HashSink {
    hasher: Sha256,
    buffer: [u8; Self::BYTES],
    n_filled: usize,
}

impl HashSink {
    const BYTES: usize = 4096;
    /// Short parts are copied at this fixed width, which takes no call; what is too much is overwritten.
    const WIDTH: usize = 32;

    #[cold]
    fn flush_and_put(&mut self, bytes: &[u8]) {
        self.hasher.update(&self.buffer[..self.n_filled]);
        self.n_filled = 0;
        match self.buffer.get_mut(..bytes.len()) {
            Some(free) => {
                free.copy_from_slice(bytes);
                self.n_filled = bytes.len();
            }
            None => self.hasher.update(bytes),
        }
    }
}

impl Sink for HashSink {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        match self.buffer.get_mut(self.n_filled..self.n_filled + bytes.len()) {
            Some(free) => {
                free.copy_from_slice(bytes);
                self.n_filled += bytes.len();
            }
            None => self.flush_and_put(bytes),
        }
    }

    #[inline]
    fn put_part(&mut self, source: &[u8], start: usize, end: usize) {
        let wide = source.get(start..start + Self::WIDTH).filter(|_| end - start <= Self::WIDTH);
        match (wide, self.buffer.get_mut(self.n_filled..self.n_filled + Self::WIDTH)) {
            (Some(wide), Some(free)) => {
                free.copy_from_slice(wide);
                self.n_filled += end - start;
            }
            _ => self.put(source.get(start..end).unwrap_or_default()),
        }
    }

    /// The same bytes as the general way, with one look at the buffer instead of three.
    #[inline]
    fn put_key(&mut self, is_first: bool, source: &[u8], start: usize, end: usize) {
        let (n_key, n_before) = (end - start, if is_first { 0 } else { 2 });
        let wide = source.get(start..).and_then(|rest| rest.first_chunk::<{ Self::WIDTH }>());
        let free = self.buffer.get_mut(self.n_filled..).and_then(|rest| rest.first_chunk_mut::<{ Self::WIDTH + 4 }>());
        match (wide, free) {
            (Some(wide), Some(free)) if n_key <= Self::WIDTH => {
                free[..2].copy_from_slice(b", ");
                free[n_before..n_before + Self::WIDTH].copy_from_slice(wide);
                free[n_before + n_key..n_before + n_key + 2].copy_from_slice(b": ");
                self.n_filled += n_before + n_key + 2;
            }
            _ => {
                self.put(if is_first { b"" } else { b", " });
                self.put(source.get(start..end).unwrap_or_default());
                self.put(b": ");
            }
        }
    }
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
        let text = self.document.text_of(cell);
        match cell.kind {
            Kind::String => strings::put(self.sink, text),
            Kind::Float => float::put(self.sink, text),
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
