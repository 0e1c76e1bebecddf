//! The requests around packages: made, fetched, sent, merged, removed.
//!
//! A request whose answer was lost is settled by the package's name, which nobody else has chosen; one that cannot be
//! found is made again once.

use std::collections::BTreeMap;
use std::future::Future;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::super::http::within;
use super::super::{Failure, TenantError};
use super::call::{Calls, Started};
use super::heads::Locales;
use super::task::Ended;

/// A package in the list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PackageHead {
    pub(super) name: String,
    /// Seconds since 1970.
    created_at: Option<f64>,
}

impl PackageHead {
    /// Whether it is known to be older than that at a time, in seconds since 1970.
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
    pub(super) fn is_older_than(&self, seconds: i64, now: i64) -> bool {
        self.created_at.is_some_and(|at| at < (now - seconds) as f64)
    }
}

/// Packages of one project.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packages<'a> {
    pub(super) calls: &'a Calls<'a>,
    pub(super) project: &'a str,
}

/// What becomes of a flow that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conflict {
    /// Nothing is merged.
    Abort,
    /// It is replaced.
    Replace,
}

/// How a merge went.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Merged {
    /// It was done.
    Yes,
    /// The tenant says no, or fails half-way; with its reason. What is live tells.
    No(String),
    /// Nobody knows whether it was begun. No task is under way any more.
    Unknown(Failure),
}

/// Where a flow and the locales stand in a package.
#[derive(Debug)]
struct Inside {
    flow: String,
    /// The project's `_id` and the package's.
    locales: Vec<(String, String)>,
}

