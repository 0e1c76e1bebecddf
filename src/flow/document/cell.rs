//! What the parser leaves behind: a flat list of cells over the source text.
//!
//! A value is one cell; a container's cell is followed by those of its content, a member being the
//! cell of its key and then its value. Nothing is copied out of the source and nothing is allocated
//! for a single value.

/// What kind of value a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number without fraction and exponent, of any size.
    Integer,
    /// A number with fraction or exponent, within a double.
    Float,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl Kind {
    /// The kind with its article, for messages: `an object`.
    #[must_use]
    pub fn with_article(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Integer | Self::Float => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// One value, or one key.
#[derive(Debug, Clone, Copy)]
pub(in crate::flow) struct Cell {
    /// First byte of the text, in the source.
    pub(in crate::flow) start: u32,
    /// One past the last byte of the text.
    pub(in crate::flow) end: u32,
    /// Index of the cell after this one and all of its content.
    pub(in crate::flow) after: u32,
    /// Objects: where in [`Tape::order`] the sorted members stand; 0 when the source is in order.
    pub(in crate::flow) order: u32,
    /// What it is.
    pub(in crate::flow) kind: Kind,
    /// Strings: whether there is a backslash in it.
    pub(in crate::flow) escaped: bool,
    /// Scalars: whether the canonical form is the source text itself.
    pub(in crate::flow) verbatim: bool,
}

/// A parsed text; cell 0 is the whole document.
#[derive(Debug, Clone)]
pub(in crate::flow) struct Tape {
    /// Cells in the order of the source.
    pub(in crate::flow) cells: Vec<Cell>,
    /// Members of objects that are not in canonical order: a count, then that many key cells.
    /// Entry 0 is unused.
    pub(in crate::flow) order: Vec<u32>,
}

impl Tape {
    /// Key cells of an object that is not in canonical order; `None` when it is.
    pub(in crate::flow) fn sorted_keys(&self, object: &Cell) -> Option<&[u32]> {
        let at = object.order as usize;
        if at == 0 {
            return None;
        }
        let count = *self.order.get(at)? as usize;
        self.order.get(at + 1..at + 1 + count)
    }
}
