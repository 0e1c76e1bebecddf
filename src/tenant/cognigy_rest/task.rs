//! Tasks: what takes the tenant time, and may fail.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep};

use super::super::http::within;
use super::super::{Failure, TenantError};
use super::call::Calls;

/// How often a task that was just started may be unknown still.
const UNSEEN_MAX: u32 = 3;
/// What is in the name of a task that may change a project.
const CHANGING: [&str; 7] = ["merge", "restore", "import", "train", "upload", "package", "snapshot"];

/// A task as it is read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Task {
    #[serde(rename = "_id")]
    id: String,
    name: Option<String>,
    status: String,
    data: Option<Map<String, Value>>,
    fail_reason: Option<Value>,
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ended {
    /// With what it says of what it did.
    Well(Map<String, Value>),
    /// In an error, or somebody cancelled it; with the reason.
    Badly(String),
}

impl Task {
    fn is_under_way(&self) -> bool {
        matches!(self.status.as_str(), "queued" | "active" | "cancelling")
    }

    fn may_change(&self) -> bool {
        may_change(self.name.as_deref().unwrap_or_default())
    }
}

/// Whether a task of this name may change a project; one without a name may.
pub(super) fn may_change(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.is_empty() || CHANGING.iter().any(|part| name.contains(part))
}

impl Calls<'_> {
    /// Waits for the end of a task, which was answered as `started`.
    pub(super) async fn finish(
        &self,
        project: &str,
        started: &Value,
        what: &'static str,
    ) -> Result<Ended, TenantError> {
        let id = started["_id"].as_str().ok_or_else(|| self.garbage(started.to_string().as_bytes()))?;
        let mut waiting = Waiting::new(self, what);
        let mut n_unseen = 0;
        loop {
            waiting.rest().await?;
            let found = self.json_if_there::<Task>(&["tasks", id], &[("projectId", project)], "read tasks").await?;
            let Some((task, _)) = found else {
                n_unseen += 1;
                if n_unseen > UNSEEN_MAX {
                    let detail = format!("the task that was started to {what} is unknown");
                    return Err(self.error(Failure::Unavailable { detail, maybe_took_effect: true }));
                }
                continue;
            };
            match task.status.as_str() {
                "done" => return Ok(Ended::Well(task.data.unwrap_or_default())),
                "error" | "cancelled" => return Ok(Ended::Badly(self.reason(&task))),
                _ => {}
            }
        }
    }

    /// The same; one that ends badly is an error.
    pub(super) async fn finish_well(
        &self,
        project: &str,
        started: &Value,
        what: &'static str,
    ) -> Result<Map<String, Value>, TenantError> {
        match self.finish(project, started, what).await? {
            Ended::Well(data) => Ok(data),
            Ended::Badly(reason) => Err(self.error(Failure::TaskFailed { what, reason })),
        }
    }

    fn reason(&self, task: &Task) -> String {
        let said = match &task.fail_reason {
            None | Some(Value::Null) => format!("its task ended as `{}` and gives no reason", task.status),
            Some(Value::String(reason)) => reason.clone(),
            Some(other) => other.to_string(),
        };
        self.caller.post.mask.excerpt(said.as_bytes())
    }

    /// The names of the tasks that are remembered.
    pub(super) async fn task_names(&self, project: &str) -> Result<BTreeSet<String>, TenantError> {
        let tasks = self.list::<Task>(&["tasks"], project, "list tasks").await?;
        Ok(tasks.into_values().filter_map(|task| task.name).collect())
    }

    /// Waits until no task is under way that may change the project: somebody else's, or one of an earlier process
    /// of ours, which may outlive it.
    pub(super) async fn quiet(&self, project: &str) -> Result<(), TenantError> {
        let mut waiting = Waiting::new(self, "begin: other tasks of the project do not end");
        loop {
            let tasks = match self.list::<Task>(&["tasks"], project, "list tasks").await {
                Err(TenantError {
                    failure: failure @ (Failure::NoRight { .. } | Failure::Unsupported { .. }), ..
                }) => {
                    tracing::warn!("whether other tasks of the project are under way cannot be told: {failure}");
                    return Ok(());
                }
                tasks => tasks?,
            };
            let Some(busy) = tasks.values().find(|task| task.is_under_way() && task.may_change()) else {
                return Ok(());
            };
            tracing::debug!(task = busy.id, name = busy.name, "waiting for a task of the project");
            waiting.rest().await?;
        }
    }
}

/// Pauses that grow, and end.
struct Waiting<'a> {
    calls: &'a Calls<'a>,
    what: &'static str,
    pause: std::time::Duration,
    give_up_at: Instant,
}

impl<'a> Waiting<'a> {
    fn new(calls: &'a Calls<'a>, what: &'static str) -> Self {
        let tuning = calls.tuning();
        Self { calls, what, pause: tuning.task_pause, give_up_at: Instant::now() + tuning.task_total }
    }

    async fn rest(&mut self) -> Result<(), TenantError> {
        let ended = |_| {
            let detail = format!("gave up waiting for the tenant to {}", self.what);
            self.calls.error(Failure::Unavailable { detail, maybe_took_effect: true })
        };
        if Instant::now() + self.pause > self.give_up_at {
            return Err(ended(super::super::http::Ended::Patience));
        }
        within(self.calls.asked.limits, sleep(self.pause)).await.map_err(ended)?;
        self.pause = (self.pause * 2).min(self.calls.tuning().task_pause_max);
        Ok(())
    }
}