impl Packages<'_> {
    /// The packages there are, by `_id`.
    pub(super) async fn list(&self) -> Result<BTreeMap<String, PackageHead>, TenantError> {
        self.calls.list(&["packages"], self.project, "list packages").await
    }

    async fn named(&self, name: &str) -> Result<Option<String>, TenantError> {
        Ok(self.list().await?.into_iter().find(|(_, package)| package.name == name).map(|(id, _)| id))
    }

    /// Exports resources: the `_id` of the new package, and its file.
    pub(super) async fn export(&self, name: &str, ids: &[&str]) -> Result<(String, Vec<u8>), TenantError> {
        let what = "export flows into a package";
        let body = json!({"projectId": self.project, "name": name, "resourceIds": ids});
        let path = ["packages"];
        let id = self.made(name, what, || self.calls.start(&path, &body, "create packages")).await?;
        let file = self.fetch(&id).await?;
        Ok((id, file))
    }

    /// Sends a file that says that it has this name: the `_id` of the new package.
    pub(super) async fn send(&self, name: &str, file: &[u8]) -> Result<String, TenantError> {
        let path = ["packages", "upload"];
        let fields = [("projectId", self.project)];
        let upload = || self.calls.upload(&path, &fields, file, "create packages");
        self.made(name, "take the package in", upload).await
    }

    /// A package that `start` makes, under a name that is its own.
    async fn made<F: Future<Output = Result<Started, TenantError>>>(
        &self,
        name: &str,
        what: &'static str,
        start: impl Fn() -> F,
    ) -> Result<String, TenantError> {
        let mut lost = None;
        for _ in 0..2 {
            match start().await? {
                Started::Yes(task) => {
                    let data = self.calls.finish_well(self.project, &task, what).await?;
                    if let Some(id) = data.get("packageId").and_then(Value::as_str) {
                        return Ok(id.to_owned());
                    }
                    let missing = || self.calls.garbage(task.to_string().as_bytes());
                    return self.named(name).await?.ok_or_else(missing);
                }
                Started::Unknown(failure) => {
                    self.calls.quiet(self.project).await?;
                    if let Some(id) = self.named(name).await? {
                        return Ok(id);
                    }
                    lost = Some(failure);
                }
            }
        }
        let unknown = || Failure::Impossible { reason: format!("`{name}` was never answered") };
        Err(self.calls.error(lost.unwrap_or_else(unknown)))
    }

    /// The file of a package. It may be still being packed: a 409.
    pub(super) async fn fetch(&self, id: &str) -> Result<Vec<u8>, TenantError> {
        let tuning = self.calls.tuning();
        let give_up_at = Instant::now() + tuning.task_total;
        let (mut pause, path) = (tuning.task_pause, ["packages", id, "downloadlink"]);
        loop {
            let failure = match self.calls.start(&path, &json!({}), "download packages").await {
                Ok(Started::Yes(answer)) => {
                    let garbage = || self.calls.garbage(answer.to_string().as_bytes());
                    let link = answer["downloadLink"].as_str().ok_or_else(garbage)?;
                    return self.calls.follow(link, "download packages").await;
                }
                // A link that nobody got is good for nothing, and harms nobody.
                Ok(Started::Unknown(failure)) => self.calls.error(failure),
                Err(error) if matches!(error.failure, Failure::Refused { status: 409, .. }) => error,
                Err(error) => return Err(error),
            };
            if Instant::now() + pause > give_up_at || within(self.calls.asked.limits, sleep(pause)).await.is_err() {
                return Err(failure);
            }
            pause = (pause * 2).min(tuning.task_pause_max);
        }
    }

    /// Merges the one flow of a package into the project.
    pub(super) async fn merge(
        &self,
        package: &str,
        reference: &str,
        locales: &Locales,
        conflict: Conflict,
    ) -> Result<Merged, TenantError> {
        match self.begin_merge(package, reference, locales, conflict).await? {
            Started::Yes(task) => Ok(match self.calls.finish(self.project, &task, "merge the package").await? {
                Ended::Well(_) => Merged::Yes,
                Ended::Badly(reason) => Merged::No(reason),
            }),
            Started::Unknown(failure) => {
                self.calls.quiet(self.project).await?;
                Ok(Merged::Unknown(failure))
            }
        }
    }

    /// Has a merge begin.
    pub(super) async fn begin_merge(
        &self,
        package: &str,
        reference: &str,
        locales: &Locales,
        conflict: Conflict,
    ) -> Result<Started, TenantError> {
        let Inside { flow, locales } = self.inside(package, reference, locales).await?;
        let strategy = match conflict {
            Conflict::Abort => "abort",
            Conflict::Replace => "replace",
        };
        let pair = |(ours, theirs)| json!({"agentLocaleId": ours, "packageLocaleId": theirs});
        let body = json!({
            "resourceIds": [flow],
            "localeMapping": locales.into_iter().map(pair).collect::<Vec<_>>(),
            "strategies": [{"_id": flow, "autoRename": false, "identityConflictStrategy": strategy}],
        });
        self.calls.start_change(&["packages", package, "merge"], &body, "merge packages").await
    }

    /// What the things in a package are called there: the platform may have given them other `_id`s than the file has.
    async fn inside(&self, package: &str, reference: &str, locales: &Locales) -> Result<Inside, TenantError> {
        let query = [("dependencies", "true"), ("packages", "true")];
        let graph: Value = self.calls.json(&["projects", self.project, "graph"], &query, "read the graph").await?;
        let resources = graph[package]["resources"].as_array().cloned().unwrap_or_default();
        let id_of = |kind: &str, reference: &str| {
            let is_it = |it: &&Value| it["type"] == kind && it["referenceId"] == reference;
            resources.iter().find(is_it).and_then(|it| it["_id"].as_str()).map(str::to_owned)
        };
        let missing = || {
            let detail = format!("the package does not hold the flow `{reference}` that was put into it");
            self.calls.error(Failure::Incomplete { detail })
        };
        let flow = id_of("flow", reference).ok_or_else(missing)?;
        let pair = |locale: &super::heads::Locale| Some((locale.id.clone(), id_of("locale", &locale.reference)?));
        Ok(Inside { flow, locales: locales.0.iter().filter_map(pair).collect() })
    }

    /// Removes a package. False where that is not possible now.
    pub(super) async fn remove(&self, id: &str) -> bool {
        let removed = self.calls.delete(&["packages", id], "delete packages").await;
        removed.inspect_err(|error| tracing::debug!(package = id, %error, "a package of ours stays for now")).is_ok()
    }
}
