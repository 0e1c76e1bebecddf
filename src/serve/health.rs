//! What is known of the health of the controller: of each environment, its last result, and whether it is stuck.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use crate::controller::SyncResult;
use crate::controller::run::{Event, Heard, Listener};

/// What is known of each environment.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<BTreeMap<Arc<str>, Known>>>);

/// What is known of one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    /// How its last pass ended, if there was one.
    pub(super) result: Option<SyncResult>,
    /// When the pass under way is stuck.
    stuck_at: Option<Instant>,
    /// Whether the last pass that ended was.
    was_stuck: bool,
}

impl Known {
    /// Whether a pass took longer than it may, and none ended in time since.
    pub(super) fn is_stuck(&self) -> bool {
        self.was_stuck || self.stuck_at.is_some_and(|at| at <= Instant::now())
    }
}

impl Health {
    /// Environments whose first pass is still to come.
    #[must_use]
    pub fn new(environments: impl Iterator<Item = String>) -> Self {
        let known = environments.map(|name| (name.into(), Known::default()));
        Self(Arc::new(Mutex::new(known.collect())))
    }

    /// Takes note of what it hears until there is no more.
    pub async fn follow(self, mut listener: Listener) {
        while let Some(heard) = listener.next().await {
            if let Heard::Event(event) = heard {
                self.hear(&event);
            }
        }
    }

    fn hear(&self, event: &Event) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Added { environment } => drop(all.entry(environment.clone()).or_default()),
            Event::Gone { environment } => drop(all.remove(environment)),
            Event::PassStarted { environment, deadline, .. } => {
                let stuck_at = Instant::now().checked_add(*deadline);
                all.entry(environment.clone()).or_default().stuck_at = stuck_at;
            }
            Event::PassEnded { environment, report, .. } => {
                let known = all.entry(environment.clone()).or_default();
                let was_stuck = known.stuck_at.take().is_some_and(|at| at <= Instant::now());
                *known = Known { result: Some(report.result), stuck_at: None, was_stuck };
            }
            _ => {}
        }
    }

    /// What is known of each environment.
    pub(super) fn known(&self) -> BTreeMap<Arc<str>, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
