//! How much of a comment is left.

/// What is left of the space.
pub(super) struct Budget {
    n_bytes: usize,
    /// Whether something did not fit: whatever stands after it is left out as well.
    is_spent: bool,
}

impl Budget {
    /// Room for so many bytes.
    pub(super) fn new(n_bytes: usize) -> Self {
        Self { n_bytes, is_spent: false }
    }

    /// What is left.
    pub(super) fn left(&self) -> usize {
        if self.is_spent { 0 } else { self.n_bytes }
    }

    /// Takes a piece or nothing; after the first that did not fit, nothing.
    pub(super) fn take(&mut self, piece: &str) -> bool {
        self.is_spent |= piece.len() > self.n_bytes;
        if !self.is_spent {
            self.n_bytes -= piece.len();
        }
        !self.is_spent
    }
}
