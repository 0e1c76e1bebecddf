//! The way into a running sandbox for tests, the demo and benchmarks. What is done here is no request: it is not
//! logged, limited or struck by a fault, and reaches the state file with the next request that changes something.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;

use super::super::log::RequestLog;
use super::fault::{FaultPlan, Faults};
use super::seed::identified;
use super::settings::Behaviour;
use super::shared::Shared;
use crate::flow::ReferenceKind;

/// Looks into a sandbox and reaches into it. Clones share it.
#[derive(Debug, Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

/// A flow could not be put there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a JSON object with an `id`: {detail}")]
pub struct HandleError {
    detail: String,
}

impl Handle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The flows live in `environment`, by id, as an export serves them: the JSON as imported, with `environmentId`.
    #[must_use]
    pub fn flows(&self, environment: &str) -> BTreeMap<String, Bytes> {
        let inner = self.shared.lock();
        let Ok(environment) = inner.world.environment(environment) else { return BTreeMap::new() };
        environment.flows().map(|(id, live)| (id.clone(), live.current.item.clone())).collect()
    }

    /// The versions a flow could be rolled back to, oldest first.
    #[must_use]
    pub fn history(&self, environment: &str, id: &str) -> Vec<String> {
        let inner = self.shared.lock();
        let history = inner.world.flow(environment, id).map(|live| &live.history);
        history.into_iter().flatten().map(|stored| stored.version.clone()).collect()
    }

    /// Puts a flow there behind everyone's back: nothing is checked, its history stays as it is.
    pub fn put_flow(&self, environment: &str, json: &str) -> Result<(), HandleError> {
        let (id, stored) = identified(environment, json).map_err(|detail| HandleError { detail })?;
        self.shared.lock().world.put(environment, &id, stored);
        Ok(())
    }

    /// Removes a flow behind everyone's back; whether it was there.
    pub fn remove_flow(&self, environment: &str, id: &str) -> bool {
        self.shared.lock().world.remove(environment, id)
    }

    /// Adds an intent, an entity or a variable under its id as its name; a flow is none of these.
    pub fn add(&self, environment: &str, kind: ReferenceKind, id: &str) {
        self.shared.lock().world.add_thing(environment, kind, id, id);
    }

    /// Removes an intent, an entity or a variable; whether it was there.
    pub fn remove(&self, environment: &str, kind: ReferenceKind, id: &str) -> bool {
        self.shared.lock().world.remove_thing(environment, kind, id)
    }

    /// Puts a fault plan in force, from its first request on.
    pub fn set_faults(&self, plan: FaultPlan) {
        self.shared.lock().faults = Faults::new(plan);
    }

    /// Changes how the tenant behaves.
    pub fn change(&self, change: impl FnOnce(&mut Behaviour)) {
        let mut inner = self.shared.lock();
        let mut behaviour = inner.behaviour.clone();
        change(&mut behaviour);
        inner.behave(behaviour);
    }

    /// Makes every token given out unknown.
    pub fn revoke_tokens(&self) {
        self.shared.lock().access.revoke_all();
    }

    /// What was asked so far.
    #[must_use]
    pub fn requests(&self) -> RequestLog {
        self.shared.lock().log.clone()
    }

    /// Forgets what was asked so far.
    pub fn clear_requests(&self) {
        self.shared.lock().log = RequestLog::default();
    }

    /// Takes away every flow, every fault and the log of requests; intents, settings and tokens stay.
    pub fn reset(&self) {
        self.shared.lock().reset();
    }
}
