//! What is made of a request.

use std::collections::BTreeSet;

/// What a request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookVerdict {
    /// These branches were pushed, created or deleted; names without `refs/heads/`, at least one.
    Branches(BTreeSet<String>),
    /// Any branch may have moved.
    EveryBranch,
    /// Genuine, and about no branch: a ping, a tag, another event.
    Nothing,
    /// Not signed with the secret, or not signed at all.
    BadSignature,
    /// Genuine, and not what its sender is known to send.
    Unreadable(UnreadableHook),
}

/// Why a payload cannot be read; nothing of the payload is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{expected}{place}")]
pub struct UnreadableHook {
    expected: &'static str,
    place: String,
}

impl UnreadableHook {
    pub(super) fn new(expected: &'static str) -> Self {
        Self { expected, place: String::new() }
    }

    /// What serde found, without the excerpts in its words.
    pub(super) fn json(error: &serde_json::Error) -> Self {
        let expected = match error.classify() {
            serde_json::error::Category::Data => "expected the payload of a push, found JSON of another shape",
            _ => "expected JSON, found something else",
        };
        Self { expected, place: format!(" at line {}, column {}", error.line(), error.column()) }
    }
}
