//! What is known of the health of the controller: the last result of each environment.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::controller::SyncResult;
use crate::controller::run::{Event, Heard, Listener};

/// What is known of each environment: the last result, if there was a pass.
#[derive(Debug, Clone)]
pub struct Health(Arc<Mutex<BTreeMap<Arc<str>, Option<SyncResult>>>>);

impl Health {
    /// Environments whose first pass is still to come.
    #[must_use]
    pub fn new(environments: impl Iterator<Item = String>) -> Self {
        Self(Arc::new(Mutex::new(environments.map(|name| (name.into(), None)).collect())))
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
        let mut results = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Added { environment } => drop(results.entry(environment.clone()).or_default()),
            Event::Gone { environment } => drop(results.remove(environment)),
            Event::PassEnded { environment, report, .. } => {
                results.insert(environment.clone(), Some(report.result));
            }
            _ => {}
        }
    }

    /// The last results.
    pub(super) fn results(&self) -> BTreeMap<Arc<str>, Option<SyncResult>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
