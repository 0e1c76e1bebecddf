//! A pass that is bound to a plan file: exactly these changes are made, once, or none.
//!
//! That a plan was carried out stands in the manifest of the deployment that did it, so that every machine knows it.

use std::time::Duration;

use super::approval::entry;
use super::{Engine, PassError, Seen};
use crate::local::LocalState;
use crate::plan::Plan;
use crate::record::approval::{Entry, PlanFile};
use crate::record::{DeploymentId, Manifest, Status};
use crate::revision::CommitId;
use crate::source::Source;
use crate::tenant::Tenant;

/// Clocks of those who make plans and carry them out may differ by so much.
const SKEW_MAX: Duration = Duration::from_secs(24 * 3600);

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// Whether a plan is what a plan file says, and nobody has carried that out.
    ///
    /// # Errors
    ///
    /// [`PassError::Refused`] that says what differs, or which deployment has used it.
    pub(super) async fn check_bound(&self, seen: &Seen, plan: &Plan, file: &PlanFile) -> Result<(), PassError> {
        if let Some(deployment) = self.carried_out(seen, file).await? {
            return Err(self.records.refuse(format!(
                "the plan was carried out by deployment {deployment}, and a plan is carried out once; nothing was written. \
                 Make a new one with `flowsync plan --out`"
            )));
        }
        let changes: Vec<Entry> = plan.changes.iter().map(entry).collect();
        let stale = file.stale(&changes);
        if stale.is_empty() {
            return Ok(());
        }
        Err(self.records.refuse(format!(
            "the plan is stale, and nothing was written: {}. Make a new one with `flowsync plan --out`",
            stale.join("; ")
        )))
    }

    /// The deployment that has carried out a plan file.
    async fn carried_out(&self, seen: &Seen, file: &PlanFile) -> Result<Option<DeploymentId>, PassError> {
        let Some(records) = &seen.tips.records else { return Ok(None) };
        let (id, since) = (file.id.clone(), file.made.checked_sub(SKEW_MAX).ok());
        let step = move |found: &mut Option<DeploymentId>, _: &CommitId, manifest: Manifest| {
            if manifest.status() == Status::Deployed && manifest.bound_to.as_ref() == Some(&id) {
                *found = Some(manifest.deployment_id);
            }
        };
        self.records.fold_manifests(records, since, None, step).await
    }
}
