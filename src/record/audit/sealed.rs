//! A record that was sealed, and what can be wrong with one.

use serde_json::{Map, Value};

/// What the first record of an environment follows.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What stands before the seal of a record.
pub(super) const HASH_MEMBER: &str = r#","hash":""#;

/// A sealed record, read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number in the file, from 1.
    pub seq: u64,
    /// Hash of the record before.
    pub prev: String,
    /// Its own hash, as recomputed from its bytes.
    pub hash: String,
    /// Every member.
    pub members: Map<String, Value>,
}

impl Record {
    /// A member's text; empty where it has none.
    #[must_use]
    pub fn text(&self, key: &str) -> &str {
        self.members.get(key).and_then(Value::as_str).unwrap_or_default()
    }
}

/// What is wrong with a trail, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {reason}", if file.is_empty() { "audit" } else { file.as_str() })]
pub struct AuditFault {
    /// The file, or empty where only one is read.
    pub file: String,
    /// The line, from 1; 0 where the fault is the file's as a whole.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

impl AuditFault {
    pub(super) fn at(line: usize, reason: impl Into<String>) -> Self {
        Self { file: String::new(), line, reason: reason.into() }
    }

    pub(super) fn of(file: &str, line: usize, reason: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, reason: reason.into() }
    }
}
