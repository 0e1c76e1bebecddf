//! Two writers that undo each other on one flow: noticed, and not fought.
//!
//! The memory is git's: every correction is a deployment whose manifest names `drift` as a flow's
//! cause, so that controllers, replicas and cron jobs count the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Engine, PassError, Seen};
use crate::clock::earlier;
use crate::flow::FlowId;
use crate::local::LocalState;
use crate::plan::{Cause, Plan};
use crate::record::{DeploymentId, FlowStatus, Manifest, ManifestFlow};
use crate::source::Source;
use crate::tenant::Tenant;

/// A flow corrected this often within [`WINDOW`] is left alone.
const CORRECTIONS_MAX: usize = 5;
const WINDOW: Duration = Duration::from_secs(10 * 60);

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// Takes the corrections of contested flows out of a plan, with an alarm for each.
    pub(super) async fn leave_contested(&self, seen: &Seen, plan: &mut Plan) -> Result<Vec<String>, PassError> {
        let drifting = |plan: &Plan| plan.changes.iter().any(|change| change.cause == Cause::Drift);
        let Some(tip) = seen.tips.records.as_ref().filter(|_| drifting(plan)) else {
            return Ok(Vec::new());
        };
        let since = earlier(self.now(), WINDOW);
        // Commits tell whole seconds.
        let committed = Some(earlier(since, Duration::from_secs(1)));
        let counted =
            self.records.fold_manifests(tip, committed, Corrections::default(), move |counted, _, manifest| {
                if manifest.generated_at >= since {
                    counted.add(manifest);
                }
            });
        let contested = counted.await?.contested();
        let (left, kept) = std::mem::take(&mut plan.changes)
            .into_iter()
            .partition(|change| change.cause == Cause::Drift && contested.contains(&change.id));
        plan.changes = kept;
        let left: Vec<_> = left;
        let alarm = |id: &FlowId| {
            format!(
                "`{id}` was corrected {CORRECTIONS_MAX} times in {} minutes and is different again: somebody else keeps \
                 writing it; it is left alone until they stop",
                WINDOW.as_secs() / 60
            )
        };
        let alarms = left.iter().map(|change| alarm(&change.id)).collect();
        plan.reported.extend(left);
        plan.bind(&self.records.target);
        Ok(alarms)
    }
}

/// How often each flow was corrected, one count a deployment.
#[derive(Default)]
struct Corrections {
    counted: BTreeSet<(DeploymentId, FlowId)>,
    counts: BTreeMap<FlowId, usize>,
}

impl Corrections {
    fn add(&mut self, manifest: Manifest) {
        let is_corrected = |flow: &ManifestFlow| {
            flow.cause.as_deref() == Some(Cause::Drift.as_str()) && flow.status == FlowStatus::Deployed
        };
        for flow in manifest.flows.into_iter().filter(is_corrected) {
            if self.counted.insert((manifest.deployment_id.clone(), flow.id.clone())) {
                *self.counts.entry(flow.id).or_default() += 1;
            }
        }
    }

    fn contested(self) -> BTreeSet<FlowId> {
        self.counts
            .into_iter()
            .filter(|(_, n_corrections)| *n_corrections >= CORRECTIONS_MAX)
            .map(|(id, _)| id)
            .collect()
    }
}
