//! The flow that everything is tried on, and the requests that take whatever is answered.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use reqwest::{Body, Method};
use serde_json::{Value, json};

use super::super::super::http::Sent;
use super::super::super::{Failure, TenantError};
use super::super::call::{Calls, Started};
use super::super::client::Client;
use super::super::endpoint::{Judged, Route};
use super::super::heads::{FlowHead, Locale, Project};
use super::super::memory::Leftover;
use super::super::names;
use super::super::packages::Packages;
use super::super::read::Reading;
use super::super::request::Root;
use super::super::snapshots::Snapshots;
use super::asking::{Answered, Seen};
use crate::flow::EnvironmentId;
use crate::web::Answer;

/// A probe that is older than this is nobody's any more, in seconds.
const PROBE_LIVES_SECONDS: i64 = 3_600;
/// Where built-in node types come from.
const BASIC: &str = "@cognigy/basic-nodes";

/// What every question is asked on.
pub(super) struct Ground<'a> {
    pub(super) client: &'a Client,
    pub(super) calls: &'a Calls<'a>,
    pub(super) environment: &'a EnvironmentId,
    pub(super) project: Project,
    pub(super) head: FlowHead,
    pub(super) start: String,
    /// Packages that were there before.
    packages: BTreeSet<String>,
}

/// How an answer went, in words: `204`, `400 (unknown field)`.
pub(super) fn told(calls: &Calls<'_>, answer: &Answer) -> String {
    let status = answer.status;
    if (200..300).contains(&status) || answer.body.is_empty() {
        return status.to_string();
    }
    let said = serde_json::from_slice::<Value>(&answer.body).ok();
    let detail = said.as_ref().and_then(|said| said["detail"].as_str().or_else(|| said["title"].as_str()));
    let said = detail.map_or_else(|| answer.body.clone(), |detail| detail.as_bytes().to_vec());
    format!("{status} ({})", calls.caller.post.mask.excerpt(&said))
}

pub(super) fn is_well(answer: &Answer) -> bool {
    (200..300).contains(&answer.status)
}

impl<'a> Ground<'a> {
    /// Makes the flow, with nothing in it. What probes that are long over have left goes first.
    pub(super) async fn make(
        client: &'a Client,
        calls: &'a Calls<'a>,
        environment: &'a EnvironmentId,
        project: Project,
    ) -> Result<Self, TenantError> {
        let over = |head: &&FlowHead| {
            names::is_probe(&head.name) && head.last_changed < client.now().saturating_sub(PROBE_LIVES_SECONDS)
        };
        for head in project.flows.values().filter(over) {
            calls.delete(&["flows", &head.id], "delete flows").await?;
        }
        let packages = Packages { calls, project: environment.as_str() }.list().await.unwrap_or_default();
        let name = client.memory.probe();
        let body = json!({"projectId": environment.as_str(), "name": name});
        if let Started::Unknown(failure) = calls.start(&["flows"], &body, "create flows").await? {
            tracing::debug!(%failure, "the flow of the probe may be there");
        }
        let project = calls.project(environment.as_str()).await?;
        let missing = || calls.error(Failure::Incomplete { detail: format!("the flow `{name}` is not in the list") });
        let head = project.flows.values().find(|head| head.name == name).cloned().ok_or_else(missing)?;
        let packages = packages.into_keys().collect();
        let mut ground = Self { client, calls, environment, project, head, start: String::new(), packages };
        let chart = ground.chart().await?;
        let start = chart["nodes"].as_array().into_iter().flatten().find(|node| node["type"] == "start");
        ground.start = start.and_then(|node| node["_id"].as_str()).unwrap_or_default().to_owned();
        Ok(ground)
    }

