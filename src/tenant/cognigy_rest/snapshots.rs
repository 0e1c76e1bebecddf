//! Snapshots of one project: listed, made, removed. None is ever restored from here: that resets the whole project.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::super::{Failure, TenantError};
use super::call::{Calls, Started};
use super::task::Ended;

/// More than these the platform does not keep of a project.
pub(super) const SNAPSHOTS_MAX: usize = 10;

/// A snapshot in the list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SnapshotHead {
    pub(super) name: String,
    /// Seconds since 1970.
    pub(super) created_at: f64,
}

/// What became of a snapshot that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Taken {
    /// Its `_id`.
    Yes(String),
    /// The tenant says no, with its reason.
    No(String),
}

/// Snapshots of one project.
#[derive(Debug, Clone, Copy)]
pub(super) struct Snapshots<'a> {
    pub(super) calls: &'a Calls<'a>,
    pub(super) project: &'a str,
}

impl Snapshots<'_> {
    /// The snapshots there are, by `_id`.
    pub(super) async fn list(&self) -> Result<BTreeMap<String, SnapshotHead>, TenantError> {
        self.calls.list(&["snapshots"], self.project, "list snapshots").await
    }

    async fn named(&self, name: &str) -> Result<Option<String>, TenantError> {
        Ok(self.list().await?.into_iter().find(|(_, snapshot)| snapshot.name == name).map(|(id, _)| id))
    }

    /// Takes one, under a name that nobody else has chosen.
    pub(super) async fn take(&self, name: &str, description: &str) -> Result<Taken, TenantError> {
        let body = json!({"projectId": self.project, "name": name, "description": description});
        match self.calls.start(&["snapshots"], &body, "create snapshots").await? {
            Started::Yes(task) => {
                if let Ended::Badly(reason) = self.calls.finish(self.project, &task, "take a snapshot").await? {
                    return Ok(Taken::No(reason));
                }
            }
            // The task that nobody heard of may be under way.
            Started::Unknown(_) => self.calls.quiet(self.project).await?,
        }
        let missing = || {
            let detail = format!("the snapshot `{name}` that was taken is not in the list");
            self.calls.error(Failure::Incomplete { detail })
        };
        self.named(name).await?.map(Taken::Yes).ok_or_else(missing)
    }

    /// Removes one.
    pub(super) async fn remove(&self, id: &str) -> Result<(), TenantError> {
        self.calls.delete(&["snapshots", id], "delete snapshots").await
    }
}
