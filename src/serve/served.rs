//! What the routes answer from.

use super::health::Health;

/// What the routes answer from; clones share it.
#[derive(Debug, Clone)]
pub struct Served {
    /// Whether it is alive and ready.
    pub health: Health,
}
