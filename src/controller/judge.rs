//! Whether a plan may be carried out, and what says that it may not.

use super::approval::Approved;
use super::releases::objection;
use super::{Engine, PassError, PassOptions, Prepared, Seen};
use crate::local::LocalState;
use crate::plan::{self, Plan, ReleasePlan};
use crate::problem::any_error;
use crate::record::{Manifest, QuarantineCause, QuarantineVerdict};
use crate::source::Source;
use crate::tenant::Tenant;

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// Everything that may refuse a plan, what needs no look at git first.
    ///
    /// # Errors
    ///
    /// [`PassError::Refused`] by the first that does.
    pub(super) async fn weigh(
        &self,
        seen: &Seen,
        prepared: &Prepared,
        options: &PassOptions,
    ) -> Result<Approved, PassError> {
        self.judge(prepared, seen, options)?;
        if let Some(file) = &options.plan {
            self.check_bound(seen, &prepared.plan, file).await?;
        }
        self.approve(seen, &prepared.plan).await
    }

    /// What references, deletes and quarantine say of a plan.
    pub fn judge(&self, prepared: &Prepared, seen: &Seen, options: &PassOptions) -> Result<(), PassError> {
        let refused =
            |reason: String| PassError::Refused { reason, problems: prepared.problems.clone(), quarantined: false };
        let plan = &prepared.plan;
        check_references(prepared)?;
        self.check_time(prepared)?;
        let deletes = plan.deletes().map(|change| &change.id);
        plan::check_protected(deletes, &self.policy.protect, &options.allow_delete_protected)
            .map_err(|error| refused(error.to_string()))?;
        let n_managed = seen.manifest.as_ref().map_or(0, |manifest| manifest.last_flows().len());
        let empty = prepared.desired.flows.is_empty();
        plan::check_deletes(plan.deletes().count(), n_managed, empty, self.policy.max_deletes, options.allow_deletes)
            .map_err(|error| refused(error.to_string()))?;
        if let Some(reason) = prepared.release.as_ref().and_then(|release| objection(release, &plan.reported)) {
            return Err(refused(reason));
        }
        let releases = prepared.release.as_ref().is_some_and(ReleasePlan::is_due);
        match seen.manifest.as_ref() {
            Some(manifest) if (releases || !plan.changes.is_empty()) && !options.retry => {
                self.check_quarantine(manifest, plan)
            }
            _ => Ok(()),
        }
    }

    /// What is known to take longer than a deployment may is not begun.
    pub(super) fn check_time(&self, prepared: &Prepared) -> Result<(), PassError> {
        let costs = prepared.costs.values();
        let Some(most) = costs.clone().map(|cost| cost.per_5_minutes).next() else { return Ok(()) };
        // What is read back may be read together.
        let n_reads = costs.clone().map(|cost| cost.reads).max().unwrap_or_default();
        let n_requests = costs.map(|cost| cost.writes).sum::<usize>() + n_reads;
        plan::check_time(n_requests, most, self.policy.deploy_timeout).map_err(|error| PassError::Refused {
            reason: error.to_string(),
            problems: prepared.problems.clone(),
            quarantined: false,
        })
    }

    fn check_quarantine(&self, manifest: &Manifest, plan: &Plan) -> Result<(), PassError> {
        let Some(quarantine) = &manifest.quarantine else {
            return Ok(());
        };
        let verdict = quarantine.verdict(&plan.flows_digest, &plan::drift_key(&plan.changes), self.now());
        let until = match verdict {
            QuarantineVerdict::Free => return Ok(()),
            QuarantineVerdict::Waiting(until) => format!("it is tried again after {until:.0}, or with --retry"),
            QuarantineVerdict::Held => {
                "it is not tried again until the flows in git change, or with --retry".to_owned()
            }
        };
        let why = match quarantine.cause {
            QuarantineCause::Flow => "was refused by the tenant and rolled back",
            QuarantineCause::Transport => "failed on the way to the tenant and was rolled back",
            QuarantineCause::Incomplete => "failed and could not be wholly restored",
            QuarantineCause::Rollback => "was rolled back by a person",
        };
        let tries = if quarantine.attempts > 0 { format!(" (try {})", quarantine.attempts) } else { String::new() };
        let reason =
            format!("quarantined: deployment {} {why}{tries}: {}; {until}", manifest.deployment_id, quarantine.reason);
        Err(PassError::Refused { reason, problems: Vec::new(), quarantined: true })
    }
}

/// What the flows refer to must be there, and what they replace must be kept.
pub(super) fn check_references(prepared: &Prepared) -> Result<(), PassError> {
    let problems = &prepared.problems;
    if !any_error(problems) {
        return Ok(());
    }
    let n_errors = problems.iter().filter(|problem| problem.is_error()).count();
    let reason = format!("{n_errors} problem(s) in what the flows refer to or replace; nothing was written");
    Err(PassError::Refused { reason, problems: problems.clone(), quarantined: false })
}
