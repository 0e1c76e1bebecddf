//! A JSON text, parsed once: what it says, where each part of it stands, and nothing copied.

mod cell;
mod error;
mod keys;
mod limits;
mod node;
mod parser;
mod placeholder;
mod position;
mod scalars;
pub mod scan;
mod surgery;
mod syntax;
#[cfg(test)]
mod tests;
mod text;

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::problem::Rule;
use error::RawFault;
use position::LineIndex;

pub use cell::Kind;
pub(in crate::flow) use cell::{Cell, Tape};
pub use error::{Fault, ParseError};
pub use limits::{DEPTH_MAX, FLOW_BYTES_MAX, INTEGER_DIGITS_MAX};
pub use node::{Elements, Entries, Node};
pub use placeholder::{with_environment, with_placeholders};
pub use position::Position;
pub(in crate::flow) use surgery::kept;
pub use surgery::{without_environment, without_raw_references, without_references, without_references_to};
pub(in crate::flow) use text::{code_point, hex4};

/// A parsed JSON text.
#[derive(Clone)]
pub struct Document {
    source: Arc<[u8]>,
    tape: Tape,
    lines: OnceLock<LineIndex>,
}

impl Document {
    /// Parses a text, all of it or nothing.
    ///
    /// # Errors
    ///
    /// Whatever RFC 8259 forbids, duplicate keys, lone surrogates, floats beyond a double, integers over
    /// [`INTEGER_DIGITS_MAX`], nesting over [`DEPTH_MAX`], invalid UTF-8, texts over [`FLOW_BYTES_MAX`].
    pub fn parse(bytes: impl Into<Arc<[u8]>>) -> Result<Self, ParseError> {
        match Self::read(bytes.into()) {
            (Some(document), faults) if faults.is_empty() => Ok(document),
            (_, faults) => Err(ParseError { faults }),
        }
    }

    /// Why a text of so many bytes is refused; `None` where its size is no reason.
    pub(in crate::flow) fn check_size(n_bytes: usize) -> Option<ParseError> {
        too_large(n_bytes).map(|fault| ParseError::new(b"", vec![fault]))
    }

    /// Parses a text for people who want to hear everything that is wrong: a well-formed text gives its document
    /// beside its faults. With any fault it has no canonical form, and no hash may be taken from it.
    pub(in crate::flow) fn read(source: Arc<[u8]>) -> (Option<Self>, Vec<Fault>) {
        let (tape, faults) = match check_text(&source) {
            Ok(()) => parser::parse(&source),
            Err(fault) => (None, vec![fault]),
        };
        let faults = if faults.is_empty() { Vec::new() } else { ParseError::new(&source, faults).faults };
        (tape.map(|tape| Self { source, tape, lines: OnceLock::new() }), faults)
    }

    /// The text it was parsed from.
    #[must_use]
    pub fn source(&self) -> &Arc<[u8]> {
        &self.source
    }

    /// Line and column of a byte of the source.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        match (self.lines.get(), self.source.get(..offset)) {
            (None, Some(before)) if offset <= position::NEAR_BYTES => Position::after(before),
            _ => self.lines.get_or_init(|| LineIndex::new(&self.source)).position(&self.source, offset),
        }
    }

    pub(in crate::flow) fn tape(&self) -> &Tape {
        &self.tape
    }

    /// The source text of a cell.
    #[inline]
    pub(in crate::flow) fn text_of(&self, cell: &Cell) -> &[u8] {
        self.source.get(cell.start as usize..cell.end as usize).unwrap_or_default()
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Document").field(&String::from_utf8_lossy(&self.source)).finish()
    }
}

fn too_large(n_bytes: usize) -> Option<RawFault> {
    let message = format!("expected at most {FLOW_BYTES_MAX} bytes, found {n_bytes}");
    let fault = RawFault { rule: Rule::TooLarge, offset: 0, pointer: String::new(), message, help: "split the flow" };
    (n_bytes > FLOW_BYTES_MAX).then_some(fault)
}

/// What can be said of a text before it is read.
fn check_text(text: &[u8]) -> Result<(), RawFault> {
    let fault = |rule, offset, message, help| Err(RawFault { rule, offset, pointer: String::new(), message, help });
    if let Some(fault) = too_large(text.len()) {
        return Err(fault);
    }
    if text.starts_with(b"\xef\xbb\xbf") {
        let message = "expected JSON, found a byte order mark".to_owned();
        return fault(Rule::ByteOrderMark, 0, message, "save the file as UTF-8 without a byte order mark");
    }
    match std::str::from_utf8(text) {
        Ok(_) => Ok(()),
        Err(error) => {
            let offset = error.valid_up_to();
            let byte = text.get(offset).copied().unwrap_or_default();
            let message = format!("expected UTF-8, found the byte 0x{byte:02x}");
            fault(Rule::InvalidUtf8, offset, message, "save the file as UTF-8")
        }
    }
}
