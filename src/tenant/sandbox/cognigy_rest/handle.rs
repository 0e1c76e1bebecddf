//! The way into a running stand-in for tests, the demo and whoever embeds it. What is done here is no request: it is
//! neither logged, limited nor struck by a fault, and reaches the state file with the next request.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::super::log::RequestLog;
use super::call::Call;
use super::fault::{FaultPlan, Faults};
use super::http::inside::{self, Answer, Request};
use super::model::platform::Moment;
use super::reach_in;
use super::refusal::Refusal;
use super::rules::Behaviour;
use super::shared::{Inner, Shared};

/// Looks into a stand-in and reaches into it. Clones share it.
#[derive(Debug, Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

/// Somebody could not be found, or not be changed like that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct HandleError {
    detail: String,
}

impl From<Refusal> for HandleError {
    fn from(refusal: Refusal) -> Self {
        Self { detail: refusal.detail }
    }
}

impl Handle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(super) fn with<V>(&self, act: impl FnOnce(&mut Inner) -> V) -> V {
        act(&mut self.shared.lock())
    }

    /// Answers a request as the listener would, without a socket; nothing where its connection is lost.
    pub async fn ask(&self, request: Request) -> Option<Answer> {
        inside::answer(&self.shared, request).await
    }

    /// What a request is called in the log; nothing where it is none of the API.
    #[must_use]
    pub fn call_of(method: &str, target: &str) -> Option<&'static str> {
        inside::named(method, target)
    }

    /// The `_id` of a project, by its name.
    pub fn project(&self, name: &str) -> Result<String, HandleError> {
        let inner = self.shared.lock();
        let project = inner.platform.projects.iter().find(|project| project.name == name);
        Ok(project.ok_or_else(|| Refusal::not_found("Project", name))?.id.to_string())
    }

    /// The `_id` and name of every project.
    #[must_use]
    pub fn projects(&self) -> Vec<(String, String)> {
        let inner = self.shared.lock();
        inner.platform.projects.iter().map(|project| (project.id.to_string(), project.name.clone())).collect()
    }

    /// The `_id` of a flow, by its name or reference id; the first of several.
    pub fn flow(&self, named: &str) -> Result<String, HandleError> {
        Ok(reach_in::flow(&self.shared.lock().platform, named)?.id.to_string())
    }

    /// The `_id` of a node, by its flow and its label or reference id; the first of several.
    pub fn node(&self, of_flow: &str, named: &str) -> Result<String, HandleError> {
        Ok(reach_in::node(&self.shared.lock().platform, of_flow, named)?.1.to_string())
    }

    /// Changes a node as another user would in the editor: `fields` is an object as a PATCH takes it.
    pub fn edit(&self, of_flow: &str, named: &str, fields: &Value) -> Result<(), HandleError> {
        let fields = fields.as_object().cloned().ok_or_else(|| Refusal::invalid("expected an object"))?;
        let mut inner = self.shared.lock();
        let rules = inner.behaviour.clone();
        let now = Moment { ms: inner.clock.ms(), rules: &rules };
        Ok(reach_in::edit(&mut inner.platform, of_flow, named, fields, now)?)
    }

    /// Upgrades the platform: from now on, configs of a type are read with a key that they never had, unless they have
    /// it. No change time moves.
    pub fn upgrade(&self, kind: &str, key: &str, default: Value) {
        reach_in::upgrade(&mut self.shared.lock().platform, kind, key, default);
    }

    /// Puts a fault plan in force, from its first request on.
    pub fn set_faults(&self, plan: FaultPlan) {
        self.shared.lock().faults = Faults::new(plan);
    }

    /// Has the next task that is started fail, with a reason.
    pub fn fail_next_task(&self, reason: &str) {
        self.shared.lock().platform.dooms.insert(0, reason.to_owned());
    }

    /// Changes how the platform behaves.
    pub fn change(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.shared.lock().behaviour);
    }

    /// Lets time pass at once.
    pub fn advance(&self, span: Duration) {
        self.shared.lock().clock.advance(span);
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

    /// Requests so far that changed something, or tried to.
    #[must_use]
    pub fn n_writes(&self) -> u64 {
        let writes = |call: &str| Call::named(call).is_some_and(Call::writes);
        self.shared.lock().log.by_call.iter().filter(|(call, _)| writes(call)).map(|(_, n)| *n).sum()
    }

    /// Forgets what was asked so far.
    pub fn clear_requests(&self) {
        self.shared.lock().log = RequestLog::default();
    }
}
