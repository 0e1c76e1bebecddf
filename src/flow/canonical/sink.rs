//! Where canonical bytes go: into a text, or into SHA-256.

use sha2::{Digest, Sha256};

use crate::flow::ContentHash;

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
pub(super) struct HashSink {
    hasher: Sha256,
    buffer: [u8; Self::BYTES],
    n_filled: usize,
}

impl HashSink {
    const BYTES: usize = 4096;
    /// Short parts are copied at this fixed width, which takes no call; what is too much is overwritten.
    const WIDTH: usize = 32;

    pub(super) fn new() -> Self {
        Self { hasher: Sha256::new(), buffer: [0; Self::BYTES], n_filled: 0 }
    }

    pub(super) fn finish(mut self) -> ContentHash {
        self.hasher.update(&self.buffer[..self.n_filled]);
        ContentHash(self.hasher.finalize().into())
    }

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