    pub(super) fn packages(&self) -> Packages<'_> {
        Packages { calls: self.calls, project: self.environment.as_str() }
    }

    pub(super) fn snapshots(&self) -> Snapshots<'_> {
        Snapshots { calls: self.calls, project: self.environment.as_str() }
    }

    /// A reading of what is there, as it was listed.
    pub(super) fn reading<'g>(&'g self, project: &'g Project) -> Reading<'g> {
        self.client.reading(self.calls, project, self.environment)
    }

    /// What is in the project now, and the flow as it is listed there.
    pub(super) async fn again(&self) -> Result<(Project, FlowHead), TenantError> {
        let project = self.calls.project(self.environment.as_str()).await?;
        let head = project.flows.values().find(|head| head.reference_id == self.head.reference_id).cloned();
        let missing = || {
            let detail = format!("the flow `{}` of the probe went away", self.head.name);
            self.calls.error(Failure::Incomplete { detail })
        };
        let head = head.ok_or_else(missing)?;
        Ok((project, head))
    }

    pub(super) fn primary(&self) -> Option<&Locale> {
        self.project.locales.primary()
    }

    pub(super) async fn chart(&self) -> Result<Value, TenantError> {
        self.calls.json(&["flows", &self.head.id, "chart"], &[], "read charts").await
    }

    fn query(locale: Option<&Locale>) -> Vec<(&str, &str)> {
        locale.map(|locale| ("preferredLocaleId", locale.id.as_str())).into_iter().collect()
    }

    /// A node, as it is read alone.
    pub(super) async fn node(&self, id: &str, locale: Option<&Locale>) -> Result<Value, TenantError> {
        let path = ["flows", &self.head.id, "chart", "nodes", id];
        self.calls.json(&path, &Self::query(locale), "read nodes").await
    }

    /// A new node after another one: its `_id`.
    pub(super) async fn append(
        &self,
        target: &str,
        kind: &str,
        label: &str,
        config: Value,
    ) -> Result<String, TenantError> {
        let body = json!({"type": kind, "extension": BASIC, "mode": "append", "target": target, "label": label,
            "config": config});
        let path = ["flows", &self.head.id, "chart", "nodes"];
        match self.calls.start(&path, &body, "create nodes").await? {
            Started::Yes(node) => node["_id"].as_str().map(str::to_owned).ok_or_else(|| {
                let shown = node.to_string();
                self.calls.garbage(shown.as_bytes())
            }),
            Started::Unknown(failure) => Err(self.calls.error(failure)),
        }
    }

    /// A request below the flow's chart, whatever is answered.
    pub(super) async fn write(&self, method: Method, below: &[&str], body: &Value) -> Result<Answer, TenantError> {
        let path = [&["flows", self.head.id.as_str(), "chart"], below].concat();
        self.any(self.calls.requests().write(method, &path, body, "change nodes")).await
    }

    /// Something read below the flow's chart, whatever is answered; with a body where that is the question.
    pub(super) async fn read(&self, below: &[&str], body: Option<&Value>) -> Result<Answer, TenantError> {
        let path = [&["flows", self.head.id.as_str(), "chart"], below].concat();
        let is_older = self.client.older_charts.load(Ordering::Relaxed);
        let root = if is_older { Root::Older } else { Root::Today };
        let mut sent = self.calls.requests().get(root, &path, &[], "read nodes");
        *sent.request.body_mut() = body.map(|body| Body::from(body.to_string()));
        self.any(sent).await
    }

    /// Any request, whatever is answered.
    pub(super) async fn any(&self, mut sent: Sent<Route>) -> Result<Answer, TenantError> {
        sent.endpoint.judged = Judged::AsItComes;
        Ok(self.calls.send(&sent).await?.answer)
    }

    /// Removes everything that was made.
    pub(super) async fn clear(&self) -> Answered {
        let mut left = Vec::new();
        let project = self.calls.project(self.environment.as_str()).await?;
        let is_ours = |head: &&FlowHead| head.name == self.head.name || head.reference_id == self.head.reference_id;
        for head in project.flows.values().filter(is_ours) {
            if let Err(error) = self.calls.delete(&["flows", &head.id], "delete flows").await {
                left.push(format!("flow `{}` ({error})", head.name));
            }
        }
        // What others have left is for the next deployment to judge.
        for leftover in self.client.memory.leftovers() {
            match leftover {
                Leftover::Package(id) if !self.packages.contains(&id) => {
                    if !self.packages().remove(&id).await {
                        left.push(format!("package {id}"));
                    }
                }
                Leftover::Package(_) | Leftover::Scaffold(_) => {}
            }
        }
        for (id, snapshot) in self.snapshots().list().await.unwrap_or_default() {
            if names::is_probe(&snapshot.name) && self.snapshots().remove(&id).await.is_err() {
                left.push(format!("snapshot `{}`", snapshot.name));
            }
        }
        self.client.memory.list(None);
        match left.is_empty() {
            true => Ok(Seen::either("nothing")),
            false => Ok(Seen::judged(false, format!("{}: remove it by hand", left.join(", ")))),
        }
    }
}
