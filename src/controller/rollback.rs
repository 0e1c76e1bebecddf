//! Going back on purpose: to the state before the newest deployment, or after a named one, as a
//! deployment of its own. What was left is quarantined, so that the loop does not bring it back until
//! the flows in git change.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::carry::Work;
use super::named::Named;
use super::prepare::check_references;
use super::report::{EnvironmentReport, SyncResult};
use super::{Engine, PassError, PassOptions, Prepared, Seen, read_desired};
use crate::config::{Drift, Prune};
use crate::flow::{Definition, FlowId};
use crate::local::LocalState;
use crate::plan::{self, Desired, DesiredFlow, Last, Policy};
use crate::record::{
    DEFINITION_BYTES_MAX, FlowAction, Kind, Manifest, ManifestFlow, Quarantine, QuarantineCause, Status,
};
use crate::revision::BlobId;
use crate::source::Source;
use crate::tenant::Tenant;

/// Flows by the blob that holds each.
type State = BTreeMap<FlowId, (BlobId, String)>;

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// Goes back. `to` is the id of the deployment whose state is wanted; without it, the state before
    /// the newest completed one.
    pub async fn rollback(&self, to: Option<&str>, options: &PassOptions) -> EnvironmentReport {
        match self.try_rollback(to, options).await {
            Ok(report) => report,
            Err(error) => self.report_of_error(error),
        }
    }

    async fn try_rollback(&self, to: Option<&str>, options: &PassOptions) -> Result<EnvironmentReport, PassError> {
        let _guard = self.local.lock()?;
        self.look(self.send_unsent()).await?;
        let mut options = options.clone();
        for start in 0..super::pass::STARTS_MAX {
            let tips = self.look(self.source.fetch()).await?;
            let seen = self.look(self.seen_at(tips, &options)).await?;
            options.take_over &= start == 0;
            if seen.interrupted {
                self.recover(&seen, &options).await?;
                continue;
            }
            let (wanted, back_to) = self.look(self.wanted_state(&seen, to)).await?;
            let prepared = self.look(self.prepare_state(&seen, &wanted)).await?;
            if prepared.plan.changes.is_empty() {
                let mut report = EnvironmentReport::new(&self.environment, SyncResult::InSync);
                report.commit = Some(seen.tips.flows.clone());
                return Ok(report);
            }
            let seen = self.look(self.quarantine_git(seen, &back_to)).await?;
            let mut plan = prepared.plan.clone();
            if let Some(quarantine) = seen.manifest.as_ref().and_then(|manifest| manifest.quarantine.as_ref()) {
                plan.flows_digest.clone_from(&quarantine.key);
            }
            if let Some(ledger) = self.begin(&seen, &plan, &prepared, Kind::Rollback).await? {
                return self.carry_out(ledger, Work::new(plan.changes, prepared.looked)).await;
            }
        }
        Err(PassError::Unsettled(format!("branch `{}` moves faster than it can be read", self.branch)))
    }

    /// The flows that are to be live, and the deployment they come from, in words.
    async fn wanted_state(&self, seen: &Seen, to: Option<&str>) -> Result<(State, String), PassError> {
        let (Some(newest), Some(tip)) = (&seen.manifest, &seen.tips.records) else {
            return Err(PassError::NotFound(format!("`{}` has no deployment to go back from", self.environment)));
        };
        let manifests = self.manifests(tip).await?;
        let completed = |id: &str| {
            manifests
                .iter()
                .map(|(_, manifest)| manifest)
                .find(|manifest| manifest.deployment_id.as_str() == id && manifest.status == Status::Deployed)
        };
        if let Some(to) = to {
            let target = completed(to).ok_or_else(|| self.unknown(to, &manifests))?;
            return Ok((after(target), format!("after deployment {to}")));
        }
        let id = newest.last_deployed.as_ref().map(|last| last.deployment_id.as_str()).unwrap_or_default();
        let last = completed(id).ok_or_else(|| self.unknown(id, &manifests))?;
        if last.kind == Kind::Adoption {
            return Err(PassError::NotFound(format!(
                "deployment {id} only wrote down what was live; there is no state before it"
            )));
        }
        Ok((before(last), format!("before deployment {id}")))
    }

    fn unknown(&self, id: &str, manifests: &[(crate::revision::CommitId, Manifest)]) -> PassError {
        let known: Vec<&str> = manifests
            .iter()
            .filter(|(_, manifest)| manifest.status == Status::Deployed)
            .map(|(_, manifest)| manifest.deployment_id.as_str())
            .take(5)
            .collect();
        let environment = &self.environment;
        PassError::NotFound(match (id, known.as_slice()) {
            ("", []) => format!("`{environment}` has no completed deployment to go back from"),
            (_, []) => format!("`{environment}` has no completed deployment `{id}`, nor any other"),
            _ => format!("`{environment}` has no completed deployment `{id}`; the newest are {}", known.join(", ")),
        })
    }

    /// Plans the way to a state. Limits on deletes do not apply; references must hold all the same.
    async fn prepare_state(&self, seen: &Seen, wanted: &State) -> Result<Prepared, PassError> {
        let desired = self.read_state(wanted).await?;
        let mut last: Last = self.last(seen.manifest.as_ref()).await?;
        // What only the state before held counts as managed: it may be created, updated or deleted.
        let zero = crate::flow::ContentHash([0; 32]);
        wanted.keys().for_each(|id| _ = last.flows.entry(id.clone()).or_insert(zero));
        let policy = Policy { target: &self.target, drift: Drift::Correct, prune: Prune::Remove };
        let prepared = self.prepare_with(Arc::new(desired), &last, policy).await?;
        check_references(&prepared)?;
        Ok(prepared)
    }

    async fn read_state(&self, wanted: &State) -> Result<Desired, PassError> {
        let texts = self.read_named(wanted.values().map(|(blob, _)| blob), DEFINITION_BYTES_MAX).await?;
        let mut desired = Desired::default();
        for (id, (blob, path)) in wanted {
            let text = texts.get(blob).and_then(Named::text).cloned().ok_or_else(|| {
                PassError::NotFound(format!("the earlier definition of `{id}` (blob {blob}) is not in git any more"))
            })?;
            // A previous definition may be one that nobody could read: it goes back as the bytes it was.
            let read = Definition::from_file(Arc::clone(&text), self.reader.comparison())
                .or_else(|_| Definition::from_live(&text, self.reader.comparison()));
            let definition = read.map_err(|error| {
                PassError::NotFound(format!("the earlier definition of `{id}` (blob {blob}) cannot be read: {error}"))
            })?;
            let flow = DesiredFlow { definition: Arc::new(definition), path: path.clone(), blob: Some(blob.clone()) };
            desired.flows.insert(id.clone(), flow);
        }
        Ok(desired)
    }

    /// Puts what git holds now into quarantine, in the manifest the rollback will be based on.
    async fn quarantine_git(&self, mut seen: Seen, back_to: &str) -> Result<Seen, PassError> {
        let (desired, _) = read_desired(&*self.source, &seen.tips.flows, self.reader.index()).await?;
        if let Some(manifest) = &mut seen.manifest {
            let key = plan::flows_digest(&desired);
            let earlier = manifest.quarantine.take().filter(|earlier| earlier.key == key);
            manifest.quarantine = Some(Quarantine {
                cause: QuarantineCause::Rollback,
                key,
                drift_only: false,
                // None where git was free: it is again, should the rollback fail.
                attempts: earlier.map_or(0, |earlier| earlier.attempts),
                until: None,
                flows: Vec::new(),
                reason: format!("went back to the state {back_to}"),
            });
        }
        Ok(seen)
    }
}

/// The flows a completed deployment left live.
fn after(manifest: &Manifest) -> State {
    let flow = |flow: &ManifestFlow| {
        let left = flow.action != FlowAction::Delete;
        Some((flow.id.clone(), (flow.blob.clone().filter(|_| left)?, flow.path.clone().unwrap_or_default())))
    };
    manifest.flows.iter().filter_map(flow).collect()
}

/// The flows that were live before a completed deployment.
fn before(manifest: &Manifest) -> State {
    let flow = |flow: &ManifestFlow| {
        let blob = match flow.action {
            FlowAction::None => flow.blob.clone(),
            // It was there, and what it was is not known: it stays.
            FlowAction::Create => flow.blob.clone().filter(|_| flow.existed),
            FlowAction::Update | FlowAction::Delete => flow.before.clone(),
        };
        Some((flow.id.clone(), (blob?, flow.path.clone().unwrap_or_default())))
    };
    manifest.flows.iter().filter_map(flow).collect()
}
