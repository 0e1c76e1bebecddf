//! What the routes answer from.

use tokio::sync::watch;

use super::board::Board;
use super::health::Health;
use super::metrics::Meter;
use super::settings::Settings;
use crate::controller::run::Nudges;

/// What the routes answer from; clones share it.
#[derive(Debug, Clone)]
pub struct Served {
    /// Whether it is alive and ready.
    pub health: Health,
    /// How everything stands.
    pub board: Board,
    /// What it counts.
    pub meter: Meter,
    /// What the configuration says, as last read.
    pub settings: watch::Receiver<Settings>,
    /// Where somebody's wish for a pass goes.
    pub nudges: Nudges,
}

impl Served {
    /// What the configuration says now.
    pub(super) fn settings(&self) -> Settings {
        self.settings.borrow().clone()
    }
}
