//! Why a text is no flow document.

use std::fmt;

use super::position::{LineIndex, Position};
use crate::problem::Rule;

/// A text that was refused. Nothing of it is used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", Summary(&self.faults))]
pub struct ParseError {
    /// What is wrong, in the order of the text; never empty. What does not hide the rest (duplicate keys,
    /// lone surrogates, numbers out of range) is collected, up to [`ParseError::FAULTS_MAX`].
    pub faults: Vec<Fault>,
}

impl ParseError {
    /// Most faults reported of one text.
    pub const FAULTS_MAX: usize = 100;
}

/// One thing that is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which rule it breaks.
    pub rule: Rule,
    /// The byte it is about.
    pub offset: usize,
    /// The same place for people.
    pub position: Position,
    /// JSON pointer to the value it is about, as far as it is known.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column } = self.position;
        write!(f, "line {line}, column {column}: {}", self.message)
    }
}

struct Summary<'a>(&'a [Fault]);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("no JSON"),
            [only] => only.fmt(f),
            [first, rest @ ..] => write!(f, "{first} (and {} more)", rest.len()),
        }
    }
}

/// A fault whose line and column nobody has looked up yet.
#[derive(Debug)]
pub(super) struct RawFault {
    pub(super) rule: Rule,
    pub(super) offset: usize,
    pub(super) pointer: String,
    pub(super) message: String,
    pub(super) help: &'static str,
}

impl ParseError {
    /// Looks up the places of `faults`, of which there is at least one.
    pub(super) fn new(text: &[u8], mut faults: Vec<RawFault>) -> Self {
        faults.sort_by_key(|fault| fault.offset);
        let lines = LineIndex::new(text);
        let placed = |fault: RawFault| {
            let RawFault { rule, offset, pointer, message, help } = fault;
            let position = lines.position(text, offset);
            Fault { rule, offset, position, pointer, message, help: help.to_owned() }
        };
        Self { faults: faults.into_iter().map(placed).collect() }
    }
}

/// What stands at `offset`, for messages.
pub(super) fn found(text: &[u8], offset: usize) -> String {
    let Some(rest) = text.get(offset..).filter(|rest| !rest.is_empty()) else {
        return "the end of the text".to_owned();
    };
    let head = String::from_utf8_lossy(&rest[..rest.len().min(4)]);
    match head.chars().next() {
        Some('`') => "a backtick".to_owned(),
        Some(first) if first.is_control() => format!("the control character U+{:04X}", first as u32),
        Some(first) if first.is_ascii_graphic() || first.is_alphanumeric() => format!("`{first}`"),
        Some(first) => format!("the character U+{:04X}", first as u32),
        None => "nothing".to_owned(),
    }
}
