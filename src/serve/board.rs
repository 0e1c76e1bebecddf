//! What is known of the controller and its environments, by what was heard.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::config::format_duration;
use crate::controller::run::{Event, Heard, Listener, Unusable};
use crate::controller::view::{EnvironmentView, StatusView};

/// How everything stands; clones share it.
#[derive(Debug, Clone)]
pub struct Board(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    version: &'static str,
    started: Timestamp,
    shard: Option<String>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    environments: BTreeMap<Arc<str>, EnvironmentView>,
    alarms: Vec<String>,
}

impl Board {
    /// Of a controller that has just begun, for its share of the environments where they are shared.
    #[must_use]
    pub fn new(version: &'static str, started: Timestamp, shard: Option<String>) -> Self {
        Self(Arc::new(Inner { version, started, shard, known: Mutex::default() }))
    }

    /// Takes note of what it hears until there is no more.
    pub async fn follow(self, mut listener: Listener) {
        while let Some(heard) = listener.next().await {
            match heard {
                Heard::Event(event) => self.hear(&event),
                // The next pass of each environment says again how it stands.
                Heard::Missed(n_missed) => tracing::warn!(n_missed, "events came too fast to be seen in the status"),
            }
        }
    }

    pub(super) fn hear(&self, event: &Event) {
        let mut known = self.known();
        match event {
            Event::Added { environment } => drop(known.of(environment)),
            Event::Gone { environment } => drop(known.environments.remove(environment)),
            Event::PassStarted { environment, at, .. } => known.of(environment).begin(*at),
            Event::PassEnded { environment, at, took, report } => known.of(environment).end(*at, *took, report),
            Event::Waits { environment, until } => known.of(environment).next_pass = Some(*until),
            Event::Reloaded { error } => {
                let kept = |error: &Unusable| {
                    format!("the configuration file is broken, and the one before it is in use: {}", error.message)
                };
                known.alarms = error.iter().map(kept).collect();
            }
            Event::PassOverdue { environment, deadline } => {
                let deadline = format_duration(*deadline);
                let alarm = format!(
                    "the pass under way takes longer than `sync.passDeadline` ({deadline}); it is asked to end"
                );
                known.of(environment).alarms.push(alarm);
            }
            Event::DeploymentBegan { .. }
            | Event::DeploymentContinued { .. }
            | Event::StageBegan { .. }
            | Event::FlowMoved { .. }
            | Event::DeploymentOver { .. }
            | Event::TenantRequest { .. }
            | Event::Throttled { .. }
            | Event::ConcurrencyLimit { .. }
            | Event::GitOperation { .. }
            | Event::Ended => {}
        }
    }

    /// How everything stands now.
    pub(super) fn view(&self) -> StatusView {
        let known = self.known();
        StatusView {
            version: self.0.version,
            started: self.0.started,
            shard: self.0.shard.clone(),
            alarms: known.alarms.clone(),
            environments: known.environments.values().cloned().collect(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn of(&mut self, environment: &Arc<str>) -> &mut EnvironmentView {
        self.environments.entry(environment.clone()).or_insert_with(|| EnvironmentView::new(environment))
    }
}
