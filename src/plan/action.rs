//! What is done to one flow, as a word.

use std::fmt;

use serde::Serialize;

/// What a change does to its flow. `{:6}` and the like pad it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is not live, and will be.
    Create,
    /// It is live otherwise than git has it.
    Update,
    /// It is live and will not be.
    Delete,
}

impl Action {
    /// Every action there is.
    pub const ALL: [Self; 3] = [Self::Create, Self::Update, Self::Delete];

    /// The word in outputs and digests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
