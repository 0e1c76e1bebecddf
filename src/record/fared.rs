//! How a flow of a deployment fared, or an endpoint.

use serde::{Deserialize, Serialize};

/// How a flow fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlowStatus {
    /// Not decided yet.
    Pending,
    /// Live as git has it.
    Deployed,
    /// Failed, and never changed, so there was nothing to put back.
    Failed,
    /// Put back as it was.
    RolledBack,
    /// Could not be put back.
    NotRestored,
    /// Not reached.
    NotAttempted,
}
