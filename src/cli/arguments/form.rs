//! Forms that several commands print in.

use clap::ValueEnum;

/// Form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    Text,
    /// One JSON document.
    Json,
}
