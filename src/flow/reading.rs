//! How much of a flow could be read.

use std::fmt;

use super::document::{Fault, ParseError};

/// Characters of a reason that are shown.
const REASON_CHARS_MAX: usize = 300;

/// How much of a flow could be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Reading {
    /// All of it.
    #[default]
    Whole,
    /// Its id, and what else was found without parsing it. Its bytes are kept as they came.
    Raw(ParseError),
    /// Its id: it is larger than what is taken of one answer, and its bytes are not known.
    Beginning {
        /// The most that is taken, in bytes.
        bytes_max: u64,
    },
}

/// Why a live flow could not be read, in words.
#[derive(Debug, Clone, Copy)]
pub struct Unreadable<'a>(&'a Reading);

impl Reading {
    /// Why not all of it could be read; `None` where it was.
    #[must_use]
    pub fn unreadable(&self) -> Option<Unreadable<'_>> {
        (*self != Self::Whole).then_some(Unreadable(self))
    }
}

impl fmt::Display for Unreadable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.0 {
            Reading::Whole => return Ok(()),
            Reading::Raw(error) => match error.faults.as_slice() {
                [] => "it is no JSON".to_owned(),
                [only] => placed(only),
                [first, rest @ ..] => format!("{} (and {} more)", placed(first), rest.len()),
            },
            Reading::Beginning { bytes_max } => format!("it is larger than {bytes_max} bytes"),
        };
        let shown: String = reason.chars().take(REASON_CHARS_MAX).collect();
        f.write_str(&shown)?;
        if shown.len() < reason.len() { f.write_str("…") } else { Ok(()) }
    }
}

/// Lines and columns of what a tenant sends are of use to nobody: the value is named, or else the byte.
fn placed(fault: &Fault) -> String {
    let Fault { message, pointer, offset, .. } = fault;
    if pointer.is_empty() { format!("{message} (at byte {offset})") } else { format!("{message} (at `{pointer}`)") }
}
