//! A snapshot of the whole project before a deployment changes its structure: for people, who may go back to it by hand.
//! That resets everything in the project, so nobody here ever does.

use super::super::TenantError;
use super::carry::Carrying;
use super::names;
use super::snapshots::{SNAPSHOTS_MAX, Snapshots, Taken};
use crate::config::Snapshot;

/// So many snapshots of ours are kept, the one that is taken included.
const KEPT_MAX: usize = 2;
const DESCRIPTION: &str = "The project before flowsync changed the structure of flows";

impl Carrying<'_> {
    /// Takes it, once a deployment. Where that is not possible, it goes without, with a warning.
    pub(super) async fn snapshot(&self) {
        if self.snapshot == Snapshot::Never {
            return;
        }
        let deployment = self.memory.deployment();
        let mut frozen_for = self.memory.frozen_for.lock().await;
        if frozen_for.replace(deployment.clone()) == Some(deployment) {
            return;
        }
        match self.take_snapshot().await {
            Ok(Ok(name)) => tracing::info!(snapshot = name, "the project is kept as it was"),
            Ok(Err(reason)) => tracing::warn!("no snapshot was taken before this deployment: {reason}"),
            Err(error) => tracing::warn!("no snapshot was taken before this deployment: {error}"),
        }
    }

    /// The name of the new snapshot, or why there is none. The oldest of ours make room.
    async fn take_snapshot(&self) -> Result<Result<String, String>, TenantError> {
        let snapshots = Snapshots { calls: self.reading.calls, project: self.reading.project_id };
        let there = snapshots.list().await?;
        let mut n_there = there.len();
        let mut ours: Vec<_> = there.into_iter().filter(|(_, head)| names::is_before(&head.name)).collect();
        ours.sort_by(|(_, one), (_, other)| one.created_at.total_cmp(&other.created_at));
        for (id, head) in ours.iter().take((ours.len() + 1).saturating_sub(KEPT_MAX)) {
            match snapshots.remove(id).await {
                Ok(()) => n_there -= 1,
                Err(error) => tracing::warn!(snapshot = head.name, "an old snapshot stays: {error}"),
            }
        }
        if n_there >= SNAPSHOTS_MAX {
            return Ok(Err(format!("the project has {n_there}, and takes no more")));
        }
        let name = self.memory.before();
        Ok(match snapshots.take(&name, DESCRIPTION).await? {
            Taken::Yes(_) => Ok(name),
            Taken::No(reason) => Err(reason),
        })
    }
}
