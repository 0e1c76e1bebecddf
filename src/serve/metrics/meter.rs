//! Counts what happens, as it hears of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::families::Families;
use crate::controller::run::{Event, Heard, Listener};
use crate::controller::{EnvironmentReport, FlowCounts, SyncResult};

/// The metrics of this controller; clones share them.
#[derive(Debug, Clone)]
pub struct Meter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    families: Families,
    alarms: Mutex<Alarms>,
}

/// What there are alarms for.
#[derive(Debug, Default)]
struct Alarms {
    /// Of each environment: in its last report, and of a pass that takes too long.
    reported: BTreeMap<Arc<str>, usize>,
    /// The configuration file is broken: every environment goes by an old one.
    configuration: bool,
}

impl Meter {
    /// Nothing is counted yet.
    ///
    /// # Errors
    /// The metrics go together badly: a mistake of this program.
    pub fn new(version: &str) -> prometheus::Result<Self> {
        Ok(Self(Arc::new(Inner { families: Families::new(version)?, alarms: Mutex::default() })))
    }

    /// Counts what it hears until there is no more.
    pub async fn follow(self, mut listener: Listener) {
        while let Some(heard) = listener.next().await {
            match heard {
                Heard::Event(event) => self.hear(&event),
                Heard::Missed(n_missed) => {
                    tracing::warn!(n_missed, "events came too fast to be counted in the metrics")
                }
            }
        }
    }

    pub(super) fn hear(&self, event: &Event) {
        let Inner { families, .. } = &*self.0;
        match event {
            Event::Added { environment } => {
                families.begin(environment);
                self.alarms(|alarms| _ = alarms.reported.insert(environment.clone(), 0));
            }
            Event::Gone { environment } => {
                families.forget(environment);
                self.alarms(|alarms| _ = alarms.reported.remove(environment));
            }
            Event::PassEnded { environment, at, took, report } => self.pass_ended(environment, *at, *took, report),
            Event::Reloaded { error } => self.alarms(|alarms| alarms.configuration = error.is_some()),
            Event::PassOverdue { environment, .. } => {
                self.alarms(|alarms| *alarms.reported.entry(environment.clone()).or_default() += 1);
            }
            Event::TenantRequest { environment, call, status } => {
                let status = status.map_or_else(|| "error".to_owned(), |status| status.to_string());
                families.tenant_requests.with_label_values(&[&**environment, call.as_str(), &status]).inc();
            }
            Event::ConcurrencyLimit { environment, limit } => {
                families.tenant_limit.with_label_values(&[environment]).set(count(*limit));
            }
            Event::GitOperation { operation, outcome } => {
                families.git.with_label_values(&[operation.as_str(), outcome.as_str()]).inc();
            }
            Event::PassStarted { .. }
            | Event::Waits { .. }
            | Event::Throttled { .. }
            | Event::DeploymentBegan { .. }
            | Event::DeploymentContinued { .. }
            | Event::StageBegan { .. }
            | Event::FlowMoved { .. }
            | Event::DeploymentOver { .. }
            | Event::Ended => {}
        }
    }

    fn pass_ended(&self, environment: &Arc<str>, at: Timestamp, took: Duration, report: &EnvironmentReport) {
        let Inner { families, .. } = &*self.0;
        let EnvironmentReport { result, deployment_id, flows, alarms, counts, .. } = report;
        families.passes.with_label_values(&[environment, result.as_str()]).inc();
        if took > Duration::ZERO {
            families.pass_seconds.with_label_values(&[environment]).observe(took.as_secs_f64());
        }
        if result.is_success() {
            families.last_success.with_label_values(&[environment]).set(at.as_second());
        }
        // What no deployment was begun for has not come to anything.
        for flow in flows.iter().filter(|_| deployment_id.is_some()) {
            let labels = [environment, flow.action.as_str(), flow.outcome.as_str()];
            families.changes.with_label_values(&labels).inc();
        }
        if let Some(FlowCounts { managed, drifted }) = counts {
            families.managed.with_label_values(&[environment]).set(count(*managed));
            families.drifted.with_label_values(&[environment]).set(count(*drifted));
        }
        let is_suspended = *result == SyncResult::Suspended;
        families.suspended.with_label_values(&[environment]).set(i64::from(is_suspended));
        self.alarms(|known| _ = known.reported.insert(environment.clone(), alarms.len()));
    }

    /// Takes note of alarms, and shows them.
    fn alarms(&self, change: impl FnOnce(&mut Alarms)) {
        let mut alarms = self.0.alarms.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut alarms);
        let Alarms { reported, configuration } = &*alarms;
        for (environment, n_alarms) in reported {
            let n_alarms = count(*n_alarms) + i64::from(*configuration);
            self.0.families.alarms.with_label_values(&[environment]).set(n_alarms);
        }
    }

    /// Counts what became of a notification.
    pub fn count_notification(&self, kind: &'static str, outcome: &'static str) {
        self.0.families.notifications.with_label_values(&[kind, outcome]).inc();
    }

    /// What was counted so far, in the text format 0.0.4.
    ///
    /// # Errors
    /// It cannot be written so.
    pub(in crate::serve) fn text(&self) -> prometheus::Result<String> {
        self.0.families.text()
    }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
