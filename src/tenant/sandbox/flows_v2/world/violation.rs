//! One reason for a refusal, as the wire carries it.

use serde::{Deserialize, Serialize};

/// One thing that is wrong with a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Violation {
    /// JSON pointer into the flow.
    pub path: String,
    /// What is wrong there.
    pub message: String,
}
