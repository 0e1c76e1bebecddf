//! From git and live to a plan that may be carried out, or the reason why it may not.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::try_join;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::time::Instant;

use super::desired::{load_texts, place_problems};
use super::unread::{set_aside, still_there};
use super::{BackTo, Engine, PassError, PassOptions, Seen};
use crate::config::Prune;
use crate::deploy::{Beside, Looked};
use crate::flow::{self, FlowId, ReferenceKind};
use crate::index::LiveReader;
use crate::local::LocalState;
use crate::plan::{self, Change, Desired, Last, Live, Lookup, Plan, Policy, Present, Step};
use crate::problem::{Problem, any_error};
use crate::record::{Manifest, QuarantineCause, Verdict};
use crate::source::Source;
use crate::tenant::{CallLimits, Export, Tenant};

/// How often a live state that moves is looked at before giving up.
const LOOKS_MAX: usize = 3;

/// A plan, and what a reviewer would want to hear about it.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The flows of git.
    pub desired: Arc<Desired>,
    /// The plan.
    pub plan: Plan,
    /// When the tenant was looked at for it.
    pub looked: Looked,
    /// What was live then of the flows that the plan does not write.
    pub beside: Beside,
    /// Errors and warnings, sorted.
    pub problems: Vec<Problem>,
    /// For a rollback: what it goes back to.
    pub back_to: Option<BackTo>,
}

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// Looks at the tenant and plans. Problems are in the result, errors among them too.
    pub async fn prepare(&self, desired: Arc<Desired>, manifest: Option<&Manifest>) -> Result<Prepared, PassError> {
        let mut last = self.records.last(manifest).await?;
        let set_aside = manifest.map(|manifest| set_aside(manifest, &desired)).unwrap_or_default();
        last.unread = set_aside.keys().map(|id| (*id).clone()).collect();
        let policy = Policy { target: &self.records.target, drift: self.policy.drift, prune: self.policy.prune };
        let mut prepared = self.prepare_with(desired, &last, policy).await?;
        let mut not_raised = versions_not_raised(&prepared.plan, manifest);
        place_problems(&*self.records.source, &prepared.desired, &mut not_raised).await?;
        prepared.problems.extend(not_raised);
        if self.policy.prune == Prune::Remove {
            let kept = set_aside.iter().filter(|(id, _)| prepared.plan.orphaned.contains(id));
            prepared.problems.extend(kept.map(|(id, path)| still_there(id, path)));
        }
        prepared.problems.sort();
        Ok(prepared)
    }

    /// Loads the texts of flows whose drift is only reported, for whoever wants to show it.
    pub async fn load_reported(&self, prepared: &mut Prepared) -> Result<(), PassError> {
        Ok(load_texts(&*self.records.source, prepared.plan.reported.iter_mut().filter_map(Change::after_mut)).await?)
    }

    /// The same for any state that is wanted, by any policy.
    pub(super) async fn prepare_with(
        &self,
        desired: Arc<Desired>,
        last: &Last,
        policy: Policy<'_>,
    ) -> Result<Prepared, PassError> {
        let limits = CallLimits::before_deployment();
        let reader = self.reader.unlike(&desired, last);
        let mut began = Instant::now();
        let (mut live, present) =
            try_join(self.live(&reader, &limits), self.present(plan::lookups(&desired, &self.records.target), &limits))
                .await?;
        let mut looked = Looked::since(began);
        let mut plan = plan::plan(&desired, &live, last, policy);
        for look in 1.. {
            let appears = appearing(&plan);
            if appears.is_empty() {
                break;
            }
            // An export is no snapshot: what is to be created or deleted is looked at twice.
            began = Instant::now();
            live = self.live(&reader, &limits).await?;
            looked = Looked::since(began);
            plan = plan::plan(&desired, &live, last, policy);
            if appearing(&plan) == appears {
                break;
            }
            if look == LOOKS_MAX {
                return Err(PassError::Unsettled("live flows come and go while they are looked at".into()));
            }
        }
        load_texts(&*self.records.source, plan.changes.iter_mut().filter_map(Change::after_mut)).await?;
        let mut problems = plan::missing(&desired, &live, &plan, &present, &self.records.target);
        if !problems.is_empty() {
            // Only now is it worth knowing where in its file each reference stands.
            let mut whole = (*desired).clone();
            let files: BTreeSet<String> = problems.iter().map(|problem| problem.place.file.clone()).collect();
            load_texts(&*self.records.source, whole.flows.values_mut().filter(|flow| files.contains(&flow.path)))
                .await?;
            problems = plan::missing(&whole, &live, &plan, &present, &self.records.target);
            place_problems(&*self.records.source, &desired, &mut problems).await?;
        }
        problems.extend(plan::unreadable(&plan));
        problems.sort();
        let beside = Beside::of(live.flows.values().map(Arc::as_ref), &plan.changes);
        Ok(Prepared { desired, plan, looked, beside, problems, back_to: None })
    }

    async fn live(&self, reader: &LiveReader, limits: &CallLimits) -> Result<Live, PassError> {
        let Export { flows, foreign } = self.tenant.export(&self.records.target, reader, limits).await?;
        Ok(Live {
            flows: flows.into_iter().map(|(id, definition)| (id, Arc::new(definition))).collect(),
            foreign: foreign.into_keys().collect(),
        })
    }

    /// Asks the tenant for lists.
    pub(super) async fn present(&self, lookups: BTreeSet<Lookup>, limits: &CallLimits) -> Result<Present, PassError> {
        stream::iter(lookups)
            .map(|(kind, environment)| async move {
                let ids = match kind {
                    ReferenceKind::Flow => {
                        let reader = self.reader.elsewhere();
                        let Export { flows, foreign } = self.tenant.export(&environment, &reader, limits).await?;
                        Some(flows.into_keys().map(|id| id.to_string()).chain(foreign.into_keys()).collect())
                    }
                    ReferenceKind::Intent => Some(self.tenant.intents(&environment, limits).await?),
                    ReferenceKind::Entity => Some(self.tenant.entities(&environment, limits).await?),
                    ReferenceKind::Variable => self.tenant.variables(&environment, limits).await?,
                };
                Ok(((kind, environment), ids))
            })
            .buffer_unordered(self.policy.concurrency.get())
            .try_collect()
            .await
    }

    /// Whether the plan may be carried out now.
    pub fn judge(&self, prepared: &Prepared, seen: &Seen, options: &PassOptions) -> Result<(), PassError> {
        let refused =
            |reason: String| PassError::Refused { reason, problems: prepared.problems.clone(), quarantined: false };
        let plan = &prepared.plan;
        check_references(prepared)?;
        let n_managed = seen.manifest.as_ref().map_or(0, |manifest| manifest.last_flows().len());
        let empty = prepared.desired.flows.is_empty();
        plan::check_deletes(plan.deletes().count(), n_managed, empty, self.policy.max_deletes, options.allow_deletes)
            .map_err(|error| refused(error.to_string()))?;
        match seen.manifest.as_ref() {
            Some(manifest) if !plan.changes.is_empty() && !options.retry => self.check_quarantine(manifest, plan),
            _ => Ok(()),
        }
    }

    fn check_quarantine(&self, manifest: &Manifest, plan: &Plan) -> Result<(), PassError> {
        let Some(quarantine) = &manifest.quarantine else {
            return Ok(());
        };
        let verdict = quarantine.verdict(&plan.flows_digest, &plan::drift_key(&plan.changes), self.now());
        let until = match verdict {
            Verdict::Free => return Ok(()),
            Verdict::Waiting(until) => format!("it is tried again after {until}, or with --retry"),
            Verdict::Held => "it is not tried again until the flows in git change, or with --retry".to_owned(),
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

/// The flows a plan creates or deletes: those whose absence or presence matters.
fn appearing(plan: &Plan) -> BTreeSet<(FlowId, bool)> {
    plan.changes
        .iter()
        .chain(&plan.reported)
        .filter(|change| !matches!(change.step, Step::Update { .. }))
        .map(|change| (change.id.clone(), matches!(change.step, Step::Create { .. })))
        .collect()
}

/// Warnings for flows whose content git changed without a higher version.
fn versions_not_raised(plan: &Plan, manifest: Option<&Manifest>) -> Vec<Problem> {
    let Some(last) = manifest.map(Manifest::last_flows) else {
        return Vec::new();
    };
    let warn = |change: &plan::Change| {
        let after = change.after()?;
        let before = last.get(&change.id)?;
        let place = plan::place_in(after, "/version");
        flow::version_not_raised(&after.definition, place, &before.version, before.content_hash)
    };
    plan.changes.iter().filter_map(warn).collect()
}
