//! From git and live to a plan. Whether that may be carried out is judged elsewhere (`judge`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::try_join3;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::time::Instant;

use super::desired::{load_texts, place_problems};
use super::unread::{set_aside, still_there};
use super::{BackTo, Engine, PassError};
use crate::config::Prune;
use crate::deploy::{Beside, Looked};
use crate::flow::{self, BodyAbsent, ContentHash, FlowId, ReferenceKind};
use crate::index::LiveReader;
use crate::local::LocalState;
use crate::plan::{self, Change, Desired, Last, Live, Lookup, Plan, Policy, Present, ReleasePlan, Step};
use crate::problem::Problem;
use crate::record::Manifest;
use crate::release::Serving;
use crate::source::Source;
use crate::tenant::{CallLimits, Cost, Export, Tenant};

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
    /// What each change takes of the tenant, where its dialect tells.
    pub costs: BTreeMap<FlowId, Cost>,
    /// For a rollback: what it goes back to.
    pub back_to: Option<BackTo>,
    /// What callers are to meet; nothing where that is what is live.
    pub release: Option<ReleasePlan>,
    /// What callers met when that was planned.
    pub(super) serving: Option<Serving>,
    /// Live flows that nobody manages here, where they are part of a release.
    pub(super) others: Others,
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
        self.plan_release(&mut prepared, manifest);
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
        let looking_up = self.present(plan::lookups(&desired, &self.records.target), &limits);
        let (mut live, present, serving) = try_join3(self.live(&reader, &limits), looking_up, self.serving()).await?;
        let mut looked = Looked::since(began);
        let mut plan = plan::plan(&desired, &live, last, policy)?;
        for look in 1.. {
            let appears = appearing(&plan);
            if appears.is_empty() {
                break;
            }
            // An export is no snapshot: what is to be created or deleted is looked at twice.
            began = Instant::now();
            live = self.live(&reader, &limits).await?;
            looked = Looked::since(began);
            plan = plan::plan(&desired, &live, last, policy)?;
            if appearing(&plan) == appears {
                break;
            }
            if look == LOOKS_MAX {
                return Err(PassError::Unsettled("live flows come and go while they are looked at".into()));
            }
        }
        load_texts(&*self.records.source, plan.changes.iter_mut().filter_map(Change::after_mut)).await?;
        let mut problems = plan::missing(&desired, &live, &plan, &present, &self.records.target)?;
        if !problems.is_empty() {
            // Only now is it worth knowing where in its file each reference stands.
            let mut whole = (*desired).clone();
            let files: BTreeSet<String> = problems.iter().map(|problem| problem.place.file.clone()).collect();
            load_texts(&*self.records.source, whole.flows.values_mut().filter(|flow| files.contains(&flow.path)))
                .await?;
            problems = plan::missing(&whole, &live, &plan, &present, &self.records.target)?;
            place_problems(&*self.records.source, &desired, &mut problems).await?;
        }
        problems.extend(plan::unreadable(&plan));
        let mut costs = BTreeMap::new();
        for change in &plan.changes {
            let after = change.after().map(|flow| &*flow.definition);
            let objection = self.tenant.objection(change.before().map(Arc::as_ref), after);
            problems.extend(objection.map(|reason| plan::objection(change, reason)));
            let cost = self.tenant.estimate(change.before().map(Arc::as_ref), after);
            costs.extend(cost.map(|cost| (change.id.clone(), cost)));
        }
        problems.sort();
        let beside = Beside::of(live.flows.values(), &plan.changes);
        let others = if serving.is_some() { others(&live, &desired)? } else { Others::new() };
        Ok(Prepared { desired, plan, looked, beside, problems, costs, back_to: None, release: None, serving, others })
    }

    async fn live(&self, reader: &LiveReader, limits: &CallLimits) -> Result<Live, PassError> {
        let Export { flows, foreign } = self.tenant.export(&self.records.target, reader, limits).await?;
        Ok(Live { flows, foreign: foreign.into_keys().collect() })
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
}

/// Live flows that nobody manages here, with what people call them.
type Others = BTreeMap<FlowId, (String, ContentHash)>;

/// Live flows that git does not hold.
fn others(live: &Live, desired: &Desired) -> Result<Others, BodyAbsent> {
    let others = live.flows.iter().filter(|(id, _)| !desired.flows.contains_key(*id));
    others.map(|(id, flow)| Ok((id.clone(), (flow.definition()?.name.clone(), flow.content_hash())))).collect()
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
